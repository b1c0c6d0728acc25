//! `/api/v2/oauth/registrationtokens`

use countersign_store::SystemTask;
use serde_json::{Value, json};

use super::server::{START_TEXT, TestServer};
use super::world::acme;

const TOKENS: &str = "/api/v2/oauth/registrationtokens";

fn partners() -> Value {
    json!({
        "name": "Partners", "grantTypes": ["authorization_code", "refresh_token"], "scope": ["users:readonly"],
        "hosts": ["Partner.example"], "maxClients": 3, "validDays": 1,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut body = partners();
    body[name] = value;
    body
}

#[tokio::test]
async fn a_token_is_made_shown_once_listed_and_revoked() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let mut made = server.post(&ada, TOKENS, partners()).await.ok();
    let secret = made.as_object_mut().unwrap().remove("token").unwrap();
    assert!(secret.as_str().unwrap().starts_with("cs_ia_"));
    let id = made["id"].as_str().unwrap().to_owned();
    let expires = made["dateExpires"].clone();
    let expected = json!({
        "id": id,
        "name": "Partners",
        "state": "active",
        "grantTypes": ["authorization_code", "refresh_token"],
        "scope": ["users:readonly"],
        "hosts": ["partner.example"],
        "maxClients": 3,
        "registeredClients": 0,
        "dateCreated": START_TEXT,
        "dateExpires": expires,
    });
    assert_eq!(made, expected);
    assert_eq!(server.get(&ada, TOKENS).await.ok()["entities"], json!([expected]));
    let digest = countersign_domain::secret::Digest::of(secret.as_str().unwrap().as_bytes());
    let system = server.app.store.system(SystemTask::TokenEndpoint, server.now(), server.app.entropy.as_ref());
    assert!(system.initial_token(&digest).await.unwrap().is_some());

    let own = format!("{TOKENS}/{id}");
    assert_eq!(server.call("DELETE", &ada, &own, None).await.status, 204);
    assert_eq!(server.get(&ada, TOKENS).await.ok()["entities"][0]["state"], "revoked");
    assert_eq!(server.call("DELETE", &ada, &own, None).await.refusal(), (404, "not.found"));
    assert!(system.initial_token(&digest).await.unwrap().is_none());
}

#[tokio::test]
async fn what_no_token_can_allow_is_refused_by_field() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    for (name, value) in [
        ("name", json!("")),
        ("grantTypes", json!(["password"])),
        ("grantTypes", json!([])),
        ("hosts", json!(["*.example"])),
        ("hosts", json!([])),
        ("maxClients", json!(0)),
        ("maxClients", json!(10_001)),
        ("validDays", json!(367)),
        ("scope", json!(["userz"])),
    ] {
        let refused = server.post(&ada, TOKENS, with(name, value.clone())).await;
        assert_eq!(refused.status, 400, "{name} = {value}: {:#}", refused.body);
    }
    let defaults = json!({ "name": "Devices", "grantTypes": ["urn:ietf:params:oauth:grant-type:device_code"] });
    let made = server.post(&ada, TOKENS, defaults).await.ok();
    assert_eq!((&made["maxClients"], &made["hosts"]), (&json!(1), &json!([])));
}
