//! `countersign keys`: the keys that sign tokens.

use std::io::Write;

use clap::Subcommand;
use countersign_domain::oauth::signing_key::Rotation;
use countersign_store::{Options, Store};

use super::failure::Failure;
use super::storage::{StorageArguments, runtime};
use crate::app::{SystemEntropy, location};
use crate::http::now::{Clock, SystemClock};
use crate::keys::SigningKeys;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Publish new signing keys, which take over when every client has seen them; running servers follow by themselves
    Rotate(StorageArguments),
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Rotate(arguments) = command;
    let config = arguments.config()?;
    let rotation = runtime()?.block_on(async {
        let store = Store::open(&location(&config), Options::default()).await?;
        let now = SystemClock.now();
        let keys = SigningKeys::open(&store, &config, now, &SystemEntropy).await?;
        let rotation = keys.rotate(&store, now, &SystemEntropy).await?;
        store.close().await;
        anyhow::Ok(rotation)
    })?;
    let text = match rotation {
        Rotation::Begin { active_from } => {
            format!(
                "new keys are published; they sign from {active_from}, those before them stay for what they signed\n"
            )
        }
        Rotation::UnderWay { active_from } => {
            format!("nothing to do: new keys are published already; they sign from {active_from}\n")
        }
    };
    Ok(anstream::stdout().lock().write_all(text.as_bytes())?)
}
