//! One writer for codes and tokens that many requests wait for: what waits is committed in one transaction, and each request is answered
//! when its part is durable. SQLite only: a commit there is a visit to the disk. (PostgreSQL commits in groups by itself.)

use tokio::sync::{mpsc, oneshot};

use crate::StoreError;
use crate::db::Database;
use crate::error::DatabaseFailure;
use crate::token::issue::{Outcome, Part, commit};

/// Most requests that wait; what is more is refused at once.
const MOST_WAITING: usize = 1_024;
/// Most requests of one transaction: other writers wait no longer than it takes.
const MOST_TOGETHER: usize = 64;

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Queue(mpsc::Sender<Order>);

/// Where a request waits.
type Answer = oneshot::Sender<Result<Outcome, StoreError>>;

enum Order {
    Keep(Part, Answer),
    /// Answered when everything that was ordered before is done.
    Close(oneshot::Sender<()>),
}

impl Queue {
    /// Starts the writer; it ends with the last way to it.
    pub(crate) fn start(database: Database) -> Self {
        let (sender, orders) = mpsc::channel(MOST_WAITING);
        tokio::spawn(serve(database, orders));
        Self(sender)
    }

    /// Waits until it is durable, or has failed.
    pub(crate) async fn put(&self, part: Part) -> Result<Outcome, StoreError> {
        let (answer, outcome) = oneshot::channel();
        self.0.try_send(Order::Keep(part, answer)).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => unavailable("too many tokens wait to be written"),
            mpsc::error::TrySendError::Closed(_) => unavailable("it was closed"),
        })?;
        outcome.await.unwrap_or_else(|_| Err(unavailable("it was closed")))
    }

    /// Waits for what was ordered, and takes no more.
    pub(crate) async fn close(&self) {
        let (answer, done) = oneshot::channel();
        if self.0.send(Order::Close(answer)).await.is_ok() {
            let _ = done.await;
        }
    }
}

async fn serve(database: Database, mut orders: mpsc::Receiver<Order>) {
    let mut waiting = Vec::with_capacity(MOST_TOGETHER);
    let mut closing = Vec::new();
    while orders.recv_many(&mut waiting, MOST_TOGETHER).await > 0 {
        // requests that are ready to order do so now
        tokio::task::yield_now().await;
        while waiting.len() < MOST_TOGETHER
            && let Ok(order) = orders.try_recv()
        {
            waiting.push(order);
        }
        let mut parts = Vec::with_capacity(waiting.len());
        for order in waiting.drain(..) {
            match order {
                Order::Keep(part, answer) => parts.push((part, answer)),
                Order::Close(answer) => {
                    orders.close();
                    closing.push(answer);
                }
            }
        }
        write(&database, parts).await;
    }
    for answer in closing {
        let _ = answer.send(());
    }
}

async fn write(database: &Database, mut parts: Vec<(Part, Answer)>) {
    // whoever has hung up gets nothing that nobody would know of
    parts.retain(|(_, answer)| !answer.is_closed());
    if parts.is_empty() {
        return;
    }
    let together: Vec<&Part> = parts.iter().map(|(part, _)| part).collect();
    let outcomes = commit(database, &together).await;
    for ((_, answer), outcome) in parts.into_iter().zip(outcomes) {
        let _ = answer.send(outcome);
    }
}

fn unavailable(message: &str) -> StoreError {
    StoreError::Unavailable(DatabaseFailure { message: message.to_owned(), is_lost_race: false })
}
