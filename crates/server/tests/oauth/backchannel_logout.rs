//! Apps hear that somebody signed out (OpenID Connect Back-Channel Logout 1.0).

use countersign_domain::user::UserState;
use countersign_store::user::UserChange;
use serde_json::{Value, json};

use crate::jwt::{Jwt, verified};
use crate::support::browser::redemption;
use crate::support::document_host::DocumentHost;
use crate::support::{Browser, Server, encode};
use crate::world::{ADA, GRACE, WEB, WEB_SECRET, WEB_URI, with_web_metadata};

const HEARD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// A server whose web app wants to hear of logouts at `/out` of the host.
async fn stage(answer: &str) -> (Server, DocumentHost) {
    let host = DocumentHost::start().await;
    host.answer("/out", answer);
    let members = format!(
        "backchannel_logout_uri: \"{}/out\", backchannel_logout_session_required: true, \
         post_logout_redirect_uris: [\"https://web.example/bye\"]",
        host.origin
    );
    let server = Server::start_with(&with_web_metadata(&members), host.config()).await;
    (server, host)
}

async fn signed_in<'s>(server: &'s Server, scope: &str, who: (&str, &str)) -> (Browser<'s>, Value) {
    let mut browser = Browser::new(server);
    let code = browser.code(WEB, WEB_URI, &[("scope", scope)], who).await;
    let answer = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    (browser, answer)
}

async fn leave(browser: &mut Browser<'_>, answer: &Value) {
    let query = encode(&[("id_token_hint", answer["id_token"].as_str().unwrap())]);
    let page = browser.get(&format!("/logout?{query}")).await;
    assert!(page.html.contains("You are signed out"), "{}", page.html);
}

/// The logout token of a request.
async fn told(server: &Server, request: &str) -> Jwt {
    assert!(request.starts_with("POST /out HTTP/1.1\r\n"), "{request}");
    assert!(request.to_ascii_lowercase().contains("content-type: application/x-www-form-urlencoded\r\n"), "{request}");
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    verified(server, body.strip_prefix("logout_token=").unwrap()).await
}

#[tokio::test]
async fn e23_who_signs_out_at_one_place_is_signed_out_of_the_app_by_a_signed_token() {
    let (server, host) = stage(HEARD).await;
    let metadata = server.get("/.well-known/openid-configuration").await.ok();
    for member in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(metadata[member], true, "{member}");
    }
    let (mut browser, answer) = signed_in(&server, "openid", ADA).await;
    let id_token = verified(&server, answer["id_token"].as_str().unwrap()).await;
    leave(&mut browser, &answer).await;
    let requests = host.requests_in_the_end("/out", 1).await;
    let token = told(&server, &requests[0]).await;
    assert_eq!(token.header["typ"], "logout+jwt");
    let claims = &token.claims;
    for same in ["iss", "sub", "aud", "sid"] {
        assert_eq!(claims[same], id_token.claims[same], "{same}");
    }
    assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 120);
    assert!(claims["jti"].is_string() && claims.get("nonce").is_none(), "{claims}");
    let token = requests[0].split("logout_token=").nth(1).unwrap();
    assert_eq!(server.api("GET", "/api/v2/users", token).await.status, 401, "it opens nothing");
}

#[tokio::test]
async fn e23_an_app_that_does_not_answer_is_told_again_with_the_same_jti() {
    let (server, host) = stage(BUSY).await;
    let (mut browser, answer) = signed_in(&server, "openid", ADA).await;
    leave(&mut browser, &answer).await;
    host.requests_in_the_end("/out", 1).await;
    host.answer("/out", HEARD);
    // The outcome of the first try is written after it was answered.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    server.advance(5);
    let requests = host.requests_in_the_end("/out", 2).await;
    let (first, second) = (told(&server, &requests[0]).await, told(&server, &requests[1]).await);
    assert_eq!(first.claims["jti"], second.claims["jti"]);
    assert_eq!(second.claims["iat"].as_i64().unwrap() - first.claims["iat"].as_i64().unwrap(), 5);
}

#[tokio::test]
async fn e23_every_end_of_a_sign_in_is_told_and_only_to_apps_that_know_of_it() {
    let (server, host) = stage(HEARD).await;
    let (_first, _) = signed_in(&server, "openid", ADA).await;
    let (_second, _) = signed_in(&server, "openid", ADA).await;
    let (mut other, answer) = signed_in(&server, "openid", GRACE).await;
    let (_without, _) = signed_in(&server, "users", ADA).await;
    let acme = server.org("acme");
    let people = acme.users(&countersign_store::user::UserFilter::default(), countersign_store::Page::new(1, 50)).await;
    let ada = people.unwrap().items.into_iter().find(|user| user.email.to_string() == ADA.0).unwrap();
    let inactive = UserChange { state: Some(UserState::Inactive), ..UserChange::default() };
    acme.update_user(&ada.id, ada.version, &inactive).await.unwrap();
    let requests = host.requests_in_the_end("/out", 2).await;
    for request in &requests {
        assert_eq!(told(&server, request).await.claims["sub"], ada.id.as_str());
    }
    leave(&mut other, &answer).await;
    host.requests_in_the_end("/out", 3).await;
}

#[tokio::test]
async fn e23_an_endpoint_on_a_private_address_hears_nothing() {
    let host = DocumentHost::start().await;
    let members = format!("backchannel_logout_uri: \"{}/out\"", host.origin);
    let mut config = host.config();
    config.outgoing.loopback_hosts.clear();
    let server = Server::start_with(&with_web_metadata(&members), config).await;
    let (mut browser, answer) = signed_in(&server, "openid", ADA).await;
    leave(&mut browser, &answer).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert_eq!(host.asked("/out"), 0);
}
