//! What one user allows one client, inside the organization's authorization.

use countersign_decision::Scope;

use crate::id::{ClientId, OrganizationId, UserId};
use crate::time::Timestamp;

/// A user's own agreement; the ceiling of tokens where the authorization asks users too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The user's organization.
    pub organization: OrganizationId,
    /// Who agreed.
    pub user: UserId,
    /// To what app.
    pub client: ClientId,
    /// To which scopes: exactly those that were shown.
    pub scopes: Vec<Scope>,
    /// When.
    pub accepted_at: Timestamp,
}
