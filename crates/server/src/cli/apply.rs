//! `countersign apply`: brings organizations, roles, users, apps and authorizations to the state in a world file. One
//! transaction, and the same file again changes nothing. A running server shows the change with its next call.

use std::io::Write;
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use clap::Args;
use countersign_domain::world::World;
use countersign_store::SystemTask;
use countersign_store::apply::{ApplyError, ApplyOptions, Difference, Verb};

use super::failure::{Failure, warn};
use super::files::read_world;
use super::storage::{StorageArguments, is_there, open_store, runtime};
use crate::app::SystemEntropy;
use crate::config::Config;
use crate::contracts::{Configured, console_scopes, load, platform};
use crate::enforce::remembered::LOOK;
use crate::http::now::{Clock, SystemClock};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The world file, YAML or JSON
    #[arg(value_name = "WORLD")]
    world: PathBuf,
    /// Print the difference and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove what the file does not name, within the organizations that it names
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    storage: StorageArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let world = read_world(&arguments.world)?;
    let mut config = arguments.storage.config()?;
    // A dry run makes no folder either: what would be done to an empty one is tried on a temporary one.
    let temporary = (arguments.dry_run && !is_there(&config)).then(tempfile::tempdir).transpose()?;
    if let Some(folder) = &temporary {
        config.server.data = folder.path().to_owned();
    }
    let difference = runtime()?.block_on(apply(&config, &world, arguments))?;
    Ok(anstream::stdout().lock().write_all(in_words(&difference, arguments.dry_run).as_bytes())?)
}

async fn apply(config: &Config, world: &World, arguments: &Arguments) -> Result<Difference, Failure> {
    let configured = Configured::read(config)?;
    let store = open_store(config).await?;
    let (now, entropy) = (SystemClock.now(), &SystemEntropy);
    let contracts = load(&store, &configured, now, entropy).await?.contracts;
    warn(&world.warnings(contracts.catalogue()));
    let options = ApplyOptions {
        is_dry_run: arguments.dry_run,
        prunes: arguments.prune,
        console_scopes: console_scopes(platform(&contracts)),
    };
    let outcome = store.system(SystemTask::Apply, now, entropy).apply(world, &options).await;
    store.close().await;
    let difference = outcome?;
    if !arguments.dry_run && !difference.entries.is_empty() {
        // servers look this often whether others changed anything: when we say that it is done, they have seen it
        tokio::time::sleep(2 * LOOK).await;
    }
    Ok(difference)
}

fn in_words(difference: &Difference, is_dry_run: bool) -> String {
    let mut text = String::new();
    for entry in &difference.entries {
        let style = match entry.verb {
            Verb::Created => Style::new().fg_color(Some(AnsiColor::Green.into())),
            Verb::Changed => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            Verb::Removed => Style::new().fg_color(Some(AnsiColor::Red.into())),
        };
        text.push_str(&format!("{style}{entry}{style:#}\n"));
    }
    for made in &difference.made_clients {
        text.push_str(&format!("{}: the client id of `{}` is {}\n", made.organization, made.name, made.id));
    }
    let summary = match (difference.entries.len(), is_dry_run) {
        (0, _) => "nothing to change".to_owned(),
        (1, false) => "1 change".to_owned(),
        (changes, false) => format!("{changes} changes"),
        (changes, true) => format!("{changes} to change; this was a dry run, nothing is written"),
    };
    text.push_str(&summary);
    text.push('\n');
    text
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Problems(problems) => problems.into(),
            ApplyError::Refused(reason) => Self::bad_input(reason),
            ApplyError::Store(error) => error.into(),
        }
    }
}
