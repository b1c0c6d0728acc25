//! Whether a statement holds, by sets of people, and one call that shows why not. Nothing here decides: what can be
//! called is asked of the engine.

use std::collections::{HashMap, HashSet};

use countersign_decision::surface::{Audience, Reachable, surface_of};
use countersign_decision::{Authority, Caller, Contract, Decision, Operation, Subject, decide_operation};
use countersign_domain::world::{UserEntry, World};
use serde::Serialize;

use super::statement::{Kind, Statement};
use super::world::{App, Everything, Place};
use crate::cli::carried::{CarriedBy, in_words};
use crate::cli::missing::missing_in_words;

/// What came out for one statement. Serializes as `--json` shows it.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) kind: Kind,
    pub(super) statement: String,
    pub(super) line: u32,
    /// What counts for the exit status: it holds, and it selects something or may be empty.
    pub(super) passes: bool,
    pub(super) holds: bool,
    /// What was selected none of: `apps`, `users` or `operations`.
    pub(super) selects_nothing: Option<&'static str>,
    /// How many calls were looked at: an app in an organization, a user or the app itself, an operation.
    pub(super) calls: u64,
    /// How many of them speak against the statement.
    pub(super) against: u64,
    /// The first of them.
    pub(super) counterexample: Option<Counterexample>,
}

/// A call that speaks against a statement.
#[derive(Debug, Serialize)]
pub(super) struct Counterexample {
    pub(super) organization: String,
    /// The app's name; for the console its id.
    pub(super) client: String,
    pub(super) client_id: Option<String>,
    /// Nothing: the app on its own behalf.
    pub(super) user: Option<String>,
    pub(super) operation: String,
    pub(super) method: &'static str,
    pub(super) path: String,
    /// Against `never`: what carried the call.
    pub(super) carried_by: Option<serde_json::Value>,
    /// Against `always`: why the call is denied.
    pub(super) reason: Option<&'static str>,
    pub(super) missing: Option<serde_json::Value>,
    /// The same for people.
    #[serde(skip)]
    pub(super) why: Vec<String>,
}

/// The call that a counterexample would be.
struct Call<'a> {
    place: &'a Place<'a>,
    app: &'a App<'a>,
    operation: &'a Operation,
}

/// Looks at every call that a statement selects.
pub(super) fn verdict(
    statement: &Statement<'_>,
    everything: &Everything<'_>,
    world: &World,
    contract: &Contract,
) -> Verdict {
    let operations = statement.operations.operations().len() as u64;
    let (mut apps, mut calls, mut against, mut counterexample) = (0, 0, 0, None);
    for place in everything.organizations.iter().filter(|place| statement.is_about(place.entry)) {
        let users: Vec<&UserEntry> = place.entry.users.iter().filter(|user| statement.users.select(user)).collect();
        let keys: HashSet<String> = users.iter().map(|user| user.email.key()).collect();
        let mut audience = Audience::among(place.snapshot, |id| keys.contains(id));
        let is_selected = |app: &&App<'_>| statement.apps.select(app, place.entry, place.authorization(app));
        for app in everything.apps_in(place).filter(is_selected) {
            let (people, itself) = (users.len() as u64, u64::from(statement.users.itself));
            apps += 1;
            calls += (people + itself) * operations;
            let callable = Callable::new(statement, &mut audience, place, app);
            let allowed = callable.calls();
            against += match statement.kind {
                Kind::Never => allowed,
                Kind::Always => (people + itself) * operations - allowed,
            };
            if against > 0 && counterexample.is_none() {
                let first = callable.first_against(statement, users.len());
                counterexample = first.and_then(|(operation, by_itself)| {
                    let subjects: &[&UserEntry] = if by_itself { &[] } else { &users };
                    Call { place, app, operation }.counterexample(statement.kind, subjects, world, contract)
                });
            }
        }
    }
    let selects_nothing = match (operations, apps, calls) {
        (0, _, _) => Some("operations"),
        (_, 0, _) => Some("apps"),
        (_, _, 0) => Some("users"),
        _ => None,
    };
    Verdict {
        kind: statement.kind,
        statement: statement.sentence.clone(),
        line: statement.line,
        passes: against == 0 && (selects_nothing.is_none() || statement.may_be_empty),
        holds: against == 0,
        selects_nothing,
        calls,
        against,
        counterexample,
    }
}

/// What an app can call of what a statement selects.
struct Callable<'a> {
    /// For how many of the selected users.
    people: Vec<Reachable<'a>>,
    /// On its own behalf, where that is selected.
    itself: Vec<&'a Operation>,
}

