//! Every metric by name, with what it means: `docs/reference/metrics.md` is this table.
//!
//! Labels have few values that the configuration or the code bounds. None holds a user, an app, an organization, a path or
//! anything that a caller sends.

/// A metric with its labels.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// `countersign_…`, in base units; counters end in `_total`.
    pub name: &'static str,
    /// What may be done with its numbers.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// One line, without backslash and line break.
    pub meaning: &'static str,
}

/// The kinds of Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from 0 at the start.
    Counter,
    /// What is now.
    Gauge,
    /// Counts in buckets.
    Histogram,
}

impl Kind {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

macro_rules! families {
    ($($constant:ident = $name:literal, $kind:ident, [$($label:literal),*], $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub static $constant: Family =
                Family { name: $name, kind: Kind::$kind, labels: &[$($label),*], meaning: $meaning };
        )*

        /// All of them, in the order in which they are shown.
        pub const ALL: &[&Family] = &[$(&$constant),*];
    };
}

families! {
    BUILD = "countersign_build_info", Gauge, ["version"], "1, with the version that runs.";

    CALLS = "countersign_calls_total", Counter, ["door", "status"], "Calls that ended at a door, by the class of the status that their client was meant to see; `abandoned` where it hung up before.";
    CALL_DURATION = "countersign_call_duration_seconds", Histogram, ["door"], "From reading a call to the head of its answer; at the gateway the upstream's time included.";
    DECISIONS = "countersign_decisions_total", Counter, ["door", "result", "reason"], "Decisions. `reason` is that of the denial; of an allow `none`, or `reported` where the organization only reports and enforcement would have denied.";

    RATE_LIMITED = "countersign_rate_limited_total", Counter, ["counted"], "Calls that were one too many in their minute: of one `token`, of one `client` in one organization, or of one `organization`.";
    TURNED_AWAY = "countersign_turned_away_total", Counter, ["kind"], "Requests that were answered 503 at once for want of places or of processor time: each a `decision` or a `page` (everything else).";
    QUEUE_DELAY = "countersign_queue_delay_seconds", Gauge, [], "How long work waits for the processor: the median of the last 0.2 s. Where it stands above 0.04 s some is turned away, pages first.";

    SNAPSHOTS = "countersign_snapshots", Gauge, [], "Organizations that are kept compiled.";
    SNAPSHOT_LOADS = "countersign_snapshot_loads_total", Counter, ["kind"], "Organizations that were brought up to date: by `everything`, or by the `changes` since.";
    SNAPSHOT_AGE = "countersign_snapshot_age_seconds", Gauge, [], "Since the database last said that what is decided on is current. It is asked four times a second; from 5 s on nothing remembered counts.";
    TOKEN_LOOKUPS = "countersign_remembered_token_lookups_total", Counter, ["result"], "Calls with a token: a `hit` was remembered, a `miss` was asked of the database.";
    TOKENS = "countersign_remembered_tokens", Gauge, [], "Tokens that are remembered.";

    DATABASE_CONNECTIONS = "countersign_database_connections", Gauge, ["pool", "state"], "Connections to the database, `idle` and `used`. Pools: `read` and `write` of SQLite, `all` of PostgreSQL.";
    DATABASE_CONNECTIONS_MAX = "countersign_database_connections_max", Gauge, ["pool"], "Most connections of the pool.";

    UPSTREAM_REQUESTS = "countersign_upstream_requests_total", Counter, ["upstream", "status"], "Requests that the gateway sent on, by the class of the answer's status; `failed`, `timeout`, or `abandoned` by the client where there was none.";
    UPSTREAM_DURATION = "countersign_upstream_duration_seconds", Histogram, ["upstream"], "From sending a request on to the head of the upstream's answer.";
    UPSTREAM_RETRIES = "countersign_upstream_retries_total", Counter, ["upstream"], "Requests that were sent once more: nobody had heard of them, or what they do twice is what they do once.";
    UPSTREAM_ADDRESSES = "countersign_upstream_addresses", Gauge, ["upstream", "state"], "Addresses of the upstream, `up` and `down`: resting after calls without an answer, or not healthy by their own path.";
    UPSTREAM_CONNECTIONS = "countersign_upstream_connections_total", Counter, ["upstream"], "Connections that were made to the upstream.";
    UPSTREAM_OPEN = "countersign_upstream_open_connections", Gauge, ["upstream"], "Connections to the upstream, idle ones included.";

    LISTENER_CONNECTIONS = "countersign_listener_connections_total", Counter, ["listener"], "Connections that were accepted.";
    LISTENER_OPEN = "countersign_listener_open_connections", Gauge, ["listener"], "Connections that are open.";
    LISTENER_REFUSALS = "countersign_listener_refusals_total", Counter, ["listener", "reason"], "What came no further than the listener: connections over the `address_limit` or with a failed handshake (`tls`), requests that are `malformed`, clients that are too `slow`.";

    DECISION_LOG_LOST = "countersign_decision_log_lost_total", Counter, [], "Decisions that were not recorded: no room in the queue, or no way to write.";

    TOKEN_ANSWERS = "countersign_token_answers_total", Counter, ["grant", "error"], "Answers of the token endpoint by grant (`unknown` where it was not read) and error (`none`: tokens).";
    SIGN_INS = "countersign_sign_ins_total", Counter, ["result"], "Forms of the sign-in page: `signed_in`, `wrong_credentials`, `rate_limited`, `incomplete`, or `choice` between organizations.";

    TELEMETRY_ITEMS = "countersign_telemetry_items_total", Counter, ["signal", "result"], "Spans (`traces`) and decisions (`logs`) for the receiver of telemetry: `sent`, or `lost` for want of room or because it did not take them.";

    PROCESS_MEMORY = "process_resident_memory_bytes", Gauge, [], "Memory of the process.";
    PROCESS_CPU = "process_cpu_seconds_total", Counter, [], "Processor time of the process.";
    PROCESS_FILES = "process_open_fds", Gauge, [], "Open files and sockets of the process.";
    PROCESS_START = "process_start_time_seconds", Gauge, [], "When the server started, in seconds since 1970.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_meanings_are_as_prometheus_wants_them() {
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        for family in ALL {
            let Family { name, kind, labels, meaning } = family;
            assert!(is_name(name) && labels.iter().all(|label| is_name(label) && *label != "le"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), name.contains("_seconds") && *kind != Kind::Counter, "{name}");
            assert!(meaning.ends_with('.') && !meaning.contains(['\n', '\\']), "{name}");
            assert_eq!(ALL.iter().filter(|other| other.name == *name).count(), 1, "{name}");
        }
    }
}
