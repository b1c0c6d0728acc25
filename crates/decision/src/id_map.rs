//! Values by id: the users and clients of an organization.
//!
//! What is looked up for each call is one line of memory that nothing has to be read to find: UUIDs and short words stand as sixteen bytes in an open-addressed
//! table, beside their values. (Tables of the library keep a byte for each entry in a place of its own: a second line, waited for before the first. Half
//! a decision was such waiting.) Other ids stand in an ordinary map.

mod key;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;
use prefetch_index::prefetch_index;

use key::Key;

/// Values by id. A copy shares what it holds until one of the two is changed.
#[derive(Debug, Clone)]
pub(crate) struct IdMap<T> {
    /// A power of two of them, or none, and at least a quarter empty: an entry stands at the place of its hash or in the next free one.
    slots: Arc<[Slot<T>]>,
    /// How many slots are taken.
    taken: usize,
    /// Seeded anew in each process: nobody can choose ids that fall on each other.
    hasher: RandomState,
    others: Arc<HashMap<Box<str>, T, RandomState>>,
}

#[derive(Debug, Clone, Default)]
struct Slot<T> {
    /// [`Key::NONE`] where the slot is empty.
    key: Key,
    value: T,
}

/// An id of the map. Its text is made when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id<'m>(Form<'m>);

/// An id that is being looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sought<'i> {
    /// In the table, from this place on.
    Key { key: Key, place: usize },
    /// Among the others.
    Text(&'i str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form<'m> {
    Key(Key),
    Text(&'m str),
}

impl<T: Clone + Default> IdMap<T> {
    /// With room for so many ids.
    pub(crate) fn with_capacity(ids: usize) -> Self {
        let mut made = Self { slots: Arc::default(), taken: 0, hasher: RandomState::default(), others: Arc::default() };
        made.slots = empty(slots_for(ids));
        made
    }

    /// The value of an id.
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.found(self.seek(id))
    }

    /// Begins to look for an id: the processor fetches the line of memory where it has to be, and nobody waits for it yet.
    pub(crate) fn seek<'i>(&self, id: &'i str) -> Sought<'i> {
        let Some(key) = Key::of(id) else { return Sought::Text(id) };
        let place = self.place(key);
        let slot = place & self.slots.len().wrapping_sub(1);
        prefetch_index(&self.slots, slot);
        // The slot may end in the next line, and the id may stand in the next slot.
        prefetch_index(&self.slots, slot.wrapping_add(1));
        Sought::Key { key, place }
    }

    /// The value of an id that was sought in this map.
    #[inline(always)]
    pub(crate) fn found(&self, sought: Sought<'_>) -> Option<&T> {
        match sought {
            Sought::Key { key, place } => self.find(key, place),
            Sought::Text(id) => self.others.get(id),
        }
    }

    /// The value of an id of this or another map.
    pub(crate) fn get_id(&self, id: Id<'_>) -> Option<&T> {
        match id.0 {
            Form::Key(key) => self.find(key, self.place(key)),
            Form::Text(text) => self.others.get(text),
        }
    }

    #[inline(always)]
    fn find(&self, key: Key, place: usize) -> Option<&T> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = place;
        loop {
            let slot = &self.slots[at & mask];
            if slot.key == key {
                return Some(&slot.value);
            }
            if slot.key == Key::NONE {
                return None;
            }
            at += 1;
        }
    }

    /// Sets the value of an id.
    pub(crate) fn insert(&mut self, id: &str, value: T) {
        let Some(key) = Key::of(id) else {
            Arc::make_mut(&mut self.others).insert(id.into(), value);
            return;
        };
        if slots_for(self.taken + 1) > self.slots.len() {
            self.grow();
        }
        self.put(key, value);
    }

    fn put(&mut self, key: Key, value: T) {
        let (mask, mut at) = (self.slots.len() - 1, self.place(key));
        let slots = Arc::make_mut(&mut self.slots);
        while ![key, Key::NONE].contains(&slots[at & mask].key) {
            at += 1;
        }
        let slot = &mut slots[at & mask];
        self.taken += usize::from(slot.key == Key::NONE);
        *slot = Slot { key, value };
    }

    fn grow(&mut self) {
        let grown = empty(slots_for(self.taken + 1));
        let before = std::mem::replace(&mut self.slots, grown);
        self.taken = 0;
        let taken = before.iter().filter(|slot| slot.key != Key::NONE);
        taken.for_each(|slot| self.put(slot.key, slot.value.clone()));
    }

    /// Forgets an id.
    pub(crate) fn remove(&mut self, id: &str) {
        match Key::of(id) {
            Some(key) if self.find(key, self.place(key)).is_some() => self.take_out(key),
            Some(_) => {}
            None => drop(Arc::make_mut(&mut self.others).remove(id)),
        }
    }

    /// What stands behind the slot that becomes free is put anew, so that everything is still found before the first free slot.
    fn take_out(&mut self, key: Key) {
        let (mask, mut at) = (self.slots.len() - 1, self.place(key));
        while self.slots[at & mask].key != key {
            at += 1;
        }
        let mut take = |at: usize| std::mem::take(&mut Arc::make_mut(&mut self.slots)[at & mask]);
        take(at);
        let behind: Vec<_> = (at + 1..).map(take).take_while(|slot| slot.key != Key::NONE).collect();
        self.taken -= 1 + behind.len();
        behind.into_iter().for_each(|slot| self.put(slot.key, slot.value));
    }

    /// All ids with their values, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Id<'_>, &T)> {
        let taken = self.slots.iter().filter(|slot| slot.key != Key::NONE);
        let others = self.others.iter().map(|(id, value)| (Id(Form::Text(id)), value));
        taken.map(|slot| (Id(Form::Key(slot.key)), &slot.value)).chain(others)
    }

    /// All values, to be changed.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let taken = Arc::make_mut(&mut self.slots).iter_mut().filter(|slot| slot.key != Key::NONE);
        taken.map(|slot| &mut slot.value).chain(Arc::make_mut(&mut self.others).values_mut())
    }

    /// How many ids there are.
    pub(crate) fn len(&self) -> usize {
        self.taken + self.others.len()
    }

    /// Whether one is a copy of the other, and neither was changed since.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.slots, &other.slots) && Arc::ptr_eq(&self.others, &other.others)
    }

    /// Where a key stands, or would stand if nothing else did: to be taken modulo the number of slots.
    fn place(&self, key: Key) -> usize {
        let mut hasher = self.hasher.build_hasher();
        key.halves().into_iter().for_each(|half| hasher.write_u64(half));
        hasher.finish() as usize & (usize::MAX >> 1)
    }
}

