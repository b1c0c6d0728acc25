//! A call, and the answer to it in a form in which the engine and the naive model can be compared. The fuzz crate uses
//! this file too.

use countersign_decision::{
    Authority, Caller, ClientRef, Decision, Denial, Method, Missing, OrganizationFacts, PermissionMode, Reason,
    Snapshot, Subject,
};
use serde::Serialize;

/// A call as a line of `evaluate` says it. The chain has one link but for delegation; without links it is a request
/// without a token.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Call {
    pub(crate) organization: String,
    pub(crate) chain: Vec<Who>,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// One link: a client, for a user or for itself, with the token's explicit scopes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Who {
    pub(crate) client: String,
    pub(crate) user: Option<String>,
    pub(crate) scopes: Option<Vec<String>>,
}

/// The whole answer. Without `denied` it is an allow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    pub(crate) operation: Option<&'a str>,
    pub(crate) denied: Option<Denied<'a>>,
    /// The operation that denied.
    pub(crate) decided_by: Option<&'a str>,
    /// What a path has, where the method is not among it.
    pub(crate) allowed_methods: Vec<Method>,
    /// What `enforce` would have denied for, in an organization that only reports.
    pub(crate) report: Option<Denied<'a>>,
}

/// A reason with every half that is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Denied<'a> {
    pub(crate) reason: &'static str,
    pub(crate) scopes_any_of: Option<Vec<Vec<&'a str>>>,
    pub(crate) permissions: Option<(PermissionMode, Vec<&'a str>)>,
    pub(crate) roles_any_of: Option<Vec<&'a str>>,
}

impl<'a> Denied<'a> {
    /// A denial that names nothing as missing.
    pub(crate) fn plain(reason: &'static str) -> Self {
        Self { reason, ..Self::default() }
    }

    /// Whether the reason is one that names what is missing.
    pub(crate) fn names_missing(&self) -> bool {
        ["app_not_authorized", "missing_scope", "role_not_allowed", "missing_permission"].contains(&self.reason)
    }

    fn of(reason: Reason, missing: &Missing<'a>) -> Self {
        let permissions = missing.permissions.as_ref().map(|list| (list.mode, list.of.clone()));
        let roles = missing.roles_any_of.as_ref().map(|roles| roles.iter().map(|role| role.name).collect());
        let scopes_any_of = missing.scopes_any_of.clone();
        Self { reason: reason.as_str(), scopes_any_of, permissions, roles_any_of: roles }
    }
}

/// What the engine answered.
pub(crate) fn answer<'a>(decision: &Decision<'a>) -> Answer<'a> {
    let operation = decision.operation().map(|one| one.id.as_str());
    match decision {
        Decision::Allow(permit) => {
            let report = permit.report().map(|report| Denied::of(report.reason(), &report.missing()));
            Answer { operation, report, ..Answer::default() }
        }
        Decision::Deny(denial) => Answer {
            operation,
            denied: Some(denied(denial)),
            decided_by: denial.decided_by().map(|one| one.id.as_str()),
            allowed_methods: denial.allowed_methods().collect(),
            report: denial.report().map(|report| Denied::of(report.reason(), &report.missing())),
        },
    }
}

fn denied<'a>(denial: &Denial<'a>) -> Denied<'a> {
    Denied::of(denial.reason(), &denial.missing())
}

/// Who the chain of a token is, as whoever resolves tokens looks it up. Nothing: one of its clients is not known.
pub(crate) fn caller(world: &[OrganizationFacts], chain: &[Who]) -> Option<Caller> {
    let link = |who: &Who| {
        let home = world.iter().find(|home| home.clients.iter().any(|one| one.id == who.client))?;
        let active = home.clients.iter().any(|one| one.id == who.client && one.active);
        Some(Caller {
            client: ClientRef { id: who.client.clone(), home_organization: home.id.clone(), active },
            subject: who.user.clone().map_or(Subject::Client, Subject::User),
            ceiling: who.scopes.clone(),
            actors: Vec::new(),
        })
    };
    let (first, rest) = chain.split_first()?;
    Some(Caller { actors: rest.iter().map(link).collect::<Option<_>>()?, ..link(first)? })
}

/// What a door takes a call for, in the order of its checks.
pub(crate) fn authority<'s>(
    snapshot: Option<&'s Snapshot>,
    chain: &[Who],
    caller: Option<&'s Caller>,
) -> Authority<'s> {
    match (snapshot, caller) {
        _ if chain.is_empty() => Authority::missing_credentials(),
        (None, _) => Authority::unknown_organization(),
        (_, None) => Authority::unknown_client(),
        (Some(snapshot), Some(caller)) => snapshot.authority(caller),
    }
}
