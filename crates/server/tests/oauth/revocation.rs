//! `/oauth/revoke` (RFC 7009).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::oauth::token::TokenSubject;
use tokio::task::JoinSet;

use crate::issued;
use crate::support::browser::redemption;
use crate::support::{Answer, Browser, Server, encode};
use crate::world::{ADA, CODE_ONLY_SECRET, NATIVE, NATIVE_URI, WEB, WEB_SECRET, WEB_URI, WORLD};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn revoke(server: &Server, credentials: &str, form: &[(&str, &str)]) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(credentials));
    server.send("POST", "/oauth/revoke", &[FORM, ("authorization", &basic)], encode(form)).await
}

async fn is_live(server: &Server, access: &str) -> bool {
    server.api("HEAD", "/api/v2/tokens/me", access).await.status == 200
}

async fn refreshes(server: &Server, refresh: &str) -> bool {
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    server.token(WEB_SECRET, &form).await.status == 200
}

/// An access and a refresh token of ada for the web app.
async fn tokens(server: &Server) -> (String, String) {
    let code = Browser::new(server).code(WEB, WEB_URI, &[], ADA).await;
    let answer = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

#[tokio::test]
async fn d31_d33_a_refresh_token_takes_the_access_tokens_with_it_on_the_next_call() {
    let server = Server::start(WORLD).await;
    let (access, refresh) = tokens(&server).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", &refresh as &str)];
    let second = server.token(WEB_SECRET, &form).await.ok()["access_token"].as_str().unwrap().to_owned();
    assert!(is_live(&server, &access).await && is_live(&server, &second).await);
    let answer = revoke(&server, WEB_SECRET, &[("token", &refresh)]).await;
    assert_eq!((answer.status, answer.text.as_str(), answer.header("cache-control")), (200, "", "no-store"));
    assert!(!is_live(&server, &access).await && !is_live(&server, &second).await);
    assert!(!refreshes(&server, &refresh).await);
}

#[tokio::test]
async fn d32_an_access_token_takes_the_refresh_token_with_it() {
    let server = Server::start(WORLD).await;
    let (access, refresh) = tokens(&server).await;
    assert_eq!(revoke(&server, WEB_SECRET, &[("token", &access)]).await.status, 200);
    assert!(!is_live(&server, &access).await && !refreshes(&server, &refresh).await);
}

#[tokio::test]
async fn d32_tokens_of_another_sign_in_stay() {
    let server = Server::start(WORLD).await;
    let ((access, _), (other, _)) = (tokens(&server).await, tokens(&server).await);
    revoke(&server, WEB_SECRET, &[("token", &access)]).await;
    assert!(is_live(&server, &other).await);
}

#[tokio::test]
async fn d28_a_token_of_another_app_stays_and_nobody_is_told() {
    let server = Server::start(WORLD).await;
    let (access, refresh) = tokens(&server).await;
    for token in [&access, &refresh] {
        assert_eq!(revoke(&server, CODE_ONLY_SECRET, &[("token", token)]).await.status, 200);
    }
    assert!(is_live(&server, &access).await && refreshes(&server, &refresh).await);
    assert_eq!(revoke(&server, "web-app:wrong", &[("token", &access)]).await.refusal(), (401, "invalid_client"));
    assert!(is_live(&server, &access).await);
}

#[tokio::test]
async fn d28_an_app_without_a_secret_gives_its_own_tokens_back() {
    let server = Server::start(WORLD).await;
    let code = Browser::new(&server).code(NATIVE, NATIVE_URI, &[], ADA).await;
    let redeem = [&redemption(&code, NATIVE_URI)[..], &[("client_id", NATIVE)]].concat();
    let access = server.token("", &redeem).await.ok()["access_token"].as_str().unwrap().to_owned();
    let form = encode(&[("token", &access), ("client_id", NATIVE)]);
    let answer = server.send("POST", "/oauth/revoke", &[FORM, ("origin", "https://spa.example")], form).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
    assert!(!is_live(&server, &access).await);
}

#[tokio::test]
async fn d29_unknown_tokens_and_repetitions_are_answered_with_200() {
    let server = Server::start(WORLD).await;
    let (access, _) = tokens(&server).await;
    for token in ["hello", &access[..access.len() - 1], &access, &access] {
        assert_eq!(revoke(&server, WEB_SECRET, &[("token", token)]).await.status, 200);
    }
}

#[tokio::test]
async fn d30_what_is_no_token_is_an_unsupported_type() {
    let server = Server::start(WORLD).await;
    let code = Browser::new(&server).code(WEB, WEB_URI, &[], ADA).await;
    let secret = WEB_SECRET.split_once(':').unwrap().1;
    for other in [code.as_str(), secret] {
        let answer = revoke(&server, WEB_SECRET, &[("token", other)]).await;
        assert_eq!(answer.refusal(), (400, "unsupported_token_type"));
        assert!(!answer.text.contains(other));
    }
}

#[tokio::test]
async fn d28_the_form_is_read_as_at_the_token_endpoint() {
    let server = Server::start(WORLD).await;
    let (access, _) = tokens(&server).await;
    assert_eq!(revoke(&server, WEB_SECRET, &[]).await.refusal(), (400, "invalid_request"));
    let twice = [("token", access.as_str()), ("token", &access)];
    assert_eq!(revoke(&server, WEB_SECRET, &twice).await.refusal(), (400, "invalid_request"));
    let hinted = [("token", access.as_str()), ("token_type_hint", "refresh_token")];
    assert_eq!(revoke(&server, WEB_SECRET, &hinted).await.status, 200);
    assert!(!is_live(&server, &access).await, "a wrong hint is only a hint");
    assert_eq!(server.get("/oauth/revoke").await.status, 405);
}

const TASKS: usize = 10;
const REVOCATIONS_OF_EACH: usize = 100;
const CALLS_AFTER_EACH: usize = 10;

/// 10,000 calls with tokens that were just revoked, while calls with others go through: on one node the bound is none at all.
#[tokio::test]
async fn d33_no_call_of_ten_thousand_goes_through_after_its_token_was_revoked() {
    let server = Arc::new(Server::start(WORLD).await);
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let server = Arc::clone(&server);
        tasks.spawn(async move {
            let mut violations = 0;
            for _ in 0..REVOCATIONS_OF_EACH {
                let token = issued::token(&server.app, ("acme", "code-only"), TokenSubject::Client, None).await;
                let before = server.api("HEAD", "/api/v2/tokens/me", &token).await.status;
                assert_ne!(before, 401, "it was live");
                assert_eq!(revoke(&server, CODE_ONLY_SECRET, &[("token", &token)]).await.status, 200);
                for _ in 0..CALLS_AFTER_EACH {
                    let after = server.api("HEAD", "/api/v2/tokens/me", &token).await.status;
                    violations += usize::from(after != 401);
                }
            }
            violations
        });
    }
    assert_eq!(tasks.join_all().await, vec![0; TASKS]);
}
