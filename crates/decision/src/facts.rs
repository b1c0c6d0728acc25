//! Everything about one organization that decisions depend on, as a store or a file knows it, and what can change about it.

use serde::{Deserialize, Serialize};

use crate::permission::PermissionPolicy;

/// How an organization treats the scopes of apps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// Permissions decide alone, but for a token's own ceiling and apps that were refused.
    Off,
    /// As [`Enforcement::Off`], and what [`Enforcement::Enforce`] would deny is reported.
    Report,
    /// App and user both have to be allowed.
    Enforce,
}

/// The state of what one organization allows one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthorizationState {
    /// Somebody asked; nobody decided.
    Requested,
    /// Allowed.
    Authorized,
    /// Refused before it was ever allowed: blocks the app.
    Denied,
    /// Taken back: blocks the app.
    Revoked,
    /// Ran out: as if never authorized.
    Expired,
}

/// Everything about one organization that decisions depend on, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationFacts {
    /// The organization.
    pub id: String,
    /// Whether it is switched on.
    pub active: bool,
    /// How it treats scopes.
    pub enforcement: Enforcement,
    /// Whether its authorizations bound client-credentials tokens too (the default) or only users' tokens.
    pub bounds_client_credentials: bool,
    /// Its roles.
    pub roles: Vec<RoleFacts>,
    /// Its users.
    pub users: Vec<SubjectFacts>,
    /// The clients that it registered, with their own role assignments.
    pub clients: Vec<SubjectFacts>,
    /// Its decisions about clients, its own or others'.
    pub authorizations: Vec<AuthorizationFacts>,
}

/// A role of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleFacts {
    /// The id that assignments and authorizations refer to.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// What it holds.
    pub policies: Vec<PermissionPolicy>,
}

/// A user or a client with its roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectFacts {
    /// The id.
    pub id: String,
    /// Whether it is switched on.
    pub active: bool,
    /// Ids of the roles it has, in whichever division.
    pub roles: Vec<String>,
}

/// An organization's decision about a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationFacts {
    /// The client's id.
    pub client: String,
    /// What was decided.
    pub state: AuthorizationState,
    /// The scopes it may use.
    pub scopes: Vec<String>,
    /// Ids of the roles of which a user of the app needs one; empty: everybody may use it.
    pub roles: Vec<String>,
}

/// One thing that is different now. A fact that names an id replaces the one of that id, or is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// The organization itself.
    Settings(Settings),
    /// A role.
    Role(RoleFacts),
    /// The role with this id is gone.
    RoleGone(String),
    /// A user, with all of its roles.
    User(SubjectFacts),
    /// The user with this id is gone.
    UserGone(String),
    /// A client that the organization registered, with all of its roles.
    Client(SubjectFacts),
    /// The client with this id is gone.
    ClientGone(String),
    /// The organization's decision about a client.
    Authorization(AuthorizationFacts),
    /// There is no decision about this client any more.
    AuthorizationGone(String),
}

/// What an organization decides about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether it is switched on.
    pub active: bool,
    /// How it treats scopes.
    pub enforcement: Enforcement,
    /// Whether its authorizations bound client-credentials tokens too.
    pub bounds_client_credentials: bool,
}

impl OrganizationFacts {
    /// What the organization decides about itself.
    pub fn settings(&self) -> Settings {
        let Self { active, enforcement, bounds_client_credentials, .. } = *self;
        Settings { active, enforcement, bounds_client_credentials }
    }

    /// Makes the change here: what [`Snapshot::with`](crate::Snapshot::with) does to a compiled organization.
    pub fn change(&mut self, change: &Change) {
        match change {
            Change::Settings(Settings { active, enforcement, bounds_client_credentials }) => {
                self.active = *active;
                self.enforcement = *enforcement;
                self.bounds_client_credentials = *bounds_client_credentials;
            }
            Change::Role(role) => put(&mut self.roles, role, |one| &one.id),
            Change::RoleGone(id) => self.roles.retain(|one| one.id != *id),
            Change::User(user) => put(&mut self.users, user, |one| &one.id),
            Change::UserGone(id) => self.users.retain(|one| one.id != *id),
            Change::Client(client) => put(&mut self.clients, client, |one| &one.id),
            Change::ClientGone(id) => self.clients.retain(|one| one.id != *id),
            Change::Authorization(authorization) => put(&mut self.authorizations, authorization, |one| &one.client),
            Change::AuthorizationGone(client) => self.authorizations.retain(|one| one.client != *client),
        }
    }
}

fn put<T: Clone>(all: &mut Vec<T>, one: &T, id: impl Fn(&T) -> &String) {
    match all.iter_mut().find(|other| id(other) == id(one)) {
        Some(other) => *other = one.clone(),
        None => all.push(one.clone()),
    }
}
