//! Least privilege: from calls that were observed, the fewest scopes and the fewest permissions that would have
//! sufficed, and what of that which is held was not needed. Nothing here decides; the sets are exact
//! ([`crate::cover`]).

use std::collections::{BTreeMap, BTreeSet};

use crate::contract::Contract;
use crate::cover::{Cover, Demand, smallest_cover};
use crate::meaning::Meaning;
use crate::operation::Operation;
use crate::requirement::PermissionMode;
use crate::scope::Scope;

/// What calls of one contract asked for, each operation once however often it was called.
#[derive(Debug, Clone)]
pub struct Usage<'c> {
    /// By id: the operations that the calls meant, with how many of them did.
    operations: BTreeMap<&'c str, (&'c Operation, u64)>,
    scopes: Half<'c>,
    permissions: Half<'c>,
}

/// One half of the rule: what the calls asked of scopes, or of permissions.
#[derive(Debug, Clone)]
pub struct Half<'c> {
    /// Alphabetical; a position is an element of the demands.
    names: Vec<&'c str>,
    /// In how many operations each name stands.
    weights: Vec<u64>,
    demands: BTreeSet<Demand>,
}

/// The fewest names that suffice. Of several sets of one size it is the one whose names stand in the fewest
/// operations, together; of several of these the first in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smallest<'c> {
    /// Alphabetical.
    pub names: Vec<&'c str>,
    /// False only where the search was cut short: then a smaller set may exist.
    pub is_minimal: bool,
}

/// What of that which is held was needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held<'h> {
    /// The fewest held names that meet all that the held names meet together.
    pub needed: Vec<&'h str>,
    /// All others: without them the observed calls are decided as with them.
    pub unneeded: Vec<&'h str>,
    /// Those of the others that no observed call could have used at all.
    pub unused: Vec<&'h str>,
    /// Demands that nothing held meets: each the names of which one alternative would do.
    pub unmet: Vec<Vec<Vec<String>>>,
    /// False only where the search was cut short.
    pub is_minimal: bool,
}

impl<'c> Usage<'c> {
    /// No calls yet.
    pub fn new(contract: &'c Contract) -> Self {
        let catalogue = contract.catalogue();
        let scopes = catalogue.scopes().iter();
        let mut permissions = Half::new(catalogue.permissions().iter().map(|entry| (entry.permission.as_str(), 0)));
        for operation in contract.operations() {
            let listed = operation.requirement.permissions().into_iter().flat_map(|list| &list.of);
            for permission in listed.collect::<BTreeSet<_>>() {
                let index = catalogue.permission_index(permission.as_str());
                if let Some(weight) = index.and_then(|index| permissions.weights.get_mut(index as usize)) {
                    *weight += 1;
                }
            }
        }
        Self {
            operations: BTreeMap::new(),
            scopes: Half::new(scopes.map(|entry| (entry.scope.as_str(), entry.operations as u64))),
            permissions,
        }
    }

    /// Adds equal calls. `ceiling` holds the scopes that their token asked for, where it named any: alternatives
    /// beyond it are of no use.
    ///
    /// Answers whether scopes and permissions can open such a call. What is closed, or asked for too few scopes
    /// itself, is not added.
    pub fn add(&mut self, meaning: &Meaning<'c>, ceiling: Option<&[&str]>, calls: u64) -> bool {
        let Some(meant) = meaning.operations.first().filter(|_| meaning.closed.is_none()) else { return false };
        let requirements = || meaning.operations.iter().map(|operation| &operation.requirement);
        let is_below = |scope: &str| ceiling.is_none_or(|ceiling| ceiling.contains(&scope));
        let scopes: Vec<Demand> = requirements()
            .filter(|requirement| !requirement.scopes_any_of().is_empty())
            .map(|requirement| {
                let alternatives = requirement.scopes_any_of().iter();
                let alternatives = alternatives.filter(|one| one.iter().all(|scope| is_below(scope.as_str())));
                in_order(alternatives.map(|one| self.scopes.elements(one.iter().map(Scope::as_str))))
            })
            .collect();
        if scopes.iter().any(Vec::is_empty) {
            return false;
        }
        self.scopes.demands.extend(scopes);
        for list in requirements().filter_map(|requirement| requirement.permissions()) {
            let single = list.of.iter().map(|one| self.permissions.elements([one.as_str()]));
            match list.mode {
                PermissionMode::Any => {
                    let any = in_order(single);
                    self.permissions.demands.insert(any);
                }
                PermissionMode::All => {
                    let all: Vec<Demand> = single.map(|one| vec![one]).collect();
                    self.permissions.demands.extend(all);
                }
            }
        }
        self.operations.entry(&meant.id).or_insert((meant, 0)).1 += calls;
        true
    }

