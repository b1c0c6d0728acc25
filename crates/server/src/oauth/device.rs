//! The device authorization endpoint (RFC 8628 §3.1, §3.2): authenticate the client, check what it asks for, keep it, answer
//! with a code for the device and one for a person.

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use countersign_decision::Scope;
use countersign_domain::oauth::device_authorization::{DEVICE_CODE_SECONDS, DeviceCode, DeviceRequest, DeviceResponse};
use countersign_domain::oauth::error::TokenError;
use countersign_store::token::DeviceCodeSaved;

use crate::http::dpop::DPOP;
use crate::http::error::{TokenRefusal, no_store};
use crate::oauth::back_channel::{BackChannel, ProvenClient};

/// Where people enter the code; short, because people type it.
const VERIFICATION_PATH: &str = "/device";
/// How often a new user code is made where another device has the same: of 25 billion, few are taken.
const TRIES: u32 = 5;

/// `POST /oauth/device`
pub async fn device(channel: BackChannel, request: Request) -> Response {
    let sends_proofs = request.headers().contains_key(DPOP);
    let response = match answer(&channel, request).await {
        Ok(answer) => {
            let mut response = Json(answer).into_response();
            no_store(&mut response);
            response
        }
        Err(refusal) => refusal.respond(&channel.app.origin),
    };
    channel.finish(response, sends_proofs)
}

async fn answer(channel: &BackChannel, request: Request) -> Result<DeviceResponse, TokenRefusal> {
    let (parts, body) = request.into_parts();
    let form = channel.form(&parts, body).await?;
    let ProvenClient { client, certificate } = channel.authenticate(&parts.headers, &form).await?;
    let proven_key = channel.possession(&parts, certificate.as_ref()).await?.key;
    let contracts = channel.app.contracts();
    let is_known = |scope: &Scope| contracts.catalogue().scope_index(scope.as_str()).is_some();
    let request = DeviceRequest::read(&form, &client, proven_key, &is_known)?;
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
