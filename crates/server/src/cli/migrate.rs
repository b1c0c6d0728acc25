//! `countersign migrate`: makes or updates the database schema. Every writing command does so too; this one does nothing
//! else, for those who run it with other rights than the server.

use std::io::Write;

use clap::Args;

use super::failure::Failure;
use super::storage::{StorageArguments, with_store};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    storage: StorageArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    with_store(&arguments.storage, async |store, _, _| store.ready().await)?;
    Ok(anstream::stdout().lock().write_all(b"the database schema is up to date\n")?)
}
