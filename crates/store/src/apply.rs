//! `countersign apply`: brings organizations to the state that a world file describes, in one transaction.
//!
//! Only what differs is written, so the same file again changes nothing. What is written goes the way of every other
//! change: revision, change row and audit record in the same transaction.
//!
//! | file | does |
//! |---|---|
//! | `apply/difference.rs` | what was changed, in sentences |
//! | `apply/passwords.rs` | hashes the passwords and secrets of the file, before the transaction |
//! | `apply/organizations.rs` | organizations, divisions and roles |
//! | `apply/people.rs` | users, their passwords and roles |
//! | `apply/issuers.rs` | whose word is taken about people |
//! | `apply/apps.rs` | clients, their secrets and roles |
//! | `apply/decisions.rs` | authorizations |

mod apps;
mod decisions;
mod difference;
mod issuers;
mod organizations;
mod passwords;
mod people;

use std::collections::HashMap;

use countersign_decision::Scope;
use countersign_domain::audit::Actor;
use countersign_domain::id::{ClientId, OrganizationId, RoleId};
use countersign_domain::organization::DivisionScope;
use countersign_domain::world::{AssignmentEntry, OrganizationEntry, Problem, World};

pub use self::difference::{Difference, Entry, MadeClient, Verb};

use self::passwords::Passwords;
use crate::change::{Author, OrgWriter};
use crate::db::Transaction;
use crate::{StoreError, SystemStore};

/// How to apply a world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Computes the difference and writes nothing.
    pub is_dry_run: bool,
    /// Removes what the file does not name, within the organizations that it names; never the console.
    pub prunes: bool,
    /// What the console may do in organizations that are made.
    pub console_scopes: Vec<Scope>,
}

/// Why a world was not applied. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Places in the file that are wrong in view of what the store holds.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Problem>),
    /// The file asks for what cannot be.
    #[error("{0}")]
    Refused(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SystemStore<'_> {
    /// Applies a world: everything or nothing. Organizations that the file does not name stay as they are.
    ///
    /// # Errors
    /// `Problems` for authorizations of clients that nobody registered, `Refused` for what cannot be, e.g. the id of another
    /// organization's client.
    pub async fn apply(&self, world: &World, options: &ApplyOptions) -> Result<Difference, ApplyError> {
        let passwords = &Passwords::of(self, world).await?;
        let actor = &self.task.actor();
        self.database
            .write(|transaction| async move {
                let applying = Applying { system: self, actor, world, options, passwords };
                match applying.apply(transaction).await {
                    // Another transaction may have been faster.
                    Err(ApplyError::Store(error)) => Err(error),
                    outcome => Ok(outcome),
                }
            })
            .await?
    }
}

/// One attempt.
struct Applying<'a> {
    system: &'a SystemStore<'a>,
    actor: &'a Actor,
    world: &'a World,
    options: &'a ApplyOptions,
    passwords: &'a Passwords,
}

/// The ids of the clients of the file, by organization and name.
type ClientIds = HashMap<(OrganizationId, String), ClientId>;

impl<'a> Applying<'a> {
    async fn apply(&self, mut transaction: Transaction) -> Result<Difference, ApplyError> {
        let mut difference = Difference::default();
        let mut client_ids = ClientIds::new();
        // In the order of their ids, as everybody who locks several organizations.
        let mut entries: Vec<_> = self.world.organizations.iter().collect();
        entries.sort_by(|one, other| one.id.cmp(&other.id));

        for entry in &entries {
            let mut writer = self.open(transaction, entry, &mut difference).await?;
            self.divisions(&mut writer, entry, &mut difference).await?;
            self.roles(&mut writer, entry, &mut difference).await?;
            self.people(&mut writer, entry, &mut difference).await?;
            self.issuers(&mut writer, entry, &mut difference).await?;
            self.apps(&mut writer, entry, &mut client_ids, &mut difference).await?;
            transaction = writer.finish().await?;
        }
        self.check_clients_elsewhere(&mut transaction).await?;
        for entry in &entries {
            let mut writer = OrgWriter::lock(transaction, self.author(&entry.id)).await?;
            self.decisions(&mut writer, entry, &client_ids, &mut difference).await?;
            transaction = writer.finish().await?;
        }
        if self.options.prunes {
            for entry in &entries {
                transaction = self.prune(transaction, entry, &client_ids, &mut difference).await?;
            }
        }

        if self.options.is_dry_run {
            difference.made_clients.clear();
            transaction.rollback().await?;
        } else {
            transaction.commit().await?;
        }
        Ok(difference)
    }

    /// What the file does not name goes: apps and people first, then what they referred to.
    async fn prune(
        &self,
        transaction: Transaction,
        entry: &'a OrganizationEntry,
        client_ids: &ClientIds,
        difference: &mut Difference,
    ) -> Result<Transaction, ApplyError> {
        let mut writer = OrgWriter::lock(transaction, self.author(&entry.id)).await?;
        self.prune_decisions(&mut writer, entry, client_ids, difference).await?;
        writer = self.prune_apps(writer, entry, client_ids, difference).await?;
        self.prune_issuers(&mut writer, entry, difference).await?;
        self.prune_people(&mut writer, entry, difference).await?;
        self.prune_roles(&mut writer, entry, difference).await?;
        self.prune_divisions(&mut writer, entry, difference).await?;
        Ok(writer.finish().await?)
    }

    fn author(&self, organization: &'a OrganizationId) -> Author<'a> {
        Author { organization, actor: self.actor, now: self.system.now, entropy: self.system.entropy }
    }
}

/// The roles and divisions of an organization by name, as the file names them.
struct Names {
    roles: HashMap<String, RoleId>,
    divisions: HashMap<String, DivisionScope>,
}

impl Names {
    async fn read(writer: &mut OrgWriter<'_>) -> Result<Self, StoreError> {
        let roles = writer.all_roles().await?.into_iter().map(|role| (role.name, role.id)).collect();
        let scope = |division: countersign_domain::organization::Division| {
            (division.name, DivisionScope::Division(division.id))
        };
        let divisions = writer.divisions().await?.into_iter().map(scope).collect();
        Ok(Self { roles, divisions })
    }

    /// INVARIANT: a world names only roles and divisions of the same organization, and these were made before.
    fn assignments(&self, entries: &[AssignmentEntry]) -> Vec<(RoleId, DivisionScope)> {
        let mut assignments: Vec<_> = entries
            .iter()
            .map(|entry| {
                let division = entry.division.as_ref().map_or(DivisionScope::All, |name| self.divisions[name].clone());
                (self.roles[&entry.role].clone(), division)
            })
            .collect();
        assignments.sort();
        assignments
    }

    /// The name of a role, for sentences.
    fn role_name<'n>(&'n self, id: &'n RoleId) -> &'n str {
        self.roles.iter().find(|(_, role)| *role == id).map_or(id.as_str(), |(name, _)| name)
    }
}
