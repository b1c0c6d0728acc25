//! Demands that are not met yet, and what can be said about them without a search.

use std::cmp::{Ordering, Reverse};

use super::Demand;

/// All elements of the demands, renumbered without gaps in their order, with their weights.
pub(super) struct Elements {
    names: Vec<u32>,
    weights: Vec<u64>,
}

impl Elements {
    pub(super) fn of(demands: &[Demand], weights: &[u64]) -> Self {
        let mut names: Vec<u32> = demands.iter().flatten().flatten().copied().collect();
        names.sort_unstable();
        names.dedup();
        let weights = names.iter().map(|name| weights.get(*name as usize).copied().unwrap_or(0)).collect();
        Self { names, weights }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The elements as they were given.
    pub(super) fn named(&self, set: &[u32]) -> Vec<u32> {
        set.iter().map(|element| self.names[*element as usize]).collect()
    }

    /// Which of two sets costs less: fewer elements, then less weight, then the lowest elements in order.
    pub(super) fn compare(&self, one: &[u32], other: &[u32]) -> Ordering {
        let weight = |set: &[u32]| set.iter().map(|element| u128::from(self.weights[*element as usize])).sum::<u128>();
        let by_size = one.len().cmp(&other.len());
        by_size.then_with(|| weight(one).cmp(&weight(other))).then_with(|| one.cmp(other))
    }

    /// The cost of one element among single ones.
    fn cost(&self, element: u32) -> (u64, u32) {
        (self.weights[element as usize], element)
    }
}

/// Unmet demands. Alternatives are in ascending order, and so are their elements.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    demands: Vec<Demand>,
}

