//! `/api/v2/tokens`

use countersign_domain::id::UserId;
use countersign_domain::oauth::token::TokenSubject;
use serde_json::{Value, json};

use super::server::{START_TEXT, TestServer};
use super::world::acme;

const ME: &str = "/api/v2/tokens/me";

#[tokio::test]
async fn a_token_says_what_it_is_and_may_ask_for() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let app = acme.app("Directory", &["user-basic-info", "users"]).await;
    let bob = acme.token("Directory", "bob").await;
    let expected = json!({
        "organization": { "id": "acme", "name": "ACME Corp" },
        "homeOrganization": { "id": "acme", "name": "ACME Corp" },
        "authorizedScope": ["user-basic-info", "users"],
        "OAuthClient": {
            "id": app,
            "name": "Directory",
            "authorizedGrantType": "CODE",
            "scope": ["users"],
            "state": "active",
            "organization": { "id": "acme", "name": "ACME Corp" },
            "dateCreated": START_TEXT,
            "dateModified": START_TEXT,
        },
    });
    assert_eq!(server.get(&bob, ME).await.ok(), expected);

    let subject = TokenSubject::User(UserId::parse(acme.user_id("bob")).unwrap());
    let narrow = acme.token_of(&app, subject, Some(&["user-basic-info", "oauth"])).await;
    assert_eq!(server.get(&narrow, ME).await.ok()["authorizedScope"], json!(["user-basic-info"]));
    let head = server.call("HEAD", &bob, ME, None).await;
    assert_eq!((head.status, head.body), (200, Value::Null));
}

#[tokio::test]
async fn signing_out_ends_the_token() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let (bob, other) = (acme.token("Admin", "bob").await, acme.token("Admin", "bob").await);
    assert_eq!(server.delete(&bob, ME).await.status, 200);
    assert_eq!(server.get(&bob, ME).await.refusal(), (401, "bad.credentials"));
    assert_eq!(server.call("HEAD", &bob, ME, None).await.status, 401);
    server.get(&other, ME).await.ok();
}

#[tokio::test]
async fn an_administrator_ends_every_token_of_a_user() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.app("Other", &["user-basic-info"]).await;
    let ada = acme.token("Admin", "ada").await;
    let tokens = [acme.token("Admin", "bob").await, acme.token("Other", "bob").await];
    let path = format!("/api/v2/tokens/{}", acme.user_id("bob"));
    server.delete(&ada, &path).await.done();
    for token in tokens {
        assert_eq!(server.get(&token, ME).await.refusal(), (401, "bad.credentials"));
    }
    server.delete(&ada, &path).await.done();
    assert_eq!(server.delete(&ada, "/api/v2/tokens/unknown").await.refusal(), (404, "general.resource.not.found"));
    server.get(&ada, ME).await.ok();
}

#[tokio::test]
async fn d11_an_expired_token_is_a_bad_credential() {
    let Some(server) = TestServer::start().await else { return };
    let bob = acme(&server).await.token("Admin", "bob").await;
    server.advance(86_399);
    server.get(&bob, ME).await.ok();
    server.advance(1);
    assert_eq!(server.get(&bob, ME).await.refusal(), (401, "bad.credentials"));
}
