//! OTLP 1 over HTTP, as protobuf: one request for many items, and what the receiver says of them.
//!
//! Why this is ours: `docs/decisions/0027-what-a-server-tells.md`.

use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderValue, Request, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use prost::Message;
use tokio::time::{sleep, timeout};

use super::messages::{
    ExportLogs, ExportTraces, Exported, LogRecord, Resource, ResourceLogs, ResourceSpans, Scope, ScopeLogs, ScopeSpans,
    Span, text,
};
use crate::config::Telemetry;
use crate::enforce::gateway::tls;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long is waited before what may succeed later is sent again.
const AGAIN_AFTER: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1_024;

/// What can be sent: one kind of telemetry.
pub trait Signal: Sized + Send + 'static {
    /// As metrics name it.
    const NAME: &'static str;
    /// Where its requests go, behind the receiver's address.
    const PATH: &'static str;
    /// Items that may wait.
    const QUEUE: usize;

    /// One request with all of them.
    fn request(items: Vec<Self>, resource: Resource, scope: Scope) -> Vec<u8>;
}

impl Signal for Span {
    const NAME: &'static str = "traces";
    const PATH: &'static str = "/v1/traces";
    const QUEUE: usize = 8_192;

    fn request(spans: Vec<Self>, resource: Resource, scope: Scope) -> Vec<u8> {
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans }];
        let resource_spans = vec![ResourceSpans { resource: Some(resource), scope_spans }];
        ExportTraces { resource_spans }.encode_to_vec()
    }
}

impl Signal for LogRecord {
    const NAME: &'static str = "logs";
    const PATH: &'static str = "/v1/logs";
    /// As many as wait for the decision log's file.
    const QUEUE: usize = 65_536;

    fn request(log_records: Vec<Self>, resource: Resource, scope: Scope) -> Vec<u8> {
        let scope_logs = vec![ScopeLogs { scope: Some(scope), log_records }];
        let resource_logs = vec![ResourceLogs { resource: Some(resource), scope_logs }];
        ExportLogs { resource_logs }.encode_to_vec()
    }
}

/// A receiver, for one kind of telemetry.
pub struct Destination {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: Uri,
    service_name: String,
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No answer.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// Another status than 200.
    #[error("answered with {0}")]
    Status(StatusCode),
}

impl SendError {
    /// Whether the same may succeed later (OTLP 1, "Failures").
    fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }
}

impl Destination {
    /// Where telemetry of the kind `T` goes; `None` where none is sent.
    ///
    /// # Errors
    /// When the file of certificates cannot be used.
    pub fn of<T: Signal>(config: &Telemetry) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = &config.endpoint else { return Ok(None) };
        Ok(Some(Self {
            client: client(config.ca.as_deref())?,
            address: endpoint.of_signal(T::PATH).parse()?,
            service_name: config.service_name.clone(),
        }))
    }

    /// Sends them, again where that may help; how many the receiver did not take.
    ///
    /// # Errors
    /// When it took none.
    pub async fn send<T: Signal>(&self, items: Vec<T>) -> Result<u64, SendError> {
        let body = Bytes::from(T::request(items, self.resource(), scope()));
        for wait in AGAIN_AFTER {
            match self.post(body.clone()).await {
                Err(error) if error.may_pass() => sleep(wait).await,
                answered => return answered.map(|answer| refused(T::NAME, answer)),
            }
        }
        self.post(body).await.map(|answer| refused(T::NAME, answer))
    }

    async fn post(&self, body: Bytes) -> Result<Bytes, SendError> {
        let mut request = Request::post(self.address.clone()).body(Full::new(body)).map_err(unreachable)?;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let exchange = async {
            let answer = self.client.request(request).await.map_err(unreachable)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(unreachable)?;
            if status == StatusCode::OK { Ok(body.to_bytes()) } else { Err(SendError::Status(status)) }
        };
        timeout(TIMEOUT, exchange).await.unwrap_or_else(|late| Err(unreachable(late)))
    }

    /// Who tells.
    fn resource(&self) -> Resource {
        let attributes =
            vec![text("service.name", self.service_name.clone()), text("service.version", env!("CARGO_PKG_VERSION"))];
        Resource { attributes }
    }
}

/// How many the receiver did not take of what it answered so.
fn refused(signal: &'static str, answer: Bytes) -> u64 {
    match Exported::decode(answer).ok().and_then(|exported| exported.partial_success) {
        Some(partial) if partial.rejected > 0 => {
            tracing::debug!(signal, ?partial, "a receiver did not take all of what was sent");
            partial.rejected.unsigned_abs()
        }
        _ => 0,
    }
}

fn unreachable(error: impl std::fmt::Display) -> SendError {
    SendError::Unreachable(error.to_string())
}

fn scope() -> Scope {
    Scope { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

fn client(ca: Option<&Path>) -> anyhow::Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(TIMEOUT));
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls(ca, None)?).https_or_http().enable_http1().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector))
}