    /// The operations that were meant, by id, each with how many calls meant it.
    pub fn operations(&self) -> impl Iterator<Item = (&'c Operation, u64)> {
        self.operations.values().copied()
    }

    /// What was asked of scopes.
    pub fn scopes(&self) -> &Half<'c> {
        &self.scopes
    }

    /// What was asked of permissions.
    pub fn permissions(&self) -> &Half<'c> {
        &self.permissions
    }
}

impl<'c> Half<'c> {
    fn new(entries: impl Iterator<Item = (&'c str, u64)>) -> Self {
        let (names, weights) = entries.unzip();
        Self { names, weights, demands: BTreeSet::new() }
    }

    /// The fewest names that meet every demand.
    pub fn smallest(&self) -> Smallest<'c> {
        let demands: Vec<Demand> = self.demands.iter().cloned().collect();
        let Cover { elements, is_minimal } = self.cover(&demands);
        Smallest { names: elements.iter().map(|element| self.names[*element as usize]).collect(), is_minimal }
    }

    /// What of these names was needed. They may be in any order, and unknown to the contract.
    pub fn held<'h>(&self, held: impl IntoIterator<Item = &'h str>) -> Held<'h> {
        let held: BTreeSet<&str> = held.into_iter().collect();
        let is_held = |element: &u32| held.contains(self.names[*element as usize]);
        let (mut demands, mut unmet) = (Vec::new(), Vec::new());
        for demand in &self.demands {
            let can: Demand = demand.iter().filter(|one| one.iter().all(is_held)).cloned().collect();
            if can.is_empty() {
                let named =
                    |one: &Vec<u32>| one.iter().map(|element| self.names[*element as usize].to_owned()).collect();
                unmet.push(demand.iter().map(named).collect());
            } else {
                demands.push(can);
            }
        }
        let Cover { elements, is_minimal } = self.cover(&demands);
        let needed: BTreeSet<&str> = elements.iter().map(|element| self.names[*element as usize]).collect();
        let (needed, unneeded): (Vec<&str>, Vec<&str>) = held.iter().partition(|name| needed.contains(*name));
        let unused = unneeded.iter().copied().filter(|name| !self.mentions(name)).collect();
        Held { needed, unneeded, unused, unmet, is_minimal }
    }

    /// The fewest of these holders (a user's roles, each with what it holds) that meet all that they meet together, as
    /// positions, and whether that is proven. Of several sets of one size the one that holds least; `one_of` are
    /// holders of which one is needed for a reason of its own.
    ///
    /// For permissions, whose demands are single names.
    pub fn fewest_holders(&self, holders: &[BTreeSet<&str>], one_of: &[usize]) -> (Vec<usize>, bool) {
        let position = |position: usize| u32::try_from(position).expect("there are far fewer roles");
        let mut demands: Vec<Demand> = vec![one_of.iter().map(|holder| vec![position(*holder)]).collect()];
        demands.extend(self.demands.iter().map(|demand| {
            let names: Vec<_> = demand.iter().flatten().map(|element| self.names[*element as usize]).collect();
            let holds = |holder: &BTreeSet<&str>| names.iter().any(|name| holder.contains(name));
            (0..holders.len()).filter(|one| holds(&holders[*one])).map(|one| vec![position(one)]).collect()
        }));
        demands.retain(|demand| !demand.is_empty());
        let weights: Vec<u64> = holders.iter().map(|holder| holder.len() as u64).collect();
        let Cover { elements, is_minimal } = met(smallest_cover(&demands, &weights));
        (elements.into_iter().map(|element| element as usize).collect(), is_minimal)
    }

    /// Whether an observed call could have used this name.
    fn mentions(&self, name: &str) -> bool {
        let element = self.names.binary_search(&name).ok().and_then(|element| u32::try_from(element).ok());
        element.is_some_and(|element| self.demands.iter().flatten().flatten().any(|one| *one == element))
    }

    fn cover(&self, demands: &[Demand]) -> Cover {
        met(smallest_cover(demands, &self.weights))
    }

    fn elements<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<u32> {
        let element = |name: &str| {
            let position =
                self.names.binary_search(&name).expect("INVARIANT: the catalogue knows its contracts' names");
            u32::try_from(position).expect("a catalogue is far smaller than 2^32")
        };
        let mut elements: Vec<u32> = names.into_iter().map(element).collect();
        elements.sort_unstable();
        elements
    }
}

/// Lists of different order ask for the same.
fn in_order(alternatives: impl Iterator<Item = Vec<u32>>) -> Demand {
    let mut alternatives: Demand = alternatives.collect();
    alternatives.sort_unstable();
    alternatives
}

fn met(cover: Result<Cover, crate::cover::Unmeetable>) -> Cover {
    cover.expect("INVARIANT: demands without alternatives were taken out")
}
