//! The command line: one binary, one file for each command.
//!
//! Exit status: 0 done (`evaluate`, `explain`, `surface`, `impact` and `replay`: answered), 2 bad input, named with
//! file, line and what would be right, 1 anything else (`verify`: a statement does not hold; `probe`: something is confused).

mod apply;
mod carried;
mod config;
mod contract;
mod demo;
mod evaluate;
mod explain;
mod failure;
mod files;
mod impact;
mod keys;
mod listing;
mod migrate;
mod missing;
mod named;
mod probe;
mod proposal;
mod registration_token;
mod replay;
mod serve;
mod storage;
mod surface;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use failure::Failure;

/// Countersign: two signatures on every API call.
///
/// A call goes through only if the user's permissions and the scopes that an administrator of the user's organization
/// granted to the app both allow it.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, propagate_version = true, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a server with a sample world, tell the rule in real calls, and keep serving
    Demo(demo::Arguments),
    /// Run the server
    Serve(serve::Arguments),
    /// Bring organizations, roles, users, apps and authorizations to the state in a world file
    Apply(apply::Arguments),
    /// Import, check and show API contracts
    #[command(subcommand)]
    Contract(contract::Command),
    /// Decide requests from standard input, one JSON object a line, without a server
    Evaluate(evaluate::Arguments),
    /// Decide one request and say why, without a server
    Explain(explain::Arguments),
    /// List every operation that an app can call, for one user or for anybody, without a server
    Surface(surface::Arguments),
    /// Show what a proposed change changes: operations and people gained and lost, app by app, without a server
    Impact(Box<impact::Arguments>),
    /// Check statements about a whole world, such as `never: this app deletes users`, without a server
    Verify(verify::Arguments),
    /// From a log of calls: what was needed, what is held in vain, what a proposal would deny
    Replay(Box<replay::Arguments>),
    /// Send an upstream requests that could be read in two ways, and say which ones confuse it
    Probe(probe::Arguments),
    /// Rotate the keys that sign tokens
    #[command(subcommand)]
    Keys(keys::Command),
    /// Make, list and revoke the tokens with which apps register themselves
    #[command(subcommand)]
    RegistrationToken(registration_token::Command),
    /// Make or update the database schema
    Migrate(migrate::Arguments),
    /// Show the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Apply(arguments) => apply::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Contract(command) => contract::run(&command),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Surface(arguments) => surface::run(&arguments),
        Command::Impact(arguments) => impact::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Keys(command) => keys::run(&command),
        Command::RegistrationToken(command) => registration_token::run(&command),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Config(command) => config::run(&command),
        Command::Completions { shell } => completions(shell),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    // Written to memory first: the generator panics on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "countersign", &mut script);
    Ok(std::io::Write::write_all(&mut std::io::stdout().lock(), &script)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
