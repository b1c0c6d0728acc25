//! The refresh token grant (RFC 6749 §6, RFC 9700 §4.14.2): rotation, grace, reuse, and what ends a family.

use countersign_decision::AuthorizationState;
use countersign_domain::authorization::ConsentMode;
use countersign_domain::client::ClientState;
use countersign_domain::id::ClientId;
use countersign_domain::secret::SecretHash;
use countersign_domain::user::{Email, UserState};
use countersign_store::SystemTask;
use countersign_store::authorization::GrantChange;
use countersign_store::client::ClientChange;
use countersign_store::user::UserChange;
use serde_json::Value;

use crate::support::browser::redemption;
use crate::support::{Answer, Browser, Server, at_once};
use crate::world::{ADA, SPA, SPA_URI, WEB, WEB_SECRET, WEB_URI, WORLD};

/// The first tokens of the public single-page app for ada.
async fn spa_tokens(server: &Server) -> Value {
    let code = Browser::new(server).code(SPA, SPA_URI, &[], ADA).await;
    let mut form = redemption(&code, SPA_URI);
    form.push(("client_id", SPA));
    server.token("", &form).await.ok()
}

/// The first tokens of the confidential web app for ada.
async fn web_tokens(server: &Server, more: &[(&str, &str)]) -> Value {
    let code = Browser::new(server).code(WEB, WEB_URI, more, ADA).await;
    server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok()
}

async fn spa_refresh(server: &Server, tokens: &Value) -> Answer {
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("client_id", SPA)];
    server.token("", &form).await
}

async fn web_refresh(server: &Server, tokens: &Value, scope: &str) -> Answer {
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("scope", scope)];
    server.token(WEB_SECRET, &form).await
}

async fn is_live(server: &Server, tokens: &Value) -> bool {
    server.api("GET", "/api/v2/users/me", tokens["access_token"].as_str().unwrap()).await.status == 200
}

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

#[tokio::test]
async fn a_confidential_client_keeps_its_refresh_token_and_gets_it_with_each_answer() {
    let server = Server::start(WORLD).await;
    let first = web_tokens(&server, &[]).await;
    for _ in 0..3 {
        let next = web_refresh(&server, &first, "").await.ok();
        assert_eq!(next["refresh_token"], first["refresh_token"]);
        assert_ne!(next["access_token"], first["access_token"]);
        assert!(is_live(&server, &next).await);
        server.advance(3_600);
    }
}

#[tokio::test]
async fn c32_a_refresh_token_of_another_client_is_refused_and_ends_nothing() {
    let server = Server::start(WORLD).await;
    let tokens = spa_tokens(&server).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    assert_eq!(server.token(WEB_SECRET, &form).await.refusal(), (400, "invalid_grant"));
    assert!(is_live(&server, &tokens).await);
    spa_refresh(&server, &tokens).await.ok();
}

#[tokio::test]
async fn c33_a_public_client_gets_a_new_refresh_token_with_each_use() {
    let server = Server::start(WORLD).await;
    let first = spa_tokens(&server).await;
    let second = spa_refresh(&server, &first).await.ok();
    server.advance(60);
    let third = spa_refresh(&server, &second).await.ok();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_ne!(second["refresh_token"], third["refresh_token"]);
    assert!(is_live(&server, &first).await && is_live(&server, &third).await);
}

#[tokio::test]
async fn c34_a_replaced_token_after_the_grace_time_ends_the_family_and_leaves_a_record() {
    let server = Server::start(WORLD).await;
    let first = spa_tokens(&server).await;
    let second = spa_refresh(&server, &first).await.ok();
    server.advance(10);
    assert_eq!(spa_refresh(&server, &first).await.refusal(), (400, "invalid_grant"));
    assert!(!is_live(&server, &first).await && !is_live(&server, &second).await);
    assert_eq!(spa_refresh(&server, &second).await.refusal(), (400, "invalid_grant"));
    let audit = server.org("acme").audit(countersign_store::Page::new(1, 100)).await.unwrap();
    assert!(audit.items.iter().any(|record| record.after.to_string().contains("a replaced refresh token was used")));
}

#[tokio::test]
async fn c35_a_lost_answer_can_be_asked_for_again_within_ten_seconds() {
    let server = Server::start(WORLD).await;
    let first = spa_tokens(&server).await;
    let lost = spa_refresh(&server, &first).await.ok();
    server.advance(9);
    let again = spa_refresh(&server, &first).await.ok();
    assert_eq!((&again["scope"], &again["expires_in"]), (&lost["scope"], &lost["expires_in"]));
    server.advance(60);
    let next = spa_refresh(&server, &again).await.ok();
    assert!(is_live(&server, &next).await);
}

#[tokio::test]
async fn c37_a_fork_inside_the_grace_time_ends_the_family_when_the_other_branch_is_used() {
    let server = Server::start(WORLD).await;
    let first = spa_tokens(&server).await;
    let owners = spa_refresh(&server, &first).await.ok();
    let thiefs = spa_refresh(&server, &first).await.ok();
    let thief_goes_on = spa_refresh(&server, &thiefs).await.ok();
    assert_eq!(spa_refresh(&server, &owners).await.refusal(), (400, "invalid_grant"));
    assert!(!is_live(&server, &thief_goes_on).await && !is_live(&server, &owners).await);
    assert_eq!(spa_refresh(&server, &thief_goes_on).await.refusal(), (400, "invalid_grant"));
}

