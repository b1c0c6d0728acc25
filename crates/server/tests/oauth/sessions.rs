//! The other browsers that a person is signed in with.

use serde_json::Value;

use crate::support::browser::redemption;
use crate::support::{Browser, Server};
use crate::world::{ADA, GRACE, WEB, WEB_SECRET, WEB_URI, WORLD};

/// A browser that signed in to the web app, and what the app got.
async fn signed_in<'s>(server: &'s Server, who: (&str, &str)) -> (Browser<'s>, Value) {
    let mut browser = Browser::new(server);
    let code = browser.code(WEB, WEB_URI, &[], who).await;
    (browser, server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok())
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/").await.html.contains("Signed in as")
}

async fn refreshes(server: &Server, tokens: &Value) -> bool {
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    server.token(WEB_SECRET, &form).await.status == 200
}

#[tokio::test]
async fn a_person_sees_the_other_browsers_and_ends_one_with_its_tokens() {
    let server = Server::start(WORLD).await;
    let (mut lost, lost_tokens) = signed_in(&server, ADA).await;
    server.advance(25 * 60);
    let (mut here, tokens) = signed_in(&server, ADA).await;
    let page = here.get("/").await;
    assert!(page.html.contains("Signed in 25 minutes ago, last used 25 minutes ago."), "{}", page.html);
    let page = here.submit(&page, "/sessions/end", &[]).await;
    assert_eq!((page.status, page.location()), (303, "/"));
    assert!(!is_signed_in(&mut lost).await && is_signed_in(&mut here).await);
    assert_eq!((refreshes(&server, &lost_tokens).await, refreshes(&server, &tokens).await), (false, true));
    assert!(!here.get("/").await.html.contains("Other browsers"));
}

#[tokio::test]
async fn somebody_elses_session_is_neither_shown_nor_ended() {
    let server = Server::start(WORLD).await;
    let (mut grace, _) = signed_in(&server, GRACE).await;
    let (mut one, _) = signed_in(&server, ADA).await;
    let (mut two, _) = signed_in(&server, ADA).await;
    let page = one.get("/").await;
    assert_eq!(page.html.matches("Signed in less than a minute ago").count(), 1);
    one.submit(&page, "/sessions/end", &[("session", "no such session")]).await;
    assert!(is_signed_in(&mut grace).await && is_signed_in(&mut one).await);
    let page = one.get("/").await;
    one.submit(&page, "/sessions/end", &[("session", "")]).await;
    assert!(is_signed_in(&mut grace).await && is_signed_in(&mut one).await && !is_signed_in(&mut two).await);
}

#[tokio::test]
async fn a31_a_form_from_elsewhere_ends_nothing() {
    let server = Server::start(WORLD).await;
    let (mut lost, _) = signed_in(&server, ADA).await;
    let (mut here, _) = signed_in(&server, ADA).await;
    let page = here.get("/").await;
    here.headers = vec![("origin", "https://evil.example".to_owned())];
    assert_eq!(here.submit(&page, "/sessions/end", &[]).await.status, 403);
    assert!(is_signed_in(&mut lost).await);
    let mut stranger = Browser::new(&server);
    assert_eq!(stranger.post("/sessions/end", &[("csrf", "x")]).await.status, 403);
}

#[tokio::test]
async fn c43_who_signs_in_over_somebody_elses_session_ends_the_tokens_of_it_and_ones_own_stay() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    let code = browser.code(WEB, WEB_URI, &[], ADA).await;
    let of_ada = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    let lives = async |tokens: &Value| {
        server.api("HEAD", "/api/v2/tokens/me", tokens["access_token"].as_str().unwrap()).await.status == 200
    };
    server.advance(1);
    let page = browser.authorize(WEB, WEB_URI, &[("prompt", "login")]).await;
    browser.sign_in(&page, ADA.0, ADA.1).await;
    assert!(lives(&of_ada).await, "the same person again");
    server.advance(1);
    let page = browser.authorize(WEB, WEB_URI, &[("prompt", "login")]).await;
    browser.sign_in(&page, GRACE.0, GRACE.1).await;
    assert!(!lives(&of_ada).await, "somebody else");
}
