//! The decision log: what was decided, for whom and why. It is written behind the calls, never in their way: what does not
//! fit in the queue is lost, counted, and said.
//!
//! A record holds no token, no query and no header, and of app, person and path what the configuration lets it hold
//! (`log/redaction.rs`).

pub mod otlp;
mod redaction;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_decision::{Contracts, Scope};
use countersign_domain::name_digest::NameDigests;
use countersign_domain::time::Timestamp;
use countersign_domain::trace_context::TraceParent;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::config;
use crate::enforce::check::{Allowed, Ask, Asker, Refusal};
use crate::enforce::visit::Visit;
use crate::http::error::refusal_status;
use crate::telemetry::messages::LogRecord;
use crate::telemetry::outbox::Outbox;
pub use redaction::LEFT_OUT;
use redaction::Redaction;
pub use writer::LogError;

/// Records that may wait to be written.
const QUEUE: usize = 65_536;
/// How often somebody who waits for the writer looks.
const WRITING: Duration = Duration::from_millis(5);

/// A door, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// Our own API.
    Platform,
    /// The reverse proxy.
    Gateway,
    /// Sub-requests of another proxy.
    ForwardAuth,
    /// Envoy.
    ExtAuthz,
}

/// One decision: one line of the log, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// When it was made.
    pub at: Timestamp,
    /// `contextId` of the answer.
    pub context: Arc<str>,
    /// The span of the call, as in a `traceparent`, where it is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceParent>,
    /// Where it was made.
    pub door: Door,
    /// The name of the contract.
    pub contract: String,
    /// Absent where nobody was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// What the organization had decided: its revision (invariant 37).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// The app, as `decision_log.client` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The person, as `decision_log.user` says; absent where the app acts for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What the token asked for; absent where that is all that is authorized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
    /// As it was sent.
    pub method: String,
    /// Without its query, as `decision_log.path` says; absent where the target cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What was meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// `allow` or `deny`.
    pub decision: &'static str,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Of a denial: what was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Every half that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Value>,
    /// What enforcement would find missing, in an organization that only reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_be_missing: Option<Value>,
}

/// Where decisions are recorded; clones share the queue.
#[derive(Clone)]
pub struct DecisionLog {
    queue: Option<Sender<Decided>>,
    one_in: u64,
    allowed: Arc<AtomicU64>,
    counts: Arc<Counts>,
    receiver: Option<Outbox<LogRecord>>,
}

/// What waits: the decision as it was made, and what its path was read with.
struct Decided {
    record: Record,
    contracts: Arc<Contracts>,
}

/// Records since the start.
#[derive(Debug, Default)]
struct Counts {
    queued: AtomicU64,
    /// Of the queued: written, or lost in writing.
    done: AtomicU64,
    /// For want of room, or because the file could not be written.
    lost: AtomicU64,
}

/// What is waiting to be written.
pub struct Unwritten {
    queue: Receiver<Decided>,
    to: writer::Destinations,
    redaction: Redaction,
    counts: Arc<Counts>,
}

impl DecisionLog {
    /// A log as it is configured, for a receiver of telemetry too, and what writes it; `digests` are those of this installation.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(
        config: &config::DecisionLog,
        digests: NameDigests,
        receiver: Option<Outbox<LogRecord>>,
    ) -> Result<(Self, Option<Unwritten>), LogError> {
        let (allowed, counts) = (Arc::default(), Arc::<Counts>::default());
        let one_in = config.allowed_one_in;
        let file = config.file.as_deref().map(writer::File::open).transpose()?;
        if file.is_none() && receiver.is_none() {
            return Ok((Self { queue: None, one_in, allowed, counts, receiver }, None));
        }
        let (sender, queue) = channel(QUEUE);
        let to = writer::Destinations { file, receiver: receiver.clone() };
        let redaction = Redaction::new(config, digests);
        let unwritten = Unwritten { queue, to, redaction, counts: Arc::clone(&counts) };
        Ok((Self { queue: Some(sender), one_in, allowed, counts, receiver }, Some(unwritten)))
    }

    /// Where records wait for a receiver of telemetry.
    pub const fn receiver(&self) -> Option<&Outbox<LogRecord>> {
        self.receiver.as_ref()
    }

    /// Records a decision, unless nobody wants to know or there is no room. Every denial, and one in so many allows.
    pub(super) fn record(&self, visit: &Visit<'_>, contract: &str, ask: Ask<'_>, answer: Result<&Allowed, &Refusal>) {
        report(visit, answer);
        if self.queue.is_none() {
            return;
        }
        let is_plain_allow = answer.is_ok_and(|allowed| allowed.would_be_missing.is_none());
        let is_left_out =
            || self.one_in == 0 || !self.allowed.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.one_in);
        if is_plain_allow && is_left_out() {
            return;
        }
        let record = Record::new(visit, contract, ask, answer);
        self.put(Decided { record, contracts: Arc::clone(&visit.contracts) });
    }

    /// Puts a record into the queue, or counts it as lost where there is no room: nobody waits.
    fn put(&self, decided: Decided) {
        let Some(queue) = &self.queue else { return };
        let counted = match queue.try_send(decided) {
            Ok(()) => &self.counts.queued,
            Err(_) => &self.counts.lost,
        };
        counted.fetch_add(1, Ordering::Release);
    }

    /// Decisions that were not recorded, since the start.
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }

    /// Waits until everything that was queued is written, and sent: before the process ends.
    pub async fn written(&self) {
        let queued = self.counts.queued.load(Ordering::Acquire);
        while self.counts.done.load(Ordering::Acquire) < queued {
            tokio::time::sleep(WRITING).await;
        }
        if let Some(receiver) = &self.receiver {
            receiver.sent().await;
        }
    }
}

