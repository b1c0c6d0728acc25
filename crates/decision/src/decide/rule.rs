//! The rule: what refuses an operation to a caller.
//!
//! All of it is inlined into the one function that decides, whatever the compiler thinks of its size: handed from function to function, what a caller
//! holds and what is refused was written to memory and read again, which took two hundred instructions of each decision
//! (docs/decisions/0033-fewer-lines-and-instructions.md).

use crate::authority::{Link, Links};
use crate::bitset::Bits;
use crate::contract::Contract;
use crate::facts::Enforcement;
use crate::needs::{Credential, Needs};
use crate::reason::{Lacking, Reason};
use crate::requirement::PermissionMode;

/// Whether the scopes are looked at as the organization has set it, or as if it enforced them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    AsSet,
    AsIfEnforced,
}

/// What refuses an operation: small, and passed on as it is. What a denial says more is put together once, at the end.
#[derive(Clone, Copy)]
pub(super) struct Refusal<'l, 'a> {
    pub(super) operation: u32,
    pub(super) reason: Reason,
    lacking: Option<(&'l Link<'a>, Halves)>,
}

/// Which halves of a requirement a link does not meet.
#[derive(Clone, Copy)]
struct Halves {
    scopes: bool,
    roles: bool,
    permissions: bool,
}

impl<'a> Refusal<'_, 'a> {
    pub(super) fn lacking(self, contract: &'a Contract) -> Option<Lacking<'a>> {
        let (link, halves) = self.lacking?;
        Some(Lacking {
            contract,
            operation: self.operation,
            scopes: halves.scopes,
            permissions: halves.permissions.then_some(link.permissions),
            roles: link.authorization.filter(|_| halves.roles).map(|authorization| (link.snapshot, authorization)),
        })
    }
}

/// The chosen operation first, then those it crosses by id: every one has to allow, the first that refuses is named.
#[inline(always)]
pub(super) fn refuse_all<'l, 'a>(
    contract: &'a Contract,
    links: &'l Result<Links<'a>, Reason>,
    operation: u32,
    crossing: &[u32],
    mode: Mode,
) -> Option<Refusal<'l, 'a>> {
    if let Some(refusal) = refuse_operation(contract, links, operation, mode) {
        return Some(refusal);
    }
    crossing.iter().find_map(|other| refuse_operation(contract, links, *other, mode))
}

/// What refuses this one operation: its requirement, or the first link of the delegation chain that does not meet it.
#[inline(always)]
fn refuse_operation<'l, 'a>(
    contract: &'a Contract,
    links: &'l Result<Links<'a>, Reason>,
    operation: u32,
    mode: Mode,
) -> Option<Refusal<'l, 'a>> {
    let needs = contract.needs_at(operation);
    let plain = |reason| Some(Refusal { operation, reason, lacking: None });
    if needs.credential != Credential::Ours {
        return match needs.credential {
            Credential::Unstated => plain(Reason::UnstatedRequirement),
            Credential::Other => plain(Reason::OtherCredential),
            Credential::Public | Credential::Ours => None,
        };
    }
    let Links { caller, actors } = match links {
        Ok(links) => links,
        Err(reason) => return plain(*reason),
    };
    for link in std::iter::once(caller).chain(actors) {
        if let Some((reason, halves)) = refuse_link(needs, link, mode) {
            return Some(Refusal { operation, reason, lacking: halves.map(|halves| (link, halves)) });
        }
    }
    None
}

/// The rule for one app and one subject: every half is looked at, the first that is missing gives the reason.
#[inline(always)]
fn refuse_link(needs: &Needs, link: &Link<'_>, mode: Mode) -> Option<(Reason, Option<Halves>)> {
    if let Some(reason) = link.refusal {
        return Some((reason, None));
    }
    let is_enforced = link.enforcement == Enforcement::Enforce
        || (mode == Mode::AsIfEnforced && link.enforcement == Enforcement::Report);
    let is_beyond_limit = |one| !link.snapshot.admits(one, link.combination);
    let lacking = Halves {
        scopes: !are_scopes_sufficient(needs, link, is_enforced),
        roles: is_enforced && link.authorization.is_some_and(is_beyond_limit),
        permissions: !are_permissions_sufficient(needs, link.permissions),
    };

    let reason = if is_enforced && link.authorization.is_none() {
        Reason::AppNotAuthorized
    } else if lacking.scopes {
        Reason::MissingScope
    } else if lacking.roles {
        Reason::RoleNotAllowed
    } else if lacking.permissions {
        Reason::MissingPermission
    } else {
        return None;
    };
    Some((reason, Some(lacking)))
}

/// Whether some alternative lies within the token's ceiling and, where the organization enforces, within its authorization.
#[inline(always)]
pub(crate) fn are_scopes_sufficient(needs: &Needs, link: &Link<'_>, is_enforced: bool) -> bool {
    let granted = link.authorization.map(|authorization| authorization.scopes.bits());
    let is_granted = |scope: u32| !is_enforced || granted.is_some_and(|granted| granted.contains(scope));
    let holds = |scope: &u32| is_granted(*scope) && link.is_below_ceiling(*scope);
    let (scopes, scope_sets) = (needs.scopes(), needs.scope_sets());
    let needs_no_scope = scopes.is_empty() && scope_sets.is_empty();
    if needs_no_scope {
        return true;
    }
    for scope in scopes {
        if holds(scope) {
            return true;
        }
    }
    scope_sets.iter().any(|set| set.iter().all(holds))
}

/// Whether one of an `ANY` list is held, or every one of an `ALL` list.
#[inline(always)]
fn are_permissions_sufficient(needs: &Needs, held: Bits<'_>) -> bool {
    let is_held = |permission: &u32| held.contains(*permission);
    let permissions = needs.permissions();
    match needs.mode {
        PermissionMode::Any => permissions.is_empty() || permissions.iter().any(is_held),
        PermissionMode::All => permissions.iter().all(is_held),
    }
}
