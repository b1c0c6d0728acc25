//! `[outgoing]` and `[client_documents]`: what is fetched from addresses that somebody else names.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, PublicOrigin};

/// `[outgoing]`: the way out. Only addresses of the internet are reached, by https: otherwise whoever names an address could have this machine ask
/// what only its network may ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outgoing {
    /// PEM file of certificates that are trusted beside the public authorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Names of hosts that may be this machine's loopback: to try things out. Refused where `public_origin` is not loopback itself.
    pub loopback_hosts: BTreeSet<String>,
}

/// `[client_documents]`: apps that nobody registered and that are known by a document at their `client_id` (client id metadata documents).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientDocuments {
    /// Whether there are such apps. Off, because every visitor can then make this server fetch, and any app can ask people; each organization's
    /// administrators still decide about each app.
    pub enabled: bool,
}

impl Outgoing {
    /// Whether it fits to how the server is called.
    ///
    /// # Errors
    /// Where hosts may be loopback though others can sign in here.
    pub fn check(&self, origin: &PublicOrigin) -> Result<(), ConfigError> {
        match self.loopback_hosts.first() {
            Some(host) if !origin.is_loopback() => Err(ConfigError::Invalid {
                key: "outgoing.loopback_hosts",
                value: host.clone(),
                rule: "hosts can be loopback only where `public_origin` is, too: to try things out",
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e17_hosts_can_be_loopback_only_where_the_server_is() {
        let listening = "127.0.0.1:8080".parse().unwrap();
        let outgoing = Outgoing { ca: None, loopback_hosts: BTreeSet::from(["localhost".to_owned()]) };
        assert!(outgoing.check(&PublicOrigin::new(None, listening).unwrap()).is_ok());
        let public = PublicOrigin::new(Some("https://login.acme.test"), listening).unwrap();
        assert!(outgoing.check(&public).unwrap_err().to_string().contains("`outgoing.loopback_hosts` = `localhost`"));
        assert!(Outgoing::default().check(&public).is_ok());
    }
}
