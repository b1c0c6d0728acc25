//! `countersign config`: the configuration as the server would use it.

use std::io::Write;

use clap::Subcommand;

use super::failure::Failure;
use super::serve::ServerArguments;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the configuration as TOML, defaults included, passwords left out
    Show(Box<ServerArguments>),
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Show(arguments) = command;
    let text = arguments.config()?.to_toml();
    Ok(anstream::stdout().lock().write_all(text.as_bytes())?)
}
