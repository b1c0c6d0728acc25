//! Sets of people: whoever has the same roles is one bit, so that questions about everybody are a few set operations.

use std::collections::HashMap;

use crate::bitset::{BitSet, Bits};
use crate::needs::Needs;
use crate::requirement::PermissionMode;
use crate::snapshot::Snapshot;

/// The active users of an organization in groups: members of one group hold the same roles, now and, where two states are compared, in both.
#[derive(Debug)]
pub(crate) struct Groups {
    /// How many people each group has, as binary numbers: bit `n` of a group's size is whether it is in the `n`th set. Counting the people of a set
    /// of groups is then counting bits, some twenty times faster than adding up sizes.
    size_bits: Vec<BitSet>,
    length: usize,
}

/// Which groups hold which permissions, in one state of the organization.
#[derive(Debug)]
pub(crate) struct Holders<'s> {
    snapshot: &'s Snapshot,
    /// The groups whose members exist here.
    everybody: BitSet,
    /// By role index.
    by_role: Vec<BitSet>,
    /// By permission index, made when it is first asked for.
    by_permission: HashMap<u32, BitSet>,
}

impl Groups {
    /// Groups of these sizes.
    pub(crate) fn new(sizes: &[u32]) -> Self {
        let mut size_bits: Vec<BitSet> = Vec::new();
        for (group, size) in (0u32..).zip(sizes) {
            for bit in 0..u32::BITS - size.leading_zeros() {
                if size_bits.len() <= bit as usize {
                    size_bits.push(BitSet::with_room_for(sizes.len()));
                }
                if size >> bit & 1 == 1 {
                    size_bits[bit as usize].insert(group);
                }
            }
        }
        Self { size_bits, length: sizes.len() }
    }

    /// A set of no groups.
    pub(crate) fn none(&self) -> BitSet {
        BitSet::with_room_for(self.length)
    }

    /// How many people are in these groups.
    pub(crate) fn people(&self, groups: Bits<'_>) -> usize {
        self.size_bits.iter().enumerate().map(|(bit, sizes)| sizes.bits().len_of_both(groups) << bit).sum()
    }
}

impl<'s> Holders<'s> {
    /// `combinations` gives each group's combination of roles in this state; nothing where its members do not exist here.
    pub(crate) fn new(snapshot: &'s Snapshot, groups: &Groups, combinations: &[Option<u32>]) -> Self {
        let mut everybody = groups.none();
        let mut by_role: Vec<_> = snapshot.roles().indices().map(|_| groups.none()).collect();
        for (group, combination) in (0u32..).zip(combinations) {
            let Some(combination) = combination else { continue };
            everybody.insert(group);
            snapshot.roles_of(*combination).iter().for_each(|role| by_role[*role as usize].insert(group));
        }
        Self { snapshot, everybody, by_role, by_permission: HashMap::new() }
    }

    /// Everybody who exists here.
    pub(crate) fn everybody(&self) -> &BitSet {
        &self.everybody
    }

    /// Everybody who holds one of these existing roles.
    pub(crate) fn with_role_among(&self, roles: &[u32], groups: &Groups) -> BitSet {
        let mut holders = groups.none();
        let existing = roles.iter().filter(|role| self.snapshot.roles().permissions(**role).is_some());
        existing.for_each(|role| holders.unite(self.by_role[*role as usize].bits()));
        holders
    }

    /// Everybody whose permissions satisfy a requirement.
    pub(crate) fn satisfying(&mut self, needs: &Needs, groups: &Groups) -> BitSet {
        if needs.permissions().is_empty() {
            return self.everybody.clone();
        }
        let mut satisfying = match needs.mode {
            PermissionMode::Any => groups.none(),
            PermissionMode::All => self.everybody.clone(),
        };
        for permission in needs.permissions() {
            let holders = self.of_permission(*permission, groups).bits();
            match needs.mode {
                PermissionMode::Any => satisfying.unite(holders),
                PermissionMode::All => satisfying.intersect(holders),
            }
        }
        satisfying
    }

    fn of_permission(&mut self, permission: u32, groups: &Groups) -> &BitSet {
        self.by_permission.entry(permission).or_insert_with(|| {
            let mut holders = groups.none();
            for (role, of_role) in self.snapshot.roles().indices().zip(&self.by_role) {
                if self.snapshot.roles().permissions(role).is_some_and(|held| held.contains(permission)) {
                    holders.unite(of_role.bits());
                }
            }
            holders
        })
    }
}
