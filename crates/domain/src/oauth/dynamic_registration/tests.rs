//! What can be registered, and what comes of it.

use serde_json::json;

use super::*;
use crate::client::AccessTokenFormat;
use crate::client::metadata::SecurityProfile;
use crate::oauth::samples::{Key, client, scopes as named};

fn policy() -> RegistrationPolicy {
    RegistrationPolicy {
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials],
        scopes: named(&["users:readonly", "orders", "gone"]),
        hosts: vec!["app.example".to_owned(), "127.0.0.1".to_owned()],
    }
}

fn read_with(policy: &RegistrationPolicy, body: &Value) -> Result<Registration, RegistrationError> {
    let is_known = |scope: &Scope| scope.as_str() != "gone";
    Registration::read(body.to_string().as_bytes(), policy, None, &is_known)
}

fn read(body: &Value) -> Result<Registration, RegistrationError> {
    read_with(&policy(), body)
}

fn app() -> Value {
    json!({ "client_name": "App", "redirect_uris": ["https://app.example/cb"] })
}

fn with(name: &str, value: Value) -> Value {
    let mut body = app();
    body[name] = value;
    body
}

fn code(body: &Value) -> &'static str {
    read(body).unwrap_err().code.as_str()
}

#[test]
fn what_is_left_out_has_the_defaults_of_rfc_7591() {
    let registration = read(&app()).unwrap();
    assert_eq!(registration.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(registration.scopes, named(&["users:readonly", "orders"]), "all that is allowed and known");
    assert!(registration.has_secret);
    assert_eq!(registration.metadata.token_endpoint_auth_method, Some(AuthMethod::ClientSecretBasic));
    let unnamed = read(&json!({ "redirect_uris": ["https://app.example/cb"], "logo_uri": null })).unwrap();
    assert_eq!(unnamed.name, "Unnamed app");
}

#[test]
fn e10_bad_redirect_uris_have_a_code_of_their_own() {
    for bad in [
        json!(["http://app.example/cb"]),
        json!(["https://app.example/cb#x"]),
        json!(["javascript:alert(1)"]),
        json!(["https://elsewhere.example/cb"]),
        json!("https://app.example/cb"),
        json!([1]),
        json!([]),
        json!(vec!["https://app.example/cb"; 21]),
    ] {
        assert_eq!(code(&with("redirect_uris", bad.clone())), "invalid_redirect_uri", "{bad}");
    }
    assert_eq!(code(&json!({ "client_name": "App" })), "invalid_redirect_uri");
}

#[test]
fn e10_bad_metadata_are_invalid_client_metadata() {
    let jwks = serde_json::to_value(Key::es256().jwks()).unwrap();
    for (name, bad) in [
        ("jwks_uri", json!("https://app.example/jwks")),
        ("token_endpoint_auth_method", json!("magic")),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_method", json!(1)),
        ("grant_types", json!(["password"])),
        ("grant_types", json!("authorization_code")),
        ("grant_types", json!(["refresh_token"])),
        ("grant_types", json!(["authorization_code", GrantType::Saml2Bearer.uri()])),
        ("response_types", json!(["token"])),
        ("response_types", json!(["code id_token"])),
        ("client_name", json!("")),
        ("client_name", json!("two\nlines")),
        ("client_name", json!(1)),
        ("scope", json!(["users"])),
        ("client_uri", json!("http://app.example/")),
        ("client_uri", json!("https://bank.example/")),
        ("logo_uri", json!("https://bank.example/logo.png")),
        ("post_logout_redirect_uris", json!(["https://bank.example/"])),
        ("jwks", json!({ "keys": [{ "kty": "EC", "d": "private" }] })),
        ("subject_type", json!("pairwise")),
        ("default_max_age", json!(-1)),
    ] {
        assert_eq!(code(&with(name, bad.clone())), "invalid_client_metadata", "{name} = {bad}");
    }
    let mut both = with("jwks", jwks);
    both["jwks_uri"] = json!("https://app.example/jwks");
    assert_eq!(code(&both), "invalid_client_metadata");
    for body in ["", "[]", "null", "{\"client_name\":\"a\",\"client_name\":\"b\"}", "{"] {
        let refused = Registration::read(body.as_bytes(), &policy(), None, &|_| true).unwrap_err();
        assert_eq!(refused.code.as_str(), "invalid_client_metadata", "{body}");
    }
}

#[test]
fn e13_grant_types_and_scopes_never_exceed_the_policy() {
    let asked =
        json!(["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code", "implicit"]);
    let registration = read(&with("grant_types", asked)).unwrap();
    assert_eq!(registration.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    let device_only = json!(["urn:ietf:params:oauth:grant-type:device_code"]);
    assert_eq!(code(&with("grant_types", device_only)), "invalid_client_metadata");
    let registration = read(&with("scope", json!("openid orders users gone orders"))).unwrap();
    assert_eq!(registration.scopes, named(&["orders"]));
    assert_eq!(read(&with("scope", json!("users"))).unwrap().scopes, []);
    let nothing = RegistrationPolicy { grant_types: vec![], ..policy() };
    assert!(read_with(&nothing, &app()).is_err());
}

#[test]
fn what_an_app_is_here_is_not_its_own_to_say_and_unknown_members_are_ignored() {
    let mut body = app();
    for (name, value) in [
        ("resources", json!(["https://app.example/api"])),
        ("access_token_format", json!("jwt")),
        ("security_profile", json!("fapi2")),
        ("software_id", json!("x")),
        ("client_id", json!("chosen")),
        ("magic", json!({ "a": [1] })),
    ] {
        body[name] = value;
    }
    assert_eq!(read(&body), read(&app()));
}

#[test]
fn e11_an_update_keeps_what_its_organization_has_said_of_the_app() {
    let ours = ClientMetadata {
        resources: vec!["https://api.example/".to_owned().try_into().unwrap()],
        access_token_format: AccessTokenFormat::Jwt,
        security_profile: Some(SecurityProfile::Fapi2),
        dpop_bound_access_tokens: true,
        ..ClientMetadata::default()
    };
    let update = |body: &Value| Registration::read(body.to_string().as_bytes(), &policy(), Some(&ours), &|_| true);
    assert_eq!(update(&app()).unwrap_err().code.as_str(), "invalid_client_metadata", "FAPI takes no secret");
    let mut body = with("token_endpoint_auth_method", json!("private_key_jwt"));
    body["jwks"] = serde_json::to_value(Key::es256().jwks()).unwrap();
    assert!(update(&body).is_err(), "nor unbound tokens");
    body["dpop_bound_access_tokens"] = json!(true);
    let updated = update(&body).unwrap().metadata;
    assert_eq!((updated.resources, updated.security_profile), (ours.resources, ours.security_profile));
    assert_eq!(updated.access_token_format, AccessTokenFormat::Jwt);
}

#[test]
fn an_app_that_proves_nothing_gets_no_grant_that_needs_a_proof() {
    let mut body = with("token_endpoint_auth_method", json!("none"));
    let public = read(&body).unwrap();
    assert!(!public.has_secret && !public.metadata.is_confidential(public.has_secret));
    body["grant_types"] = json!(["client_credentials"]);
    assert_eq!(code(&body), "invalid_client_metadata");
    body["token_endpoint_auth_method"] = json!("private_key_jwt");
    body["jwks"] = serde_json::to_value(Key::es256().jwks()).unwrap();
    assert!(!read(&body).unwrap().has_secret);
}

#[test]
fn an_update_names_its_app_and_nothing_that_is_ours_to_say() {
    let read = |body: Value| UpdateIdentity::read(body.to_string().as_bytes());
    let identity = read(json!({ "client_id": "a", "client_secret": "s", "client_name": "App" })).unwrap();
    assert_eq!((identity.client_id.as_str(), identity.client_secret.as_deref()), ("a", Some("s")));
    assert!(read(json!({ "client_name": "App" })).is_err());
    for name in
        ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"]
    {
        let mut body = json!({ "client_id": "a" });
        body[name] = json!("x");
        assert!(read(body).is_err(), "{name}");
    }
}

#[test]
fn the_answer_says_what_was_registered() {
    let client = client();
    let response =
        RegistrationResponse::new(&client, Some("s"), "t", "https://as.example/oauth/register/roster".into());
    let body = serde_json::to_value(response).unwrap();
    assert_eq!((&body["client_id"], &body["client_secret_expires_at"]), (&json!("roster"), &json!(0)));
    assert_eq!(body["grant_types"], json!(["authorization_code", "refresh_token", "client_credentials"]));
    assert_eq!((&body["response_types"], &body["scope"]), (&json!(["code"]), &json!("users")));
    let without = serde_json::to_value(RegistrationResponse::new(&client, None, "t", String::new())).unwrap();
    assert_eq!((without.get("client_secret"), without.get("client_secret_expires_at")), (None, None));
}
