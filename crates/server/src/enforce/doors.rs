//! What the doors stand on: the APIs behind them, how these are reached, their contracts, whom proxies must be, and how much
//! callers may ask for. Another configuration puts another in its place, whole: a call takes one and keeps it to its end.

use std::net::IpAddr;
use std::sync::Arc;

use countersign_decision::Contracts;
use countersign_domain::entropy::Entropy;
use countersign_domain::time::Timestamp;
use countersign_store::Store;

use crate::config::{Config, Limits};
use crate::contracts::{self, Configured, Loaded};
use crate::enforce::gateway::Connections;
use crate::enforce::upstreams::Upstreams;
use crate::telemetry::metrics::Metrics;

/// What doors are opened with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Where imported contracts are.
    pub store: &'a Store,
    /// Where connections to upstreams are counted.
    pub metrics: &'a Metrics,
    /// The instant.
    pub now: Timestamp,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
}

/// See above. A clone shares everything that costs.
#[derive(Clone)]
pub struct Doors {
    /// The APIs behind the doors.
    pub upstreams: Arc<Upstreams>,
    /// Every contract of this node with the united catalogue.
    pub contracts: Arc<Contracts>,
    /// How much callers may ask for.
    pub limits: Limits,
    /// Whose word about a call is believed at the forward-auth door.
    pub trusted_proxies: Arc<[IpAddr]>,
    /// The Envoys that may ask.
    pub trusted_envoys: Arc<[IpAddr]>,
    /// How the gateway reaches the upstreams.
    pub(super) connections: Connections,
    configured: Arc<Configured>,
    /// Of the imported contracts, when they were loaded.
    revision: i64,
}

impl Doors {
    /// Reads every contract, and what TLS with upstreams needs. What is as it was `before` is not made again: connections
    /// stay open, and what is remembered of tokens counts on.
    ///
    /// # Errors
    /// When files cannot be used, contracts contradict each other, or the store does not answer.
    pub async fn open(config: &Config, before: Option<&Self>, means: Means<'_>) -> anyhow::Result<Self> {
        let Means { store, metrics, now, entropy } = means;
        let reading = config.clone();
        let configured = tokio::task::spawn_blocking(move || Configured::read(&reading)).await??;
        let unchanged = before.filter(|before| *before.configured == configured);
        let (contracts, revision) = match unchanged {
            Some(before) => (Arc::clone(&before.contracts), before.revision),
            None => {
                let Loaded { revision, contracts } = contracts::load(store, &configured, now, entropy).await?;
                (contracts, revision)
            }
        };
        Ok(Self {
            connections: Connections::open(&config.upstream, before.map(|before| &before.connections), metrics)?,
            upstreams: Arc::new(Upstreams::new(config.upstream.clone())),
            contracts,
            limits: config.limits,
            trusted_proxies: config.forward_auth.trusted_proxies.as_slice().into(),
            trusted_envoys: config.ext_authz.trusted_proxies.as_slice().into(),
            configured: Arc::new(configured),
            revision,
        })
    }

    /// Of each upstream that the gateway reaches, by name, how many of its addresses are up and how many are not.
    pub fn upstream_addresses(&self) -> Vec<(String, usize, usize)> {
        let mut addresses: Vec<_> =
            self.connections.addresses().map(|(name, up, down)| (name.to_owned(), up, down)).collect();
        addresses.sort();
        addresses
    }

    /// The same with the contracts that were imported since; `None` where none was.
    ///
    /// # Errors
    /// When contracts contradict each other, or the store does not answer.
    pub async fn with_imported(
        &self,
        store: &Store,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> anyhow::Result<Option<Self>> {
        if contracts::revision(store, now, entropy).await? == self.revision {
            return Ok(None);
        }
        let Loaded { revision, contracts } = contracts::load(store, &self.configured, now, entropy).await?;
        Ok(Some(Self { revision, contracts, ..self.clone() }))
    }
}
