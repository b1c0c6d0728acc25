//! What apps call, counted for the administrators of their organizations: by app, operation, day and answer, in the
//! database. It is counted behind the calls, never in their way: what does not fit in the queue is lost, counted, and said.
//!
//! A count holds no person, no path and no address. See `docs/decisions/0029-usage-is-counted.md`.

mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_decision::Contracts;
use countersign_domain::time::Timestamp;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::oneshot;

use crate::enforce::check::{Allowed, Ask, Asker, LiveToken, Refusal};
use crate::enforce::visit::Visit;
pub use writer::UsageWriter;

/// Calls that may wait to be counted.
const QUEUE: usize = 65_536;
/// How long somebody waits who wants to see everything counted.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where calls are counted; clones share the queue.
#[derive(Clone)]
pub struct UsageCounter {
    queue: Option<Sender<Message>>,
    lost: Arc<AtomicU64>,
}

/// What the writer is told.
enum Message {
    Called(Called),
    /// Somebody wants to know when everything before is in the database.
    Flush(oneshot::Sender<()>),
}

/// One call by an app that is known.
struct Called {
    at: Timestamp,
    token: Arc<LiveToken>,
    contracts: Arc<Contracts>,
    contract: String,
    answer: Answered,
}

/// What it was answered.
enum Answered {
    Allowed { operation: String, method: String, target: Box<[u8]>, would_be_denied: bool },
    Denied { operation: Option<String>, reason: &'static str },
    TooMany,
}

impl UsageCounter {
    /// A counter, and what writes its counts.
    pub fn open(is_enabled: bool) -> (Self, Option<UsageWriter>) {
        let lost = Arc::<AtomicU64>::default();
        if !is_enabled {
            return (Self { queue: None, lost }, None);
        }
        let (sender, queue) = channel(QUEUE);
        (Self { queue: Some(sender), lost: Arc::clone(&lost) }, Some(UsageWriter::new(queue, lost)))
    }

    /// Whether anything is counted.
    pub const fn is_enabled(&self) -> bool {
        self.queue.is_some()
    }

    /// Counts a decision; one on a call without a live token is no app's.
    pub(super) fn count(&self, visit: &Visit<'_>, contract: &str, ask: Ask<'_>, answer: Result<&Allowed, &Refusal>) {
        self.send(visit, contract, || match answer {
            Ok(allowed) => Answered::Allowed {
                operation: allowed.operation_id.clone(),
                method: ask.method.to_owned(),
                target: ask.target.into(),
                would_be_denied: allowed.would_be_missing.is_some(),
            },
            Err(refusal) => Answered::Denied { operation: refusal.operation_id.clone(), reason: refusal.reason_name() },
        });
    }

    /// Counts a call that was one too many in its minute: nobody looked what it means.
    pub(super) fn count_too_many(&self, visit: &Visit<'_>) {
        self.send(visit, "", || Answered::TooMany);
    }

    /// Calls that were not counted, since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until everything that was told before is in the database, but not long.
    pub async fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (sender, written) = oneshot::channel();
        let flushed =
            async { if queue.send(Message::Flush(sender)).await.is_ok() { written.await.ok() } else { None } };
        let _ = tokio::time::timeout(PATIENCE, flushed).await;
    }

    fn send(&self, visit: &Visit<'_>, contract: &str, answer: impl FnOnce() -> Answered) {
        let Asker::Live(token) = &visit.asker else { return };
        self.put(|| {
            Message::Called(Called {
                at: visit.context.now,
                token: Arc::clone(token),
                contracts: Arc::clone(&visit.contracts),
                contract: contract.to_owned(),
                answer: answer(),
            })
        });
    }

    /// Puts a message into the queue, or counts it as lost where there is no room: nobody waits, and it is not even made.
    fn put(&self, message: impl FnOnce() -> Message) {
        let Some(queue) = &self.queue else { return };
        match queue.try_reserve() {
            Ok(place) => place.send(message()),
            Err(_) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_no_room_for_is_lost_and_counted() {
        let (sender, _queue) = channel(2);
        let counter = UsageCounter { queue: Some(sender), lost: Arc::default() };
        for _ in 0..5 {
            counter.put(|| Message::Flush(oneshot::channel().0));
        }
        assert_eq!(counter.lost(), 3);
    }
}
