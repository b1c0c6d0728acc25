//! oidcc-rp-initiated-logout-certification-test-plan: 11 modules. Where the suite takes a screenshot, the page is looked at.

use serde_json::{Value, json};

use crate::relying_party::{STATE, authorize, redeem, server};
use crate::support::{Browser, Page, Server, encode, query_of};
use crate::world::LAX_BYE;

async fn signed_in<'s>(server: &'s Server) -> (Browser<'s>, Value) {
    let mut browser = Browser::new(server);
    let page = authorize(&mut browser, &[]).await;
    let answer = redeem(server, &page).await;
    (browser, answer)
}

async fn leave(browser: &mut Browser<'_>, query: &[(&str, &str)]) -> Page {
    browser.get(&format!("/logout?{}", encode(query))).await
}

/// The suite expects a page of the server, and no redirect to the client.
#[track_caller]
fn is_a_page(page: &Page) {
    assert_eq!((page.status, page.location()), (200, ""));
    assert!(page.html.contains("Do you want to sign out?"), "{}", page.html);
}

/// After the logout an authorization request with `prompt=none` fails.
async fn is_signed_out(browser: &mut Browser<'_>) {
    assert_eq!(authorize(browser, &[("prompt", "none")]).await.error(), "login_required");
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    let server = server().await;
    let document = server.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(document["end_session_endpoint"], json!(format!("{}/logout", server.app.origin)));
}

#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    let server = server().await;
    let (mut browser, answer) = signed_in(&server).await;
    let hint = answer["id_token"].as_str().unwrap();
    let query = [("id_token_hint", hint), ("post_logout_redirect_uri", LAX_BYE), ("state", STATE)];
    let page = leave(&mut browser, &query).await;
    assert!(page.status == 303 && page.location().starts_with(LAX_BYE));
    assert_eq!(query_of(page.location(), "state").as_deref(), Some(STATE));
    is_signed_out(&mut browser).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_state() {
    let server = server().await;
    let (mut browser, answer) = signed_in(&server).await;
    let query = [("id_token_hint", answer["id_token"].as_str().unwrap()), ("post_logout_redirect_uri", LAX_BYE)];
    assert_eq!(leave(&mut browser, &query).await.location(), LAX_BYE);
    is_signed_out(&mut browser).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let server = server().await;
    let (mut browser, answer) = signed_in(&server).await;
    let page = leave(&mut browser, &[("id_token_hint", answer["id_token"].as_str().unwrap()), ("state", STATE)]).await;
    assert!(page.status == 200 && page.html.contains("You are signed out"));
    is_signed_out(&mut browser).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    let server = server().await;
    let (mut browser, answer) = signed_in(&server).await;
    let hint = answer["id_token"].as_str().unwrap();
    let query = [("id_token_hint", hint), ("post_logout_redirect_uri", "https://lax.example/other"), ("state", STATE)];
    is_a_page(&leave(&mut browser, &query).await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    let server = server().await;
    let (mut browser, answer) = signed_in(&server).await;
    let (hint, uri) = (answer["id_token"].as_str().unwrap(), format!("{LAX_BYE}?foo=bar"));
    let query = [("id_token_hint", hint), ("post_logout_redirect_uri", uri.as_str()), ("state", STATE)];
    is_a_page(&leave(&mut browser, &query).await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    let server = server().await;
    let (mut browser, answer) = signed_in(&server).await;
    let parts: Vec<&str> = answer["id_token"].as_str().unwrap().split('.').collect();
    let modified = format!("{}.{}x.{}", parts[0], parts[1], parts[2]);
    let query = [("id_token_hint", modified.as_str()), ("post_logout_redirect_uri", LAX_BYE), ("state", STATE)];
    is_a_page(&leave(&mut browser, &query).await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    let server = server().await;
    let (mut browser, _) = signed_in(&server).await;
    let query = [("id_token_hint", "bad_id_token_hint"), ("post_logout_redirect_uri", LAX_BYE), ("state", STATE)];
    is_a_page(&leave(&mut browser, &query).await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_id_token_hint() {
    let server = server().await;
    let (mut browser, _) = signed_in(&server).await;
    is_a_page(&leave(&mut browser, &[("post_logout_redirect_uri", LAX_BYE), ("state", STATE)]).await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params() {
    let server = server().await;
    let (mut browser, _) = signed_in(&server).await;
    let page = leave(&mut browser, &[]).await;
    is_a_page(&page);
    let page = browser.submit(&page, "/logout", &[]).await;
    assert!(page.html.contains("You are signed out"));
    is_signed_out(&mut browser).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_only_state() {
    let server = server().await;
    let (mut browser, _) = signed_in(&server).await;
    is_a_page(&leave(&mut browser, &[("state", STATE)]).await);
}
