//! Letting apps register themselves (RFC 7591): an initial access token that somebody of the organization, or the operator,
//! has made, and the policy that it is bound to. Without a token nobody registers anything.

use countersign_decision::Scope;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::client::GrantType;
use crate::entropy::Entropy;
use crate::id::{InitialTokenId, OrganizationId};
use crate::secret::{Digest, Secret, SecretKind};
use crate::time::Timestamp;

/// Longest life of an initial access token, in days.
pub const MAX_TOKEN_DAYS: i64 = 366;
/// Most apps that one initial access token can register.
pub const MAX_CLIENTS: i64 = 10_000;

/// What an initial access token allows, at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationPolicy {
    /// What a registered app may send as `grant_type`.
    pub grant_types: Vec<GrantType>,
    /// What it may ask for.
    pub scopes: Vec<Scope>,
    /// Where its addresses may lead: host names, and schemes of the app's own with their colon (`com.example.app:`).
    pub hosts: Vec<String>,
}

/// A host of a policy that no address can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host of an address: write `app.example.com`, `127.0.0.1`, or an app's own scheme as `com.example.app:`"
)]
pub struct InvalidHost(String);

/// What is kept of an initial access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialToken {
    /// Made by us.
    pub id: InitialTokenId,
    /// The organization that the apps will belong to.
    pub organization: OrganizationId,
    /// Digest of the token.
    pub digest: Digest,
    /// What it is for, in words.
    pub name: String,
    /// What it allows.
    pub policy: RegistrationPolicy,
    /// How many apps it can register.
    pub max_clients: i64,
    /// How many it has registered.
    pub used: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When somebody took it back; apps that it registered stay.
    pub revoked_at: Option<Timestamp>,
}

/// An initial access token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInitialToken {
    /// What it is for, in words.
    pub name: String,
    /// What it allows.
    pub policy: RegistrationPolicy,
    /// How many apps it can register.
    pub max_clients: i64,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl InitialToken {
    /// A new token of `organization`.
    pub fn issue(
        organization: &OrganizationId,
        new: NewInitialToken,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> (Secret, Self) {
        let secret = Secret::generate(SecretKind::InitialAccessToken, entropy);
        let NewInitialToken { name, policy, max_clients, expires_at } = new;
        let record = Self {
            id: InitialTokenId::generate(now, entropy),
            organization: organization.clone(),
            digest: secret.digest(),
            name,
            policy,
            max_clients,
            used: 0,
            created_at: now,
            expires_at,
            revoked_at: None,
        };
        (secret, record)
    }
}

impl RegistrationPolicy {
    /// Whether an app may have this address. Only whole hosts are compared: a part of a name is somebody else's.
    pub fn allows_address(&self, address: &str) -> bool {
        let Ok(url) = Url::parse(address) else { return false };
        let place = match (url.scheme(), url.host_str()) {
            ("http" | "https", Some(host)) => host.to_owned(),
            ("http" | "https", None) => return false,
            (scheme, _) => format!("{scheme}:"),
        };
        self.hosts.contains(&place)
    }
}

/// Reads a host of a policy, in its one form.
///
/// # Errors
/// When no address can have it.
pub fn parse_host(text: &str) -> Result<String, InvalidHost> {
    let invalid = || InvalidHost(text.chars().take(128).collect());
    if let Some(scheme) = text.strip_suffix(':') {
        // RFC 8252 §7.1: a scheme of an app's own has the dots of its maker's name
        let url = Url::parse(&format!("{scheme}:/")).map_err(|_| invalid())?;
        return if scheme.contains('.') { Ok(format!("{}:", url.scheme())) } else { Err(invalid()) };
    }
    let url = Url::parse(&format!("https://{text}/")).map_err(|_| invalid())?;
    let is_host_alone = url.port().is_none() && url.path() == "/" && url.username().is_empty();
    let is_whole =
        is_host_alone && url.query().is_none() && url.fragment().is_none() && !text.contains(['*', '/', '@']);
    url.host_str().filter(|_| is_whole).map(str::to_owned).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(hosts: &[&str]) -> RegistrationPolicy {
        let hosts = hosts.iter().map(|host| parse_host(host).unwrap()).collect();
        RegistrationPolicy { grant_types: vec![], scopes: vec![], hosts }
    }

    #[test]
    fn e13_only_whole_hosts_and_schemes_are_allowed() {
        let policy = policy(&["App.Example.com", "127.0.0.1", "[::1]", "com.example.app:"]);
        for good in [
            "https://app.example.com/callback",
            "https://app.example.com:8443/",
            "http://127.0.0.1:1234/cb",
            "http://[::1]/cb",
            "com.example.app:/cb",
        ] {
            assert!(policy.allows_address(good), "{good}");
        }
        for bad in [
            "https://evil.app.example.com/",
            "https://app.example.com.evil.example/",
            "https://example.com/",
            "https://app.example.com@evil.example/",
            "com.example.app.evil:/cb",
            "com.example:/cb",
            "no address",
            "",
        ] {
            assert!(!policy.allows_address(bad), "{bad}");
        }
    }

    #[test]
    fn what_no_address_has_is_no_host() {
        for bad in [
            "",
            "*.example.com",
            "https://app.example",
            "app.example/path",
            "app.example:8443",
            "a b",
            "user@app",
            "http:",
            "a?b",
            "a#b",
        ] {
            assert!(parse_host(bad).is_err(), "{bad}");
        }
    }
}
