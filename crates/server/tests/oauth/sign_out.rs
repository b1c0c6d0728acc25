//! Signing out: of the browser, for another person, and only back to registered addresses.

use crate::support::{Browser, Server, encode};
use crate::world::{ADA, GRACE, WEB, WEB_URI, WORLD};

async fn signed_in(server: &Server) -> Browser<'_> {
    let mut browser = Browser::new(server);
    browser.code(WEB, WEB_URI, &[], ADA).await;
    browser
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/").await.html.contains("Signed in as")
}

#[tokio::test]
async fn an_app_sends_its_user_to_sign_out_and_gets_them_back() {
    let server = Server::start(WORLD).await;
    let mut browser = signed_in(&server).await;
    let cookie = browser.cookies["countersign-session"].clone();
    let page = browser.get(&format!("/logout?{}", encode(&[("client_id", WEB), ("redirect_uri", WEB_URI)]))).await;
    assert_eq!((page.status, page.location()), (303, WEB_URI));
    assert!(!browser.cookies.contains_key("countersign-session"));
    browser.cookies.insert("countersign-session".to_owned(), cookie);
    assert!(!is_signed_in(&mut browser).await, "the session itself is dead");
}

#[tokio::test]
async fn e22_an_address_that_is_not_registered_is_not_gone_to_and_the_person_is_asked() {
    let server = Server::start(WORLD).await;
    for query in [
        vec![("client_id", WEB), ("redirect_uri", "https://evil.example/")],
        vec![("client_id", WEB), ("redirect_uri", "https://spa.example/")],
        vec![("client_id", "nobody"), ("redirect_uri", WEB_URI)],
        vec![("redirect_uri", WEB_URI)],
    ] {
        let mut browser = signed_in(&server).await;
        let page = browser.get(&format!("/logout?{}", encode(&query))).await;
        assert_eq!((page.status, page.location()), (200, ""), "{query:?}");
        assert!(page.html.contains("Do you want to sign out?") && is_signed_in(&mut browser).await, "{query:?}");
        let page = browser.submit(&page, "/logout", &[]).await;
        assert_eq!((page.status, page.location()), (200, ""), "{query:?}");
        assert!(page.html.contains("You are signed out") && !is_signed_in(&mut browser).await);
    }
}

#[tokio::test]
async fn a31_a_page_elsewhere_cannot_sign_people_out_by_loading_us() {
    let server = Server::start(WORLD).await;
    let mut browser = signed_in(&server).await;
    for destination in ["image", "iframe", "empty", "script"] {
        browser.headers = vec![("sec-fetch-dest", destination.to_owned())];
        assert_eq!(browser.get("/logout").await.status, 403, "{destination}");
    }
    browser.headers.clear();
    let (server_form, home) = (&server, browser.get("/").await);
    let mut other = Browser::new(server_form);
    assert_eq!(other.submit(&home, "/logout", &[]).await.status, 403);
    assert_eq!(browser.post("/logout", &[("csrf", "forged")]).await.status, 403);
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn the_front_page_signs_out() {
    let server = Server::start(WORLD).await;
    let mut browser = signed_in(&server).await;
    let home = browser.get("/").await;
    let page = browser.submit(&home, "/logout", &[]).await;
    assert!(page.html.contains("You are signed out") && !is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn not_you_lets_another_person_go_on_in_the_same_request() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    let page = browser.authorize(WEB, WEB_URI, &[("scope", "oauth")]).await;
    let page = browser.sign_in(&page, ADA.0, ADA.1).await;
    assert!(page.has_form("/oauth/request"));
    let page = browser.submit(&page, "/logout", &[]).await;
    let page = browser.follow_within(page).await;
    assert!(page.has_form("/oauth/sign-in") && !page.html.contains("Ada"));
    let page = browser.sign_in(&page, GRACE.0, GRACE.1).await;
    assert!(page.has_form("/oauth/approval"), "{}", page.html);
}
