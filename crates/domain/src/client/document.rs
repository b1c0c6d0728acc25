//! A client as its metadata document describes it (client id metadata documents §4.1).
//!
//! Nobody here has registered such a client, so it can have no secret, and asks for no more than people can sign: codes with PKCE, and
//! refresh tokens if it says so. Members that are not for it to set are left out; those that name what cannot work are refused.

use countersign_decision::Scope;
use serde_json::{Map, Value};

use crate::client::metadata::MEMBERS_OF_THE_APP;
use crate::client::{AuthMethod, Client, ClientMetadata, ClientState, GrantType};
use crate::id::{ClientId, OrganizationId};
use crate::oauth::jwk::{JwkSet, PublicJwk};
use crate::oauth::openid::protocol_scope::ProtocolScope;
use crate::oauth::redirect_uri::validate_registered;
use crate::oauth::strict_json;
use crate::organization::PLATFORM_ORGANIZATION;
use crate::time::Timestamp;

/// The longest document that is read (§4).
pub const MAX_DOCUMENT_BYTES: usize = 5 * 1_024;
/// Most redirect URIs of one document.
const MAX_REDIRECT_URIS: usize = 32;
/// The longest name, in characters.
const MAX_NAME_CHARACTERS: usize = 100;
/// Life of its access tokens: nobody here chose a longer one for it.
const TOKEN_TTL_SECONDS: i64 = 3_600;

/// A member that only a document sets: who registers sends the keys themselves.
const KEYS_ELSEWHERE: &str = "jwks_uri";

/// Why a document does not describe a client: for our log, and for whoever hosts it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// §4: JSON.
    #[error("it is not one JSON object without doubled names")]
    NotJson,
    /// §4.1: simple string comparison.
    #[error("its `client_id` is not the address that it was fetched from")]
    OtherClient,
    /// §4.1: there is no way to establish a shared secret.
    #[error("it must not have `{0}`: everybody can read it")]
    Secret(&'static str),
    /// §4.1
    #[error("`token_endpoint_auth_method` must be `none` or `private_key_jwt`")]
    Method,
    /// RFC 7591 §2
    #[error("`redirect_uris` must be a list of 1 to {MAX_REDIRECT_URIS} addresses")]
    RedirectUris,
    /// RFC 6749 §3.1.2
    #[error("{0}")]
    RedirectUri(String),
    /// RFC 7591 §2
    #[error("`grant_types` must hold `authorization_code`, and `response_types`, if there are any, `code`")]
    GrantTypes,
    /// RFC 7591 §2
    #[error("`client_name` must be a text of 1 to {MAX_NAME_CHARACTERS} characters without line breaks")]
    Name,
    /// RFC 7591 §2
    #[error("{0}")]
    Metadata(String),
}

/// The client that the document at `id` describes, as it was read at `now`.
///
/// # Errors
/// The first thing that is wrong, in the order of the draft's §4.1.
pub fn read(id: &ClientId, body: &[u8], now: Timestamp) -> Result<Client, DocumentError> {
    let members = strict_json::object(body).ok_or(DocumentError::NotJson)?;
    if members.get("client_id").and_then(Value::as_str) != Some(id.as_str()) {
        return Err(DocumentError::OtherClient);
    }
    for secret in ["client_secret", "client_secret_expires_at"] {
        if members.contains_key(secret) {
            return Err(DocumentError::Secret(secret));
        }
    }
    let metadata = metadata(&members)?;
    // RFC 7591 §2: the default would be by secret, which nobody has.
    if !matches!(metadata.token_endpoint_auth_method, None | Some(AuthMethod::None | AuthMethod::PrivateKeyJwt)) {
        return Err(DocumentError::Method);
    }
    metadata.check(false).map_err(|error| DocumentError::Metadata(error.to_string()))?;
    Ok(Client {
        id: id.clone(),
        organization: OrganizationId::parse(PLATFORM_ORGANIZATION).expect("INVARIANT: it is an organization's id"),
        name: name(&members, id)?,
        description: String::new(),
        grant_types: grant_types(&members)?,
        redirect_uris: redirect_uris(&members)?,
        scopes: scopes(&members),
        is_confidential: metadata.is_confidential(false),
        pkce_required: true,
        token_ttl_seconds: TOKEN_TTL_SECONDS,
        metadata,
        state: ClientState::Active,
        created_at: now,
        created_by: None,
        modified_at: now,
        modified_by: None,
    })
}

