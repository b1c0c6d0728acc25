//! UserInfo, and claims by scope and by name.

use serde_json::json;

use crate::relying_party::{authorize, happy_flow, server, userinfo};
use crate::support::{Browser, Server, encode};
use crate::world::ADA;

#[tokio::test]
async fn oidcc_userinfo_get() {
    let server = server().await;
    let (answer, id_token) = happy_flow(&server, &[]).await;
    userinfo(&server, &answer, &id_token).await;
}

#[tokio::test]
async fn oidcc_userinfo_post_header() {
    let server = server().await;
    let (answer, id_token) = happy_flow(&server, &[]).await;
    let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    let told = server.send("POST", "/oauth/userinfo", &[("authorization", &bearer)], "").await.ok();
    assert_eq!(told["sub"], id_token.claims["sub"]);
}

/// RFC 6750 §2.2 leaves it to servers; we refuse it, and say where the token belongs (D08).
#[tokio::test]
async fn oidcc_userinfo_post_body() {
    let server = server().await;
    let (answer, _) = happy_flow(&server, &[]).await;
    let form = encode(&[("access_token", answer["access_token"].as_str().unwrap())]);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let refused = server.send("POST", "/oauth/userinfo", &headers, form).await;
    assert_eq!((refused.status, &refused.body["error"]), (400, &json!("invalid_request")));
}

#[tokio::test]
async fn oidcc_scope_profile() {
    let server = server().await;
    let (answer, id_token) = happy_flow(&server, &[("scope", "openid profile")]).await;
    let told = userinfo(&server, &answer, &id_token).await;
    assert_eq!((&told["name"], told.get("email")), (&json!("Ada Lovelace"), None));
    assert!(told["updated_at"].is_i64());
}

#[tokio::test]
async fn oidcc_scope_email() {
    let server = server().await;
    let (answer, id_token) = happy_flow(&server, &[("scope", "openid email")]).await;
    let told = userinfo(&server, &answer, &id_token).await;
    assert_eq!((&told["email"], &told["email_verified"], told.get("name")), (&json!(ADA.0), &json!(false), None));
}

#[tokio::test]
async fn oidcc_scope_address() {
    is_skipped(&server().await, "address").await;
}

#[tokio::test]
async fn oidcc_scope_phone() {
    is_skipped(&server().await, "phone").await;
}

/// The suite skips what `scopes_supported` does not list; who asks nevertheless is told.
async fn is_skipped(server: &Server, scope: &str) {
    let discovery = server.get("/.well-known/openid-configuration").await.ok();
    assert!(!discovery["scopes_supported"].as_array().unwrap().contains(&json!(scope)));
    let page = authorize(&mut Browser::new(server), &[("scope", &format!("openid {scope}"))]).await;
    assert_eq!(page.error(), "invalid_scope");
}

#[tokio::test]
async fn oidcc_scope_all() {
    let server = server().await;
    let (answer, id_token) = happy_flow(&server, &[("scope", "openid profile email offline_access")]).await;
    let told = userinfo(&server, &answer, &id_token).await;
    assert_eq!((&told["name"], &told["email"]), (&json!("Ada Lovelace"), &json!(ADA.0)));
    assert!(answer["refresh_token"].is_string());
}

#[tokio::test]
async fn oidcc_claims_essential() {
    let server = server().await;
    let claims = r#"{"userinfo":{"name":{"essential":true}}}"#;
    let (answer, id_token) = happy_flow(&server, &[("claims", claims)]).await;
    assert_eq!(userinfo(&server, &answer, &id_token).await["name"], "Ada Lovelace");
}

#[tokio::test]
async fn oidcc_ensure_request_with_acr_values_succeeds() {
    let server = server().await;
    let discovery = server.get("/.well-known/openid-configuration").await.ok();
    let listed: Vec<&str> =
        discovery["acr_values_supported"].as_array().unwrap().iter().map(|acr| acr.as_str().unwrap()).collect();
    let (_, id_token) = happy_flow(&server, &[("acr_values", &listed.join(" "))]).await;
    assert!(listed.contains(&id_token.claims["acr"].as_str().unwrap()));
}
