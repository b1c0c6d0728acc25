//! What may be asked for, and what comes back.

use serde_json::{Value, json};

use super::client::{Fapi, PAR, STATE};
use crate::support::browser::authorize_address;
use crate::support::{Browser, query_of};
use crate::world::{ADA, WEB, WEB_URI};

#[tokio::test]
async fn fapi2_security_profile_final_discovery_end_point_verification() {
    let fapi = Fapi::start().await;
    let document = fapi.server.get("/.well-known/openid-configuration").await.ok();
    let lists = |name: &str, value: &str| document[name].as_array().unwrap().contains(&json!(value));
    assert_eq!(document["issuer"], fapi.issuer());
    assert!(document["pushed_authorization_request_endpoint"].as_str().unwrap().starts_with(fapi.issuer()));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    assert!(lists("code_challenge_methods_supported", "S256") && lists("response_types_supported", "code"));
    assert!(lists("token_endpoint_auth_methods_supported", "private_key_jwt"));
    assert!(lists("dpop_signing_alg_values_supported", "ES256") && lists("dpop_signing_alg_values_supported", "PS256"));
    assert!(lists("token_endpoint_auth_signing_alg_values_supported", "ES256"));
    for endpoint in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        assert!(document[endpoint].as_str().unwrap().starts_with(fapi.issuer()), "{endpoint}");
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_happy_flow() {
    let fapi = Fapi::start().await;
    let page = fapi.authorize(&[]).await;
    assert_eq!(query_of(page.location(), "state").as_deref(), Some(STATE));
    assert_eq!(query_of(page.location(), "iss").as_deref(), Some(fapi.issuer()));
    let tokens = fapi.redeem(&page.code()).await.ok();
    assert_eq!(tokens["token_type"], "DPoP");
    assert!(tokens["expires_in"].is_number() && fapi.is_usable(&tokens).await);
    let id_token = fapi.id_token(&tokens).await;
    assert_eq!((&id_token.claims["nonce"], &id_token.claims["aud"]), (&json!("suite-nonce"), &json!(WEB)));
}

#[tokio::test]
async fn fapi2_security_profile_final_user_rejects_authentication() {
    let fapi = Fapi::start().await;
    let link = Fapi::link(&fapi.push(&[("prompt", "consent")]).await);
    let mut browser = Browser::new(&fapi.server);
    let page = browser.get(&link).await;
    let page = browser.sign_in(&page, ADA.0, ADA.1).await;
    let page = browser.submit(&page, "/oauth/consent", &[("decision", "deny")]).await;
    assert_eq!(page.error(), "access_denied");
    assert_eq!(query_of(page.location(), "state").as_deref(), Some(STATE));
    assert_eq!(query_of(page.location(), "iss").as_deref(), Some(fapi.issuer()));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_request_without_state_success() {
    let fapi = Fapi::start().await;
    let page = fapi.authorize(&[("state", "")]).await;
    assert_eq!(query_of(page.location(), "state"), None);
    fapi.redeem(&page.code()).await.ok();
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_request_without_nonce_success() {
    let fapi = Fapi::start().await;
    let tokens = fapi.tokens(&[("nonce", "")]).await;
    assert_eq!(fapi.id_token(&tokens).await.claims.get("nonce"), None);
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success() {
    let fapi = Fapi::start().await;
    let nonce = "n".repeat(64);
    let tokens = fapi.tokens(&[("nonce", &nonce)]).await;
    assert_eq!(fapi.id_token(&tokens).await.claims["nonce"], nonce);
}

/// Either an error or the whole value: never part of it.
#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_request_with_long_nonce() {
    let fapi = Fapi::start().await;
    for length in [384, 2_048] {
        let nonce = "n".repeat(length);
        let tokens = fapi.tokens(&[("nonce", &nonce)]).await;
        assert_eq!(fapi.id_token(&tokens).await.claims["nonce"], nonce);
    }
    assert_eq!(fapi.push(&[("nonce", &"n".repeat(2_049))]).await.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_request_with_long_state() {
    let fapi = Fapi::start().await;
    let state = "s".repeat(384);
    let page = fapi.authorize(&[("state", &state)]).await;
    assert_eq!(query_of(page.location(), "state"), Some(state));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_other_scope_order_succeeds() {
    let fapi = Fapi::start().await;
    assert!(fapi.is_usable(&fapi.tokens(&[("scope", "user-basic-info openid")]).await).await);
}

#[tokio::test]
async fn fapi2_security_profile_final_test_claims_parameter_identity_claims() {
    let fapi = Fapi::start().await;
    let claims = json!({ "id_token": { "email": { "essential": true }, "name": null } }).to_string();
    let tokens = fapi.tokens(&[("claims", &claims)]).await;
    let told = fapi.id_token(&tokens).await.claims;
    assert_eq!((&told["email"], told["name"].is_string()), (&json!(ADA.0), true));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_registered_redirect_uri() {
    let fapi = Fapi::start().await;
    let refused = fapi.push(&[("redirect_uri", "https://web.example/callback/other")]).await;
    assert_eq!(refused.refusal(), (400, "invalid_request"));
}

/// The module tolerates either; the policy here is to refuse.
#[tokio::test]
async fn fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri() {
    let fapi = Fapi::start().await;
    let refused = fapi.push(&[("redirect_uri", "https://unregistered.example/cb")]).await;
    assert_eq!(refused.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request() {
    let fapi = Fapi::start().await;
    for scope in ["openid user-basic-info", "user-basic-info"] {
        let refused = fapi.push(&[("redirect_uri", ""), ("scope", scope)]).await;
        assert_eq!(refused.refusal(), (400, "invalid_request"), "{scope}");
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails() {
    let fapi = Fapi::start().await;
    let page = Browser::new(&fapi.server).get(&authorize_address(WEB, WEB_URI, &[("scope", "openid")])).await;
    assert_eq!((page.status, page.location()), (400, ""));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_response_type_code_idtoken_fails() {
    let fapi = Fapi::start().await;
    let refused = fapi.push(&[("response_type", "code id_token")]).await;
    assert_eq!(refused.refusal(), (400, "unsupported_response_type"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_response_type_token_fails() {
    let fapi = Fapi::start().await;
    let refused = fapi.push(&[("response_type", "token")]).await;
    assert_eq!(refused.refusal(), (400, "unsupported_response_type"));
}

/// A client assertion says who the client is: `client_id` beside it may be left out, and another one is refused.
#[tokio::test]
async fn fapi2_security_profile_final_ensure_client_id_in_token_endpoint() {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    let form = crate::support::browser::redemption(&code, WEB_URI);
    let other = [&form[..], &[("client_id", "lax-app")]].concat();
    assert_eq!(fapi.post("/oauth/token", &other).await.refusal().1, "invalid_client");
    let own = [&form[..], &[("client_id", WEB)]].concat();
    fapi.post("/oauth/token", &own).await.ok();
}

#[tokio::test]
async fn fapi2_security_profile_final_access_token_type_header_case_sensitivity() {
    let fapi = Fapi::start().await;
    let tokens = fapi.tokens(&[]).await;
    let token = tokens["access_token"].as_str().unwrap();
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let proof = fapi.signed_proof(&fapi.proof_for("GET", token));
        assert_eq!(fapi.call(scheme, token, &proof).await.status, 200, "{scheme}");
    }
}

/// A request without a proof at the endpoint of pushed requests is allowed: the key is bound at the token endpoint then.
#[tokio::test]
async fn fapi2_security_profile_final_ensure_dpop_auth_code_binding_success() {
    let fapi = Fapi::start().await;
    let tokens = fapi.tokens(&[("dpop_jkt", &fapi.dpop.thumbprint())]).await;
    assert!(fapi.is_usable(&tokens).await);
    let assertion = fapi.key.sign(&json!({ "alg": "ES256" }), &fapi.assertion());
    let without_proof = fapi.send(PAR, &super::client::request(&[]), &assertion, &[]).await;
    let page = fapi.follow(&Fapi::link(&without_proof)).await;
    assert!(fapi.is_usable(&fapi.redeem(&page.code()).await.ok()).await);
    assert_ne!(fapi.id_token(&tokens).await.claims["sub"], Value::Null);
}
