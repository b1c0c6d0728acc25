//! From a path to all templates that match it, one step for each segment, never back.
//!
//! A state is every place of the [`Tree`] that the segments so far can have led to, the one with the leftmost literals first (the subset construction
//! of automata theory). Greedy descent would lose `/users/{id}/roles` beside `/users/rules/{rule}`; going back would make some requests dear.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::tree::Tree;

/// How many places of the tree all states may have together. Ordinary contracts have about two for each operation.
const MAX_PLACES: usize = 1_000_000;

/// The end of the way: no template begins like this.
const NOWHERE: u32 = u32::MAX;

/// A deterministic automaton over path segments.
#[derive(Debug)]
pub(super) struct Automaton {
    states: Vec<State>,
    /// The literal steps of all states.
    steps: HashTable<Step>,
    /// The literals, one behind the other.
    words: String,
    hasher: FixedState,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// Where a segment leads that is none of the literals here.
    otherwise: u32,
    /// What a path that ends here means, by its place in the list of endings.
    ending: u32,
    /// The length of the longest literal: a longer segment needs no look-up. Most ids are longer.
    longest: u32,
    /// The only literal, where there is one: compared without a look-up. Most paths begin with such segments.
    only: Option<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    from: u32,
    to: u32,
    start: u32,
    end: u32,
}

/// More places than [`MAX_PLACES`]: the templates overlap in too many ways.
#[derive(Debug)]
pub(super) struct TooManyPlaces;

impl TooManyPlaces {
    pub(super) const LIMIT: usize = MAX_PLACES;
}

impl Automaton {
    /// Makes the automaton, and its endings: for each the templates that match there, the one that is meant first.
    ///
    /// # Errors
    /// Templates that overlap in so many ways that the automaton would not fit in memory.
    pub(super) fn new(tree: &Tree) -> Result<(Self, Vec<Vec<u32>>), TooManyPlaces> {
        let mut building = Building::new(tree);
        building.state(vec![Tree::ROOT])?;
        while building.states.len() < building.places.len() {
            building.add_steps(building.states.len())?;
        }
        Ok(building.finish())
    }

    /// The ending of a path that begins with a slash and does not end in one, but for the path `/`.
    pub(super) fn ending(&self, path: &str) -> Option<usize> {
        let mut at = 0;
        let mut state = &self.states[0];
        let mut rest = &path.as_bytes()[1..];
        while !rest.is_empty() {
            let length = memchr::memchr(b'/', rest).unwrap_or(rest.len());
            at = self.step(at, state, &rest[..length]);
            state = self.states.get(at as usize)?;
            rest = rest.get(length + 1..).unwrap_or_default();
        }
        (state.ending != NOWHERE).then_some(state.ending as usize)
    }

    fn step(&self, from: u32, state: &State, segment: &[u8]) -> u32 {
        if segment.len() > state.longest as usize {
            return state.otherwise;
        }
        let is_meant = |step: &Step| self.word(step) == segment;
        let step = match &state.only {
            Some(only) => Some(only).filter(|only| is_meant(only)),
            None => self.steps.find(hash(&self.hasher, from, segment), |step| step.from == from && is_meant(step)),
        };
        step.map_or(state.otherwise, |step| step.to)
    }

    fn word(&self, step: &Step) -> &[u8] {
        &self.words.as_bytes()[step.start as usize..step.end as usize]
    }
}

fn hash(hasher: &FixedState, from: u32, segment: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write_u32(from);
    hasher.write(segment);
    hasher.finish()
}

struct Building<'t> {
    tree: &'t Tree,
    /// For each state its places in the tree.
    places: Vec<Vec<u32>>,
    state_of: HashMap<Vec<u32>, u32>,
    how_many_places: usize,
    states: Vec<State>,
    steps: Vec<Step>,
    words: String,
    start_of: HashMap<&'t str, u32>,
    endings: Vec<Vec<u32>>,
    ending_of: HashMap<Vec<u32>, u32>,
}

impl<'t> Building<'t> {
    fn new(tree: &'t Tree) -> Self {
        Self {
            tree,
            places: Vec::new(),
            state_of: HashMap::new(),
            how_many_places: 0,
            states: Vec::new(),
            steps: Vec::new(),
            words: String::new(),
            start_of: HashMap::new(),
            endings: Vec::new(),
            ending_of: HashMap::new(),
        }
    }

    /// The state of these places, made where there is none yet.
    fn state(&mut self, places: Vec<u32>) -> Result<u32, TooManyPlaces> {
        if places.is_empty() {
            return Ok(NOWHERE);
        }
        if let Some(state) = self.state_of.get(&places) {
            return Ok(*state);
        }
        self.how_many_places += places.len();
        if self.how_many_places > MAX_PLACES {
            return Err(TooManyPlaces);
        }
        let state = index_of(self.places.len());
        self.state_of.insert(places.clone(), state);
        self.places.push(places);
        Ok(state)
    }

    /// Every way on from the state with this index.
    fn add_steps(&mut self, index: usize) -> Result<(), TooManyPlaces> {
        let (tree, from) = (self.tree, index_of(index));
        let nodes: Vec<_> = self.places[index].iter().map(|place| tree.node(*place)).collect();
        let otherwise = self.state(nodes.iter().filter_map(|node| node.parameter).collect())?;
        let literals: BTreeSet<&'t str> =
            nodes.iter().flat_map(|node| node.literals.keys()).map(AsRef::as_ref).collect();
        let first = self.steps.len();
        for literal in &literals {
            // The order of the places is kept, the literal before the parameter: leftmost literals stay in front.
            let children = nodes.iter().flat_map(|node| [node.literals.get(*literal).copied(), node.parameter]);
            let to = self.state(children.flatten().collect())?;
            let start = self.start_of(literal);
            self.steps.push(Step { from, to, start, end: start + index_of(literal.len()) });
        }
        let only = (literals.len() == 1).then(|| self.steps[first]);
        let longest = literals.iter().map(|literal| literal.len()).max().unwrap_or_default();
        let ending = self.ending(nodes.iter().filter_map(|node| node.template).collect());
        self.states.push(State { otherwise, ending, longest: index_of(longest), only });
        Ok(())
    }

    /// Where a literal stands among the words, put there where it is new.
    fn start_of(&mut self, literal: &'t str) -> u32 {
        *self.start_of.entry(literal).or_insert_with(|| {
            self.words.push_str(literal);
            index_of(self.words.len() - literal.len())
        })
    }

    fn ending(&mut self, templates: Vec<u32>) -> u32 {
        if templates.is_empty() {
            return NOWHERE;
        }
        *self.ending_of.entry(templates).or_insert_with_key(|templates| {
            self.endings.push(templates.clone());
            index_of(self.endings.len() - 1)
        })
    }

    fn finish(self) -> (Automaton, Vec<Vec<u32>>) {
        let hasher = FixedState::default();
        let words = self.words;
        let word = |step: &Step| &words.as_bytes()[step.start as usize..step.end as usize];
        let hash_of = |step: &Step| hash(&hasher, step.from, word(step));
        let mut steps = HashTable::with_capacity(self.steps.len());
        for step in self.steps {
            steps.insert_unique(hash_of(&step), step, hash_of);
        }
        (Automaton { states: self.states, steps, words, hasher }, self.endings)
    }
}

fn index_of(length: usize) -> u32 {
    u32::try_from(length).expect("places and files are limited to far less")
}
