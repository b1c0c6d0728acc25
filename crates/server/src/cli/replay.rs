//! `countersign replay`: from a log of calls, what an app needed, what it holds and did not need, and what a proposal
//! would deny. No server, the same engine; a store only to say whose ids stand in a decision log.
//!
//! | file | does |
//! |---|---|
//! | `replay/log.rs` | logs as streams of lines |
//! | `replay/format.rs` | lines of each format → entries |
//! | `replay/ids.rs` | whose ids stand in a decision log |
//! | `replay/entry.rs` | one call, whatever the format |
//! | `replay/tally.rs` | entries, counted by what decides them |
//! | `replay/verdict.rs` | the decision on each kind of call, now and under a proposal |
//! | `replay/report.rs` | all of it, as `--json` shows it |
//! | `replay/text.rs` | all of it, for a person to read |

mod entry;
mod format;
mod ids;
mod log;
mod report;
mod tally;
mod text;
mod verdict;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_decision::ClientRef;
use countersign_domain::world::{CompiledWorld, OrganizationEntry};

use super::failure::{Failure, warn};
use super::files::{Loaded, Offline};
use super::named;
use super::proposal::{About, Proposal};
use entry::Base;
use format::Format;
use ids::Database;
use log::Log;
use report::Report;
use tally::{Counted, Focus, Tally};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The API contract: OpenAPI 3, Swagger 2 or rows file; given several times, the files are one contract
    #[arg(long, value_name = "FILE", required = true)]
    contract: Vec<PathBuf>,
    #[command(flatten)]
    offline: Offline,
    /// The id of the organization that the calls were made in
    #[arg(long, value_name = "ID")]
    organization: String,
    /// The app, by name or id
    #[arg(long, value_name = "NAME or ID")]
    client: String,
    /// Whose calls they are where the log does not say; without it the app calls on its own behalf
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// How the logs are written
    #[arg(long, value_enum, default_value_t = Format::Auto, value_name = "FORMAT")]
    format: Format,
    /// Where the API stands in the logs, such as `/gateway` or `https://api.acme.test/v1`: calls of anything else are
    /// passed over
    #[arg(long, value_name = "PATH or URL", value_parser = Base::parse)]
    base: Option<Base>,
    /// The name that a decision log has for the contract, such as that of the upstream; needed where it has several
    #[arg(long, value_name = "NAME")]
    contract_name: Option<String>,
    #[command(flatten)]
    database: Database,
    /// Which calls the smallest sets have to cover, by what was answered; calls without a status always count
    #[arg(long, value_enum, default_value_t = Counted::Successful, value_name = "WHICH")]
    count: Counted,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The logs; without any, or for `-`, standard input
    #[arg(value_name = "LOG")]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    proposal: Proposal,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.offline.load(&arguments.contract)?;
    let (organization, client) = named(arguments, &loaded)?;
    let user = arguments.user.as_deref().and_then(|email| organization.user(email)).map(|user| user.email.as_str());
    let about = About { organization: organization.id.as_str(), client: Some(client), user };
    let proposed = arguments.proposal.is_given().then(|| arguments.proposal.apply(&loaded, &about)).transpose()?;
    let proposed =
        proposed.as_ref().map(|world| CompiledWorld::new(world, loaded.contracts.catalogue())).transpose()?;

    let contract = loaded.contracts.iter().next().expect("INVARIANT: `load` reads one contract");
    let ids = arguments.database.ids(organization, client)?;
    let focus = Focus {
        organization,
        client_text: &arguments.client,
        client,
        user,
        base: arguments.base.as_ref(),
        contract_name: arguments.contract_name.as_deref(),
        ids: &ids,
        counted: arguments.count,
    };
    let mut tally = Tally::new(focus, contract, &loaded.compiled);
    for file in sources(&arguments.logs) {
        let log = Log::open(file)?;
        let name = log.name.clone();
        format::read(log, arguments.format, |number, line| {
            let counted = tally.take(|| name.line(number), line);
            counted.map_err(|message| Failure::bad_input(format!("{}: {message}", name.line(number))))
        })?;
    }
    let (kinds, totals) = tally.finish();
    if totals.of_nobody > 0 && organization.own_client(&client.id).is_none_or(|client| client.roles.is_empty()) {
        warn(&[format!(
            "of {} calls nobody says whose they are, so they are the app's own, and it has no role here: \
             `--user` says it",
            totals.of_nobody
        )]);
    }
    let report = Report::new(&focus, contract, &loaded.compiled, proposed.as_ref(), (kinds, totals))?;
    if !arguments.json {
        return Ok(text::print(&report)?);
    }
    let mut line = serde_json::to_vec(&report).map_err(std::io::Error::from)?;
    line.push(b'\n');
    Ok(std::io::stdout().lock().write_all(&line)?)
}

fn sources(files: &[PathBuf]) -> Vec<Option<&std::path::Path>> {
    if files.is_empty() { vec![None] } else { files.iter().map(|file| Some(file.as_path())).collect() }
}

/// The organization and the app that the options name.
fn named<'l>(arguments: &Arguments, loaded: &'l Loaded) -> Result<(&'l OrganizationEntry, &'l ClientRef), Failure> {
    let organization = named::organization(loaded, &arguments.organization)?;
    let client = named::client(loaded, organization, &arguments.client)?;
    arguments.user.as_deref().map(|email| named::user(organization, email)).transpose()?;
    Ok((organization, client))
}
