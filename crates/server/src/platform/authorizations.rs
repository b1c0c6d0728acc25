//! What the organization allows apps, its own and others' (`/api/v2/oauth/authorizations`).

use axum::response::Response;
use countersign_decision::{AuthorizationState, Scope};
use countersign_domain::authorization::ScopeGrant;
use countersign_domain::client::Client;
use countersign_domain::id::{ClientId, RoleId};
use countersign_domain::oauth::token::TokenSubject;
use countersign_store::Page as Whole;
use countersign_store::authorization::GrantChange;
use countersign_store::client::RegisteredClient;

use super::approval_requests::open_requests;
use super::call::{no_content, ok};
use super::clients::unknown_client;
use super::fields::Fields;
use super::grantor::{Grantor, no_app_changes_itself};
use super::people::People;
use super::scopes;
use super::wire::authorization::{Named, OAuthAuthorization, OAuthAuthorizationDenial, OAuthAuthorizationUpdate};
use super::wire::client::OAuthClient;
use super::wire::paging::WholeListing;
use super::wire::{EntityRef, NamedEntity};
use crate::http::error::ApiError;
use crate::platform::Call;

/// Most open requests that an authorization shows; `GET …/requests` lists them all.
const MAX_SHOWN_REQUESTS: usize = 25;
/// Most scopes of one authorization.
const MAX_SCOPES: usize = 500;
/// Most roles that limit one authorization.
const MAX_ROLES: usize = 100;
/// Longest reason, in characters.
pub(super) const MAX_REASON: usize = 1_000;

/// `GET /api/v2/oauth/authorizations`
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let authorizations = call.org().authorizations(Whole::new(1, u32::MAX)).await?.items;
    ok(WholeListing::new(&call, shown(&call, &authorizations).await?))
}

/// `GET /api/v2/oauth/authorizations/{clientId}`
pub(super) async fn read(call: Call) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("authorization");
    let client = ClientId::of_segment(call.path("clientId")).map_err(|_| unknown())?;
    let found = call.org().authorization(&client).await?.ok_or_else(unknown)?;
    answer(&call, found).await
}

/// `PUT /api/v2/oauth/authorizations/{clientId}`
pub(super) async fn grant(call: Call) -> Result<Response, ApiError> {
    let app = registered(&call).await?;
    let request: OAuthAuthorizationUpdate = call.json()?;
    no_service_decides_about_itself(&call, &app.client.id)?;
    let (scopes, roles) = read_update(&call, &request)?;

    let grantor = Grantor::read(&call).await?;
    for role in &roles {
        if call.org().role(role).await?.is_none() {
            return Err(ApiError::invalid("bad.role", format!("the organization has no role `{role}`")));
        }
    }
    let present = call.org().authorization(&app.client.id).await?.map(|(grant, _)| grant);
    if is_own_affair(&call, &app.client) {
        must_not_widen(present.as_ref(), &scopes, &roles)?;
    }

    let change = GrantChange {
        scopes,
        roles,
        consent: present.map(|grant| grant.consent).unwrap_or_default(),
        expected_version: request.version,
        reason: request.reason.unwrap_or_default(),
    };
    grantor.store(&call).grant(&app.client.id, &change).await?;
    read(call).await
}

/// `DELETE /api/v2/oauth/authorizations/{clientId}`
pub(super) async fn revoke(call: Call) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("authorization");
    let client = ClientId::of_segment(call.path("clientId")).map_err(|_| unknown())?;
    no_service_decides_about_itself(&call, &client)?;
    let (present, _) = call.org().authorization(&client).await?.ok_or_else(unknown)?;
    match present.state {
        AuthorizationState::Requested | AuthorizationState::Denied => return Err(unknown()),
        AuthorizationState::Revoked => {}
        AuthorizationState::Authorized | AuthorizationState::Expired => {
            call.org().revoke(&client).await?;
        }
    }
    no_content()
}

/// `POST /api/v2/oauth/authorizations/{clientId}/deny`
pub(super) async fn deny(call: Call) -> Result<Response, ApiError> {
    let app = registered(&call).await?;
    let request: OAuthAuthorizationDenial = call.json_or_default()?;
    let mut fields = Fields::default();
    fields.text("reason", request.reason.as_deref(), MAX_REASON);
    fields.finish()?;
    no_service_decides_about_itself(&call, &app.client.id)?;

    let grantor = Grantor::read(&call).await?;
    let present = call.org().authorization(&app.client.id).await?.map(|(grant, _)| grant);
    let version = present.as_ref().map_or(0, |grant| grant.version);
    if request.version.is_some_and(|expected| expected != version) {
        return Err(ApiError::conflict("the authorization was changed since this version"));
    }
    if present.is_some_and(|grant| grant.state == AuthorizationState::Authorized) {
        return Err(ApiError::conflict("the app is authorized; revoke its authorization instead"));
    }
    let reason = request.reason.as_deref().unwrap_or_default();
    grantor.store(&call).deny(&app.client.id, reason).await?;
    read(call).await
}

