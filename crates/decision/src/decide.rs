//! The decision point: pure, the only policy, the only place that says yes.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::authority::{Authority, Link, Links};
use crate::bitset::Bits;
use crate::caller::Subject;
use crate::contract::{Contract, Credential, Needs};
use crate::facts::Enforcement;
use crate::operation::{Method, Operation};
use crate::reason::{Denial, Lacking, Reason, Report};
use crate::requirement::PermissionMode;
use crate::routes::{BadTarget, Canonical, canonicalise};
use crate::step_up::StepUp;

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
    contract: &'a Contract,
    operation: &'a Operation,
    /// The places of the operation and of those that it crosses.
    indices: (u32, &'a [u32]),
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
    // In this order, what the caller holds comes from memory while the route is found.
    let target = match canonical(contract, target) {
        Ok(target) => target,
        Err(denial) => return Decision::Deny(denial),
    };
    let links = authority.links(contract.catalogue());
    match routed(contract, method, &target) {
        Ok((operation, crossing)) => decide_all(contract, &links, operation, crossing),
        Err(denial) => Decision::Deny(denial),
    }
}

/// The operation that a request means, and those that it crosses, by id; or why it means none, whoever asks.
#[expect(clippy::result_large_err, reason = "a denial is made for each refused call: a box would cost an allocation")]
pub(crate) fn meant<'a>(contract: &'a Contract, method: &str, target: &[u8]) -> Result<(u32, &'a [u32]), Denial<'a>> {
    routed(contract, method, &canonical(contract, target)?)
}

#[expect(clippy::result_large_err, reason = "a denial is made for each refused call: a box would cost an allocation")]
fn canonical<'a, 't>(contract: &'a Contract, target: &'t [u8]) -> Result<Canonical<'t>, Denial<'a>> {
    match canonicalise(target) {
        // Nobody here can compare a target's own authority with Host: whoever can, passes on the origin form.
        Ok(target) if target.authority().is_some() => Err(bad_target(contract, BadTarget::absolute_form())),
        Ok(target) => Ok(target),
        Err(bad) => Err(bad_target(contract, bad)),
    }
}

#[expect(clippy::result_large_err, reason = "a denial is made for each refused call: a box would cost an allocation")]
fn routed<'a>(contract: &'a Contract, method: &str, target: &Canonical<'_>) -> Result<(u32, &'a [u32]), Denial<'a>> {
    let route = contract.routes().find(target).ok_or_else(|| denial(contract, Reason::NoSuchOperation))?;
    let asked = Method::named(method).and_then(|method| Some((route.operation(method)?, route.crossing(method))));
    asked.ok_or_else(|| Denial { route: Some(route), ..denial(contract, Reason::MethodNotAllowed) })
}

/// Decides an operation that is named instead of requested: for pages, and for interfaces that name operations.
/// There is no path here, so nothing can cross; an unknown id is [`Reason::NoSuchOperation`].
pub fn decide_operation<'a>(contract: &'a Contract, authority: &Authority<'a>, operation_id: &str) -> Decision<'a> {
    match contract.operation_index(operation_id) {
        Some(operation) => decide_index(contract, authority, operation),
        None => Decision::Deny(denial(contract, Reason::NoSuchOperation)),
    }
}

/// Decides the operation at this place of the contract, as [`decide_operation`].
pub(crate) fn decide_index<'a>(contract: &'a Contract, authority: &Authority<'a>, operation: u32) -> Decision<'a> {
    decide_all(contract, &authority.links(contract.catalogue()), operation, &[])
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

    /// What the operation, and each that it crosses, asks of the sign-in behind the call: all of it has to be met.
    /// Whoever read the token knows how and when its person signed in.
    pub fn step_ups(&self) -> impl Iterator<Item = &'a StepUp> {
        let (contract, (operation, crossing)) = (self.contract, self.indices);
        std::iter::once(operation).chain(crossing.iter().copied()).filter_map(|index| contract.step_up_at(index))
    }

    /// What `enforce` would have denied the call for, in an organization that only reports.
    pub fn report(&self) -> Option<&Report<'a>> {
        self.report.as_ref()
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
    operation: u32,
    reason: Reason,
    lacking: Option<Lacking<'a>>,
}

