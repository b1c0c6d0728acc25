//! What an app can do: every operation that it can call, for one caller or for anybody in the organization, with how many people.
//!
//! For one caller each operation is decided. For everybody that would be too many decisions: there the permissions of all people are looked at in sets
//! ([`Audience`]), and the rest of the rule, which does not depend on the person, by the functions of [`decide`](crate::decide()). That both agree is a
//! law (10) that the tests try.

use crate::authority::{Authority, Link};
use crate::bitset::BitSet;
use crate::caller::ClientRef;
use crate::contract::Contract;
use crate::decide::{are_scopes_sufficient, decide_index};
use crate::facts::Enforcement;
use crate::needs::Credential;
use crate::operation::Operation;
use crate::people::{Groups, Holders};
use crate::snapshot::{Authorization, Snapshot};

/// An operation that an app can call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reachable<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// For how many active users of the organization. Public operations are for all of them.
    pub people: usize,
}

/// Some operations of a contract.
#[derive(Debug, Clone)]
pub struct Selection<'c> {
    contract: &'c Contract,
    /// Places in the contract, ascending.
    operations: Vec<u32>,
    /// Those of them that are public.
    public: Vec<u32>,
}

impl<'c> Selection<'c> {
    /// Those operations that `is_selected` says yes to.
    pub fn new(contract: &'c Contract, mut is_selected: impl FnMut(&Operation) -> bool) -> Self {
        let all = (0u32..).zip(contract.operations());
        let operations: Vec<u32> = all.filter(|(_, one)| is_selected(one)).map(|(index, _)| index).collect();
        let is_public = |index: &u32| contract.needs_at(*index).credential == Credential::Public;
        let public = operations.iter().copied().filter(is_public).collect();
        Self { contract, operations, public }
    }

    /// Every operation.
    pub fn all(contract: &'c Contract) -> Self {
        Self::new(contract, |_| true)
    }

    /// The operations, in the contract's order.
    pub fn operations(&self) -> impl ExactSizeIterator<Item = &'c Operation> {
        self.operations.iter().map(|index| self.contract.operation_at(*index))
    }
}

/// The operations that this very caller can call, in the contract's order.
///
/// Operations are decided by their ids, as [`decide_operation`](crate::decide_operation) does: where path templates cross, single requests can still be denied.
pub fn surface<'c>(contract: &'c Contract, authority: &Authority<'_>) -> Vec<&'c Operation> {
    operations(contract, &surface_set(contract, authority))
}

/// Those of a selection that this very caller can call, in the contract's order.
pub fn surface_of<'c>(selection: &Selection<'c>, authority: &Authority<'_>) -> Vec<&'c Operation> {
    let contract = selection.contract;
    // What refuses a caller whatever it calls leaves the public operations, which need nobody.
    let candidates = if is_refused_everything(contract, authority) { &selection.public } else { &selection.operations };
    let allowed = candidates.iter().filter(|index| decide_index(contract, authority, **index).is_allowed());
    allowed.map(|index| contract.operation_at(*index)).collect()
}

/// Whether no operation that needs anybody can be allowed, whatever it needs.
fn is_refused_everything(contract: &Contract, authority: &Authority<'_>) -> bool {
    match authority.links(contract.catalogue()) {
        Err(_) => true,
        Ok(links) => !has_standing(&links.caller),
    }
}

/// Whether the app, or its subject, gets as far as the question what an operation needs.
fn has_standing(link: &Link<'_>) -> bool {
    link.refusal.is_none() && (link.authorization.is_some() || link.enforcement != Enforcement::Enforce)
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

/// Active users of an organization, ready to be asked about many apps.
#[derive(Debug)]
pub struct Audience<'a> {
    snapshot: &'a Snapshot,
    /// The scopes that tokens ask for; nothing: all that is authorized.
    ceiling: Option<&'a [String]>,
    groups: Groups,
    holders: Holders<'a>,
}

