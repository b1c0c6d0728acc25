//! The client registration request and its answer (RFC 7591 §2, §3; RFC 7592 §2.2, §3).
//!
//! What a client asks for beyond the policy of its initial access token is left out where that leaves something to be registered,
//! as RFC 7591 §2 allows, and refused otherwise; the answer says what was registered. An update is read by the same function.

use countersign_decision::Scope;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::client::metadata::MEMBERS_OF_THE_APP;
use crate::client::{AuthMethod, Client, ClientMetadata, GrantType};
use crate::client_registration::RegistrationPolicy;
use crate::oauth::error::{ErrorCode, quotable};
use crate::oauth::redirect_uri::validate_registered;
use crate::oauth::scopes::join;
use crate::oauth::strict_json;

/// Longest body that is read, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1_024;
const MAX_NAME_CHARS: usize = 256;
const MAX_REDIRECT_URIS: usize = 20;
/// What an app without a name is called.
const UNNAMED: &str = "Unnamed app";

/// Members that an app may register besides those that every app says of itself: whose certificate it shows.
const MEMBERS_OF_CERTIFICATES: [&str; 6] = [
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_email",
    "tls_client_auth_san_ip",
    "tls_client_certificate_bound_access_tokens",
];

/// Why an app cannot be registered as it asks (RFC 7591 §3.2.2): code and description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationError {
    /// `invalid_redirect_uri` or `invalid_client_metadata`.
    pub code: ErrorCode,
    /// What is wrong and what would be right.
    pub description: String,
}

/// An app as it will be registered: within the policy, every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// For people.
    pub name: String,
    /// Not empty.
    pub grant_types: Vec<GrantType>,
    /// Each fit to be registered.
    pub redirect_uris: Vec<String>,
    /// What it asks for.
    pub scopes: Vec<Scope>,
    /// Whether it authenticates by a secret, which we make.
    pub has_secret: bool,
    /// What else it registers; fits the rest.
    pub metadata: ClientMetadata,
}

impl Registration {
    /// Reads a registration or, alike, what shall replace one (E11), of which `kept` are the metadata until now. `is_known` says
    /// whether a loaded contract uses a scope.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(
        body: &[u8],
        policy: &RegistrationPolicy,
        kept: Option<&ClientMetadata>,
        is_known: &dyn Fn(&Scope) -> bool,
    ) -> Result<Self, RegistrationError> {
        let not_json = "the body must be one JSON object, each member once";
        let mut members = strict_json::object(body).ok_or_else(|| unfit(not_json))?;
        // RFC 7591 §2, RFC 7592 §2.2: null is left out.
        members.retain(|_, value| !value.is_null());
        refuse_unsupported(&members)?;
        let grant_types = grant_types(&members, policy)?;
        check_response_types(&members, &grant_types)?;
        let redirect_uris = redirect_uris(&members, policy, &grant_types)?;
        let scopes = scopes(&members, policy, is_known)?;
        let name = name(&members)?;
        let metadata = with_ours(metadata(&members, policy)?, kept);
        let has_secret = by_secret(&metadata);
        metadata.check(has_secret).map_err(|error| unfit(error.to_string()))?;
        // RFC 6749 §4.4, RFC 8693 §2.1, RFC 7523: these prove nothing about a client that proves nothing itself
        let needs_proof = [GrantType::ClientCredentials, GrantType::TokenExchange, GrantType::JwtBearer];
        let is_confidential = metadata.is_confidential(has_secret);
        if let Some(grant) = grant_types.iter().find(|grant| needs_proof.contains(grant) && !is_confidential) {
            return Err(unfit(format!("`{}` is for apps that prove who they are", grant.uri())));
        }
        Ok(Self { name, grant_types, redirect_uris, scopes, has_secret, metadata })
    }
}

/// RFC 7591 §3.2.1, RFC 7592 §3: what was registered.
#[derive(Serialize)]
pub struct RegistrationResponse<'a> {
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    client_id_issued_at: i64,
    registration_access_token: &'a str,
    registration_client_uri: String,
    client_name: &'a str,
    grant_types: Vec<&'static str>,
    response_types: &'static [&'static str],
    redirect_uris: &'a [String],
    scope: String,
    #[serde(flatten)]
    metadata: &'a ClientMetadata,
}

impl<'a> RegistrationResponse<'a> {
    /// The answer about `client`, which manages itself at `uri` with `token`; `secret`, where it has just been made.
    pub fn new(client: &'a Client, secret: Option<&'a str>, token: &'a str, uri: String) -> Self {
        let has_codes = client.has_grant(GrantType::AuthorizationCode);
        Self {
            client_id: client.id.as_str(),
            client_secret: secret,
            // RFC 7591 §3.2.1: REQUIRED with a secret; 0: it does not end
            client_secret_expires_at: secret.map(|_| 0),
            client_id_issued_at: client.created_at.as_seconds(),
            registration_access_token: token,
            registration_client_uri: uri,
            client_name: &client.name,
            grant_types: client.grant_types.iter().map(|grant| grant.uri()).collect(),
            response_types: if has_codes { &["code"] } else { &[] },
            redirect_uris: &client.redirect_uris,
            scope: join(&client.scopes),
            metadata: &client.metadata,
        }
    }
}

