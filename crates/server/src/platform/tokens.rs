//! The access token of a call, and ending tokens (`/api/v2/tokens`).

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::user::UserState;

use super::call::{no_content, ok};
use super::users::{find, unknown_user};
use super::wire::NamedEntity;
use super::wire::client::OrgOAuthClient;
use super::wire::token::TokenInfo;
use crate::http::error::ApiError;
use crate::platform::Call;

/// `GET /api/v2/tokens/me`
pub(super) async fn read(call: Call) -> Result<Response, ApiError> {
    ok(info(&call).await?)
}

/// `HEAD /api/v2/tokens/me`
pub(super) async fn check(_call: Call) -> Result<Response, ApiError> {
    Ok(StatusCode::OK.into_response())
}

/// `DELETE /api/v2/tokens/me`
pub(super) async fn end(call: Call) -> Result<Response, ApiError> {
    call.org().revoke_family(&call.bearer.family).await?;
    Ok(StatusCode::OK.into_response())
}

/// `DELETE /api/v2/tokens/{userId}`
pub(super) async fn end_all_of_user(call: Call) -> Result<Response, ApiError> {
    let user = find(&call, call.path("userId")).await?;
    if user.state == UserState::Deleted {
        return Err(unknown_user());
    }
    call.org().revoke_tokens_of_user(&user.id).await?;
    no_content()
}

/// What the token of the call is.
pub(super) async fn info(call: &Call) -> Result<TokenInfo, ApiError> {
    let organization = NamedEntity::from(&call.org().organization().await?);
    let app = call.org().registered_client(&call.bearer.client).await?.ok_or_else(ApiError::internal)?;
    let registrar = NamedEntity { id: app.client.organization.to_string(), name: app.organization_name };
    let is_own = call.bearer.client_home == call.bearer.organization;
    let home_organization = match &call.bearer.subject {
        TokenSubject::User(_) => organization.clone(),
        TokenSubject::Client => registrar.clone(),
    };
    Ok(TokenInfo {
        home_organization,
        organization,
        authorized_scope: call.authority().scopes().map(ToString::to_string).collect(),
        oauth_client: OrgOAuthClient::new(&app.client, registrar, is_own),
    })
}
