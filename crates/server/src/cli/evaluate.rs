//! `countersign evaluate`: decides requests from standard input, one JSON object a line, with one decision a line in the
//! same order. No server, no store, the same engine.

mod blocks;

use std::borrow::Cow;
use std::io::{stdin, stdout};
use std::path::PathBuf;

use clap::Args;
use countersign_decision::{Authority, Caller, Contract, Decision, Scope, Subject, decide};
use countersign_domain::world::{AmbiguousClient, CompiledWorld};
use serde::Deserialize;

use super::failure::Failure;
use super::files::{Loaded, Offline};
use blocks::{Block, Decided, MAX_LINE_BYTES, in_order};

/// What a line looks like, for messages.
const EXAMPLE: &str = r#"{"organization":"acme","client":"Roster Sync","user":"ada@acme.test","scopes":["users"],"method":"POST","path":"/api/v2/users"}"#;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The API contract: OpenAPI 3, Swagger 2 or rows file; several files are one contract
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    contract: Vec<PathBuf>,
    #[command(flatten)]
    offline: Offline,
}

/// One line: one call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request<'l> {
    /// The id of the organization that the call is made in.
    #[serde(borrow)]
    pub(super) organization: Cow<'l, str>,
    /// The app, by name or id.
    #[serde(borrow)]
    pub(super) client: Cow<'l, str>,
    /// The user's e-mail address; nothing: the app calls on its own behalf.
    #[serde(borrow, default)]
    pub(super) user: Option<Cow<'l, str>>,
    /// The token's own ceiling; nothing: whatever is authorized.
    #[serde(default)]
    pub(super) scopes: Option<Vec<Scope>>,
    #[serde(borrow)]
    pub(super) method: Cow<'l, str>,
    /// The request target, as it stands in the request line.
    #[serde(borrow)]
    pub(super) path: Cow<'l, str>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.offline.load(&arguments.contract)?;
    in_order(stdin(), &mut stdout().lock(), move |block| decide_block(&loaded, block))
}

/// Decides the lines of a block. What was decided before a bad line is answered.
fn decide_block(loaded: &Loaded, block: &Block) -> Decided {
    let contract = loaded.contracts.iter().next().expect("INVARIANT: `load` reads one contract");
    let mut decisions = Vec::with_capacity(block.text.len());
    for (line, number) in block.text.split_inclusive(|byte| *byte == b'\n').zip(block.first_line..) {
        let failure = |message| Failure::bad_input(format!("standard input, line {number}: {message}"));
        let decided = parse(line).and_then(|request| {
            let write = |decision: &Decision<'_>| serde_json::to_writer(&mut decisions, decision);
            request.decide(contract, &loaded.compiled, write).map_err(|error| format!("`client`: {error}"))
        });
        match decided {
            Ok(written) => written.expect("INVARIANT: a decision has a JSON form, and memory can be written"),
            Err(message) => return Decided { text: decisions, outcome: Err(failure(message)) },
        }
        decisions.push(b'\n');
    }
    Decided { text: decisions, outcome: Ok(()) }
}

impl Request<'_> {
    /// Decides the call and hands the decision on.
    ///
    /// # Errors
    /// A client name that means several clients.
    fn decide<T>(
        mut self,
        contract: &Contract,
        world: &CompiledWorld,
        answer: impl FnOnce(&Decision<'_>) -> T,
    ) -> Result<T, AmbiguousClient> {
        let scopes = self.scopes.take();
        self.with_authority(world, scopes, |authority| {
            answer(&decide(contract, authority, &self.method, self.path.as_bytes()))
        })
    }

    /// What the caller holds, under a ceiling of `scopes`.
    pub(super) fn with_authority<T>(
        &self,
        world: &CompiledWorld,
        scopes: Option<Vec<Scope>>,
        then: impl FnOnce(&Authority<'_>) -> T,
    ) -> Result<T, AmbiguousClient> {
        let Some(snapshot) = world.snapshot(&self.organization) else {
            return Ok(then(&Authority::unknown_organization()));
        };
        let Some(client) = world.client(&self.organization, &self.client)? else {
            return Ok(then(&Authority::unknown_client()));
        };
        let caller = Caller {
            client: client.clone(),
            subject: self.user.as_ref().map_or(Subject::Client, |email| CompiledWorld::user(email)),
            ceiling: scopes.map(|scopes| scopes.into_iter().map(String::from).collect()),
            actors: Vec::new(),
        };
        Ok(then(&snapshot.authority(&caller)))
    }
}

/// Reads a line; the error names the field and what would be right.
fn parse(line: &[u8]) -> Result<Request<'_>, String> {
    if line.len() >= MAX_LINE_BYTES && !line.ends_with(b"\n") {
        return Err(format!("the line is longer than {MAX_LINE_BYTES} bytes"));
    }
    serde_json::from_slice(line).map_err(|error| what_is_wrong(line, &error))
}

/// The reader's error names a column at best; people look for the field.
fn what_is_wrong(line: &[u8], error: &serde_json::Error) -> String {
    let expected = format!("a request is one JSON object such as {EXAMPLE}");
    if line.trim_ascii().is_empty() {
        return format!("the line is empty: {expected}");
    }
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(line) else {
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        return format!("{message} at column {}: {expected}", error.column());
    };
    for name in ["organization", "client", "method", "path"] {
        match fields.get(name) {
            Some(value) if value.is_string() => {}
            Some(_) => return format!("`{name}` must be a text: {expected}"),
            None => return format!("`{name}` is missing: {expected}"),
        }
    }
    if fields.get("user").is_some_and(|user| !user.is_string() && !user.is_null()) {
        return "`user` must be an e-mail address, or null where the app calls on its own behalf".to_owned();
    }
    let scopes = "`scopes` must be a list of scopes, or be left out where the token asks for all";
    match fields.get("scopes") {
        None | Some(serde_json::Value::Null) => {}
        Some(serde_json::Value::Array(list)) => {
            for scope in list {
                let Some(text) = scope.as_str() else { return scopes.to_owned() };
                if let Err(error) = text.parse::<Scope>() {
                    return format!("`scopes`: {error}");
                }
            }
        }
        Some(_) => return scopes.to_owned(),
    }
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.clone(), |(message, _)| message.to_owned())
}
