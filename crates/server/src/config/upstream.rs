//! `[[upstream]]`: the APIs behind the doors.

use std::collections::BTreeSet;
use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use countersign_decision::canonicalise;
use serde::{Deserialize, Deserializer, Serialize};

use super::TlsFiles;
use crate::contracts::PLATFORM_CONTRACT;

/// `[[upstream]]`: an API behind the doors, one entry each. Two of them differ in `prefix` or `hosts`; named hosts count before
/// any, long prefixes before short ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// How it is called here, and its contract.
    pub name: String,
    /// The file of its contract, or a list of files; `[contract]` says how they are read. Absent: the contract that was imported
    /// under its name.
    #[serde(default, skip_serializing_if = "Files::is_empty")]
    pub contract: Files,
    /// Where its paths begin outside: `/shop`. It is taken off, and the rest is decided and forwarded byte for byte.
    #[serde(default)]
    pub prefix: Prefix,
    /// The hosts that it is called by; empty: any.
    #[serde(default)]
    pub hosts: BTreeSet<HostName>,
    /// Where the gateway finds it: `http://host[:port]` or `https://…`; absent: only other proxies ask about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<UpstreamUrl>,
    /// More addresses of the same API: calls take turns between `url` and these, but for those that do not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<UpstreamUrl>,
    /// A path that answers 2xx at each address that is healthy, asked by the gateway itself: `/healthz`. Nothing is sent to an
    /// address that twice does not. Absent: calls alone show it; three in a row without an answer, and an address rests for 2 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_path: Option<HealthPath>,
    /// How often that path is asked for, in seconds.
    #[serde(default = "default_health_interval_seconds")]
    pub health_interval_seconds: NonZeroU64,
    /// How it learns who calls. `jwt`: `X-Countersign-Identity`, signed with the keys of `/oauth/jwks`, type
    /// `countersign-identity+jwt`, `aud` the `resource` or else the name, good for 300 s; `plain`: `X-Org-Id`, `X-Client-Id`,
    /// `X-User-Id`, `X-Scopes`; `none`.
    #[serde(default)]
    pub identity_headers: IdentityHeaders,
    /// Whether it also gets the access token. Whoever has it can call every API that the token is for.
    #[serde(default)]
    pub forward_authorization: bool,
    /// The resource indicator (RFC 8707) of its tokens; absent: the public origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The operations that open a WebSocket, by operationId; no other may.
    #[serde(default)]
    pub websockets: BTreeSet<String>,
    /// Origins of pages that may call it from a browser: `https://app.example.com`. The gateway answers preflights.
    #[serde(default)]
    pub cors_origins: BTreeSet<String>,
    /// How long it may take to begin an answer, in seconds, the request's body included.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u64,
    /// Calls of it at a time, answers that are still being sent and WebSockets included; more are refused at once with 503. One
    /// organization alone gets seven eighths.
    #[serde(default = "default_calls_at_a_time")]
    pub calls_at_a_time: NonZeroUsize,
    /// The longest body that is sent to it, in bytes.
    #[serde(default = "default_max_body_bytes")]
    pub max_body_bytes: u64,
    /// PEM file of the authorities that it is trusted by; absent: the public ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// What we show to it (mutual TLS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_tls: Option<TlsFiles>,
}

const fn default_health_interval_seconds() -> NonZeroU64 {
    NonZeroU64::new(5).expect("INVARIANT: five is not zero")
}

const fn default_calls_at_a_time() -> NonZeroUsize {
    NonZeroUsize::new(1_000).expect("INVARIANT: a thousand is not zero")
}

const fn default_timeout_seconds() -> u64 {
    60
}

const fn default_max_body_bytes() -> u64 {
    100 * 1_024 * 1_024
}

impl Upstream {
    /// Everywhere that the gateway finds it.
    pub fn addresses(&self) -> impl Iterator<Item = &UpstreamUrl> {
        self.url.iter().chain(&self.urls)
    }
}

/// How an upstream learns who calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityHeaders {
    /// One header, `X-Countersign-Identity`, with a signed JWT: nobody else can make one.
    #[default]
    Jwt,
    /// `X-Org-Id`, `X-Client-Id`, `X-User-Id`, `X-Scopes`: for upstreams that nobody else can reach.
    Plain,
    /// Not at all.
    None,
}

