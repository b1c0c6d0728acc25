//! The endpoint of pushed authorization requests (RFC 9126): authenticate the client, check the request as the
//! authorization endpoint would, keep it, answer with a reference.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use countersign_decision::Scope;
use countersign_domain::oauth::authorize::{UnredirectableError, Way, check_way};
use countersign_domain::oauth::error::{ErrorCode, TokenError};
use countersign_domain::oauth::pushed_request::{PUSHED_REQUEST_SECONDS, PushedResponse, push};
use countersign_domain::oauth::request_object::unfold;
use countersign_domain::oauth::resource::requested;

use crate::http::dpop::DPOP;
use crate::http::error::TokenRefusal;
use crate::oauth::asked::{NO_HINT, hinted_user};
use crate::oauth::back_channel::{BackChannel, ProvenRequest};

/// `POST /oauth/par`
pub async fn par(channel: BackChannel, request: Request) -> Response {
    let sends_proofs = request.headers().contains_key(DPOP);
    let answer = answer(&channel, request).await;
    channel.respond(StatusCode::CREATED, answer, sends_proofs)
}

async fn answer(channel: &BackChannel, request: Request) -> Result<PushedResponse, TokenRefusal> {
    let ProvenRequest { form, client, key } = channel.proven(request).await?;
    let contracts = channel.app.contracts();
    let is_known = |scope: &Scope| contracts.catalogue().scope_index(scope.as_str()).is_some();
    let (now, entropy) = (channel.context.now, channel.app.entropy.as_ref());
    let unfolded = unfold(&form, &client, channel.app.origin.as_str(), now);
    let inside = unfolded.map_err(|error| refusal(error.into()))?;
    check_way(&client, Way { is_pushed: true, is_signed: inside.is_some() }).map_err(refusal)?;
    let request = inside.as_ref().unwrap_or(&form);
    let resources = requested(request).map_err(TokenError::from)?;
    channel.app.check_resources(&resources).await?.map_err(TokenError::from)?;
    let hint = request.value("id_token_hint");
    let pushed = push(request, &client, key, &is_known, now, entropy);
    let (response, kept) = pushed.map_err(|(code, description)| TokenRefusal::Request { code, description })?;
    // RFC 9126 §2.1: validated as it would be at the authorization endpoint
    if hint.is_some_and(|hint| hinted_user(&channel.app, hint, &client).is_none()) {
        return Err(TokenRefusal::Request { code: ErrorCode::InvalidRequest, description: NO_HINT.to_owned() });
    }
    if channel.store().save_pushed_request(&kept).await? {
        Ok(response)
    } else {
        Err(TokenRefusal::TooMany { wait_seconds: PUSHED_REQUEST_SECONDS })
    }
}

fn refusal(error: UnredirectableError) -> TokenRefusal {
    TokenRefusal::Request { code: error.code(), description: error.to_string() }
}
