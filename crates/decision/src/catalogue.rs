//! Every scope and permission that the loaded contracts know, interned to small integers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::import::ContractSource;
use crate::permission::{Permission, PermissionPolicy};
use crate::scope::Scope;

/// The united scopes and permissions of all contracts of a node. Cloning is cheap: clones share one catalogue.
#[derive(Debug, Clone)]
pub struct Catalogue(Arc<Entries>);

#[derive(Debug)]
struct Entries {
    scopes: Vec<ScopeEntry>,
    permissions: Vec<PermissionEntry>,
}

/// A scope that a contract uses or describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeEntry {
    /// The scope.
    pub scope: Scope,
    /// What a contract says about it.
    pub description: Option<String>,
    /// In how many operations an alternative names it: how wide the scope is.
    pub operations: usize,
}

/// A permission that a contract uses or describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionEntry {
    /// The permission.
    pub permission: Permission,
    /// What a contract says about it.
    pub description: Option<String>,
}

impl Catalogue {
    pub(crate) fn new(sources: &[ContractSource]) -> Self {
        let mut scopes: BTreeMap<&Scope, (Option<&String>, usize)> = BTreeMap::new();
        let mut permissions: BTreeMap<&Permission, Option<&String>> = BTreeMap::new();
        for source in sources {
            for (scope, description) in &source.scopes {
                scopes.entry(scope).or_default().0.get_or_insert(description);
            }
            for (permission, description) in &source.permissions {
                permissions.entry(permission).or_default().get_or_insert(description);
            }
            for operation in &source.operations {
                let distinct: BTreeSet<_> = operation.requirement.scopes_any_of().iter().flatten().collect();
                for scope in distinct {
                    scopes.entry(scope).or_default().1 += 1;
                }
                for permission in operation.requirement.permissions().iter().flat_map(|list| &list.of) {
                    permissions.entry(permission).or_default();
                }
            }
        }
        let scopes = scopes.into_iter().map(|(scope, (description, operations))| ScopeEntry {
            scope: scope.clone(),
            description: description.cloned(),
            operations,
        });
        let permissions = permissions.into_iter().map(|(permission, description)| PermissionEntry {
            permission: permission.clone(),
            description: description.cloned(),
        });
        Self(Arc::new(Entries { scopes: scopes.collect(), permissions: permissions.collect() }))
    }

    /// The scopes in alphabetical order; a position in this list is the scope's index.
    pub fn scopes(&self) -> &[ScopeEntry] {
        &self.0.scopes
    }

    /// The permissions in alphabetical order; a position in this list is the permission's index.
    pub fn permissions(&self) -> &[PermissionEntry] {
        &self.0.permissions
    }

    /// The index of a scope, where a contract knows it.
    pub fn scope_index(&self, name: &str) -> Option<u32> {
        let found = self.0.scopes.binary_search_by(|entry| entry.scope.as_str().cmp(name)).ok()?;
        Some(u32::try_from(found).expect("contracts are limited to far fewer scopes"))
    }

    /// The index of a permission, where a contract knows it.
    pub fn permission_index(&self, name: &str) -> Option<u32> {
        let found = self.0.permissions.binary_search_by(|entry| entry.permission.as_str().cmp(name)).ok()?;
        Some(u32::try_from(found).expect("contracts are limited to far fewer permissions"))
    }

    /// The scope with this index.
    pub fn scope(&self, index: u32) -> Option<&Scope> {
        self.0.scopes.get(index as usize).map(|entry| &entry.scope)
    }

    /// The permission with this index.
    pub fn permission(&self, index: u32) -> Option<&Permission> {
        self.0.permissions.get(index as usize).map(|entry| &entry.permission)
    }

    /// How wide a set of scopes is: in how many operations its scopes stand, together.
    pub(crate) fn width(&self, scopes: &[&str]) -> usize {
        let indices = scopes.iter().filter_map(|scope| self.scope_index(scope));
        indices.map(|index| self.0.scopes[index as usize].operations).sum()
    }

    /// The indices of all permissions that a role's policy covers.
    pub fn permissions_matching<'c>(&'c self, policy: &'c PermissionPolicy) -> impl Iterator<Item = u32> + 'c {
        // In alphabetical order, all that a policy can cover stands together: what begins as the policy does before its first `*`.
        let near = policy.up_to_the_first_star();
        let start = self.0.permissions.partition_point(|entry| entry.permission.as_str() < near.as_str());
        (0u32..)
            .zip(self.permissions())
            .skip(start)
            .take_while(move |(_, entry)| entry.permission.as_str().starts_with(&near))
            .filter(|(_, entry)| policy.matches(&entry.permission))
            .map(|(index, _)| index)
    }

    /// Whether both are the same catalogue, so that indices of one mean the same in the other.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