/// Whether `now` no longer names an address or a key that `before` named (§6.3): what was given under it may be in the wrong hands.
#[must_use]
pub fn takes_something_away(before: &Client, now: &Client) -> bool {
    let has_lost_address = before.redirect_uris.iter().any(|uri| !now.redirect_uris.contains(uri));
    let keys = |client: &Client| -> Vec<_> {
        client.metadata.jwks.iter().flat_map(JwkSet::keys).map(PublicJwk::thumbprint).collect()
    };
    let left = keys(now);
    has_lost_address || keys(before).iter().any(|key| !left.contains(key))
}

fn metadata(members: &Map<String, Value>) -> Result<ClientMetadata, DocumentError> {
    let is_own = |name: &str| MEMBERS_OF_THE_APP.contains(&name) || name == KEYS_ELSEWHERE;
    let own = members.iter().filter(|(name, value)| is_own(name) && !value.is_null());
    let own: Map<String, Value> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    serde_json::from_value(Value::Object(own)).map_err(|error| DocumentError::Metadata(error.to_string()))
}

fn name(members: &Map<String, Value>, id: &ClientId) -> Result<String, DocumentError> {
    match members.get("client_name") {
        None | Some(Value::Null) => Ok(host(id).to_owned()),
        Some(Value::String(name)) => {
            let is_name = !name.trim().is_empty()
                && name.chars().count() <= MAX_NAME_CHARACTERS
                && !name.chars().any(char::is_control);
            if is_name { Ok(name.clone()) } else { Err(DocumentError::Name) }
        }
        Some(_) => Err(DocumentError::Name),
    }
}

