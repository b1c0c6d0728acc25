//! The contracts of a node: our own API first, then what operators imported; one catalogue for all.

pub mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use anyhow::Context;
use countersign_decision::{Contract, ContractSource, Contracts, ImportOptions, Permission, Scope, SourceFile, import};
use countersign_domain::entropy::Entropy;
use countersign_domain::time::Timestamp;
use countersign_store::{Store, StoreError, SystemTask};
use serde::Deserialize;

use crate::config::{Config, ConfigError};

/// The name under which our own API's contract is loaded.
pub const PLATFORM_CONTRACT: &str = "platform";
/// Our own API.
pub const PLATFORM_YAML: &str = include_str!("../api/platform.openapi.yaml");

/// Contracts as they were loaded.
pub struct Loaded {
    /// Goes up with each import.
    pub revision: i64,
    /// All of them, with the united catalogue.
    pub contracts: Arc<Contracts>,
}

/// The contract of our own API.
pub fn platform(contracts: &Contracts) -> &Contract {
    contracts.named(PLATFORM_CONTRACT).expect("INVARIANT: `load` puts the platform contract first")
}

/// What the console may do in organizations that are made: whatever our own API offers, within what its user may do.
pub fn console_scopes(platform: &Contract) -> Vec<Scope> {
    let scopes = platform.operations().iter().flat_map(|operation| operation.requirement.scopes_any_of()).flatten();
    scopes.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// How people read a permission: in our own contract's words where it has some.
pub fn permission_label(permission: &Permission) -> String {
    PERMISSIONS.get(permission.as_str()).map_or_else(|| permission.label(), |described| described.label.clone())
}

/// Whether a permission can be held in some divisions and not in others. A permission of another contract's operations
/// is limited by whoever holds the objects there, not here.
pub fn is_division_aware(permission: &str) -> bool {
    PERMISSIONS.get(permission).is_some_and(|described| described.division_aware)
}

/// What our own contract says about permissions beyond what a requirement can say.
static PERMISSIONS: LazyLock<BTreeMap<String, DescribedPermission>> = LazyLock::new(|| {
    let contract: PermissionsOfContract =
        serde_saphyr::from_str(PLATFORM_YAML).expect("INVARIANT: our own contract is valid; a test reads it");
    contract.permissions
});

#[derive(Deserialize)]
struct PermissionsOfContract {
    #[serde(rename = "x-countersign-permissions")]
    permissions: BTreeMap<String, DescribedPermission>,
}

#[derive(Deserialize)]
struct DescribedPermission {
    label: String,
    #[serde(default, rename = "divisionAware")]
    division_aware: bool,
}

/// Our own API, read by the same importer as a customer's.
pub fn platform_source() -> anyhow::Result<ContractSource> {
    let file = SourceFile { name: "platform.openapi.yaml", text: PLATFORM_YAML };
    let options = ImportOptions { name: PLATFORM_CONTRACT.to_owned(), ..ImportOptions::default() };
    import(&[file], &options).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("our own contract does not import: {}", errors.join("; "))
    })
}

/// The contracts whose files the configuration names, one for each such upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configured(Vec<ContractSource>);

impl Configured {
    /// Reads the files of every upstream that names some.
    ///
    /// # Errors
    /// When a file cannot be imported; every error names its file and line.
    pub fn read(config: &Config) -> Result<Self, ConfigError> {
        let named = config.upstream.iter().filter(|upstream| !upstream.contract.is_empty());
        let sources = named.map(|upstream| {
            let options = ImportOptions {
                name: upstream.name.clone(),
                scope_lists: config.contract.scope_lists,
                overrides: config.contract.operations.clone(),
            };
            files::import_files(&upstream.contract.0, &options)
                .map_err(|errors| ConfigError::Contract { upstream: upstream.name.clone(), errors })
        });
        sources.collect::<Result<_, _>>().map(Self)
    }
}

/// Our own API, every contract that the configuration names, and every imported one.
pub async fn load(
    store: &Store,
    configured: &Configured,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> anyhow::Result<Loaded> {
    let revision = revision(store, now, entropy).await?;
    let mut sources = vec![platform_source()?];
    sources.extend(configured.0.iter().cloned());
    for (name, json) in store.system(SystemTask::Contracts, now, entropy).contracts().await? {
        if configured.0.iter().any(|source| source.name == name) {
            continue; // what the configuration names counts
        }
        sources.push(
            serde_json::from_value(json).with_context(|| format!("the stored contract `{name}` cannot be read"))?,
        );
    }
    Ok(Loaded { revision, contracts: Arc::new(Contracts::new(sources)?) })
}

/// The revision of the imported contracts.
pub async fn revision(store: &Store, now: Timestamp, entropy: &dyn Entropy) -> Result<i64, StoreError> {
    store.system(SystemTask::Contracts, now, entropy).contracts_revision().await
}
