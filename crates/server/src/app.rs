//! The running server: its state, how it starts and how it ends.

mod background;

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use anyhow::Context;
use arc_swap::ArcSwap;
use countersign_decision::Contracts;
use countersign_domain::entropy::Entropy;
use countersign_domain::name_digest::NameDigests;
use countersign_domain::oauth::dpop_nonce::DpopNonces;
use countersign_domain::oauth::resource::ResourceError;
use countersign_domain::usage::Day;
use countersign_store::{Location, Options, Store, StoreError, SystemTask};

use crate::client_authorities::ClientAuthorities;
use crate::config::{Config, PublicOrigin, TlsFiles, Upstream};
use crate::enforce::doors::{Doors, Means};
use crate::enforce::ext_authz::ExtAuthz;
use crate::enforce::gateway::Gateway;
use crate::enforce::identity::SignedIdentities;
use crate::enforce::log::{DecisionLog, Unwritten, otlp};
use crate::enforce::rate::RateLimit;
use crate::enforce::remembered::Remembered;
use crate::enforce::snapshots::Snapshots;
use crate::enforce::usage::{UsageCounter, UsageWriter};
use crate::fetch::Fetcher;
use crate::http::client_certificate::CertificateSources;
use crate::http::now::{Clock, ContextIds, SystemClock};
use crate::keys::SigningKeys;
use crate::listener::{Asks, Listener, Tls};
use crate::load::Load;
use crate::oauth::attempts::Attempts;
use crate::oauth::challenges::Challenges;
use crate::oauth::client_sources::ClientSources;
use crate::operations::Operations;
use crate::reload::{self, Source};
use crate::router::Mounts;
use crate::telemetry::listeners::ListenerCounts;
use crate::telemetry::messages::{LogRecord, Span};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::outbox::Unsent;
use crate::telemetry::traces::Tracer;

/// Most counts of old days that are deleted each time: other writers wait no longer than this takes.
const USAGE_BATCH: u32 = 5_000;
/// F03: failed sign-ins in a row of one person from one address, and how long the next try then waits.
const SIGN_IN_FAILURES: u32 = 10;
const SIGN_IN_WAIT_SECONDS: i64 = 15 * 60;
/// C27: the same for client secrets.
const CLIENT_FAILURES: u32 = 10;
const CLIENT_WAIT_SECONDS: i64 = 60;

/// Everything that a request handler may reach.
///
/// A handle: every request has some of its own, so a clone must cost one count and not one for each part.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of a running server.
pub struct Parts {
    /// The database.
    pub store: Store,
    doors: ArcSwap<Doors>,
    /// The configuration that counts; held while another takes effect.
    pub(crate) in_force: tokio::sync::Mutex<Config>,
    /// Connections of one address to one listener at a time.
    pub(crate) connections_per_address: Arc<AtomicUsize>,
    /// What they were told of callers.
    pub signed_identities: SignedIdentities,
    /// Compiled organizations.
    pub snapshots: Snapshots,
    /// What was decided.
    pub decisions: DecisionLog,
    /// What was counted.
    pub metrics: Arc<Metrics>,
    /// What makes traces of calls, where they are wanted.
    pub tracer: Option<Tracer>,
    /// What apps call.
    pub usage: UsageCounter,
    usage_days: u16,
    /// Live tokens.
    pub remembered: Remembered,
    /// What is worked on at this instant.
    pub load: Load,
    /// Calls per token and minute.
    pub rate_limit: RateLimit,
    /// Failed sign-ins, by e-mail and address.
    pub sign_in_attempts: Attempts,
    /// Failed client authentications, by client and address.
    pub client_attempts: Attempts,
    /// Code challenges that apps have used.
    pub challenges: Challenges,
    /// Whose word about a client's certificate is believed.
    pub certificate_sources: CertificateSources,
    /// The origin where apps show certificates, if there is one.
    pub mutual_tls_origin: Option<PublicOrigin>,
    /// Whether apps can register themselves (RFC 7591).
    pub registers_clients: bool,
    /// Nonces of DPoP proofs, the same on every node.
    pub dpop_nonces: DpopNonces,
    /// The way out to what others point to.
    pub fetcher: Fetcher,
    /// What is known of clients from elsewhere.
    pub client_sources: ClientSources,
    /// What signs tokens.
    pub signing_keys: Arc<SigningKeys>,
    /// Issuer, and origin of every printed address.
    pub origin: PublicOrigin,
    /// Where instants come from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
    /// What requests are called.
    pub(crate) context_ids: ContextIds,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Every contract of this node with the united catalogue, as last loaded. One request takes it once.
    pub fn contracts(&self) -> Arc<Contracts> {
        Arc::clone(&self.doors.load().contracts)
    }

