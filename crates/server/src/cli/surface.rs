//! `countersign surface`: every operation that an app can call, for one user or for anybody in an organization. No
//! server, no store, the same engine.

mod text;

use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_decision::surface::{Audience, Reachable, surface};
use countersign_decision::{Authority, Contract, Denial, Operation, Reason, Requirement, Scope, decide_operation};
use countersign_domain::client::GrantType;
use countersign_domain::user::UserState;
use countersign_domain::world::UserEntry;
use serde::Serialize;

use super::evaluate::Request;
use super::failure::Failure;
use super::files::{Loaded, Offline};
use super::listing::{Access, Headings};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The API contract: OpenAPI 3, Swagger 2 or rows file; given several times, the files are one contract
    #[arg(long, value_name = "FILE", required = true)]
    contract: Vec<PathBuf>,
    #[command(flatten)]
    offline: Offline,
    /// The id of the organization that the calls are made in
    #[arg(long, value_name = "ID")]
    organization: String,
    /// The app, by name or id
    #[arg(long, value_name = "NAME or ID")]
    client: String,
    /// The user's e-mail address; without it: whatever the app can call for anybody, and on its own behalf
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// The scopes that tokens ask for, comma-separated; without it they ask for all
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    scopes: Option<Vec<Scope>>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What an app can do. Serializes as `--json` shows it; `docs/reference/surface-and-impact.md` names the keys.
#[derive(Debug, Serialize)]
struct Surface<'a> {
    organization: &'a str,
    client: &'a str,
    user: Option<&'a str>,
    /// The active users that were looked at: all, or the one that was named.
    people: usize,
    /// Those of them for whom it can call something that is not public.
    people_reached: usize,
    operations_of_contract: usize,
    /// What refuses the app for these people whatever it calls, public operations apart.
    reason: Option<Reason>,
    operations: Vec<Entry<'a>>,
    /// Nothing where a user is named: nobody asked.
    on_its_own_behalf: Option<Vec<&'a str>>,
    #[serde(skip)]
    own: Vec<Entry<'a>>,
    #[serde(skip)]
    organization_name: &'a str,
    #[serde(skip)]
    client_name: &'a str,
    /// Whether it is registered for client-credentials tokens; decisions do not ask how a token was got.
    #[serde(skip)]
    gets_own_token: bool,
}

/// An operation that it can call.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    method: &'static str,
    path: &'a str,
    tag: &'a str,
    access: Access,
    /// For how many of the people that were looked at; public operations are for all of them.
    people: usize,
    #[serde(skip)]
    operation: &'a Operation,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.offline.load(&arguments.contract)?;
    let contract = loaded.contracts.iter().next().expect("INVARIANT: `load` reads one contract");
    let surface = Surface::new(arguments, contract, &loaded)?;
    if !arguments.json {
        return Ok(text::print(&surface)?);
    }
    let mut line = serde_json::to_vec(&surface).map_err(std::io::Error::from)?;
    line.push(b'\n');
    Ok(std::io::stdout().lock().write_all(&line)?)
}

