//! The smallest set of elements that meets every demand: which scopes, permissions or roles suffice for what was
//! observed.
//!
//! **Problem.** A demand is a list of alternatives, each a set of elements; one alternative with all of its elements
//! meets it. Wanted: the set of fewest elements that meets every demand; among those the one of least total weight;
//! among those the one with the lowest elements in order. So the answer is unique, whatever the order of the input.
//!
//! **Method.** All three criteria add up over disjoint sets, so they are one cost in a total order (NP-hard: it
//! contains set cover). Exact by reductions (alternatives that contain another, elements that every alternative of a
//! demand has, demands that another implies, elements that a cheaper one can replace everywhere), separate solution of
//! parts that share no element, and branch and bound over one element in or out. The lower bound is the sum of the
//! cheapest alternatives of demands that share no element.
//!
//! **Bound.** [`STEPS`] looks at an element, counted the same way on every machine. Beyond them, and beyond [`DEPTH`]
//! nested choices, the best set found so far is the answer, and [`Cover::is_minimal`] is false: it meets every demand,
//! and may be larger than needed. Memory stays below [`DEPTH`] copies of the demands.

mod problem;

use std::cmp::Ordering;

use problem::{Elements, Problem};

/// The most looks at an element before the search ends: about three seconds.
pub const STEPS: u64 = 60_000_000;
/// The most choices within choices.
pub const DEPTH: usize = 128;

/// Any of these alternatives suffices; an alternative needs all of its elements. With an empty alternative it is met
/// already; without any it cannot be met.
pub type Demand = Vec<Vec<u32>>;

/// A set of elements that meets every demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// In ascending order.
    pub elements: Vec<u32>,
    /// Whether it is proven that no smaller set would do, nor an equally small one that weighs less.
    pub is_minimal: bool,
}

/// A demand without alternatives: nothing meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("demand {demand} has no alternative: nothing meets it")]
pub struct Unmeetable {
    /// Its position, counted from 0.
    pub demand: usize,
}

/// The smallest set that meets every demand.
///
/// `weights` holds a weight for each element, such as in how many operations a scope stands; elements beyond it weigh
/// nothing.
///
/// ```
/// use countersign_decision::cover::smallest_cover;
///
/// // 0 or 1; 1 or 2; and 3 together with 4, or 1.
/// let demands = [vec![vec![0], vec![1]], vec![vec![1], vec![2]], vec![vec![3, 4], vec![1]]];
/// let cover = smallest_cover(&demands, &[1, 5, 1, 1, 1]).expect("each demand has an alternative");
/// assert_eq!(cover.elements, [1]);
/// assert!(cover.is_minimal);
/// ```
///
/// # Errors
/// The first demand without alternatives.
pub fn smallest_cover(demands: &[Demand], weights: &[u64]) -> Result<Cover, Unmeetable> {
    smallest_cover_within(demands, weights, STEPS)
}

/// [`smallest_cover`] with a bound of one's own on the looks at an element.
///
/// # Errors
/// The first demand without alternatives.
pub fn smallest_cover_within(demands: &[Demand], weights: &[u64], steps: u64) -> Result<Cover, Unmeetable> {
    if let Some(demand) = demands.iter().position(Vec::is_empty) {
        return Err(Unmeetable { demand });
    }
    let elements = Elements::of(demands, weights);
    let problem = Problem::new(demands, &elements);
    let mut search = Search { elements: &elements, steps_left: steps, is_cut_short: false };
    let found = search.solve(problem, &[], None, 0).expect("INVARIANT: without a bound to beat there is an answer");
    Ok(Cover { elements: elements.named(&found), is_minimal: !search.is_cut_short })
}

/// The search, and how much of it is left. All sets are in ascending order, and those that are united share no element.
struct Search<'e> {
    elements: &'e Elements,
    steps_left: u64,
    is_cut_short: bool,
}

impl Search<'_> {
    /// The cheapest set that meets the problem and, together with `spent`, costs less than `bound`; nothing if there
    /// is none.
    ///
    /// `spent` shares no element with the problem. Without a bound there is always an answer.
    fn solve(&mut self, mut problem: Problem, spent: &[u32], bound: Option<&[u32]>, depth: usize) -> Option<Vec<u32>> {
        let mut taken = problem.reduce(self.elements, &mut self.steps_left)?;
        let mut parts = problem.split(self.elements.len(), &mut self.steps_left);
        // The hardest last: until then the others' true costs are known.
        parts.sort_by_key(Problem::size);
        let mut lower_bounds: Vec<_> = parts.iter().map(|part| self.lower_bound(part)).collect();
        while let Some(part) = (!parts.is_empty()).then(|| parts.remove(0)) {
            lower_bounds.remove(0);
            let mut spent_elsewhere = union(spent, &taken);
            for lower_bound in &lower_bounds {
                spent_elsewhere = union(&spent_elsewhere, lower_bound);
            }
            taken = union(&taken, &self.branch(part, &spent_elsewhere, bound, depth)?);
        }
        self.is_better(&union(spent, &taken), bound).then_some(taken)
    }

    /// The same for a connected, reduced problem: an element is in, or it is out.
    fn branch(&mut self, mut problem: Problem, spent: &[u32], bound: Option<&[u32]>, depth: usize) -> Option<Vec<u32>> {
        let mut bound: Option<Vec<u32>> = bound.map(<[u32]>::to_vec);
        let mut best = None;
        let mut keep_better = |set: Vec<u32>, bound: &mut Option<Vec<u32>>, search: &Self| {
            let total = union(spent, &set);
            if search.is_better(&total, bound.as_deref()) {
                (*bound, best) = (Some(total), Some(set));
            }
        };
        if bound.is_none() {
            keep_better(problem.greedy(self.elements), &mut bound, self);
        }

        let mut taken: Vec<u32> = Vec::new();
        loop {
            if problem.is_met() {
                keep_better(taken, &mut bound, self);
                break;
            }
            let at_least = union(&union(spent, &taken), &self.lower_bound(&problem));
            if !self.is_better(&at_least, bound.as_deref()) {
                break;
            }
            if self.steps_left == 0 || depth == DEPTH {
                self.is_cut_short = true;
                break;
            }
            let element = problem.most_wanted(self.elements.len());
            self.steps_left = self.steps_left.saturating_sub(problem.size() as u64);

            let with = problem.with(element);
            let taken_with = union(&taken, &[element]);
            let spent_with = union(spent, &taken_with);
            if let Some(rest) = self.solve(with, &spent_with, bound.as_deref(), depth + 1) {
                keep_better(union(&taken_with, &rest), &mut bound, self);
            }

            problem = problem.without(element);
            match problem.reduce(self.elements, &mut self.steps_left) {
                Some(forced) => taken = union(&taken, &forced),
                None => break,
            }
        }
        best
    }

    /// No set that meets the problem costs less than this one, which need not meet it.
    fn lower_bound(&mut self, problem: &Problem) -> Vec<u32> {
        self.steps_left = self.steps_left.saturating_sub(problem.size() as u64);
        problem.disjoint_minimum(self.elements)
    }

    fn is_better(&self, set: &[u32], bound: Option<&[u32]>) -> bool {
        bound.is_none_or(|bound| self.elements.compare(set, bound) == Ordering::Less)
    }
}

/// Both sets, which share no element, in ascending order.
fn union(one: &[u32], other: &[u32]) -> Vec<u32> {
    let mut both = [one, other].concat();
    both.sort_unstable();
    both
}

#[cfg(test)]
mod tests;
