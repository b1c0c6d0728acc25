//! Invariant 18: the last person who can authorize apps stays, whatever is tried through the API.

use serde_json::{Value, json};

use super::server::{Answer, TestServer};
use super::world::{World, acme};

/// Every way in which `user`, who holds `role`, could lose what it takes.
async fn attempts(
    server: &TestServer,
    acme: &World<'_>,
    token: &str,
    user: &str,
    role: &str,
) -> Vec<(&'static str, Answer)> {
    let (user, role) = (acme.user_id(user), acme.role_id(role));
    let role_path = format!("/api/v2/authorization/roles/{role}");
    let version = server.get(token, &format!("/api/v2/users/{user}")).await.ok()["version"].clone();
    let call = async |method: &str, path: String, body: Option<Value>| server.call(method, token, &path, body).await;
    vec![
        (
            "deactivate",
            call("PATCH", format!("/api/v2/users/{user}"), Some(json!({ "version": version, "state": "inactive" })))
                .await,
        ),
        ("delete", call("DELETE", format!("/api/v2/users/{user}"), None).await),
        ("take every role", call("PUT", format!("/api/v2/users/{user}/roles"), Some(json!([]))).await),
        (
            "take the role",
            call("DELETE", format!("/api/v2/authorization/subjects/{user}/divisions/*/roles/{role}"), None).await,
        ),
        ("empty the role", call("PUT", role_path.clone(), Some(json!({ "name": "Everything" }))).await),
        ("cut the role", call("PATCH", role_path.clone(), Some(json!({ "permissionPolicies": [] }))).await),
        ("delete the role", call("DELETE", role_path, None).await),
    ]
}

#[tokio::test]
async fn invariant_18_the_last_administrator_stays() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Deputy", &["admin", "authorization:*:*", "directory:*:*"]).await;
    acme.user("deputy", &["Deputy"]).await;
    for token in [acme.token("Admin", "ada").await, acme.token("Admin", "deputy").await] {
        for (attempt, answer) in attempts(&server, &acme, &token, "ada", "Everything").await {
            assert_eq!(answer.refusal(), (409, "last.administrator"), "{attempt}");
        }
    }
}

#[tokio::test]
async fn with_a_second_administrator_the_first_can_go() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Second", &["oauth:client:authorize"]).await;
    acme.user("second", &["Second"]).await;
    let ada = acme.token("Admin", "ada").await;
    let path = format!("/api/v2/users/{}", acme.user_id("second"));
    server.patch(&ada, &path, json!({ "version": 1, "state": "inactive" })).await.ok();
    let refused = server.delete(&ada, &format!("/api/v2/users/{}", acme.user_id("ada"))).await;
    assert_eq!(refused.refusal(), (409, "last.administrator"), "an inactive administrator is none");
    server.patch(&ada, &path, json!({ "version": 2, "state": "active" })).await.ok();
    server.delete(&ada, &format!("/api/v2/users/{}", acme.user_id("ada"))).await.ok();
    assert_eq!(server.get(&ada, "/api/v2/users/me").await.status, 401);
}

#[tokio::test]
async fn the_console_can_be_revoked_and_the_last_administrator_stays_all_the_same() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    server.delete(&ada, "/api/v2/oauth/authorizations/countersign-console").await.done();
    let refused = server.delete(&ada, &format!("/api/v2/users/{}", acme.user_id("ada"))).await;
    assert_eq!(refused.refusal(), (409, "last.administrator"));
}

#[tokio::test]
async fn invariant_18_two_administrators_who_remove_each_other_at_once_do_not_both_go() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let mut remaining = "ada".to_owned();
    for round in 0..20 {
        let (one, two) = (format!("one-{round}"), format!("two-{round}"));
        for name in [&one, &two] {
            acme.user(name, &["Everything"]).await;
        }
        let (first, second) = (acme.token("Admin", &one).await, acme.token("Admin", &two).await);
        let path = |name: &str| format!("/api/v2/users/{}", acme.user_id(name));
        server.delete(&first, &path(&remaining)).await.ok();

        let (path_one, path_two) = (path(&one), path(&two));
        let (a, b) = tokio::join!(server.delete(&first, &path_two), server.delete(&second, &path_one));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert!(statuses == [200, 401] || statuses == [200, 409], "round {round}: {statuses:?}");
        let (survivor, token) = if a.status == 200 { (one, &first) } else { (two, &second) };
        assert_eq!(server.delete(token, &path(&survivor)).await.refusal(), (409, "last.administrator"));
        remaining = survivor;
    }
}
