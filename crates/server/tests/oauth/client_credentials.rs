//! The client credentials grant (RFC 6749 §4.4), in the client's own organization.

use countersign_decision::Enforcement;

use crate::support::Server;
use crate::world::{SERVICE_SECRET, WORLD};

const LONER_SECRET: &str = "loner:loner-secret";

fn form(scope: &str) -> [(&str, &str); 2] {
    [("grant_type", "client_credentials"), ("scope", scope)]
}

#[tokio::test]
async fn c29_there_is_no_refresh_token_and_no_public_client() {
    let server = Server::start(WORLD).await;
    assert_eq!(server.token(SERVICE_SECRET, &form("")).await.ok().get("refresh_token"), None);
    let public = [("grant_type", "client_credentials"), ("client_id", "spa")];
    assert_eq!(server.token("", &public).await.refusal(), (400, "unauthorized_client"));
}

#[tokio::test]
async fn c30_a_scope_that_the_organization_has_not_authorized_is_refused() {
    let server = Server::start(WORLD).await;
    assert_eq!(server.token(SERVICE_SECRET, &form("users")).await.ok()["scope"], "users");
    let refused = server.token(SERVICE_SECRET, &form("users oauth")).await;
    assert_eq!(refused.refusal(), (400, "invalid_scope"));
    assert!(refused.text.contains("`oauth`"), "{}", refused.text);
}

#[tokio::test]
async fn a18_an_unregistered_scope_is_refused_in_every_mode() {
    let server = Server::start(WORLD).await;
    for enforcement in [Enforcement::Enforce, Enforcement::Report, Enforcement::Off] {
        server.org("acme").set_enforcement(enforcement, None).await.unwrap();
        assert_eq!(server.token(SERVICE_SECRET, &form("userz")).await.refusal(), (400, "invalid_scope"));
    }
}

#[tokio::test]
async fn off_and_report_refuse_no_registered_scope() {
    let server = Server::start(WORLD).await;
    for enforcement in [Enforcement::Report, Enforcement::Off] {
        server.org("acme").set_enforcement(enforcement, None).await.unwrap();
        assert_eq!(server.token(SERVICE_SECRET, &form("oauth")).await.ok()["scope"], "oauth");
    }
    server.org("acme").set_enforcement(Enforcement::Enforce, Some(false)).await.unwrap();
    assert_eq!(server.token(SERVICE_SECRET, &form("oauth")).await.ok()["scope"], "oauth");
}

#[tokio::test]
async fn c31_a_token_comes_before_the_authorization_and_every_call_waits_for_it() {
    let server = Server::start(WORLD).await;
    server.org("globex").set_enforcement(Enforcement::Enforce, None).await.unwrap();
    let token = server.token(LONER_SECRET, &form("")).await.ok();
    assert_eq!(token.get("scope"), None);
    let token = token["access_token"].as_str().unwrap();
    let refused = server.api("GET", "/api/v2/users", token).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &"app.not.authorized.for.scope".into()));
    assert_eq!(server.token(LONER_SECRET, &form("users")).await.refusal(), (400, "invalid_scope"));
}

#[tokio::test]
async fn c31_the_token_acts_in_the_clients_own_organization() {
    let server = Server::start(WORLD).await;
    let token = server.token(SERVICE_SECRET, &form("")).await.ok();
    let token = token["access_token"].as_str().unwrap();
    let people = server.api("GET", "/api/v2/users?pageSize=100", token).await.ok();
    let people = people["entities"].as_array().unwrap().clone();
    assert!(people.iter().any(|user| user["email"] == "ada@acme.test"));
    assert!(people.iter().all(|user| user["email"] != "hedy@globex.test"));
}
