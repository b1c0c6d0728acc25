//! What this node remembers of live tokens, so that most calls ask no database.
//!
//! Every change of authority raises one number in the same transaction (`store::Store::authority_number`). What was read when
//! the number was lower counts no more. A change that this node makes is known before it is answered; changes of others when
//! this node next looks, four times a second. A node that has not seen the number for five seconds remembers nothing, asks
//! the database, and refuses where it gets no answer (`docs/decisions/0028-remembered-until-anything-changes.md`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_decision::Contracts;
use countersign_domain::secret::Digest;
use countersign_store::{Store, StoreError};
use tokio::time::Instant;

use super::check::LiveToken;

/// How often the number is looked at.
pub const LOOK: Duration = Duration::from_millis(250);
/// How long what is remembered counts without a look.
const OUT_OF_TOUCH: Duration = Duration::from_secs(5);
/// Most tokens that are remembered; the least recently used are forgotten first.
const MAX_TOKENS: u64 = 200_000;

/// Live tokens of this node.
#[derive(Clone)]
pub struct Remembered {
    tokens: moka::sync::Cache<Digest, Entry>,
    started: Instant,
    /// When the number was last seen, in milliseconds since `started`.
    looked_at: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Entry {
    /// The number that was known before the token was read.
    number: i64,
    /// What the organization was compiled against.
    contracts: Arc<Contracts>,
    token: Arc<LiveToken>,
}

impl Default for Remembered {
    fn default() -> Self {
        let tokens = moka::sync::Cache::new(MAX_TOKENS);
        Self { tokens, started: Instant::now(), looked_at: Arc::new(AtomicU64::new(0)) }
    }
}

impl Remembered {
    /// Looks whether others changed authority.
    ///
    /// # Errors
    /// When the database cannot be asked; then what is remembered counts for a while yet.
    pub async fn look(&self, store: &Store) -> Result<(), StoreError> {
        let asked_at = self.started.elapsed();
        store.read_authority_number().await?;
        self.looked_at.store(u64::try_from(asked_at.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
        Ok(())
    }

    /// A token as it stands, where nothing has changed since it was read.
    pub fn get(&self, digest: &Digest, store: &Store, contracts: &Arc<Contracts>) -> Option<Arc<LiveToken>> {
        if self.age() >= OUT_OF_TOUCH {
            return None;
        }
        let entry = self.tokens.get(digest)?;
        let is_current = entry.number == store.authority_number() && Arc::ptr_eq(&entry.contracts, contracts);
        is_current.then_some(entry.token)
    }

    /// How long ago the number was seen last.
    pub fn age(&self) -> Duration {
        let looked_at = Duration::from_millis(self.looked_at.load(Ordering::Acquire));
        self.started.elapsed().saturating_sub(looked_at)
    }

    /// How many tokens are remembered.
    pub fn count(&self) -> u64 {
        self.tokens.run_pending_tasks();
        self.tokens.entry_count()
    }

    /// Keeps a token that was read after `number` was known.
    pub fn keep(&self, number: i64, contracts: Arc<Contracts>, token: Arc<LiveToken>) {
        self.tokens.insert(token.digest, Entry { number, contracts, token });
    }
}
