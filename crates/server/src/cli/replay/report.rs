//! What a replay found out. Serializes as `--json` shows it; `docs/reference/replay.md` names the keys.

use std::collections::{BTreeMap, BTreeSet};

use countersign_decision::usage::{Held, Usage};
use countersign_decision::{AuthorizationState, Contract, Operation, Permission, Scope};
use countersign_domain::world::{AssignmentEntry, CompiledWorld, OrganizationEntry};
use serde::Serialize;

use super::tally::{Example, Focus, Kind, Totals, Who};
use super::verdict::{Changes, Decided, compare, count, decide_all};
use crate::cli::failure::Failure;

/// How many examples each reason of calls that nothing opens has.
const MAX_EXAMPLES: usize = 5;

/// Everything.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    pub(super) organization: &'a str,
    #[serde(skip)]
    pub(super) organization_name: &'a str,
    pub(super) client: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) calls: Totals,
    /// The operations of counted calls.
    pub(super) operations: Vec<Used<'a>>,
    /// The operations that only calls mean that do not count.
    pub(super) operations_not_counted: Vec<Used<'a>>,
    pub(super) scopes: Scopes<'a>,
    pub(super) permissions: Permissions<'a>,
    pub(super) subjects: Vec<SubjectUse<'a>>,
    /// Calls that no scope and no permission opens, counted or not.
    pub(super) unmatched: Vec<Unmatched>,
    pub(super) now: Decided,
    pub(super) proposal: Option<Changes<'a>>,
}

/// An operation and how often it was called.
#[derive(Debug, Serialize)]
pub(super) struct Used<'a> {
    pub(super) id: &'a str,
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    pub(super) calls: u64,
}

/// The app's half.
#[derive(Debug, Serialize)]
pub(super) struct Scopes<'a> {
    /// The fewest that cover the counted calls.
    pub(super) smallest: Vec<&'a str>,
    pub(super) is_minimal: bool,
    pub(super) granted: Vec<&'a str>,
    /// Whether the organization's authorization is in force at all.
    pub(super) is_authorized: bool,
    /// The fewest granted ones that cover what all granted ones cover, the others, and of these the ones that no call
    /// could use.
    pub(super) needed: Vec<&'a str>,
    pub(super) unneeded: Vec<&'a str>,
    pub(super) unused: Vec<&'a str>,
    /// Those of the unused that no operation of the contract names: these calls say nothing about them.
    pub(super) unknown_to_contract: Vec<&'a str>,
    /// For each counted demand that nothing granted meets, its alternatives.
    pub(super) missing: Vec<Vec<Vec<String>>>,
}

/// The users' half, over all subjects together.
#[derive(Debug, Serialize)]
pub(super) struct Permissions<'a> {
    /// The fewest that cover the counted calls.
    pub(super) smallest: Vec<&'a str>,
    pub(super) is_minimal: bool,
}

/// The users' half, for one subject.
#[derive(Debug, Serialize)]
pub(super) struct SubjectUse<'a> {
    /// Nothing: the app itself.
    pub(super) user: Option<&'a str>,
    pub(super) calls: u64,
    pub(super) smallest: Vec<&'a str>,
    pub(super) is_minimal: bool,
    /// The fewest held permissions that cover what all held ones cover, the others, and of these the ones that no call
    /// could use.
    pub(super) needed: Vec<&'a str>,
    pub(super) unneeded: Vec<&'a str>,
    pub(super) unused: Vec<&'a str>,
    pub(super) missing: Vec<Vec<Vec<String>>>,
    pub(super) roles: Vec<&'a str>,
    /// The fewest roles that cover what all roles of the subject cover, and the others.
    pub(super) needed_roles: Vec<&'a str>,
    pub(super) unneeded_roles: Vec<&'a str>,
}

