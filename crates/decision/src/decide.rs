//! The decision point: pure, the only policy, the only place that says yes.

mod rule;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::authority::{Authority, Links};
use crate::caller::Subject;
use crate::contract::Contract;
use crate::facts::Enforcement;
use crate::needs::Credential;
use crate::operation::{Method, Operation};
use crate::reason::{Denial, Reason, Report};
use crate::routes::{BadTarget, Canonical, canonicalise};
use crate::step_up::StepUp;

use rule::{Mode, refuse_all};

pub(crate) use rule::are_scopes_sufficient;

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

#[inline(always)]
#[expect(clippy::result_large_err, reason = "a denial is made for each refused call: a box would cost an allocation")]
fn canonical<'a, 't>(contract: &'a Contract, target: &'t [u8]) -> Result<Canonical<'t>, Denial<'a>> {
    match canonicalise(target) {
        // Nobody here can compare a target's own authority with Host: whoever can, passes on the origin form.
        Ok(target) if target.authority().is_some() => Err(bad_target(contract, BadTarget::absolute_form())),
        Ok(target) => Ok(target),
        Err(bad) => Err(bad_target(contract, bad)),
    }
}

#[inline(always)]
#[expect(clippy::result_large_err, reason = "a denial is made for each refused call: a box would cost an allocation")]
fn routed<'a>(contract: &'a Contract, method: &str, target: &Canonical<'_>) -> Result<(u32, &'a [u32]), Denial<'a>> {
    let route = contract.routes().find(target).ok_or_else(|| denial(contract, Reason::NoSuchOperation))?;
    let crossing = |method| contract.routes().crossing(route, method);
    let asked = Method::named(method).and_then(|method| Some((route.operation(method)?, crossing(method))));
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

/// The chosen operation first, then those it crosses by id: every one has to allow, the first that denies is the denial.
#[inline(always)]
fn decide_all<'a>(
    contract: &'a Contract,
    links: &Result<Links<'a>, Reason>,
    operation: u32,
    crossing: &'a [u32],
) -> Decision<'a> {
    let reports = links.as_ref().is_ok_and(|links| links.caller.enforcement == Enforcement::Report);
    let report = if reports { report(contract, links, operation, crossing) } else { None };
    let chosen = contract.operation_at(operation);

    match refuse_all(contract, links, operation, crossing, Mode::AsSet) {
        Some(refusal) => Decision::Deny(Denial {
            operation: Some(chosen),
            decided_by: Some(contract.operation_at(refusal.operation)),
            lacking: refusal.lacking(contract),
            report,
            ..denial(contract, refusal.reason)
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

/// What `enforce` would deny the call for.
#[cold]
fn report<'a>(
    contract: &'a Contract,
    links: &Result<Links<'a>, Reason>,
    operation: u32,
    crossing: &[u32],
) -> Option<Report<'a>> {
    let refusal = refuse_all(contract, links, operation, crossing, Mode::AsIfEnforced)?;
    Some(Report { reason: refusal.reason, lacking: refusal.lacking(contract)? })
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