/// Says in the server's own log what enforcement would have refused, where an organization only reports: also without a
/// decision log nobody misses it.
fn report(visit: &Visit<'_>, answer: Result<&Allowed, &Refusal>) {
    let (Ok(Allowed { operation_id, would_be_missing: Some(missing), .. }), Asker::Live(live)) = (answer, &visit.asker)
    else {
        return;
    };
    tracing::info!(
        organization.id = %live.bearer.organization,
        client.id = %live.bearer.client,
        operation.id = operation_id,
        %missing,
        "enforcement would have refused this call",
    );
}

impl Unwritten {
    /// Writes until every handle of the log is gone.
    pub fn write(self) -> JoinHandle<()> {
        tokio::task::spawn_blocking(move || writer::write(self.queue, self.to, &self.redaction, &self.counts))
    }
}

impl Record {
    fn new(visit: &Visit<'_>, contract: &str, ask: Ask<'_>, answer: Result<&Allowed, &Refusal>) -> Self {
        let live = match &visit.asker {
            Asker::Live(live) => Some(live),
            Asker::Missing | Asker::Invalid => None,
        };
        let path = String::from_utf8_lossy(ask.target);
        let path = path.split(['?', '#']).next().unwrap_or_default().to_owned();
        let user = live.and_then(|live| live.user());
        Self {
            at: visit.context.now,
            context: Arc::clone(&visit.context.context_id),
            trace: visit.context.trace.as_ref().and_then(|trace| trace.recorded()),
            door: visit.door,
            contract: contract.to_owned(),
            organization: live.map(|live| live.bearer.organization.to_string()),
            revision: live.map(|live| live.bearer.org_revision),
            client: live.map(|live| live.bearer.client.to_string()),
            user: user.map(str::to_owned),
            scopes: live.and_then(|live| live.bearer.ceiling.clone()),
            method: ask.method.to_owned(),
            path: Some(path),
            operation: match answer {
                Ok(allowed) => Some(allowed.operation_id.clone()),
                Err(refusal) => refusal.operation_id.clone(),
            },
            decision: if answer.is_ok() { "allow" } else { "deny" },
            reason: answer.err().map(Refusal::reason_name),
            status: answer.err().map(|refusal| refusal_status(refusal.reason).as_u16()),
            missing: answer.err().and_then(Refusal::missing_json),
            would_be_missing: answer.ok().and_then(|allowed| allowed.would_be_missing.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(context: &str) -> Decided {
        let record = Record {
            at: Timestamp::from_micros(0),
            context: context.into(),
            trace: None,
            door: Door::Gateway,
            contract: "books".to_owned(),
            organization: None,
            revision: None,
            client: None,
            user: None,
            scopes: None,
            method: "GET".to_owned(),
            path: Some("/books/7".to_owned()),
            operation: None,
            decision: "deny",
            reason: None,
            status: None,
            missing: None,
            would_be_missing: None,
        };
        Decided { record, contracts: Arc::new(Contracts::new(vec![]).unwrap()) }
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_lost_and_counted_and_the_rest_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("decisions.ndjson");
        let (sender, queue) = channel(2);
        let counts = Arc::<Counts>::default();
        let (queued, allowed) = (Some(sender), Arc::default());
        let log = DecisionLog { queue: queued, one_in: 1, allowed, counts: Arc::clone(&counts), receiver: None };
        for context in ["a", "b", "c"] {
            log.put(decided(context));
        }
        assert_eq!(log.lost(), 1);

        let redaction = Redaction::new(&config::DecisionLog::default(), NameDigests::new([1; 32]));
        let to = writer::Destinations { file: Some(writer::File::open(&file).unwrap()), receiver: None };
        Unwritten { queue, to, redaction, counts }.write();
        log.written().await;
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains(r#""context":"a""#) && text.contains(r#""context":"b""#) && !text.contains("/books/7"));
        assert_eq!(log.lost(), 1);
    }
}