impl<'a> Audience<'a> {
    /// Everybody in the organization who is switched on.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self::of(snapshot, snapshot.active_holders().map(|(_, combination)| combination))
    }

    /// Those of them whose id `is_selected` says yes to.
    pub fn among(snapshot: &'a Snapshot, mut is_selected: impl FnMut(&str) -> bool) -> Self {
        let selected = snapshot.active_holders().filter(|(id, _)| is_selected(&id.to_string()));
        Self::of(snapshot, selected.map(|(_, combination)| combination))
    }

    /// Everybody by their combinations of roles.
    fn of(snapshot: &'a Snapshot, people: impl Iterator<Item = u32>) -> Self {
        let mut sizes = vec![0_u32; snapshot.combinations()];
        people.for_each(|combination| sizes[combination as usize] += 1);
        let combinations: Vec<_> =
            (0u32..).zip(&sizes).map(|(combination, size)| (*size > 0).then_some(combination)).collect();
        let groups = Groups::new(&sizes);
        let holders = Holders::new(snapshot, &groups, &combinations);
        Self { snapshot, ceiling: None, groups, holders }
    }

    /// The same people, with tokens that ask for these scopes only; nothing: for all that is authorized.
    pub fn below(self, ceiling: Option<&'a [String]>) -> Self {
        Self { ceiling, ..self }
    }

    /// How many people there are.
    pub fn people(&self) -> usize {
        self.groups.people(self.holders.everybody().bits())
    }

    /// The operations that an app can call for somebody, in the contract's order. Public operations are among them even where nobody is.
    pub fn surface<'c>(&mut self, contract: &'c Contract, client: &ClientRef) -> Vec<Reachable<'c>> {
        self.surface_of(&Selection::all(contract), client)
    }

    /// Those of a selection that an app can call for somebody.
    pub fn surface_of<'c>(&mut self, selection: &Selection<'c>, client: &ClientRef) -> Vec<Reachable<'c>> {
        let Selection { contract, operations, public } = selection;
        let app = AppSide::new(contract, self.snapshot, client).below(self.ceiling);
        let mut reachable = Vec::new();
        for index in if app.has_standing() { operations } else { public } {
            let people = app.people(*index, &mut self.holders, &self.groups);
            let is_public = contract.needs_at(*index).credential == Credential::Public;
            if is_public || !people.is_empty() {
                let operation = contract.operation_at(*index);
                reachable.push(Reachable { operation, people: self.groups.people(people.bits()) });
            }
        }
        reachable
    }

    /// For how many people an app can call an operation that needs anybody at all: public ones are not looked at.
    pub fn people_reached(&mut self, contract: &Contract, client: &ClientRef) -> usize {
        let app = AppSide::new(contract, self.snapshot, client).below(self.ceiling);
        let mut reached = self.groups.none();
        for (index, _) in (0u32..).zip(contract.operations()) {
            if contract.needs_at(index).credential != Credential::Public {
                reached.unite(app.people(index, &mut self.holders, &self.groups).bits());
            }
        }
        self.groups.people(reached.bits())
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

    /// The same with tokens that ask for these scopes only.
    fn below(mut self, ceiling: Option<&'a [String]>) -> Self {
        self.link.ceiling = ceiling;
        self
    }

    /// Whether the app can call anything that needs anybody.
    fn has_standing(&self) -> bool {
        let is_over_this_catalogue = self.link.snapshot.catalogue().is(self.contract.catalogue());
        is_over_this_catalogue && has_standing(&self.link)
    }

    /// Whether the app can call an operation for anybody at all: what does not depend on the person.
    pub(crate) fn allows(&self, operation: u32) -> bool {
        let needs = self.contract.needs_at(operation);
        match needs.credential {
            Credential::Public => true,
            Credential::Unstated | Credential::Other => false,
            Credential::Ours => self.has_standing() && are_scopes_sufficient(needs, &self.link, self.is_enforced()),
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
        authorization.map_or(&[], Authorization::roles)
    }

    fn is_enforced(&self) -> bool {
        self.link.enforcement == Enforcement::Enforce
    }
}
