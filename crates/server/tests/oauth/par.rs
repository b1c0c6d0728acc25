//! Pushed authorization requests (RFC 9126).

use crate::support::browser::{authorize_address, redemption};
use crate::support::{Answer, Browser, CHALLENGE, Page, Server, encode};
use crate::world::{ADA, FOREIGN, NATIVE, NATIVE_URI, WEB, WEB_SECRET, WEB_URI, WORLD, with_web_metadata};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const REQUEST: [(&str, &str); 5] = [
    ("redirect_uri", WEB_URI),
    ("response_type", "code"),
    ("state", "the-state"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// The usual request with `more` in place of what has the same name.
async fn push(server: &Server, credentials: &str, more: &[(&str, &str)]) -> Answer {
    let usual = REQUEST.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    let form: Vec<(&str, &str)> = usual.chain(more.iter().copied()).collect();
    server.call_as_client("/oauth/par", credentials, &form).await
}

async fn pushed(server: &Server) -> String {
    let answer = push(server, WEB_SECRET, &[]).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body["request_uri"].as_str().unwrap().to_owned()
}

async fn open(browser: &mut Browser<'_>, client: &str, request_uri: &str) -> Page {
    browser.get(&format!("/oauth/authorize?{}", encode(&[("client_id", client), ("request_uri", request_uri)]))).await
}

fn world_that_pushes() -> String {
    with_web_metadata("require_pushed_authorization_requests: true")
}

#[tokio::test]
async fn a_pushed_request_leads_to_a_code_that_can_be_redeemed() {
    let server = Server::start(&world_that_pushes()).await;
    let mut browser = Browser::new(&server);
    let page = open(&mut browser, WEB, &pushed(&server).await).await;
    let page = browser.sign_in(&page, ADA.0, ADA.1).await;
    assert!(page.location().contains("state=the-state"));
    server.token(WEB_SECRET, &redemption(&page.code(), WEB_URI)).await.ok();
}

#[tokio::test]
async fn b01_the_client_authenticates_as_at_the_token_endpoint() {
    let server = Server::start(WORLD).await;
    assert_eq!(push(&server, "web-app:wrong", &[]).await.refusal(), (401, "invalid_client"));
    assert_eq!(push(&server, "", &[("client_id", WEB)]).await.refusal(), (401, "invalid_client"));
    assert_eq!(push(&server, "", &[]).await.refusal(), (400, "invalid_request"));
    let public = push(&server, "", &[("client_id", NATIVE), ("redirect_uri", NATIVE_URI)]).await;
    assert_eq!(public.status, 201);
}

#[tokio::test]
async fn b02_b09_a_request_uri_and_doubled_parameters_cannot_be_pushed() {
    let server = Server::start(WORLD).await;
    let with_reference = push(&server, WEB_SECRET, &[("request_uri", "urn:ietf:params:oauth:request_uri:x")]).await;
    assert_eq!(with_reference.refusal(), (400, "invalid_request"));
    for name in ["state", "scope", "redirect_uri", "client_id"] {
        let doubled = push(&server, WEB_SECRET, &[(name, WEB), (name, WEB)]).await;
        assert_eq!(doubled.refusal(), (400, "invalid_request"), "{name}");
    }
}

#[tokio::test]
async fn what_the_authorization_endpoint_would_refuse_is_refused_at_once() {
    let server = Server::start(WORLD).await;
    for (name, value, code) in [
        ("id_token_hint", "x", "invalid_request"),
        ("prompt", "create", "invalid_request"),
        ("registration", "{}", "registration_not_supported"),
        ("claims", r#"{"id_token":{"sub":{"value":1}}}"#, "invalid_request"),
    ] {
        assert_eq!(push(&server, WEB_SECRET, &[(name, value)]).await.refusal(), (400, code), "{name}");
    }
}

#[tokio::test]
async fn b03_the_answer_is_201_with_a_reference_for_a_minute() {
    let server = Server::start(WORLD).await;
    let answer = push(&server, WEB_SECRET, &[]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (201, "no-store"));
    assert_eq!(answer.body["expires_in"], 60);
    let reference = answer.body["request_uri"].as_str().unwrap();
    let secret = reference.strip_prefix("urn:ietf:params:oauth:request_uri:cs_pr_").unwrap();
    assert_eq!(secret.len(), 43 + 6);
}

#[tokio::test]
async fn b04_only_post_is_answered() {
    let server = Server::start(WORLD).await;
    for method in ["GET", "PUT", "DELETE"] {
        let answer = server.send(method, "/oauth/par", &[FORM], "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
}

#[tokio::test]
async fn b05_a_reference_is_finished_once_also_in_two_windows() {
    let server = Server::start(WORLD).await;
    let reference = pushed(&server).await;
    let mut browser = Browser::new(&server);
    browser.code(WEB, WEB_URI, &[], ADA).await;
    let mut other = Browser::new(&server);
    let waiting = open(&mut other, WEB, &reference).await;
    open(&mut browser, WEB, &reference).await.code();
    let reused = open(&mut browser, WEB, &reference).await;
    assert_eq!(reused.status, 400);
    assert!(reused.html.contains("invalid_request_uri"), "{}", reused.html);
    let late = other.sign_in(&waiting, ADA.0, ADA.1).await;
    assert_eq!((late.status, late.location()), (400, ""), "{}", late.html);
}

#[tokio::test]
async fn b05_another_client_and_a_late_browser_get_a_page() {
    let server = Server::start(WORLD).await;
    let reference = pushed(&server).await;
    let mut browser = Browser::new(&server);
    for client in [FOREIGN, "nobody"] {
        assert_eq!(open(&mut browser, client, &reference).await.status, 400, "{client}");
    }
    server.advance(60);
    assert_eq!(open(&mut browser, WEB, &reference).await.status, 400);
}

#[tokio::test]
async fn b06_a_link_can_be_opened_again_before_anybody_signed_in_and_signing_in_may_take_longer() {
    let server = Server::start(WORLD).await;
    let reference = pushed(&server).await;
    let mut browser = Browser::new(&server);
    assert_eq!(open(&mut browser, WEB, &reference).await.status, 200);
    let page = open(&mut browser, WEB, &reference).await;
    server.advance(600);
    server.app.keep_house().await.unwrap();
    browser.sign_in(&page, ADA.0, ADA.1).await.code();
}

#[tokio::test]
async fn b07_what_would_be_refused_later_is_refused_at_once() {
    let server = Server::start(WORLD).await;
    for (name, value, error) in [
        ("redirect_uri", "https://evil.example/cb", "invalid_request"),
        ("scope", "userz", "invalid_scope"),
        ("response_type", "token", "unsupported_response_type"),
        ("code_challenge", "", "invalid_request"),
    ] {
        assert_eq!(push(&server, WEB_SECRET, &[(name, value)]).await.refusal(), (400, error), "{name}");
    }
}

#[tokio::test]
async fn b08_a_client_that_must_push_gets_a_page_for_a_plain_request() {
    let server = Server::start(&world_that_pushes()).await;
    let page = Browser::new(&server).get(&authorize_address(WEB, WEB_URI, &[])).await;
    assert_eq!((page.status, page.location()), (400, ""));
    assert!(page.html.contains("must push"), "{}", page.html);
}

#[tokio::test]
async fn a43_what_stands_beside_the_reference_changes_nothing() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    browser.code(WEB, WEB_URI, &[], ADA).await;
    let beside =
        [("request_uri", &*pushed(&server).await), ("state", "other"), ("redirect_uri", "https://evil.example")];
    let page = browser.get(&authorize_address(WEB, WEB_URI, &beside)).await;
    assert!(page.location().starts_with(WEB_URI) && page.location().contains("state=the-state"));
}

#[tokio::test]
async fn a44_a_reference_elsewhere_is_refused_and_not_fetched() {
    let server = Server::start(WORLD).await;
    for elsewhere in ["https://evil.example/request", "http://127.0.0.1:1/", "http://169.254.169.254/", "urn:x"] {
        let page = open(&mut Browser::new(&server), WEB, elsewhere).await;
        assert_eq!((page.status, page.location()), (400, ""), "{elsewhere}");
        assert!(page.html.contains("invalid_request_uri"), "{}", page.html);
    }
}

#[tokio::test]
async fn b12_a_client_that_pushes_without_opening_is_told_to_wait_and_others_are_not() {
    let server = Server::start(WORLD).await;
    let id = countersign_domain::id::ClientId::parse(WEB).unwrap();
    let store = server.store(countersign_store::SystemTask::TokenEndpoint);
    for number in 0..countersign_store::pushed_request::MAX_WAITING_REQUESTS - 1 {
        let waiting = countersign_domain::oauth::pushed_request::PushedRequest {
            digest: countersign_domain::secret::Digest::of(number.to_string().as_bytes()),
            client: id.clone(),
            parameters: Vec::new(),
            expires_at: server.app.clock.now().plus_seconds(60),
        };
        assert!(store.save_pushed_request(&waiting).await.unwrap());
    }
    assert_eq!(push(&server, WEB_SECRET, &[]).await.status, 201, "there is room for one more");
    let refused = push(&server, WEB_SECRET, &[]).await;
    assert_eq!(refused.refusal(), (429, "temporarily_unavailable"));
    assert_eq!(refused.header("retry-after"), "60");
    let other = push(&server, "", &[("client_id", NATIVE), ("redirect_uri", NATIVE_URI)]).await;
    assert_eq!(other.status, 201, "another client is not in its way");
    server.advance(60);
    assert_eq!(push(&server, WEB_SECRET, &[]).await.status, 201);
}
