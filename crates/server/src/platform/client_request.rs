//! Reading what a request says an app shall be (`OAuthClientRequest`).

use countersign_decision::Scope;
use countersign_domain::client::{
    Client, ClientState, DEFAULT_TOKEN_TTL_SECONDS, GrantType, MAX_TOKEN_TTL_SECONDS, MIN_TOKEN_TTL_SECONDS,
};
use countersign_domain::id::RoleId;
use countersign_domain::oauth::redirect_uri::validate_registered;
use countersign_domain::organization::{Division, DivisionScope};

use super::fields::Fields;
use super::scopes;
use super::wire::client::{OAuthClientRequest, RoleDivision};
use crate::http::error::ApiError;
use crate::platform::Call;

/// Longest name, in characters.
const MAX_NAME: usize = 256;
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 4_000;
/// Most redirect URIs of one app.
const MAX_REDIRECT_URIS: usize = 125;
/// Most scopes that one app asks for.
const MAX_SCOPES: usize = 500;

/// An app as it shall be: every field valid, every default filled in.
pub(super) struct ClientRequest {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) authorized_grant_type: &'static str,
    pub(super) grant_types: Vec<GrantType>,
    pub(super) redirect_uris: Vec<String>,
    pub(super) scopes: Vec<Scope>,
    pub(super) is_confidential: bool,
    pub(super) pkce_required: bool,
    pub(super) token_ttl_seconds: i64,
    pub(super) state: ClientState,
    pub(super) roles: Vec<(RoleId, DivisionScope)>,
}

impl ClientRequest {
    /// Reads the body of a registration, or of the replacement of `present`.
    pub(super) async fn read(call: &Call, present: Option<&Client>) -> Result<Self, ApiError> {
        let request: OAuthClientRequest = call.json()?;
        let (authorized_grant_type, grant_types) = grant_types(request.authorized_grant_type.as_deref())?;
        let is_service = authorized_grant_type == "CLIENT-CREDENTIALS";
        let is_confidential = is_confidential(&request, present, is_service)?;
        let scopes = scopes::known(call.contracts.catalogue(), request.scope.as_deref().unwrap_or_default())?;
        let roles = roles(&request, &call.org().divisions().await?)?;
        let state = state(&request, present)?;

        let mut fields = Fields::default();
        let name = fields.required_text("name", request.name.as_deref(), MAX_NAME);
        fields.text("description", request.description.as_deref(), MAX_DESCRIPTION);
        let token_ttl_seconds = request.access_token_validity_seconds.unwrap_or(DEFAULT_TOKEN_TTL_SECONDS);
        if !(MIN_TOKEN_TTL_SECONDS..=MAX_TOKEN_TTL_SECONDS).contains(&token_ttl_seconds) {
            let why = format!("must be from {MIN_TOKEN_TTL_SECONDS} to {MAX_TOKEN_TTL_SECONDS}");
            fields.refuse("accessTokenValiditySeconds", why);
        }
        let redirect_uris = redirect_uris(&mut fields, &request, is_service);
        let pkce_required = request.pkce_required.unwrap_or(present.is_none_or(|client| client.pkce_required));
        if !pkce_required && !is_confidential {
            fields.refuse("pkceRequired", "only a confidential app may do without PKCE");
        }
        if scopes.len() > MAX_SCOPES {
            fields.refuse("scope", format!("{MAX_SCOPES} scopes at most"));
        }
        fields.finish()?;
        fits(is_service, &scopes, &roles)?;

        Ok(Self {
            name: name.ok_or_else(ApiError::internal)?,
            description: request.description.unwrap_or_default(),
            authorized_grant_type,
            grant_types,
            redirect_uris,
            scopes,
            is_confidential,
            pkce_required,
            token_ttl_seconds,
            state,
            roles,
        })
    }
}

/// Genesys Cloud's word and our grant types for it.
fn grant_types(word: Option<&str>) -> Result<(&'static str, Vec<GrantType>), ApiError> {
    let refused = |why: &str| Err(ApiError::invalid("bad.grant.type", why));
    match word {
        None => Err(ApiError::invalid("grant.type.required", "Grant type is required.")),
        Some("CODE") => Ok(("CODE", vec![GrantType::AuthorizationCode, GrantType::RefreshToken])),
        Some("CLIENT-CREDENTIALS") => Ok(("CLIENT-CREDENTIALS", vec![GrantType::ClientCredentials])),
        Some("TOKEN") => {
            refused("the implicit grant leaks tokens into addresses and is not offered; use CODE with PKCE")
        }
        Some("PASSWORD") => {
            refused("the password grant shows passwords to apps and is not offered; use CODE with PKCE")
        }
        Some("SAML2-BEARER") => refused("SAML2-BEARER is not offered"),
        Some(_) => refused("the grant type is not one of CODE, CLIENT-CREDENTIALS"),
    }
}

