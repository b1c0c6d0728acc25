//! A changed organization from the one before it: what did not change is shared, so that a change costs what it touches.

use std::sync::Arc;

use super::{Authorization, Client, Holder, Snapshot};
use crate::facts::{AuthorizationFacts, Change, RoleFacts, SubjectFacts};
use crate::snapshot::roles::Combinations;

/// How many combinations may have fallen out of use, beside as many as there are subjects, before they are collected.
const MAX_UNUSED_COMBINATIONS: usize = 64;

impl Snapshot {
    /// The organization after these changes, in their order: the same as compiling its changed facts
    /// ([`OrganizationFacts::change`](crate::OrganizationFacts::change)), and cheaper. This snapshot stays as it is.
    #[must_use]
    pub fn with(&self, changes: &[Change]) -> Self {
        let mut changed = self.clone();
        changes.iter().for_each(|change| changed.apply(change));
        if changed.combinations.len() > changed.users.len() + changed.clients.len() + MAX_UNUSED_COMBINATIONS {
            changed.collect_combinations();
        }
        changed
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Settings(settings) => self.settings = *settings,
            Change::Role(role) => self.set_role(role),
            Change::RoleGone(id) => self.end_role(id),
            Change::User(user) => {
                let holder = self.holder(user);
                self.users.insert(&user.id, holder);
            }
            Change::UserGone(id) => self.users.remove(id),
            Change::Client(client) => {
                let own = Some(self.holder(client));
                self.set_client(&client.id, |entry| entry.own = own);
            }
            Change::ClientGone(id) => self.set_client(id, |entry| entry.own = None),
            Change::Authorization(facts) => {
                let authorization = Some(self.authorization(facts));
                self.set_client(&facts.client, |entry| entry.authorization = authorization);
            }
            Change::AuthorizationGone(client) => self.set_client(client, |entry| entry.authorization = None),
        }
    }

    pub(super) fn set_role(&mut self, facts: &RoleFacts) {
        let role = Arc::make_mut(&mut self.roles).set(&self.catalogue, facts);
        Arc::make_mut(&mut self.combinations).refresh(&self.catalogue, &self.roles, role);
    }

    fn end_role(&mut self, id: &str) {
        let role = Arc::make_mut(&mut self.roles).end(id);
        Arc::make_mut(&mut self.combinations).refresh(&self.catalogue, &self.roles, role);
    }

    pub(super) fn set_client(&mut self, id: &str, set: impl FnOnce(&mut Client)) {
        let mut client = self.clients.get(id).cloned().unwrap_or_default();
        set(&mut client);
        if client.own.is_none() && client.authorization.is_none() {
            self.clients.remove(id);
        } else {
            self.clients.insert(id, client);
        }
    }

    pub(super) fn holder(&mut self, subject: &SubjectFacts) -> Holder {
        let mut roles = self.role_indices(&subject.roles);
        roles.sort_unstable();
        let combination = self
            .combinations
            .find(&roles)
            .unwrap_or_else(|| Arc::make_mut(&mut self.combinations).index_of(&self.catalogue, &self.roles, &roles));
        Holder { combination, active: subject.active }
    }

    pub(super) fn authorization(&mut self, facts: &AuthorizationFacts) -> Authorization {
        let roles = self.role_indices(&facts.roles);
        Authorization::new(&self.catalogue, facts, roles)
    }

    /// The indices of roles that somebody names, in the order of their first mention.
    fn role_indices(&mut self, ids: &[String]) -> Vec<u32> {
        let mut indices = Vec::with_capacity(ids.len());
        for id in ids {
            let index = match self.roles.find(id) {
                Some(index) => index,
                None => Arc::make_mut(&mut self.roles).index_of(id),
            };
            if !indices.contains(&index) {
                indices.push(index);
            }
        }
        indices
    }

    /// Leaves only the combinations that somebody has.
    fn collect_combinations(&mut self) {
        let mut kept = Combinations::new(&self.catalogue);
        let mut keep = |holder: &mut Holder| {
            let roles = self.combinations.roles(holder.combination);
            holder.combination = kept.index_of(&self.catalogue, &self.roles, roles);
        };
        self.users.values_mut().for_each(&mut keep);
        self.clients.values_mut().filter_map(|client| client.own.as_mut()).for_each(&mut keep);
        self.combinations = Arc::new(kept);
    }
}
