//! Adding up what comes, and adding the sums to the database, a few times a minute. A database that does not answer is asked
//! again with what has come since; what there is no room for until then is lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_decision::meaning::Meaning;
use countersign_domain::entropy::Entropy;
use countersign_domain::time::Timestamp;
use countersign_domain::usage::{Day, Outcome, UsageCount, UsageKey};
use countersign_store::{Store, SystemTask};
use tokio::sync::mpsc::Receiver;
use tokio::time::MissedTickBehavior;

use super::{Answered, Called, Message};
use crate::http::now::Clock;

/// How often sums are written.
const EVERY: Duration = Duration::from_secs(5);
/// Most messages that are taken at once.
const BATCH: usize = 1_024;
/// Most sums that wait for the database.
const MOST_SUMS: usize = 100_000;

/// Adds up, and writes.
pub struct UsageWriter {
    queue: Receiver<Message>,
    sums: HashMap<UsageKey, (u64, Timestamp)>,
    lost: Arc<AtomicU64>,
    /// Of the lost, how many were said to be.
    said: u64,
}

impl UsageWriter {
    pub(super) fn new(queue: Receiver<Message>, lost: Arc<AtomicU64>) -> Self {
        Self { queue, sums: HashMap::new(), lost, said: 0 }
    }

    /// Counts until every handle of the counter is gone.
    pub async fn run(mut self, store: Store, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.write(&store, clock.now(), entropy.as_ref()).await,
                count = self.queue.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return self.write(&store, clock.now(), entropy.as_ref()).await;
                    }
                    for message in batch.drain(..) {
                        match message {
                            Message::Called(called) => self.add(&called),
                            Message::Flush(done) => {
                                self.write(&store, clock.now(), entropy.as_ref()).await;
                                // whoever asked may have gone
                                let _ = done.send(());
                            }
                        }
                    }
                }
            }
        }
    }

    fn add(&mut self, called: &Called) {
        let key = key(called);
        if self.sums.len() >= MOST_SUMS && !self.sums.contains_key(&key) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let sum = self.sums.entry(key).or_insert((0, called.at));
        sum.0 += 1;
        sum.1 = sum.1.max(called.at);
    }

    async fn write(&mut self, store: &Store, now: Timestamp, entropy: &dyn Entropy) {
        self.say_what_is_lost();
        if self.sums.is_empty() {
            return;
        }
        let sums = std::mem::take(&mut self.sums).into_iter();
        let counts: Vec<UsageCount> = sums.map(|(key, (calls, last))| UsageCount { key, calls, last }).collect();
        let store = store.system(SystemTask::Usage, now, entropy);
        if let Err((added, error)) = store.add_usage(&counts).await {
            tracing::warn!(%error, "usage could not be written; it is tried again");
            let left = counts.into_iter().skip(added);
            self.sums = left.map(|UsageCount { key, calls, last }| (key, (calls, last))).collect();
        }
    }

    fn say_what_is_lost(&mut self) {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > self.said {
            tracing::warn!(lost = lost - self.said, "calls were not counted: there was no room for them");
            self.said = lost;
        }
    }
}

fn key(called: &Called) -> UsageKey {
    let Called { at, token, contracts, contract, answer } = called;
    let key = UsageKey {
        organization: token.bearer.organization.clone(),
        client: token.bearer.client.clone(),
        day: Day::of(*at),
        contract: contract.clone(),
        operation: None,
        crosses: Vec::new(),
        outcome: Outcome::Allowed,
        would_be_denied: false,
    };
    match answer {
        Answered::Allowed { operation, method, target, would_be_denied } => {
            let contract = contracts.named(contract);
            let meaning = contract.map(|contract| Meaning::of(contract, method, target));
            let crossed = meaning.into_iter().flat_map(|meaning| meaning.operations).skip(1);
            UsageKey {
                operation: Some(operation.clone()),
                crosses: crossed.map(|operation| operation.id.clone()).collect(),
                would_be_denied: *would_be_denied,
                ..key
            }
        }
        Answered::Denied { operation, reason } => {
            UsageKey { operation: operation.clone(), outcome: Outcome::Denied((*reason).to_owned()), ..key }
        }
        Answered::TooMany => UsageKey { outcome: Outcome::TooMany, ..key },
    }
}
