//! The endpoint of pushed requests.

use serde_json::{Value, json};

use super::client::{Fapi, PAR, TOKEN, request};
use crate::support::{Browser, encode};
use crate::world::{ADA, LAX};

#[tokio::test]
async fn fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds() {
    let fapi = Fapi::start().await;
    let link = Fapi::link(&fapi.push(&[]).await);
    let first = Browser::new(&fapi.server).get(&link).await;
    assert!(first.has_form("/oauth/sign-in"));
    fapi.redeem(&fapi.follow(&link).await.code()).await.ok();
}

#[tokio::test]
async fn fapi2_security_profile_final_par_attempt_reuse_request_uri() {
    let fapi = Fapi::start().await;
    let link = Fapi::link(&fapi.push(&[]).await);
    fapi.follow(&link).await.code();
    let again = fapi.follow(&link).await;
    assert_eq!((again.status, again.location()), (400, ""));
}

#[tokio::test]
async fn fapi2_security_profile_final_par_attempt_to_use_expired_request_uri() {
    let fapi = Fapi::start().await;
    let pushed = fapi.push(&[]).await;
    fapi.server.advance(pushed.body["expires_in"].as_i64().unwrap());
    let late = fapi.follow(&Fapi::link(&pushed)).await;
    assert_eq!((late.status, late.location()), (400, ""));
}

#[tokio::test]
async fn fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted() {
    let fapi = Fapi::start().await;
    let pushed = fapi.post_asserting(PAR, &request(&[]), ("nbf", json!(fapi.now() + 8))).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text);
}

#[tokio::test]
async fn fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails() {
    let fapi = Fapi::start().await;
    let refused = fapi.post_asserting(PAR, &request(&[]), ("nbf", json!(fapi.now() + 61))).await;
    assert_eq!(refused.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client() {
    let fapi = Fapi::start().await;
    let pushed = fapi.push(&[]).await;
    let request_uri = pushed.body["request_uri"].as_str().unwrap();
    let link = format!("/oauth/authorize?{}", encode(&[("client_id", LAX), ("request_uri", request_uri)]));
    let page = fapi.follow(&link).await;
    assert_eq!((page.status, page.location()), (400, ""));
    fapi.follow(&Fapi::link(&pushed)).await.code();
}

#[tokio::test]
async fn fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param() {
    let fapi = Fapi::start().await;
    let refused = fapi.push(&[("request_uri", "urn:ietf:params:oauth:request_uri:x")]).await;
    assert_eq!(refused.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn fapi2_security_profile_final_par_attempt_invalid_http_method() {
    let fapi = Fapi::start().await;
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        assert_eq!(fapi.server.send(method, PAR, &[], "").await.status, 405, "{method}");
    }
}

#[tokio::test]
async fn fapi2_security_profile_final_par_ensure_pkce_required() {
    let fapi = Fapi::start().await;
    let refused = fapi.push(&[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert_eq!(refused.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn fapi2_security_profile_final_par_plain_pkce_rejected() {
    let fapi = Fapi::start().await;
    assert_eq!(fapi.push(&[("code_challenge_method", "plain")]).await.refusal(), (400, "invalid_request"));
    assert_eq!(fapi.push(&[("code_challenge_method", "")]).await.refusal(), (400, "invalid_request"));
}

/// What stands beside the reference does not count, and does not disturb.
#[tokio::test]
async fn fapi2_security_profile_final_par_without_duplicate_parameters() {
    let fapi = Fapi::start().await;
    let link = Fapi::link(&fapi.push(&[]).await);
    let mut browser = Browser::new(&fapi.server);
    let page = browser.get(&link).await;
    assert!(browser.sign_in(&page, ADA.0, ADA.1).await.status < 400);
    let doubled = format!("{}&scope=openid&scope=users", encode(&request(&[("scope", "")])));
    let assertion = fapi.key.sign(&json!({ "alg": "ES256" }), &fapi.assertion());
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let proven = encode(&[("client_assertion", &*assertion), ("client_assertion_type", kind)]);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let refused = fapi.server.send("POST", PAR, &form, format!("{doubled}&{proven}")).await;
    assert_eq!(refused.refusal(), (400, "invalid_request"));
}

async fn assert_audience_fails(audience: impl Fn(&Fapi) -> Value) {
    let fapi = Fapi::start().await;
    let refused = fapi.post_asserting(PAR, &request(&[]), ("aud", audience(&fapi))).await;
    assert_eq!(refused.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn fapi2_security_profile_final_par_test_array_as_audience_fails() {
    assert_audience_fails(|fapi| json!([fapi.issuer(), format!("{}{TOKEN}", fapi.issuer())])).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails() {
    assert_audience_fails(|fapi| json!(format!("{}{PAR}", fapi.issuer()))).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails() {
    assert_audience_fails(|fapi| json!(format!("{}{TOKEN}", fapi.issuer()))).await;
}