/// The app in the path, of any organization.
pub(super) async fn registered(call: &Call) -> Result<RegisteredClient, ApiError> {
    let id = ClientId::of_segment(call.path("clientId")).map_err(|_| unknown_client())?;
    call.org().registered_client(&id).await?.ok_or_else(unknown_client)
}

fn read_update(call: &Call, request: &OAuthAuthorizationUpdate) -> Result<(Vec<Scope>, Vec<RoleId>), ApiError> {
    let mut fields = Fields::default();
    let names = fields.required("scope", request.scope.as_deref(), |names| match names.len() {
        0..=MAX_SCOPES => Ok(names),
        _ => Err(format!("{MAX_SCOPES} scopes at most")),
    });
    let roles = request.roles.as_deref().unwrap_or_default();
    if roles.len() > MAX_ROLES {
        fields.refuse("roles", format!("{MAX_ROLES} roles at most"));
    }
    if request.state.as_deref().is_some_and(|state| state != "Authorized") {
        fields.refuse("state", "can only be `Authorized`: DELETE revokes, and POST …/deny refuses");
    }
    fields.text("reason", request.reason.as_deref(), MAX_REASON);
    fields.finish()?;

    let scopes = scopes::known(call.contracts.catalogue(), names.unwrap_or_default())?;
    let mut limits: Vec<RoleId> = Vec::with_capacity(roles.len());
    for text in roles {
        let role = RoleId::parse(text).map_err(|error| ApiError::invalid("bad.role", error.to_string()))?;
        if !limits.contains(&role) {
            limits.push(role);
        }
    }
    Ok((scopes, limits))
}

/// Whether the calling app would decide about itself, or about another app of the other organization that made it.
fn is_own_affair(call: &Call, client: &Client) -> bool {
    let bearer = &call.bearer;
    let is_foreign = bearer.client_home != bearer.organization;
    client.id == bearer.client || (is_foreign && client.organization == bearer.client_home)
}

/// Invariant 16: no app gets more by its own call, whoever it acts for. What it has may be narrowed.
fn must_not_widen(present: Option<&ScopeGrant>, scopes: &[Scope], roles: &[RoleId]) -> Result<(), ApiError> {
    let present = present.filter(|grant| grant.state == AuthorizationState::Authorized);
    let is_narrower = present.is_some_and(|grant| {
        let has_fewer_scopes = scopes.iter().all(|scope| grant.scopes.contains(scope));
        let has_fewer_users =
            grant.roles.is_empty() || (!roles.is_empty() && roles.iter().all(|role| grant.roles.contains(role)));
        has_fewer_scopes && has_fewer_users
    });
    if is_narrower {
        return Ok(());
    }
    Err(ApiError::not_authorized("an app cannot get more for itself; use another app, or `countersign apply`"))
}

/// Invariant 17: an app that calls on its own behalf decides nothing about itself, not even to its disadvantage.
fn no_service_decides_about_itself(call: &Call, client: &ClientId) -> Result<(), ApiError> {
    match call.bearer.subject {
        TokenSubject::Client => no_app_changes_itself(call, client),
        TokenSubject::User(_) => Ok(()),
    }
}

async fn answer(call: &Call, found: (ScopeGrant, Client)) -> Result<Response, ApiError> {
    let requests = open_requests(call, &found.1).await?;
    let mut shown = shown(call, &[found]).await?.pop().ok_or_else(ApiError::internal)?;
    shown.requests = Some(requests.into_iter().take(MAX_SHOWN_REQUESTS).collect());
    ok(shown)
}

/// Authorizations as answers show them.
async fn shown(call: &Call, found: &[(ScopeGrant, Client)]) -> Result<Vec<OAuthAuthorization>, ApiError> {
    let organization = call.org().organization().await?;
    let authors = found.iter().flat_map(|(grant, _)| [&grant.created_by, &grant.modified_by]);
    let authors: Vec<&str> = authors.flatten().map(String::as_str).collect();
    let people = People::named(call, &authors).await?;
    let asked_for = call.org().clients_asked_for().await?;
    let mut shown = Vec::with_capacity(found.len());
    for (grant, client) in found {
        let registrar = match client.organization == organization.id {
            true => NamedEntity::from(&organization),
            false => foreign_registrar(call, client).await?,
        };
        let [created_by, modified_by] =
            [&grant.created_by, &grant.modified_by].map(|id| id.as_ref().map(|id| people.reference(id)));
        let resource_owner =
            EntityRef { id: organization.id.to_string(), name: Some(organization.name.clone()), self_uri: None };
        let named = Named { client: OAuthClient::new(client, registrar), resource_owner, created_by, modified_by };
        shown.push(OAuthAuthorization::new(grant, named, asked_for.contains(&client.id)));
    }
    Ok(shown)
}

async fn foreign_registrar(call: &Call, client: &Client) -> Result<NamedEntity, ApiError> {
    let app = call.org().registered_client(&client.id).await?.ok_or_else(ApiError::internal)?;
    Ok(NamedEntity { id: client.organization.to_string(), name: app.organization_name })
}
