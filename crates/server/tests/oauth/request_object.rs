//! Signed authorization requests (RFC 9101), in the address and pushed.

use serde_json::{Value, json};

use crate::support::browser::{authorize_address, redemption};
use crate::support::keys::{Key, with};
use crate::support::{Browser, CHALLENGE, Page, Server, encode};
use crate::world::{ADA, NATIVE, NATIVE_URI, WEB, WEB_SECRET, WEB_URI, WORLD, with_web_metadata};

/// The world whose web app has a key to sign with, and is what `more` says beside it.
fn world(key: &Key, more: &str) -> String {
    with_web_metadata(&format!("jwks: {}{more}", key.jwks()))
}

fn claims(server: &Server) -> Value {
    let now = server.app.clock.now().as_seconds();
    json!({
        "iss": WEB, "aud": server.app.origin.as_str(), "iat": now, "nbf": now, "exp": now + 300,
        "client_id": WEB, "redirect_uri": WEB_URI, "response_type": "code", "state": "inside",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    })
}

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt" })
}

async fn open(server: &Server, object: &str, more: &[(&str, &str)]) -> Page {
    let mut browser = Browser::new(server);
    browser.code(NATIVE, NATIVE_URI, &[], ADA).await;
    let query = [&[("client_id", WEB), ("request", object)], more].concat();
    browser.get(&format!("/oauth/authorize?{}", encode(&query))).await
}

#[tokio::test]
async fn a43_inside_values_win_over_everything_beside_the_request_object() {
    let key = Key::generate();
    let server = Server::start(&world(&key, ", require_signed_request_object: true")).await;
    let outside = [("state", "outside"), ("redirect_uri", "https://evil.example/cb"), ("scope", "userz")];
    let page = open(&server, &key.sign(&header(), &claims(&server)), &outside).await;
    assert!(page.location().starts_with(WEB_URI) && page.location().contains("state=inside"), "{}", page.location());
    server.token(WEB_SECRET, &redemption(&page.code(), WEB_URI)).await.ok();
}

#[tokio::test]
async fn a42_a_request_object_that_does_not_count_is_a_page() {
    let key = Key::generate();
    let server = Server::start(&world(&key, "")).await;
    let now = server.app.clock.now().as_seconds();
    let good = claims(&server);
    let objects = [
        key.sign(&with(&header(), "alg", json!("none")), &good),
        key.sign(&with(&header(), "alg", json!("HS256")), &good),
        key.sign(&with(&header(), "typ", json!("dpop+jwt")), &good),
        key.sign(&header(), &with(&good, "aud", json!("https://other.example"))),
        key.sign(&header(), &with(&good, "exp", json!(now - 61))),
        key.sign(&header(), &with(&good, "exp", json!(now + 3_700))),
        key.sign(&header(), &with(&good, "nbf", json!(now + 61))),
        key.sign(&header(), &with(&good, "iss", json!(NATIVE))),
        Key::generate().sign(&header(), &good),
    ];
    for object in objects {
        let page = open(&server, &object, &[("redirect_uri", WEB_URI), ("response_type", "code")]).await;
        assert_eq!((page.status, page.location()), (400, ""), "{object}");
        assert!(page.html.contains("invalid_request_object"), "{}", page.html);
    }
}

#[tokio::test]
async fn a41_a_request_object_of_an_app_without_keys_is_not_supported() {
    let server = Server::start(WORLD).await;
    let object = Key::generate().sign(&header(), &claims(&server));
    let page = Browser::new(&server).authorize(WEB, WEB_URI, &[("request", &object)]).await;
    assert_eq!(page.error(), "request_not_supported");
}

#[tokio::test]
async fn an_app_that_must_sign_gets_a_page_for_a_plain_request() {
    let key = Key::generate();
    let server = Server::start(&world(&key, ", require_signed_request_object: true")).await;
    let page = Browser::new(&server).get(&authorize_address(WEB, WEB_URI, &[])).await;
    assert_eq!((page.status, page.location()), (400, ""));
    assert!(page.html.contains("must sign"), "{}", page.html);
}

#[tokio::test]
async fn a_signed_request_can_be_pushed_and_must_be_where_signing_is_needed() {
    let key = Key::generate();
    let server = Server::start(&world(&key, ", require_signed_request_object: true")).await;
    let plain = [("response_type", "code"), ("redirect_uri", WEB_URI), ("code_challenge", CHALLENGE)];
    let refused = server.call_as_client("/oauth/par", WEB_SECRET, &plain).await;
    assert_eq!(refused.refusal(), (400, "invalid_request"));
    let wrong = key.sign(&header(), &with(&claims(&server), "aud", json!("https://other.example")));
    let refused = server.call_as_client("/oauth/par", WEB_SECRET, &[("request", &wrong)]).await;
    assert_eq!(refused.refusal(), (400, "invalid_request_object"));

    let object = key.sign(&header(), &claims(&server));
    let pushed = server.call_as_client("/oauth/par", WEB_SECRET, &[("request", &object), ("state", "outside")]).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text);
    let link = encode(&[("client_id", WEB), ("request_uri", pushed.body["request_uri"].as_str().unwrap())]);
    let mut browser = Browser::new(&server);
    let page = browser.get(&format!("/oauth/authorize?{link}")).await;
    let page = browser.sign_in(&page, ADA.0, ADA.1).await;
    assert!(page.location().contains("state=inside"), "{}", page.location());
}
