//! The decision on each kind of call: now, and under a proposal.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use countersign_decision::{Authority, Contract, Decision, Denial, Scope, decide};
use countersign_domain::world::CompiledWorld;
use serde::Serialize;
use serde_json::Value;

use super::tally::{Example, Focus, Kind};
use crate::cli::evaluate::Request;
use crate::cli::failure::Failure;

/// How many calls were allowed and denied.
#[derive(Debug, Default, Serialize)]
pub(super) struct Decided {
    pub(super) allowed: u64,
    pub(super) denied: u64,
}

/// What a proposal would change.
#[derive(Debug, Default, Serialize)]
pub(super) struct Changes<'a> {
    pub(super) allowed: u64,
    pub(super) denied: u64,
    /// Denied there, allowed now.
    pub(super) newly_denied: u64,
    /// Allowed there, denied now.
    pub(super) newly_allowed: u64,
    /// How many calls are denied there, by reason.
    pub(super) denied_by_reason: BTreeMap<&'static str, u64>,
    /// Calls that mean an operation and are denied there: newly denied ones first, then by how many they are.
    pub(super) denials: Vec<Denied<'a>>,
    /// Calls that are allowed there and denied now, by how many they are.
    pub(super) allowances: Vec<Allowed<'a>>,
}

/// Calls that a proposal denies for one reason.
#[derive(Debug, Serialize)]
pub(super) struct Denied<'a> {
    pub(super) operation: &'a str,
    #[serde(flatten)]
    pub(super) why: Why,
    pub(super) is_new: bool,
    pub(super) calls: u64,
    pub(super) examples: Vec<Example>,
}

/// Calls that a proposal allows.
#[derive(Debug, Serialize)]
pub(super) struct Allowed<'a> {
    pub(super) operation: &'a str,
    /// Why they are denied now.
    pub(super) denied_now: Why,
    pub(super) calls: u64,
    pub(super) examples: Vec<Example>,
}

/// Why a call is denied.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Why {
    pub(super) reason: &'static str,
    /// The operation that denied, where it is not the one that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decided_by: Option<String>,
    /// What is missing, as `evaluate` writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing: Option<Value>,
}

/// Why each kind of call is denied in a world; nothing where it is allowed.
pub(super) fn decide_all(
    kinds: &[Kind<'_>],
    focus: &Focus<'_>,
    contract: &Contract,
    world: &CompiledWorld,
) -> Result<Vec<Option<Why>>, Failure> {
    kinds.iter().map(|kind| decide_one(kind, focus, contract, world)).collect()
}

/// How many calls are allowed and denied.
pub(super) fn count(kinds: &[Kind<'_>], denied: &[Option<Why>]) -> Decided {
    let mut decided = Decided::default();
    for (kind, why) in kinds.iter().zip(denied) {
        *(if why.is_some() { &mut decided.denied } else { &mut decided.allowed }) += kind.calls;
    }
    decided
}

/// From the decisions now and under the proposal to what it would change.
pub(super) fn compare<'a>(kinds: &[Kind<'a>], now: &[Option<Why>], then: &[Option<Why>]) -> Changes<'a> {
    let mut changes = Changes::default();
    for ((kind, now), then) in kinds.iter().zip(now).zip(then) {
        let operation = kind.meaning.operations.first().map(|operation| operation.id.as_str());
        match (now, then) {
            (None, None) => changes.allowed += kind.calls,
            (Some(now), None) => {
                changes.allowed += kind.calls;
                changes.newly_allowed += kind.calls;
                changes.allow(operation, now, kind);
            }
            (_, Some(why)) => {
                changes.denied += kind.calls;
                changes.newly_denied += if now.is_none() { kind.calls } else { 0 };
                *changes.denied_by_reason.entry(why.reason).or_default() += kind.calls;
                changes.deny(operation, why, now.is_none(), kind);
            }
        }
    }
    changes.denials.sort_by_key(|one| (!one.is_new, Reverse(one.calls)));
    changes.allowances.sort_by_key(|one| Reverse(one.calls));
    changes
}

impl<'a> Changes<'a> {
    fn allow(&mut self, operation: Option<&'a str>, now: &Why, kind: &Kind<'a>) {
        let Some(operation) = operation else { return };
        let alike = |one: &&mut Allowed<'_>| one.operation == operation && one.denied_now == *now;
        match self.allowances.iter_mut().find(alike) {
            Some(same) => same.calls += kind.calls,
            None => self.allowances.push(Allowed {
                operation,
                denied_now: now.clone(),
                calls: kind.calls,
                examples: kind.examples.clone(),
            }),
        }
    }

    fn deny(&mut self, operation: Option<&'a str>, why: &Why, is_new: bool, kind: &Kind<'a>) {
        let Some(operation) = operation else { return };
        let alike = |one: &&mut Denied<'_>| one.operation == operation && one.why == *why && one.is_new == is_new;
        match self.denials.iter_mut().find(alike) {
            Some(same) => same.calls += kind.calls,
            None => self.denials.push(Denied {
                operation,
                why: why.clone(),
                is_new,
                calls: kind.calls,
                examples: kind.examples.clone(),
            }),
        }
    }
}

fn decide_one(
    kind: &Kind<'_>,
    focus: &Focus<'_>,
    contract: &Contract,
    world: &CompiledWorld,
) -> Result<Option<Why>, Failure> {
    let request = Request {
        organization: Cow::Borrowed(focus.organization.id.as_str()),
        client: Cow::Borrowed(focus.client_text),
        user: kind.who.user().map(Cow::Borrowed),
        scopes: None,
        method: Cow::Borrowed(&kind.method),
        path: Cow::Borrowed(""),
    };
    let parsed = |name: &&str| name.parse::<Scope>().expect("INVARIANT: the contract's own scopes");
    let ceiling = kind.ceiling.as_ref().map(|scopes| scopes.iter().map(parsed).collect());
    let answer = |authority: &Authority<'_>| match decide(contract, authority, &kind.method, &kind.target) {
        Decision::Allow(_) => None,
        Decision::Deny(denial) => Some(Why::of(&denial)),
    };
    let decided = request.with_authority(world, ceiling, answer);
    decided.map_err(|error| Failure::bad_input(format!("`--client`: {error}")))
}

impl Why {
    fn of(denial: &Denial<'_>) -> Self {
        let (meant, decided_by) = (denial.operation(), denial.decided_by());
        let other = decided_by.filter(|by| meant.is_none_or(|meant| meant.id != by.id));
        let missing = denial.reason().carries_missing().then(|| serde_json::to_value(denial.missing()));
        Self {
            reason: denial.reason().as_str(),
            decided_by: other.map(|operation| operation.id.clone()),
            missing: missing.map(|missing| missing.expect("INVARIANT: what is missing has a JSON form")),
        }
    }
}
