//! JWT access tokens (RFC 9068): what others read in them, and that only the text that was given out counts here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::oauth::signing_key::SigningAlgorithm;
use serde_json::{Value, json};

use crate::jwt::{part, verified};
use crate::support::browser::redemption;
use crate::support::{Browser, Server};
use crate::world::{ADA, WEB, WEB_SECRET, WEB_URI, with_web_metadata};

async fn server() -> Server {
    Server::start(&with_web_metadata("access_token_format: jwt")).await
}

/// The answer to ada's sign-in at the web app.
async fn signed_in(server: &Server) -> Value {
    let code = Browser::new(server).code(WEB, WEB_URI, &[("scope", "openid users")], ADA).await;
    server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok()
}

fn access(answer: &Value) -> String {
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn status(server: &Server, token: &str) -> u16 {
    server.api("GET", "/api/v2/users", token).await.status
}

#[tokio::test]
async fn d01_an_app_that_registered_for_it_gets_a_jwt_that_others_can_verify() {
    let server = server().await;
    let token = access(&signed_in(&server).await);
    let jwt = verified(&server, &token).await;
    let issuer = server.app.origin.as_str();
    assert_eq!((&jwt.header["typ"], &jwt.header["alg"]), (&json!("at+jwt"), &json!("ES256")));
    assert_eq!((&jwt.claims["iss"], &jwt.claims["aud"]), (&json!(issuer), &json!([issuer])));
    assert_eq!((&jwt.claims["client_id"], &jwt.claims["scope"]), (&json!(WEB), &json!("openid users")));
    assert_eq!(jwt.claims["org"], "acme");
    assert!(jwt.claims.get("permissions").is_none());
    assert_eq!(status(&server, &token).await, 200);
    assert_eq!(server.api("GET", "/oauth/userinfo", &token).await.status, 200);
}

#[tokio::test]
async fn d33_a_jwt_ends_on_the_next_call_after_its_revocation_and_with_its_refresh_token() {
    let server = server().await;
    let answer = signed_in(&server).await;
    let renewal = [("grant_type", "refresh_token"), ("refresh_token", answer["refresh_token"].as_str().unwrap())];
    let renewed = access(&server.token(WEB_SECRET, &renewal).await.ok());
    assert_ne!(renewed, access(&answer));
    assert_eq!((status(&server, &access(&answer)).await, status(&server, &renewed).await), (200, 200));
    let given_back = server.call_as_client("/oauth/revoke", WEB_SECRET, &[("token", &renewed)]).await;
    assert_eq!(given_back.status, 200);
    assert_eq!((status(&server, &access(&answer)).await, status(&server, &renewed).await), (401, 401));
}

#[tokio::test]
async fn d01_an_id_token_is_no_access_token() {
    let server = server().await;
    let answer = signed_in(&server).await;
    assert_eq!(status(&server, answer["id_token"].as_str().unwrap()).await, 401);
}

#[tokio::test]
async fn d02_d04_what_we_signed_but_did_not_give_out_as_a_token_is_refused() {
    let server = server().await;
    let mut claims = part(&access(&signed_in(&server).await), 1);
    let now = server.app.clock.now();
    for (member, value) in [("exp", json!(i64::MAX)), ("exp", json!("soon")), ("aud", json!("x")), ("iss", json!("y"))]
    {
        claims[member] = value;
        let forged = server.app.signing_keys.sign(SigningAlgorithm::Es256, "at+jwt", &claims, now).unwrap();
        assert_eq!(status(&server, &forged).await, 401, "{claims}");
    }
}

#[tokio::test]
async fn d02_d03_d05_d06_a_token_that_was_changed_anywhere_is_refused() {
    let server = server().await;
    let token = access(&signed_in(&server).await);
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let mut changed: Vec<String> = vec![
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{signature}="),
        format!("{header}.{claims}.{signature}A"),
        format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        format!("{token}.{signature}"),
        format!("{header}.{}.{signature}", encoded(r#"{"sub":"a","sub":"b"}"#)),
        format!("{header}.{}.{signature}", encoded(&"[".repeat(5_000))),
    ];
    for alg in ["none", "HS256", "RS256", "PS256", "XX"] {
        changed.push(format!("{}.{claims}.{signature}", encoded(&json!({ "alg": alg, "typ": "at+jwt" }).to_string())));
    }
    for (member, value) in [
        ("kid", json!("../../etc/passwd")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!("k".repeat(4_000))),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/x5")),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" })),
        ("zip", json!("DEF")),
    ] {
        let mut other = part(&token, 0);
        other[member] = value;
        changed.push(format!("{}.{claims}.{signature}", encoded(&other.to_string())));
    }
    for text in changed {
        assert_eq!(status(&server, &text).await, 401, "{text}");
    }
    assert_eq!(status(&server, &token).await, 200, "the one that was given out still counts");
}

#[tokio::test]
async fn d24_a_jwt_is_introspected_as_any_token() {
    let server = server().await;
    let token = access(&signed_in(&server).await);
    let told = server.call_as_client("/oauth/introspect", WEB_SECRET, &[("token", &token)]).await.ok();
    assert_eq!((&told["active"], &told["client_id"]), (&json!(true), &json!(WEB)));
    let changed = format!("{token}A");
    assert_eq!(
        server.call_as_client("/oauth/introspect", WEB_SECRET, &[("token", &changed)]).await.ok(),
        json!({ "active": false })
    );
}
