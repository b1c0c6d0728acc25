//! The grantor: what the caller of a write holds, and may therefore give away (invariants 14 to 17).
//!
//! Each half of authority is bounded by the same half of whoever gives it: roles by the permissions that the caller holds
//! in the division that the role is given in, what an app may do by rules that no app can turn on itself
//! (`docs/decisions/0010-nobody-gives-more-than-they-hold.md`).

use countersign_decision::{Permission, PermissionMode, PermissionPolicy};
use countersign_domain::id::ClientId;
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::{Assignee, Role, RoleAssignment};
use countersign_store::OrgStore;

use crate::contracts;
use crate::http::error::ApiError;
use crate::platform::Call;

/// What the caller holds, and where.
pub(super) struct Held(Vec<(RoleAssignment, Role)>);

/// What the caller holds, in an organization as it stands at the revision that the door decided the call on. Writes happen
/// on this revision or not at all: when the organization changed meanwhile, the door decides the whole call again.
pub(super) struct Grantor {
    /// What the caller holds.
    pub(super) held: Held,
}

/// Invariant 17, and more: an app does not change its own registration, secret or roles, whomever it acts for. Else an
/// app that an administrator once used could make itself an administrator.
pub(super) fn no_app_changes_itself(call: &Call, client: &ClientId) -> Result<(), ApiError> {
    if *client == call.bearer.client {
        return Err(ApiError::not_authorized("an app cannot change itself; use another app, such as the console"));
    }
    Ok(())
}

impl Held {
    /// Reads the caller's own roles.
    pub(super) async fn read(call: &Call) -> Result<Self, ApiError> {
        let assignee = match &call.bearer.subject {
            TokenSubject::User(user) => Assignee::User(user.clone()),
            TokenSubject::Client => Assignee::Client(call.bearer.client.clone()),
        };
        Ok(Self(call.org().roles_of(&assignee).await?))
    }

    /// Refuses unless the caller holds every one of `policies` in `division`.
    pub(super) fn must_hold(&self, policies: &[PermissionPolicy], division: &DivisionScope) -> Result<(), ApiError> {
        let lacking = self.lacking(policies, division);
        if lacking.is_empty() { Ok(()) } else { Err(ApiError::gives_too_much(&lacking)) }
    }

    /// Those of `policies` that the caller does not hold in `division`.
    pub(super) fn lacking(&self, policies: &[PermissionPolicy], division: &DivisionScope) -> Vec<String> {
        let is_held = |needed: &&PermissionPolicy| self.policies_in(Some(division)).any(|held| held.covers(needed));
        policies.iter().filter(|needed| !is_held(needed)).map(ToString::to_string).collect()
    }

    /// Those of `policies` that the caller holds in no division.
    pub(super) fn lacking_anywhere(&self, policies: &[PermissionPolicy]) -> Vec<String> {
        let is_held = |needed: &&PermissionPolicy| self.policies_in(None).any(|held| held.covers(needed));
        policies.iter().filter(|needed| !is_held(needed)).map(ToString::to_string).collect()
    }

    /// Refuses with `code` unless what the operation asks for is held in `division`.
    pub(super) fn must_act_in(
        &self,
        call: &Call,
        division: &DivisionScope,
        code: &'static str,
    ) -> Result<(), ApiError> {
        let lacking = self.lacking_in(call, division);
        if lacking.is_empty() { Ok(()) } else { Err(ApiError::missing_division_permission(code, &lacking)) }
    }

    /// Whether what the operation asks for is held in `division`.
    pub(super) fn can_act_in(&self, call: &Call, division: &DivisionScope) -> bool {
        self.lacking_in(call, division).is_empty()
    }

    /// What the operation asks for and is not held in `division`. A permission that divisions do not limit counts wherever it is held.
    fn lacking_in<'c>(&self, call: &'c Call, division: &DivisionScope) -> Vec<&'c str> {
        let Some(list) = call.operation().requirement.permissions() else { return vec![] };
        let is_held = |permission: &Permission| {
            let division = contracts::is_division_aware(permission.as_str()).then_some(division);
            self.policies_in(division).any(|held| held.matches(permission))
        };
        let lacking: Vec<&str> =
            list.of.iter().filter(|permission| !is_held(permission)).map(Permission::as_str).collect();
        let is_met = match list.mode {
            PermissionMode::Any => lacking.len() < list.of.len(),
            PermissionMode::All => lacking.is_empty(),
        };
        if is_met { vec![] } else { lacking }
    }

    /// The policies that are held in `division`, or in any.
    fn policies_in<'h>(&'h self, division: Option<&'h DivisionScope>) -> impl Iterator<Item = &'h PermissionPolicy> {
        let holds_there = move |assignment: &RoleAssignment| {
            assignment.division == DivisionScope::All
                || division.is_none_or(|division| assignment.division == *division)
        };
        self.0.iter().filter(move |(assignment, _)| holds_there(assignment)).flat_map(|(_, role)| &role.policies)
    }
}

impl Grantor {
    /// Reads what the caller holds.
    pub(super) async fn read(call: &Call) -> Result<Self, ApiError> {
        // first what the caller holds: if the revision is still the door's afterwards, it and the door's snapshot are
        // of that revision
        let held = Held::read(call).await?;
        if call.org().organization().await?.revision != call.bearer.org_revision {
            return Err(ApiError::moved());
        }
        Ok(Self { held })
    }

    /// The organization's data, for a write that happens on the door's revision or not at all.
    pub(super) fn store<'c>(&self, call: &'c Call) -> OrgStore<'c> {
        call.org().at_revision(call.bearer.org_revision)
    }
}
