//! What changes while the server runs: the configuration, at SIGHUP, and contracts that somebody imports.
//!
//! A configuration that cannot be used changes nothing. One that can takes effect with the next call, as far as
//! `take_effect` goes; keys beyond that are named in the log, and wait for a restart.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use crate::app::App;
use crate::config::Config;
use crate::enforce::doors::{Doors, Means};
use crate::listener::Tls;

/// Reads the configuration as the server was started with it: file, options, environment.
pub type Source = Box<dyn Fn() -> anyhow::Result<Config> + Send>;

impl App {
    /// Puts another configuration in the place of the one that counts. Calls under way end with the one that they began with.
    /// The keys that differ and wait for a restart are returned.
    ///
    /// # Errors
    /// When it cannot be used: then nothing has changed.
    pub async fn reload(&self, config: &Config) -> anyhow::Result<BTreeSet<String>> {
        let mut in_force = self.in_force.lock().await;
        let (store, metrics, now, entropy) = (&self.store, &self.metrics, self.clock.now(), self.entropy.as_ref());
        let doors = Doors::open(config, Some(&self.doors()), Means { store, metrics, now, entropy }).await?;
        *in_force = take_effect(&in_force, config);
        self.connections_per_address.store(config.limits.connections_per_address, Ordering::Relaxed);
        self.set_doors(doors);
        Ok(differences(&in_force, config))
    }

    /// Looks whether contracts were imported since they were last loaded, and loads them.
    ///
    /// # Errors
    /// When they cannot be loaded.
    pub async fn reload_contracts(&self) -> anyhow::Result<()> {
        // not while a configuration takes effect: the later one would undo the other
        let _in_force = self.in_force.lock().await;
        let (now, entropy) = (self.clock.now(), self.entropy.as_ref());
        if let Some(doors) = self.doors().with_imported(&self.store, now, entropy).await? {
            self.set_doors(doors);
            tracing::info!("contracts were imported; the catalogue was loaded again");
        }
        Ok(())
    }
}

/// What counts once `new` has been read.
fn take_effect(old: &Config, new: &Config) -> Config {
    let mut next = old.clone();
    next.upstream.clone_from(&new.upstream);
    next.contract.clone_from(&new.contract);
    next.limits = new.limits;
    next.forward_auth.clone_from(&new.forward_auth);
    next.ext_authz.trusted_proxies.clone_from(&new.ext_authz.trusted_proxies);
    next
}

/// The keys whose values differ.
fn differences(one: &Config, other: &Config) -> BTreeSet<String> {
    let (one, other) = (one.values(), other.values());
    let names = one.keys().chain(other.keys()).filter(|name| one.get(*name) != other.get(*name));
    names.cloned().collect()
}

/// Reads certificate and configuration again at each SIGHUP. What cannot be used is named, and what was before stays.
pub async fn at_hangup(app: App, tls: Vec<Tls>, source: Option<Source>) {
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
        .expect("INVARIANT: a handler for SIGHUP can be installed");
    while hangup.recv().await.is_some() {
        for tls in &tls {
            match tls.reload() {
                Ok(()) => tracing::info!("a listener's certificate was read again"),
                Err(error) => tracing::error!(%error, "a listener's certificate stays as it was"),
            }
        }
        let Some(config) = source.as_ref().map(|source| source()) else { continue };
        let reloaded = match config {
            Ok(config) => app.reload(&config).await,
            Err(error) => Err(error),
        };
        match reloaded {
            Ok(waiting) => {
                tracing::info!("the configuration was read again");
                for key in waiting {
                    tracing::warn!(key, "this key has another value now, which counts from the next start on");
                }
            }
            Err(error) => tracing::error!("the configuration stays as it was: {error:#}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_restart_is_named_and_the_rest_takes_effect() {
        let read = |text: &str| Config::from_toml(text).unwrap();
        let old = read("[server]\nlisten = \"127.0.0.1:1\"\n[gateway]\nlisten = \"127.0.0.1:2\"\n");
        let new = read(
            "[server]\nlisten = \"127.0.0.1:3\"\ndatabase_url = \"postgres://u:p@h/d\"\n[limits]\nconnections_per_address = 9\n\
             [forward_auth]\ntrusted_proxies = []\n[ext_authz]\ntrusted_proxies = []\n[contract]\nscope_lists = \"any\"\n\
             [[upstream]]\nname = \"a\"\n",
        );
        let next = take_effect(&old, &new);
        let waiting: Vec<_> = differences(&next, &new).into_iter().collect();
        assert_eq!(waiting, ["gateway.listen", "server.database_url", "server.listen"]);
        assert_eq!((next.limits.connections_per_address, next.upstream.len()), (9, 1));
        assert_eq!(differences(&next, &next), BTreeSet::new());
    }
}
