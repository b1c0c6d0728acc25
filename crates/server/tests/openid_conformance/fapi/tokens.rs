//! The token endpoint: codes, client assertions, verifiers, refresh tokens.

use serde_json::{Value, json};

use super::client::{Fapi, TOKEN};
use crate::support::browser::redemption;
use crate::world::{LAX_SECRET, WEB_URI};

/// The answer to a redemption whose assertion is changed, which must be refused, and the code good afterwards.
async fn assert_refused(change: (&str, Value)) {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    let refused = fapi.post_asserting(TOKEN, &redemption(&code, WEB_URI), change).await;
    assert_eq!(refused.refusal(), (401, "invalid_client"));
    fapi.redeem(&code).await.ok();
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint() {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    let form = [&redemption(&code, WEB_URI)[..], &[("client_id", crate::world::WEB)]].concat();
    let proof = fapi.signed_proof(&fapi.proof("POST", TOKEN));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("dpop", &*proof)];
    let refused = fapi.server.send("POST", TOKEN, &headers, crate::support::encode(&form)).await;
    assert_eq!(refused.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails() {
    let fapi = Fapi::start().await;
    assert_refused(("exp", json!(fapi.now() - 300))).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails() {
    assert_refused(("aud", json!("https://other.example"))).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails() {
    assert_refused(("sub", Value::Null)).await;
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_signed_client_assertion_with_rs256_fails() {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    let assertion = fapi.key.sign(&json!({ "alg": "RS256" }), &fapi.assertion());
    let proof = fapi.signed_proof(&fapi.proof("POST", TOKEN));
    let refused = fapi.send(TOKEN, &redemption(&code, WEB_URI), &assertion, &[&proof]).await;
    assert_eq!(refused.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client() {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    let stolen = fapi.server.token(LAX_SECRET, &redemption(&code, WEB_URI)).await;
    assert_eq!(stolen.refusal(), (400, "invalid_grant"));
    fapi.redeem(&code).await.ok();
}

#[tokio::test]
async fn fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second() {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    let tokens = fapi.redeem(&code).await.ok();
    fapi.server.advance(1);
    assert_eq!(fapi.redeem(&code).await.refusal(), (400, "invalid_grant"));
    assert!(!fapi.is_usable(&tokens).await, "the tokens that came from it end");
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code() {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    fapi.server.advance(61);
    assert_eq!(fapi.redeem(&code).await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_pkce_code_verifier_required() {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    let form: Vec<_> = redemption(&code, WEB_URI).into_iter().filter(|(name, _)| *name != "code_verifier").collect();
    let refused = fapi.post(TOKEN, &form).await;
    assert!(matches!(refused.refusal(), (400, "invalid_grant" | "invalid_request")), "{}", refused.text);
}

#[tokio::test]
async fn fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected() {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    let wrong = "x".repeat(43);
    let mut form: Vec<_> =
        redemption(&code, WEB_URI).into_iter().filter(|(name, _)| *name != "code_verifier").collect();
    form.push(("code_verifier", &wrong));
    assert_eq!(fapi.post(TOKEN, &form).await.refusal(), (400, "invalid_grant"));
}

/// The module waits half a minute and sends the refresh token once more: it must work, rotated or not.
#[tokio::test]
async fn fapi2_security_profile_final_refresh_token() {
    let fapi = Fapi::start().await;
    let tokens = fapi.tokens(&[]).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let renewed = fapi.post(TOKEN, &form).await.ok();
    assert!(fapi.is_usable(&renewed).await && renewed["refresh_token"] == refresh);
    fapi.server.advance(30);
    assert!(fapi.is_usable(&fapi.post(TOKEN, &form).await.ok()).await);
    let stolen = fapi.server.token(LAX_SECRET, &form).await;
    assert_eq!(stolen.refusal(), (400, "invalid_grant"));
}
