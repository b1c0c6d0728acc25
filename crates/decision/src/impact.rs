//! What a change changes: the operations that an app can call for more people, or for fewer, once an organization has decided otherwise.

use std::collections::HashMap;

use crate::bitset::BitSet;
use crate::caller::{Caller, ClientRef, Subject};
use crate::contract::Contract;
use crate::id_map::Id;
use crate::operation::Operation;
use crate::people::{Groups, Holders};
use crate::snapshot::Snapshot;
use crate::surface::{self, AppSide};

/// Two states of one organization, ready to be compared for many apps.
#[derive(Debug)]
pub struct Comparison<'a> {
    contract: &'a Contract,
    before: &'a Snapshot,
    after: &'a Snapshot,
    groups: Groups,
    /// Each group by its members' combinations of roles in both states.
    group_of: HashMap<(Option<u32>, Option<u32>), u32>,
    held_before: Holders<'a>,
    held_after: Holders<'a>,
}

/// The difference for one app. Nobody gains or loses where both lists are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact<'a> {
    /// The operations that it can call for other people than before, in the contract's order.
    pub operations: Vec<OperationImpact<'a>>,
    /// For how many active users it can call an operation that it could not: [`Comparison::people_gaining`] names them.
    pub people_gaining: usize,
    /// For how many active users it can no longer call an operation that it could: [`Comparison::people_losing`] names them.
    pub people_losing: usize,
    /// The operations that it can newly call on its own behalf.
    pub gained_itself: Vec<&'a Operation>,
    /// The operations that it can no longer call on its own behalf.
    pub lost_itself: Vec<&'a Operation>,
    gaining: BitSet,
    losing: BitSet,
}

/// The difference for one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationImpact<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// For how many active users it could be called.
    pub people_before: usize,
    /// For how many active users it can be called.
    pub people_after: usize,
    /// For how many of them it could not be called before.
    pub gained: usize,
    /// For how many of those before it can no longer be called.
    pub lost: usize,
}

impl<'a> Comparison<'a> {
    /// Compares two states. A user who is in one of them only, or switched on in one of them only, gains or loses all.
    pub fn new(contract: &'a Contract, before: &'a Snapshot, after: &'a Snapshot) -> Self {
        let mut sizes: Vec<u32> = Vec::new();
        let mut pairs: Vec<(Option<u32>, Option<u32>)> = Vec::new();
        let mut group_of = HashMap::new();
        each_person(before, after, |_, pair| {
            let group = *group_of.entry(pair).or_insert_with(|| {
                pairs.push(pair);
                sizes.push(0);
                u32::try_from(sizes.len() - 1).expect("memory ends long before")
            });
            sizes[group as usize] += 1;
        });
        let groups = Groups::new(&sizes);
        let (first, second): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let held_before = Holders::new(before, &groups, &first);
        let held_after = Holders::new(after, &groups, &second);
        Self { contract, before, after, groups, group_of, held_before, held_after }
    }

    /// What is different for one app. The client is as each state's organization knows it; `before` and `after` are what its home says about it.
    pub fn impact(&mut self, before: &ClientRef, after: &ClientRef) -> Impact<'a> {
        let (contract, groups) = (self.contract, &self.groups);
        let app_before = AppSide::new(contract, self.before, before);
        let app_after = AppSide::new(contract, self.after, after);
        let (mut gaining, mut losing) = (groups.none(), groups.none());
        let mut operations = Vec::new();
        // Where the same people hold the same, only the app's side can make a difference: no set has to be looked at to tell.
        let is_same_for_people = self.before.holds_as(self.after) && app_before.limit() == app_after.limit();
        for (index, operation) in (0u32..).zip(contract.operations()) {
            match (app_before.allows(index), app_after.allows(index)) {
                (false, false) => continue,
                (true, true) if is_same_for_people => continue,
                _ => {}
            }
            let could = app_before.people(index, &mut self.held_before, groups);
            let can = app_after.people(index, &mut self.held_after, groups);
            if could == can {
                continue;
            }
            let (mut newly, mut no_longer) = (can.clone(), could.clone());
            newly.subtract(could.bits());
            no_longer.subtract(can.bits());
            operations.push(OperationImpact {
                operation,
                people_before: groups.people(could.bits()),
                people_after: groups.people(can.bits()),
                gained: groups.people(newly.bits()),
                lost: groups.people(no_longer.bits()),
            });
            gaining.unite(newly.bits());
            losing.unite(no_longer.bits());
        }
        let could_itself = on_its_own_behalf(contract, self.before, before);
        let can_itself = on_its_own_behalf(contract, self.after, after);
        let beyond = |set: &BitSet, other: &BitSet| {
            let mut beyond = set.clone();
            beyond.subtract(other.bits());
            surface::operations(contract, &beyond)
        };
        Impact {
            operations,
            people_gaining: groups.people(gaining.bits()),
            people_losing: groups.people(losing.bits()),
            gained_itself: beyond(&can_itself, &could_itself),
            lost_itself: beyond(&could_itself, &can_itself),
            gaining,
            losing,
        }
    }

    /// The ids of the users who gain by an impact of this comparison, sorted.
    pub fn people_gaining(&self, impact: &Impact<'_>) -> Vec<String> {
        self.people_in(&impact.gaining)
    }

    /// The ids of the users who lose by an impact of this comparison, sorted.
    pub fn people_losing(&self, impact: &Impact<'_>) -> Vec<String> {
        self.people_in(&impact.losing)
    }

    fn people_in(&self, groups: &BitSet) -> Vec<String> {
        let mut people = Vec::new();
        each_person(self.before, self.after, |id, pair| {
            people.extend(groups.contains(self.group_of[&pair]).then(|| id.to_string()));
        });
        people.sort_unstable();
        people
    }
}

impl Impact<'_> {
    /// Whether nothing is different for this app.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.gained_itself.is_empty() && self.lost_itself.is_empty()
    }
}

/// Every user who is switched on in one of the states, with the combinations of roles in both.
fn each_person<'a>(before: &'a Snapshot, after: &'a Snapshot, mut see: impl FnMut(Id<'a>, (Option<u32>, Option<u32>))) {
    if before.shares_users_with(after) {
        before.active_holders().for_each(|(id, combination)| see(id, (Some(combination), Some(combination))));
        return;
    }
    before.active_holders().for_each(|(id, combination)| see(id, (Some(combination), after.active_holder(id))));
    let is_new = |(id, _): &(Id<'_>, u32)| before.active_holder(*id).is_none();
    after.active_holders().filter(is_new).for_each(|(id, combination)| see(id, (None, Some(combination))));
}

fn on_its_own_behalf(contract: &Contract, snapshot: &Snapshot, client: &ClientRef) -> BitSet {
    let caller = Caller { client: client.clone(), subject: Subject::Client, ceiling: None, actors: Vec::new() };
    surface::surface_set(contract, &snapshot.authority(&caller))
}
