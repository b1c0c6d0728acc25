//! What a change changes: the operations that an app can call for more people, or for fewer, once an organization has decided otherwise.

use std::collections::HashMap;

use crate::bitset::BitSet;
use crate::caller::{Caller, ClientRef, Subject};
use crate::contract::Contract;
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
    /// The ids of the users for whom it can call an operation that it could not, sorted.
    pub people_gaining: Vec<&'a str>,
    /// The ids of the users for whom it can no longer call an operation that it could, sorted.
    pub people_losing: Vec<&'a str>,
    /// The operations that it can newly call on its own behalf.
    pub gained_itself: Vec<&'a Operation>,
    /// The operations that it can no longer call on its own behalf.
    pub lost_itself: Vec<&'a Operation>,
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
        let (mut all_gaining, mut all_losing) = (groups.none(), groups.none());
        let mut operations = Vec::new();
        for (index, operation) in (0u32..).zip(contract.operations()) {
            let could = app_before.people(index, &mut self.held_before, groups);
            let can = app_after.people(index, &mut self.held_after, groups);
            if could == can {
                continue;
            }
            let (mut gaining, mut losing) = (can.clone(), could.clone());
            gaining.subtract(could.bits());
            losing.subtract(can.bits());
            operations.push(OperationImpact {
                operation,
                people_before: groups.people(could.bits()),
                people_after: groups.people(can.bits()),
                gained: groups.people(gaining.bits()),
                lost: groups.people(losing.bits()),
            });
            all_gaining.unite(gaining.bits());
            all_losing.unite(losing.bits());
        }
        let (mut people_gaining, mut people_losing) = (Vec::new(), Vec::new());
        if !operations.is_empty() {
            each_person(self.before, self.after, |id, pair| {
                let group = self.group_of[&pair];
                people_gaining.extend(all_gaining.contains(group).then_some(id));
                people_losing.extend(all_losing.contains(group).then_some(id));
            });
            people_gaining.sort_unstable();
            people_losing.sort_unstable();
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
            people_gaining,
            people_losing,
            gained_itself: beyond(&can_itself, &could_itself),
            lost_itself: beyond(&could_itself, &can_itself),
        }
    }
}

impl Impact<'_> {
    /// Whether nothing is different for this app.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.gained_itself.is_empty() && self.lost_itself.is_empty()
    }
}

/// Every user who is switched on in one of the states, with the combinations of roles in both.
fn each_person<'a>(
    before: &'a Snapshot,
    after: &'a Snapshot,
    mut see: impl FnMut(&'a str, (Option<u32>, Option<u32>)),
) {
    if before.shares_users_with(after) {
        before.active_holders().for_each(|(id, combination)| see(id, (Some(combination), Some(combination))));
        return;
    }
    before.active_holders().for_each(|(id, combination)| see(id, (Some(combination), after.active_holder(id))));
    let is_new = |(id, _): &(&str, u32)| before.active_holder(id).is_none();
    after.active_holders().filter(is_new).for_each(|(id, combination)| see(id, (None, Some(combination))));
}

fn on_its_own_behalf(contract: &Contract, snapshot: &Snapshot, client: &ClientRef) -> BitSet {
    let caller = Caller { client: client.clone(), subject: Subject::Client, ceiling: None, actors: Vec::new() };
    surface::surface_set(contract, &snapshot.authority(&caller))
}
