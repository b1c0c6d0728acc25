//! The decision point: pure, the only policy, the only place that says yes.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::authority::{Authority, Link};
use crate::contract::{Contract, Needs};
use crate::operation::{Method, Operation};
use crate::reason::{Denial, Missing, MissingPermissions, Reason, Report};
use crate::requirement::{PermissionMode, Requirement};
use crate::routes::{BadTarget, canonicalise};
use crate::snapshot::{Enforcement, Subject};

/// The answer to one call.
///
/// Serializes as a line of `evaluate`: `{"decision":"allow","operation":…}` or `{"decision":"deny","operation":…,"reason":…,"missing":…}`.
#[derive(Debug)]
pub enum Decision<'a> {
    /// The call may go through.
    Allow(Permit<'a>),
    /// The call may not go through.
    Deny(Denial<'a>),
}

/// The proof of an allow. Only this file makes one; code that acts takes it as an argument.
#[derive(Debug)]
pub struct Permit<'a> {
    operation: &'a Operation,
    /// Nothing on public operations: they prove nobody.
    caller: Option<CallerRef<'a>>,
    report: Option<Report<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct CallerRef<'a> {
    organization: &'a str,
    client: &'a str,
    subject: &'a Subject,
}

/// The proof of an allowed call by a known caller, without borrows: what handlers and the store take. Made only from a [`Permit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedPermit {
    organization: String,
    client: String,
    subject: Subject,
    operation_id: String,
}

/// Decides one call: the operation that the target means, and whether the authority suffices for it and for every operation that it crosses.
pub fn decide<'a>(contract: &'a Contract, authority: &Authority<'a>, method: &str, target: &[u8]) -> Decision<'a> {
    let target = match canonicalise(target) {
        // Nobody here can compare a target's own authority with Host: whoever can, passes on the origin form.
        Ok(target) if target.authority().is_some() => {
            return deny_target(contract, BadTarget::absolute_form());
        }
        Ok(target) => target,
        Err(bad_target) => return deny_target(contract, bad_target),
    };
    let Some(route) = contract.routes().find(&target) else {
        return deny(contract, Reason::NoSuchOperation);
    };
    let Some((method, operation)) = method.parse::<Method>().ok().and_then(|method| route.operation(method)) else {
        let mut denial = denial(contract, Reason::MethodNotAllowed);
        denial.allowed_methods = route.allowed_methods();
        return Decision::Deny(denial);
    };
    let crossing = route.crossing(method).iter().copied().filter(|other| contract.routes().matches(*other, &target));
    decide_all(contract, authority, operation, &crossing)
}

/// Decides an operation that is named instead of requested: for pages, and for interfaces that name operations.
/// There is no path here, so nothing can cross; an unknown id is [`Reason::NoSuchOperation`].
pub fn decide_operation<'a>(contract: &'a Contract, authority: &Authority<'a>, operation_id: &str) -> Decision<'a> {
    match contract.operation_index(operation_id) {
        Some(operation) => decide_all(contract, authority, operation, &std::iter::empty()),
        None => deny(contract, Reason::NoSuchOperation),
    }
}

impl<'a> Decision<'a> {
    /// Whether the call may go through.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// The operation that the request means.
    pub fn operation(&self) -> Option<&'a Operation> {
        match self {
            Self::Allow(permit) => Some(permit.operation),
            Self::Deny(denial) => denial.operation(),
        }
    }

    /// The denial, where it is one.
    pub fn denial(&self) -> Option<&Denial<'a>> {
        match self {
            Self::Allow(_) => None,
            Self::Deny(denial) => Some(denial),
        }
    }
}

