//! Parameters that are hints: none of them may fail the request.

use crate::relying_party::{authorize, checked_id_token, happy_flow, redeem, request, server};
use crate::support::Browser;
use crate::world::ADA;

#[tokio::test]
async fn oidcc_display_page() {
    happy_flow(&server().await, &[("display", "page")]).await;
}

#[tokio::test]
async fn oidcc_display_popup() {
    happy_flow(&server().await, &[("display", "popup")]).await;
}

#[tokio::test]
async fn oidcc_ui_locales() {
    happy_flow(&server().await, &[("ui_locales", "se de-DE")]).await;
}

#[tokio::test]
async fn oidcc_claims_locales() {
    happy_flow(&server().await, &[("claims_locales", "se")]).await;
}

#[tokio::test]
async fn oidcc_login_hint() {
    let server = server().await;
    let page = Browser::new(&server).get(&request(&[("login_hint", ADA.0)])).await;
    assert!(page.html.contains(&format!("value=\"{}\"", ADA.0)), "the page is prefilled");
    happy_flow(&server, &[("login_hint", "somebody@example.invalid")]).await;
}

#[tokio::test]
async fn oidcc_id_token_hint() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let answer = redeem(&server, &authorize(&mut browser, &[]).await).await;
    let first = checked_id_token(&server, &answer).await;
    let hint = answer["id_token"].as_str().unwrap();
    let silent = browser.get(&request(&[("prompt", "none"), ("id_token_hint", hint)])).await;
    let second = checked_id_token(&server, &redeem(&server, &silent).await).await;
    assert_eq!(second.claims["sub"], first.claims["sub"]);
}