/// One file, or several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct Files(pub Vec<PathBuf>);

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "a file, or a list of files")]
enum OneOrMany {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

impl Files {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<OneOrMany> for Files {
    fn from(files: OneOrMany) -> Self {
        match files {
            OneOrMany::One(file) => Self(vec![file]),
            OneOrMany::Many(files) => Self(files),
        }
    }
}

impl From<Files> for OneOrMany {
    fn from(files: Files) -> Self {
        match <[PathBuf; 1]>::try_from(files.0) {
            Ok([file]) => Self::One(file),
            Err(files) => Self::Many(files),
        }
    }
}

/// The outside begin of an upstream's paths: whole segments in canonical form, `/orders`; or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(String);

impl Prefix {
    /// The path inside, for an outside one; `None` where it does not begin so. No byte of it changes.
    pub fn strip<'t>(&self, target: &'t str) -> Option<&'t str> {
        target.strip_prefix(self.as_str()).filter(|inside| inside.starts_with('/'))
    }

    /// As it is compared.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Prefix {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = if text == "/" { String::new() } else { text };
        let is_canonical = canonicalise(text.as_bytes())
            .is_ok_and(|target| !target.is_rewritten() && target.path() == text && !target.ends_with_slash());
        if text.is_empty() || is_canonical {
            Ok(Self(text))
        } else {
            Err("a prefix is a path in canonical form that does not end in `/`: `/orders`")
        }
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.0
    }
}

/// A path in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HealthPath(String);

impl HealthPath {
    /// As it is asked for.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HealthPath {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_canonical = canonicalise(text.as_bytes()).is_ok_and(|target| target.path() == text);
        if is_canonical { Ok(Self(text)) } else { Err("it is a path in canonical form, without a query: `/healthz`") }
    }
}

impl From<HealthPath> for String {
    fn from(path: HealthPath) -> Self {
        path.0
    }
}

/// A host name in small letters, with or without a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

impl HostName {
    /// Whether a request with this `Host` asks for it. Without a port here, every port is right; a dot at the end of a name
    /// says nothing (RFC 1034 §3.1).
    pub fn is(&self, host: &str) -> bool {
        let bare = without_port(host);
        let (name, port) = (bare.strip_suffix('.').unwrap_or(bare), &host[bare.len()..]);
        match without_port(&self.0) {
            own if own.len() == self.0.len() => name.eq_ignore_ascii_case(own),
            own => name.eq_ignore_ascii_case(own) && port == &self.0[own.len()..],
        }
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && (!name.contains(':') || name.ends_with(']')) => name,
        _ => host,
    }
}

impl TryFrom<String> for HostName {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if !text.is_empty() && text.bytes().all(is_host) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("a host is a name without scheme and path: `api.example.com`, `localhost:8080`")
        }
    }
}

impl From<HostName> for String {
    fn from(host: HostName) -> Self {
        host.0
    }
}

/// `http://host[:port]` or `https://host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UpstreamUrl {
    /// Whether TLS is spoken.
    pub is_https: bool,
    /// `host[:port]`.
    pub authority: String,
}

impl TryFrom<String> for UpstreamUrl {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let rule = "an upstream is `http://host[:port]` or `https://host[:port]`, without a path: what was decided is what is forwarded";
        let url = url::Url::parse(&text).map_err(|_| rule)?;
        let origin = url.origin().ascii_serialization();
        if !matches!(url.scheme(), "http" | "https") || text.trim_end_matches('/') != origin {
            return Err(rule);
        }
        let authority = origin.split_once("://").ok_or(rule)?.1.to_owned();
        Ok(Self { is_https: url.scheme() == "https", authority })
    }
}

impl From<UpstreamUrl> for String {
    fn from(url: UpstreamUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_https { "https" } else { "http" }, self.authority)
    }
}

