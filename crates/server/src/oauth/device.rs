//! The device authorization endpoint (RFC 8628 §3.1, §3.2): authenticate the client, check what it asks for, keep it, answer
//! with a code for the device and one for a person.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use countersign_decision::Scope;
use countersign_domain::oauth::device_authorization::{DEVICE_CODE_SECONDS, DeviceCode, DeviceRequest, DeviceResponse};
use countersign_domain::oauth::error::TokenError;
use countersign_store::token::DeviceCodeSaved;

use crate::http::dpop::DPOP;
use crate::http::error::TokenRefusal;
use crate::oauth::back_channel::{BackChannel, ProvenRequest};

/// Where people enter the code; short, because people type it.
const VERIFICATION_PATH: &str = "/device";
/// How often a new user code is made where another device has the same: of 25 billion, few are taken.
const TRIES: u32 = 5;

/// `POST /oauth/device`
pub async fn device(channel: BackChannel, request: Request) -> Response {
    let sends_proofs = request.headers().contains_key(DPOP);
    let answer = answer(&channel, request).await;
    channel.respond(StatusCode::OK, answer, sends_proofs)
}

async fn answer(channel: &BackChannel, request: Request) -> Result<DeviceResponse, TokenRefusal> {
    let ProvenRequest { form, client, key } = channel.proven(request).await?;
    let contracts = channel.app.contracts();
    let is_known = |scope: &Scope| contracts.catalogue().scope_index(scope.as_str()).is_some();
    let request = DeviceRequest::read(&form, &client, key, &is_known)?;
    channel.app.check_resources(&request.resources).await?.map_err(TokenError::from)?;

    let verification_uri = format!("{}{VERIFICATION_PATH}", channel.app.origin);
    let (now, entropy) = (channel.context.now, channel.app.entropy.as_ref());
    for _ in 0..TRIES {
        let (response, record) = DeviceCode::issue(request.clone(), &client, &verification_uri, now, entropy);
        match channel.store().save_device_code(&record).await? {
            DeviceCodeSaved::Kept => return Ok(response),
            DeviceCodeSaved::UserCodeTaken => {}
            DeviceCodeSaved::TooMany => break,
        }
    }
    Err(TokenRefusal::TooMany { wait_seconds: DEVICE_CODE_SECONDS })
}
