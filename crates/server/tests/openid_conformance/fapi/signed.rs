//! Signed requests, pushed: FAPI 2.0 Message Signing, and the modules of the security profile that use a request object.

use serde_json::{Value, json};

use super::client::{Fapi, PAR, STATE};
use crate::support::keys::{Key, with};
use crate::support::{Answer, CHALLENGE, query_of};
use crate::world::{WEB, WEB_URI};

async fn start() -> Fapi {
    Fapi::start_with(", require_signed_request_object: true").await
}

fn claims(fapi: &Fapi) -> Value {
    let now = fapi.now();
    json!({
        "iss": WEB, "aud": fapi.issuer(), "iat": now, "nbf": now, "exp": now + 300, "client_id": WEB,
        "redirect_uri": WEB_URI, "response_type": "code", "scope": "openid user-basic-info", "state": STATE, "nonce": "inside",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    })
}

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt" })
}

async fn push(fapi: &Fapi, object: &str, beside: &[(&str, &str)]) -> Answer {
    fapi.post(PAR, &[&[("client_id", WEB), ("request", object)], beside].concat()).await
}

async fn push_claims(fapi: &Fapi, claims: &Value, beside: &[(&str, &str)]) -> Answer {
    push(fapi, &fapi.key.sign(&header(), claims), beside).await
}

async fn assert_object_fails(change: impl Fn(&Fapi, &Value) -> Value) {
    let fapi = start().await;
    let refused = push_claims(&fapi, &change(&fapi, &claims(&fapi)), &[]).await;
    assert_eq!(refused.refusal(), (400, "invalid_request_object"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object() {
    let fapi = start().await;
    let page = fapi.follow(&Fapi::link(&push_claims(&fapi, &claims(&fapi), &[("nonce", "outside")]).await)).await;
    let tokens = fapi.redeem(&page.code()).await.ok();
    assert_eq!(fapi.id_token(&tokens).await.claims["nonce"], "inside");
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object() {
    let fapi = start().await;
    let page = fapi.follow(&Fapi::link(&push_claims(&fapi, &claims(&fapi), &[("state", "outside")]).await)).await;
    assert_eq!(query_of(page.location(), "state").as_deref(), Some(STATE));
}

#[tokio::test]
async fn fapi2_security_profile_final_state_only_outside_request_object_not_used() {
    let fapi = start().await;
    let without = with(&claims(&fapi), "state", Value::Null);
    let page = fapi.follow(&Fapi::link(&push_claims(&fapi, &without, &[("state", "outside")]).await)).await;
    assert_eq!(query_of(page.location(), "state"), None);
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails() {
    let fapi = start().await;
    for scope in ["openid user-basic-info", "user-basic-info"] {
        let without = with(&with(&claims(&fapi), "redirect_uri", Value::Null), "scope", json!(scope));
        let refused = push_claims(&fapi, &without, &[("redirect_uri", WEB_URI)]).await;
        assert_eq!(refused.refusal(), (400, "invalid_request"), "{scope}");
    }
}

#[tokio::test]
async fn a_signed_request_leads_to_a_token_that_is_usable() {
    let fapi = start().await;
    let page = fapi.follow(&Fapi::link(&push_claims(&fapi, &claims(&fapi), &[]).await)).await;
    assert!(fapi.is_usable(&fapi.redeem(&page.code()).await.ok()).await);
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_request_object_with_multiple_aud_succeeds() {
    let fapi = start().await;
    let several = with(&claims(&fapi), "aud", json!([fapi.issuer(), "https://other.example"]));
    assert!(fapi.follow(&Fapi::link(&push_claims(&fapi, &several, &[]).await)).await.code().starts_with("cs_ac_"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted() {
    let fapi = start().await;
    let ahead = with(&claims(&fapi), "nbf", json!(fapi.now() + 8));
    assert_eq!(push_claims(&fapi, &ahead, &[]).await.status, 201);
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_expired_request_object_fails() {
    assert_object_fails(|fapi, good| with(good, "exp", json!(fapi.now() - 5 * 60))).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_request_object_with_bad_aud_fails() {
    assert_object_fails(|_, good| with(good, "aud", json!("https://other.example"))).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_request_object_with_exp_over_60_fails() {
    assert_object_fails(|fapi, good| with(good, "exp", json!(fapi.now() + 70 * 60))).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_request_object_with_nbf_over_60_fails() {
    assert_object_fails(|fapi, good| with(good, "nbf", json!(fapi.now() - 70 * 60))).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_request_object_without_exp_fails() {
    assert_object_fails(|_, good| with(good, "exp", Value::Null)).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_request_object_without_nbf_fails() {
    assert_object_fails(|_, good| with(good, "nbf", Value::Null)).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none() {
    let fapi = start().await;
    let object = fapi.key.sign(&with(&header(), "alg", json!("none")), &claims(&fapi));
    assert_eq!(push(&fapi, &object, &[]).await.refusal(), (400, "invalid_request_object"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_signed_request_object_with_rs256_fails() {
    let fapi = start().await;
    let object = fapi.key.sign(&with(&header(), "alg", json!("RS256")), &claims(&fapi));
    assert_eq!(push(&fapi, &object, &[]).await.refusal(), (400, "invalid_request_object"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails() {
    let fapi = start().await;
    let object = fapi.key.sign(&header(), &claims(&fapi));
    let at = object.len() - 20;
    let other = if object.as_bytes()[at] == b'A' { 'B' } else { 'A' };
    let object = format!("{}{other}{}", &object[..at], &object[at + 1..]);
    assert_eq!(push(&fapi, &object, &[]).await.refusal(), (400, "invalid_request_object"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_matching_key_in_authorization_request() {
    let fapi = start().await;
    let object = Key::generate().sign(&header(), &claims(&fapi));
    assert_eq!(push(&fapi, &object, &[]).await.refusal(), (400, "invalid_request_object"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails() {
    let fapi = start().await;
    let refused = fapi.push(&[]).await;
    assert!(matches!(refused.refusal(), (400, "invalid_request" | "invalid_request_object")), "{}", refused.text);
}