impl Problem {
    pub(super) fn new(demands: &[Demand], elements: &Elements) -> Self {
        let number = |name: &u32| elements.names.binary_search(name).expect("INVARIANT: all names were collected");
        let renumbered = |alternative: &Vec<u32>| {
            let numbers = alternative.iter().map(|name| u32::try_from(number(name)).expect("no more than names"));
            let mut numbers: Vec<u32> = numbers.collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let demands = demands.iter().map(|demand| demand.iter().map(renumbered).collect());
        Self { demands: demands.collect() }
    }

    pub(super) fn is_met(&self) -> bool {
        self.demands.is_empty()
    }

    /// How many elements stand in all alternatives together.
    pub(super) fn size(&self) -> usize {
        self.demands.iter().flatten().map(Vec::len).sum::<usize>() + self.demands.len()
    }

    /// What remains when this element is in.
    pub(super) fn with(&self, element: u32) -> Self {
        let mut rest = self.clone();
        rest.take(&[element]);
        rest
    }

    /// What remains when this element is out.
    pub(super) fn without(mut self, element: u32) -> Self {
        for demand in &mut self.demands {
            demand.retain(|alternative| !alternative.contains(&element));
        }
        self
    }

    /// Takes what every solution needs, drops what no best solution needs, and answers with what was taken; nothing
    /// where a demand cannot be met. With no steps left it does the first only.
    pub(super) fn reduce(&mut self, elements: &Elements, steps: &mut u64) -> Option<Vec<u32>> {
        let mut taken = Vec::new();
        loop {
            spend(steps, self.size());
            if !self.simplify() {
                return None;
            }
            let forced = self.forced();
            if !forced.is_empty() {
                self.take(&forced);
                taken.extend(forced);
                continue;
            }
            let is_smaller =
                *steps > 0 && (self.drop_implied(elements.len(), steps) | self.drop_replaceable(elements, steps));
            if !is_smaller {
                taken.sort_unstable();
                return Some(taken);
            }
        }
    }

    /// Separate problems that share no element.
    pub(super) fn split(self, elements: usize, steps: &mut u64) -> Vec<Self> {
        spend(steps, self.size());
        let mut leader: Vec<u32> = (0u32..).take(elements).collect();
        fn find(leader: &mut [u32], element: u32) -> u32 {
            let mut at = element;
            while leader[at as usize] != at {
                leader[at as usize] = leader[leader[at as usize] as usize];
                at = leader[at as usize];
            }
            at
        }
        for demand in &self.demands {
            let mut all = demand.iter().flatten();
            let Some(first) = all.next() else { continue };
            for element in all {
                let (one, other) = (find(&mut leader, *first), find(&mut leader, *element));
                leader[one.max(other) as usize] = one.min(other);
            }
        }
        let mut part_of: Vec<Option<usize>> = vec![None; elements];
        let mut parts: Vec<Self> = Vec::new();
        for demand in self.demands {
            let Some(first) = demand.iter().flatten().next() else { continue };
            let part = *part_of[find(&mut leader, *first) as usize].get_or_insert_with(|| {
                parts.push(Self { demands: Vec::new() });
                parts.len() - 1
            });
            parts[part].demands.push(demand);
        }
        parts
    }

    /// The cheapest alternatives of demands that share no element: whatever meets the problem costs no less.
    pub(super) fn disjoint_minimum(&self, elements: &Elements) -> Vec<u32> {
        let uses = self.uses(elements.len());
        let conflicts = |demand: &Demand| demand.iter().flatten().map(|element| uses[*element as usize].len()).sum();
        let mut order: Vec<(usize, &Demand)> = self.demands.iter().map(|one| (conflicts(one), one)).collect();
        order.sort_by_key(|(conflicts, _)| *conflicts);
        let mut is_seen = vec![false; elements.len()];
        let mut minimum = Vec::new();
        for (_, demand) in order {
            if demand.iter().flatten().any(|element| is_seen[*element as usize]) {
                continue;
            }
            demand.iter().flatten().for_each(|element| is_seen[*element as usize] = true);
            minimum.extend(demand.iter().min_by(|one, other| elements.compare(one, other)).into_iter().flatten());
        }
        minimum.sort_unstable();
        minimum
    }

    /// The element that most demands want, those with few alternatives before others.
    pub(super) fn most_wanted(&self, elements: usize) -> u32 {
        /// Divisible by all small numbers, so that shares of it are exact.
        const WHOLE: u64 = 720_720;
        let mut wanted = vec![0; elements];
        for demand in &self.demands {
            let share = WHOLE / demand.len().max(1) as u64;
            demand.iter().for_each(|alternative| {
                alternative.iter().for_each(|element| wanted[*element as usize] += share / alternative.len() as u64);
            });
        }
        let most = (0u32..).zip(&wanted).max_by_key(|(element, wanted)| (**wanted, Reverse(*element)));
        most.map_or(0, |(element, _)| element)
    }

    /// A set that meets the problem, of which no element can be left out.
    pub(super) fn greedy(&self, elements: &Elements) -> Vec<u32> {
        let (mut rest, mut taken) = (self.clone(), Vec::new());
        while rest.simplify() && !rest.is_met() {
            let element = rest.most_wanted(elements.len());
            rest.take(&[element]);
            taken.push(element);
        }
        taken.sort_by_key(|element| Reverse(elements.cost(*element)));
        let mut is_in = vec![false; elements.len()];
        taken.iter().for_each(|element| is_in[*element as usize] = true);
        for element in &taken {
            is_in[*element as usize] = false;
            let holds = |alternative: &Vec<u32>| alternative.iter().all(|element| is_in[*element as usize]);
            is_in[*element as usize] = !self.demands.iter().all(|demand| demand.iter().any(holds));
        }
        taken.retain(|element| is_in[*element as usize]);
        taken.sort_unstable();
        taken
    }

    /// Drops demands that are met, and alternatives that contain another one; false where a demand cannot be met.
    fn simplify(&mut self) -> bool {
        self.demands.retain(|demand| !demand.iter().any(Vec::is_empty));
        for demand in &mut self.demands {
            demand.sort_unstable();
            demand.dedup();
            if demand.iter().any(|alternative| alternative.len() > 1) {
                let all = demand.clone();
                demand.retain(|one| !all.iter().any(|other| other.len() < one.len() && is_within(other, one)));
            }
        }
        self.demands.iter().all(|demand| !demand.is_empty())
    }

    /// The elements that stand in every alternative of some demand.
    fn forced(&self) -> Vec<u32> {
        let mut forced: Vec<u32> = Vec::new();
        for demand in &self.demands {
            let Some((first, rest)) = demand.split_first() else { continue };
            forced.extend(first.iter().filter(|element| rest.iter().all(|other| other.contains(element))));
        }
        forced.sort_unstable();
        forced.dedup();
        forced
    }

    fn take(&mut self, taken: &[u32]) {
        for alternative in self.demands.iter_mut().flatten() {
            alternative.retain(|element| taken.binary_search(element).is_err());
        }
    }

    /// Drops demands that are met whenever another one is.
    fn drop_implied(&mut self, elements: usize, steps: &mut u64) -> bool {
        let before = self.demands.len();
        self.demands.sort_unstable();
        self.demands.dedup();
        let uses = self.uses(elements);
        let mut is_dropped = vec![false; self.demands.len()];
        for (position, demand) in self.demands.iter().enumerate() {
            let rarity =
                |alternative: &&Vec<u32>| alternative.iter().map(|one| uses[*one as usize].len()).sum::<usize>();
            // An implied demand has an alternative within each one of this demand, so also within its rarest.
            let Some(rarest) = demand.iter().min_by_key(rarity).filter(|_| !is_dropped[position]) else { continue };
            for other in rarest.iter().flat_map(|element| &uses[*element as usize]) {
                if *other == position || is_dropped[*other] || !spend(steps, demand.len() + 1) {
                    continue;
                }
                let is_met_by =
                    |one: &Vec<u32>| self.demands[*other].iter().any(|alternative| is_within(alternative, one));
                is_dropped[*other] = demand.iter().all(is_met_by);
            }
        }
        let mut is_dropped = is_dropped.into_iter();
        self.demands.retain(|_| !is_dropped.next().unwrap_or(false));
        self.demands.len() < before
    }

    /// Drops elements that a cheaper one can replace wherever they stand: the best solution has none of them.
    fn drop_replaceable(&mut self, elements: &Elements, steps: &mut u64) -> bool {
        let uses = self.uses(elements.len());
        let mut order: Vec<u32> = (0u32..).take(elements.len()).filter(|one| !uses[*one as usize].is_empty()).collect();
        order.sort_by_key(|element| Reverse(elements.cost(*element)));
        let mut is_smaller = false;
        for element in order {
            let uses = &uses[element as usize];
            let Some(smallest) = uses.iter().min_by_key(|demand| self.demands[**demand].len()) else { continue };
            let mut candidates: Vec<u32> = self.demands[*smallest].iter().flatten().copied().collect();
            candidates.retain(|other| elements.cost(*other) < elements.cost(element));
            candidates.sort_unstable();
            candidates.dedup();
            let is_replaceable = candidates.iter().any(|other| {
                uses.iter().all(|demand| {
                    spend(steps, self.demands[*demand].len()) && self.can_replace(*demand, element, *other)
                })
            });
            if is_replaceable {
                for demand in uses {
                    self.demands[*demand].retain(|alternative| !alternative.contains(&element));
                }
                is_smaller = true;
            }
        }
        is_smaller
    }

    /// Whether each alternative of a demand that has `element` still holds an alternative with `other` in its place.
    fn can_replace(&self, demand: usize, element: u32, other: u32) -> bool {
        let demand = &self.demands[demand];
        demand.iter().filter(|alternative| alternative.contains(&element)).all(|alternative| {
            let is_there = |one: &u32| *one == other || (*one != element && alternative.contains(one));
            demand.iter().any(|alternative| alternative.iter().all(is_there))
        })
    }

    /// For each element the demands that it stands in.
    fn uses(&self, elements: usize) -> Vec<Vec<usize>> {
        let mut uses = vec![Vec::new(); elements];
        for (position, demand) in self.demands.iter().enumerate() {
            for element in demand.iter().flatten() {
                let uses: &mut Vec<usize> = &mut uses[*element as usize];
                if uses.last() != Some(&position) {
                    uses.push(position);
                }
            }
        }
        uses
    }
}

/// Whether the first set lies within the second; both in ascending order.
fn is_within(one: &[u32], other: &[u32]) -> bool {
    one.len() <= other.len() && one.iter().all(|element| other.binary_search(element).is_ok())
}

/// Takes steps away; false when there are none left.
fn spend(steps: &mut u64, count: usize) -> bool {
    *steps = steps.saturating_sub(count as u64);
    *steps > 0
}
