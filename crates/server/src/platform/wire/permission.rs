//! The permission catalogue (`DomainPermissionCollection`).

use std::collections::BTreeMap;

use serde::Serialize;

/// The permissions of one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainPermissionCollection {
    id: String,
    name: String,
    domain: String,
    permission_map: BTreeMap<String, Vec<DomainPermission>>,
}

/// One permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainPermission {
    /// The first part.
    pub domain: String,
    /// The second part.
    pub entity_type: String,
    /// The third part.
    pub action: String,
    /// For people.
    pub label: String,
    /// Always false.
    pub allows_conditions: bool,
    /// Whether it can be held in some divisions and not in others.
    pub division_aware: bool,
}

impl DomainPermissionCollection {
    /// A domain without permissions yet.
    pub fn new(domain: &str) -> Self {
        let domain = domain.to_owned();
        Self { id: domain.clone(), name: domain.clone(), domain, permission_map: BTreeMap::new() }
    }

    /// Adds a permission to its entity.
    pub fn add(&mut self, permission: DomainPermission) {
        self.permission_map.entry(permission.entity_type.clone()).or_default().push(permission);
    }
}
