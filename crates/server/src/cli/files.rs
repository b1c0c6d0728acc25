//! The files that commands are given: contracts and worlds.

use std::path::{Path, PathBuf};

use clap::Args;
use countersign_decision::import::ScopeLists;
use countersign_decision::{ContractSource, Contracts, ImportOptions};
use countersign_domain::world::{CompiledWorld, World};

use super::failure::{Failure, warn};
use crate::config::{self, Config};
use crate::contracts::files::{self, import_files};

/// A world, and how the contract beside it is read: with its files all that an offline decision needs.
#[derive(Debug, Args)]
pub(super) struct Offline {
    /// The world file: organizations, roles, users, apps, authorizations
    #[arg(long, value_name = "FILE")]
    world: PathBuf,
    #[command(flatten)]
    reading: OfflineReading,
}

/// How a contract is read.
#[derive(Debug, Clone, Args)]
pub(super) struct Reading {
    /// Whether any or all scopes of a list are needed [default: any where the contract states permissions, else all]
    #[arg(long, value_name = "any or all", value_parser = scope_lists)]
    scope_lists: Option<ScopeLists>,
}

/// How a contract is read where there is no store, and no environment either: only what is given counts.
#[derive(Debug, Clone, Args)]
pub(super) struct OfflineReading {
    #[command(flatten)]
    reading: Reading,
    /// Configuration file (TOML); its `[contract]` says what the contract leaves out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What an offline decision is made from.
pub(super) struct Loaded {
    /// The one contract.
    pub(super) contracts: Contracts,
    /// The world as its file states it.
    pub(super) world: World,
    /// The world as the engine reads it.
    pub(super) compiled: CompiledWorld,
}

impl Offline {
    /// Reads both; warnings go to standard error.
    pub(super) fn load(&self, contract: &[PathBuf]) -> Result<Loaded, Failure> {
        let source = self.reading.read(contract)?;
        let contracts = checked(vec![source])?;
        let world = read_world(&self.world)?;
        warn(&world.warnings(contracts.catalogue()));
        let compiled = CompiledWorld::new(&world, contracts.catalogue())?;
        Ok(Loaded { contracts, world, compiled })
    }
}

impl OfflineReading {
    /// Reads the files of one contract.
    pub(super) fn read(&self, files: &[PathBuf]) -> Result<ContractSource, Failure> {
        let config = self.config.as_deref().map(Config::from_file).transpose()?.unwrap_or_default();
        self.reading.read(files, None, config.contract)
    }
}

impl Reading {
    /// Reads the files of one contract. Without `name`, it is called as its first file is.
    pub(super) fn read(
        &self,
        files: &[PathBuf],
        name: Option<&str>,
        config: config::Contract,
    ) -> Result<ContractSource, Failure> {
        let stem = || files.first().and_then(|file| file.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
        let options = ImportOptions {
            name: name.map(str::to_owned).or_else(stem).unwrap_or_default(),
            scope_lists: self.scope_lists.or(config.scope_lists),
            overrides: config.operations,
        };
        Ok(import_files(files, &options)?)
    }
}

/// Validates contracts; what is wrong is named with its place.
pub(super) fn checked(sources: Vec<ContractSource>) -> Result<Contracts, Failure> {
    Contracts::new(sources).map_err(|error| match error.location() {
        Some(place) => Failure::bad_input(format!("{place}: {error}")),
        None => Failure::bad_input(error),
    })
}

/// Reads a world file.
pub(super) fn read_world(file: &Path) -> Result<World, Failure> {
    Ok(World::parse(&file.display().to_string(), &read(file)?)?)
}

/// The text of a file that a person named.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    files::read(file).map_err(Failure::bad_input)
}

fn scope_lists(text: &str) -> Result<ScopeLists, String> {
    match text {
        "any" => Ok(ScopeLists::Any),
        "all" => Ok(ScopeLists::All),
        _ => Err("`any` and `all` are known".to_owned()),
    }
}