/// The chosen operation first, then those it crosses by id: every one has to allow, the first that denies is the denial.
fn decide_all<'a>(
    contract: &'a Contract,
    links: &Result<Links<'a>, Reason>,
    operation: u32,
    crossing: &'a [u32],
) -> Decision<'a> {
    let refusal_in = |mode| {
        let others = || crossing.iter().find_map(|other| refuse_operation(contract, links, *other, mode));
        refuse_operation(contract, links, operation, mode).or_else(others)
    };
    let reports = links.as_ref().is_ok_and(|links| links.caller.enforcement == Enforcement::Report);
    let report = if reports { refusal_in(Mode::AsIfEnforced) } else { None };
    let report = report.and_then(|Refusal { reason, lacking, .. }| Some(Report { reason, lacking: lacking? }));
    let chosen = contract.operation_at(operation);

    match refusal_in(Mode::AsSet) {
        Some(Refusal { operation: decided_by, reason, lacking }) => Decision::Deny(Denial {
            operation: Some(chosen),
            decided_by: Some(contract.operation_at(decided_by)),
            lacking,
            report,
            ..denial(contract, reason)
        }),
        None => {
            let is_public = contract.needs_at(operation).credential == Credential::Public;
            let caller = links.as_ref().ok().filter(|_| !is_public).map(|links| CallerRef {
                organization: links.caller.snapshot.organization(),
                client: links.caller.client,
                subject: links.caller.subject,
            });
            Decision::Allow(Permit { contract, operation: chosen, indices: (operation, crossing), caller, report })
        }
    }
}

/// What refuses this one operation: its requirement, or the first link of the delegation chain that does not meet it.
fn refuse_operation<'a>(
    contract: &'a Contract,
    links: &Result<Links<'a>, Reason>,
    operation: u32,
    mode: Mode,
) -> Option<Refusal<'a>> {
    let plain = |reason| Some(Refusal { operation, reason, lacking: None });
    match contract.needs_at(operation).credential {
        Credential::Public => return None,
        Credential::Unstated => return plain(Reason::UnstatedRequirement),
        Credential::Other => return plain(Reason::OtherCredential),
        Credential::Ours => {}
    }
    match links {
        Ok(Links { caller, actors }) => refuse_link(contract, operation, caller, mode)
            .or_else(|| actors.iter().find_map(|link| refuse_link(contract, operation, link, mode))),
        Err(reason) => plain(*reason),
    }
}

/// The rule for one app and one subject: every half is looked at, the first that is missing gives the reason.
fn refuse_link<'a>(contract: &'a Contract, operation: u32, link: &Link<'a>, mode: Mode) -> Option<Refusal<'a>> {
    if let Some(reason) = link.refusal {
        return Some(Refusal { operation, reason, lacking: None });
    }
    let needs = contract.needs_at(operation);
    let is_enforced = link.enforcement == Enforcement::Enforce
        || (mode == Mode::AsIfEnforced && link.enforcement == Enforcement::Report);
    let limit = link.authorization.filter(|one| is_enforced && !link.snapshot.admits(one, link.combination));
    let lacking = Lacking {
        contract,
        operation,
        scopes: !are_scopes_sufficient(needs, link, is_enforced),
        permissions: (!are_permissions_sufficient(needs, link.permissions)).then_some(link.permissions),
        roles: limit.map(|authorization| (link.snapshot, authorization)),
    };

    let reason = if is_enforced && link.authorization.is_none() {
        Reason::AppNotAuthorized
    } else if lacking.scopes {
        Reason::MissingScope
    } else if lacking.roles.is_some() {
        Reason::RoleNotAllowed
    } else if lacking.permissions.is_some() {
        Reason::MissingPermission
    } else {
        return None;
    };
    Some(Refusal { operation, reason, lacking: Some(lacking) })
}

/// Whether some alternative lies within the token's ceiling and, where the organization enforces, within its authorization.
pub(crate) fn are_scopes_sufficient(needs: &Needs, link: &Link<'_>, is_enforced: bool) -> bool {
    let is_granted = |scope: u32| {
        !is_enforced || link.authorization.is_some_and(|authorization| authorization.scopes.contains(scope))
    };
    let holds = |scope: &u32| is_granted(*scope) && link.is_below_ceiling(*scope);
    let needs_no_scope = needs.scopes.is_empty() && needs.scope_sets.is_empty();
    needs_no_scope || needs.scopes.iter().any(holds) || needs.scope_sets.iter().any(|set| set.iter().all(holds))
}

/// Whether one of an `ANY` list is held, or every one of an `ALL` list.
fn are_permissions_sufficient(needs: &Needs, held: Bits<'_>) -> bool {
    let is_held = |permission: &u32| held.contains(*permission);
    match needs.mode {
        PermissionMode::Any => needs.permissions.is_empty() || needs.permissions.iter().any(is_held),
        PermissionMode::All => needs.permissions.iter().all(is_held),
    }
}

fn denial(contract: &Contract, reason: Reason) -> Denial<'_> {
    Denial {
        reason,
        contract,
        operation: None,
        decided_by: None,
        lacking: None,
        route: None,
        bad_target: None,
        report: None,
    }
}

fn bad_target(contract: &Contract, bad_target: BadTarget) -> Denial<'_> {
    Denial { bad_target: Some(bad_target), ..denial(contract, Reason::BadRequestTarget) }
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
                    line.serialize_entry("missing", &denial.missing())?;
                }
            }
        }
        line.end()
    }
}