impl<'a> Permit<'a> {
    /// The operation that was allowed.
    pub fn operation(&self) -> &'a Operation {
        self.operation
    }

    /// The organization; nothing on public operations.
    pub fn organization(&self) -> Option<&'a str> {
        self.caller.map(|caller| caller.organization)
    }

    /// The client; nothing on public operations.
    pub fn client(&self) -> Option<&'a str> {
        self.caller.map(|caller| caller.client)
    }

    /// For whom the client acts; nothing on public operations.
    pub fn subject(&self) -> Option<&'a Subject> {
        self.caller.map(|caller| caller.subject)
    }

    /// What `enforce` would have denied the call for, in an organization that only reports.
    pub fn report(&self) -> Option<&Missing<'a>> {
        self.report.as_ref().map(|report| &report.missing)
    }

    /// The reason that `enforce` would have given, in an organization that only reports.
    pub fn report_reason(&self) -> Option<Reason> {
        self.report.as_ref().map(|report| report.reason)
    }

    /// The proof without borrows. Nothing on public operations: they prove nobody.
    pub fn detach(&self) -> Option<OwnedPermit> {
        let caller = self.caller?;
        Some(OwnedPermit {
            organization: caller.organization.to_owned(),
            client: caller.client.to_owned(),
            subject: caller.subject.clone(),
            operation_id: self.operation.id.clone(),
        })
    }
}

impl OwnedPermit {
    /// The organization that the call is allowed in.
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// The client.
    pub fn client(&self) -> &str {
        &self.client
    }

    /// For whom the client acts.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The operation that was allowed.
    pub fn operation_id(&self) -> &str {
        &self.operation_id
    }
}

/// Whether the scopes are looked at as the organization has set it, or as if it enforced them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    AsSet,
    AsIfEnforced,
}

struct Refusal<'a> {
    operation: &'a Operation,
    reason: Reason,
    missing: Missing<'a>,
}

/// The chosen operation first, then those it crosses by id: every one has to allow, the first that denies is the denial.
fn decide_all<'a>(
    contract: &'a Contract,
    authority: &Authority<'a>,
    operation: u32,
    crossing: &(impl Iterator<Item = u32> + Clone),
) -> Decision<'a> {
    let refusal_in = |mode| {
        std::iter::once(operation)
            .chain(crossing.clone())
            .find_map(|operation| refuse_operation(contract, authority, operation, mode))
    };
    let reports = authority.caller().is_some_and(|link| link.enforcement == Enforcement::Report);
    let report = if reports { refusal_in(Mode::AsIfEnforced) } else { None };
    let report = report
        .filter(|refusal| refusal.reason.carries_missing())
        .map(|Refusal { reason, missing, .. }| Report { reason, missing });
    let chosen = contract.operation_at(operation);

    match refusal_in(Mode::AsSet) {
        Some(Refusal { operation: decided_by, reason, missing }) => Decision::Deny(Denial {
            operation: Some(chosen),
            decided_by: Some(decided_by),
            missing,
            report,
            ..denial(contract, reason)
        }),
        None => {
            let caller = authority.caller().filter(|_| chosen.requirement != Requirement::Public);
            let caller = caller.map(|link| CallerRef {
                organization: link.snapshot.organization(),
                client: link.client,
                subject: link.subject,
            });
            Decision::Allow(Permit { operation: chosen, caller, report })
        }
    }
}

/// What refuses this one operation: its requirement, or the first link of the delegation chain that does not meet it.
fn refuse_operation<'a>(
    contract: &'a Contract,
    authority: &Authority<'a>,
    operation: u32,
    mode: Mode,
) -> Option<Refusal<'a>> {
    let (needs, operation) = (contract.needs_at(operation), contract.operation_at(operation));
    let plain = |reason| Some(Refusal { operation, reason, missing: Missing::default() });
    match &operation.requirement {
        Requirement::Public => return None,
        Requirement::Unstated { .. } => return plain(Reason::UnstatedRequirement),
        Requirement::OtherCredential { .. } => return plain(Reason::OtherCredential),
        Requirement::Authenticated | Requirement::Oauth { .. } => {}
    }
    let links = match authority.links(contract.catalogue()) {
        Ok(links) => links,
        Err(reason) => return plain(reason),
    };
    for link in links {
        if let Some(reason) = link.refusal {
            return plain(reason);
        }
        if let Some((reason, missing)) = refuse_link(operation, needs, link, mode) {
            return Some(Refusal { operation, reason, missing });
        }
    }
    None
}

