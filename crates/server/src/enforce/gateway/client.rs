//! Sending calls on to the upstreams, and what is sent again when a connection fails.
//!
//! A request is sent again in two cases, and in no other:
//!
//! - no connection could be made: nobody has heard of it. It goes to another address, with its body.
//! - its connection broke before an answer, it has no body, and its method is idempotent (RFC 9110 §9.2.2): whoever may have
//!   acted on it acts once more with the same effect. Once; most often an upstream had closed an idle connection.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use countersign_domain::id::OrganizationId;
use http_body_util::{Either, Empty, Limited};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::address::{self, Address};
use super::headers::Head;
use super::held::Held;
use super::lent::Lender;
use super::lines::{Connector, Failed, Sent};
use super::shares::Shares;
use crate::app::App;
use crate::config::{TlsFiles, Upstream, UpstreamUrl};
use crate::http::now::RequestContext;
use crate::telemetry::connections::{self, CountedConnector, UpstreamCounts};
use crate::telemetry::exchange::{Callee, Exchange};
use crate::telemetry::metrics::Metrics;
use crate::tls;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// Connections to every upstream that has an address, by its name.
#[derive(Clone, Default)]
pub(in crate::enforce) struct Connections(HashMap<String, Arc<UpstreamClient>>);

/// Connections to one upstream. A connection is used again only after an exchange that ended cleanly.
pub(super) struct UpstreamClient {
    addresses: Vec<Arc<Address>>,
    /// Which address is next.
    turn: AtomicUsize,
    shares: Shares,
    started: Instant,
    made_of: Upstream,
    counts: Arc<UpstreamCounts>,
    /// Checks of health, and the end of what is idle for long.
    _tasks: JoinSet<()>,
}

/// A request that goes on.
pub(super) struct Outgoing<'a> {
    /// Whose call it is, where that is known.
    pub(super) organization: Option<&'a OrganizationId>,
    pub(super) method: &'a Method,
    pub(super) target: &'a str,
    pub(super) head: Head<'a>,
    /// Absent where there is none.
    pub(super) body: Option<Lender<Limited<Incoming>>>,
    /// Whether it becomes a tunnel: such a request is sent once.
    pub(super) is_websocket: bool,
    /// The call that it is sent for.
    pub(super) whose: (&'a App, &'a RequestContext),
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The bytes of the target would change on the way.
    Unsendable,
    /// It has as many calls as it may have, or as many of one organization.
    Busy,
    /// No address is up.
    NoneHealthy,
    /// None began in time.
    Overdue,
    /// No connection, or one that broke.
    Failed(Failed),
}

impl Connections {
    /// Makes none yet. Those of an upstream that is as it was `before` stay; where files are named, these may have changed.
    ///
    /// # Errors
    /// When certificates or keys that the configuration names cannot be used.
    pub(in crate::enforce) fn open(
        upstreams: &[Upstream],
        before: Option<&Self>,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let mut clients = HashMap::new();
        for upstream in upstreams.iter().filter(|upstream| upstream.addresses().next().is_some()) {
            let has_files = upstream.ca.is_some() || upstream.client_tls.is_some();
            let kept = before.and_then(|before| before.0.get(&upstream.name));
            let client = match kept.filter(|client| client.made_of == *upstream && !has_files) {
                Some(kept) => Arc::clone(kept),
                None => Arc::new(UpstreamClient::new(upstream, metrics.upstream(&upstream.name))?),
            };
            clients.insert(upstream.name.clone(), client);
        }
        Ok(Self(clients))
    }

    /// Of each upstream that has an address, how many are up and how many are not.
    pub(in crate::enforce) fn addresses(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.0.iter().map(|(name, client)| {
            let up = client.addresses.iter().filter(|address| address.health.is_up()).count();
            (name.as_str(), up, client.addresses.len() - up)
        })
    }

    /// Those to one upstream.
    pub(super) fn to(&self, upstream: &Upstream) -> Option<&UpstreamClient> {
        self.0.get(&upstream.name).map(Arc::as_ref)
    }
}