/// RFC 7592 §2.2: what an update says about who sends it, before anything else in it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateIdentity {
    /// Must be the client's.
    pub client_id: String,
    /// Must be a live one of the client's, if sent.
    pub client_secret: Option<String>,
}

impl UpdateIdentity {
    /// Reads the members that only an update has.
    ///
    /// # Errors
    /// When `client_id` is missing, or a member stands there that an update MUST NOT have.
    pub fn read(body: &[u8]) -> Result<Self, RegistrationError> {
        let members = strict_json::object(body).unwrap_or_default();
        let forbidden =
            ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];
        if let Some(name) = forbidden.into_iter().find(|name| members.contains_key(*name)) {
            return Err(unfit(format!("`{name}` cannot be sent in an update")));
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let missing = || unfit("`client_id` is missing: an update names the app that it is about");
        Ok(Self { client_id: text("client_id").ok_or_else(missing)?, client_secret: text("client_secret") })
    }
}

fn unfit(description: impl Into<String>) -> RegistrationError {
    RegistrationError { code: ErrorCode::InvalidClientMetadata, description: description.into() }
}

fn refuse_unsupported(members: &Map<String, Value>) -> Result<(), RegistrationError> {
    // RFC 7591 §2: `jwks_uri` and `jwks` MUST NOT both be present; nothing is ever fetched here.
    if members.contains_key("jwks_uri") {
        return Err(unfit("`jwks_uri` is not supported: send the keys themselves as `jwks`"));
    }
    // OpenID Connect Core §8.1
    if members.contains_key("sector_identifier_uri") || members.get("subject_type").is_some_and(|kind| kind != "public")
    {
        return Err(unfit("`subject_type` must be `public`"));
    }
    Ok(())
}

fn texts<'m>(members: &'m Map<String, Value>, name: &str) -> Result<Option<Vec<&'m str>>, RegistrationError> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let texts = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    texts.map(Some).ok_or_else(|| unfit(format!("`{name}` must be a list of texts")))
}

/// RFC 7591 §2: those asked for that the policy allows (E13).
fn grant_types(members: &Map<String, Value>, policy: &RegistrationPolicy) -> Result<Vec<GrantType>, RegistrationError> {
    let asked = texts(members, "grant_types")?.unwrap_or_else(|| vec![GrantType::AuthorizationCode.uri()]);
    // RFC 7522: nobody would take its assertions
    if asked.contains(&GrantType::Saml2Bearer.uri()) {
        return Err(unfit(
            "`grant_types` names SAML 2.0 assertions (RFC 7522), which are not taken here; a signed JWT (RFC 7523) is",
        ));
    }
    let is_asked = |grant: &GrantType| asked.contains(&grant.uri());
    let allowed: Vec<GrantType> = policy.grant_types.iter().copied().filter(is_asked).collect();
    let is_more_than_renewal = allowed.iter().any(|grant| *grant != GrantType::RefreshToken);
    if is_more_than_renewal {
        return Ok(allowed);
    }
    let names: Vec<_> = policy.grant_types.iter().map(|grant| format!("`{}`", grant.uri())).collect();
    Err(unfit(format!("`grant_types` has none that this registration allows: {}", names.join(", "))))
}

/// RFC 7591 §2.1: grant types and response types fit together.
fn check_response_types(members: &Map<String, Value>, grant_types: &[GrantType]) -> Result<(), RegistrationError> {
    let Some(asked) = texts(members, "response_types")? else { return Ok(()) };
    let has_codes = grant_types.contains(&GrantType::AuthorizationCode);
    let fits = asked.iter().all(|response_type| *response_type == "code") && (asked.is_empty() || has_codes);
    if fits {
        Ok(())
    } else {
        Err(unfit("`response_types` can only be `code`, and only with the grant type `authorization_code`"))
    }
}

fn redirect_uris(
    members: &Map<String, Value>,
    policy: &RegistrationPolicy,
    grant_types: &[GrantType],
) -> Result<Vec<String>, RegistrationError> {
    let invalid = |description: String| RegistrationError { code: ErrorCode::InvalidRedirectUri, description };
    let given = texts(members, "redirect_uris").map_err(|error| invalid(error.description))?.unwrap_or_default();
    if given.len() > MAX_REDIRECT_URIS {
        return Err(invalid(format!("`redirect_uris` has more than {MAX_REDIRECT_URIS} entries")));
    }
    let mut uris: Vec<String> = Vec::with_capacity(given.len());
    for uri in given {
        validate_registered(uri)
            .map_err(|error| invalid(format!("a redirect URI cannot be registered: {}", error.rule())))?;
        if !policy.allows_address(uri) {
            return Err(invalid(format!(
                "a redirect URI is at none of the hosts that this registration allows: {}",
                policy.hosts.join(", ")
            )));
        }
        if !uris.iter().any(|known| known == uri) {
            uris.push(uri.to_owned());
        }
    }
    // RFC 7591 §2: MUST be registered for redirect-based flows
    if uris.is_empty() && grant_types.contains(&GrantType::AuthorizationCode) {
        return Err(invalid("`redirect_uris` is missing: `authorization_code` needs one".to_owned()));
    }
    Ok(uris)
}

