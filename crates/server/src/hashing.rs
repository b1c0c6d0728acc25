//! Hashing what people choose: on threads of its own, few at a time, because each takes 19 MiB and a core for 20 ms.

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::entropy::Entropy;
use countersign_domain::secret::SecretHash;
use tokio::sync::{Semaphore, SemaphorePermit};

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

/// Whether `secret` is the one that was kept.
///
/// # Errors
/// When no turn came in time.
pub async fn verify(hash: &SecretHash, secret: &str) -> Result<bool, Busy> {
    let (hash, secret) = (hash.clone(), secret.to_owned());
    run(move || hash.verify(&secret)).await
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
    let _slot: SemaphorePermit<'_> = match tokio::time::timeout(PATIENCE, SLOTS.acquire()).await {
        Ok(Ok(slot)) => slot,
        Ok(Err(_)) | Err(_) => return Err(Busy),
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| Busy)
}
