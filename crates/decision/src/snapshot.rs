//! What one organization has decided, compiled against a [`Catalogue`] so that a call is decided by a few bit tests.

mod change;
mod roles;

use std::slice;
use std::sync::Arc;

use prefetch_index::prefetch_index;

use crate::authority::{Authority, Link};
use crate::caller::{Caller, ClientRef, Subject};
use crate::catalogue::Catalogue;
use crate::facts::{AuthorizationFacts, AuthorizationState, Enforcement, OrganizationFacts, Settings};
use crate::id_map::{Id, IdMap, Sought};
use crate::permission::Permission;
use crate::reason::{Reason, RoleRef};
use crate::scope::ScopeSet;

use roles::Combinations;

pub(crate) use roles::Roles;

/// One organization's decisions, compiled. Immutable: a change makes a new one ([`Snapshot::with`]), which shares what did not change.
#[derive(Debug, Clone)]
pub struct Snapshot {
    catalogue: Catalogue,
    id: Arc<str>,
    settings: Settings,
    roles: Arc<Roles>,
    combinations: Arc<Combinations>,
    users: IdMap<Holder>,
    clients: IdMap<Client>,
}

/// A user or a client: which combination of roles it has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Holder {
    combination: u32,
    active: bool,
}

/// What the organization knows about a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    /// Where the organization registered it itself.
    own: Option<Holder>,
    authorization: Option<Authorization>,
}

/// What the organization knows about the client of one call.
#[derive(Debug, Clone, Copy)]
struct Known<'s> {
    /// Whether it registered the client.
    is_at_home: bool,
    /// Its own client; nothing for another organization's.
    own: Option<Holder>,
    authorization: Option<&'s Authorization>,
}

/// Where a caller's user and client stand, so far as that can be said without reading them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SoughtCaller<'s> {
    /// Nothing: the client acts for itself.
    user: Option<Sought<'s>>,
    client: Sought<'s>,
}

/// A compiled authorization.
#[derive(Debug, Clone)]
pub(crate) struct Authorization {
    pub(crate) state: AuthorizationState,
    pub(crate) scopes: ScopeSet,
    /// Nothing: everybody. One pointer, so that all of an authorization stands close together: most have no limit.
    limit: Option<Box<Limit>>,
}

/// The roles of which users of an app need one.
#[derive(Debug, Clone)]
struct Limit(Box<[u32]>);

impl Snapshot {
    /// Compiles facts. Scopes and permissions that no contract knows are left out, and roles that do not exist hold nothing: nothing is held by mistake.
    pub fn compile(catalogue: &Catalogue, facts: &OrganizationFacts) -> Self {
        let mut made = Self {
            catalogue: catalogue.clone(),
            id: facts.id.as_str().into(),
            settings: facts.settings(),
            roles: Arc::default(),
            combinations: Arc::new(Combinations::new(catalogue)),
            users: IdMap::with_capacity(facts.users.len()),
            clients: IdMap::default(),
        };
        facts.roles.iter().for_each(|role| made.set_role(role));
        for user in &facts.users {
            let holder = made.holder(user);
            made.users.insert(&user.id, holder);
        }
        for client in &facts.clients {
            let own = Some(made.holder(client));
            made.set_client(&client.id, |entry| entry.own = own);
        }
        for facts in &facts.authorizations {
            let authorization = Some(made.authorization(facts));
            made.set_client(&facts.client, |entry| entry.authorization = authorization);
        }
        made
    }

    /// The organization.
    pub fn organization(&self) -> &str {
        &self.id
    }

    /// How the organization treats scopes.
    pub fn enforcement(&self) -> Enforcement {
        self.settings.enforcement
    }

    /// How many different combinations of roles somebody has: each takes memory once, however many have it.
    pub fn combinations(&self) -> usize {
        self.combinations.len()
    }

    /// The ids of all users who are switched on, in no particular order.
    pub fn active_users(&self) -> impl Iterator<Item = String> {
        self.active_holders().map(|(id, _)| id.to_string())
    }

    /// The ids of all active users that `is_allowed` says yes to, in order. Whoever has the same roles gets the same answer from
    /// [`decide`](crate::decide()), so one of each combination of roles is asked about.
    pub fn active_users_alike(&self, mut is_allowed: impl FnMut(&str) -> bool) -> Vec<String> {
        let mut answers: Vec<Option<bool>> = vec![None; self.combinations()];
        let mut allowed = Vec::new();
        for (id, combination) in self.active_holders() {
            let id = id.to_string();
            if *answers[combination as usize].get_or_insert_with(|| is_allowed(&id)) {
                allowed.push(id);
            }
        }
        allowed.sort_unstable();
        allowed
    }

