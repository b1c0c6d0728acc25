//! Everything that a running server counts, and what a scrape shows of it.
//!
//! Counting is always on: it costs an atomic write where it happens, and less than a branch that asks whether it is wanted.
//! What can be read when somebody asks (pools, caches, ages) is counted nowhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_domain::client::GrantType;
use countersign_domain::oauth::error::ErrorCode;
use countersign_domain::time::Timestamp;

use super::connections::UpstreamCounts;
use super::counting::{Counter, Tally};
use super::doors::Doors;
use super::exposition::Exposition;
use super::families::{
    BUILD, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_MAX, DECISION_LOG_LOST, LISTENER_CONNECTIONS, LISTENER_OPEN,
    LISTENER_REFUSALS, PROCESS_START, QUEUE_DELAY, RATE_LIMITED, SIGN_INS, SNAPSHOT_AGE, SNAPSHOT_LOADS, SNAPSHOTS,
    TELEMETRY_ITEMS, TOKEN_ANSWERS, TOKEN_LOOKUPS, TOKENS, TURNED_AWAY, UPSTREAM_ADDRESSES, UPSTREAM_CONNECTIONS,
    UPSTREAM_DURATION, UPSTREAM_OPEN, UPSTREAM_REQUESTS, UPSTREAM_RETRIES,
};
use super::listeners::ListenerCounts;
use super::outbox::Outbox;
use super::process;
use crate::app::App;
use crate::enforce::rate::Counted;
use crate::web::pages::SignInProblem;

/// Counts since the start.
#[derive(Debug)]
pub struct Metrics {
    started_at: Timestamp,
    /// Calls at the doors.
    pub doors: Doors,
    /// The listeners.
    pub listeners: Listeners,
    /// Calls whose token was remembered.
    pub token_hits: Counter,
    /// Calls whose token was looked up.
    pub token_misses: Counter,
    /// Calls that were one too many, by whose they were counted as.
    pub rate_limited: [Counter; Counted::ALL.len()],
    /// Forms of the sign-in page.
    pub sign_ins: Tally<SignIn>,
    token_answers: Tally<(&'static str, &'static str)>,
    upstreams: Mutex<BTreeMap<String, Arc<UpstreamCounts>>>,
}

/// The listeners of a server.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Pages, endpoints and our own API.
    pub main: Arc<ListenerCounts>,
    /// The gateway.
    pub gateway: Arc<ListenerCounts>,
    /// Where Envoy asks.
    pub ext_authz: Arc<ListenerCounts>,
    /// Where apps show certificates.
    pub mutual_tls: Arc<ListenerCounts>,
    /// Where this is shown.
    pub operations: Arc<ListenerCounts>,
}

/// What came of a form of the sign-in page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignIn {
    /// Somebody is signed in.
    SignedIn,
    /// The e-mail is known in several organizations: one is to be chosen.
    Choice,
    /// E-mail or password is wrong, or the person is inactive.
    WrongCredentials,
    /// Too many tries.
    RateLimited,
    /// A field is empty.
    Incomplete,
}

impl SignIn {
    const ALL: [(Self, &str); 5] = [
        (Self::SignedIn, "signed_in"),
        (Self::Choice, "choice"),
        (Self::WrongCredentials, "wrong_credentials"),
        (Self::RateLimited, "rate_limited"),
        (Self::Incomplete, "incomplete"),
    ];

    /// The page is shown again because of this.
    pub const fn refused(problem: &SignInProblem) -> Self {
        match problem {
            SignInProblem::WrongCredentials => Self::WrongCredentials,
            SignInProblem::RateLimited { .. } => Self::RateLimited,
            SignInProblem::Incomplete => Self::Incomplete,
        }
    }
}

impl Metrics {
    /// All at zero.
    pub fn new(started_at: Timestamp) -> Self {
        Self {
            started_at,
            doors: Doors::default(),
            listeners: Listeners::default(),
            token_hits: Counter::default(),
            token_misses: Counter::default(),
            rate_limited: Default::default(),
            sign_ins: Tally::default(),
            token_answers: Tally::default(),
            upstreams: Mutex::default(),
        }
    }

    /// The counts of the upstream of this name: the same ones whoever asks, and after a reload.
    pub fn upstream(&self, name: &str) -> Arc<UpstreamCounts> {
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(upstreams.entry(name.to_owned()).or_default())
    }

    /// The token endpoint answered: with tokens, or with an error.
    pub fn token_answered(&self, grant: Option<GrantType>, error: Option<ErrorCode>) {
        self.token_answers.add((grant.map_or("unknown", GrantType::as_str), error.map_or("none", ErrorCode::as_str)));
    }