/// The host of a document, with its port where it has one (§6.4): all that is certain about who the client is.
#[must_use]
pub fn host(id: &ClientId) -> &str {
    let address = id.document_address().and_then(|address| address.strip_prefix("https://"));
    address.and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

/// Absent: codes (RFC 7591 §2). What a document cannot have is left out (E13).
fn grant_types(members: &Map<String, Value>) -> Result<Vec<GrantType>, DocumentError> {
    let list = |member| texts(members, member).ok_or(DocumentError::GrantTypes);
    let grant_types = list("grant_types")?;
    let response_types = list("response_types")?;
    if response_types.is_some_and(|types| !types.contains(&"code")) {
        return Err(DocumentError::GrantTypes);
    }
    let Some(grant_types) = grant_types else { return Ok(vec![GrantType::AuthorizationCode]) };
    if !grant_types.contains(&"authorization_code") {
        return Err(DocumentError::GrantTypes);
    }
    let refreshes = grant_types.contains(&"refresh_token").then_some(GrantType::RefreshToken);
    Ok([GrantType::AuthorizationCode].into_iter().chain(refreshes).collect())
}

fn redirect_uris(members: &Map<String, Value>) -> Result<Vec<String>, DocumentError> {
    let uris = texts(members, "redirect_uris").flatten().ok_or(DocumentError::RedirectUris)?;
    if uris.is_empty() || uris.len() > MAX_REDIRECT_URIS {
        return Err(DocumentError::RedirectUris);
    }
    for uri in &uris {
        validate_registered(uri).map_err(|error| DocumentError::RedirectUri(error.to_string()))?;
    }
    Ok(uris.into_iter().map(str::to_owned).collect())
}

/// What it would like to ask for: shown to administrators, never part of a decision.
fn scopes(members: &Map<String, Value>) -> Vec<Scope> {
    let asked = members.get("scope").and_then(Value::as_str).unwrap_or_default().split(' ');
    let of_contracts = asked.filter(|text| ProtocolScope::parse(text).is_none());
    of_contracts.filter_map(|text| text.parse().ok()).collect()
}

/// A member that is a list of texts; the outer `None` where it is anything else.
fn texts<'m>(members: &'m Map<String, Value>, name: &str) -> Option<Option<Vec<&'m str>>> {
    match members.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::Array(items)) => items.iter().map(Value::as_str).collect::<Option<_>>().map(Some),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::samples::ISSUED;
    use serde_json::json;

    fn id() -> ClientId {
        ClientId::parse("https://app.example/client.json").unwrap()
    }

    fn document() -> Value {
        json!({
            "client_id": id(), "client_name": "Agent", "redirect_uris": ["http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"], "scope": "openid users",
        })
    }

    fn with(member: &str, value: Value) -> Result<Client, DocumentError> {
        let mut document = document();
        document[member] = value;
        read(&id(), document.to_string().as_bytes(), ISSUED)
    }

    #[test]
    fn a_document_describes_a_public_client_that_gets_codes_with_pkce() {
        let client = with("resources", json!(["https://api.example/"])).unwrap();
        assert_eq!((client.name.as_str(), client.is_confidential, client.pkce_required), ("Agent", false, true));
        assert_eq!(client.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
        assert_eq!(client.scopes, ["users".parse().unwrap()]);
        assert_eq!((client.metadata.clone(), client.organization.as_str()), (ClientMetadata::default(), "countersign"));
        let client = with("grant_types", Value::Null).unwrap();
        assert_eq!(client.grant_types, [GrantType::AuthorizationCode]);
        assert_eq!(with("client_name", Value::Null).unwrap().name, "app.example");
    }

    #[test]
    fn e16_another_client_a_secret_and_a_method_by_secret_are_refused() {
        assert_eq!(with("client_id", json!("https://app.example/other.json")), Err(DocumentError::OtherClient));
        assert_eq!(with("client_id", Value::Null), Err(DocumentError::OtherClient));
        for secret in ["client_secret", "client_secret_expires_at"] {
            assert_eq!(with(secret, json!("x")), Err(DocumentError::Secret(secret)));
        }
        for method in ["client_secret_basic", "client_secret_post", "tls_client_auth", "self_signed_tls_client_auth"] {
            assert_eq!(with("token_endpoint_auth_method", json!(method)), Err(DocumentError::Method), "{method}");
        }
        let method = with("token_endpoint_auth_method", json!("client_secret_jwt")).unwrap_err();
        assert!(matches!(method, DocumentError::Metadata(_)));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (member, value) in [
            ("redirect_uris", json!([])),
            ("redirect_uris", json!("https://app.example/cb")),
            ("redirect_uris", json!([1])),
            ("redirect_uris", json!(["javascript:alert(1)"])),
            ("redirect_uris", json!(["https://app.example/#x"])),
            ("client_name", json!("")),
            ("client_name", json!("a\nb")),
            ("client_name", json!("a".repeat(101))),
            ("client_name", json!({})),
            ("grant_types", json!(["client_credentials"])),
            ("grant_types", json!("authorization_code")),
            ("response_types", json!(["token"])),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
            ("logo_uri", json!("javascript:alert(1)")),
            ("jwks_uri", json!("http://app.example/keys")),
        ] {
            assert!(with(member, value.clone()).is_err(), "{member}: {value}");
        }
        assert_eq!(read(&id(), b"[]", ISSUED), Err(DocumentError::NotJson));
        assert_eq!(read(&id(), b"{\"client_id\":1,\"client_id\":2}", ISSUED), Err(DocumentError::NotJson));
    }

    #[test]
    fn e19_a_document_that_names_less_takes_something_away() {
        let two = with("redirect_uris", json!(["https://app.example/a", "https://app.example/b"])).unwrap();
        let one = with("redirect_uris", json!(["https://app.example/a"])).unwrap();
        assert!(takes_something_away(&two, &one));
        assert!(!takes_something_away(&one, &two));
        assert!(!takes_something_away(&one, &with("redirect_uris", json!(["https://app.example/a"])).unwrap()));
    }
}
