//! What one organization has decided, compiled against a [`Catalogue`] so that a call is decided by a few bit tests.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::authority::{Authority, Link};
use crate::contract::Catalogue;
use crate::permission::{Permission, PermissionPolicy, PermissionSet};
use crate::reason::{Reason, RoleRef};
use crate::scope::ScopeSet;

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
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFacts {
    /// The id that assignments and authorizations refer to.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// What it holds.
    pub policies: Vec<PermissionPolicy>,
}

/// A user or a client with its roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectFacts {
    /// The id.
    pub id: String,
    /// Whether it is switched on.
    pub active: bool,
    /// Ids of the roles it has, in whichever division.
    pub roles: Vec<String>,
}

/// An organization's decision about a client.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Who asks, as a token or a line of `evaluate` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The client.
    pub client: ClientRef,
    /// For whom it acts.
    pub subject: Subject,
    /// The scopes that the token explicitly asked for: a ceiling, never a grant. Nothing: no ceiling of its own.
    pub ceiling: Option<Vec<String>>,
    /// The further links of a delegation chain (`act`, RFC 8693 §4.1): each of them must be allowed too.
    pub actors: Vec<Caller>,
}

/// A client, with what its home organization says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRef {
    /// The id.
    pub id: String,
    /// The organization that registered it.
    pub home_organization: String,
    /// Whether it is switched on.
    pub active: bool,
}

/// For whom a client acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A user, by id.
    User(String),
    /// Itself (client credentials).
    Client,
}

/// One organization's decisions, compiled. Immutable: a change makes a new one.
#[derive(Debug)]
pub struct Snapshot {
    catalogue: Catalogue,
    id: String,
    active: bool,
    enforcement: Enforcement,
    bounds_client_credentials: bool,
    roles: Vec<Role>,
    /// One set per combination of roles that somebody has; the first is that of no role at all.
    combinations: Vec<PermissionSet>,
    users: HashMap<String, Holder>,
    clients: HashMap<String, Holder>,
    authorizations: HashMap<String, Authorization>,
}

#[derive(Debug)]
struct Role {
    id: String,
    name: String,
    permissions: PermissionSet,
}

/// A user or a client: its roles, and which combination they are.
#[derive(Debug)]
pub(crate) struct Holder {
    active: bool,
    roles: Box<[u32]>,
    combination: usize,
}

/// A compiled authorization.
#[derive(Debug)]
pub(crate) struct Authorization {
    pub(crate) state: AuthorizationState,
    pub(crate) scopes: ScopeSet,
    /// Empty: everybody. A role that no longer exists stays a limit that nobody meets.
    pub(crate) roles: Box<[RoleLimit]>,
}

#[derive(Debug)]
pub(crate) enum RoleLimit {
    Role(u32),
    Gone(String),
}

impl Snapshot {
    /// Compiles facts. Scopes and permissions that no contract knows are left out, and so are roles that do not exist: nothing is held by mistake.
    pub fn compile(catalogue: &Catalogue, facts: &OrganizationFacts) -> Self {
        let roles: Vec<_> = facts.roles.iter().map(|role| Role::new(catalogue, role)).collect();
        let role_index: HashMap<&str, u32> = facts.roles.iter().map(|role| role.id.as_str()).zip(0u32..).collect();
        let mut combinations = Combinations::new(catalogue, &roles);
        let mut holders = |subjects: &[SubjectFacts]| -> HashMap<String, Holder> {
            subjects.iter().map(|one| (one.id.clone(), combinations.holder(one, &role_index))).collect()
        };
        let (users, clients) = (holders(&facts.users), holders(&facts.clients));
        let combinations = combinations.sets;
        let authorizations = facts.authorizations.iter();
        let authorizations = authorizations
            .map(|facts| (facts.client.clone(), Authorization::new(catalogue, facts, &role_index)))
            .collect();
        Self {
            catalogue: catalogue.clone(),
            id: facts.id.clone(),
            active: facts.active,
            enforcement: facts.enforcement,
            bounds_client_credentials: facts.bounds_client_credentials,
            roles,
            combinations,
            users,
            clients,
            authorizations,
        }
    }

    /// The organization.
    pub fn organization(&self) -> &str {
        &self.id
    }

    /// How the organization treats scopes.
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// The ids of all users who are switched on, in no particular order.
    pub fn active_users(&self) -> impl Iterator<Item = &str> {
        self.users.iter().filter(|(_, holder)| holder.active).map(|(id, _)| id.as_str())
    }

