//! What an app can do: every operation that it can call, for one caller or for anybody in the organization, with how many people.
//!
//! For one caller each operation is decided. For everybody that would be too many decisions: there the permissions of all people are looked at in sets
//! ([`Audience`]), and the rest of the rule, which does not depend on the person, by the functions of [`decide`](crate::decide()). That both agree is a
//! law (10) that the tests try.

use crate::authority::{Authority, Link};
use crate::bitset::BitSet;
use crate::caller::ClientRef;
use crate::contract::{Contract, Credential};
use crate::decide::{are_scopes_sufficient, decide_index};
use crate::facts::Enforcement;
use crate::operation::Operation;
use crate::people::{Groups, Holders};
use crate::snapshot::Snapshot;

/// An operation that an app can call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reachable<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// For how many active users of the organization. Public operations are for all of them.
    pub people: usize,
}

/// The operations that this very caller can call, in the contract's order.
///
/// Operations are decided by their ids, as [`decide_operation`](crate::decide_operation) does: where path templates cross, single requests can still be denied.
pub fn surface<'c>(contract: &'c Contract, authority: &Authority<'_>) -> Vec<&'c Operation> {
    operations(contract, &surface_set(contract, authority))
}

/// The surface of one caller, by the places of the operations in the contract.
pub(crate) fn surface_set(contract: &Contract, authority: &Authority<'_>) -> BitSet {
    let mut set = BitSet::with_room_for(contract.operations().len());
    for (index, _) in (0u32..).zip(contract.operations()) {
        if decide_index(contract, authority, index).is_allowed() {
            set.insert(index);
        }
    }
    set
}

/// The operations at these places.
pub(crate) fn operations<'c>(contract: &'c Contract, set: &BitSet) -> Vec<&'c Operation> {
    set.bits().iter().map(|index| contract.operation_at(index)).collect()
}

/// All active users of an organization, ready to be asked about many apps.
#[derive(Debug)]
pub struct Audience<'a> {
    snapshot: &'a Snapshot,
    groups: Groups,
    holders: Holders<'a>,
}

impl<'a> Audience<'a> {
    /// Everybody in the organization who is switched on.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let mut sizes = vec![0_u32; snapshot.combinations()];
        snapshot.active_holders().for_each(|(_, combination)| sizes[combination as usize] += 1);
        let combinations: Vec<_> =
            (0u32..).zip(&sizes).map(|(combination, size)| (*size > 0).then_some(combination)).collect();
        let groups = Groups::new(&sizes);
        let holders = Holders::new(snapshot, &groups, &combinations);
        Self { snapshot, groups, holders }
    }

    /// How many people there are.
    pub fn people(&self) -> usize {
        self.groups.people(self.holders.everybody().bits())
    }

    /// The operations that an app can call for somebody, with tokens that ask for all that is authorized; in the contract's order. Public operations are
    /// among them even where nobody is.
    pub fn surface(&mut self, contract: &'a Contract, client: &ClientRef) -> Vec<Reachable<'a>> {
        let app = AppSide::new(contract, self.snapshot, client);
        let mut reachable = Vec::new();
        for (index, operation) in (0u32..).zip(contract.operations()) {
            let people = app.people(index, &mut self.holders, &self.groups);
            let is_public = contract.needs_at(index).credential == Credential::Public;
            if is_public || !people.is_empty() {
                reachable.push(Reachable { operation, people: self.groups.people(people.bits()) });
            }
        }
        reachable
    }
}

/// The half of the rule that is the same for every user of an app.
pub(crate) struct AppSide<'a> {
    contract: &'a Contract,
    link: Link<'a>,
}

impl<'a> AppSide<'a> {
    pub(crate) fn new(contract: &'a Contract, snapshot: &'a Snapshot, client: &'a ClientRef) -> Self {
        Self { contract, link: snapshot.link_for_anybody(client) }
    }

    /// Whether the app can call an operation for anybody at all: what does not depend on the person.
    pub(crate) fn allows(&self, operation: u32) -> bool {
        let needs = self.contract.needs_at(operation);
        let link = &self.link;
        let is_over_this_catalogue = link.snapshot.catalogue().is(self.contract.catalogue());
        match needs.credential {
            Credential::Public => true,
            Credential::Unstated | Credential::Other => false,
            Credential::Ours => {
                let is_authorized = link.authorization.is_some() || !self.is_enforced();
                let has_standing = is_over_this_catalogue && link.refusal.is_none() && is_authorized;
                has_standing && are_scopes_sufficient(needs, link, self.is_enforced())
            }
        }
    }

    /// Whom the app can call an operation for.
    pub(crate) fn people(&self, operation: u32, holders: &mut Holders<'_>, groups: &Groups) -> BitSet {
        let needs = self.contract.needs_at(operation);
        if !self.allows(operation) {
            return groups.none();
        }
        let mut people = holders.satisfying(needs, groups);
        let is_limited = needs.credential == Credential::Ours && !self.limit().is_empty();
        if is_limited {
            people.intersect(holders.with_role_among(self.limit(), groups).bits());
        }
        people
    }

    /// The roles of which its users need one; empty: everybody.
    pub(crate) fn limit(&self) -> &[u32] {
        let authorization = self.link.authorization.filter(|_| self.is_enforced());
        authorization.map_or(&[], |authorization| &authorization.roles)
    }

    fn is_enforced(&self) -> bool {
        self.link.enforcement == Enforcement::Enforce
    }
}