impl<'a> Surface<'a> {
    fn new(arguments: &'a Arguments, contract: &'a Contract, loaded: &'a Loaded) -> Result<Self, Failure> {
        let Arguments { organization: id, client: client_text, user, .. } = arguments;
        let (organization, snapshot) = (loaded.world.organization(id), loaded.compiled.snapshot(id));
        // As in a decision, the organization is looked for first: where there is none, no client name is ambiguous.
        let client = snapshot.map(|_| loaded.compiled.client(id, client_text)).transpose();
        let client = client.map_err(ambiguous)?.flatten();
        let known = client.and_then(|client| loaded.world.client(&client.id));
        let headings = Headings::new(contract);
        let (reason, own) = callable(arguments, contract, loaded, user.as_deref())?;
        let mut surface = Self {
            organization: id,
            client: client_text,
            user: user.as_deref(),
            people: 0,
            people_reached: 0,
            operations_of_contract: contract.operations().len(),
            reason,
            operations: Vec::new(),
            on_its_own_behalf: None,
            own: Vec::new(),
            organization_name: organization.map_or(id, |organization| &organization.name),
            client_name: known.map_or(client_text, |(_, client)| &client.name),
            gets_own_token: known.is_none_or(|(_, one)| one.grant_types.contains(&GrantType::ClientCredentials)),
        };
        if let Some(user) = user {
            surface.people = usize::from(organization.and_then(|one| one.user(user)).is_some_and(is_active));
            surface.people_reached = usize::from(own.iter().any(|one| one.requirement != Requirement::Public));
            let people = surface.people;
            surface.operations = own.into_iter().map(|one| Entry::new(one, people, &headings)).collect();
            return Ok(surface);
        }
        // What refuses the app whatever it calls refuses it for everybody alike; its own calls may be bound otherwise.
        if let Some(somebody) = organization.and_then(|one| one.users.iter().find(|user| is_active(user))) {
            surface.reason = callable(arguments, contract, loaded, Some(somebody.email.as_str()))?.0;
        }
        let ceiling = arguments.scopes.as_ref().map(|scopes| scopes.iter().map(Scope::to_string).collect::<Vec<_>>());
        let mut audience = snapshot.map(|snapshot| Audience::new(snapshot).below(ceiling.as_deref()));
        surface.people = audience.as_ref().map_or(0, Audience::people);
        surface.operations = match (&mut audience, client) {
            (Some(audience), Some(client)) => {
                surface.people_reached = audience.people_reached(contract, client);
                let reachable = audience.surface(contract, client).into_iter();
                reachable.map(|Reachable { operation, people }| Entry::new(operation, people, &headings)).collect()
            }
            // Public operations ask for no app.
            _ => own.iter().map(|one| Entry::new(one, surface.people, &headings)).collect(),
        };
        surface.on_its_own_behalf = Some(own.iter().map(|one| one.id.as_str()).collect());
        surface.own = own.into_iter().map(|one| Entry::new(one, 0, &headings)).collect();
        Ok(surface)
    }
}

impl<'a> Entry<'a> {
    fn new(operation: &'a Operation, people: usize, headings: &Headings) -> Self {
        Self {
            id: &operation.id,
            method: operation.method.as_str(),
            path: &operation.path,
            tag: headings.of(operation),
            access: Access::of(operation),
            people,
            operation,
        }
    }
}

/// What the app can call for one user or for itself, and what refuses it whatever it calls.
fn callable<'a>(
    arguments: &Arguments,
    contract: &'a Contract,
    loaded: &Loaded,
    user: Option<&str>,
) -> Result<(Option<Reason>, Vec<&'a Operation>), Failure> {
    let request = Request {
        organization: Cow::Borrowed(&arguments.organization),
        client: Cow::Borrowed(&arguments.client),
        user: user.map(Cow::Borrowed),
        scopes: None,
        method: Cow::Borrowed(""),
        path: Cow::Borrowed(""),
    };
    let look = |authority: &Authority<'_>| (refused(contract, authority), surface(contract, authority));
    request.with_authority(&loaded.compiled, arguments.scopes.clone(), look).map_err(ambiguous)
}

/// Whether the organization has authorized the app at all is asked after who the caller is, of every operation alike.
fn refused(contract: &Contract, authority: &Authority<'_>) -> Option<Reason> {
    let is_not_authorized = |operation: &Operation| {
        let decision = decide_operation(contract, authority, &operation.id);
        decision.denial().map(Denial::reason) == Some(Reason::AppNotAuthorized)
    };
    let not_authorized = || contract.operations().iter().any(is_not_authorized).then_some(Reason::AppNotAuthorized);
    authority.refusal().or_else(not_authorized)
}

fn ambiguous(error: impl std::fmt::Display) -> Failure {
    Failure::bad_input(format!("`--client`: {error}"))
}

fn is_active(user: &UserEntry) -> bool {
    user.state.unwrap_or(UserState::Active) == UserState::Active
}
