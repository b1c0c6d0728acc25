//! WebSockets (RFC 6455): a tunnel opens only for operations that are marked so, only behind the upstream's 101, and it
//! closes when the call that opened it would not be allowed any more.

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Version, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::shares::Share;
use crate::app::App;
use crate::enforce::check::{Ask, check, identify};
use crate::enforce::presented::Presented;

/// How often an open tunnel is decided again: twice within the bound of a revocation.
const DECIDED_AGAIN: Duration = Duration::from_millis(500);

/// The call that opened a tunnel.
pub(super) struct Opened {
    /// Its place among the upstream's calls.
    pub(super) _share: Share,
    pub(super) app: App,
    pub(super) presented: Presented,
    pub(super) resource: String,
    pub(super) contract: String,
    pub(super) method: String,
    pub(super) target: String,
}

/// Whether a request asks for a WebSocket (RFC 6455 §4.1).
pub(super) fn is_asked_for(parts: &Parts) -> bool {
    let is_websocket = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && parts.headers.get(header::UPGRADE).is_some_and(is_websocket)
        && parts.headers.contains_key(header::SEC_WEBSOCKET_KEY)
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
