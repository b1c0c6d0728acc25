//! `countersign explain`: decides one call and says why, for a person to read, or with `--json` for a machine.

mod help;
mod text;

use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_decision::explain::{Remedy, remedy};
use countersign_decision::{Authority, Contract, Decision, Report, Scope, decide};
use countersign_domain::world::{OrganizationEntry, World};
use serde::Serialize;

use super::carried::CarriedBy;
use super::evaluate::Request;
use super::failure::Failure;
use super::files::Offline;
use help::Help;

pub(super) use text::sentence;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The API contract: OpenAPI 3, Swagger 2 or rows file; given several times, the files are one contract
    #[arg(long, value_name = "FILE", required = true)]
    contract: Vec<PathBuf>,
    #[command(flatten)]
    offline: Offline,
    /// The id of the organization that the call is made in
    #[arg(long, value_name = "ID")]
    organization: String,
    /// The app, by name or id
    #[arg(long, value_name = "NAME or ID")]
    client: String,
    /// The user's e-mail address; without it the app calls on its own behalf
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// The scopes that the token asked for, comma-separated; without it the token asks for all
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    scopes: Option<Vec<Scope>>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The method, in capitals
    method: String,
    /// The path, as it stands in the request line
    path: String,
}

/// A decision with all that explains it. Serializes as `--json` shows it: the line of `evaluate`, and more.
#[derive(Debug, Serialize)]
struct Explanation<'a> {
    #[serde(flatten)]
    decision: &'a Decision<'a>,
    method: &'a str,
    path: &'a str,
    organization: &'a str,
    client: &'a str,
    user: Option<&'a str>,
    /// The operation that denied, where it is not the one that the request means.
    decided_by: Option<&'a str>,
    /// On an allow: the scope, the roles and their assignments that carried it.
    carried_by: Option<CarriedBy<'a>>,
    /// On a denial that somebody can lift: what would do.
    remedy: Option<Remedy<'a>>,
    /// Who can bring the remedy.
    help: Help<'a>,
    /// In an organization that only reports: what `enforce` would have said.
    report: Option<Report<'a>>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.offline.load(&arguments.contract)?;
    let contract = loaded.contracts.iter().next().expect("INVARIANT: `load` reads one contract");
    let request = Request {
        organization: Cow::Borrowed(&arguments.organization),
        client: Cow::Borrowed(&arguments.client),
        user: arguments.user.as_deref().map(Cow::Borrowed),
        scopes: None,
        method: Cow::Borrowed(&arguments.method),
        path: Cow::Borrowed(&arguments.path),
    };
    let answer = |authority: &Authority<'_>| {
        let decision = decide(contract, authority, &request.method, request.path.as_bytes());
        let explanation = explain(&request, contract, &loaded.world, authority, &decision)?;
        if arguments.json {
            let mut line = serde_json::to_vec(&explanation).map_err(std::io::Error::from)?;
            line.push(b'\n');
            Ok(std::io::stdout().lock().write_all(&line)?)
        } else {
            Ok(text::print(&explanation, loaded.world.organization(&request.organization))?)
        }
    };
    request
        .with_authority(&loaded.compiled, arguments.scopes.clone(), answer)
        .map_err(|error| Failure::bad_input(format!("`--client`: {error}")))?
}

fn explain<'a>(
    request: &'a Request<'a>,
    contract: &'a Contract,
    world: &'a World,
    authority: &Authority<'a>,
    decision: &'a Decision<'a>,
) -> Result<Explanation<'a>, Failure> {
    let organization = world.organization(&request.organization);
    let denial = decision.denial();
    let remedy =
        denial.filter(|denial| denial.reason().carries_missing()).map(|denial| remedy(contract, authority, denial));
    let decided_by = denial.and_then(countersign_decision::Denial::decided_by).map(|operation| operation.id.as_str());
    Ok(Explanation {
        decision,
        method: &request.method,
        path: &request.path,
        organization: &request.organization,
        client: &request.client,
        user: request.user.as_deref(),
        decided_by: decided_by.filter(|id| decision.operation().is_none_or(|chosen| chosen.id != *id)),
        carried_by: match decision {
            Decision::Allow(permit) => Some(CarriedBy::new(contract, world, authority, permit)),
            Decision::Deny(_) => None,
        },
        help: help_for(decision, remedy.as_ref(), organization)?,
        remedy,
        report: match decision {
            Decision::Allow(permit) => permit.report().copied(),
            Decision::Deny(denial) => denial.report().copied(),
        },
    })
}

fn help_for<'a>(
    decision: &Decision<'_>,
    remedy: Option<&Remedy<'_>>,
    organization: Option<&'a OrganizationEntry>,
) -> Result<Help<'a>, Failure> {
    match (decision.denial(), organization) {
        (Some(denial), Some(organization)) => Ok(Help::find(denial, remedy, organization)?),
        _ => Ok(Help::default()),
    }
}
