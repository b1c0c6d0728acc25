//! What one organization allows one client, and what its people asked for.
//!
//! Called authorization on pages and in docs, `ScopeGrant` in code; never bare "grant".

use countersign_decision::{AuthorizationState, Scope};

use crate::id::{ClientId, OrganizationId, RequestId, RoleId, UserId};
use crate::time::Timestamp;

/// One organization's decision about one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeGrant {
    /// The organization that decided; the client may belong to another.
    pub organization: OrganizationId,
    /// The client decided about.
    pub client: ClientId,
    /// Requested, Authorized, Denied, Revoked, Expired.
    pub state: AuthorizationState,
    /// What the client may do here; may hold scopes that it did not ask for.
    pub scopes: Vec<Scope>,
    /// Only holders of one of these may use the client; empty: everybody.
    pub roles: Vec<RoleId>,
    /// Who consents: the administrator for all, or each user too.
    pub consent: ConsentMode,
    /// Why, in the words of whoever decided last; empty where nothing was said.
    pub reason: String,
    /// Goes up by one with each change; an approval names the version it was shown (0: none yet).
    pub version: i64,
    /// When the first decision or request was made.
    pub created_at: Timestamp,
    /// Who made it: a user or client id.
    pub created_by: Option<String>,
    /// When it last changed.
    pub modified_at: Timestamp,
    /// Who changed it: a user or client id.
    pub modified_by: Option<String>,
}

/// Who consents to what an app may do for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConsentMode {
    /// The administrator's authorization is enough.
    #[default]
    Administrator,
    /// Each user accepts too; what the user accepted is the token's ceiling.
    User,
}

impl ConsentMode {
    /// `administrator` or `user`: the schema's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::User => "user",
        }
    }

    /// The mode of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Administrator, Self::User].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// Somebody without the right to approve asked for an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRequest {
    /// Made by us.
    pub id: RequestId,
    /// The organization whose administrators are asked.
    pub organization: OrganizationId,
    /// The client asked for.
    pub client: ClientId,
    /// Who asks.
    pub user: UserId,
    /// What the client would need.
    pub scopes: Vec<Scope>,
    /// Why, in the user's words.
    pub reason: String,
    /// When.
    pub created_at: Timestamp,
}

/// The schema's word for a state.
pub const fn state_name(state: AuthorizationState) -> &'static str {
    match state {
        AuthorizationState::Requested => "requested",
        AuthorizationState::Authorized => "authorized",
        AuthorizationState::Denied => "denied",
        AuthorizationState::Revoked => "revoked",
        AuthorizationState::Expired => "expired",
    }
}

/// The state of that name.
pub fn parse_state(text: &str) -> Option<AuthorizationState> {
    use AuthorizationState::{Authorized, Denied, Expired, Requested, Revoked};
    [Requested, Authorized, Denied, Revoked, Expired].into_iter().find(|state| state_name(*state) == text)
}
