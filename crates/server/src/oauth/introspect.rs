//! `POST /oauth/introspect`: a resource server asks what a token is worth now (RFC 7662), in JSON or signed (RFC 9701).

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use countersign_domain::oauth::error::{TokenError, quotable};
use countersign_domain::oauth::introspection::{Introspection, SIGNED_MEDIA_TYPE, SIGNED_TYP, TokenKind};
use countersign_domain::oauth::presented_token::PresentedToken;
use countersign_domain::oauth::signing_key::SigningAlgorithm;
use countersign_domain::secret::Digest;
use countersign_store::StoreError;

use crate::enforce::remembered::Introspected;
use crate::http::error::{TokenRefusal, no_store};
use crate::oauth::back_channel::BackChannel;
use crate::oauth::standing::standing_of;

/// The endpoint. Only clients with credentials may ask.
pub async fn introspect(channel: BackChannel, request: Request) -> Response {
    match answer(&channel, request).await {
        Ok(mut response) => {
            no_store(&mut response);
            response
        }
        Err(refusal) => refusal.respond(&channel.app.origin),
    }
}

async fn answer(channel: &BackChannel, request: Request) -> Result<Response, TokenRefusal> {
    let (parts, body) = request.into_parts();
    let form = channel.form(&parts, body).await?;
    if let Some(name) = form.doubled() {
        return Err(TokenError::DoubledParameter(quotable(name)).into());
    }
    // RFC 7662 §2.1: the endpoint MUST require some form of authorization.
    let caller = channel.authenticate_with_credentials(&parts, &form).await?;
    let token = form.value("token").ok_or(TokenError::MissingParameter("token"))?;
    let (issuer, now) = (channel.app.origin.as_str(), channel.context.now);
    let known = match PresentedToken::read(token).digest() {
        Some(digest) => known(channel, digest).await?,
        None => None,
    };
    let told = match known {
        Some(known) => Introspection::of(&known.token, &caller, &known.standing, issuer, now),
        None => Introspection::INACTIVE,
    };
    // RFC 9701 §4: the caller says which form it wants.
    if !accepts(&parts.headers, SIGNED_MEDIA_TYPE) {
        return Ok(Json(told).into_response());
    }
    let claims = told.signed(&caller, issuer, now);
    let jwt = channel.app.signing_keys.sign(SigningAlgorithm::default(), SIGNED_TYP, &claims, now)?;
    Ok(([(header::CONTENT_TYPE, SIGNED_MEDIA_TYPE)], jwt).into_response())
}

/// What this node remembers of a token, or what the database says now. A refresh token is always asked for: its rotation ends it alone, which no other
/// decision depends on.
async fn known(channel: &BackChannel, digest: Digest) -> Result<Option<Arc<Introspected>>, StoreError> {
    let (app, store) = (&channel.app, channel.store());
    if let Some(known) = app.remembered.introspected(&digest, &app.store) {
        return Ok(Some(known));
    }
    // known before anything is read: what changes meanwhile makes this too old to be used again
    let number = app.store.authority_number();
    let Some(token) = store.known_token(&digest).await? else { return Ok(None) };
    let standing = standing_of(&store, &token).await?;
    let known = Arc::new(Introspected { token, standing });
    if known.token.kind == TokenKind::Access {
        app.remembered.keep_introspected(number, digest, Arc::clone(&known));
    }
    Ok(Some(known))
}

/// Whether the client asks for an answer of this media type.
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = values.flat_map(|value| value.split(','));
    ranges.any(|range| range.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(media_type)))
}