/// Calls that nothing opens, for one reason.
#[derive(Debug, Serialize)]
pub(super) struct Unmatched {
    pub(super) reason: &'static str,
    pub(super) calls: u64,
    pub(super) examples: Vec<Example>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        focus: &Focus<'a>,
        contract: &'a Contract,
        world: &CompiledWorld,
        proposed: Option<&CompiledWorld>,
        (kinds, totals): (Vec<Kind<'a>>, Totals),
    ) -> Result<Self, Failure> {
        let now = decide_all(&kinds, focus, contract, world)?;
        let then = proposed.map(|world| decide_all(&kinds, focus, contract, world)).transpose()?;
        let mut usage = Usage::new(contract);
        let mut unmatched: BTreeMap<&'static str, Unmatched> = BTreeMap::new();
        for kind in &kinds {
            if let Some(reason) = unmatched_for(kind, contract) {
                let entry = Unmatched { reason, calls: 0, examples: Vec::new() };
                let entry = unmatched.entry(reason).or_insert(entry);
                entry.calls += kind.calls;
                let room = MAX_EXAMPLES.saturating_sub(entry.examples.len());
                entry.examples.extend(kind.examples.iter().take(room).cloned());
            } else if kind.counted > 0 {
                usage.add(&kind.meaning, kind.ceiling.as_deref(), kind.counted);
            }
        }
        let (smallest, operations) = (usage.permissions().smallest(), used(usage.operations()));
        let mut unmatched: Vec<_> = unmatched.into_values().collect();
        unmatched.sort_by_key(|one| std::cmp::Reverse(one.calls));
        Ok(Self {
            organization: focus.organization.id.as_str(),
            organization_name: &focus.organization.name,
            client: focus.client_text,
            user: focus.user,
            calls: totals,
            operations_not_counted: not_counted(&kinds, &operations),
            operations,
            scopes: Scopes::new(focus, contract, &usage),
            permissions: Permissions { smallest: smallest.names, is_minimal: smallest.is_minimal },
            subjects: subjects(&kinds, focus, contract),
            unmatched,
            now: count(&kinds, &now),
            proposal: then.map(|then| compare(&kinds, &now, &then)),
        })
    }
}

/// Why nothing opens a kind of call: it is closed, or its token asked for too few scopes.
fn unmatched_for(kind: &Kind<'_>, contract: &Contract) -> Option<&'static str> {
    let is_openable = || Usage::new(contract).add(&kind.meaning, kind.ceiling.as_deref(), 1);
    match kind.meaning.closed {
        Some(reason) => Some(reason.as_str()),
        None if kind.ceiling.is_none() || is_openable() => None,
        None => Some("token_scopes_too_narrow"),
    }
}

fn used<'a>(operations: impl Iterator<Item = (&'a Operation, u64)>) -> Vec<Used<'a>> {
    let used = operations.map(|(operation, calls)| Used {
        id: &operation.id,
        method: operation.method.as_str(),
        path: &operation.path,
        calls,
    });
    let mut used: Vec<_> = used.collect();
    used.sort_by(|one, other| other.calls.cmp(&one.calls).then(one.id.cmp(other.id)));
    used
}

/// Operations that only calls mean that do not count.
fn not_counted<'a>(kinds: &[Kind<'a>], counted: &[Used<'_>]) -> Vec<Used<'a>> {
    let counted: BTreeSet<&str> = counted.iter().map(|one| one.id).collect();
    let mut others: BTreeMap<&str, (&Operation, u64)> = BTreeMap::new();
    for kind in kinds.iter().filter(|kind| kind.meaning.closed.is_none()) {
        if let Some(meant) = kind.meaning.operations.first().filter(|meant| !counted.contains(meant.id.as_str())) {
            others.entry(&meant.id).or_insert((meant, 0)).1 += kind.calls;
        }
    }
    used(others.into_values())
}

impl<'a> Scopes<'a> {
    fn new(focus: &Focus<'a>, contract: &Contract, usage: &Usage<'a>) -> Self {
        let authorization = focus.organization.authorization(&focus.client.id);
        let granted: BTreeSet<&str> = authorization.iter().flat_map(|one| &one.scopes).map(Scope::as_str).collect();
        let smallest = usage.scopes().smallest();
        let Held { needed, unneeded, unused, unmet, is_minimal } = usage.scopes().held(granted.iter().copied());
        let catalogue = contract.catalogue();
        let is_unknown = |scope: &&str| {
            let index = catalogue.scope_index(scope);
            index.and_then(|index| catalogue.scopes().get(index as usize)).is_none_or(|entry| entry.operations == 0)
        };
        Self {
            smallest: smallest.names,
            is_minimal: smallest.is_minimal && is_minimal,
            granted: granted.into_iter().collect(),
            is_authorized: authorization.is_some_and(|one| one.state == AuthorizationState::Authorized),
            needed,
            unneeded,
            unknown_to_contract: unused.iter().copied().filter(is_unknown).collect(),
            unused,
            missing: unmet,
        }
    }
}

/// What each known subject of the log needed, by name, the app itself first.
fn subjects<'a>(kinds: &[Kind<'a>], focus: &Focus<'a>, contract: &'a Contract) -> Vec<SubjectUse<'a>> {
    let mut by_subject: BTreeMap<&Who<'a>, Vec<&Kind<'a>>> = BTreeMap::new();
    for kind in kinds.iter().filter(|kind| kind.counted > 0 && kind.who != Who::Unknown) {
        by_subject.entry(&kind.who).or_default().push(kind);
    }
    let subjects = by_subject.into_iter().map(|(who, kinds)| subject(who, &kinds, focus, contract));
    subjects.filter(|subject| subject.calls > 0).collect()
}

