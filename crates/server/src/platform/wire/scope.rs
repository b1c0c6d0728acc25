//! Scopes (`OAuthScope`).

use countersign_decision::contract::ScopeEntry;
use serde::Serialize;

use super::self_uri;

/// What an app can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthScope {
    id: String,
    description: String,
    self_uri: String,
}

impl From<&ScopeEntry> for OAuthScope {
    fn from(entry: &ScopeEntry) -> Self {
        let id = entry.scope.as_str();
        Self {
            id: id.to_owned(),
            // a contract may use a scope that it does not describe; people then read its name
            description: entry.description.clone().unwrap_or_else(|| id.to_owned()),
            self_uri: self_uri("oauth/scopes", id),
        }
    }
}
