//! The access token of a call (`TokenInfo`).

use serde::Serialize;

use super::NamedEntity;
use super::client::OrgOAuthClient;

/// Which organization and app the token belongs to, and what it may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenInfo {
    /// The organization that the token acts in.
    pub organization: NamedEntity,
    /// The organization that the user belongs to, or that registered the app where it acts for itself.
    pub home_organization: NamedEntity,
    /// What the organization allows the app at this moment, within what the token was asked for.
    pub authorized_scope: Vec<String>,
    /// The app. Spelled as in Genesys Cloud.
    #[serde(rename = "OAuthClient")]
    pub oauth_client: OrgOAuthClient,
}
