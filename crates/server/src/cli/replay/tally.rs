//! The calls of a log, counted by what decides them: who called, what the call means, and what its token asked for.
//! However long a log is, the count stays as small as the contract and the world are.

use std::collections::{BTreeMap, HashMap};

use clap::ValueEnum;
use countersign_decision::meaning::Meaning;
use countersign_decision::private_path::fill_in;
use countersign_decision::{ClientRef, Contract, Reason, Requirement, Scope};
use countersign_domain::user::Email;
use countersign_domain::world::{CompiledWorld, OrganizationEntry};
use serde::Serialize;

use super::entry::{Base, Entry};
use super::format::Line;
use super::ids::Ids;

/// How many examples of calls that are decided alike are kept.
const MAX_EXAMPLES: usize = 3;
/// The longest example, in characters.
const MAX_EXAMPLE_CHARS: usize = 160;

/// Which calls the smallest sets have to cover, by what was answered. A call without a status always counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Counted {
    /// Status below 400: what worked has to go on working
    Successful,
    /// All but 401 and 403: what was let through, whatever came of it
    Served,
    /// Every call, refused ones too
    All,
}

/// Whose calls are looked at, and which of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Focus<'a> {
    pub(super) organization: &'a OrganizationEntry,
    /// The app, as the command names it.
    pub(super) client_text: &'a str,
    pub(super) client: &'a ClientRef,
    /// Whose calls they are where the log does not say; nothing: the app's own.
    pub(super) user: Option<&'a str>,
    /// Where the API stands.
    pub(super) base: Option<&'a Base>,
    /// What a decision log calls the contract.
    pub(super) contract_name: Option<&'a str>,
    /// Whose ids stand in a decision log.
    pub(super) ids: &'a Ids,
    pub(super) counted: Counted,
}

/// The count.
pub(super) struct Tally<'a> {
    focus: Focus<'a>,
    compiled: &'a CompiledWorld,
    contract: &'a Contract,
    users: HashMap<String, &'a str>,
    positions: HashMap<Key<'a>, usize>,
    kinds: Vec<Kind<'a>>,
    totals: Totals,
    /// The contract of the decision log, where its lines name only one.
    decided_with: Option<String>,
}

/// Everything that was not a kind of call.
#[derive(Debug, Default, Serialize)]
pub(super) struct Totals {
    /// Calls of this app in this organization.
    pub(super) read: u64,
    /// Those that the smallest sets have to cover, as far as anything can.
    pub(super) counted: u64,
    /// The others, by what was answered.
    pub(super) not_counted_by_status: BTreeMap<u16, u64>,
    /// What was passed over.
    pub(super) skipped: Skipped,
    /// Calls of which neither log nor options say whose they are.
    #[serde(skip)]
    pub(super) of_nobody: u64,
}

/// Lines that are not calls of this app to this API in this organization.
#[derive(Debug, Default, Serialize)]
pub(super) struct Skipped {
    pub(super) other_organization: u64,
    pub(super) other_client: u64,
    /// Not below `--base`.
    pub(super) not_below_base: u64,
    pub(super) no_request: u64,
    /// Calls that came without a live token.
    pub(super) of_no_app: u64,
    /// Decided with another contract.
    pub(super) other_contract: u64,
}

/// Calls that are decided alike.
#[derive(Debug)]
pub(super) struct Kind<'a> {
    pub(super) who: Who<'a>,
    /// Of the token's scopes those that matter here.
    pub(super) ceiling: Option<Vec<&'a str>>,
    pub(super) meaning: Meaning<'a>,
    /// The first of the calls.
    pub(super) method: String,
    pub(super) target: Vec<u8>,
    pub(super) calls: u64,
    pub(super) counted: u64,
    pub(super) examples: Vec<Example>,
}

/// For whom an app called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Who<'a> {
    /// Itself.
    Client,
    /// A user of the world, as the world writes the address.
    User(&'a str),
    /// Somebody that the world does not know: they are all decided alike.
    Unknown,
}

/// A call to look at.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Example {
    pub(super) at: String,
    pub(super) method: String,
    pub(super) path: String,
}

