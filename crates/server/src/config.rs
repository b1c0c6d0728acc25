//! The configuration: one struct, defaults visible, unknown keys refused.
//!
//! The TOML file is read first; options of the command line and `COUNTERSIGN_…` variables (read by the command line
//! parser) override it.
//!
//! What stands above each field is what `docs/reference/configuration.md` says of it, word for word (`tests/reference.rs`).

mod decision_log;
mod doors;
mod mutual_tls;
mod operations;
mod outgoing;
mod telemetry;
mod upstream;
mod usage;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

use countersign_decision::import::{Override, ScopeLists};
use serde::{Deserialize, Serialize};

pub use decision_log::{DecisionLog, Naming, PathShown};
pub use doors::{ExtAuthz, ForwardAuth, Gateway, TlsFiles};
pub use mutual_tls::MutualTls;
pub use operations::Operations;
pub use outgoing::{ClientDocuments, Outgoing};
pub use telemetry::{Endpoint, Telemetry};
pub use upstream::{Files, HealthPath, HostName, IdentityHeaders, Prefix, Upstream, UpstreamUrl};
pub use usage::Usage;

/// Everything that an operator can set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the server listens, what it is called and where it keeps its data.
    pub server: Server,
    /// What a caller may ask for in a minute.
    pub limits: Limits,
    /// How contracts are read, and what they leave out; used when they are imported, checked and shown.
    pub contract: Contract,
    /// The listener where apps show certificates.
    pub mutual_tls: MutualTls,
    /// The way out to addresses that somebody else names.
    pub outgoing: Outgoing,
    /// Apps that are known by a document.
    pub client_documents: ClientDocuments,
    /// The reverse proxy that decides every call.
    pub gateway: Gateway,
    /// The door that another proxy asks by sub-request.
    pub forward_auth: ForwardAuth,
    /// The door that Envoy asks.
    pub ext_authz: ExtAuthz,
    /// What was decided, and where it is recorded.
    pub decision_log: DecisionLog,
    /// The listener for whoever runs the server.
    pub operations: Operations,
    /// What is told of single calls, and to whom.
    pub telemetry: Telemetry,
    /// What apps call, counted.
    pub usage: Usage,
    /// The APIs behind these doors.
    #[serde(deserialize_with = "upstream::distinct", skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<Upstream>,
}

/// `[server]`: where the server listens, what it is called and where it keeps its data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port of the main listener; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The address that browsers and apps use, also the issuer: `https://login.example.com`; never taken from a request.
    /// Absent: `http://` + `listen`, where that is a loopback address. Must be `https` unless it is one.
    pub public_origin: Option<String>,
    /// Folder of the embedded database, made when absent.
    pub data: PathBuf,
    /// `postgres://user:password@host:port/database`: PostgreSQL instead of the folder.
    pub database_url: Option<String>,
    /// Addresses of reverse proxies that end TLS and hand on the client's certificate as `Client-Cert` (RFC 9440); from
    /// anybody else the header is ignored.
    pub client_certificate_proxies: Vec<IpAddr>,
    /// Whether apps that were given a token by `registration-token create` can register themselves at `/oauth/register`
    /// (RFC 7591).
    pub client_registration: bool,
    /// What seals the signing keys in the database. Absent: `countersign.key` in `data`, made at the first start. Every server
    /// of one database needs the same file, and a backup without it is not one.
    pub key_file: Option<PathBuf>,
    /// What is logged: `info`, `debug`, `countersign_server=debug` and so on.
    pub log: String,
}

/// `[limits]`: how much callers may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls with one access token in one minute, of our own API and at every door.
    pub calls_per_token_per_minute: u32,
    /// Calls of one app in one organization in one minute; absent: no limit beyond the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_client_per_minute: Option<NonZeroU32>,
    /// Calls in one organization in one minute, whoever makes them; absent: no limit beyond the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_organization_per_minute: Option<NonZeroU32>,
    /// Requests that are worked on at a time, over all listeners, but for the time that an upstream takes; more are refused at
    /// once with 503. Pages, tokens and administration get half: decisions go before them.
    pub calls_at_a_time: NonZeroUsize,
    /// Connections of one address to one listener at a time; more are closed unread. Before a load balancer, set it to what
    /// that one opens.
    pub connections_per_address: usize,
}

/// `[contract]`: how contracts are read, and what they leave out; used when they are imported, checked and shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Contract {
    /// Whether `any` or `all` scopes of a list are needed; also `--scope-lists` of `contract import`. Absent: any where the
    /// contract states permissions, else all.
    pub scope_lists: Option<ScopeLists>,
    /// `[contract.operations.ID]`: what an operation needs where the contract leaves it out: `public = true`, or `scopes`
    /// (alternatives) and `permissions`.
    pub operations: BTreeMap<String, Override>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            public_origin: None,
            data: PathBuf::from("./data"),
            database_url: None,
            client_certificate_proxies: Vec::new(),
            client_registration: false,
            key_file: None,
            log: "info".to_owned(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_per_token_per_minute: 3_000,
            calls_per_client_per_minute: None,
            calls_per_organization_per_minute: None,
            calls_at_a_time: NonZeroUsize::new(4_096).expect("INVARIANT: a number above zero"),
            connections_per_address: 200,
        }
    }
}

