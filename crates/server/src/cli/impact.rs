//! `countersign impact`: what a change that nobody has made yet would change: for each app the operations gained and
//! lost, and for how many people. No server, no store, the same engine.

mod text;

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_decision::impact::{Comparison, OperationImpact};
use countersign_decision::{ClientRef, Contract, Operation, Snapshot};
use countersign_domain::id::ClientId;
use countersign_domain::world::{CompiledWorld, OrganizationEntry, World};
use serde::Serialize;

use super::failure::Failure;
use super::files::Offline;
use super::listing::{Access, Headings};
use super::named;
use super::proposal::{About, Proposal};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The API contract: OpenAPI 3, Swagger 2 or rows file; given several times, the files are one contract
    #[arg(long, value_name = "FILE", required = true)]
    contract: Vec<PathBuf>,
    #[command(flatten)]
    offline: Offline,
    /// The id of the organization that the change is made in
    #[arg(long, value_name = "ID")]
    organization: String,
    /// The app to look at, by name or id, and the one that `--grant` and the like change; without it: every app that
    /// the organization registered or has decided about
    #[arg(long, value_name = "NAME or ID")]
    client: Option<String>,
    /// The e-mail address of the user whom `--give-role` and `--take-role` change
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    proposal: Proposal,
}

/// What a proposal changes. Serializes as `--json` shows it; `docs/reference/surface-and-impact.md` names the keys.
#[derive(Debug, Serialize)]
struct Impact<'a> {
    organization: &'a str,
    client: Option<&'a str>,
    user: Option<&'a str>,
    changes_nothing: bool,
    /// The apps for which something is different.
    apps: Vec<AppImpact<'a>>,
    apps_without_difference: usize,
    #[serde(skip)]
    organization_name: &'a str,
}

/// What it changes for one app.
#[derive(Debug, Serialize)]
struct AppImpact<'a> {
    name: &'a str,
    /// Nothing where the world file gives none.
    client_id: Option<&'a str>,
    /// Nothing for the console, which no organization registered.
    registered_by: Option<&'a str>,
    operations: Vec<Entry<'a>>,
    people_gaining: Vec<String>,
    people_losing: Vec<String>,
    gained_on_its_own_behalf: Vec<&'a str>,
    lost_on_its_own_behalf: Vec<&'a str>,
    /// Both, with their headings.
    #[serde(skip)]
    own: Vec<OwnEntry<'a>>,
}

/// An operation that it can call for other people than before.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    method: &'static str,
    path: &'a str,
    tag: &'a str,
    access: Access,
    people_before: usize,
    people_after: usize,
    gained: usize,
    lost: usize,
    #[serde(skip)]
    operation: &'a Operation,
}

/// An operation that it can newly, or no longer, call on its own behalf.
#[derive(Debug)]
struct OwnEntry<'a> {
    operation: &'a Operation,
    tag: &'a str,
    is_gained: bool,
}

/// An app, as each of the two worlds knows it.
struct App<'w> {
    name: &'w str,
    client_id: Option<&'w str>,
    registered_by: Option<&'w str>,
    before: ClientRef,
    after: ClientRef,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.offline.load(&arguments.contract)?;
    let contract = loaded.contracts.iter().next().expect("INVARIANT: `load` reads one contract");
    let organization = named::organization(&loaded, &arguments.organization)?;
    let client = arguments.client.as_deref().map(|text| named::client(&loaded, organization, text)).transpose()?;
    let user = arguments.user.as_deref().map(|email| named::user(organization, email)).transpose()?;
    if !arguments.proposal.is_given() {
        let rule = "give one of the options under `Proposal`, such as `--grant` or `--proposed`";
        return Err(Failure::bad_input(format!("nothing is proposed: {rule}")));
    }

    let (id, user) = (organization.id.as_str(), user.map(|user| user.email.as_str()));
    let proposed = arguments.proposal.apply(&loaded, &About { organization: id, client, user })?;
    let compiled = CompiledWorld::new(&proposed, loaded.contracts.catalogue())?;
    let (Some(before), Some(after)) = (loaded.compiled.snapshot(id), compiled.snapshot(id)) else {
        return Err(Failure::bad_input(format!("`--proposed`: `{id}` is not an organization of that world file")));
    };
    let mut ids: BTreeSet<String> = client.iter().map(|client| client.id.clone()).collect();
    if ids.is_empty() {
        ids.extend(before.clients().chain(after.clients()));
    }
    let apps = apps(&ids, &loaded.world, &proposed);

    let impact = Impact {
        client: arguments.client.as_deref(),
        user,
        ..Impact::new(organization, contract, (before, after), &apps)
    };
    if !arguments.json {
        return Ok(text::print(&impact)?);
    }
    let mut line = serde_json::to_vec(&impact).map_err(std::io::Error::from)?;
    line.push(b'\n');
    Ok(std::io::stdout().lock().write_all(&line)?)
}

