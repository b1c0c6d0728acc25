//! `[gateway]`, `[forward_auth]` and `[ext_authz]`: the doors before other people's APIs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[gateway]`: the reverse proxy that decides every call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gateway {
    /// Address and port of its listener; absent: no gateway.
    pub listen: Option<SocketAddr>,
    /// With both, it speaks TLS, HTTP/2 by ALPN. SIGHUP reads the files again; where they cannot be used, those before stay.
    pub tls: Option<TlsFiles>,
    /// Whether it asks callers for a certificate, with `tls`: tokens can be bound to one (RFC 8705), and nobody has to show any.
    /// Then `Client-Cert` headers count nothing there.
    pub client_certificates: bool,
}

/// `certificate` and `key`: two PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// PEM file of the certificate chain, the own one first.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// `[forward_auth]`: the door that another proxy asks by sub-request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForwardAuth {
    /// Addresses of the proxies that may ask `/enforce/forward-auth`; anybody else is refused.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Default for ForwardAuth {
    fn default() -> Self {
        Self { trusted_proxies: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] }
    }
}

/// `[ext_authz]`: the door that Envoy asks over gRPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExtAuthz {
    /// Address and port where Envoy is answered; absent: nowhere.
    pub listen: Option<SocketAddr>,
    /// Addresses of the Envoys that may ask; anybody else is refused.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Default for ExtAuthz {
    fn default() -> Self {
        Self { listen: None, trusted_proxies: ForwardAuth::default().trusted_proxies }
    }
}
