//! Whether somebody must sign in again: `prompt` and `max_age`.

use crate::relying_party::{authorize, checked_id_token, redeem, request, server};
use crate::support::{Browser, Page};
use crate::world::ADA;

#[tokio::test]
async fn oidcc_prompt_login() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let first = authorize(&mut browser, &[]).await;
    let first = checked_id_token(&server, &redeem(&server, &first).await).await;
    server.advance(1);
    let page = browser.get(&request(&[("prompt", "login")])).await;
    assert!(page.has_form("/oauth/sign-in"), "the suite asks for a screenshot of the sign-in page");
    let page = browser.sign_in(&page, ADA.0, ADA.1).await;
    let second = checked_id_token(&server, &redeem(&server, &page).await).await;
    assert!(second.claims["auth_time"].as_i64() > first.claims["auth_time"].as_i64());
    assert_eq!(second.claims["sub"], first.claims["sub"]);
}

#[tokio::test]
async fn oidcc_prompt_none_not_logged_in() {
    let server = server().await;
    let page = Browser::new(&server).get(&request(&[("prompt", "none")])).await;
    let expected = ["login_required", "interaction_required", "account_selection_required"];
    assert!(expected.contains(&page.error().as_str()));
}

#[tokio::test]
async fn oidcc_prompt_none_logged_in() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let first = authorize(&mut browser, &[]).await;
    let first = checked_id_token(&server, &redeem(&server, &first).await).await;
    server.advance(1);
    let silent: Page = browser.get(&request(&[("prompt", "none")])).await;
    let second = checked_id_token(&server, &redeem(&server, &silent).await).await;
    for name in ["sub", "auth_time", "sid"] {
        assert_eq!(first.claims[name], second.claims[name], "{name}");
    }
}

#[tokio::test]
async fn oidcc_max_age_1() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let first = authorize(&mut browser, &[]).await;
    let first = checked_id_token(&server, &redeem(&server, &first).await).await;
    server.advance(2);
    let page = browser.get(&request(&[("max_age", "1")])).await;
    assert!(page.has_form("/oauth/sign-in"), "the suite asks for a screenshot of the sign-in page");
    let page = browser.sign_in(&page, ADA.0, ADA.1).await;
    let second = checked_id_token(&server, &redeem(&server, &page).await).await;
    assert!(second.claims["auth_time"].as_i64() > first.claims["auth_time"].as_i64());
}

#[tokio::test]
async fn oidcc_max_age_10000() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let first = authorize(&mut browser, &[]).await;
    let first = checked_id_token(&server, &redeem(&server, &first).await).await;
    server.advance(2);
    let page = browser.get(&request(&[("max_age", "10000")])).await;
    let second = checked_id_token(&server, &redeem(&server, &page).await).await;
    assert_eq!(second.claims["auth_time"], first.claims["auth_time"]);
}
