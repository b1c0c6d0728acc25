//! From a path to all templates that match it, one step for each segment, never back.
//!
//! A state is every place of the [`Tree`] that the segments so far can have led to, the one with the leftmost literals first (the subset construction
//! of automata theory). Greedy descent would lose `/users/{id}/roles` beside `/users/rules/{rule}`; going back would make some requests dear.

use std::collections::{BTreeSet, HashMap};

use super::segment::Segment;
use super::tree::Tree;

/// How many places of the tree all states may have together. Ordinary contracts have about two for each operation.
const MAX_PLACES: usize = 1_000_000;

/// The end of the way: no template begins like this.
const NOWHERE: u32 = u32::MAX;

/// A deterministic automaton over path segments.
#[derive(Debug)]
pub(super) struct Automaton {
    states: Vec<State>,
    /// What every path begins with, up to its last slash, and the state after it: most contracts stand under one prefix such as `/api/v2/`.
    prefix: String,
    after_prefix: u32,
    /// The literal steps of all states, in an open-addressed table: a power of two of them, at least a quarter [`Step::NONE`]. Each stands at the place
    /// of its hash or in the next free one, so that a segment is looked up in one line of memory.
    steps: Box<[Step]>,
    /// The literals, one behind the other.
    words: String,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// Where a segment leads that is none of the literals here.
    otherwise: u32,
    /// What a path that ends here means, by its place in the list of endings.
    ending: u32,
    /// The length of the longest literal: a longer segment needs no look-up. Most ids are longer.
    longest: u32,
}

#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Step {
    from: u32,
    to: u32,
    /// The literal: its first and last bytes, its length, and where it stands among the words. Most have no bytes in between.
    head: u64,
    tail: u64,
    length: u32,
    start: u32,
}

impl Step {
    const NONE: Self = Self { from: NOWHERE, to: NOWHERE, head: 0, tail: 0, length: 0, start: 0 };
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
    pub(super) fn ending(&self, path: &[u8]) -> Option<usize> {
        let (mut at, mut rest) = match path.strip_prefix(self.prefix.as_bytes()) {
            Some(rest) => (self.after_prefix, rest),
            None => (0, &path[1..]),
        };
        let mut state = self.states.get(at as usize)?;
        while !rest.is_empty() {
            let segment = Segment::first_of(rest);
            at = self.step(at, state, segment);
            state = self.states.get(at as usize)?;
            rest = rest.get(segment.bytes.len() + 1..).unwrap_or_default();
        }
        (state.ending != NOWHERE).then_some(state.ending as usize)
    }

    #[inline(always)]
    fn step(&self, from: u32, state: &State, segment: Segment<'_>) -> u32 {
        if segment.bytes.len() > state.longest as usize {
            return state.otherwise;
        }
        let mask = self.steps.len() - 1;
        let mut place = segment.hash(from) as usize;
        loop {
            let step = &self.steps[place & mask];
            if step.from == from && self.is_meant(step, segment) {
                return step.to;
            }
            if step.from == NOWHERE {
                return state.otherwise;
            }
            place = place.wrapping_add(1);
        }
    }

    #[inline(always)]
    fn is_meant(&self, step: &Step, segment: Segment<'_>) -> bool {
        step.length as usize == segment.bytes.len()
            && step.head == segment.head
            && step.tail == segment.tail()
            && (segment.bytes.len() <= 2 * Segment::HEAD || self.is_literal(step, segment))
    }

    #[cold]
    fn is_literal(&self, step: &Step, segment: Segment<'_>) -> bool {
        let start = step.start as usize;
        self.words.as_bytes()[start..start + step.length as usize] == *segment.bytes
    }
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
        for literal in &literals {
            // The order of the places is kept, the literal before the parameter: leftmost literals stay in front.
            let children = nodes.iter().flat_map(|node| [node.literals.get(*literal).copied(), node.parameter]);
            let to = self.state(children.flatten().collect())?;
            let start = self.start_of(literal);
            let segment = Segment::first_of(literal.as_bytes());
            let (head, tail, length) = (segment.head, segment.tail(), index_of(literal.len()));
            self.steps.push(Step { from, to, head, tail, length, start });
        }
        let longest = literals.iter().map(|literal| literal.len()).max().unwrap_or_default();
        let ending = self.ending(nodes.iter().filter_map(|node| node.template).collect());
        self.states.push(State { otherwise, ending, longest: index_of(longest) });
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
        let (prefix, after_prefix) = common_prefix(&self.states, &self.steps, &self.words);
        let words = self.words;
        let slots = (self.steps.len() + self.steps.len() / 3 + 1).next_power_of_two();
        let mut steps = vec![Step::NONE; slots].into_boxed_slice();
        for step in self.steps {
            let word = &words.as_bytes()[step.start as usize..(step.start + step.length) as usize];
            let mut place = Segment::first_of(word).hash(step.from) as usize;
            while steps[place & (slots - 1)].from != NOWHERE {
                place = place.wrapping_add(1);
            }
            steps[place & (slots - 1)] = step;
        }
        (Automaton { states: self.states, prefix, after_prefix, steps, words }, self.endings)
    }
}

/// The only literals from the beginning on, each with a slash behind it, and the state that they lead to. A literal that can end a path is not among
/// them: it would have no slash.
fn common_prefix(states: &[State], steps: &[Step], words: &str) -> (String, u32) {
    let (mut prefix, mut at) = ("/".to_owned(), 0);
    loop {
        let mut from_here = steps.iter().filter(|step| step.from == at);
        let (Some(step), None) = (from_here.next(), from_here.next()) else { break };
        if states[at as usize].otherwise != NOWHERE || states[step.to as usize].ending != NOWHERE {
            break;
        }
        prefix.push_str(&words[step.start as usize..(step.start + step.length) as usize]);
        prefix.push('/');
        at = step.to;
    }
    (prefix, at)
}

fn index_of(length: usize) -> u32 {
    u32::try_from(length).expect("places and files are limited to far less")
}
