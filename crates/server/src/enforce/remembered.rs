//! What this node remembers of live tokens, and of the clients that ask about them, so that most calls ask no database.
//!
//! Every change of authority raises one number in the same transaction (`store::Store::authority_number`). What was read when
//! the number was lower counts no more. A change that this node makes is known before it is answered; changes of others when
//! this node next looks, four times a second. A node that has not seen the number for five seconds remembers nothing, asks
//! the database, and refuses where it gets no answer (`docs/decisions/0028-remembered-until-anything-changes.md`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_decision::Contracts;
use countersign_domain::client::Client;
use countersign_domain::id::{ClientId, OrganizationId};
use countersign_domain::oauth::introspection::KnownToken;
use countersign_domain::oauth::scopes::Standing;
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::secret::{Digest, SecretHash};
use countersign_domain::time::Timestamp;
use countersign_store::token::ClaimStanding;
use countersign_store::{Store, StoreError};
use moka::sync::Cache;
use tokio::time::Instant;

use super::check::LiveToken;
use crate::oauth::standing::Whom;

/// How often the number is looked at.
pub const LOOK: Duration = Duration::from_millis(250);
/// How long what is remembered counts without a look.
const OUT_OF_TOUCH: Duration = Duration::from_secs(5);
/// Most tokens that are remembered; the least recently used are forgotten first.
const MAX_TOKENS: u64 = 200_000;
/// The same of clients.
const MAX_CLIENTS: u64 = 20_000;
/// The same of whom tokens are issued for: with each goes what its organization decided about the app.
const MAX_STANDINGS: u64 = 20_000;

/// What this node remembers.
#[derive(Clone)]
pub struct Remembered {
    tokens: Cache<Digest, Entry<Enforced>>,
    introspected: Cache<Digest, Entry<Arc<Introspected>>>,
    clients: Cache<ClientId, Entry<Arc<Registered>>>,
    standings: Cache<(OrganizationId, ClientId, TokenSubject), Entry<Arc<ClaimStanding>>>,
    started: Instant,
    /// When the number was last seen, in milliseconds since `started`.
    looked_at: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Entry<T> {
    /// The number that was known before the value was read.
    number: i64,
    value: T,
}

/// A token as doors need it.
#[derive(Clone)]
struct Enforced {
    /// What the organization was compiled against.
    contracts: Arc<Contracts>,
    token: Arc<LiveToken>,
}

/// An access token as introspection tells of it.
pub struct Introspected {
    /// What was issued.
    pub token: KnownToken,
    /// What organization, app and person are worth.
    pub standing: Standing,
}

/// A client that is registered here, and what it can prove itself by.
#[derive(Clone)]
pub struct Registered {
    /// As it is registered.
    pub client: Client,
    /// Of its secrets that live.
    pub secrets: Vec<SecretHash>,
    /// When the first of them ends, where one does.
    pub until: Option<Timestamp>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            tokens: Cache::new(MAX_TOKENS),
            introspected: Cache::new(MAX_TOKENS),
            clients: Cache::new(MAX_CLIENTS),
            standings: Cache::new(MAX_STANDINGS),
            started: Instant::now(),
            looked_at: Arc::new(AtomicU64::new(0)),
        }
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
        let entry = self.current(self.tokens.get(digest), store)?;
        Arc::ptr_eq(&entry.contracts, contracts).then_some(entry.token)
    }

    /// An access token as it was introspected, where nothing has changed since.
    pub fn introspected(&self, digest: &Digest, store: &Store) -> Option<Arc<Introspected>> {
        self.current(self.introspected.get(digest), store)
    }

    /// A registered client with the secrets that live now, where nothing has changed since it was read.
    pub fn client(&self, id: &ClientId, store: &Store, now: Timestamp) -> Option<Arc<Registered>> {
        let registered = self.current(self.clients.get(id), store)?;
        registered.until.is_none_or(|until| now < until).then_some(registered)
    }

    /// What an organization decided about an app, and whom it acts for there, where nothing has changed since it was read.
    pub fn standing(&self, (organization, client, subject): Whom<'_>, store: &Store) -> Option<Arc<ClaimStanding>> {
        let whom = (organization.clone(), client.clone(), subject.clone());
        self.current(self.standings.get(&whom), store)
    }

    fn current<T>(&self, entry: Option<Entry<T>>, store: &Store) -> Option<T> {
        let entry = entry.filter(|entry| entry.number == store.authority_number())?;
        (self.age() < OUT_OF_TOUCH).then_some(entry.value)
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
        self.tokens.insert(token.digest, Entry { number, value: Enforced { contracts, token } });
    }

    /// The same of an access token that was introspected.
    pub fn keep_introspected(&self, number: i64, digest: Digest, told: Arc<Introspected>) {
        self.introspected.insert(digest, Entry { number, value: told });
    }

    /// The same of whom tokens are issued for.
    pub fn keep_standing(&self, number: i64, (organization, client, subject): Whom<'_>, read: Arc<ClaimStanding>) {
        let whom = (organization.clone(), client.clone(), subject.clone());
        self.standings.insert(whom, Entry { number, value: read });
    }

    /// The same of a client.
    pub fn keep_client(&self, number: i64, registered: Registered) {
        self.clients.insert(registered.client.id.clone(), Entry { number, value: Arc::new(registered) });
    }
}
