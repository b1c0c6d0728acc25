//! An organization: a customer of the platform. Everything but the contract belongs to exactly one.

use countersign_decision::Enforcement;
use serde::{Deserialize, Serialize};

use crate::id::{DivisionId, OrganizationId};
use crate::time::Timestamp;

/// A customer of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Stable slug.
    pub id: OrganizationId,
    /// Name for people.
    pub name: String,
    /// Whether the scopes that administrators granted to apps are enforced.
    pub enforcement: Enforcement,
    /// Whether the organization's authorization also bounds client-credentials tokens (on by default; beyond Genesys).
    pub bounds_client_credentials: bool,
    /// An inactive organization allows nothing.
    pub is_active: bool,
    /// Goes up by at least one with every change of authority; names the policy version of a decision.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The organization that the built-in console belongs to; no other has this id.
pub const PLATFORM_ORGANIZATION: &str = "countersign";

/// A part of an organization's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Made by us.
    pub id: DivisionId,
    /// Unique in the organization.
    pub name: String,
    /// For people.
    pub description: String,
    /// The division of objects that name none; exactly one per organization.
    pub is_home: bool,
}

/// Where a role assignment holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DivisionScope {
    /// Everywhere in the organization; `*` on the wire and in the schema.
    All,
    /// In one division.
    Division(DivisionId),
}

impl DivisionScope {
    /// `*` or the division's id.
    pub fn as_str(&self) -> &str {
        match self {
            Self::All => "*",
            Self::Division(id) => id.as_str(),
        }
    }
}