    /// Everything, as Prometheus reads it.
    pub fn show(&self, app: &App) -> String {
        let mut text = Exposition::default();
        text.family(&BUILD).add(&[env!("CARGO_PKG_VERSION")], 1);
        self.doors.show(&mut text);
        let mut limited = text.family(&RATE_LIMITED);
        Counted::ALL
            .into_iter()
            .for_each(|counted| limited.add(&[counted.as_str()], self.rate_limited[counted as usize].count()));
        let mut turned_away = text.family(&TURNED_AWAY);
        app.load.refused().for_each(|(kind, count)| turned_away.add(&[kind], count));
        text.family(&QUEUE_DELAY).add(&[], app.load.delay().as_secs_f64());
        self.show_state(app, &mut text);
        self.show_upstreams(app, &mut text);
        self.show_listeners(&mut text);
        text.family(&DECISION_LOG_LOST).add(&[], app.decisions.lost());
        self.show_token_answers(&mut text);
        let counts: BTreeMap<SignIn, u64> = self.sign_ins.counts().into_iter().collect();
        let mut sign_ins = text.family(&SIGN_INS);
        SignIn::ALL
            .into_iter()
            .for_each(|(result, name)| sign_ins.add(&[name], counts.get(&result).copied().unwrap_or_default()));
        let mut items = text.family(&TELEMETRY_ITEMS);
        let traces = app.tracer.as_ref().map(|tracer| tracer.outbox().counts());
        let logs = app.decisions.receiver().map(Outbox::counts);
        for (signal, counts) in [("traces", traces), ("logs", logs)] {
            items.add(&[signal, "sent"], counts.map_or(0, |counts| counts.sent.count()));
            items.add(&[signal, "lost"], counts.map_or(0, |counts| counts.lost.count()));
        }
        process::show(&mut text);
        text.family(&PROCESS_START).add(&[], self.started_at.as_seconds());
        text.into_text()
    }

    /// What went well from the start, so that the first time is seen as an increase; errors once there are some.
    fn show_token_answers(&self, text: &mut Exposition) {
        let mut counts: BTreeMap<_, u64> = GrantType::ALL.map(|grant| ((grant.as_str(), "none"), 0)).into();
        counts.extend(self.token_answers.counts());
        let mut answers = text.family(&TOKEN_ANSWERS);
        counts.into_iter().for_each(|((grant, error), count)| answers.add(&[grant, error], count));
    }

    fn show_state(&self, app: &App, text: &mut Exposition) {
        text.family(&SNAPSHOTS).add(&[], app.snapshots.count());
        let mut loads = text.family(&SNAPSHOT_LOADS);
        for (kind, count) in app.snapshots.loads() {
            loads.add(&[kind], count);
        }
        text.family(&SNAPSHOT_AGE).add(&[], app.remembered.age().as_secs_f64());
        let mut lookups = text.family(&TOKEN_LOOKUPS);
        lookups.add(&["hit"], self.token_hits.count());
        lookups.add(&["miss"], self.token_misses.count());
        text.family(&TOKENS).add(&[], app.remembered.count());
        let pools = app.store.pools();
        let mut connections = text.family(&DATABASE_CONNECTIONS);
        for pool in &pools {
            connections.add(&[pool.name, "idle"], pool.idle);
            connections.add(&[pool.name, "used"], pool.used);
        }
        let mut most = text.family(&DATABASE_CONNECTIONS_MAX);
        pools.iter().for_each(|pool| most.add(&[pool.name], pool.most));
    }

    fn show_upstreams(&self, app: &App, text: &mut Exposition) {
        let upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut requests = text.family(&UPSTREAM_REQUESTS);
        for (name, counts) in &upstreams {
            counts.requests().for_each(|(status, count)| requests.add(&[name, status], count));
        }
        let mut durations = text.family(&UPSTREAM_DURATION);
        upstreams.iter().for_each(|(name, counts)| durations.add_durations(&[name], &counts.durations));
        let mut retries = text.family(&UPSTREAM_RETRIES);
        upstreams.iter().for_each(|(name, counts)| retries.add(&[name], counts.retries.count()));
        let mut addresses = text.family(&UPSTREAM_ADDRESSES);
        for (name, up, down) in app.doors().upstream_addresses() {
            addresses.add(&[&name, "up"], up);
            addresses.add(&[&name, "down"], down);
        }
        let mut connections = text.family(&UPSTREAM_CONNECTIONS);
        upstreams.iter().for_each(|(name, counts)| connections.add(&[name], counts.connected.count()));
        let mut open = text.family(&UPSTREAM_OPEN);
        upstreams.iter().for_each(|(name, counts)| open.add(&[name], counts.open.count()));
    }

    fn show_listeners(&self, text: &mut Exposition) {
        let Listeners { main, gateway, ext_authz, mutual_tls, operations } = &self.listeners;
        let named = [
            ("main", main),
            ("gateway", gateway),
            ("ext-authz", ext_authz),
            ("mutual-tls", mutual_tls),
            ("operations", operations),
        ];
        let mut accepted = text.family(&LISTENER_CONNECTIONS);
        named.iter().for_each(|(name, counts)| accepted.add(&[name], counts.accepted.count()));
        let mut open = text.family(&LISTENER_OPEN);
        named.iter().for_each(|(name, counts)| open.add(&[name], counts.open.count()));
        let mut refusals = text.family(&LISTENER_REFUSALS);
        for (name, counts) in named {
            counts.refusals().into_iter().for_each(|(reason, count)| refusals.add(&[name, reason], count.count()));
        }
    }
}
