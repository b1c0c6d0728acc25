//! Who changed what: one record for each change of authority, written in the same transaction.

use serde::Serialize;
use serde_json::Value;

use crate::id::{AuditId, OrganizationId};
use crate::time::Timestamp;

/// Who acts: named in audit records and in `created_by` and `modified_by`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person through an app.
    User {
        /// The person's id.
        user: String,
        /// The app's client id.
        client: String,
    },
    /// A client acting for itself.
    Client(String),
    /// A command of the operator: `apply`, `demo`.
    Operator(&'static str),
    /// The authorization server itself, e.g. when a replayed code kills its tokens.
    System(&'static str),
}

impl Actor {
    /// The user, client or command that is written as the author of a change.
    pub fn id(&self) -> &str {
        match self {
            Self::User { user, .. } => user,
            Self::Client(client) => client,
            Self::Operator(name) | Self::System(name) => name,
        }
    }

    /// `user`, `client`, `operator` or `system`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::Client(_) => "client",
            Self::Operator(_) => "operator",
            Self::System(_) => "system",
        }
    }
}

/// One change of authority, or one refused attempt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditRecord {
    /// Made by us; ordered by time.
    pub id: AuditId,
    /// The organization whose authority changed.
    pub organization: OrganizationId,
    /// When.
    pub at: Timestamp,
    /// The kind of actor: `user`, `client`, `operator`, `system`.
    pub actor_kind: String,
    /// Who.
    pub actor: String,
    /// Through which app, if a person acted.
    pub through_client: Option<String>,
    /// What was done: `authorization.grant`, `role.edit`.
    pub action: String,
    /// The kind of thing: `authorization`, `role`, `user`, `client`, `organization`.
    pub entity: String,
    /// Which one.
    pub entity_id: String,
    /// The state before; null when made. Never holds a secret.
    pub before: Value,
    /// The state after; null when deleted. Never holds a secret.
    pub after: Value,
}