    /// The roles that hold a permission: who can help somebody that lacks it.
    pub fn roles_holding<'s>(&'s self, permission: &Permission) -> impl Iterator<Item = RoleRef<'s>> {
        let index = self.catalogue.permission_index(permission.as_str());
        index.into_iter().flat_map(|index| self.holding(self.roles.indices(), index))
    }

    /// Those of the given roles that hold the permission with this catalogue index.
    pub(crate) fn roles_among<'s>(&'s self, roles: &'s [u32], permission: u32) -> impl Iterator<Item = RoleRef<'s>> {
        self.holding(roles.iter().copied(), permission)
    }

    fn holding<'s>(
        &'s self,
        roles: impl Iterator<Item = u32> + 's,
        permission: u32,
    ) -> impl Iterator<Item = RoleRef<'s>> {
        let holds = move |role: &u32| self.roles.permissions(*role).is_some_and(|held| held.contains(permission));
        roles.filter(holds).map(|role| self.roles.role_ref(role))
    }

    /// What a caller holds in this organization at this instant.
    pub fn authority<'s>(&'s self, caller: &'s Caller) -> Authority<'s> {
        Authority::of(self, caller, self.seek(caller))
    }

    fn seek<'s>(&'s self, caller: &'s Caller) -> SoughtCaller<'s> {
        let user = match &caller.subject {
            Subject::User(user) => Some(self.users.seek(user)),
            Subject::Client => None,
        };
        let client = self.clients.seek(&caller.client.id);
        // What else is read of the organization: among thousands of them it is in no cache either.
        prefetch_index(slice::from_ref(&self.settings), 0);
        prefetch_index(slice::from_ref(&self.catalogue), 0);
        prefetch_index(slice::from_ref(self.combinations.as_ref()), 0);
        prefetch_index(self.id.as_bytes(), 0);
        SoughtCaller { user, client }
    }

    /// The further links of a delegation chain.
    #[inline]
    pub(crate) fn links_of_actors<'s>(&'s self, caller: &'s Caller) -> Vec<Link<'s>> {
        let mut links = Vec::new();
        if !caller.actors.is_empty() {
            self.push_actors(caller, &mut links);
        }
        links
    }

    #[cold]
    fn push_actors<'s>(&'s self, caller: &'s Caller, links: &mut Vec<Link<'s>>) {
        for actor in &caller.actors {
            links.push(self.link(actor, self.seek(actor)));
            self.push_actors(actor, links);
        }
    }

    /// The link of a caller that was sought here. Inlined, as the rule is (`decide/rule.rs`).
    #[inline(always)]
    pub(crate) fn link<'s>(&'s self, caller: &'s Caller, sought: SoughtCaller<'s>) -> Link<'s> {
        let Caller { client, subject, ceiling, .. } = caller;
        let known = self.known(client, self.clients.found(sought.client));
        let holder = match sought.user {
            Some(user) => self.users.found(user).copied(),
            // A client's own roles hold in its own organization only.
            None => known.own,
        };
        Link { ceiling: ceiling.as_deref(), ..self.link_of(client, subject, known, holder) }
    }

    #[inline(always)]
    fn known<'s>(&self, client: &ClientRef, entry: Option<&'s Client>) -> Known<'s> {
        let is_at_home = client.home_organization.as_str() == self.id.as_ref();
        Known {
            is_at_home,
            own: entry.and_then(|entry| entry.own).filter(|_| is_at_home),
            authorization: entry.and_then(|entry| entry.authorization.as_ref()),
        }
    }

    /// The link of a client for whoever has these roles, with a token that asks for all that is authorized.
    #[inline(always)]
    fn link_of<'s>(
        &'s self,
        client: &'s ClientRef,
        subject: &'s Subject,
        Known { is_at_home, own, authorization }: Known<'s>,
        holder: Option<Holder>,
    ) -> Link<'s> {
        let is_active = self.settings.active && client.active && own.is_none_or(|own| own.active);
        let refusal = if is_at_home && own.is_none() {
            Some(Reason::UnknownClient)
        } else if matches!(subject, Subject::User(_)) && holder.is_none() {
            Some(Reason::UnknownUser)
        } else if !is_active || holder.is_some_and(|holder| !holder.active) {
            Some(Reason::Inactive)
        } else if authorization.is_some_and(Authorization::is_refused) {
            Some(Reason::AppRefused)
        } else {
            None
        };
        let combination = holder.map_or(Combinations::NONE, |holder| holder.combination);
        Link {
            snapshot: self,
            client: &client.id,
            subject,
            refusal,
            combination,
            permissions: self.combinations.permissions(combination),
            authorization: authorization.filter(|one| one.state == AuthorizationState::Authorized),
            ceiling: None,
            enforcement: match subject {
                Subject::Client if !self.settings.bounds_client_credentials => Enforcement::Off,
                _ => self.settings.enforcement,
            },
        }
    }

    /// The link of a client for some active user, to look at what does not depend on which.
    pub(crate) fn link_for_anybody<'s>(&'s self, client: &'s ClientRef) -> Link<'s> {
        const ANYBODY: &Subject = &Subject::User(String::new());
        let holder = Holder { combination: Combinations::NONE, active: true };
        self.link_of(client, ANYBODY, self.known(client, self.clients.get(&client.id)), Some(holder))
    }

    /// The ids of all clients that the organization registered or has decided about, in no particular order.
    pub fn clients(&self) -> impl Iterator<Item = String> {
        self.clients.iter().map(|(id, _)| id.to_string())
    }

    /// All active users with their combination of roles, in no particular order.
    pub(crate) fn active_holders(&self) -> impl Iterator<Item = (Id<'_>, u32)> {
        self.users.iter().filter(|(_, holder)| holder.active).map(|(id, holder)| (id, holder.combination))
    }

    /// The combination of an active user.
    pub(crate) fn active_holder(&self, user: Id<'_>) -> Option<u32> {
        self.users.get_id(user).filter(|holder| holder.active).map(|holder| holder.combination)
    }

    /// Whether both snapshots have the very same users with the very same combinations.
    pub(crate) fn shares_users_with(&self, other: &Self) -> bool {
        self.users.is_shared_with(&other.users)
    }

    /// Whether the very same users hold the very same permissions in both snapshots.
    pub(crate) fn holds_as(&self, other: &Self) -> bool {
        let shares_roles = Arc::ptr_eq(&self.roles, &other.roles);
        shares_roles && Arc::ptr_eq(&self.combinations, &other.combinations) && self.shares_users_with(other)
    }

    /// The organization's roles, by the indices of [`Self::roles_of`].
    pub(crate) fn roles(&self) -> &Roles {
        &self.roles
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The role indices of a combination.
    pub(crate) fn roles_of(&self, combination: u32) -> &[u32] {
        self.combinations.roles(combination)
    }

    /// The roles that an authorization is limited to.
    pub(crate) fn limits_of<'s>(&'s self, authorization: &'s Authorization) -> impl Iterator<Item = RoleRef<'s>> {
        authorization.roles().iter().map(|role| self.roles.role_ref(*role))
    }

    /// Those of the roles that an authorization is limited to that somebody with this combination has.
    pub(crate) fn admitting<'s>(
        &'s self,
        authorization: &'s Authorization,
        combination: u32,
    ) -> impl Iterator<Item = RoleRef<'s>> {
        let held = self.roles_of(combination);
        let admitting = authorization.roles().iter().filter(|role| self.roles.is_among(**role, held));
        admitting.map(|role| self.roles.role_ref(*role))
    }

    /// Whether somebody with this combination of roles may use an app.
    #[inline(always)]
    pub(crate) fn admits(&self, authorization: &Authorization, combination: u32) -> bool {
        // Most authorizations have no limit: then the subject's roles are not read, which would be one more line of memory.
        let is_among = |role: &u32| self.roles.is_among(*role, authorization.roles());
        authorization.roles().is_empty() || self.roles_of(combination).iter().any(is_among)
    }
}

impl Authorization {
    fn new(catalogue: &Catalogue, facts: &AuthorizationFacts, roles: Vec<u32>) -> Self {
        let scopes = ScopeSet::of(catalogue, facts.scopes.iter().map(String::as_str));
        let limit = (!roles.is_empty()).then(|| Box::new(Limit(roles.into())));
        Self { state: facts.state, scopes, limit }
    }

    /// The roles that the app is limited to. Empty: everybody. A role that no longer exists stays a limit that nobody meets.
    #[inline(always)]
    pub(crate) fn roles(&self) -> &[u32] {
        self.limit.as_ref().map_or(&[], |limit| &limit.0)
    }

    fn is_refused(&self) -> bool {
        matches!(self.state, AuthorizationState::Denied | AuthorizationState::Revoked)
    }
}
