//! Who holds which role where (`AuthzSubject`, `AuthzGrant`).

use countersign_domain::organization::Division;
use countersign_domain::role::{Role, RoleAssignment};
use countersign_domain::time::Timestamp;
use serde::Serialize;

use super::division::AuthzDivision;
use super::{role, self_uri};

/// A user or an app with its role assignments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthzSubject {
    id: String,
    name: String,
    grants: Vec<AuthzGrant>,
    version: i64,
    self_uri: String,
}

/// One role assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthzGrant {
    subject_id: String,
    division: AuthzDivision,
    role: AuthzGrantRole,
    grant_made_at: Timestamp,
}

/// The role of a role assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthzGrantRole {
    id: String,
    name: String,
    description: String,
    policies: Vec<AuthzGrantPolicy>,
    default: bool,
    self_uri: String,
}

/// A permission policy of an assigned role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthzGrantPolicy {
    actions: Vec<String>,
    domain: String,
    entity_name: String,
}

impl AuthzSubject {
    /// The subject `id` with its assignments, whose roles and divisions are among those given.
    pub fn new(id: &str, name: &str, version: i64, held: &[(RoleAssignment, Role)], divisions: &[Division]) -> Self {
        let grants = held.iter().map(|(assignment, role)| AuthzGrant {
            subject_id: id.to_owned(),
            division: AuthzDivision::of_scope(&assignment.division, divisions),
            role: AuthzGrantRole::from(role),
            grant_made_at: assignment.created_at,
        });
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            grants: grants.collect(),
            version,
            self_uri: self_uri("authorization/subjects", id),
        }
    }
}

impl From<&Role> for AuthzGrantRole {
    fn from(role: &Role) -> Self {
        let policies = role::by_entity(&role.policies).into_iter();
        Self {
            id: role.id.to_string(),
            name: role.name.clone(),
            description: role.description.clone(),
            policies: policies
                .map(|(domain, entity_name, actions)| AuthzGrantPolicy { actions, domain, entity_name })
                .collect(),
            default: false,
            self_uri: self_uri("authorization/roles", role.id.as_str()),
        }
    }
}
