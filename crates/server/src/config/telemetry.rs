//! `[telemetry]`: what is told of single calls, and to whom.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[telemetry]`: what is told of single calls, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// Where an OTLP/HTTP receiver is, such as a collector: `http://127.0.0.1:4318`; `/v1/traces` is added for [traces](../guides/observe.md#traces), `/v1/logs` for
    /// the decision log. Absent: nothing is sent.
    pub endpoint: Option<Endpoint>,
    /// A file of certificates that the receiver is trusted by, PEM; absent: the public authorities.
    pub ca: Option<PathBuf>,
    /// What this server is called there (`service.name`).
    pub service_name: String,
    /// Of calls that no trace of their caller decides about, one in so many is traced; 0: none.
    pub traces_one_in: u64,
    /// Whether a caller's `traceparent` decides: a sampled trace goes on here, one that is not does not. With `false` callers cannot have every call traced.
    pub follow_callers: bool,
}

impl Telemetry {
    /// Whether any call can be traced.
    pub const fn has_traces(&self) -> bool {
        self.endpoint.is_some() && (self.traces_one_in > 0 || self.follow_callers)
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        let service_name = "countersign".to_owned();
        Self { endpoint: None, ca: None, service_name, traces_one_in: 100, follow_callers: true }
    }
}

/// The base address of an OTLP/HTTP receiver: `http://127.0.0.1:4318`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint(String);

impl Endpoint {
    /// The address for one signal: `/v1/traces`.
    pub fn of_signal(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl TryFrom<String> for Endpoint {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let rule = "a receiver is `http://host[:port]` or `https://…`, without query: `/v1/traces` is added to it";
        let url = url::Url::parse(&text).map_err(|_| rule)?;
        let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || !is_bare || url.password().is_some() {
            return Err(rule);
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_receiver_is_an_address_that_a_path_can_be_added_to() {
        let read = |text: &str| Config::from_toml(&format!("[telemetry]\nendpoint = \"{text}\"\n"));
        for good in ["http://127.0.0.1:4318", "http://127.0.0.1:4318/", "https://otlp.example.com/tenant/7/"] {
            let endpoint = read(good).unwrap().telemetry.endpoint.unwrap();
            assert_eq!(endpoint.of_signal("/v1/logs"), format!("{}/v1/logs", good.trim_end_matches('/')));
        }
        for bad in ["127.0.0.1:4318", "grpc://a:4317", "http://a?key=1", "http://user:word@a", "https://a/#b"] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.contains("line 2") && error.contains("/v1/traces"), "{bad}: {error}");
        }
    }

    #[test]
    fn nothing_is_traced_unless_it_is_asked_for() {
        assert!(!Config::default().telemetry.has_traces());
        let none = "[telemetry]\nendpoint = \"http://a\"\ntraces_one_in = 0\nfollow_callers = false\n";
        assert!(!Config::from_toml(none).unwrap().telemetry.has_traces());
        assert!(Config::from_toml("[telemetry]\nendpoint = \"http://a\"\n").unwrap().telemetry.has_traces());
    }
}
