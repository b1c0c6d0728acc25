//! Pooled connections to one upstream.

use std::collections::HashMap;
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

use crate::config::{TlsFiles, Upstream, UpstreamUrl};
use crate::tls;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: shorter than most servers do.
const IDLE: Duration = Duration::from_secs(30);
/// Most idle connections that are kept.
const MAX_IDLE: usize = 256;

/// The body of a request on its way to an upstream.
pub(super) type Sent = Either<Empty<Bytes>, Limited<Incoming>>;

/// Connections to every upstream that has an address, by its name.
#[derive(Clone, Default)]
pub(in crate::enforce) struct Connections(HashMap<String, Arc<UpstreamClient>>);

impl Connections {
    /// Makes none yet. Those of an upstream that is as it was `before` stay; where files are named, these may have changed.
    ///
    /// # Errors
    /// When certificates or keys that the configuration names cannot be used.
    pub(in crate::enforce) fn open(upstreams: &[Upstream], before: Option<&Self>) -> anyhow::Result<Self> {
        let mut clients = HashMap::new();
        for upstream in upstreams {
            let Some(url) = &upstream.url else { continue };
            let has_files = upstream.ca.is_some() || upstream.client_tls.is_some();
            let kept = before.and_then(|before| before.0.get(&upstream.name));
            let client = match kept.filter(|client| client.url == *url && !client.has_files && !has_files) {
                Some(kept) => Arc::clone(kept),
                None => Arc::new(UpstreamClient::new(url, upstream.ca.as_deref(), upstream.client_tls.as_ref())?),
            };
            clients.insert(upstream.name.clone(), client);
        }
        Ok(Self(clients))
    }

    /// Those to one upstream.
    pub(super) fn to(&self, upstream: &Upstream) -> Option<&UpstreamClient> {
        self.0.get(&upstream.name).map(Arc::as_ref)
    }
}

/// Connections to one upstream. A connection is used again only after an exchange that ended cleanly.
pub(super) struct UpstreamClient {
    client: Client<HttpsConnector<HttpConnector>, Sent>,
    url: UpstreamUrl,
    has_files: bool,
}

impl UpstreamClient {
    /// Makes none yet.
    ///
    /// # Errors
    /// When certificates or key cannot be used.
    pub(super) fn new(url: &UpstreamUrl, ca: Option<&Path>, own: Option<&TlsFiles>) -> anyhow::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(ca, own)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            .build(connector);
        Ok(Self { client, url: url.clone(), has_files: ca.is_some() || own.is_some() })
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
