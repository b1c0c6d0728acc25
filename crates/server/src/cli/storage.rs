//! Where the data is, and the store that commands open there.

use std::path::PathBuf;

use clap::Args;
use countersign_domain::entropy::Entropy;
use countersign_domain::time::Timestamp;
use countersign_store::{Options, Store, StoreError};

use super::failure::Failure;
use crate::app::{SystemEntropy, location};
use crate::config::Config;
use crate::http::now::{Clock, SystemClock};
use crate::keys::SigningKeys;

#[derive(Debug, Clone, Args)]
pub(super) struct StorageArguments {
    /// Configuration file (TOML); options and environment override it
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: Option<PathBuf>,
    /// Folder of the embedded database, made when absent [default: ./data]
    #[arg(long, value_name = "FOLDER", env = "COUNTERSIGN_DATA", conflicts_with = "database_url")]
    data: Option<PathBuf>,
    /// Use PostgreSQL: `postgres://user:password@host/database`
    #[arg(long, value_name = "URL", env = "COUNTERSIGN_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// What seals the signing keys in the database, made when absent [default: `countersign.key` in the data folder]
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_KEY_FILE")]
    key_file: Option<PathBuf>,
}

impl StorageArguments {
    /// The configuration file with these options over it.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let mut config = self.config.as_deref().map(Config::from_file).transpose()?.unwrap_or_default();
        if let Some(data) = &self.data {
            config.server.data.clone_from(data);
            config.server.database_url = None;
        }
        if let Some(url) = &self.database_url {
            if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
                let rule = "it must begin with `postgres://`; for the embedded database give `--data FOLDER`";
                return Err(Failure::bad_input(format!("`--database-url`: {rule}")));
            }
            config.server.database_url = Some(url.clone());
        }
        if let Some(file) = &self.key_file {
            config.server.key_file = Some(file.clone());
        }
        Ok(config)
    }
}

/// Whether there can be any data yet. Commands that only read make no folder.
pub(super) fn is_there(config: &Config) -> bool {
    config.server.database_url.is_some() || config.server.data.exists()
}

/// Opens the store, made when absent. The embedded database gets its keys too; PostgreSQL's are made by the first server,
/// whose machine keeps the key file.
pub(super) async fn open_store(config: &Config) -> Result<Store, Failure> {
    let store = Store::open(&location(config), Options::default()).await?;
    if config.server.database_url.is_none() {
        SigningKeys::open(&store, config, SystemClock.now(), &SystemEntropy).await?;
    }
    Ok(store)
}

/// Opens the store, made when absent, and does one thing with it.
pub(super) fn with_store<T>(
    arguments: &StorageArguments,
    work: impl AsyncFnOnce(&Store, Timestamp, &dyn Entropy) -> Result<T, StoreError>,
) -> Result<T, Failure> {
    let config = arguments.config()?;
    runtime()?.block_on(async {
        let store = open_store(&config).await?;
        let outcome = work(&store, SystemClock.now(), &SystemEntropy).await;
        store.close().await;
        Ok(outcome?)
    })
}

/// Where asynchronous commands run.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
