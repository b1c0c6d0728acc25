//! Who can lift a denial: the people of the organization who may authorize apps, those who may give roles, and those who
//! may change what a role holds. Which permissions these are stands in our own API's contract, nowhere else.

use countersign_decision::explain::Remedy;
use countersign_decision::{Denial, Permission, PermissionMode, Reason};
use countersign_domain::user::UserState;
use countersign_domain::world::{OrganizationEntry, UserEntry};
use serde::Serialize;

use crate::contracts::platform_source;

/// The operation of our API that authorizes an app.
const AUTHORIZE_APP: &str = "putOauthAuthorization";
/// The operation of our API that gives roles to a user.
const GIVE_ROLES: &str = "putUserRoles";
/// The operation of our API that changes what a role holds.
const CHANGE_ROLE: &str = "putAuthorizationRole";

/// Who can help.
#[derive(Debug, Default, Serialize)]
pub(super) struct Help<'a> {
    /// Where scopes, or the app's authorization, are what is missing.
    pub(super) app: Option<Helpers<'a>>,
    /// Where permissions, or a role, are what is missing.
    pub(super) user: Option<Helpers<'a>>,
    /// Where no role of the organization holds what is missing: no role that anybody gives would do.
    pub(super) role: Option<Helpers<'a>>,
}

/// People and what makes them able to help.
#[derive(Debug, Serialize)]
pub(super) struct Helpers<'a> {
    /// Any of these permissions suffices.
    pub(super) permissions: Vec<String>,
    /// Active users who hold one, by e-mail address.
    pub(super) people: Vec<&'a str>,
}

impl<'a> Help<'a> {
    /// Who can lift a denial in an organization.
    pub(super) fn find(
        denial: &Denial<'_>,
        remedy: Option<&Remedy<'_>>,
        organization: &'a OrganizationEntry,
    ) -> anyhow::Result<Self> {
        let (reason, missing) = (denial.reason(), denial.missing());
        let wants_app =
            matches!(reason, Reason::AppRefused | Reason::AppNotAuthorized) || missing.scopes_any_of.is_some();
        let wants_user = missing.permissions.is_some() || missing.roles_any_of.is_some();
        if !wants_app && !wants_user {
            return Ok(Self::default());
        }
        let helpers = |operation| helpers(operation, organization);
        Ok(Self {
            app: wants_app.then(|| helpers(AUTHORIZE_APP)).transpose()?,
            user: wants_user.then(|| helpers(GIVE_ROLES)).transpose()?,
            role: remedy.is_some_and(wants_role).then(|| helpers(CHANGE_ROLE)).transpose()?,
        })
    }
}

/// Whether a permission that is needed stands in no role: one of an ALL list, or every one of an ANY list.
fn wants_role(remedy: &Remedy<'_>) -> bool {
    let mut lacks_role = remedy.permissions.iter().map(|held| held.roles.is_empty());
    match remedy.permission_mode {
        None => false,
        Some(PermissionMode::Any) => lacks_role.all(|lacks| lacks),
        Some(PermissionMode::All) => lacks_role.any(|lacks| lacks),
    }
}

fn helpers<'a>(operation_id: &str, organization: &'a OrganizationEntry) -> anyhow::Result<Helpers<'a>> {
    let platform = platform_source()?;
    let operation = platform.operations.iter().find(|operation| operation.id == operation_id);
    let permissions: Vec<&Permission> = operation
        .and_then(|operation| operation.requirement.permissions())
        .map_or_else(Vec::new, |list| list.of.iter().collect());
    let may_help = |user: &&UserEntry| {
        user.state.unwrap_or(UserState::Active) == UserState::Active
            && permissions.iter().any(|permission| holds(user, permission, organization))
    };
    Ok(Helpers {
        people: organization.users.iter().filter(may_help).map(|user| user.email.as_str()).collect(),
        permissions: permissions.iter().map(ToString::to_string).collect(),
    })
}

fn holds(user: &UserEntry, permission: &Permission, organization: &OrganizationEntry) -> bool {
    let roles = organization.roles.iter().filter(|role| user.roles.iter().any(|held| held.role == role.name));
    roles.flat_map(|role| &role.policies).any(|policy| policy.matches(permission))
}
