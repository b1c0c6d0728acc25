//! Divisions (`AuthzDivision`, `Division`).

use std::collections::BTreeMap;

use countersign_domain::organization::{Division, DivisionScope};
use serde::Serialize;

use super::self_uri;

/// A part of the objects of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthzDivision {
    id: String,
    name: String,
    description: String,
    home_division: bool,
    /// Objects by kind; only where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_counts: Option<BTreeMap<&'static str, i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_uri: Option<String>,
}

/// The division that an object belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DivisionRef {
    id: String,
    name: String,
    self_uri: String,
}

impl AuthzDivision {
    /// The division that a role assignment holds in, among `divisions`; `*` for all of them.
    pub fn of_scope(scope: &DivisionScope, divisions: &[Division]) -> Self {
        let known = divisions.iter().find(|division| division.id.as_str() == scope.as_str());
        known.map_or_else(|| Self::unread(scope.as_str()), Self::from)
    }

    /// A division that is more than one (`*`).
    fn unread(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            description: String::new(),
            home_division: false,
            object_counts: None,
            self_uri: None,
        }
    }
}

impl From<&Division> for AuthzDivision {
    fn from(division: &Division) -> Self {
        Self {
            id: division.id.to_string(),
            name: division.name.clone(),
            description: division.description.clone(),
            home_division: division.is_home,
            object_counts: None,
            self_uri: Some(uri(division)),
        }
    }
}

impl From<&Division> for DivisionRef {
    fn from(division: &Division) -> Self {
        Self { id: division.id.to_string(), name: division.name.clone(), self_uri: uri(division) }
    }
}

fn uri(division: &Division) -> String {
    self_uri("authorization/divisions", division.id.as_str())
}
