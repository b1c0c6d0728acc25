//! What every reply has, and what is answered before any handler is asked.

use serde_json::json;

use super::server::TestServer;
use super::world::acme;

#[tokio::test]
async fn every_reply_names_itself_and_the_rate_limit() {
    let Some(server) = TestServer::start().await else { return };
    let ada = acme(&server).await.token("Admin", "ada").await;
    for (token, path, status) in
        [(ada.as_str(), "/api/v2/users", 200), ("", "/api/v2/users", 401), (&ada, "/api/v2/nothing", 404)]
    {
        let answer = server.get(token, path).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers["inin-correlation-id"].len(), 32);
        for header in ["inin-ratelimit-count", "inin-ratelimit-allowed", "inin-ratelimit-reset"] {
            assert!(answer.headers[header].parse::<u32>().is_ok(), "{header}");
        }
    }
}

#[tokio::test]
async fn target_errors_come_before_credentials() {
    let Some(server) = TestServer::start().await else { return };
    let ada = acme(&server).await.token("Admin", "ada").await;
    for token in ["", "cs_at_bad", ada.as_str()] {
        assert_eq!(server.get(token, "/api/v2/nothing").await.refusal(), (404, "not.found"));
        assert_eq!(server.get(token, "/api/v2/users/").await.refusal(), (404, "not.found"));
        assert_eq!(server.get(token, "/api/v2//users").await.refusal(), (400, "bad.request"));
        assert_eq!(server.get(token, "/api/v2/users%2fme").await.refusal(), (400, "bad.request"));
        let refused = server.put(token, "/api/v2/users", json!({})).await;
        assert_eq!(
            (refused.refusal(), refused.headers["allow"].as_str()),
            ((405, "method.not.allowed"), "GET, HEAD, POST")
        );
    }
}

#[tokio::test]
async fn d10_d11_d12_d15_challenges_say_what_a_client_can_do() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.app("Reader", &["user-basic-info"]).await;
    let challenge = async |token: &str| server.get(token, "/api/v2/users").await.headers["www-authenticate"].clone();
    let (realm, metadata) = {
        let missing = challenge("").await;
        let (realm, metadata) = missing.split_once(", ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert!(realm.starts_with("Bearer realm=\"http://127.0.0.1:") && metadata.starts_with("resource_metadata=\""));
        (realm, metadata)
    };
    assert_eq!(challenge("cs_at_bad").await, format!("{realm}, error=\"invalid_token\", {metadata}"));
    let narrow = challenge(&acme.token("Reader", "ada").await).await;
    assert_eq!(narrow, format!("{realm}, error=\"insufficient_scope\", scope=\"users:readonly\", {metadata}"));
}

#[tokio::test]
async fn d13_d14_a_refusal_names_what_is_missing_and_no_scope_where_none_is() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.app("Reader", &["users:readonly"]).await;
    let body = json!({ "name": "x", "email": "x@acme.test" });
    let refused = server.post(&acme.token("Admin", "bob").await, "/api/v2/users", body.clone()).await;
    let said = "Unable to perform the requested action. You must have at least one of the following permissions assigned: [directory:user:add]";
    assert_eq!((refused.refusal(), refused.message()), ((403, "missing.any.permissions"), said));
    assert_eq!(refused.headers.get("www-authenticate"), None);
    let refused = server.post(&acme.token("Reader", "bob").await, "/api/v2/users", body).await;
    let missing =
        json!({ "scopes_any_of": [["users"]], "permissions": { "mode": "ANY", "of": ["directory:user:add"] } });
    assert_eq!((refused.refusal().1, &refused.body["missing"]), ("app.not.authorized.for.scope", &missing));
}

#[tokio::test]
async fn writes_at_once_are_each_decided_again_until_they_go_through() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Viewer", &["directory:user:view"]).await;
    for number in 0..12 {
        acme.user(&format!("user-{number}"), &[]).await;
    }
    let ada = acme.token("Admin", "ada").await;
    let give = async |number: usize| {
        let path = format!("/api/v2/users/{}/roles", acme.user_id(&format!("user-{number}")));
        server.put(&ada, &path, json!([acme.role_id("Viewer")])).await.status
    };
    let statuses = tokio::join!(
        give(0),
        give(1),
        give(2),
        give(3),
        give(4),
        give(5),
        give(6),
        give(7),
        give(8),
        give(9),
        give(10),
        give(11)
    );
    let statuses: [u16; 12] = statuses.into();
    assert_eq!(statuses, [200; 12]);
}

#[tokio::test]
async fn help_names_the_roles_that_would_do_for_those_who_may_see_roles() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("User admin", &["directory:user:*"]).await;
    acme.role("Role viewer", &["authorization:role:view"]).await;
    acme.user("rosa", &["Role viewer"]).await;
    let body = json!({ "name": "x", "email": "x@acme.test" });
    let help = async |user: &str| {
        server.post(&acme.token("Admin", user).await, "/api/v2/users", body.clone()).await.body["help"].clone()
    };
    let role = |name: &str| json!({ "id": acme.role_id(name), "name": name });
    assert_eq!(help("rosa").await["roles"], json!([role("Everything"), role("User admin")]));
    assert_eq!(help("bob").await.get("roles"), None);
}