    /// What the doors stand on at this instant. One call takes it once.
    pub fn doors(&self) -> Arc<Doors> {
        self.doors.load_full()
    }

    pub(crate) fn set_doors(&self, doors: Doors) {
        self.doors.store(Arc::new(doors));
    }

    /// The resource (RFC 8707) that an upstream's tokens are for.
    pub fn resource_of<'a>(&'a self, upstream: &'a Upstream) -> &'a str {
        upstream.resource.as_deref().unwrap_or(self.origin.as_str())
    }

    /// Whether tokens can be asked for all these APIs (RFC 8707): our own is called by the origin, as its metadata say
    /// (RFC 9728), upstreams as they are configured, others as their resource servers registered them.
    ///
    /// # Errors
    /// `Unknown` for one that is neither; when the store cannot be asked.
    pub async fn check_resources(&self, names: &[String]) -> Result<Result<(), ResourceError>, StoreError> {
        let store = self.store.system(SystemTask::TokenEndpoint, self.clock.now(), self.entropy.as_ref());
        let doors = self.doors();
        let is_here = |name: &String| name == self.origin.as_str() || doors.upstreams.has_resource(name);
        for name in names.iter().filter(|name| !is_here(name)) {
            if !store.is_resource(name).await? {
                return Ok(Err(ResourceError::Unknown));
            }
        }
        Ok(Ok(()))
    }

    /// Deletes what has ended, and counts that are too old; of these no more than a batch at once.
    pub async fn keep_house(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let store = self.store.system(SystemTask::Housekeeping, now, self.entropy.as_ref());
        let oldest = Day::of(now).minus(self.usage_days.into());
        Ok(store.delete_ended().await? + store.delete_usage_before(oldest, USAGE_BATCH).await?)
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place where randomness enters")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes, or nothing can be secret");
    }
}

/// A server that listens and can be run.
pub struct Application {
    /// Its state.
    pub app: App,
    listener: Listener,
    unwritten: Option<Unwritten>,
    unsent_decisions: Option<Unsent<LogRecord>>,
    unsent_spans: Option<Unsent<Span>>,
    uncounted: Option<UsageWriter>,
    mutual_tls: Option<Listener>,
    gateway: Option<(Listener, Gateway)>,
    ext_authz: Option<(Listener, ExtAuthz)>,
    operations: Option<Listener>,
    source: Option<Source>,
}

