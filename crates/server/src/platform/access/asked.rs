//! What a question is about: an operation by its id, or a request target as it would be sent.

use countersign_decision::{Authority, Contract, Decision, Reason, canonicalise, decide, decide_operation};
use countersign_domain::authzen::{Misfit, Resource};
use serde_json::{Value, json};

use crate::enforce::upstreams::{self, Unplaced};
use crate::platform::Call;

/// The one thing that can be done with an operation.
pub(super) const CALL: &str = "call";

/// A resource, found.
pub(super) enum Asked<'c> {
    /// An operation by its id.
    Operation(&'c Contract, &'c str),
    /// A target within a contract.
    Route(&'c Contract, String),
    /// Nothing that anybody could do anything with.
    Nothing(Reason),
}

/// A decision as it is sent (§5.5).
pub(super) struct Answer {
    pub(super) is_permitted: bool,
    context: Value,
}

impl<'c> Asked<'c> {
    /// Finds the resource: `properties.upstream` names the contract; a target without it is placed as the other doors do.
    ///
    /// # Errors
    /// An operation that belongs to no contract.
    pub(super) fn read(call: &'c Call, resource: &'c Resource) -> Result<Self, Misfit> {
        match resource.kind.as_str() {
            "operation" => {
                let contract = named(call, resource)?;
                Ok(contract.map_or(Self::Nothing(Reason::NoSuchOperation), |one| Self::Operation(one, &resource.id)))
            }
            "route" if resource.upstream.is_some() => {
                let route = |contract| Self::Route(contract, resource.id.clone());
                Ok(named(call, resource)?.map_or(Self::Nothing(Reason::NoSuchOperation), route))
            }
            "route" => Ok(placed(call, resource).unwrap_or_else(|unplaced| {
                Self::Nothing(match unplaced {
                    Unplaced::Target(_) | Unplaced::Host | Unplaced::Authority => Reason::BadRequestTarget,
                    Unplaced::NoUpstream => Reason::NoSuchOperation,
                })
            })),
            _ => Ok(Self::Nothing(Reason::NoSuchOperation)),
        }
    }

    /// Decides `action` on it.
    pub(super) fn decide(&self, authority: &Authority<'_>, action: &str) -> Answer {
        match self {
            Self::Operation(contract, id) if action == CALL => Answer::new(&decide_operation(contract, authority, id)),
            Self::Operation(..) => Answer::nothing(Reason::MethodNotAllowed),
            Self::Route(contract, target) => Answer::new(&decide(contract, authority, action, target.as_bytes())),
            Self::Nothing(reason) => Answer::nothing(*reason),
        }
    }
}

/// The contract that a resource names; nothing where there is none of this name.
///
/// # Errors
/// Where it names none.
pub(super) fn named<'c>(call: &'c Call, resource: &Resource) -> Result<Option<&'c Contract>, Misfit> {
    let name = resource.upstream.as_deref().ok_or_else(|| Misfit {
        field: "resource.properties.upstream".to_owned(),
        why: "is missing: it names the contract, as `[[upstream]]` does".to_owned(),
    })?;
    Ok(call.contracts.named(name))
}

fn placed<'c>(call: &'c Call, resource: &Resource) -> Result<Asked<'c>, Unplaced> {
    let target = match resource.host.as_deref() {
        Some(host) => upstreams::read(resource.id.as_bytes(), host)?,
        None => canonicalise(resource.id.as_bytes())?,
    };
    // whoever names no host names none in the target either
    if resource.host.is_none() && target.authority().is_some() {
        return Err(Unplaced::Authority);
    }
    let doors = call.app.doors();
    let place = doors.upstreams.place(resource.host.as_deref().unwrap_or_default(), &target)?;
    let contract = call.contracts.named(&place.upstream.name).ok_or(Unplaced::NoUpstream)?;
    Ok(Asked::Route(contract, place.target.to_owned()))
}

impl Answer {
    fn new(decision: &Decision<'_>) -> Self {
        match decision {
            Decision::Allow(permit) => {
                Self { is_permitted: true, context: json!({ "operation": permit.operation().id }) }
            }
            Decision::Deny(denial) => Self { is_permitted: false, context: json!(denial) },
        }
    }

    fn nothing(reason: Reason) -> Self {
        Self { is_permitted: false, context: json!({ "operation": null, "reason": reason }) }
    }

    pub(super) fn into_json(self) -> Value {
        json!({ "decision": self.is_permitted, "context": self.context })
    }
}
