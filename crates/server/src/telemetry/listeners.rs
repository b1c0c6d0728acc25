//! What is counted of the connections that come to a listener.

use super::counting::{Counter, Gauge};

/// Counts of one listener.
#[derive(Debug, Default)]
pub struct ListenerCounts {
    /// Connections that were accepted.
    pub accepted: Counter,
    /// Connections that are open.
    pub open: Gauge,
    /// Connections of an address that had enough.
    pub over_limit: Counter,
    /// Handshakes that failed.
    pub tls: Counter,
    /// Requests that break a rule of RFC 9112.
    pub malformed: Counter,
    /// Clients that were too slow.
    pub slow: Counter,
}

impl ListenerCounts {
    /// What came no further, by reason.
    pub fn refusals(&self) -> [(&'static str, &Counter); 4] {
        [("address_limit", &self.over_limit), ("tls", &self.tls), ("malformed", &self.malformed), ("slow", &self.slow)]
    }
}