fn is_confidential(request: &OAuthClientRequest, present: Option<&Client>, is_service: bool) -> Result<bool, ApiError> {
    let asked = match request.client_type.as_deref() {
        None => None,
        Some("confidential") => Some(true),
        Some("public") => Some(false),
        Some(_) => return Err(ApiError::invalid_field("clientType", "must be `confidential` or `public`")),
    };
    let is_confidential = match (asked, present) {
        (Some(asked), Some(present)) if asked != present.is_confidential => {
            let why = "an app without a secret cannot become one with a secret, nor the other way round";
            return Err(ApiError::invalid("bad.client.type", why));
        }
        (_, Some(present)) => present.is_confidential,
        (asked, None) => asked.unwrap_or(true),
    };
    // RFC 6749 §4.4: the client credentials grant type MUST only be used by confidential clients.
    if is_service && !is_confidential {
        return Err(ApiError::invalid("bad.grant.type", "an app that calls on its own behalf needs a secret"));
    }
    Ok(is_confidential)
}

fn state(request: &OAuthClientRequest, present: Option<&Client>) -> Result<ClientState, ApiError> {
    let word = request.state.as_deref().unwrap_or("active");
    let state = ClientState::parse(word);
    let state = state.ok_or_else(|| ApiError::invalid_field("state", "must be `active`, `disabled` or `inactive`"))?;
    if present.is_none() && state != ClientState::Active {
        return Err(ApiError::invalid("bad.client.state", "New clients can only have an active state"));
    }
    Ok(state)
}

fn redirect_uris(fields: &mut Fields, request: &OAuthClientRequest, is_service: bool) -> Vec<String> {
    let given = request.registered_redirect_uri.clone().unwrap_or_default();
    if given.len() > MAX_REDIRECT_URIS {
        fields.refuse("registeredRedirectUri", format!("{MAX_REDIRECT_URIS} at most"));
    }
    if given.is_empty() && !is_service {
        fields.refuse("registeredRedirectUri", "an app that people use must say where they are sent back to");
    }
    for (position, uri) in given.iter().enumerate() {
        if let Err(error) = validate_registered(uri) {
            fields.refuse(format!("registeredRedirectUri[{position}]"), error.rule());
        }
    }
    given
}

/// The roles that the app holds itself, each once: `roleDivisions`, and the older `roleIds` in the home division.
fn roles(request: &OAuthClientRequest, divisions: &[Division]) -> Result<Vec<(RoleId, DivisionScope)>, ApiError> {
    let at_home = request.role_ids.iter().flatten().map(|id| RoleDivision { role_id: id.clone(), division_id: None });
    let given: Vec<RoleDivision> = request.role_divisions.iter().flatten().cloned().collect();
    // an answer repeats the roles of `roleDivisions` in `roleIds`: sent back, they are not asked for at home once more
    let is_repeated = |one: &RoleDivision| given.iter().any(|other| other.role_id == one.role_id);
    let all: Vec<RoleDivision> = given.iter().cloned().chain(at_home.filter(|one| !is_repeated(one))).collect();
    let mut roles = Vec::with_capacity(all.len());
    for one in &all {
        let role = RoleId::parse(&one.role_id).map_err(|error| ApiError::bad_client_role(error.to_string()))?;
        let role = (role, division(one.division_id.as_deref(), divisions)?);
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    Ok(roles)
}

fn division(id: Option<&str>, divisions: &[Division]) -> Result<DivisionScope, ApiError> {
    let found = match id {
        Some("*") => return Ok(DivisionScope::All),
        Some(id) => divisions.iter().find(|division| division.id.as_str() == id),
        None => divisions.iter().find(|division| division.is_home),
    };
    let unknown = || ApiError::bad_client_role("the organization has no such division");
    found.map(|division| DivisionScope::Division(division.id.clone())).ok_or_else(unknown)
}

fn fits(is_service: bool, scopes: &[Scope], roles: &[(RoleId, DivisionScope)]) -> Result<(), ApiError> {
    match (is_service, scopes.is_empty(), roles.is_empty()) {
        (true, _, true) => Err(ApiError::invalid("missing.client.roles", "Client roles and divisions are missing.")),
        (false, true, _) => Err(ApiError::invalid("missing.client.scope", "Client scope is missing.")),
        (false, _, false) => Err(ApiError::invalid(
            "bad.grant.type",
            "only an app that calls on its own behalf (CLIENT-CREDENTIALS) holds roles",
        )),
        _ => Ok(()),
    }
}
