//! `POST /oauth/revoke`: a client gives a token back (RFC 7009).
//!
//! A token's whole family ends with it, whichever token is given back: the access tokens with a refresh token (§2.1 MUST
//! where they can be), and the refresh token with an access token (§2.1 MAY): whoever gives one back means the sign-in.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use countersign_domain::oauth::error::{TokenError, quotable};
use countersign_domain::oauth::presented_token::PresentedToken;

use crate::http::error::{TokenRefusal, no_store};
use crate::oauth::back_channel::BackChannel;

/// The endpoint.
pub async fn revoke(channel: BackChannel, request: Request) -> Response {
    match answer(&channel, request).await {
        Ok(()) => {
            let mut response = StatusCode::OK.into_response();
            no_store(&mut response);
            response
        }
        Err(refusal) => refusal.respond(&channel.app.origin),
    }
}

async fn answer(channel: &BackChannel, request: Request) -> Result<(), TokenRefusal> {
    let (parts, body) = request.into_parts();
    let form = channel.form(&parts, body).await?;
    if let Some(name) = form.doubled() {
        return Err(TokenError::DoubledParameter(quotable(name)).into());
    }
    let client = channel.authenticate(&parts, &form).await?.client;
    let token = form.value("token").ok_or(TokenError::MissingParameter("token"))?;
    match PresentedToken::read(token) {
        // RFC 7009 §2.1: verify that the token was issued to the client; one of another client stays, without a word.
        PresentedToken::Access(digest) | PresentedToken::Refresh(digest) => {
            if channel.store().revoke_token(&digest, &client.id).await? {
                tracing::info!(client.id = %client.id, "an app gave its tokens back");
            }
            Ok(())
        }
        // RFC 7009 §2.2.1
        PresentedToken::OtherSecret => Err(TokenError::UnsupportedTokenType.into()),
        // RFC 7009 §2.2: invalid tokens do not cause an error; the client cannot do anything about it.
        PresentedToken::Unknown => Ok(()),
    }
}
