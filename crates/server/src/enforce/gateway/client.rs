//! Pooled connections to one upstream.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, Response, Uri, uri};
use bytes::Bytes;
use http_body_util::{Either, Empty, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::{TlsFiles, UpstreamUrl};
use crate::telemetry::connections::{CountedConnector, UpstreamCounts};
use crate::telemetry::exchange::Callee;
use crate::tls;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: shorter than most servers do.
const IDLE: Duration = Duration::from_secs(30);
/// Most idle connections that are kept.
const MAX_IDLE: usize = 256;

/// The body of a request on its way to an upstream.
pub(super) type Sent = Either<Empty<Bytes>, Limited<Incoming>>;

/// Connections to one upstream. A connection is used again only after an exchange that ended cleanly.
pub(super) struct UpstreamClient {
    client: Client<HttpsConnector<CountedConnector<HttpConnector>>, Sent>,
    url: UpstreamUrl,
    counts: Arc<UpstreamCounts>,
}

impl UpstreamClient {
    /// Makes none yet.
    ///
    /// # Errors
    /// When certificates or key cannot be used.
    pub(super) fn new(
        url: &UpstreamUrl,
        ca: Option<&Path>,
        own: Option<&TlsFiles>,
        counts: Arc<UpstreamCounts>,
    ) -> anyhow::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(ca, own)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(CountedConnector::new(tcp, Arc::clone(&counts)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            .build(connector);
        Ok(Self { client, url: url.clone(), counts })
    }

    /// How it is told of, by its name here.
    pub(super) fn callee<'a>(&'a self, name: &'a str) -> Callee<'a> {
        Callee { counts: &self.counts, name, authority: &self.url.authority }
    }

    /// The address of a target at this upstream; `None` for one whose bytes would change on the way.
    pub(super) fn address(&self, target: &str) -> Option<Uri> {
        let scheme = if self.url.is_https { uri::Scheme::HTTPS } else { uri::Scheme::HTTP };
        let uri =
            Uri::builder().scheme(scheme).authority(self.url.authority.as_str()).path_and_query(target).build().ok()?;
        uri.path_and_query().is_some_and(|read| read.as_str() == target).then_some(uri)
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When there is no answer. Only a request that was not begun with is sent again, on another connection.
    pub(super) async fn send(&self, request: Request<Sent>) -> Result<Response<Incoming>, Error> {
        self.client.request(request).await
    }
}

/// How TLS is spoken with upstreams: trusted by `ca` alone or by the public authorities, and known by `own`.
///
/// # Errors
/// When a file cannot be used.
pub(crate) fn tls(ca: Option<&Path>, own: Option<&TlsFiles>) -> anyhow::Result<ClientConfig> {
    let roots = match ca {
        None => tls::public_roots(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            tls::add_roots(&mut roots, file)?;
            roots
        }
    };
    tls::client_config(roots, own)
}
