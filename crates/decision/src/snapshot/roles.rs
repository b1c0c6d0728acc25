//! The roles of an organization, and one permission set for each combination of roles that somebody has: users are many, combinations are few.

use std::collections::HashMap;
use std::sync::Arc;

use crate::bitset::{BitRows, Bits};
use crate::catalogue::Catalogue;
use crate::facts::RoleFacts;
use crate::permission::PermissionSet;
use crate::reason::RoleRef;

/// All roles, by index. An index stays what it is while the snapshot changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roles {
    all: Vec<Role>,
    index: HashMap<Arc<str>, u32>,
}

#[derive(Debug, Clone)]
struct Role {
    id: Arc<str>,
    /// Nothing: somebody names a role that does not exist. It holds nothing, and nobody meets it as a limit.
    existing: Option<Existing>,
}

#[derive(Debug, Clone)]
struct Existing {
    name: Arc<str>,
    permissions: Arc<PermissionSet>,
}

/// Every combination of roles that somebody has, or had: the first is that of no role at all.
#[derive(Debug, Clone)]
pub(crate) struct Combinations {
    /// Ascending role indices, without doubles.
    roles: Vec<Arc<[u32]>>,
    permissions: BitRows,
    index: HashMap<Arc<[u32]>, u32>,
}

impl Roles {
    /// The index of a role, made where the id is new.
    pub(super) fn index_of(&mut self, id: &str) -> u32 {
        if let Some(index) = self.index.get(id) {
            return *index;
        }
        let index = u32::try_from(self.all.len()).expect("memory ends long before");
        let id: Arc<str> = id.into();
        self.all.push(Role { id: Arc::clone(&id), existing: None });
        self.index.insert(id, index);
        index
    }

    /// Makes a role, or replaces it, and gives its index.
    pub(super) fn set(&mut self, catalogue: &Catalogue, facts: &RoleFacts) -> u32 {
        let index = self.index_of(&facts.id);
        let permissions = Arc::new(PermissionSet::of(catalogue, &facts.policies));
        self.all[index as usize].existing = Some(Existing { name: facts.name.as_str().into(), permissions });
        index
    }

    /// Ends a role, and gives its index.
    pub(super) fn end(&mut self, id: &str) -> u32 {
        let index = self.index_of(id);
        self.all[index as usize].existing = None;
        index
    }

    /// Whether a role exists and is one of these.
    pub(crate) fn is_among(&self, role: u32, roles: &[u32]) -> bool {
        roles.contains(&role) && self.all[role as usize].existing.is_some()
    }

    /// The role for people to read.
    pub(crate) fn role_ref(&self, role: u32) -> RoleRef<'_> {
        let role = &self.all[role as usize];
        RoleRef { id: &role.id, name: role.existing.as_ref().map_or(&role.id, |existing| &existing.name) }
    }

    /// What a role holds; nothing where it does not exist.
    pub(crate) fn permissions(&self, role: u32) -> Option<&PermissionSet> {
        self.all[role as usize].existing.as_ref().map(|existing| existing.permissions.as_ref())
    }

    /// The index of a role that somebody names.
    pub(crate) fn find(&self, id: &str) -> Option<u32> {
        self.index.get(id).copied()
    }

    /// The indices of all roles, those that do not exist too.
    pub(crate) fn indices(&self) -> impl Iterator<Item = u32> {
        0..u32::try_from(self.all.len()).expect("memory ends long before")
    }
}

impl Combinations {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let permissions = BitRows::with_room_for(catalogue.permissions().len());
        let mut made = Self { roles: Vec::new(), permissions, index: HashMap::new() };
        made.index_of(catalogue, &Roles::default(), &[]);
        made
    }

    /// The combination that nobody's roles are.
    pub(crate) const NONE: u32 = 0;

    /// The combination of these roles, ascending and without doubles, where somebody has it.
    pub(super) fn find(&self, held: &[u32]) -> Option<u32> {
        self.index.get(held).copied()
    }

    /// The combination of these roles, made where it is new.
    pub(super) fn index_of(&mut self, catalogue: &Catalogue, roles: &Roles, held: &[u32]) -> u32 {
        if let Some(index) = self.find(held) {
            return index;
        }
        let index = u32::try_from(self.roles.len()).expect("memory ends long before");
        let held: Arc<[u32]> = held.into();
        self.permissions.push(united(catalogue, roles, &held).as_set());
        self.roles.push(Arc::clone(&held));
        self.index.insert(held, index);
        index
    }

    /// Computes the permissions of every combination anew that has this role.
    pub(super) fn refresh(&mut self, catalogue: &Catalogue, roles: &Roles, role: u32) {
        for (row, held) in self.roles.iter().enumerate().filter(|(_, held)| held.contains(&role)) {
            self.permissions.set(row, united(catalogue, roles, held).as_set());
        }
    }

    /// The role indices of a combination.
    pub(crate) fn roles(&self, combination: u32) -> &[u32] {
        &self.roles[combination as usize]
    }

    /// The permissions of a combination, by catalogue index.
    #[inline]
    pub(crate) fn permissions(&self, combination: u32) -> Bits<'_> {
        self.permissions.prefetch(combination as usize);
        self.permissions.row(combination as usize)
    }

    /// How many combinations there are.
    pub(crate) fn len(&self) -> usize {
        self.roles.len()
    }
}

fn united(catalogue: &Catalogue, roles: &Roles, held: &[u32]) -> PermissionSet {
    let mut united = PermissionSet::none(catalogue);
    held.iter().filter_map(|role| roles.permissions(*role)).for_each(|permissions| united.unite(permissions));
    united
}