fn subject<'a>(who: &Who<'a>, kinds: &[&Kind<'a>], focus: &Focus<'a>, contract: &'a Contract) -> SubjectUse<'a> {
    let mut usage = Usage::new(contract);
    let mut calls = 0;
    for kind in kinds {
        if usage.add(&kind.meaning, kind.ceiling.as_deref(), kind.counted) {
            calls += kind.counted;
        }
    }
    let roles = role_names(assignments(who, focus));
    let held: Vec<BTreeSet<&str>> =
        roles.iter().map(|role| permissions_of(role, focus.organization, contract)).collect();
    let limit = focus.organization.authorization(&focus.client.id).map_or(&[][..], |one| &one.roles);
    let admitted: Vec<usize> = (0..roles.len()).filter(|one| limit.iter().any(|name| name == roles[*one])).collect();
    let (needed_roles, _) = usage.permissions().fewest_holders(&held, &admitted);
    let (needed_roles, unneeded_roles): (Vec<_>, Vec<_>) =
        roles.iter().enumerate().partition(|(position, _)| needed_roles.contains(position));
    let all: BTreeSet<&str> = held.iter().flatten().copied().collect();
    let smallest = usage.permissions().smallest();
    let Held { needed, unneeded, unused, unmet, is_minimal } = usage.permissions().held(all);
    let names = |roles: Vec<(usize, &&'a str)>| roles.into_iter().map(|(_, role)| *role).collect();
    SubjectUse {
        user: who.user(),
        calls,
        smallest: smallest.names,
        is_minimal: smallest.is_minimal && is_minimal,
        needed,
        unneeded,
        unused,
        missing: unmet,
        needed_roles: names(needed_roles),
        unneeded_roles: names(unneeded_roles),
        roles,
    }
}

/// A client's own roles hold in its own organization only.
fn assignments<'a>(who: &Who<'a>, focus: &Focus<'a>) -> &'a [AssignmentEntry] {
    let organization = focus.organization;
    match who {
        Who::User(email) => organization.user(email).map_or(&[], |user| &user.roles),
        Who::Client => organization.own_client(&focus.client.id).map_or(&[], |client| &client.roles),
        Who::Unknown => &[],
    }
}

fn role_names(assignments: &[AssignmentEntry]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::with_capacity(assignments.len());
    for assignment in assignments {
        if !names.contains(&assignment.role.as_str()) {
            names.push(&assignment.role);
        }
    }
    names
}

/// What a role holds of what the contract knows.
fn permissions_of<'a>(role: &str, organization: &OrganizationEntry, contract: &'a Contract) -> BTreeSet<&'a str> {
    let catalogue = contract.catalogue();
    let policies = organization.role(role).into_iter().flat_map(|role| &role.policies);
    let indices = policies.flat_map(|policy| catalogue.permissions_matching(policy).collect::<Vec<_>>());
    indices.filter_map(|index| catalogue.permission(index)).map(Permission::as_str).collect()
}