/// Upstreams that can be told apart.
pub(super) fn distinct<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Upstream>, D::Error> {
    let upstreams = Vec::<Upstream>::deserialize(deserializer)?;
    for (index, upstream) in upstreams.iter().enumerate() {
        let before = &upstreams[..index];
        let Upstream { name, prefix, hosts, .. } = upstream;
        if name.is_empty() || name == PLATFORM_CONTRACT {
            return Err(serde::de::Error::custom(format_args!(
                "an upstream cannot be called `{name}`: it needs a name that is not our own API's"
            )));
        }
        if before.iter().any(|other| other.name == *name) {
            return Err(serde::de::Error::custom(format_args!("two upstreams are called `{name}`: names are unique")));
        }
        let is_same_place = |other: &&Upstream| {
            let is_same_host = other.hosts == *hosts || other.hosts.intersection(hosts).next().is_some();
            other.prefix == *prefix && is_same_host
        };
        if let Some(other) = before.iter().find(is_same_place) {
            return Err(serde::de::Error::custom(format_args!(
                "the upstreams `{}` and `{name}` have one place: their `prefix` or their `hosts` must differ",
                other.name
            )));
        }
    }
    Ok(upstreams)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn read(upstreams: &str) -> Result<Config, String> {
        Config::from_toml(upstreams).map_err(|error| error.to_string())
    }

    #[test]
    fn an_upstream_reads_as_the_guide_writes_it_and_shows_its_defaults() {
        let config = read(
            "[gateway]\nlisten = \"127.0.0.1:8081\"\n[[upstream]]\nname = \"orders\"\ncontract = \"orders.openapi.yaml\"\n\
             prefix = \"/orders\"\nurl = \"http://127.0.0.1:9000\"\nidentity_headers = \"jwt\"\n",
        )
        .unwrap();
        let upstream = &config.upstream[0];
        assert_eq!(upstream.prefix.strip("/orders/v1/x?y"), Some("/v1/x?y"));
        assert_eq!(upstream.prefix.strip("/ordersx/v1"), None);
        assert_eq!(upstream.prefix.strip("/orders"), None, "nothing is added to what was sent");
        assert_eq!((upstream.timeout_seconds, upstream.max_body_bytes), (60, 104_857_600));
        assert_eq!(read(&config.to_toml()).unwrap(), config);
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_line_and_the_rule() {
        let named = "[[upstream]]\nname = \"a\"\n";
        for (rest, expected) in [
            ("prefix = \"orders\"", "line 3"),
            ("prefix = \"/orders/\"", "canonical form"),
            ("prefix = \"/a/../b\"", "canonical form"),
            ("prefix = \"/%61\"", "canonical form"),
            ("prefix = \"/a?b\"", "canonical form"),
            ("url = \"http://127.0.0.1:9000/v1\"", "without a path"),
            ("url = \"ftp://a\"", "without a path"),
            ("url = \"http://user@a\"", "without a path"),
            ("urls = [\"http://a/b\"]", "without a path"),
            ("health_path = \"healthz\"", "canonical form"),
            ("health_path = \"/a/../b\"", "canonical form"),
            ("health_path = \"/a?b\"", "canonical form"),
            ("health_interval_seconds = 0", "nonzero"),
            ("hosts = [\"https://a\"]", "without scheme"),
            ("identity_headers = \"cookie\"", "expected one of `jwt`, `plain`, `none`"),
            ("colour = 1", "unknown field `colour`"),
            ("[[upstream]]\nname = \"a\"\nprefix = \"/b\"", "names are unique"),
            ("[[upstream]]\nname = \"b\"", "must differ"),
            ("[[upstream]]\nname = \"platform\"\nprefix = \"/b\"", "our own API"),
        ] {
            let error = read(&format!("{named}{rest}\n")).unwrap_err();
            assert!(error.contains(expected) && error.contains("line"), "{rest}: {error}");
        }
    }

    #[test]
    fn hosts_are_compared_without_letter_case_and_with_the_port_where_one_is_named() {
        let config =
            read("[[upstream]]\nname = \"a\"\nhosts = [\"API.example.test\", \"localhost:80\", \"[::1]\"]\n").unwrap();
        let is_known = |host| config.upstream[0].hosts.iter().any(|known| known.is(host));
        for host in [
            "api.example.test",
            "Api.Example.Test:8443",
            "api.example.test.",
            "api.example.test.:1",
            "localhost:80",
            "[::1]:9",
        ] {
            assert!(is_known(host), "{host}");
        }
        for host in ["a.api.example.test", "localhost", "localhost:81", "", "::1", "api.example.test.."] {
            assert!(!is_known(host), "{host}");
        }
    }
}
