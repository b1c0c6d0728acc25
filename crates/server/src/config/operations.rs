//! `[operations]`: what whoever runs the server looks at.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// `[operations]`: the listener for whoever runs the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operations {
    /// Address of the listener for [`/metrics`](metrics.md), `/livez` and `/readyz`; absent: none. Nobody is asked who they are there: choose an address that only
    /// monitoring reaches.
    pub listen: Option<SocketAddr>,
}
