//! The two ways into the store: with a permit, bound to its organization, or as a named system task.

use countersign_decision::{OwnedPermit, Subject};
use countersign_domain::audit::Actor;
use countersign_domain::entropy::Entropy;
use countersign_domain::id::OrganizationId;
use countersign_domain::time::Timestamp;

use crate::db::{Database, Location, Options, PoolState};
use crate::error::StoreError;

/// An open database.
#[derive(Clone)]
pub struct Store {
    pub(crate) database: Database,
}

/// What reads and writes without a permit. Constructed only in a listed set of modules; a test reads the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemTask {
    /// Somebody proves who they are.
    SignIn,
    /// The token endpoint.
    TokenEndpoint,
    /// The authorization endpoint, up to the code.
    Authorize,
    /// A token becomes a caller; snapshots are loaded.
    Enforcement,
    /// What apps call is counted.
    Usage,
    /// The server looks after itself: keys of its own, and what has ended.
    Housekeeping,
    /// `countersign apply`.
    Apply,
    /// `countersign contract import`, and loading contracts at start.
    Contracts,
    /// `countersign registration-token`.
    Registration,
    /// Signing keys are made, loaded and rotated.
    SigningKeys,
    /// `countersign replay`: whose ids stand in a decision log.
    Replay,
    /// `countersign demo`.
    Demo,
}

/// One organization's data, on behalf of one actor at one instant.
pub struct OrgStore<'s> {
    pub(crate) database: &'s Database,
    pub(crate) organization: OrganizationId,
    pub(crate) actor: Actor,
    pub(crate) now: Timestamp,
    pub(crate) entropy: &'s dyn Entropy,
    /// Writes happen on this revision or not at all.
    pub(crate) expected_revision: Option<i64>,
}

/// What a system task reads and writes across organizations, at one instant.
pub struct SystemStore<'s> {
    pub(crate) database: &'s Database,
    pub(crate) task: SystemTask,
    pub(crate) now: Timestamp,
    pub(crate) entropy: &'s dyn Entropy,
}

/// A part of a list: page `number` (from 1) of `size` things each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// From 1.
    pub size: u32,
}

/// A part of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The things on this page.
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: i64,
}

impl Store {
    /// Opens the database, making folder, file and schema when they are absent.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt` for a file that is damaged or not ours, `TooNew` for a newer Countersign's database.
    pub async fn open(location: &Location, options: Options) -> Result<Self, StoreError> {
        Ok(Self { database: Database::open(location, options).await? })
    }

    /// The data of the organization that `permit` was given in; the permit's user or client is the actor.
    pub fn org<'s>(&'s self, permit: &OwnedPermit, now: Timestamp, entropy: &'s dyn Entropy) -> OrgStore<'s> {
        // INVARIANT: permits come from snapshots, and snapshots from `organization_facts`, so the id was parsed before.
        let organization = OrganizationId::parse(permit.organization()).expect("a permit names an organization");
        let client = permit.client().to_owned();
        let actor = match permit.subject() {
            Subject::User(user) => Actor::User { user: user.clone(), client },
            Subject::Client => Actor::Client(client),
        };
        OrgStore { database: &self.database, organization, actor, now, entropy, expected_revision: None }
    }

    /// What a system task may reach.
    pub fn system<'s>(&'s self, task: SystemTask, now: Timestamp, entropy: &'s dyn Entropy) -> SystemStore<'s> {
        SystemStore { database: &self.database, task, now, entropy }
    }

    /// The number of the last change of authority that this node knows of: its own at once, those of others when it
    /// looks ([`Self::read_authority_number`]). What was read when it was lower may be wrong.
    pub fn authority_number(&self) -> i64 {
        self.database.authority_number()
    }

    /// Looks whether others changed authority.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn read_authority_number(&self) -> Result<(), StoreError> {
        self.database.read_authority_number().await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.database.ready().await
    }

    /// The connections to the database, pool by pool.
    pub fn pools(&self) -> Vec<PoolState> {
        self.database.pools()
    }

    /// Waits for running work and closes the connections.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

impl SystemTask {
    /// Who is written in audit records for what this task does.
    pub(crate) const fn actor(self) -> Actor {
        match self {
            Self::SignIn => Actor::System("sign-in"),
            Self::TokenEndpoint => Actor::System("token-endpoint"),
            Self::Authorize => Actor::System("authorize"),
            Self::Enforcement => Actor::System("enforcement"),
            Self::Usage => Actor::System("usage"),
            Self::Housekeeping => Actor::System("housekeeping"),
            Self::Apply => Actor::Operator("apply"),
            Self::Contracts => Actor::Operator("contract import"),
            Self::Registration => Actor::Operator("registration-token"),
            Self::SigningKeys => Actor::Operator("signing keys"),
            Self::Replay => Actor::Operator("replay"),
            Self::Demo => Actor::Operator("demo"),
        }
    }
}

impl<'s> SystemStore<'s> {
    /// One organization's data, on behalf of this task.
    pub fn org(&self, organization: &OrganizationId) -> OrgStore<'s> {
        self.org_as(organization, self.task.actor())
    }

    /// One organization's data, on behalf of somebody whom this task acts for.
    pub fn org_as(&self, organization: &OrganizationId, actor: Actor) -> OrgStore<'s> {
        let organization = organization.clone();
        let Self { database, now, entropy, .. } = *self;
        OrgStore { database, organization, actor, now, entropy, expected_revision: None }
    }
}

impl OrgStore<'_> {
    /// The same, but every write is refused with `Moved` unless the organization is still at this revision: what was judged
    /// on facts is written on the same facts.
    pub fn at_revision(self, revision: i64) -> Self {
        Self { expected_revision: Some(revision), ..self }
    }

    /// The organization that every statement binds.
    pub fn organization_id(&self) -> &OrganizationId {
        &self.organization
    }
}

impl Page {
    /// Page `number` (from 1) of `size` things each; 0 counts as 1.
    pub const fn new(number: u32, size: u32) -> Self {
        Self { number, size }
    }

    pub(crate) fn limit(self) -> i64 {
        i64::from(self.size.max(1))
    }

    pub(crate) fn offset(self) -> i64 {
        i64::from(self.number.max(1) - 1) * self.limit()
    }
}