impl<T: Clone + Default> Default for IdMap<T> {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Key(key) => key.fmt(formatter),
            Form::Text(text) => formatter.write_str(text),
        }
    }
}

fn slots_for(ids: usize) -> usize {
    if ids == 0 { 0 } else { (ids + ids.div_ceil(3)).next_power_of_two() }
}

fn empty<T: Clone + Default>(slots: usize) -> Arc<[Slot<T>]> {
    std::iter::repeat_with(Slot::default).take(slots).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<T: Clone + Default + Ord>(map: &IdMap<T>) -> Vec<(T, String)> {
        let mut all: Vec<_> = map.iter().map(|(id, value)| (value.clone(), id.to_string())).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn ids_of_every_form_are_found_again() {
        let uuid = "5f0c1a52-7c1f-4d3e-9b1a-0123456789ab";
        let ids = ["", "a", "a\0", uuid, &uuid.to_uppercase(), &"c".repeat(36), "é"];
        let mut map = IdMap::with_capacity(2);
        for (value, id) in ids.iter().enumerate() {
            map.insert(id, 99);
            map.insert(id, value);
        }
        assert_eq!(ids.map(|id| map.get(id).copied()), [0, 1, 2, 3, 4, 5, 6].map(Some));
        assert!(map.iter().all(|(id, value)| map.get_id(id) == Some(value)));
        assert_eq!(all(&map), ids.map(str::to_owned).into_iter().enumerate().collect::<Vec<_>>());
        assert_eq!((map.len(), map.get("b"), map.get("b\0")), (7, None, None));
    }

    #[test]
    fn it_stays_what_a_map_of_the_library_is_through_all_changes() {
        let (mut map, mut expected) = (IdMap::default(), HashMap::new());
        let mut random = 1_u64;
        for step in 0..20_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let id = format!("id {}", (random >> 33) % 300);
            if random >> 62 == 0 {
                map.remove(&id);
                expected.remove(&id);
            } else {
                map.insert(&id, step);
                expected.insert(id.clone(), step);
            }
            assert_eq!((map.get(&id), map.len()), (expected.get(&id), expected.len()));
        }
        let mut expected: Vec<_> = expected.into_iter().map(|(id, value)| (value, id)).collect();
        expected.sort_unstable();
        assert_eq!(all(&map), expected);
    }

    #[test]
    fn a_copy_keeps_what_it_holds() {
        let mut map = IdMap::default();
        map.insert("a", 1);
        let mut copy = map.clone();
        assert!(copy.is_shared_with(&map));
        copy.values_mut().for_each(|value| *value += 1);
        copy.insert("é", 3);
        assert_eq!((all(&map), all(&copy)), (vec![(1, "a".into())], vec![(2, "a".into()), (3, "é".into())]));
        assert!(!copy.is_shared_with(&map));
    }
}
