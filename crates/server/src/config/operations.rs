//! `[operations]`: what whoever runs the server looks at.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// `[operations]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operations {
    /// Address of the listener for `/metrics`, `/livez` and `/readyz`; absent: none. Nobody is asked who they are there.
    pub listen: Option<SocketAddr>,
}