/// The rule for one app and one subject: every half is looked at, the first that is missing gives the reason.
fn refuse_link<'a>(
    operation: &'a Operation,
    needs: &'a Needs,
    link: &Link<'a>,
    mode: Mode,
) -> Option<(Reason, Missing<'a>)> {
    let is_enforced = link.enforcement == Enforcement::Enforce
        || (mode == Mode::AsIfEnforced && link.enforcement == Enforcement::Report);
    let is_unauthorized = is_enforced && link.authorization.is_none();
    let missing = Missing {
        scopes_any_of: missing_scopes(operation, needs, link, is_enforced),
        permissions: missing_permissions(operation, needs, link),
        roles_any_of: if is_enforced { missing_roles(link) } else { None },
    };

    let reason = if is_unauthorized {
        Reason::AppNotAuthorized
    } else if missing.scopes_any_of.is_some() {
        Reason::MissingScope
    } else if missing.roles_any_of.is_some() {
        Reason::RoleNotAllowed
    } else if missing.permissions.is_some() {
        Reason::MissingPermission
    } else {
        return None;
    };
    Some((reason, missing))
}

/// All alternatives, unless one lies within the token's ceiling and, where the organization enforces, within its authorization.
fn missing_scopes<'a>(
    operation: &'a Operation,
    needs: &Needs,
    link: &Link<'_>,
    is_enforced: bool,
) -> Option<Vec<Vec<&'a str>>> {
    let is_granted = |scope: u32| {
        !is_enforced || link.authorization.is_some_and(|authorization| authorization.scopes.contains(scope))
    };
    let holds = |scope: &u32| link.is_below_ceiling(*scope) && is_granted(*scope);
    if needs.scopes_any_of.is_empty() || needs.scopes_any_of.iter().any(|alternative| alternative.iter().all(holds)) {
        return None;
    }
    let alternatives = operation.requirement.scopes_any_of().iter();
    Some(alternatives.map(|alternative| alternative.iter().map(crate::Scope::as_str).collect()).collect())
}

/// The permissions that are not held: of an `ANY` list all or none, of an `ALL` list those that are lacking.
fn missing_permissions<'a>(operation: &'a Operation, needs: &Needs, link: &Link<'_>) -> Option<MissingPermissions<'a>> {
    let (mode, indices) = needs.permissions.as_ref()?;
    let is_held = |permission: &u32| link.permissions.contains(*permission);
    let is_satisfied = match mode {
        PermissionMode::Any => indices.iter().any(is_held),
        PermissionMode::All => indices.iter().all(is_held),
    };
    if is_satisfied {
        return None;
    }
    let names = operation.requirement.permissions().into_iter().flat_map(|list| &list.of);
    let lacking = names.zip(indices).filter(|(_, index)| !is_held(index)).map(|(name, _)| name.as_str());
    Some(MissingPermissions { mode: *mode, of: lacking.collect() })
}

/// The authorization's roles, unless it has none or the subject holds one of them.
fn missing_roles<'a>(link: &Link<'a>) -> Option<Vec<crate::RoleRef<'a>>> {
    let authorization = link.authorization.filter(|authorization| !authorization.admits(link.roles))?;
    Some(authorization.roles.iter().map(|limit| link.snapshot.role_ref(limit)).collect())
}

fn denial(contract: &Contract, reason: Reason) -> Denial<'_> {
    Denial {
        reason,
        contract,
        operation: None,
        decided_by: None,
        missing: Missing::default(),
        allowed_methods: Vec::new(),
        bad_target: None,
        report: None,
    }
}

fn deny(contract: &Contract, reason: Reason) -> Decision<'_> {
    Decision::Deny(denial(contract, reason))
}

fn deny_target(contract: &Contract, bad_target: BadTarget) -> Decision<'_> {
    Decision::Deny(Denial { bad_target: Some(bad_target), ..denial(contract, Reason::BadRequestTarget) })
}

impl Serialize for Decision<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        match self {
            Self::Allow(permit) => {
                line.serialize_entry("decision", "allow")?;
                line.serialize_entry("operation", &permit.operation.id)?;
            }
            Self::Deny(denial) => {
                line.serialize_entry("decision", "deny")?;
                line.serialize_entry("operation", &denial.operation().map(|operation| &operation.id))?;
                line.serialize_entry("reason", &denial.reason())?;
                if denial.reason().carries_missing() {
                    line.serialize_entry("missing", denial.missing())?;
                }
            }
        }
        line.end()
    }
}
