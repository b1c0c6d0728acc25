//! Benchmarks of Countersign. Each command is one file; `README.md` says how to read what they print.

mod agreement;
mod answer;
mod catalog;
mod change;
mod clock;
mod countersign;
mod decision;
mod floor;
mod import;
mod memory;
mod naive;
mod peers;
mod random;
mod requests;
mod scaling;
mod table;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Countersign beside its peers: everything is made to agree first, then timed.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The time of one decision, beside cedar-policy, regorus, casbin and ordinary crates.
    Decision(DecisionArguments),
    /// That a decision costs the same in a large world, and bytes per organization, combination of roles and user.
    Scaling(CommonArguments),
    /// The time of reading contracts.
    Import(CommonArguments),
    /// The time of one change until it is decided on, of surface and of impact.
    Change(CommonArguments),
}

#[derive(Debug, Args)]
struct DecisionArguments {
    /// How large the world is.
    #[arg(long, value_enum, default_value_t = WorldSize::Small)]
    world: WorldSize,
    /// How many requests are decided.
    #[arg(long)]
    requests: Option<usize>,
    /// How often everything is measured; medians are shown.
    #[arg(long)]
    rounds: Option<usize>,
    /// Countersign and the floor without the peers: for a profile, or to compare two versions of it.
    #[arg(long)]
    alone: bool,
    #[command(flatten)]
    common: CommonArguments,
}

/// What every command takes.
#[derive(Debug, Args)]
struct CommonArguments {
    /// A tiny run: everything has to agree, figures mean nothing.
    #[arg(long)]
    smoke: bool,
    /// The folder with `contract/genesys-catalog.json`; else `COUNTERSIGN_SHARED`, else `../shared`.
    #[arg(long)]
    shared: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WorldSize {
    /// 200 organizations of 500 users.
    Small,
    /// 2,000 organizations of 1,000 users.
    Large,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Decision(arguments) => decision::run(&arguments),
        Command::Scaling(arguments) => scaling::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Change(arguments) => change::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            complain(&problem);
            ExitCode::FAILURE
        }
    }
}

/// Says something on the way: the commands print tables for people.
fn report(text: &str) {
    println!("{text}");
}

fn complain(problem: &str) {
    eprintln!("error: {problem}");
}
