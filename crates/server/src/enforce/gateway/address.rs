//! One address of an upstream: how it does, and the connections to it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;

use super::client::uri;
use super::health::Health;
use super::lines::{Connector, Failed, IDLE, Line, Lines, Sent};
use crate::config::UpstreamUrl;

/// The longest that an answer to a check is waited for.
const CHECK: Duration = Duration::from_secs(5);

/// One address of an upstream.
pub(super) struct Address {
    /// `host[:port]`.
    pub(super) authority: String,
    /// The same, as requests name it.
    pub(super) host: HeaderValue,
    /// Whether it is up.
    pub(super) health: Health,
    lines: Lines,
}

impl Address {
    /// One that nothing bad is known of.
    ///
    /// # Errors
    /// When it is none that HTTP can name.
    pub(super) fn new(url: &UpstreamUrl, connector: Connector) -> anyhow::Result<Self> {
        let to = Uri::try_from(url.to_string()).with_context(|| format!("{url} is no address of an upstream"))?;
        Ok(Self {
            host: HeaderValue::try_from(url.authority.as_str())?,
            authority: url.authority.clone(),
            health: Health::new(url.clone()),
            lines: Lines::new(connector, to),
        })
    }

    /// Sends a request there; the answer comes with the connection to drive, unless that has a task of its own.
    ///
    /// # Errors
    /// When no answer begins.
    pub(super) async fn send(
        &self,
        request: Request<Sent>,
        is_websocket: bool,
    ) -> Result<(Response<Incoming>, Option<Line>), Failed> {
        if is_websocket {
            return Ok((Box::pin(self.lines.send_to_upgrade(request)).await?, None));
        }
        let (response, line) = self.lines.send(request).await?;
        Ok((response, Some(line)))
    }

    /// Takes a connection back whose answer has come whole.
    pub(super) fn take_back(&self, line: Line) {
        self.lines.keep(line);
    }

    async fn is_healthy(&self, path: &str, patience: Duration) -> bool {
        let Some(uri) = uri(path) else { return false };
        let mut request = Request::new(Either::Left(Empty::new()));
        *request.uri_mut() = uri;
        request.headers_mut().insert(header::HOST, self.host.clone());
        let answer = tokio::time::timeout(patience, self.lines.send(request)).await;
        matches!(answer, Ok(Ok((response, _))) if response.status().is_success())
    }
}

/// Asks an address for `path`, again and again.
pub(super) async fn check(address: Arc<Address>, path: String, every: Duration) {
    loop {
        address.health.checked(address.is_healthy(&path, every.min(CHECK)).await);
        tokio::time::sleep(every).await;
    }
}

/// Closes connections to an address that nobody uses, again and again.
pub(super) async fn close_idle(address: Arc<Address>) {
    loop {
        tokio::time::sleep(IDLE).await;
        address.lines.close_idle();
    }
}
