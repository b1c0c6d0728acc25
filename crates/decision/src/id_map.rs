//! Values by id: the users and clients of an organization.
//!
//! An id of up to [`SHORT`] bytes (a UUID's text has 36) stands in the table itself, beside its value: a look-up reads the table and follows no pointer,
//! and a user takes half of the memory that a key of its own would.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// The longest id that stands in the table.
const SHORT: usize = 39;

/// Values by id.
#[derive(Debug, Clone)]
pub(crate) struct IdMap<T> {
    short: HashTable<(ShortId, T)>,
    long: HashMap<Box<str>, T>,
    /// Seeded anew in each process: nobody can choose ids that fall on each other.
    hasher: RandomState,
}

/// The bytes of an id, filled up with zeros, and how many they are.
#[derive(Debug, Clone, Copy)]
struct ShortId {
    bytes: [u8; SHORT],
    length: u8,
}

impl ShortId {
    fn new(id: &str) -> Option<Self> {
        let mut bytes = [0; SHORT];
        bytes.get_mut(..id.len())?.copy_from_slice(id.as_bytes());
        Some(Self { bytes, length: u8::try_from(id.len()).ok()? })
    }

    fn is(&self, id: &str) -> bool {
        usize::from(self.length) == id.len() && self.bytes[..id.len()] == *id.as_bytes()
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("made from a text")
    }
}

impl<T> Default for IdMap<T> {
    fn default() -> Self {
        Self { short: HashTable::new(), long: HashMap::new(), hasher: RandomState::default() }
    }
}

impl<T> IdMap<T> {
    /// With room for so many ids.
    pub(crate) fn with_capacity(ids: usize) -> Self {
        Self { short: HashTable::with_capacity(ids), ..Self::default() }
    }

    /// The value of an id.
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        if id.len() > SHORT {
            return self.long.get(id);
        }
        self.short.find(hash(&self.hasher, id), |(short, _)| short.is(id)).map(|(_, value)| value)
    }

    /// Sets the value of an id.
    pub(crate) fn insert(&mut self, id: &str, value: T) {
        let Some(short) = ShortId::new(id) else {
            self.long.insert(id.into(), value);
            return;
        };
        let hash_of = hash(&self.hasher, id);
        match self.short.find_mut(hash_of, |(short, _)| short.is(id)) {
            Some(entry) => entry.1 = value,
            None => {
                self.short.insert_unique(hash_of, (short, value), |(short, _)| hash(&self.hasher, short.as_str()));
            }
        }
    }

    /// Forgets an id.
    pub(crate) fn remove(&mut self, id: &str) {
        self.long.remove(id);
        if let Ok(entry) = self.short.find_entry(hash(&self.hasher, id), |(short, _)| short.is(id)) {
            entry.remove();
        }
    }

    /// All ids with their values, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        let long = self.long.iter().map(|(id, value)| (id.as_ref(), value));
        self.short.iter().map(|(id, value)| (id.as_str(), value)).chain(long)
    }

    /// All values, to be changed.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.short.iter_mut().map(|(_, value)| value).chain(self.long.values_mut())
    }

    /// How many ids there are.
    pub(crate) fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }
}

fn hash(hasher: &RandomState, id: &str) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(id.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_ids_are_found_again() {
        let ids = ["", "a", &"b".repeat(SHORT), &"c".repeat(SHORT + 1), &"c".repeat(SHORT + 2), "é"];
        let mut map = IdMap::with_capacity(2);
        for (value, id) in ids.iter().enumerate() {
            map.insert(id, 0);
            map.insert(id, value);
        }
        assert_eq!(ids.map(|id| map.get(id).copied()), [0, 1, 2, 3, 4, 5].map(Some));
        let mut all: Vec<_> = map.iter().map(|(id, value)| (*value, id)).collect();
        all.sort_unstable();
        assert_eq!(all, ids.into_iter().enumerate().collect::<Vec<_>>());
        assert_eq!(map.len(), 6);
    }

    #[test]
    fn a_forgotten_id_is_not_found() {
        let mut map = IdMap::default();
        for id in ["a", &"c".repeat(SHORT + 1)] {
            map.insert(id, ());
            map.insert("other", ());
            map.remove(id);
            assert_eq!((map.get(id), map.len()), (None, 1));
        }
    }

    #[test]
    fn an_id_is_not_one_that_goes_on_with_zeros() {
        let mut map = IdMap::default();
        map.insert("a", ());
        assert_eq!(map.get("a\0"), None);
    }
}
