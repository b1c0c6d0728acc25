//! Roles and their permission policies (`DomainOrganizationRole`, `DomainPermissionPolicy`).

use std::collections::BTreeSet;

use countersign_decision::PermissionPolicy;
use countersign_domain::role::Role;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::self_uri;

/// A named set of permission policies of one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainOrganizationRole {
    id: String,
    name: String,
    description: String,
    permissions: Vec<String>,
    permission_policies: Vec<DomainPermissionPolicy>,
    /// Users who hold it in some division; only where they were to be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_count: Option<i64>,
    role_needs_update: bool,
    base: bool,
    default: bool,
    self_uri: String,
}

/// Permissions of one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainPermissionPolicy {
    domain: String,
    entity_name: String,
    action_set: Vec<String>,
    allow_conditions: bool,
}

/// A permission policy that a user holds through a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourcePermissionPolicy {
    domain: String,
    entity_name: String,
    action_set: Vec<String>,
    named_resources: [String; 0],
    allow_conditions: bool,
}

/// A role as a request states it; what each operation needs of it differs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleRequest {
    /// If sent to a role, that role's id.
    pub id: Option<String>,
    /// Unique in the organization.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Flat permissions such as `admin`.
    pub permissions: Option<Vec<String>>,
    /// Permissions of entities.
    pub permission_policies: Option<Vec<PolicyRequest>>,
}

/// A permission policy as a request states it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRequest {
    /// Needed.
    pub domain: Option<String>,
    /// Needed; `*` for every entity.
    pub entity_name: Option<String>,
    /// Needed; `*` for every action.
    pub action_set: Option<Vec<String>>,
    /// Refused unless empty.
    #[serde(default, deserialize_with = "none_or_any")]
    pub named_resources: Option<Value>,
    /// Refused unless empty.
    #[serde(default, deserialize_with = "none_or_any")]
    pub resource_condition_node: Option<Value>,
}

impl DomainOrganizationRole {
    /// The role as its organization sees it.
    pub fn new(role: &Role) -> Self {
        Self {
            id: role.id.to_string(),
            name: role.name.clone(),
            description: role.description.clone(),
            permissions: flat(&role.policies),
            permission_policies: by_entity(&role.policies)
                .into_iter()
                .map(|(domain, entity_name, action_set)| DomainPermissionPolicy {
                    domain,
                    entity_name,
                    action_set,
                    allow_conditions: false,
                })
                .collect(),
            user_count: None,
            role_needs_update: false,
            base: false,
            default: false,
            self_uri: self_uri("authorization/roles", role.id.as_str()),
        }
    }
}

impl ResourcePermissionPolicy {
    /// The policies, one entry for each entity.
    pub fn all_of(policies: &[PermissionPolicy]) -> Vec<Self> {
        let entities = by_entity(policies).into_iter();
        entities
            .map(|(domain, entity_name, action_set)| Self {
                domain,
                entity_name,
                action_set,
                named_resources: [],
                allow_conditions: false,
            })
            .collect()
    }
}

/// Domain, entity and actions of every policy that is not flat, each entity once, in the order of the policies.
pub fn by_entity(policies: &[PermissionPolicy]) -> Vec<(String, String, Vec<String>)> {
    let mut entities: Vec<(String, String, Vec<String>)> = Vec::new();
    for policy in policies {
        let PermissionPolicy::Scoped { domain, entity, action } = policy else { continue };
        match entities.iter_mut().find(|(of, name, _)| of == domain && name == entity) {
            Some((_, _, actions)) if actions.contains(action) => {}
            Some((_, _, actions)) => actions.push(action.clone()),
            None => entities.push((domain.clone(), entity.clone(), vec![action.clone()])),
        }
    }
    entities
}

/// Flat permissions such as `admin`, sorted.
fn flat(policies: &[PermissionPolicy]) -> Vec<String> {
    let flat = policies.iter().filter_map(|policy| match policy {
        PermissionPolicy::Flat(name) => Some(name.clone()),
        PermissionPolicy::Scoped { .. } => None,
    });
    flat.collect::<BTreeSet<_>>().into_iter().collect()
}

/// `null`, `[]` and `{}` say nothing.
fn none_or_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let is_empty = value.is_null()
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(serde_json::Map::is_empty);
    Ok((!is_empty).then_some(value))
}
