//! `[mutual_tls]`: where apps show certificates.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, PublicOrigin, TlsFiles};

/// `[mutual_tls]`: a listener where apps show a certificate (RFC 8705). It is one of its own, so that no browser at the main
/// one is asked for its certificates: only what apps call is there, and no page. `Client-Cert` headers count nothing there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MutualTls {
    /// Address and port; absent: no such listener.
    pub listen: Option<SocketAddr>,
    /// The address that apps call it by, which the metadata tell them (`mtls_endpoint_aliases`): `https://mtls.example.com`.
    /// Absent: `https://` + `listen`, where that is a loopback address.
    pub public_origin: Option<String>,
    /// What it speaks TLS with; needed with `listen`. SIGHUP reads the files again; where they cannot be used, those before stay.
    pub tls: Option<TlsFiles>,
    /// PEM file of the authorities that vouch for the names in certificates (`tls_client_auth`), looked at without revocation
    /// lists. Absent: only certificates that are registered themselves prove an app (`self_signed_tls_client_auth`).
    pub client_authorities: Option<PathBuf>,
}

impl MutualTls {
    /// The origin of a listener at `listening`.
    ///
    /// # Errors
    /// When it is not an `https` one.
    pub fn origin(&self, listening: SocketAddr) -> Result<PublicOrigin, ConfigError> {
        let rule = "set it to the https address that apps use; only a loopback address has a default";
        let text = match &self.public_origin {
            Some(text) => text.clone(),
            None if listening.ip().is_loopback() => format!("https://{listening}"),
            None => String::new(),
        };
        let origin = PublicOrigin::new(Some(&text), listening).ok().filter(PublicOrigin::is_https);
        origin.ok_or(ConfigError::Invalid { key: "mutual_tls.public_origin", value: text, rule })
    }

    /// Certificate and key.
    ///
    /// # Errors
    /// When there are none.
    pub fn files(&self) -> Result<&TlsFiles, ConfigError> {
        let rule = "a listener where apps show certificates needs one itself: `tls = { certificate = …, key = … }`";
        self.tls.as_ref().ok_or(ConfigError::Invalid { key: "mutual_tls.tls", value: String::new(), rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_origin_is_https_and_configured_or_loopback() {
        let loopback: SocketAddr = "127.0.0.1:8443".parse().unwrap();
        let of = |origin: Option<&str>, listening| {
            let config = MutualTls { public_origin: origin.map(str::to_owned), ..MutualTls::default() };
            config.origin(listening).map(|origin| origin.to_string()).ok()
        };
        assert_eq!(of(None, loopback).as_deref(), Some("https://127.0.0.1:8443"));
        assert_eq!(of(Some("https://mtls.as.example/"), loopback).as_deref(), Some("https://mtls.as.example"));
        assert_eq!(of(Some("http://127.0.0.1:8443"), loopback), None);
        assert_eq!(of(None, "192.0.2.1:8443".parse().unwrap()), None);
    }
}
