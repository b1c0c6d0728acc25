//! Tokens with which apps register themselves (`RegistrationToken`, `RegistrationTokenRequest`).

use countersign_decision::Scope;
use countersign_domain::client_registration::InitialToken;
use countersign_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A token, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationToken {
    id: String,
    name: String,
    state: &'static str,
    grant_types: Vec<&'static str>,
    scope: Vec<String>,
    hosts: Vec<String>,
    max_clients: i64,
    registered_clients: i64,
    date_created: Timestamp,
    date_expires: Timestamp,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// A token to be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationTokenRequest {
    /// Needed.
    pub name: Option<String>,
    /// Needed.
    pub grant_types: Option<Vec<String>>,
    /// What apps may ask for.
    pub scope: Option<Vec<String>>,
    /// Where their addresses may lead.
    pub hosts: Option<Vec<String>>,
    /// How many apps it can register.
    pub max_clients: Option<i64>,
    /// In how many days it ends.
    pub valid_days: Option<i64>,
}

impl RegistrationToken {
    /// The token as it stands at this instant.
    pub fn new(token: &InitialToken, now: Timestamp) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.clone(),
            state: state(token, now),
            grant_types: token.policy.grant_types.iter().map(|grant| grant.uri()).collect(),
            scope: token.policy.scopes.iter().map(Scope::to_string).collect(),
            hosts: token.policy.hosts.clone(),
            max_clients: token.max_clients,
            registered_clients: token.used,
            date_created: token.created_at,
            date_expires: token.expires_at,
            token: None,
        }
    }

    /// The same with the token itself.
    pub fn with_secret(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }
}

fn state(token: &InitialToken, now: Timestamp) -> &'static str {
    match token.revoked_at {
        Some(_) => "revoked",
        None if now >= token.expires_at => "expired",
        None if token.used >= token.max_clients => "used",
        None => "active",
    }
}
