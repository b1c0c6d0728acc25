//! Organizations, how strictly they hold apps to their scopes, and all that their calls are decided on (`Organization`,
//! `ScopeEnforcement`, `OrganizationSnapshot`).

use std::collections::BTreeMap;

use countersign_decision::{Enforcement, OrganizationFacts};
use countersign_domain::organization;
use serde::{Deserialize, Serialize};

use super::NamedEntity;

/// A customer of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    id: String,
    name: String,
    domain: String,
    third_party_org_name: String,
    state: &'static str,
    version: i64,
    features: BTreeMap<String, bool>,
    self_uri: &'static str,
}

/// `off`, `report` or `enforce`, and whether that holds for client credentials too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopeEnforcement {
    mode: Enforcement,
    bounds_client_credentials: bool,
    self_uri: &'static str,
}

/// The mode as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopeEnforcementUpdate {
    /// `off`, `report` or `enforce`.
    pub mode: Enforcement,
    /// Whether the mode holds for client credentials too; absent: as before.
    pub bounds_client_credentials: Option<bool>,
}

/// Everything that decisions depend on, at one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationSnapshot {
    revision: i64,
    /// In the form that the decision library reads, not in that of this API.
    facts: OrganizationFacts,
    self_uri: &'static str,
}

impl OrganizationSnapshot {
    /// The facts of exactly this revision.
    pub fn new(revision: i64, facts: OrganizationFacts) -> Self {
        Self { revision, facts, self_uri: "/api/v2/organizations/me/snapshot" }
    }
}

impl From<&organization::Organization> for Organization {
    fn from(organization: &organization::Organization) -> Self {
        Self {
            id: organization.id.to_string(),
            name: organization.name.clone(),
            domain: organization.id.to_string(),
            third_party_org_name: organization.id.to_string(),
            state: if organization.is_active { "active" } else { "inactive" },
            version: organization.revision,
            features: BTreeMap::new(),
            self_uri: "/api/v2/organizations/me",
        }
    }
}

impl From<&organization::Organization> for ScopeEnforcement {
    fn from(organization: &organization::Organization) -> Self {
        Self {
            mode: organization.enforcement,
            bounds_client_credentials: organization.bounds_client_credentials,
            self_uri: "/api/v2/organizations/scopeenforcement",
        }
    }
}

impl From<&organization::Organization> for NamedEntity {
    fn from(organization: &organization::Organization) -> Self {
        Self { id: organization.id.to_string(), name: organization.name.clone() }
    }
}
