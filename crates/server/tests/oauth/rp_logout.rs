//! `/logout` by OpenID Connect RP-Initiated Logout.

use serde_json::Value;

use crate::support::browser::redemption;
use crate::support::{Browser, Page, Server, encode};
use crate::world::{ADA, GRACE, LAX, LAX_BYE, WEB, WEB_BYE, WEB_SECRET, WEB_URI, WORLD};

async fn signed_in<'s>(server: &'s Server, who: (&str, &str)) -> (Browser<'s>, Value) {
    let mut browser = Browser::new(server);
    let code = browser.code(WEB, WEB_URI, &[("scope", "openid")], who).await;
    let answer = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    (browser, answer)
}

async fn leave(browser: &mut Browser<'_>, query: &[(&str, &str)]) -> Page {
    browser.get(&format!("/logout?{}", encode(query))).await
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/").await.html.contains("Signed in as")
}

fn id_token(answer: &Value) -> &str {
    answer["id_token"].as_str().unwrap()
}

#[tokio::test]
async fn e22_c43_an_id_token_signs_out_at_once_and_every_token_of_the_session_ends() {
    let server = Server::start(WORLD).await;
    let (mut browser, answer) = signed_in(&server, ADA).await;
    let (_, elsewhere) = signed_in(&server, ADA).await;
    let query = [("id_token_hint", id_token(&answer)), ("post_logout_redirect_uri", WEB_BYE), ("state", "a&b")];
    let page = leave(&mut browser, &query).await;
    assert_eq!((page.status, page.location()), (303, "https://web.example/bye?state=a%26b"));
    assert!(!is_signed_in(&mut browser).await);
    let refresh = |answer: &Value| answer["refresh_token"].as_str().unwrap().to_owned();
    for (answer, status) in [(&answer, 400), (&elsewhere, 200)] {
        let form = [("grant_type", "refresh_token"), ("refresh_token", &*refresh(answer))];
        assert_eq!(server.token(WEB_SECRET, &form).await.status, status);
    }
    let access = answer["access_token"].as_str().unwrap();
    assert_eq!(server.api("GET", "/oauth/userinfo", access).await.status, 401);
}

#[tokio::test]
async fn e22_without_a_hint_the_person_is_asked_and_led_back_after_the_answer() {
    let server = Server::start(WORLD).await;
    let (mut browser, _) = signed_in(&server, ADA).await;
    let query = [("client_id", WEB), ("post_logout_redirect_uri", WEB_BYE), ("state", "s")];
    let page = leave(&mut browser, &query).await;
    assert!(page.status == 200 && page.html.contains("Do you want to sign out?") && page.html.contains("Web App"));
    assert!(is_signed_in(&mut browser).await, "nothing happens before the answer");
    let page = browser.submit(&page, "/logout", &[]).await;
    assert_eq!((page.status, page.location()), (303, "https://web.example/bye?state=s"));
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn e22_what_the_form_brings_back_is_checked_again() {
    let server = Server::start(WORLD).await;
    let (mut browser, _) = signed_in(&server, ADA).await;
    let page = leave(&mut browser, &[]).await;
    let forged = [("client_id", WEB), ("post_logout_redirect_uri", "https://evil.example/")];
    let page = browser.submit(&page, "/logout", &forged).await;
    assert_eq!((page.status, page.location()), (200, ""));
    assert!(page.html.contains("You are signed out"));
}

#[tokio::test]
async fn e22_a_hint_about_somebody_else_asks_whoever_is_signed_in() {
    let server = Server::start(WORLD).await;
    let (_, of_grace) = signed_in(&server, GRACE).await;
    let (mut browser, _) = signed_in(&server, ADA).await;
    let query = [("id_token_hint", id_token(&of_grace)), ("post_logout_redirect_uri", WEB_BYE)];
    let page = leave(&mut browser, &query).await;
    assert!(page.html.contains("Do you want to sign out?") && page.html.contains("Ada"));
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn e22_a_hint_of_another_app_than_client_id_is_no_hint() {
    let server = Server::start(WORLD).await;
    let (mut browser, answer) = signed_in(&server, ADA).await;
    let query = [("id_token_hint", id_token(&answer)), ("client_id", LAX), ("post_logout_redirect_uri", LAX_BYE)];
    let page = leave(&mut browser, &query).await;
    assert!(page.status == 200 && page.html.contains("Nobody whom we know asked for it"));
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn e22_an_expired_hint_still_says_who_it_was_and_an_ended_session_leads_back() {
    let server = Server::start(WORLD).await;
    let (mut browser, answer) = signed_in(&server, ADA).await;
    server.advance(24 * 60 * 60);
    let query = [("id_token_hint", id_token(&answer)), ("post_logout_redirect_uri", WEB_BYE)];
    assert_eq!(leave(&mut browser, &query).await.location(), WEB_BYE);
}

#[tokio::test]
async fn e22_an_app_may_post_its_request() {
    let server = Server::start(WORLD).await;
    let (mut browser, answer) = signed_in(&server, ADA).await;
    let form = [("id_token_hint", id_token(&answer)), ("post_logout_redirect_uri", WEB_BYE), ("state", "s")];
    let page = browser.post("/logout", &form).await;
    let page = browser.follow_within(page).await;
    assert_eq!(page.location(), "https://web.example/bye?state=s");
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a31_a29_the_question_cannot_be_framed_or_answered_from_elsewhere() {
    let server = Server::start(WORLD).await;
    let (mut browser, _) = signed_in(&server, ADA).await;
    let page = leave(&mut browser, &[]).await;
    assert_eq!(page.header("x-frame-options"), "DENY");
    browser.headers = vec![("origin", "https://evil.example".to_owned())];
    assert_eq!(browser.submit(&page, "/logout", &[]).await.status, 403);
    browser.headers.clear();
    assert!(is_signed_in(&mut browser).await);
}
