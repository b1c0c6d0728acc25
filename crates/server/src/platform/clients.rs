//! The apps that an organization registered (`/api/v2/oauth/clients`).

use axum::response::Response;
use countersign_domain::client::{Client, ClientMetadata, ClientState};
use countersign_domain::id::{ClientId, RoleId};
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::secret::{Secret, SecretHash, SecretKind};
use countersign_store::Page as Whole;
use countersign_store::client::{ClientChange, NewClient};

use super::call::{no_content, ok};
use super::client_request::ClientRequest;
use super::grantor::{Grantor, no_app_changes_itself};
use super::people::People;
use super::wire::NamedEntity;
use super::wire::client::{OAuthClient, authorized_grant_type};
use super::wire::paging::EntityListing;
use crate::http::error::ApiError;
use crate::platform::Call;
use crate::platform::call::Page;

/// How long an app's old secret works beside its new one, in seconds (C26: two live at rotation).
const ROTATION_OVERLAP_SECONDS: i64 = 24 * 60 * 60;

/// `GET /api/v2/oauth/clients`
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let clients = call.org().clients(Whole::new(1, u32::MAX)).await?.items;
    let shown = shown(&call, &clients).await?;
    // all on one page, as in the real system
    let size = u32::try_from(shown.len()).unwrap_or(u32::MAX).max(1);
    ok(EntityListing::cut(&call, Page { number: 1, size }, shown))
}

/// `POST /api/v2/oauth/clients`
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let request = ClientRequest::read(&call, None).await?;
    let new = NewClient {
        id: None,
        name: request.name,
        description: request.description,
        grant_types: request.grant_types,
        redirect_uris: request.redirect_uris,
        scopes: request.scopes,
        pkce_required: request.pkce_required,
        token_ttl_seconds: request.token_ttl_seconds,
        metadata: ClientMetadata::default(),
    };
    let secret = request.is_confidential.then(|| new_secret_text(&call));
    let hash = secret.as_ref().map(|secret| SecretHash::Sha256(secret.digest()));

    let grantor = Grantor::read(&call).await?;
    must_hold_roles(&call, &grantor, &request.roles).await?;
    let made = grantor.store(&call).create_client(&new, hash.as_ref(), &request.roles).await?;
    answer(&call, &made, secret.as_ref()).await
}

/// `GET /api/v2/oauth/clients/{clientId}`
pub(super) async fn read(call: Call) -> Result<Response, ApiError> {
    let client = find(&call).await?;
    answer(&call, &client, None).await
}

/// `PUT /api/v2/oauth/clients/{clientId}`
pub(super) async fn replace(call: Call) -> Result<Response, ApiError> {
    let client = find(&call).await?;
    let request = ClientRequest::read(&call, Some(&client)).await?;
    no_app_changes_itself(&call, &client.id)?;
    let is_same_grant = authorized_grant_type(&client) == request.authorized_grant_type;
    let change = ClientChange {
        name: Some(request.name),
        description: Some(request.description),
        grant_types: (!is_same_grant).then_some(request.grant_types),
        redirect_uris: Some(request.redirect_uris),
        scopes: Some(request.scopes),
        pkce_required: Some(request.pkce_required),
        token_ttl_seconds: Some(request.token_ttl_seconds),
        metadata: None,
        state: Some(request.state),
        roles: Some(request.roles.clone()),
    };

    let grantor = Grantor::read(&call).await?;
    must_hold_roles_of(&call, &grantor, &client.id).await?;
    must_hold_roles(&call, &grantor, &request.roles).await?;
    let changed = grantor.store(&call).update_client(&client.id, &change).await?;
    answer(&call, &changed, None).await
}

/// `DELETE /api/v2/oauth/clients/{clientId}`
pub(super) async fn delete(call: Call) -> Result<Response, ApiError> {
    let client = find(&call).await?;
    no_app_changes_itself(&call, &client.id)?;
    if client.state != ClientState::Inactive {
        let why = "Clients must be marked as inactive to be eligible for deletion.";
        return Err(ApiError::invalid("cannot.delete.client", why));
    }
    call.org().delete_client(&client.id).await?;
    no_content()
}