/// The apps with these ids. One that a world does not know is switched off there: nothing can be called through it.
fn apps<'w>(ids: &'w BTreeSet<String>, before: &'w World, after: &'w World) -> Vec<App<'w>> {
    let known = |world: &'w World| -> HashMap<String, _> {
        let clients = world.clients().map(|(home, client)| (home.client_ref(client), Some((home, client))));
        let all = clients.chain([(CompiledWorld::console(), None)]);
        all.map(|(reference, entry)| (reference.id.clone(), (reference, entry))).collect()
    };
    let (before, after) = (known(before), known(after));
    let gone = |client: &ClientRef| ClientRef { active: false, ..client.clone() };
    let app = |id: &'w String| {
        let (was, is) = (before.get(id), after.get(id));
        let (reference, entry) = is.or(was)?;
        Some(App {
            name: entry.map_or("the console", |(_, client)| client.name.as_str()),
            client_id: entry.map_or(Some(id.as_str()), |(_, client)| client.id.as_ref().map(ClientId::as_str)),
            registered_by: entry.map(|(home, _)| home.id.as_str()),
            before: was.map_or_else(|| gone(reference), |(client, _)| client.clone()),
            after: is.map_or_else(|| gone(reference), |(client, _)| client.clone()),
        })
    };
    let mut apps: Vec<_> = ids.iter().filter_map(app).collect();
    apps.sort_by_key(|app| (app.name, app.registered_by));
    apps
}

impl<'a> Impact<'a> {
    fn new(
        organization: &'a OrganizationEntry,
        contract: &'a Contract,
        (before, after): (&'a Snapshot, &'a Snapshot),
        apps: &[App<'a>],
    ) -> Self {
        let headings = Headings::new(contract);
        let mut comparison = Comparison::new(contract, before, after);
        let (mut different, mut apps_without_difference) = (Vec::new(), 0);
        for app in apps {
            let impact = comparison.impact(&app.before, &app.after);
            if impact.is_empty() {
                apps_without_difference += 1;
                continue;
            }
            let own = |operations: &[&'a Operation], is_gained| -> Vec<OwnEntry<'a>> {
                let entry = |operation: &&'a Operation| OwnEntry { operation, tag: headings.of(operation), is_gained };
                operations.iter().map(entry).collect()
            };
            let ids = |operations: &[&'a Operation]| operations.iter().map(|one| one.id.as_str()).collect();
            different.push(AppImpact {
                name: app.name,
                client_id: app.client_id,
                registered_by: app.registered_by,
                operations: impact.operations.iter().map(|one| Entry::new(one, &headings)).collect(),
                people_gaining: comparison.people_gaining(&impact),
                people_losing: comparison.people_losing(&impact),
                gained_on_its_own_behalf: ids(&impact.gained_itself),
                lost_on_its_own_behalf: ids(&impact.lost_itself),
                own: own(&impact.gained_itself, true).into_iter().chain(own(&impact.lost_itself, false)).collect(),
            });
        }
        Self {
            organization: organization.id.as_str(),
            client: None,
            user: None,
            changes_nothing: different.is_empty(),
            apps: different,
            apps_without_difference,
            organization_name: &organization.name,
        }
    }
}

impl<'a> Entry<'a> {
    fn new(impact: &OperationImpact<'a>, headings: &Headings) -> Self {
        let OperationImpact { operation, people_before, people_after, gained, lost } = *impact;
        Self {
            id: &operation.id,
            method: operation.method.as_str(),
            path: &operation.path,
            tag: headings.of(operation),
            access: Access::of(operation),
            people_before,
            people_after,
            gained,
            lost,
            operation,
        }
    }
}