async fn fifty_parallel_refreshes_leave_one_live_family(server: &Server) {
    let first = spa_tokens(server).await;
    let first = &first;
    let answers = at_once((0..50).map(|_| async move { spa_refresh(server, first).await })).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    server.advance(60);
    let last = answers.into_iter().next_back().unwrap().ok();
    let next = spa_refresh(server, &last).await.ok();
    assert!(is_live(server, &next).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c36_fifty_parallel_refreshes_leave_one_live_family_and_no_dead_end() {
    fifty_parallel_refreshes_leave_one_live_family(&Server::start(WORLD).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c36_fifty_parallel_refreshes_leave_one_live_family_on_postgresql() {
    let Some(server) = Server::start_on_postgres(WORLD).await else { return };
    fifty_parallel_refreshes_leave_one_live_family(&server).await;
}

#[tokio::test]
async fn c38_c39_a_refresh_can_narrow_for_once_and_never_widen() {
    let server = Server::start(WORLD).await;
    let tokens = web_tokens(&server, &[("scope", "users user-basic-info")]).await;
    let narrowed = web_refresh(&server, &tokens, "user-basic-info").await.ok();
    assert_eq!(narrowed["scope"], "user-basic-info");
    assert_eq!(web_refresh(&server, &tokens, "").await.ok()["scope"], "users user-basic-info");
    for wider in ["users:readonly", "users users:readonly", "userz", "us\"ers"] {
        assert_eq!(web_refresh(&server, &tokens, wider).await.refusal(), (400, "invalid_scope"), "{wider}");
    }
}

#[tokio::test]
async fn c40_what_an_administrator_took_away_is_not_renewed() {
    let server = Server::start(WORLD).await;
    let tokens = web_tokens(&server, &[("scope", "users user-basic-info")]).await;
    let less = |scopes: &[&str]| GrantChange {
        scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
        roles: Vec::new(),
        consent: ConsentMode::Administrator,
        expected_version: None,
        reason: String::new(),
    };
    server.org("acme").grant(&client(WEB), &less(&["user-basic-info"])).await.unwrap();
    assert_eq!(web_refresh(&server, &tokens, "").await.ok()["scope"], "user-basic-info");
    server.org("acme").grant(&client(WEB), &less(&["oauth"])).await.unwrap();
    assert_eq!(web_refresh(&server, &tokens, "").await.refusal(), (400, "invalid_grant"));
    let revoked = server.org("acme").revoke(&client(WEB)).await.unwrap();
    assert_eq!(revoked.state, AuthorizationState::Revoked);
    assert_eq!(web_refresh(&server, &tokens, "").await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn c41_a_refresh_token_ends_with_its_user_and_its_client_and_survives_a_new_secret() {
    let server = Server::start(WORLD).await;
    let tokens = web_tokens(&server, &[]).await;
    let new_secret = SecretHash::of_client_secret("another-secret", server.app.entropy.as_ref());
    server.org("acme").add_client_secret(&client(WEB), &new_secret, None).await.unwrap();
    web_refresh(&server, &tokens, "").await.ok();

    let email = Email::parse(ADA.0).unwrap();
    let ada = server.store(SystemTask::SignIn).sign_in_candidates(&email).await.unwrap().remove(0).user;
    let version = server.org("acme").user(&ada).await.unwrap().unwrap().version;
    let inactive = UserChange { state: Some(UserState::Inactive), ..UserChange::default() };
    server.org("acme").update_user(&ada, version, &inactive).await.unwrap();
    assert_eq!(web_refresh(&server, &tokens, "").await.refusal(), (400, "invalid_grant"));

    let active = UserChange { state: Some(UserState::Active), ..UserChange::default() };
    server.org("acme").update_user(&ada, version + 1, &active).await.unwrap();
    let tokens = web_tokens(&server, &[]).await;
    let disabled = ClientChange { state: Some(ClientState::Disabled), ..ClientChange::default() };
    server.org("acme").update_client(&client(WEB), &disabled).await.unwrap();
    assert_eq!(web_refresh(&server, &tokens, "").await.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn c41_a_refresh_token_ends_when_the_user_is_deleted() {
    let server = Server::start(WORLD).await;
    let tokens = web_tokens(&server, &[]).await;
    let email = Email::parse(ADA.0).unwrap();
    let ada = server.store(SystemTask::SignIn).sign_in_candidates(&email).await.unwrap().remove(0).user;
    server.org("acme").delete_user(&ada).await.unwrap();
    assert_eq!(web_refresh(&server, &tokens, "").await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn c42_a_refresh_token_ends_when_it_is_not_used_for_thirty_days() {
    let server = Server::start(WORLD).await;
    let tokens = web_tokens(&server, &[]).await;
    server.advance(29 * 86_400);
    web_refresh(&server, &tokens, "").await.ok();
    server.advance(29 * 86_400);
    web_refresh(&server, &tokens, "").await.ok();
    server.advance(30 * 86_400);
    assert_eq!(web_refresh(&server, &tokens, "").await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn signing_out_of_an_app_ends_its_refresh_loop() {
    let server = Server::start(WORLD).await;
    let tokens = web_tokens(&server, &[]).await;
    assert_eq!(server.api("DELETE", "/api/v2/tokens/me", tokens["access_token"].as_str().unwrap()).await.status, 200);
    assert!(!is_live(&server, &tokens).await);
    assert_eq!(web_refresh(&server, &tokens, "").await.refusal(), (400, "invalid_grant"));
}