impl UpstreamClient {
    fn new(upstream: &Upstream, counts: Arc<UpstreamCounts>) -> anyhow::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.enforce_http(false);
        let connector: Connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(upstream.ca.as_deref(), upstream.client_tls.as_ref())?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(CountedConnector::new(tcp, Arc::clone(&counts)));
        let address = |url: &UpstreamUrl| Address::new(url, connector.clone()).map(Arc::new);
        let addresses = upstream.addresses().map(address).collect::<anyhow::Result<Vec<_>>>()?;
        let mut tasks = JoinSet::new();
        for address in &addresses {
            tasks.spawn(address::close_idle(Arc::clone(address)));
            if let Some(path) = &upstream.health_path {
                let every = Duration::from_secs(upstream.health_interval_seconds.get());
                tasks.spawn(address::check(Arc::clone(address), path.as_str().to_owned(), every));
            }
        }
        Ok(Self {
            addresses,
            turn: AtomicUsize::new(0),
            shares: Shares::default(),
            started: Instant::now(),
            made_of: upstream.clone(),
            counts,
            _tasks: tasks,
        })
    }

    /// Sends a request to an address that is up, until `deadline`.
    ///
    /// # Errors
    /// When there is no answer.
    pub(super) async fn send(&self, outgoing: Outgoing<'_>, deadline: Instant) -> Result<Response<Held>, Unanswered> {
        let most = self.made_of.calls_at_a_time;
        let share = self.shares.take(outgoing.organization, most).ok_or(Unanswered::Busy)?;
        let (mut unreachable, mut is_again) = (Vec::new(), false);
        let mut why = Unanswered::NoneHealthy;
        while let Some(index) = self.pick(&unreachable) {
            let address = &self.addresses[index];
            // a body that is gone went to somebody
            let Some(body) = outgoing.sent() else { return Err(why) };
            let mut request = outgoing.request(address, body)?;
            if !matches!(why, Unanswered::NoneHealthy) {
                self.counts.retries.add();
            }
            let exchange = self.exchange(&outgoing, address, request.headers_mut());
            let error = match timeout_at(deadline, address.send(request, outgoing.is_websocket)).await {
                Ok(Ok((response, line))) => {
                    exchange.answered(response.status());
                    address.health.works();
                    return Ok(response.map(|body| Held::new(body, line.zip(Some(Arc::clone(address))), share)));
                }
                Ok(Err(error)) => {
                    exchange.unanswered(connections::Unanswered::Failed);
                    error
                }
                Err(_) => {
                    exchange.unanswered(connections::Unanswered::TimedOut);
                    // a body may have been slow to come: that says nothing of the upstream
                    if outgoing.body.is_none() {
                        address.health.fails(self.started.elapsed());
                    }
                    return Err(Unanswered::Overdue);
                }
            };
            if matches!(error, Failed::Unreachable(_)) {
                address.health.fails(self.started.elapsed());
                unreachable.push(index);
            } else if outgoing.body.is_none() && is_broken(&error) {
                address.health.fails(self.started.elapsed());
                if is_again || !outgoing.may_be_repeated() {
                    return Err(Unanswered::Failed(error));
                }
                is_again = true;
            } else {
                return Err(Unanswered::Failed(error));
            }
            why = Unanswered::Failed(error);
        }
        Err(why)
    }

    /// One try of a request, as metrics and traces tell of it.
    fn exchange<'a>(&'a self, outgoing: &Outgoing<'a>, address: &'a Address, headers: &mut HeaderMap) -> Exchange<'a> {
        let (app, context) = outgoing.whose;
        let callee = Callee { counts: &self.counts, name: &self.made_of.name, authority: &address.authority };
        Exchange::begin(app, context, callee, outgoing.method.as_str(), headers)
    }

    /// The next address that is up and not one of `unreachable`.
    fn pick(&self, unreachable: &[usize]) -> Option<usize> {
        let (first, count) = (self.turn.fetch_add(1, Ordering::Relaxed), self.addresses.len());
        let now = self.started.elapsed();
        let mut in_turn = (0..count).map(|step| first.wrapping_add(step) % count);
        in_turn.find(|index| !unreachable.contains(index) && self.addresses[*index].health.may_be_tried(now))
    }
}

impl Outgoing<'_> {
    /// The body as it is sent; `None` where it is gone.
    fn sent(&self) -> Option<Sent> {
        match &self.body {
            None => Some(Either::Left(Empty::new())),
            Some(lender) => lender.lend().map(Either::Right),
        }
    }

    fn request(&self, address: &Address, body: Sent) -> Result<Request<Sent>, Unanswered> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri(self.target).ok_or(Unanswered::Unsendable)?;
        *request.headers_mut() = self.head.headers();
        request.headers_mut().insert(header::HOST, address.host.clone());
        // left to itself, hyper sends no body of a length that it does not know with GET or HEAD
        if request.body().size_hint().exact().is_none() {
            request.headers_mut().insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        Ok(request)
    }

    /// Whether an upstream that acts on it twice does what it does once.
    fn may_be_repeated(&self) -> bool {
        !self.is_websocket && self.body.is_none() && self.method.is_idempotent()
    }
}

/// A target as it is sent; `None` for one whose bytes would change on the way.
pub(super) fn uri(target: &str) -> Option<Uri> {
    let read = PathAndQuery::try_from(target).ok()?;
    (read.as_str() == target).then(|| Uri::from(read))
}

/// Whether a connection ended before an answer.
fn is_broken(error: &Failed) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let is_incomplete = inner.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message);
        let kind = inner.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let is_cut = matches!(
            kind,
            Some(
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
            )
        );
        if is_incomplete || is_cut {
            return true;
        }
        cause = inner.source();
    }
    false
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
