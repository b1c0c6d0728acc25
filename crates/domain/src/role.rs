//! Roles and who holds them.

use countersign_decision::PermissionPolicy;

use crate::id::{ClientId, OrganizationId, RoleId, UserId};
use crate::organization::DivisionScope;
use crate::time::Timestamp;

/// A named set of permission policies of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The organization that the role belongs to.
    pub organization: OrganizationId,
    /// Never reused after deletion.
    pub id: RoleId,
    /// Unique in the organization.
    pub name: String,
    /// For people.
    pub description: String,
    /// What its holders may do; wildcards are kept as written and expanded against the catalogue when compiled.
    pub policies: Vec<PermissionPolicy>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub modified_at: Timestamp,
}

/// Who can hold a role. (Groups come with the directory synchronisation.)
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assignee {
    /// A person.
    User(UserId),
    /// A client, for its client-credentials tokens.
    Client(ClientId),
}

impl Assignee {
    /// The identifier, whatever the kind.
    pub fn id(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::Client(id) => id.as_str(),
        }
    }

    /// `user` or `client`: the schema's word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Client(_) => "client",
        }
    }
}

/// A subject has a role in a division, or in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAssignment {
    /// Who.
    pub assignee: Assignee,
    /// Which role.
    pub role: RoleId,
    /// Where it holds.
    pub division: DivisionScope,
    /// Since when.
    pub created_at: Timestamp,
}
