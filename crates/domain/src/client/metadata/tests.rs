//! Members one by one and together.

use serde_json::json;

use super::*;

fn read(json: serde_json::Value) -> Result<ClientMetadata, String> {
    serde_json::from_value(json).map_err(|error| error.to_string())
}

fn unfit(json: serde_json::Value, has_secret: bool) -> String {
    read(json).unwrap().check(has_secret).unwrap_err().to_string()
}

fn jwks() -> serde_json::Value {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "x5c": ["AAAA"] }] })
}

#[test]
fn nothing_registered_is_an_empty_object() {
    assert_eq!(serde_json::to_value(ClientMetadata::default()).unwrap(), json!({}));
    assert_eq!(read(json!({})), Ok(ClientMetadata::default()));
}

#[test]
fn what_is_registered_is_written_under_the_names_of_the_standards() {
    let metadata = json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": jwks(),
        "dpop_bound_access_tokens": true,
        "require_pushed_authorization_requests": true,
        "require_signed_request_object": true,
        "access_token_format": "jwt",
        "security_profile": "fapi2",
        "default_max_age": 3600,
        "id_token_signed_response_alg": "RS256",
        "resources": ["https://api.example/"],
        "post_logout_redirect_uris": ["https://app.example/bye"],
        "backchannel_logout_uri": "https://app.example/logout",
        "backchannel_logout_session_required": true,
        "client_uri": "https://app.example/",
    });
    let read = read(metadata.clone()).unwrap();
    assert_eq!(read.check(false), Ok(()));
    assert_eq!(serde_json::to_value(read).unwrap(), metadata);
}

#[test]
fn an_unknown_member_is_refused_by_name() {
    assert!(read(json!({ "jwks_url": "https://app.example/jwks" })).unwrap_err().contains("`jwks_url`"));
}

#[test]
fn a06_script_schemes_are_refused_in_every_address() {
    for member in ["client_uri", "logo_uri", "policy_uri", "tos_uri", "backchannel_logout_uri"] {
        for bad in ["javascript:alert(1)", "DATA:text/html,x", "vbscript:x", "File:///etc/passwd", "com.example:/x"] {
            assert!(read(json!({ member: bad })).is_err(), "{member} {bad}");
        }
    }
    for bad in ["javascript:alert(1)", "data:text/html,x", "http://app.example/bye", "https://app.example/#x"] {
        assert!(read(json!({ "post_logout_redirect_uris": [bad] })).is_err(), "{bad}");
    }
}

#[test]
fn the_registered_method_must_fit_what_the_client_has() {
    let method = |method: &str| json!({ "token_endpoint_auth_method": method });
    assert_eq!(unfit(method("client_secret_basic"), false), "`token_endpoint_auth_method` by secret needs a secret");
    assert!(unfit(method("none"), true).contains("without a secret"));
    assert!(unfit(method("private_key_jwt"), false).starts_with("`jwks` is missing"));
    assert!(unfit(method("self_signed_tls_client_auth"), false).contains("`x5c`"));
    assert!(unfit(method("tls_client_auth"), false).contains("exactly one"));
    let with_keys = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks() });
    assert!(unfit(with_keys.clone(), true).contains("without a secret"));
    assert!(read(with_keys).unwrap().is_confidential(false));
    assert!(read(method("magic")).unwrap_err().contains("unknown variant `magic`"));
}

#[test]
fn one_name_of_a_certificate_is_registered() {
    let one = json!({ "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "app.example" });
    assert_eq!(read(one).unwrap().check(false), Ok(()));
    let two = json!({
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "app.example",
        "tls_client_auth_subject_dn": "CN=app",
    });
    assert!(unfit(two, false).contains("exactly one"));
    let malformed = json!({ "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "app" });
    assert!(unfit(malformed, false).contains("RFC 4514"));
}

#[test]
fn a_client_of_fapi_has_a_key_and_bound_tokens() {
    assert!(unfit(json!({ "security_profile": "fapi2" }), true).contains("private_key_jwt"));
    let unbound =
        json!({ "security_profile": "fapi2", "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks() });
    assert!(unfit(unbound, false).contains("dpop_bound_access_tokens"));
}

#[test]
fn who_must_sign_requests_has_keys() {
    assert!(unfit(json!({ "require_signed_request_object": true }), true).starts_with("`jwks` is missing"));
}

#[test]
fn an_api_is_served_by_a_client_that_can_prove_who_it_is() {
    let serving = json!({ "resources": ["https://api.example/"] });
    assert_eq!(read(serving.clone()).unwrap().check(true), Ok(()));
    assert!(unfit(serving, false).contains("can prove who they are"));
    for address in ["https://api.example/#a", "javascript:1", "/api"] {
        assert!(read(json!({ "resources": [address] })).is_err(), "{address}");
    }
}

#[test]
fn e26_only_what_we_sign_with_can_be_registered_for_id_tokens() {
    for (algorithm, is_ours) in [("ES256", true), ("EdDSA", true), ("RS256", true), ("PS256", false), ("ES384", false)]
    {
        let metadata = read(json!({ "id_token_signed_response_alg": algorithm })).unwrap();
        assert_eq!(metadata.check(true).is_ok(), is_ours, "{algorithm}");
    }
}
