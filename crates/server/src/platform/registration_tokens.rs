//! The tokens with which apps register themselves (`/api/v2/oauth/registrationtokens`).

use axum::response::Response;
use countersign_domain::client::GrantType;
use countersign_domain::client_registration::{
    MAX_CLIENTS, MAX_TOKEN_DAYS, NewInitialToken, RegistrationPolicy, parse_host,
};
use countersign_domain::id::InitialTokenId;
use countersign_store::StoreError;

use super::call::{no_content, ok};
use super::fields::Fields;
use super::scopes;
use super::wire::paging::WholeListing;
use super::wire::registration_token::{RegistrationToken, RegistrationTokenRequest};
use crate::http::error::ApiError;
use crate::platform::Call;

/// Longest name, in characters.
const MAX_NAME: usize = 256;
/// Most hosts and scopes of one token.
const MAX_ENTRIES: usize = 500;
const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// `GET /api/v2/oauth/registrationtokens`
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let tokens = call.org().initial_tokens().await?;
    let shown = tokens.iter().map(|token| RegistrationToken::new(token, call.context.now)).collect();
    ok(WholeListing::new(&call, shown))
}

/// `POST /api/v2/oauth/registrationtokens`
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let new = read(&call)?;
    let (secret, token) = call.org().create_initial_token(&new).await?;
    ok(RegistrationToken::new(&token, call.context.now).with_secret(secret.expose()))
}

/// `DELETE /api/v2/oauth/registrationtokens/{registrationTokenId}`
pub(super) async fn revoke(call: Call) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("registration token");
    let id = InitialTokenId::parse(call.path("registrationTokenId")).map_err(|_| unknown())?;
    match call.org().revoke_initial_token(&id).await {
        Err(StoreError::NotFound { .. }) => Err(unknown()),
        outcome => {
            outcome?;
            no_content()
        }
    }
}

fn read(call: &Call) -> Result<NewInitialToken, ApiError> {
    let request: RegistrationTokenRequest = call.json()?;
    let asked = request.scope.as_deref().unwrap_or_default();
    let scopes = scopes::known(call.contracts.catalogue(), asked)?;
    let mut fields = Fields::default();
    let name = fields.required_text("name", request.name.as_deref(), MAX_NAME);
    let grant_types = fields.required("grantTypes", request.grant_types.as_deref(), grant_types);
    let hosts = fields.optional("hosts", request.hosts.as_deref(), hosts).unwrap_or_default();
    let is_sent_back = grant_types.iter().flatten().any(|grant| *grant == GrantType::AuthorizationCode);
    if is_sent_back && request.hosts.as_deref().unwrap_or_default().is_empty() {
        fields.refuse("hosts", "must be given with `authorization_code`: people are sent back there");
    }
    if scopes.len() > MAX_ENTRIES {
        fields.refuse("scope", format!("{MAX_ENTRIES} scopes at most"));
    }
    let max_clients = fields.optional("maxClients", Some(request.max_clients.unwrap_or(1)), up_to(MAX_CLIENTS));
    let days = fields.optional("validDays", Some(request.valid_days.unwrap_or(7)), up_to(MAX_TOKEN_DAYS));
    fields.finish()?;
    let grant_types = grant_types.ok_or_else(ApiError::internal)?;
    Ok(NewInitialToken {
        name: name.ok_or_else(ApiError::internal)?,
        policy: RegistrationPolicy { grant_types, scopes, hosts },
        max_clients: max_clients.ok_or_else(ApiError::internal)?,
        expires_at: call.context.now.plus_seconds(days.ok_or_else(ApiError::internal)? * SECONDS_OF_A_DAY),
    })
}

fn up_to(most: i64) -> impl FnOnce(i64) -> Result<i64, String> {
    move |number| {
        if (1..=most).contains(&number) { Ok(number) } else { Err(format!("must be from 1 to {most}")) }
    }
}

/// In the words of the token endpoint.
fn grant_types(names: &[String]) -> Result<Vec<GrantType>, String> {
    let known = |name: &String| GrantType::ALL.into_iter().find(|grant| grant.uri() == name);
    let grants: Option<Vec<GrantType>> = names.iter().map(known).collect();
    let mut grants = grants.filter(|grants| !grants.is_empty()).ok_or_else(|| {
        let words = GrantType::ALL.map(|grant| format!("`{}`", grant.uri())).join(", ");
        format!("must name one or several of {words}")
    })?;
    grants.sort_unstable();
    grants.dedup();
    Ok(grants)
}

fn hosts(names: &[String]) -> Result<Vec<String>, String> {
    if names.len() > MAX_ENTRIES {
        return Err(format!("must have {MAX_ENTRIES} entries at most"));
    }
    names.iter().map(|name| parse_host(name)).collect::<Result<_, _>>().map_err(|error| error.to_string())
}
