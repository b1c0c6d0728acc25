//! What an organization allows apps (`OAuthAuthorization`) and who asks for more (`OAuthAuthorizationRequest`).

use countersign_decision::AuthorizationState;
use countersign_domain::authorization::{ApprovalRequest, ScopeGrant};
use countersign_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::OAuthClient;
use super::{EntityRef, self_uri};

/// What one organization allows one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthAuthorization {
    client: OAuthClient,
    scope: Vec<String>,
    roles: Vec<String>,
    resource_owner: EntityRef,
    date_created: Timestamp,
    date_modified: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<EntityRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_by: Option<EntityRef>,
    pending: bool,
    state: &'static str,
    authorization_state: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    version: i64,
    /// Open requests, the oldest first; absent in the list of all authorizations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<Vec<OAuthAuthorizationRequest>>,
    self_uri: String,
}

/// Whom an authorization names.
#[derive(Debug, Clone)]
pub struct Named {
    /// The app.
    pub client: OAuthClient,
    /// The organization that decides.
    pub resource_owner: EntityRef,
    /// Who made the first decision or request.
    pub created_by: Option<EntityRef>,
    /// Who decided last.
    pub modified_by: Option<EntityRef>,
}

/// Who wants an app to be authorized, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthAuthorizationRequest {
    id: String,
    client: EntityRef,
    requested_by: EntityRef,
    scope: Vec<String>,
    reason: String,
    date_created: Timestamp,
}

/// What an organization shall allow an app.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthAuthorizationUpdate {
    /// Needed: all scopes to allow.
    pub scope: Option<Vec<String>>,
    /// Ids of the roles whose holders may use the app; absent or empty: everybody.
    pub roles: Option<Vec<String>>,
    /// Nothing but `Authorized`.
    pub state: Option<String>,
    /// The version that was read, 0 where there was none; absent: whatever it is.
    pub version: Option<i64>,
    /// Why.
    pub reason: Option<String>,
}

/// Why an organization refuses an app.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthAuthorizationDenial {
    /// Why.
    pub reason: Option<String>,
    /// The version that was read, 0 where there was none; absent: whatever it is.
    pub version: Option<i64>,
}

/// A wish that an app be authorized.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthAuthorizationRequestCreate {
    /// Needed: the scopes wanted.
    pub scope: Option<Vec<String>>,
    /// Needed: what the app is wanted for.
    pub reason: Option<String>,
}

impl OAuthAuthorization {
    /// The authorization as its organization sees it; `pending`: whether a request is open.
    pub fn new(grant: &ScopeGrant, named: Named, pending: bool) -> Self {
        Self {
            client: named.client,
            scope: grant.scopes.iter().map(ToString::to_string).collect(),
            roles: grant.roles.iter().map(ToString::to_string).collect(),
            resource_owner: named.resource_owner,
            date_created: grant.created_at,
            date_modified: grant.modified_at,
            created_by: named.created_by,
            modified_by: named.modified_by,
            pending,
            state: genesys_state(grant.state),
            authorization_state: our_state(grant.state),
            reason: grant.reason.clone(),
            version: grant.version,
            requests: None,
            self_uri: self_uri("oauth/authorizations", &grant.client.segment()),
        }
    }
}

impl OAuthAuthorizationRequest {
    /// The request of somebody for an app.
    pub fn new(request: &ApprovalRequest, client_name: &str, requested_by: EntityRef) -> Self {
        Self {
            id: request.id.to_string(),
            client: EntityRef {
                id: request.client.to_string(),
                name: Some(client_name.to_owned()),
                self_uri: Some(self_uri("oauth/authorizations", &request.client.segment())),
            },
            requested_by,
            scope: request.scopes.iter().map(ToString::to_string).collect(),
            reason: request.reason.clone(),
            date_created: request.created_at,
        }
    }
}

/// The state in the words of Genesys Cloud, which knows neither denied nor expired ones.
const fn genesys_state(state: AuthorizationState) -> &'static str {
    match state {
        AuthorizationState::Requested => "Requested",
        AuthorizationState::Authorized => "Authorized",
        AuthorizationState::Denied => "Unauthorized",
        AuthorizationState::Revoked | AuthorizationState::Expired => "Revoked",
    }
}

const fn our_state(state: AuthorizationState) -> &'static str {
    match state {
        AuthorizationState::Requested => "Requested",
        AuthorizationState::Authorized => "Authorized",
        AuthorizationState::Denied => "Denied",
        AuthorizationState::Revoked => "Revoked",
        AuthorizationState::Expired => "Expired",
    }
}