/// RFC 7591 §2: those asked for that the policy allows, or all that it allows (E13).
fn scopes(
    members: &Map<String, Value>,
    policy: &RegistrationPolicy,
    is_known: &dyn Fn(&Scope) -> bool,
) -> Result<Vec<Scope>, RegistrationError> {
    let asked = match members.get("scope") {
        None => None,
        Some(Value::String(text)) => Some(text.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>()),
        Some(_) => return Err(unfit("`scope` must be a text of scopes, separated by blanks")),
    };
    let is_allowed =
        |scope: &&Scope| is_known(scope) && asked.as_ref().is_none_or(|asked| asked.contains(&scope.as_str()));
    Ok(policy.scopes.iter().filter(is_allowed).cloned().collect())
}

fn name(members: &Map<String, Value>) -> Result<String, RegistrationError> {
    let name = match members.get("client_name") {
        None => UNNAMED,
        Some(value) => value.as_str().map(str::trim).unwrap_or_default(),
    };
    let is_name = !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control);
    let rule = || unfit(format!("`client_name` must be a name of 1 to {MAX_NAME_CHARS} characters, on one line"));
    if is_name { Ok(name.to_owned()) } else { Err(rule()) }
}

/// The members that are ours to keep. RFC 7591 §2: what is not understood is ignored.
fn metadata(members: &Map<String, Value>, policy: &RegistrationPolicy) -> Result<ClientMetadata, RegistrationError> {
    let is_kept = |name: &str| MEMBERS_OF_THE_APP.contains(&name) || MEMBERS_OF_CERTIFICATES.contains(&name);
    let kept: Map<String, Value> =
        members.iter().filter(|(name, _)| is_kept(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    let metadata: ClientMetadata =
        serde_json::from_value(Value::Object(kept.clone())).map_err(|error| unfit(unreadable(&kept, &error)))?;
    // RFC 7591 §2: by secret in the header, where nothing else is said
    let method = metadata.token_endpoint_auth_method.unwrap_or(AuthMethod::ClientSecretBasic);
    let metadata = ClientMetadata { token_endpoint_auth_method: Some(method), ..metadata };
    let pages = [
        ("client_uri", &metadata.client_uri),
        ("logo_uri", &metadata.logo_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
        ("backchannel_logout_uri", &metadata.backchannel_logout_uri),
    ];
    let pages = pages.into_iter().filter_map(|(name, uri)| Some((name, uri.as_ref()?.as_str())));
    let returns = metadata.post_logout_redirect_uris.iter().map(|uri| ("post_logout_redirect_uris", uri.as_str()));
    // E21: what people read about an app leads to the app, and not to somebody whom it names
    if let Some((name, _)) = pages.chain(returns).find(|(_, uri)| !policy.allows_address(uri)) {
        return Err(unfit(format!(
            "`{name}` is at none of the hosts that this registration allows: {}",
            policy.hosts.join(", ")
        )));
    }
    Ok(metadata)
}

/// What its organization has said that the app is here stays: an app does not take off its own rules.
fn with_ours(metadata: ClientMetadata, kept: Option<&ClientMetadata>) -> ClientMetadata {
    let Some(kept) = kept else { return metadata };
    ClientMetadata {
        resources: kept.resources.clone(),
        access_token_format: kept.access_token_format,
        security_profile: kept.security_profile,
        ..metadata
    }
}

fn by_secret(metadata: &ClientMetadata) -> bool {
    matches!(metadata.token_endpoint_auth_method, Some(AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost))
}

/// Which member cannot be read, and a parser's words about it, which may quote what was sent.
fn unreadable(members: &Map<String, Value>, error: &serde_json::Error) -> String {
    let alone = |(name, value): (&String, &Value)| {
        let only = Map::from_iter([(name.clone(), value.clone())]);
        serde_json::from_value::<ClientMetadata>(Value::Object(only)).err().map(|error| (name.clone(), error))
    };
    match members.iter().find_map(alone) {
        Some((name, error)) => format!("`{name}`: {}", quotable_text(&error)),
        None => quotable_text(error),
    }
}

fn quotable_text(error: &serde_json::Error) -> String {
    error.to_string().replace('`', "'").split_whitespace().map(quotable).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
