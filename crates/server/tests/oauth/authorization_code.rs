//! The authorization code grant (RFC 6749 §4.1, RFC 7636): what redeems a code, and what a second redemption does.

use crate::support::browser::redemption;
use crate::support::{Answer, Browser, Server, VERIFIER, at_once};
use crate::world::{
    ADA, CODE_ONLY_SECRET, LAX, LAX_SECRET, LAX_URI, NATIVE, NATIVE_URI, SPA, SPA_URI, WEB, WEB_SECRET, WEB_URI, WORLD,
};

async fn web_code(server: &Server) -> String {
    Browser::new(server).code(WEB, WEB_URI, &[], ADA).await
}

async fn redeem(server: &Server, code: &str) -> Answer {
    server.token(WEB_SECRET, &redemption(code, WEB_URI)).await
}

async fn is_live(server: &Server, token: &serde_json::Value) -> bool {
    server.api("GET", "/api/v2/users/me", token["access_token"].as_str().unwrap()).await.status == 200
}

#[tokio::test]
async fn a_code_gives_a_token_that_acts_for_the_user() {
    let server = Server::start(WORLD).await;
    let code = web_code(&server).await;
    let token = redeem(&server, &code).await.ok();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&"bearer".into(), &86_400.into()));
    assert!(token["refresh_token"].as_str().unwrap().starts_with("cs_rt_"));
    let me = server.api("GET", "/api/v2/users/me", token["access_token"].as_str().unwrap()).await.ok();
    assert_eq!(me["email"], ADA.0);
}

#[tokio::test]
async fn a_refresh_token_comes_only_with_that_grant() {
    let server = Server::start(WORLD).await;
    let code = Browser::new(&server).code("code-only", "https://code.example/b", &[], ADA).await;
    let token = server.token(CODE_ONLY_SECRET, &redemption(&code, "https://code.example/b")).await.ok();
    assert_eq!(token.get("refresh_token"), None);
}

#[tokio::test]
async fn a_confidential_client_without_pkce_redeems_as_the_python_sdk_does() {
    let server = Server::start(WORLD).await;
    let uri = LAX_URI;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let code = Browser::new(&server).code(LAX, uri, &without, ADA).await;
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", uri)];
    let token = server.token(LAX_SECRET, &form).await.ok();
    assert!(token["refresh_token"].is_string());
}