/// `POST /api/v2/oauth/clients/{clientId}/secret`
pub(super) async fn new_secret(call: Call) -> Result<Response, ApiError> {
    let client = find(&call).await?;
    no_app_changes_itself(&call, &client.id)?;
    if !client.authenticates_by_secret() {
        return Err(ApiError::invalid("bad.client.type", "only an app that authenticates by secret can have one"));
    }
    let secret = new_secret_text(&call);
    let hash = SecretHash::Sha256(secret.digest());
    let retire_others_at = call.context.now.plus_seconds(ROTATION_OVERLAP_SECONDS);

    let grantor = Grantor::read(&call).await?;
    must_hold_roles_of(&call, &grantor, &client.id).await?;
    grantor.store(&call).add_client_secret(&client.id, &hash, Some(retire_others_at)).await?;
    answer(&call, &client, Some(&secret)).await
}

/// 404 in the real system's words.
pub(super) fn unknown_client() -> ApiError {
    ApiError::not_found_as("client.not.found", "client")
}

/// The app in the path, one of the organization's own.
pub(super) async fn find(call: &Call) -> Result<Client, ApiError> {
    let id = ClientId::of_segment(call.path("clientId")).map_err(|_| unknown_client())?;
    call.org().client(&id).await?.ok_or_else(unknown_client)
}

fn new_secret_text(call: &Call) -> Secret {
    Secret::generate(SecretKind::ClientSecret, call.app.entropy.as_ref())
}

/// Whoever edits an app or knows its secret can act as the app: only for those who hold what the app holds.
async fn must_hold_roles_of(call: &Call, grantor: &Grantor, client: &ClientId) -> Result<(), ApiError> {
    let held = call.org().assignments_of(&Assignee::Client(client.clone())).await?;
    let roles: Vec<_> = held.into_iter().map(|assignment| (assignment.role, assignment.division)).collect();
    must_hold_roles(call, grantor, &roles).await
}

async fn must_hold_roles(call: &Call, grantor: &Grantor, roles: &[(RoleId, DivisionScope)]) -> Result<(), ApiError> {
    for (id, division) in roles {
        let unknown = || ApiError::bad_client_role(format!("the organization has no role `{id}`"));
        let policies = call.org().role(id).await?.ok_or_else(unknown)?.policies;
        let lacking = grantor.held.lacking(&policies, division);
        if !lacking.is_empty() {
            let why = "The caller does not have all the roles assigned to this client";
            return Err(ApiError::bad_client_role(format!("{why}: it does not hold [{}] there", lacking.join(", "))));
        }
    }
    Ok(())
}

async fn answer(call: &Call, client: &Client, secret: Option<&Secret>) -> Result<Response, ApiError> {
    let shown = shown(call, std::slice::from_ref(client)).await?.pop().ok_or_else(ApiError::internal)?;
    ok(match secret {
        Some(secret) => shown.with_secret(secret.expose()),
        None => shown,
    })
}

/// Own apps as answers show them.
async fn shown(call: &Call, clients: &[Client]) -> Result<Vec<OAuthClient>, ApiError> {
    let organization = NamedEntity::from(&call.org().organization().await?);
    let authors = clients.iter().flat_map(|client| [&client.created_by, &client.modified_by]);
    let authors: Vec<&str> = authors.flatten().map(String::as_str).collect();
    let people = People::named(call, &authors).await?;
    let mut shown = Vec::with_capacity(clients.len());
    for client in clients {
        let roles = call.org().assignments_of(&Assignee::Client(client.id.clone())).await?;
        let [created_by, modified_by] =
            [&client.created_by, &client.modified_by].map(|id| id.as_ref().map(|id| people.reference(id)));
        shown.push(OAuthClient::new(client, organization.clone()).at_home(client, &roles, created_by, modified_by));
    }
    Ok(shown)
}
