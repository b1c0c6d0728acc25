//! A user's roles and permissions (`/api/v2/users/{userId}/roles`).

use std::collections::BTreeMap;

use axum::response::Response;
use countersign_decision::{Change, PermissionSet, SubjectFacts};
use countersign_domain::id::{RoleId, UserId};
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::user::{User, UserState};

use super::call::ok;
use super::grantor::Grantor;
use super::last_holder;
use super::users::{find, unknown_user};
use super::wire::NamedEntity;
use super::wire::role::ResourcePermissionPolicy;
use super::wire::user::UserAuthorization;
use crate::http::error::ApiError;
use crate::platform::Call;

/// The real system's code for a division that the caller's permission does not reach.
const DIVISION: &str = "missing.division.permission";
/// Most roles that one request may name.
const MAX_ROLES: usize = 500;

/// `GET /api/v2/users/{subjectId}/roles`
pub(super) async fn read(call: Call) -> Result<Response, ApiError> {
    let user = existing(&call).await?;
    ok(user_authorization(&call, &user.id).await?)
}

/// `PUT /api/v2/users/{subjectId}/roles`
pub(super) async fn replace(call: Call) -> Result<Response, ApiError> {
    let roles = role_ids(&call.json::<Vec<String>>()?)?;
    let user = existing(&call).await?;
    let home = DivisionScope::Division(call.org().home_division().await?.id);

    let grantor = Grantor::read(&call).await?;
    let held_before = call.org().assignments_of(&Assignee::User(user.id.clone())).await?;
    for role in roles.iter().filter(|role| !held_before.iter().any(|held| held.role == **role)) {
        let policies = call.org().role(role).await?.ok_or_else(|| unknown_role(role))?.policies;
        grantor.held.must_act_in(&call, &home, DIVISION)?;
        grantor.held.must_hold(&policies, &home)?;
    }
    for taken in held_before.iter().filter(|held| !roles.contains(&held.role)) {
        grantor.held.must_act_in(&call, &taken.division, DIVISION)?;
    }
    last_holder::must_remain(&call, with_roles(&user.id, user.state == UserState::Active, &roles))?;

    grantor.store(&call).replace_user_roles(&user.id, &roles, &home).await?;
    ok(user_authorization(&call, &user.id).await?)
}

/// The change by which these become the user's roles.
pub(super) fn with_roles(user: &UserId, is_active: bool, roles: &[RoleId]) -> Change {
    let roles = roles.iter().map(ToString::to_string).collect();
    Change::User(SubjectFacts { id: user.to_string(), active: is_active, roles })
}

/// Roles that a user holds in any division, and the permissions that come with them.
pub(super) async fn user_authorization(call: &Call, user: &UserId) -> Result<UserAuthorization, ApiError> {
    let held = call.org().roles_of(&Assignee::User(user.clone())).await?;
    let roles: BTreeMap<_, _> = held.iter().map(|(_, role)| ((&role.name, &role.id), role)).collect();
    let policies: Vec<_> = roles.values().flat_map(|role| role.policies.clone()).collect();

    let catalogue = call.contracts.catalogue();
    let permissions = PermissionSet::of(catalogue, &policies);
    let permissions = permissions.iter().filter_map(|index| catalogue.permission(index)).map(ToString::to_string);
    Ok(UserAuthorization {
        roles: roles.keys().map(|(name, id)| NamedEntity { id: id.to_string(), name: (*name).clone() }).collect(),
        unused_roles: [],
        permissions: permissions.collect(),
        permission_policies: ResourcePermissionPolicy::all_of(&policies),
    })
}

async fn existing(call: &Call) -> Result<User, ApiError> {
    let user = find(call, call.path("subjectId")).await?;
    if user.state == UserState::Deleted { Err(unknown_user()) } else { Ok(user) }
}

/// Each role once, in the order of the request.
fn role_ids(given: &[String]) -> Result<Vec<RoleId>, ApiError> {
    if given.len() > MAX_ROLES {
        return Err(ApiError::bad_request(format!("{MAX_ROLES} roles can be named at most")));
    }
    let mut roles: Vec<RoleId> = Vec::with_capacity(given.len());
    for text in given {
        let role = RoleId::parse(text).map_err(|error| ApiError::invalid("general.bad.request", error.to_string()))?;
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    Ok(roles)
}

fn unknown_role(role: &RoleId) -> ApiError {
    ApiError::invalid("general.bad.request", format!("the organization has no role `{role}`"))
}
