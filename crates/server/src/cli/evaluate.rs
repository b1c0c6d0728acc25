//! `countersign evaluate`: decides requests from standard input, one JSON object a line, with one decision a line in the
//! same order. No server, no store, the same engine.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, BufWriter, Read, Write, stdin, stdout};

use clap::Args;
use countersign_decision::{Authority, Caller, Contract, Decision, Scope, Subject, decide};
use countersign_domain::world::{AmbiguousClient, CompiledWorld};
use serde::Deserialize;

use super::failure::Failure;
use super::files::Offline;

/// The longest line that is read, in bytes.
const MAX_LINE_BYTES: u64 = 1_024 * 1_024;
/// How much is read and written at once, in bytes.
const BUFFER_BYTES: usize = 256 * 1_024;
/// What a line looks like, for messages.
const EXAMPLE: &str = r#"{"organization":"acme","client":"Roster Sync","user":"ada@acme.test","scopes":["users"],"method":"POST","path":"/api/v2/users"}"#;

#[derive(Debug, Args)]
pub(super) struct Arguments {
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
    let loaded = arguments.offline.load()?;
    let contract = loaded.contracts.iter().next().expect("INVARIANT: `load` reads one contract");
    let mut requests = BufReader::with_capacity(BUFFER_BYTES, stdin().lock());
    let mut decisions = BufWriter::with_capacity(BUFFER_BYTES, stdout().lock());
    let outcome = evaluate(contract, &loaded.compiled, &mut requests, &mut decisions);
    // What was decided before a bad line is answered.
    decisions.flush()?;
    outcome
}

/// Decides line by line until the input ends or a line is bad.
fn evaluate(
    contract: &Contract,
    world: &CompiledWorld,
    requests: &mut BufReader<impl Read>,
    decisions: &mut impl Write,
) -> Result<(), Failure> {
    let mut line = Vec::with_capacity(1_024);
    for number in 1_u64.. {
        line.clear();
        // Whoever waits for an answer before the next question gets it.
        if !requests.buffer().contains(&b'\n') {
            decisions.flush()?;
        }
        requests.take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break;
        }
        let request =
            parse(&line).map_err(|message| Failure::bad_input(format!("standard input, line {number}: {message}")))?;
        request
            .decide(contract, world, |decision| serde_json::to_writer(&mut *decisions, decision))
            .map_err(|error| Failure::bad_input(format!("standard input, line {number}: `client`: {error}")))?
            .map_err(std::io::Error::from)?;
        decisions.write_all(b"\n")?;
    }
    Ok(())
}

impl Request<'_> {
    /// Decides the call and hands the decision on.
    ///
    /// # Errors
    /// A client name that means several clients.
    pub(super) fn decide<T>(
        &self,
        contract: &Contract,
        world: &CompiledWorld,
        answer: impl FnOnce(&Decision<'_>) -> T,
    ) -> Result<T, AmbiguousClient> {
        self.with_authority(world, |authority| answer(&decide(contract, authority, &self.method, self.path.as_bytes())))
    }

    /// What the caller holds.
    pub(super) fn with_authority<T>(
        &self,
        world: &CompiledWorld,
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
            subject: self.user.as_ref().map_or(Subject::Client, |email| Subject::User(email.to_lowercase())),
            ceiling: self.scopes.as_ref().map(|scopes| scopes.iter().map(Scope::to_string).collect()),
            actors: Vec::new(),
        };
        Ok(then(&snapshot.authority(&caller)))
    }
}

/// Reads a line; the error names the field and what would be right.
fn parse(line: &[u8]) -> Result<Request<'_>, String> {
    if line.len() as u64 >= MAX_LINE_BYTES && !line.ends_with(b"\n") {
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
