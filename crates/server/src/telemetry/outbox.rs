//! What waits to be sent to a receiver: a bounded queue that no call ever waits for. What finds no room, or is not taken, is
//! lost, counted and said.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::counting::Counter;
use super::otlp::{Destination, Signal};

/// Most items of one request.
const BATCH: usize = 2_048;
/// How long the first of a request waits for more.
const LINGER: Duration = Duration::from_secs(1);
/// How long the last may take when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often somebody who waits for the sender looks.
const SENDING: Duration = Duration::from_millis(5);

/// Where items are put; clones share the queue.
#[derive(Debug)]
pub struct Outbox<T> {
    queue: Sender<T>,
    counts: Arc<Counts>,
}

/// Items since the start.
#[derive(Debug, Default)]
pub struct Counts {
    queued: Counter,
    /// Taken by the receiver.
    pub sent: Counter,
    /// For want of room, or because the receiver did not take them.
    pub lost: Counter,
    /// Of the queued: sent, or lost on the way.
    done: Counter,
    /// Somebody waits for the rest.
    hurry: Notify,
}

/// What waits to be sent.
pub struct Unsent<T> {
    queue: Receiver<T>,
    destination: Destination,
    counts: Arc<Counts>,
}

impl<T> Clone for Outbox<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), counts: Arc::clone(&self.counts) }
    }
}

impl<T: Signal> Outbox<T> {
    /// An empty one, and what sends it to `destination`.
    pub fn new(destination: Destination) -> (Self, Unsent<T>) {
        let (sender, queue) = channel(T::QUEUE);
        let counts = Arc::<Counts>::default();
        (Self { queue: sender, counts: Arc::clone(&counts) }, Unsent { queue, destination, counts })
    }

    /// Leaves an item to be sent, or loses it.
    pub fn put(&self, item: T) {
        match self.queue.try_send(item) {
            Ok(()) => self.counts.queued.add(),
            Err(_) => self.counts.lost.add(),
        }
    }

    /// What became of the items.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Waits until everything that was queued is sent or lost, but not for long: before the process ends.
    pub async fn sent(&self) {
        let queued = self.counts.queued.count();
        let all = async {
            while self.counts.done.count() < queued {
                self.counts.hurry.notify_one();
                sleep(SENDING).await;
            }
        };
        if timeout(FAREWELL, all).await.is_err() {
            let left = queued.saturating_sub(self.counts.done.count());
            tracing::warn!(signal = T::NAME, left, "not everything could be sent before the end");
        }
    }
}

impl<T: Signal> Unsent<T> {
    /// Sends until every handle of the outbox is gone.
    pub async fn send(mut self) {
        let (mut batch, mut said) = (Vec::new(), 0);
        while self.gather(&mut batch).await {
            let count = batch.len() as u64;
            match self.destination.send(std::mem::take(&mut batch)).await {
                Ok(refused) => {
                    let refused = refused.min(count);
                    self.counts.sent.add_many(count - refused);
                    self.counts.lost.add_many(refused);
                }
                Err(error) => {
                    self.counts.lost.add_many(count);
                    tracing::debug!(signal = T::NAME, %error, "a receiver did not take what was sent");
                }
            }
            self.counts.done.add_many(count);
            let lost = self.counts.lost.count();
            if lost > said {
                tracing::warn!(
                    signal = T::NAME,
                    lost = lost - said,
                    "not everything reached the receiver of telemetry"
                );
                said = lost;
            }
        }
    }

    /// The items of the next request; `false` when there will be none.
    async fn gather(&mut self, batch: &mut Vec<T>) -> bool {
        let Some(first) = self.queue.recv().await else { return false };
        batch.push(first);
        let until = Instant::now() + LINGER;
        while batch.len() < BATCH {
            tokio::select! {
                biased;
                next = self.queue.recv() => match next {
                    Some(next) => batch.push(next),
                    None => break,
                },
                () = self.counts.hurry.notified() => break,
                () = sleep_until(until) => break,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::telemetry::messages::Span;

    #[test]
    fn what_finds_no_room_is_lost_at_once() {
        let config = Config::from_toml("[telemetry]\nendpoint = \"http://127.0.0.1:9\"\n").unwrap();
        let destination = Destination::of::<Span>(&config.telemetry).unwrap().unwrap();
        let (outbox, _unsent) = Outbox::new(destination);
        for _ in 0..Span::QUEUE + 3 {
            outbox.put(Span::default());
        }
        assert_eq!((outbox.counts().queued.count(), outbox.counts().lost.count()), (Span::QUEUE as u64, 3));
    }
}
