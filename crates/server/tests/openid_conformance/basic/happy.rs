//! The flow itself: answers, signatures, ways of sending.

use serde_json::json;

use crate::relying_party::{STATE, authorize, checked_id_token, happy_flow, parameters, redeem, request, server};
use crate::support::{Browser, query_of};
use crate::world::{LAX_SECRET, LAX_URI};

#[tokio::test]
async fn oidcc_server() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = authorize(&mut browser, &[]).await;
    assert_eq!(query_of(page.location(), "state").as_deref(), Some(STATE));
    assert_eq!(query_of(page.location(), "iss").as_deref(), Some(server.app.origin.as_str()));
    let answer = redeem(&server, &page).await;
    let id_token = checked_id_token(&server, &answer).await;
    assert_eq!(id_token.claims["nonce"], "suite-nonce");
}

#[tokio::test]
async fn oidcc_alternate_happy_flow() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    authorize(&mut browser, &[]).await.code();
    let (answer, id_token) =
        happy_flow(&server, &[("scope", "openid users"), ("state", ""), ("nonce", "another")]).await;
    assert_eq!((&answer["scope"], &id_token.claims["nonce"]), (&json!("openid users"), &json!("another")));
}

#[tokio::test]
async fn oidcc_response_type_missing() {
    let server = server().await;
    let page = authorize(&mut Browser::new(&server), &[("response_type", "")]).await;
    assert!(["invalid_request", "unsupported_response_type"].contains(&page.error().as_str()));
    assert_eq!(query_of(page.location(), "state").as_deref(), Some(STATE));
}

#[tokio::test]
async fn oidcc_idtoken_signature() {
    let server = server().await;
    let (_, id_token) = happy_flow(&server, &[]).await;
    assert!(id_token.header["kid"].is_string() && id_token.header["alg"] != "none");
}

#[tokio::test]
async fn oidcc_idtoken_unsigned() {
    let server = server().await;
    let discovery = server.get("/.well-known/openid-configuration").await.ok();
    let listed = discovery["id_token_signing_alg_values_supported"].as_array().unwrap();
    assert!(!listed.contains(&json!("none")), "the suite skips the module where `none` is not offered");
}

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let server = server().await;
    let (_, id_token) = happy_flow(&server, &[("nonce", "")]).await;
    assert_eq!(id_token.claims.get("nonce"), None);
}

#[tokio::test]
async fn oidcc_ensure_post_request_succeeds() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.post("/oauth/authorize", &parameters(&[])).await;
    let page = browser.follow_within(page).await;
    let page = browser.sign_in(&page, crate::world::ADA.0, crate::world::ADA.1).await;
    checked_id_token(&server, &redeem(&server, &page).await).await;
}

#[tokio::test]
async fn oidcc_server_client_secret_post() {
    let server = server().await;
    let code = authorize(&mut Browser::new(&server), &[]).await.code();
    let (id, secret) = LAX_SECRET.split_once(':').unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", LAX_URI),
        ("client_id", id),
        ("client_secret", secret),
    ];
    let answer = server.token("", &form).await.ok();
    checked_id_token(&server, &answer).await;
}

#[tokio::test]
async fn oidcc_ensure_request_with_unknown_parameter_succeeds() {
    let server = server().await;
    happy_flow(&server, &[("extra", "foobar")]).await;
}

#[tokio::test]
async fn oidcc_ensure_request_with_valid_pkce_succeeds() {
    let server = server().await;
    let pkce = [("code_challenge", crate::support::CHALLENGE), ("code_challenge_method", "S256")];
    let code = authorize(&mut Browser::new(&server), &pkce).await.code();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", LAX_URI),
        ("code_verifier", crate::support::VERIFIER),
    ];
    let answer = server.token(LAX_SECRET, &form).await.ok();
    checked_id_token(&server, &answer).await;
}

#[tokio::test]
async fn oidcc_ensure_registered_redirect_uri() {
    let server = server().await;
    let page = Browser::new(&server).get(&request(&[("redirect_uri", "https://lax.example/other")])).await;
    assert_eq!((page.status, page.location()), (400, ""));
    assert!(page.html.contains("redirect_uri"));
}

#[tokio::test]
async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() {
    let server = server().await;
    let page = Browser::new(&server).get(&request(&[("request", UNSIGNED)])).await;
    assert_eq!(page.error(), "request_not_supported");
}

#[tokio::test]
async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported() {
    let server = server().await;
    let page = Browser::new(&server).get(&request(&[("request_uri", "https://lax.example/request.jwt")])).await;
    // Only what was pushed is taken: nothing is fetched, and nobody is led anywhere.
    assert_eq!((page.status, page.location()), (400, ""));
    assert!(page.html.contains("request_uri"), "{}", page.html);
}

#[tokio::test]
async fn oidcc_ensure_request_object_with_redirect_uri() {
    let server = server().await;
    let target = request(&[("request", UNSIGNED), ("redirect_uri", "https://lax.example/callback?dummy=1")]);
    let page = Browser::new(&server).get(&target).await;
    assert_eq!((page.status, page.location()), (400, ""), "nothing inside of a request object counts for the redirect");
}

/// `{"alg":"none"}` with `{"redirect_uri":"https://lax.example/callback"}`.
const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2xheC5leGFtcGxlL2NhbGxiYWNrIn0.";
