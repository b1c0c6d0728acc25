//! `/oauth/userinfo` (OpenID Connect Core §5.3).

use countersign_domain::id::UserId;
use countersign_domain::user::UserState;
use countersign_store::user::UserChange;
use serde_json::{Value, json};

use crate::jwt;
use crate::support::browser::redemption;
use crate::support::{Browser, Server, encode};
use crate::world::{ADA, SERVICE_SECRET, WEB, WEB_SECRET, WEB_URI, WORLD};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn tokens(server: &Server, more: &[(&str, &str)]) -> Value {
    let code = Browser::new(server).code(WEB, WEB_URI, more, ADA).await;
    server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok()
}

async fn access(server: &Server, scope: &str) -> String {
    tokens(server, &[("scope", scope)]).await["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn e24_it_tells_what_the_scopes_allow() {
    let server = Server::start(WORLD).await;
    let answer = tokens(&server, &[("scope", "openid profile email")]).await;
    let told = server.api("GET", "/oauth/userinfo", answer["access_token"].as_str().unwrap()).await;
    assert_eq!(told.header("cache-control"), "no-store");
    let id_token = jwt::verified(&server, answer["id_token"].as_str().unwrap()).await;
    let told = told.ok();
    assert_eq!(told["sub"], id_token.claims["sub"]);
    let expected = json!({
        "sub": told["sub"], "org": "acme", "name": "Ada Lovelace", "updated_at": told["updated_at"],
        "email": ADA.0, "email_verified": false,
    });
    assert_eq!(told, expected);
    let only_openid = access(&server, "openid").await;
    let less = server.api("GET", "/oauth/userinfo", &only_openid).await.ok();
    assert_eq!(less, json!({ "sub": told["sub"], "org": "acme" }));
}

#[tokio::test]
async fn e24_a_post_with_the_token_in_the_header_is_the_same() {
    let server = Server::start(WORLD).await;
    let token = access(&server, "openid profile").await;
    let bearer = format!("Bearer {token}");
    let got = server.api("GET", "/oauth/userinfo", &token).await.ok();
    let empty = server.send("POST", "/oauth/userinfo", &[("authorization", &bearer)], "").await.ok();
    let form = server.send("POST", "/oauth/userinfo", &[("authorization", &bearer), FORM], "").await.ok();
    assert!(got == empty && got == form);
}

#[tokio::test]
async fn e24_a_token_without_openid_is_forbidden() {
    let server = Server::start(WORLD).await;
    let service = server.token(SERVICE_SECRET, &[("grant_type", "client_credentials")]).await.ok();
    for token in [access(&server, "users").await, service["access_token"].as_str().unwrap().to_owned()] {
        let answer = server.api("GET", "/oauth/userinfo", &token).await;
        assert_eq!((answer.status, &answer.body["error"]), (403, &json!("insufficient_scope")));
        assert!(answer.header("www-authenticate").contains("error=\"insufficient_scope\", scope=\"openid\""));
    }
}

#[tokio::test]
async fn e24_d10_d11_missing_and_dead_tokens_are_told_apart() {
    let server = Server::start(WORLD).await;
    let nothing = server.get("/oauth/userinfo").await;
    assert_eq!(nothing.status, 401);
    assert!(nothing.header("www-authenticate").starts_with("Bearer realm=") && !nothing.text.contains("\"error\""));
    let answer = tokens(&server, &[("scope", "openid")]).await;
    let (live, refresh) = (answer["access_token"].as_str().unwrap(), answer["refresh_token"].as_str().unwrap());
    let revoked = access(&server, "openid").await;
    let form = encode(&[("token", &revoked)]);
    let basic = {
        use base64::Engine;
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(WEB_SECRET))
    };
    server.send("POST", "/oauth/revoke", &[FORM, ("authorization", &basic)], form).await;
    for token in ["hello", refresh, answer["id_token"].as_str().unwrap(), &revoked] {
        let refused = server.api("GET", "/oauth/userinfo", token).await;
        assert_eq!((refused.status, &refused.body["error"]), (401, &json!("invalid_token")), "{token}");
        assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""));
    }
    server.advance(86_400);
    assert_eq!(server.api("GET", "/oauth/userinfo", live).await.status, 401, "expired");
}

#[tokio::test]
async fn e24_nothing_is_told_about_somebody_who_was_switched_off() {
    let server = Server::start(WORLD).await;
    let token = access(&server, "openid profile").await;
    let told = server.api("GET", "/oauth/userinfo", &token).await.ok();
    let (acme, ada) = (server.org("acme"), UserId::parse(told["sub"].as_str().unwrap()).unwrap());
    let version = acme.user(&ada).await.unwrap().unwrap().version;
    let change = UserChange { state: Some(UserState::Inactive), ..UserChange::default() };
    acme.update_user(&ada, version, &change).await.unwrap();
    assert_eq!(server.api("GET", "/oauth/userinfo", &token).await.status, 401);
}

#[tokio::test]
async fn d07_d08_d09_a_token_anywhere_but_in_the_header_is_refused() {
    let server = Server::start(WORLD).await;
    let token = access(&server, "openid").await;
    let (bearer, form) = (format!("Bearer {token}"), encode(&[("access_token", &token)]));
    let target = format!("/oauth/userinfo?access_token={token}");
    for answer in [
        server.get(&target).await,
        server.send("POST", "/oauth/userinfo", &[FORM], form.clone()).await,
        server.send("POST", "/oauth/userinfo", &[FORM, ("authorization", &bearer)], form).await,
        server.send("GET", &target, &[("authorization", &bearer)], "").await,
    ] {
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!("invalid_request")));
        assert!(!answer.text.contains(&token));
    }
}

#[tokio::test]
async fn a_claim_that_was_asked_for_by_name_is_told_in_the_place_it_was_asked_for() {
    let server = Server::start(WORLD).await;
    let claims = r#"{"userinfo":{"name":{"essential":true}},"id_token":{"email":null}}"#;
    let answer = tokens(&server, &[("scope", "openid"), ("claims", claims)]).await;
    assert_eq!(answer["scope"], "openid");
    let told = server.api("GET", "/oauth/userinfo", answer["access_token"].as_str().unwrap()).await.ok();
    assert_eq!((&told["name"], told.get("email")), (&json!("Ada Lovelace"), None));
    let id_token = jwt::verified(&server, answer["id_token"].as_str().unwrap()).await.claims;
    assert_eq!((&id_token["email"], id_token.get("name")), (&json!(ADA.0), None));
}

#[tokio::test]
async fn e27_apps_in_browsers_may_ask_without_cookies() {
    let server = Server::start(WORLD).await;
    let token = access(&server, "openid").await;
    let headers = [("authorization", &*format!("Bearer {token}")), ("origin", "https://spa.example")];
    let answer = server.send("GET", "/oauth/userinfo", &headers, "").await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}
