//! `countersign verify`: statements about a whole world, such as `never: this app deletes users`, checked for every
//! organization, every app, every active user and the app itself. No server, no store, the same engine.
//!
//! | file | does |
//! |---|---|
//! | `verify/file.rs` | the shape of a statements file |
//! | `verify/read.rs` | the shape → statements; unknown names are bad input |
//! | `verify/statement.rs` | statements, and what each selects |
//! | `verify/world.rs` | every app in every organization |
//! | `verify/verdict.rs` | whether a statement holds, and a call that shows why not |
//! | `verify/text.rs` | all of it, for a person to read |

mod file;
mod read;
mod statement;
#[cfg(test)]
mod tests;
mod text;
mod verdict;
mod world;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use super::files::{self, Offline};
use verdict::{Verdict, verdict};
use world::Everything;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The statements, YAML or JSON
    #[arg(value_name = "FILE")]
    statements: PathBuf,
    /// The API contract: OpenAPI 3, Swagger 2 or rows file; given several times, the files are one contract
    #[arg(long, value_name = "FILE", required = true)]
    contract: Vec<PathBuf>,
    #[command(flatten)]
    offline: Offline,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// All verdicts. Serializes as `--json` shows it; `docs/reference/statements-file.md` names the keys.
#[derive(Debug, Serialize)]
struct Verdicts {
    /// Whether every statement passes.
    passes: bool,
    /// In the order of the file.
    statements: Vec<Verdict>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.offline.load(&arguments.contract)?;
    let contract = loaded.contracts.iter().next().expect("INVARIANT: `load` reads one contract");
    let name = arguments.statements.display().to_string();
    let statements = read::read(&name, &files::read(&arguments.statements)?, &loaded, contract)?;

    let everything = Everything::new(&loaded);
    let verdicts = statements.iter().map(|statement| verdict(statement, &everything, &loaded.world, contract));
    let statements: Vec<_> = verdicts.collect();
    let verdicts = Verdicts { passes: statements.iter().all(|one| one.passes), statements };

    if arguments.json {
        let mut line = serde_json::to_vec(&verdicts).map_err(std::io::Error::from)?;
        line.push(b'\n');
        std::io::stdout().lock().write_all(&line)?;
    } else {
        text::print(&name, &verdicts)?;
    }
    if verdicts.passes { Ok(()) } else { Err(Failure::AnsweredNo) }
}