#[tokio::test]
async fn a_native_app_redeems_with_the_port_it_listened_on() {
    let server = Server::start(WORLD).await;
    let uri = "http://127.0.0.1:51004/callback";
    let code = Browser::new(&server).code(NATIVE, uri, &[], ADA).await;
    let mut form = redemption(&code, uri);
    form.push(("client_id", NATIVE));
    server.token("", &form).await.ok();
    let code = Browser::new(&server).code(NATIVE, uri, &[], ADA).await;
    let mut form = redemption(&code, NATIVE_URI);
    form.push(("client_id", NATIVE));
    assert_eq!(server.token("", &form).await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn c09_a_code_presented_by_another_client_stays_usable_for_its_own() {
    let server = Server::start(WORLD).await;
    let code = web_code(&server).await;
    let stolen = server.token(LAX_SECRET, &redemption(&code, WEB_URI)).await;
    assert_eq!(stolen.refusal(), (400, "invalid_grant"));
    redeem(&server, &code).await.ok();
}

#[tokio::test]
async fn c10_a_different_redirect_uri_is_refused() {
    let server = Server::start(WORLD).await;
    let code = web_code(&server).await;
    let other = server.token(WEB_SECRET, &redemption(&code, "https://web.example/other")).await;
    assert_eq!(other.refusal(), (400, "invalid_grant"));
    redeem(&server, &code).await.ok();
}

#[tokio::test]
async fn c11_a_code_used_twice_ends_every_token_of_the_grant() {
    let server = Server::start(WORLD).await;
    let code = web_code(&server).await;
    let first = redeem(&server, &code).await.ok();
    let refresh = first["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let child = server.token(WEB_SECRET, &form).await.ok();
    assert!(is_live(&server, &first).await && is_live(&server, &child).await);

    assert_eq!(redeem(&server, &code).await.refusal(), (400, "invalid_grant"));
    assert!(!is_live(&server, &first).await && !is_live(&server, &child).await);
    assert_eq!(server.token(WEB_SECRET, &form).await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn c11_a_late_replay_ends_them_too() {
    let server = Server::start(WORLD).await;
    let code = web_code(&server).await;
    let token = redeem(&server, &code).await.ok();
    server.advance(600);
    assert_eq!(redeem(&server, &code).await.refusal(), (400, "invalid_grant"));
    assert!(!is_live(&server, &token).await);
}

#[tokio::test]
async fn c12_a_replay_that_is_not_valid_otherwise_ends_nothing() {
    let server = Server::start(WORLD).await;
    let code = web_code(&server).await;
    let token = redeem(&server, &code).await.ok();
    let mut wrong_verifier = redemption(&code, WEB_URI);
    wrong_verifier[3].1 = "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong";
    assert_eq!(server.token(WEB_SECRET, &wrong_verifier).await.refusal(), (400, "invalid_grant"));
    let wrong_client = server.token(LAX_SECRET, &redemption(&code, WEB_URI)).await;
    assert_eq!(wrong_client.refusal(), (400, "invalid_grant"));
    let wrong_uri = server.token(WEB_SECRET, &redemption(&code, "https://web.example/")).await;
    assert_eq!(wrong_uri.refusal(), (400, "invalid_grant"));
    assert!(is_live(&server, &token).await);
}

#[tokio::test]
async fn c13_a_code_lives_for_a_minute() {
    let server = Server::start(WORLD).await;
    let code = web_code(&server).await;
    server.advance(61);
    assert_eq!(redeem(&server, &code).await.refusal(), (400, "invalid_grant"));
    let code = web_code(&server).await;
    server.advance(59);
    redeem(&server, &code).await.ok();
}

async fn of_a_hundred_parallel_redemptions_one_succeeds(server: &Server) {
    let code = Browser::new(server).code(SPA, SPA_URI, &[], ADA).await;
    let mut form = redemption(&code, SPA_URI);
    form.push(("client_id", SPA));
    let form = &form;
    let answers = at_once((0..100).map(|_| async move { server.token("", form).await.status })).await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| [200, 400].contains(status)), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c14_of_a_hundred_parallel_redemptions_one_succeeds() {
    of_a_hundred_parallel_redemptions_one_succeeds(&Server::start(WORLD).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c14_of_a_hundred_parallel_redemptions_one_succeeds_on_postgresql() {
    let Some(server) = Server::start_on_postgres(WORLD).await else { return };
    of_a_hundred_parallel_redemptions_one_succeeds(&server).await;
}

#[tokio::test]
async fn c15_a_wrong_missing_short_or_long_verifier_is_refused() {
    let server = Server::start(WORLD).await;
    let code = web_code(&server).await;
    let long = "a".repeat(129);
    for verifier in ["", "short", &VERIFIER[..42], &long, &VERIFIER.to_uppercase()] {
        let mut form = redemption(&code, WEB_URI);
        form[3].1 = verifier;
        assert_eq!(server.token(WEB_SECRET, &form).await.refusal(), (400, "invalid_grant"), "{verifier}");
    }
    redeem(&server, &code).await.ok();
}

#[tokio::test]
async fn c16_a_verifier_without_a_challenge_is_refused() {
    let server = Server::start(WORLD).await;
    let uri = LAX_URI;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let code = Browser::new(&server).code(LAX, uri, &without, ADA).await;
    let answer = server.token(LAX_SECRET, &redemption(&code, uri)).await;
    assert_eq!(answer.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn a17_c08_the_answer_says_which_scope_is_effective() {
    let server = Server::start(WORLD).await;
    let code = Browser::new(&server).code(WEB, WEB_URI, &[("scope", "users:readonly user-basic-info")], ADA).await;
    assert_eq!(redeem(&server, &code).await.ok()["scope"], "users:readonly user-basic-info");
    let code = web_code(&server).await;
    assert_eq!(redeem(&server, &code).await.ok()["scope"], "users users:readonly user-basic-info");
}

#[tokio::test]
async fn c44_a_secret_of_one_kind_is_not_taken_for_another() {
    let server = Server::start(WORLD).await;
    let code = web_code(&server).await;
    let token = redeem(&server, &code).await.ok();
    let (access, refresh) = (token["access_token"].as_str().unwrap(), token["refresh_token"].as_str().unwrap());
    for other in [access, refresh] {
        assert_eq!(redeem(&server, other).await.refusal(), (400, "invalid_grant"));
    }
    for other in [access, &code] {
        let form = [("grant_type", "refresh_token"), ("refresh_token", other)];
        assert_eq!(server.token(WEB_SECRET, &form).await.refusal(), (400, "invalid_grant"));
    }
    for other in [refresh, &code] {
        assert_eq!(server.api("GET", "/api/v2/users/me", other).await.status, 401);
    }
}
