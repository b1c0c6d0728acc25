//! A fixed-size set of small integers: what scopes and permissions become once they are interned.

/// A set of indices below a length fixed at construction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct BitSet(Box<[u64]>);

impl BitSet {
    /// An empty set with room for the indices `0..length`.
    pub(crate) fn with_room_for(length: usize) -> Self {
        Self(vec![0; length.div_ceil(64)].into_boxed_slice())
    }

    /// Adds `index`. An index beyond the room is left out: what a catalogue does not know is never held.
    pub(crate) fn insert(&mut self, index: u32) {
        if let Some(word) = self.0.get_mut(index as usize / 64) {
            *word |= 1 << (index % 64);
        }
    }

    /// Whether `index` is in the set.
    pub(crate) fn contains(&self, index: u32) -> bool {
        self.0.get(index as usize / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// Adds everything that `other` holds.
    pub(crate) fn unite(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0.iter()) {
            *word |= more;
        }
    }

    /// The indices in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().enumerate().flat_map(|(position, word)| {
            let base = u32::try_from(position * 64).expect("a catalogue is far smaller than 2^32");
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| base + bit)
        })
    }

    /// How many indices are in the set.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_inserted_and_nothing_else() {
        let mut set = BitSet::with_room_for(130);
        for index in [0, 63, 64, 129] {
            set.insert(index);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert_eq!((0..200).filter(|index| set.contains(*index)).collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert_eq!(set.len(), 4);
    }

    #[test]
    fn the_ends_of_a_word_are_told_from_its_middle() {
        let mut set = BitSet::with_room_for(64);
        set.insert(5);
        assert_eq!((0..64).filter(|index| set.contains(*index)).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn an_index_beyond_the_room_is_never_held() {
        let mut set = BitSet::with_room_for(3);
        set.insert(64);
        assert!(!set.contains(64));
    }
}