#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    who: Who<'a>,
    ceiling: Option<Vec<&'a str>>,
    operations: Vec<&'a str>,
    closed: Option<Reason>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(focus: Focus<'a>, contract: &'a Contract, compiled: &'a CompiledWorld) -> Self {
        let users = focus.organization.users.iter();
        Self {
            focus,
            compiled,
            contract,
            users: users.map(|user| (user.email.key(), user.email.as_str())).collect(),
            positions: HashMap::new(),
            kinds: Vec::new(),
            totals: Totals::default(),
            decided_with: focus.contract_name.map(str::to_owned),
        }
    }

    /// The kinds in the order in which they were first seen, and the rest.
    pub(super) fn finish(self) -> (Vec<Kind<'a>>, Totals) {
        (self.kinds, self.totals)
    }

    /// Counts a line.
    ///
    /// # Errors
    /// A name that means several apps, an id that nobody knows, a second contract.
    pub(super) fn take(&mut self, place: impl FnOnce() -> String, line: Line) -> Result<(), String> {
        let mut entry = match line {
            Line::Call(entry) => entry,
            Line::NoRequest => {
                self.totals.skipped.no_request += 1;
                return Ok(());
            }
            Line::OfNoApp => {
                self.totals.skipped.of_no_app += 1;
                return Ok(());
            }
        };
        if !self.is_in_focus(&mut entry)? {
            return Ok(());
        }
        let who = match &entry.caller.user {
            None => self.focus.user.map_or(Who::Client, Who::User),
            Some(None) => Who::Client,
            Some(Some(email)) => self.users.get(&Email::key_of(email)).map_or(Who::Unknown, |known| Who::User(known)),
        };
        let meaning = Meaning::of(self.contract, &entry.method, &entry.target);
        let ceiling = entry.caller.scopes.as_ref().map(|scopes| relevant(scopes, &meaning));
        let operations = meaning.operations.iter().map(|operation| operation.id.as_str()).collect();
        let key = Key { who: who.clone(), ceiling: ceiling.clone(), operations, closed: meaning.closed };
        let position = *self.positions.entry(key).or_insert_with(|| {
            let Entry { method, target, .. } = &entry;
            let (method, target) = (method.clone(), target.clone());
            self.kinds.push(Kind { who, ceiling, meaning, method, target, calls: 0, counted: 0, examples: Vec::new() });
            self.kinds.len() - 1
        });

        let is_counted = self.focus.counted.includes(entry.status);
        let kind = &mut self.kinds[position];
        kind.calls += 1;
        kind.counted += u64::from(is_counted);
        if kind.examples.len() < MAX_EXAMPLES {
            let path = printable(&String::from_utf8_lossy(&entry.target));
            kind.examples.push(Example { at: place(), method: printable(&entry.method), path });
        }
        self.totals.read += 1;
        self.totals.of_nobody += u64::from(entry.caller.user.is_none() && self.focus.user.is_none());
        self.totals.counted += u64::from(is_counted);
        if let Some(status) = entry.status.filter(|_| !is_counted) {
            *self.totals.not_counted_by_status.entry(status).or_default() += 1;
        }
        Ok(())
    }

    /// Whether a call is one of this app to this API in this organization. Cuts the base off its target.
    fn is_in_focus(&mut self, entry: &mut Entry) -> Result<bool, String> {
        let Focus { organization, client_text, client, base, ids, contract_name, .. } = self.focus;
        if entry.caller.organization.as_ref().is_some_and(|id| id != organization.id.as_str()) {
            self.totals.skipped.other_organization += 1;
            return Ok(false);
        }
        ids.resolve(entry, client_text)?;
        if let Some(text) = entry.caller.client.as_ref().filter(|text| *text != client_text) {
            let named = self.compiled.client(organization.id.as_str(), text);
            if named.map_err(|error| format!("`client`: {error}"))?.is_none_or(|named| named.id != client.id) {
                self.totals.skipped.other_client += 1;
                return Ok(false);
            }
        }
        if let Some(named) = &entry.decided_with {
            let own = self.decided_with.get_or_insert_with(|| named.clone());
            if own != named && contract_name.is_none() {
                return Err(format!(
                    "the log has decisions with the contracts `{own}` and `{named}`: `--contract-name` says which is meant"
                ));
            }
            if own != named {
                self.totals.skipped.other_contract += 1;
                return Ok(false);
            }
            let path = String::from_utf8_lossy(&entry.target);
            entry.target = fill_in(self.contract, &path).into_bytes();
        }
        if let Some(base) = base {
            let Some(below) = base.strip(entry.origin.as_deref(), &entry.target) else {
                self.totals.skipped.not_below_base += 1;
                return Ok(false);
            };
            entry.target = below.into_owned();
        }
        Ok(true)
    }
}

impl Counted {
    fn includes(self, status: Option<u16>) -> bool {
        match self {
            Self::Successful => status.is_none_or(|status| status < 400),
            Self::Served => !matches!(status, Some(401 | 403)),
            Self::All => true,
        }
    }
}

impl<'a> Who<'a> {
    /// The user's address; nothing where the app acted for itself.
    pub(super) fn user(&self) -> Option<&'a str> {
        match self {
            Self::Client => None,
            Self::User(email) => Some(email),
            Self::Unknown => Some("?"),
        }
    }
}

/// Of a token's scopes those that one of the operations names: the others decide nothing here.
fn relevant<'a>(scopes: &[String], meaning: &Meaning<'a>) -> Vec<&'a str> {
    let requirements = meaning.operations.iter().map(|operation| &operation.requirement);
    let named = requirements.flat_map(Requirement::scopes_any_of).flatten();
    let mut relevant: Vec<&str> =
        named.map(Scope::as_str).filter(|name| scopes.iter().any(|scope| scope == name)).collect();
    relevant.sort_unstable();
    relevant.dedup();
    relevant
}

/// Text of strangers, fit for a terminal: nothing in it moves a cursor or hides, and it has an end.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars().take(MAX_EXAMPLE_CHARS) {
        if character.is_ascii_graphic() || character == ' ' || character.is_alphanumeric() {
            shown.push(character);
        } else {
            shown.extend(character.escape_unicode());
        }
    }
    if text.chars().nth(MAX_EXAMPLE_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
