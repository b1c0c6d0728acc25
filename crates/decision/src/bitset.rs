//! Fixed-size sets of small integers: what scopes, permissions and people become once they are interned.

use prefetch_index::prefetch_index;
use smallvec::SmallVec;

/// A set of indices below a length fixed at construction. Up to 192 stand in the set itself: an authorization's scopes are read with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct BitSet(SmallVec<[u64; 3]>);

/// A look at a set, wherever it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Bits<'b>(&'b [u64]);

/// How many words a line of memory has.
const WORDS_A_LINE: usize = 8;

/// Many sets of one length, one behind the other: copied at once, and read without following a pointer for each.
#[derive(Debug, Clone)]
pub(crate) struct BitRows {
    words: Vec<u64>,
    words_a_row: usize,
}

impl BitSet {
    /// An empty set with room for the indices `0..length`.
    pub(crate) fn with_room_for(length: usize) -> Self {
        Self(SmallVec::from_elem(0, length.div_ceil(64)))
    }

    /// Adds `index`. An index beyond the room is left out: what a catalogue does not know is never held.
    pub(crate) fn insert(&mut self, index: u32) {
        if let Some(word) = self.0.get_mut(index as usize / 64) {
            *word |= 1 << (index % 64);
        }
    }

    /// Whether `index` is in the set.
    pub(crate) fn contains(&self, index: u32) -> bool {
        self.bits().contains(index)
    }

    /// Adds everything that `other` holds.
    pub(crate) fn unite(&mut self, other: Bits<'_>) {
        self.0.iter_mut().zip(other.0).for_each(|(word, more)| *word |= more);
    }

    /// Leaves only what `other` holds too.
    pub(crate) fn intersect(&mut self, other: Bits<'_>) {
        self.0.iter_mut().zip(other.0).for_each(|(word, kept)| *word &= kept);
    }

    /// Takes away everything that `other` holds.
    pub(crate) fn subtract(&mut self, other: Bits<'_>) {
        self.0.iter_mut().zip(other.0).for_each(|(word, gone)| *word &= !gone);
    }

    /// Whether nothing is in the set.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The set, to be read.
    pub(crate) fn bits(&self) -> Bits<'_> {
        Bits(&self.0)
    }
}

impl<'b> Bits<'b> {
    /// Whether `index` is in the set.
    #[inline]
    pub(crate) fn contains(self, index: u32) -> bool {
        self.0.get(index as usize / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// The indices in ascending order.
    pub(crate) fn iter(self) -> impl Iterator<Item = u32> + 'b {
        self.0.iter().zip((0u32..).step_by(64)).flat_map(|(word, base)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(base + bit)
            })
        })
    }

    /// How many indices are in the set.
    pub(crate) fn len(self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// How many indices are in both sets.
    pub(crate) fn len_of_both(self, other: Self) -> usize {
        self.0.iter().zip(other.0).map(|(word, other)| (word & other).count_ones() as usize).sum()
    }
}

impl BitRows {
    /// No sets yet, each to have room for the indices `0..length`.
    pub(crate) fn with_room_for(length: usize) -> Self {
        Self { words: Vec::new(), words_a_row: length.div_ceil(64) }
    }

    /// Puts a set behind the others.
    pub(crate) fn push(&mut self, set: &BitSet) {
        self.words.extend_from_slice(&set.0);
    }

    /// Replaces a set.
    pub(crate) fn set(&mut self, row: usize, set: &BitSet) {
        let start = row * self.words_a_row;
        self.words[start..start + self.words_a_row].copy_from_slice(&set.0);
    }

    /// Begins to fetch a set from memory; nobody waits for it yet.
    pub(crate) fn prefetch(&self, row: usize) {
        let end = (row + 1) * self.words_a_row;
        let mut word = end - self.words_a_row;
        while word < end {
            prefetch_index(&self.words, word);
            word += WORDS_A_LINE;
        }
        // A row that begins within a line ends in one more.
        prefetch_index(&self.words, end.saturating_sub(1));
    }

    /// A set, to be read.
    pub(crate) fn row(&self, row: usize) -> Bits<'_> {
        let start = row * self.words_a_row;
        Bits(&self.words[start..start + self.words_a_row])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(length: usize, indices: &[u32]) -> BitSet {
        let mut set = BitSet::with_room_for(length);
        indices.iter().for_each(|index| set.insert(*index));
        set
    }

    #[test]
    fn holds_what_was_inserted_and_nothing_else() {
        for length in [130, 1_000] {
            let set = set(length, &[0, 63, 64, 129]);
            assert_eq!(set.bits().iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
            assert_eq!((0..1_200).filter(|index| set.contains(*index)).collect::<Vec<_>>(), [0, 63, 64, 129]);
            assert_eq!(set.bits().len(), 4);
        }
    }

    #[test]
    fn the_ends_of_a_word_are_told_from_its_middle() {
        let set = set(64, &[5]);
        assert_eq!((0..64).filter(|index| set.contains(*index)).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn an_index_beyond_the_room_is_never_held() {
        assert!(!set(3, &[64]).contains(64));
    }

    #[test]
    fn sets_are_united_intersected_and_subtracted() {
        let (one, two) = (set(300, &[1, 64, 299]), set(300, &[1, 65, 299]));
        let made = |change: fn(&mut BitSet, Bits<'_>)| {
            let mut made = one.clone();
            change(&mut made, two.bits());
            made.bits().iter().collect::<Vec<_>>()
        };
        assert_eq!(made(BitSet::unite), [1, 64, 65, 299]);
        assert_eq!(made(BitSet::intersect), [1, 299]);
        assert_eq!(made(BitSet::subtract), [64]);
        assert_eq!(one.bits().len_of_both(two.bits()), 2);
        assert!(set(300, &[]).is_empty() && !one.is_empty());
    }

    #[test]
    fn rows_are_kept_apart() {
        let mut rows = BitRows::with_room_for(70);
        rows.push(&set(70, &[1, 69]));
        rows.push(&set(70, &[2]));
        rows.set(0, &set(70, &[3, 68]));
        assert_eq!(rows.row(0).iter().collect::<Vec<_>>(), [3, 68]);
        assert_eq!(rows.row(1).iter().collect::<Vec<_>>(), [2]);
    }
}