    /// The roles that hold a permission: who can help somebody that lacks it.
    pub fn roles_holding<'s>(&'s self, permission: &Permission) -> impl Iterator<Item = RoleRef<'s>> {
        let index = self.catalogue.permission_index(permission.as_str());
        let holds = move |role: &&Role| index.is_some_and(|index| role.permissions.contains(index));
        self.roles.iter().filter(holds).map(|role| RoleRef { id: &role.id, name: &role.name })
    }

    /// Those of the given roles that hold the permission with this catalogue index.
    pub(crate) fn roles_among<'s>(&'s self, roles: &'s [u32], permission: u32) -> impl Iterator<Item = RoleRef<'s>> {
        let roles = roles.iter().map(|index| &self.roles[*index as usize]);
        roles
            .filter(move |role| role.permissions.contains(permission))
            .map(|role| RoleRef { id: &role.id, name: &role.name })
    }

    /// What a caller holds in this organization at this instant.
    pub fn authority<'s>(&'s self, caller: &'s Caller) -> Authority<'s> {
        let mut links = Vec::with_capacity(1 + caller.actors.len());
        self.push_links(caller, &mut links);
        Authority::of(links)
    }

    fn push_links<'s>(&'s self, caller: &'s Caller, links: &mut Vec<Link<'s>>) {
        links.push(self.link(caller));
        for actor in &caller.actors {
            self.push_links(actor, links);
        }
    }

    fn link<'s>(&'s self, caller: &'s Caller) -> Link<'s> {
        let client = &caller.client;
        let at_home = client.home_organization == self.id;
        let own_client = if at_home { self.clients.get(&client.id) } else { None };
        let holder = match &caller.subject {
            Subject::User(user) => self.users.get(user),
            // A client's own roles hold in its own organization only.
            Subject::Client => own_client,
        };
        let authorization = self.authorizations.get(&client.id);
        let is_active = self.active && client.active && own_client.is_none_or(|own| own.active);
        let refusal = if at_home && own_client.is_none() {
            Some(Reason::UnknownClient)
        } else if matches!(caller.subject, Subject::User(_)) && holder.is_none() {
            Some(Reason::UnknownUser)
        } else if !is_active || holder.is_some_and(|holder| !holder.active) {
            Some(Reason::Inactive)
        } else if authorization.is_some_and(Authorization::is_refused) {
            Some(Reason::AppRefused)
        } else {
            None
        };
        let ceiling = caller.ceiling.as_ref();
        Link {
            snapshot: self,
            client: &client.id,
            subject: &caller.subject,
            refusal,
            roles: holder.map_or(&[], |holder| &holder.roles),
            permissions: &self.combinations[holder.map_or(0, |holder| holder.combination)],
            authorization: authorization.filter(|one| one.state == AuthorizationState::Authorized),
            ceiling: ceiling.map(|scopes| ScopeSet::of(&self.catalogue, scopes.iter().map(String::as_str))),
            enforcement: match caller.subject {
                Subject::Client if !self.bounds_client_credentials => Enforcement::Off,
                _ => self.enforcement,
            },
        }
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    pub(crate) fn role_ref<'s>(&'s self, limit: &'s RoleLimit) -> RoleRef<'s> {
        match limit {
            RoleLimit::Role(index) => {
                let role = &self.roles[*index as usize];
                RoleRef { id: &role.id, name: &role.name }
            }
            RoleLimit::Gone(id) => RoleRef { id, name: id },
        }
    }
}

impl Role {
    fn new(catalogue: &Catalogue, facts: &RoleFacts) -> Self {
        let permissions = PermissionSet::of(catalogue, &facts.policies);
        Self { id: facts.id.clone(), name: facts.name.clone(), permissions }
    }
}

impl Authorization {
    fn new(catalogue: &Catalogue, facts: &AuthorizationFacts, role_index: &HashMap<&str, u32>) -> Self {
        let mut roles: Vec<RoleLimit> = Vec::with_capacity(facts.roles.len());
        for (position, id) in facts.roles.iter().enumerate() {
            if facts.roles[..position].contains(id) {
                continue;
            }
            roles.push(match role_index.get(id.as_str()) {
                Some(index) => RoleLimit::Role(*index),
                None => RoleLimit::Gone(id.clone()),
            });
        }
        let scopes = ScopeSet::of(catalogue, facts.scopes.iter().map(String::as_str));
        Self { state: facts.state, scopes, roles: roles.into() }
    }

    fn is_refused(&self) -> bool {
        matches!(self.state, AuthorizationState::Denied | AuthorizationState::Revoked)
    }

    /// Whether a holder of these roles may use the app.
    pub(crate) fn admits(&self, roles: &[u32]) -> bool {
        self.roles.is_empty()
            || self.roles.iter().any(|limit| matches!(limit, RoleLimit::Role(role) if roles.contains(role)))
    }
}

/// Shares one permission set between all who have the same roles.
struct Combinations<'r> {
    roles: &'r [Role],
    none: PermissionSet,
    sets: Vec<PermissionSet>,
    seen: HashMap<Box<[u32]>, usize>,
}

impl<'r> Combinations<'r> {
    fn new(catalogue: &Catalogue, roles: &'r [Role]) -> Self {
        let none = PermissionSet::none(catalogue);
        Self { roles, sets: vec![none.clone()], none, seen: HashMap::from([(Box::default(), 0)]) }
    }

    fn holder(&mut self, subject: &SubjectFacts, role_index: &HashMap<&str, u32>) -> Holder {
        let mut roles: Vec<u32> = subject.roles.iter().filter_map(|id| role_index.get(id.as_str()).copied()).collect();
        roles.sort_unstable();
        roles.dedup();
        let roles = roles.into_boxed_slice();
        let combination = match self.seen.get(&roles) {
            Some(combination) => *combination,
            None => {
                let mut united = self.none.clone();
                for role in &roles {
                    united.unite(&self.roles[*role as usize].permissions);
                }
                self.sets.push(united);
                self.seen.insert(roles.clone(), self.sets.len() - 1);
                self.sets.len() - 1
            }
        };
        Holder { active: subject.active, roles, combination }
    }
}