impl Application {
    /// Opens the database (folder, keys and schema are made when absent), loads every contract and listens.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        Self::start_with(config, Arc::new(SystemClock), Arc::new(SystemEntropy)).await
    }

    /// The same with a given clock and randomness: tests.
    pub async fn start_with(config: &Config, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> anyhow::Result<Self> {
        let connections_per_address = Arc::new(AtomicUsize::new(config.limits.connections_per_address));
        let metrics = Arc::new(Metrics::new(clock.now()));
        let counts = &metrics.listeners;
        let listen = |address, tls, counts| listen(address, tls, Arc::clone(&connections_per_address), counts);
        let listener = listen(config.server.listen, None, &counts.main).await?;
        let origin = PublicOrigin::new(config.server.public_origin.as_deref(), listener.address())?;
        let mutual_tls = match config.mutual_tls.listen {
            None => None,
            Some(address) => {
                let TlsFiles { certificate, key } = config.mutual_tls.files()?;
                let tls = Tls::read(certificate, key, Asks::ForCertificates)?;
                let authorities = config.mutual_tls.client_authorities.as_deref();
                let authorities = authorities.map(ClientAuthorities::read).transpose()?;
                Some((listen(address, Some(tls), &counts.mutual_tls).await?, authorities))
            }
        };
        let mutual_tls_origin = mutual_tls.as_ref().map(|(listener, _)| config.mutual_tls.origin(listener.address()));
        let mutual_tls_origin = mutual_tls_origin.transpose()?;
        config.outgoing.check(&origin)?;
        let fetcher = Fetcher::new(&config.outgoing)?;
        let client_sources = ClientSources::new(fetcher.clone(), config.client_documents.enabled);
        let store = Store::open(&location(config), Options::default()).await?;
        let signing_keys = SigningKeys::open(&store, config, clock.now(), entropy.as_ref()).await?;
        let doors = Doors::open(
            config,
            None,
            Means { store: &store, metrics: &metrics, now: clock.now(), entropy: entropy.as_ref() },
        )
        .await?;
        let secrets = store.system(SystemTask::Housekeeping, clock.now(), entropy.as_ref());
        let nonce_key = secrets.server_secret("dpop_nonces").await?;
        let name_digests = NameDigests::new(secrets.server_secret(NameDigests::KEY).await?);
        let (receiver, unsent_decisions) = otlp::receiver(config)?.unzip();
        let (decisions, unwritten) = DecisionLog::open(&config.decision_log, name_digests, receiver)?;
        let (tracer, unsent_spans) = Tracer::open(&config.telemetry)?.unzip();
        let (usage, uncounted) = UsageCounter::open(config.usage.enabled);
        let app = App(Arc::new(Parts {
            store,
            doors: ArcSwap::from_pointee(doors),
            in_force: tokio::sync::Mutex::new(config.clone()),
            connections_per_address: Arc::clone(&connections_per_address),
            signed_identities: SignedIdentities::default(),
            snapshots: Snapshots::default(),
            decisions,
            metrics: Arc::clone(&metrics),
            tracer,
            usage,
            usage_days: config.usage.keep_days,
            remembered: Remembered::default(),
            load: Load::default(),
            rate_limit: RateLimit::default(),
            sign_in_attempts: Attempts::new(SIGN_IN_FAILURES, SIGN_IN_WAIT_SECONDS),
            client_attempts: Attempts::new(CLIENT_FAILURES, CLIENT_WAIT_SECONDS),
            challenges: Challenges::default(),
            certificate_sources: CertificateSources {
                proxies: config.server.client_certificate_proxies.clone(),
                authorities: mutual_tls.as_ref().and_then(|(_, authorities)| authorities.clone()),
            },
            mutual_tls_origin,
            registers_clients: config.server.client_registration,
            dpop_nonces: DpopNonces::new(nonce_key),
            fetcher,
            client_sources,
            signing_keys,
            origin,
            clock,
            entropy,
            context_ids: ContextIds::default(),
        }));
        let gateway = match config.gateway.listen {
            None => None,
            Some(address) => {
                let tls = config.gateway.tls.as_ref();
                let asks = if config.gateway.client_certificates { Asks::ForCertificates } else { Asks::ForNothing };
                let tls = tls.map(|files| Tls::read(&files.certificate, &files.key, asks)).transpose()?;
                let gateway = Gateway::new(app.clone(), tls.is_some());
                Some((listen(address, tls, &counts.gateway).await?, gateway))
            }
        };
        let ext_authz = match config.ext_authz.listen {
            None => None,
            Some(address) => Some((listen(address, None, &counts.ext_authz).await?, ExtAuthz::new(app.clone()))),
        };
        let operations = match config.operations.listen {
            None => None,
            Some(address) => Some(listen(address, None, &counts.operations).await?),
        };
        Ok(Self {
            app,
            listener,
            unwritten,
            uncounted,
            unsent_decisions,
            unsent_spans,
            mutual_tls: mutual_tls.map(|(listener, _)| listener),
            gateway,
            ext_authz,
            operations,
            source: None,
        })
    }

    /// Reads the configuration from there at SIGHUP.
    pub fn configured_by(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The address where apps show certificates, where there is one.
    pub fn mutual_tls_address(&self) -> Option<SocketAddr> {
        self.mutual_tls.as_ref().map(Listener::address)
    }

    /// The address of the gateway, where there is one.
    pub fn gateway_address(&self) -> Option<SocketAddr> {
        self.gateway.as_ref().map(|(listener, _)| listener.address())
    }

    /// The address that Envoy asks, where there is one.
    pub fn ext_authz_address(&self) -> Option<SocketAddr> {
        self.ext_authz.as_ref().map(|(listener, _)| listener.address())
    }

    /// The address where operators look, where there is one.
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().map(Listener::address)
    }

    /// Serves until `stop` resolves, then lets the requests under way end.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        let mut background = background::start(&self.app);
        let (decisions, tracer) = (self.app.decisions.clone(), self.app.tracer.clone());
        self.unsent_decisions.map(|unsent| tokio::spawn(unsent.send()));
        self.unsent_spans.map(|unsent| tokio::spawn(unsent.send()));
        if let Some(unwritten) = self.unwritten {
            unwritten.write();
        }
        let usage = self.app.usage.clone();
        if let Some(uncounted) = self.uncounted {
            let Parts { store, clock, entropy, .. } = &*self.app;
            tokio::spawn(uncounted.run(store.clone(), Arc::clone(clock), Arc::clone(entropy)));
        }
        let (stopping, stopped) = tokio::sync::watch::channel(false);
        let mut serving = tokio::task::JoinSet::new();
        let tls = [self.gateway.as_ref().map(|(listener, _)| listener), self.mutual_tls.as_ref()];
        let tls = tls.into_iter().flatten().filter_map(Listener::tls).collect();
        background.spawn(reload::at_hangup(self.app.clone(), tls, self.source));
        if let Some(listener) = self.mutual_tls {
            serving.spawn(listener.serve(Mounts::for_certificates(self.app.clone()), until(stopped.clone())));
        }
        if let Some((listener, gateway)) = self.gateway {
            serving.spawn(listener.serve(gateway, until(stopped.clone())));
        }
        if let Some((listener, service)) = self.ext_authz {
            serving.spawn(listener.serve(service, until(stopped.clone())));
        }
        // operators see how the others end
        let (ending, ended) = tokio::sync::watch::channel(false);
        let operations = self.operations.map(|listener| {
            let operations = Operations::new(self.app.clone(), stopped.clone());
            tokio::spawn(listener.serve(operations, until(ended)))
        });
        serving.spawn(self.listener.serve(Mounts::all(self.app), until(stopped)));
        stop.await;
        let _ = stopping.send(true);
        while serving.join_next().await.is_some() {}
        let _ = ending.send(true);
        if let Some(operations) = operations {
            let _ = operations.await;
        }
        decisions.written().await;
        if let Some(tracer) = tracer {
            tracer.outbox().sent().await;
        }
        usage.flush().await;
        background.abort_all();
    }
}

async fn until(mut stopped: tokio::sync::watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn listen(
    address: SocketAddr,
    tls: Option<Tls>,
    connections_per_address: Arc<AtomicUsize>,
    counts: &Arc<ListenerCounts>,
) -> anyhow::Result<Listener> {
    let listener = Listener::bind(address, tls, connections_per_address, Arc::clone(counts)).await;
    listener.with_context(|| format!("cannot listen on `{address}`"))
}

/// Resolves at SIGTERM or SIGINT.
pub async fn stop_signal() {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("INVARIANT: a handler for SIGTERM can be installed");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping: requests under way are answered first");
}

/// Where the configuration says the data are.
pub fn location(config: &Config) -> Location {
    match &config.server.database_url {
        Some(url) => Location::Postgres { url: url.clone() },
        None => Location::Sqlite { folder: PathBuf::from(&config.server.data) },
    }
}
