//! Hashing what people choose: on threads of its own, few at a time, because each takes 19 MiB and a core for 20 ms.

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::entropy::Entropy;
use countersign_domain::secret::SecretHash;
use tokio::sync::Semaphore;

/// How many passwords are hashed at once; more would starve the calls that hash nothing.
static SLOTS: Semaphore = Semaphore::const_new(4);
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Too many passwords are being hashed: try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked at this moment")]
pub struct Busy;

/// The hash to keep of a password.
///
/// # Errors
/// When no turn came in time.
pub async fn hash_password(password: &str, entropy: &Arc<dyn Entropy>) -> Result<SecretHash, Busy> {
    let (password, entropy) = (password.to_owned(), Arc::clone(entropy));
    run(move || SecretHash::of_password(&password, entropy.as_ref())).await
}

/// Computes `work`, some hash that is slow on purpose, when it is its turn.
///
/// # Errors
/// When no turn came in time.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
    let Ok(Ok(slot)) = tokio::time::timeout(PATIENCE, SLOTS.acquire()).await else { return Err(Busy) };
    // The slot goes along: a caller that hangs up does not free it before the computation ends.
    let in_slot = move || {
        let result = work();
        drop(slot);
        result
    };
    tokio::task::spawn_blocking(in_slot).await.map_err(|_| Busy)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_hashes_are_computed_at_once_than_there_are_slots() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            tasks.spawn(run(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(1));
                running.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        assert!(tasks.join_all().await.into_iter().all(|result| result.is_ok()));
        assert!((1..=4).contains(&most.load(Ordering::SeqCst)));
    }
}