impl<'a> Callable<'a> {
    fn new(statement: &Statement<'a>, audience: &mut Audience<'_>, place: &Place<'_>, app: &App<'_>) -> Self {
        let mut callable = Self { people: Vec::new(), itself: Vec::new() };
        if audience.people() > 0 {
            callable.people = audience.surface_of(&statement.operations, &app.reference);
        }
        if statement.users.itself {
            let caller = caller(app, Subject::Client);
            callable.itself = surface_of(&statement.operations, &place.snapshot.authority(&caller));
        }
        callable
    }

    /// How many calls that is.
    fn calls(&self) -> u64 {
        self.people.iter().map(|one| one.people as u64).sum::<u64>() + self.itself.len() as u64
    }

    /// The first operation that speaks against the statement, and whether only the app itself does.
    fn first_against(&self, statement: &Statement<'a>, users: usize) -> Option<(&'a Operation, bool)> {
        let people: HashMap<&str, usize> =
            self.people.iter().map(|one| (one.operation.id.as_str(), one.people)).collect();
        let itself: HashSet<&str> = self.itself.iter().map(|operation| operation.id.as_str()).collect();
        statement.operations.operations().find_map(|operation| {
            let people = people.get(operation.id.as_str()).copied().unwrap_or(0);
            let itself = itself.contains(operation.id.as_str());
            let (by_people, by_itself) = match statement.kind {
                Kind::Never => (people > 0, itself),
                Kind::Always => (people < users, statement.users.itself && !itself),
            };
            (by_people || by_itself).then_some((operation, !by_people))
        })
    }
}

impl Call<'_> {
    /// The first of the users whose call speaks against a statement; without users the app itself.
    fn counterexample(
        &self,
        kind: Kind,
        users: &[&UserEntry],
        world: &World,
        contract: &Contract,
    ) -> Option<Counterexample> {
        let try_one = |user: Option<&UserEntry>| {
            let subject = user.map_or(Subject::Client, |user| Subject::User(user.email.key()));
            let caller = caller(self.app, subject);
            let authority = self.place.snapshot.authority(&caller);
            let decision = decide_operation(contract, &authority, &self.operation.id);
            (decision.is_allowed() == (kind == Kind::Never))
                .then(|| self.shown(user, &decision, &authority, world, contract))
        };
        if users.is_empty() { try_one(None) } else { users.iter().find_map(|user| try_one(Some(user))) }
    }

    fn shown<'a>(
        &self,
        user: Option<&UserEntry>,
        decision: &Decision<'a>,
        authority: &Authority<'a>,
        world: &'a World,
        contract: &'a Contract,
    ) -> Counterexample {
        let name = self.app.name().unwrap_or(&self.app.reference.id);
        let mut shown = Counterexample {
            organization: self.place.entry.id.to_string(),
            client: name.to_owned(),
            client_id: self.app.id().map(str::to_owned),
            user: user.map(|user| user.email.as_str().to_owned()),
            operation: self.operation.id.clone(),
            method: self.operation.method.as_str(),
            path: self.operation.path.clone(),
            carried_by: None,
            reason: None,
            missing: None,
            why: Vec::new(),
        };
        match decision {
            Decision::Allow(permit) => {
                let carried = CarriedBy::new(contract, world, authority, permit);
                shown.why = carried_in_words(&carried, permit.client().is_some());
                shown.carried_by = serde_json::to_value(carried).ok();
            }
            Decision::Deny(denial) => {
                let reason = denial.reason();
                shown.reason = Some(reason.as_str());
                shown.missing = reason.carries_missing().then(|| serde_json::to_value(denial.missing()).ok()).flatten();
                let missing = shown.missing.as_ref().map(missing_in_words).filter(|words| !words.is_empty());
                let lacks = missing.map(|words| format!(": lacks {words}")).unwrap_or_default();
                shown.why = vec![format!("{reason}{lacks}")];
            }
        }
        shown
    }
}

fn carried_in_words(carried: &CarriedBy<'_>, needs_somebody: bool) -> Vec<String> {
    let mut lines = Vec::new();
    match &carried.scopes {
        Some(scopes) => lines.push(format!("scope {}", scopes.join(" and "))),
        None if !needs_somebody => lines.push("the operation is public: it needs nobody".to_owned()),
        None => lines.push("no scope was needed".to_owned()),
    }
    for held in &carried.permissions {
        lines.push(format!("permission {} through {}", held.permission, in_words(&held.assignments)));
    }
    if let Some(assignments) = &carried.admitted_by {
        lines.push(format!("the app is for certain roles only, such as {}", in_words(assignments)));
    }
    lines
}

fn caller(app: &App<'_>, subject: Subject) -> Caller {
    Caller { client: app.reference.clone(), subject, ceiling: None, actors: Vec::new() }
}