/// The password inside a database URL stays out of logs.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("listen", &self.listen)
            .field("public_origin", &self.public_origin)
            .field("data", &self.data)
            .field("database_url", &self.database_url.as_deref().map(redact_password))
            .field("client_certificate_proxies", &self.client_certificate_proxies)
            .field("client_registration", &self.client_registration)
            .field("key_file", &self.key_file)
            .field("log", &self.log)
            .finish()
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be opened.
    #[error("{file}: {cause}")]
    Unreadable {
        /// As it was named.
        file: String,
        /// The operating system's word.
        cause: std::io::Error,
    },
    /// The file is not TOML of our shape; the message names line and key.
    #[error("{file}: {message}")]
    Malformed {
        /// As it was named.
        file: String,
        /// With line, key and what would be right.
        message: String,
    },
    /// The contract of an upstream cannot be imported.
    #[error("the contract of the upstream `{upstream}` cannot be used:\n{}", errors.join("\n"))]
    Contract {
        /// Its name.
        upstream: String,
        /// Each with file and line.
        errors: Vec<String>,
    },
    /// A value that cannot work.
    #[error("`{key}` = `{value}`: {rule}")]
    Invalid {
        /// The option.
        key: &'static str,
        /// What was given.
        value: String,
        /// What would be right.
        rule: &'static str,
    },
}

impl Config {
    /// Reads a TOML file.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable { file: file.clone(), cause })?;
        Self::from_toml(&text)
            .map_err(|error| ConfigError::Malformed { file, message: error.to_string().trim_end().to_owned() })
    }

    /// Reads TOML text.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The configuration as TOML, defaults included.
    pub fn to_toml(&self) -> String {
        let mut shown = self.clone();
        shown.server.database_url = shown.server.database_url.as_deref().map(redact_password);
        toml::to_string_pretty(&shown).expect("the configuration has a TOML form")
    }

    /// Every key with its value: `server.listen`, `upstream` as a whole.
    pub fn values(&self) -> BTreeMap<String, toml::Value> {
        let sections = toml::Table::try_from(self).expect("the configuration has a TOML form");
        let keys = sections.into_iter().flat_map(|(section, value)| match value {
            toml::Value::Table(keys) => {
                keys.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)).collect()
            }
            value => vec![(section, value)],
        });
        keys.collect()
    }
}

/// The issuer (RFC 8414 §2) and origin of every address that we print; never derived from a request (E06).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicOrigin(String);

impl PublicOrigin {
    /// The configured origin, or `http://` + the address that is listened on when that is loopback.
    pub fn new(configured: Option<&str>, listening: SocketAddr) -> Result<Self, ConfigError> {
        let Some(text) = configured else {
            let origin = format!("http://{listening}");
            let rule =
                "set `public_origin` to the https address that browsers use; only a loopback address has a default";
            return if listening.ip().is_loopback() {
                Ok(Self(origin))
            } else {
                Err(ConfigError::Invalid { key: "server.listen", value: listening.to_string(), rule })
            };
        };
        let rule = "it must be `https://host[:port]` without path, or `http://` on a loopback address";
        let invalid = || ConfigError::Invalid { key: "server.public_origin", value: text.to_owned(), rule };
        let url = url::Url::parse(text).map_err(|_| invalid())?;
        let is_allowed = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        let origin = url.origin().ascii_serialization();
        if is_allowed && text.trim_end_matches('/') == origin { Ok(Self(origin)) } else { Err(invalid()) }
    }

    /// `https://host[:port]`, without a final slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether only this machine can call the server so.
    pub fn is_loopback(&self) -> bool {
        url::Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }

    /// Whether cookies can be `Secure` and have the `__Host-` prefix (not on plain-http loopback).
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl std::fmt::Display for PublicOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn redact_password(database_url: &str) -> String {
    match url::Url::parse(database_url) {
        Ok(mut url) if url.password().is_some() => {
            let _ = url.set_password(Some("redacted"));
            url.to_string()
        }
        Ok(url) => url.to_string(),
        Err(_) => "redacted".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = Config::from_toml("[server]\nlisten = \"127.0.0.1:1\"\nlisen = 3\n").unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("lisen") && error.contains("expected one of"), "{error}");
    }

    #[test]
    fn shown_defaults_read_back_as_defaults() {
        assert_eq!(Config::from_toml(&Config::default().to_toml()).unwrap(), Config::default());
    }

    #[test]
    fn e06_the_issuer_is_configured_or_loopback() {
        assert_eq!(PublicOrigin::new(None, LOOPBACK).unwrap().as_str(), "http://127.0.0.1:8080");
        assert_eq!(
            PublicOrigin::new(Some("https://login.acme.test/"), LOOPBACK).unwrap().as_str(),
            "https://login.acme.test"
        );
        assert!(PublicOrigin::new(Some("http://localhost:9000"), LOOPBACK).is_ok());
        for bad in
            ["http://login.acme.test", "https://a.test/path", "login.acme.test", "https://u@a.test", "https://a.test?x"]
        {
            assert!(PublicOrigin::new(Some(bad), LOOPBACK).is_err(), "{bad}");
        }
        assert!(PublicOrigin::new(None, SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 80)).is_err());
    }

    #[test]
    fn the_password_of_the_database_is_not_shown() {
        let server = Server { database_url: Some("postgres://me:hunter2@db/cs".into()), ..Server::default() };
        assert!(!format!("{server:?}").contains("hunter2"));
        assert!(!Config { server, ..Config::default() }.to_toml().contains("hunter2"));
    }
}
