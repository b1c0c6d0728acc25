//! Who holds which role where, one assignment at a time (`/api/v2/authorization/subjects`).

use axum::response::Response;
use countersign_domain::client::ClientState;
use countersign_domain::id::{ClientId, DivisionId, RoleId, UserId};
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::user::UserState;

use super::call::{no_content, ok};
use super::grantor::{Grantor, no_app_changes_itself};
use super::last_holder;
use super::user_roles::with_roles;
use super::wire::subject::AuthzSubject;
use crate::http::error::ApiError;
use crate::platform::Call;

/// The real system's code for a division that the caller's permission does not reach.
const DIVISION: &str = "missing.division.permissions";

/// `GET /api/v2/authorization/subjects/{subjectId}`
pub(super) async fn read(call: Call) -> Result<Response, ApiError> {
    call.query_flag("includeDuplicates", false)?;
    let subject = match user(&call).await? {
        Some(user) => user,
        None => client(&call).await?.ok_or_else(unknown_subject)?,
    };
    let held = call.org().roles_of(&subject.assignee).await?;
    let divisions = call.org().divisions().await?;
    ok(AuthzSubject::new(subject.assignee.id(), &subject.name, subject.version, &held, &divisions))
}

/// `POST /api/v2/authorization/subjects/{subjectId}/divisions/{divisionId}/roles/{roleId}`
pub(super) async fn assign(call: Call) -> Result<Response, ApiError> {
    let subject = match call.query("subjectType")? {
        None | Some("PC_USER") => user(&call).await?,
        Some("PC_OAUTH_CLIENT") => client(&call).await?,
        Some("PC_GROUP") => None,
        Some(other) => {
            return Err(ApiError::invalid_query("subjectType", other, &["PC_USER", "PC_GROUP", "PC_OAUTH_CLIENT"]));
        }
    };
    let assignee = subject.ok_or_else(unknown_subject)?.assignee;
    must_not_be_the_caller(&call, &assignee)?;
    let (division, role) = (division(&call).await?, role(&call)?);

    let grantor = Grantor::read(&call).await?;
    let policies = call.org().role(&role).await?.ok_or_else(|| ApiError::not_found("role"))?.policies;
    grantor.held.must_act_in(&call, &division, DIVISION)?;
    grantor.held.must_hold(&policies, &division)?;
    grantor.store(&call).assign_role(&assignee, &role, &division).await?;
    no_content()
}

/// `DELETE /api/v2/authorization/subjects/{subjectId}/divisions/{divisionId}/roles/{roleId}`
pub(super) async fn unassign(call: Call) -> Result<Response, ApiError> {
    let subject = match user(&call).await? {
        Some(user) => user,
        None => client(&call).await?.ok_or_else(unknown_subject)?,
    };
    let assignee = subject.assignee;
    must_not_be_the_caller(&call, &assignee)?;
    let (division, role) = (division(&call).await?, role(&call)?);

    let grantor = Grantor::read(&call).await?;
    let assignments = call.org().assignments_of(&assignee).await?;
    let (taken, kept): (Vec<_>, Vec<_>) =
        assignments.into_iter().partition(|held| held.role == role && held.division == division);
    if taken.is_empty() {
        return Err(ApiError::not_found("role assignment"));
    }
    grantor.held.must_act_in(&call, &division, DIVISION)?;
    if let Assignee::User(user) = &assignee {
        let kept: Vec<RoleId> = kept.into_iter().map(|held| held.role).collect();
        last_holder::must_remain(&call, with_roles(user, subject.is_active, &kept))?;
    }

    grantor.store(&call).unassign_role(&assignee, &role, &division).await?;
    no_content()
}

/// A user or an app of the organization.
struct Subject {
    assignee: Assignee,
    name: String,
    version: i64,
    is_active: bool,
}

async fn user(call: &Call) -> Result<Option<Subject>, ApiError> {
    let Ok(id) = UserId::parse(call.path("subjectId")) else { return Ok(None) };
    let user = call.org().user(&id).await?.filter(|user| user.state != UserState::Deleted);
    Ok(user.map(|user| Subject {
        assignee: Assignee::User(user.id),
        name: user.name,
        version: user.version,
        is_active: user.state == UserState::Active,
    }))
}

async fn client(call: &Call) -> Result<Option<Subject>, ApiError> {
    let Ok(id) = ClientId::of_segment(call.path("subjectId")) else { return Ok(None) };
    let client = call.org().client(&id).await?;
    Ok(client.map(|client| Subject {
        assignee: Assignee::Client(client.id),
        name: client.name,
        version: 1,
        is_active: client.state == ClientState::Active,
    }))
}

fn must_not_be_the_caller(call: &Call, assignee: &Assignee) -> Result<(), ApiError> {
    match assignee {
        Assignee::Client(client) => no_app_changes_itself(call, client),
        Assignee::User(_) => Ok(()),
    }
}

async fn division(call: &Call) -> Result<DivisionScope, ApiError> {
    if call.path("divisionId") == DivisionScope::All.as_str() {
        return Ok(DivisionScope::All);
    }
    let unknown = || ApiError::not_found("division");
    let id = DivisionId::parse(call.path("divisionId")).map_err(|_| unknown())?;
    let division = call.org().division(&id).await?.ok_or_else(unknown)?;
    Ok(DivisionScope::Division(division.id))
}

fn role(call: &Call) -> Result<RoleId, ApiError> {
    RoleId::parse(call.path("roleId")).map_err(|_| ApiError::not_found("role"))
}

fn unknown_subject() -> ApiError {
    ApiError::not_found("subject")
}
