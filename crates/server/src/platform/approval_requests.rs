//! Who asks that an app be authorized (`/api/v2/oauth/authorizations/{clientId}/requests`).

use axum::response::Response;
use countersign_decision::{AuthorizationState, Scope};
use countersign_domain::client::Client;
use countersign_domain::id::UserId;
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::role::Assignee;

use super::authorizations::{MAX_REASON, registered};
use super::call::ok;
use super::fields::Fields;
use super::people::People;
use super::scopes;
use super::wire::authorization::{OAuthAuthorizationRequest, OAuthAuthorizationRequestCreate};
use super::wire::paging::EntityListing;
use crate::http::error::ApiError;
use crate::platform::Call;

/// Most scopes of one request.
const MAX_SCOPES: usize = 500;

/// `GET /api/v2/oauth/authorizations/{clientId}/requests`
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let page = call.page()?;
    let app = registered(&call).await?;
    let requests = open_requests(&call, &app.client).await?;
    ok(EntityListing::cut(&call, page, requests))
}

/// `POST /api/v2/oauth/authorizations/{clientId}/requests`
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let TokenSubject::User(user) = &call.bearer.subject else { return Err(ApiError::not_a_user()) };
    let app = registered(&call).await?;
    let (scopes, reason) = wish(&call)?;
    if is_allowed_already(&call, &app.client, user, &scopes).await? {
        let why = "the organization allows the app all of these scopes already";
        return Err(ApiError::conflict_as("already.authorized", why));
    }

    let request = call.org().request(&app.client.id, user, &scopes, &reason).await?;
    let people = People::named(&call, &[user.as_str()]).await?;
    ok(OAuthAuthorizationRequest::new(&request, &app.client.name, people.reference(user.as_str())))
}

/// The open requests for an app, the oldest first, as answers show them.
pub(super) async fn open_requests(call: &Call, client: &Client) -> Result<Vec<OAuthAuthorizationRequest>, ApiError> {
    let requests = call.org().requests(&client.id).await?;
    let askers: Vec<&str> = requests.iter().map(|request| request.user.as_str()).collect();
    let people = People::named(call, &askers).await?;
    let shown = requests
        .iter()
        .map(|request| OAuthAuthorizationRequest::new(request, &client.name, people.reference(request.user.as_str())));
    Ok(shown.collect())
}

fn wish(call: &Call) -> Result<(Vec<Scope>, String), ApiError> {
    let request: OAuthAuthorizationRequestCreate = call.json()?;
    let mut fields = Fields::default();
    let names = fields.required("scope", request.scope.as_deref(), |names| match names.len() {
        1..=MAX_SCOPES => Ok(names),
        _ => Err(format!("must name 1 to {MAX_SCOPES} scopes")),
    });
    let reason = fields.required_text("reason", request.reason.as_deref(), MAX_REASON);
    fields.finish()?;
    let scopes = scopes::known(call.contracts.catalogue(), names.unwrap_or_default())?;
    Ok((scopes, reason.ok_or_else(ApiError::internal)?))
}

/// Whether nobody needs to approve anything: all is allowed, and the asker is among those who may use the app.
async fn is_allowed_already(call: &Call, client: &Client, user: &UserId, scopes: &[Scope]) -> Result<bool, ApiError> {
    let Some((grant, _)) = call.org().authorization(&client.id).await? else { return Ok(false) };
    if grant.state != AuthorizationState::Authorized || !scopes.iter().all(|scope| grant.scopes.contains(scope)) {
        return Ok(false);
    }
    let held = call.org().assignments_of(&Assignee::User(user.clone())).await?;
    Ok(grant.roles.is_empty() || held.iter().any(|assignment| grant.roles.contains(&assignment.role)))
}
