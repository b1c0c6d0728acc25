//! WebSockets (RFC 6455): a tunnel opens only for operations that are marked so, only behind the upstream's 101, and it
//! closes when the call that opened it would not be allowed any more.

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Version, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::headers::connection_options;
use super::held::Held;
use crate::app::App;
use crate::config::Upstream;
use crate::enforce::check::{Ask, check, identify};
use crate::enforce::presented::Presented;
use crate::http::error::ApiError;

/// How often an open tunnel is decided again: twice within the bound of a revocation.
const DECIDED_AGAIN: Duration = Duration::from_millis(500);

/// The call that opened a tunnel.
pub(super) struct Opened {
    /// The answer, which holds a place among the upstream's calls.
    pub(super) _answer: Held,
    pub(super) app: App,
    pub(super) presented: Presented,
    pub(super) resource: String,
    pub(super) contract: String,
    pub(super) method: String,
    pub(super) target: String,
}

/// Whether a request asks for a WebSocket.
pub(super) fn is_asked_for(parts: &Parts) -> bool {
    parts.method == Method::GET && parts.version == Version::HTTP_11 && upgrades_to_websocket(&parts.headers)
}

/// Whether one of the protocols that `Upgrade` names is a WebSocket (RFC 6455 §4.1, RFC 9110 §7.8).
pub(in crate::enforce) fn upgrades_to_websocket(headers: &HeaderMap) -> bool {
    let protocols =
        headers.get_all(header::UPGRADE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    { protocols }.any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

/// Refuses a WebSocket for an operation that opens none.
///
/// # Errors
/// 400.
pub(in crate::enforce) fn check_operation(upstream: &Upstream, operation_id: &str) -> Result<(), ApiError> {
    match upstream.websockets.iter().any(|opening| opening == operation_id) {
        true => Ok(()),
        false => Err(ApiError::bad_request("this operation opens no WebSocket")),
    }
}

/// Holds a request for a WebSocket to RFC 6455 §4.2.1: what is no handshake to one reader must be none to any other.
///
/// # Errors
/// 400, or 426 for another version of the protocol.
pub(super) fn check_handshake(headers: &HeaderMap, has_body: bool) -> Result<(), ApiError> {
    let only = |name| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
    };
    if !only(header::UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case(b"websocket")) {
        return Err(ApiError::bad_request("Upgrade names more than `websocket`: ask for that alone"));
    }
    if !connection_options(headers).any(|option| option == "upgrade") {
        return Err(ApiError::bad_request("a WebSocket is asked for with `Connection: Upgrade`"));
    }
    if only(header::SEC_WEBSOCKET_KEY).is_none_or(<[u8]>::is_empty) {
        return Err(ApiError::bad_request("a WebSocket is asked for with one Sec-WebSocket-Key"));
    }
    if has_body {
        return Err(ApiError::bad_request("a request for a WebSocket has no body"));
    }
    match only(header::SEC_WEBSOCKET_VERSION) {
        Some(b"13") => Ok(()),
        _ => Err(ApiError::websocket_version()),
    }
}

/// Asks the next one for the same.
pub(super) fn ask(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// Carries bytes both ways until either side ends, or the call would be refused.
pub(super) async fn tunnel(client: OnUpgrade, upstream: OnUpgrade, opened: Opened) {
    let (client, upstream) = match tokio::try_join!(client, upstream) {
        Ok(sides) => sides,
        Err(error) => {
            tracing::info!(%error, "a tunnel did not open");
            return;
        }
    };
    tokio::select! {
        () = carry(client, upstream) => {}
        () = opened.until_refused() => tracing::info!(upstream.name = opened.contract, "a tunnel was closed: its call would be refused now"),
    }
}

async fn carry(client: Upgraded, upstream: Upgraded) {
    let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
    if let Err(error) = copy_bidirectional(&mut client, &mut upstream).await {
        tracing::debug!(%error, "a tunnel ended early");
    }
}

impl Opened {
    async fn until_refused(&self) {
        loop {
            tokio::time::sleep(DECIDED_AGAIN).await;
            if !self.is_allowed().await {
                return;
            }
        }
    }

    /// Whether it would be allowed now; not, where nobody can say.
    async fn is_allowed(&self) -> bool {
        let (contracts, now) = (self.app.contracts(), self.app.clock.now());
        let Some(contract) = contracts.named(&self.contract) else { return false };
        match identify(&self.app, &contracts, self.presented, &self.resource, now).await {
            Ok(asker) => {
                let ask = Ask { method: &self.method, target: self.target.as_bytes() };
                check(contract, &asker, &contracts, ask, now).is_ok()
            }
            Err(error) => {
                tracing::error!(%error, "an open tunnel cannot be decided again");
                false
            }
        }
    }
}
