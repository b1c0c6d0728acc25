//! Codes used twice, and refresh tokens.

use serde_json::json;

use crate::relying_party::{authorize, checked_id_token, happy_flow, redeem, server};
use crate::support::{Browser, Server};
use crate::world::{LAX_SECRET, LAX_URI};

/// Redeems one code twice, `seconds` apart: the second fails and the first's tokens end.
async fn reuse(server: &Server, seconds: i64) {
    let page = authorize(&mut Browser::new(server), &[]).await;
    let answer = redeem(server, &page).await;
    server.advance(seconds);
    let code = page.code();
    let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", LAX_URI)];
    assert_eq!(server.token(LAX_SECRET, &form).await.refusal(), (400, "invalid_grant"));
    let access = answer["access_token"].as_str().unwrap();
    assert_eq!(server.api("GET", "/oauth/userinfo", access).await.status, 401);
}

#[tokio::test]
async fn oidcc_codereuse() {
    reuse(&server().await, 0).await;
}

#[tokio::test]
async fn oidcc_codereuse_30seconds() {
    reuse(&server().await, 30).await;
}

#[tokio::test]
async fn oidcc_refresh_token() {
    let server = server().await;
    let (answer, first) = happy_flow(&server, &[("scope", "openid offline_access"), ("prompt", "consent")]).await;
    server.advance(1);
    let form = [("grant_type", "refresh_token"), ("refresh_token", answer["refresh_token"].as_str().unwrap())];
    let renewed = server.token(LAX_SECRET, &form).await.ok();
    assert_ne!(renewed["access_token"], answer["access_token"]);
    let second = checked_id_token(&server, &renewed).await;
    for name in ["iss", "sub", "aud", "auth_time", "azp"] {
        assert_eq!(first.claims[name], second.claims[name], "{name}");
    }
    assert!(second.claims["iat"].as_i64() > first.claims["iat"].as_i64());
    assert_eq!(second.claims.get("nonce"), None);
    let other = [("client_id", "lax-app"), ("client_secret", "wrong")];
    let refused = server.token("", &[&form[..], &other[..]].concat()).await;
    assert_eq!(refused.body["error"], json!("invalid_client"));
}
