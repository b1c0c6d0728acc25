//! Apps (`OAuthClient`, `OAuthClientRequest`, `OrgOAuthClient`).

use countersign_domain::client::{Client, GrantType};
use countersign_domain::role::RoleAssignment;
use countersign_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EntityRef, NamedEntity, self_uri};

/// A registered app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthClient {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    organization: NamedEntity,
    authorized_grant_type: &'static str,
    grant_types: Vec<&'static str>,
    registered_redirect_uri: Vec<String>,
    scope: Vec<String>,
    state: &'static str,
    client_type: &'static str,
    #[serde(flatten)]
    at_home: Option<AtHome>,
}

/// What only the organization that registered an app is told about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct AtHome {
    access_token_validity_seconds: i64,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    role_ids: Vec<String>,
    role_divisions: Vec<RoleDivision>,
    pkce_required: bool,
    date_created: Timestamp,
    date_modified: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<EntityRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_by: Option<EntityRef>,
    self_uri: String,
}

/// The app that a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrgOAuthClient {
    id: String,
    name: String,
    authorized_grant_type: &'static str,
    scope: Vec<String>,
    state: &'static str,
    organization: NamedEntity,
    /// Only where the app belongs to the organization that the token acts in.
    #[serde(skip_serializing_if = "Option::is_none")]
    date_created: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_modified: Option<Timestamp>,
}

/// A role, and the division it holds in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleDivision {
    /// Which role.
    pub role_id: String,
    /// `*` for all divisions; absent in a request: the home division.
    #[serde(default)]
    pub division_id: Option<String>,
}

/// An app to register, or a registered one as it shall be.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthClientRequest {
    /// Needed.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Needed: `CODE` or `CLIENT-CREDENTIALS`.
    pub authorized_grant_type: Option<String>,
    /// 300 to 172,800.
    pub access_token_validity_seconds: Option<i64>,
    /// Where people are sent back to.
    pub registered_redirect_uri: Option<Vec<String>>,
    /// What the app asks organizations for.
    pub scope: Option<Vec<String>>,
    /// Roles in the home division.
    pub role_ids: Option<Vec<String>>,
    /// Roles that the app holds itself.
    pub role_divisions: Option<Vec<RoleDivision>>,
    /// `active`, `disabled` or `inactive`.
    pub state: Option<String>,
    /// `confidential` or `public`.
    pub client_type: Option<String>,
    /// Only a confidential app may do without.
    pub pkce_required: Option<bool>,
}

impl OAuthClient {
    /// The app as every organization that may decide about it sees it.
    pub fn new(client: &Client, organization: NamedEntity) -> Self {
        Self {
            id: client.id.to_string(),
            name: client.name.clone(),
            description: client.description.clone(),
            organization,
            authorized_grant_type: authorized_grant_type(client),
            grant_types: client.grant_types.iter().map(|grant| grant.as_str()).collect(),
            registered_redirect_uri: client.redirect_uris.clone(),
            scope: client.scopes.iter().map(ToString::to_string).collect(),
            state: client.state.as_str(),
            client_type: if client.is_confidential { "confidential" } else { "public" },
            at_home: None,
        }
    }

    /// With what the organization that registered it is told too.
    pub fn at_home(
        mut self,
        client: &Client,
        roles: &[RoleAssignment],
        created_by: Option<EntityRef>,
        modified_by: Option<EntityRef>,
    ) -> Self {
        let mut role_ids: Vec<String> = roles.iter().map(|held| held.role.to_string()).collect();
        role_ids.dedup();
        self.at_home = Some(AtHome {
            access_token_validity_seconds: client.token_ttl_seconds,
            secret: None,
            role_ids,
            role_divisions: roles.iter().map(RoleDivision::from).collect(),
            pkce_required: client.pkce_required,
            date_created: client.created_at,
            date_modified: client.modified_at,
            created_by,
            modified_by,
            self_uri: self_uri("oauth/clients", &client.id.segment()),
        });
        self
    }

    /// With the secret, in the one answer that shows it.
    pub fn with_secret(mut self, secret: &str) -> Self {
        if let Some(at_home) = &mut self.at_home {
            at_home.secret = Some(secret.to_owned());
        }
        self
    }
}

impl OrgOAuthClient {
    /// The app of a token that acts in an organization; `is_own`: registered there.
    pub fn new(client: &Client, organization: NamedEntity, is_own: bool) -> Self {
        Self {
            id: client.id.to_string(),
            name: client.name.clone(),
            authorized_grant_type: authorized_grant_type(client),
            scope: client.scopes.iter().map(ToString::to_string).collect(),
            state: client.state.as_str(),
            organization,
            date_created: is_own.then_some(client.created_at),
            date_modified: is_own.then_some(client.modified_at),
        }
    }
}

impl From<&RoleAssignment> for RoleDivision {
    fn from(assignment: &RoleAssignment) -> Self {
        Self { role_id: assignment.role.to_string(), division_id: Some(assignment.division.as_str().to_owned()) }
    }
}

/// Genesys Cloud's word for how the app gets tokens; `grantTypes` has them all.
pub fn authorized_grant_type(client: &Client) -> &'static str {
    let words = [
        (GrantType::AuthorizationCode, "CODE"),
        (GrantType::ClientCredentials, "CLIENT-CREDENTIALS"),
        (GrantType::Saml2Bearer, "SAML2-BEARER"),
    ];
    words.into_iter().find(|(grant, _)| client.has_grant(*grant)).map_or("CODE", |(_, word)| word)
}
