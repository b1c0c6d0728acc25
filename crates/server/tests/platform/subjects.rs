//! `/api/v2/authorization/subjects`

use countersign_domain::organization::DivisionScope;
use serde_json::json;

use super::server::{START_TEXT, TestServer};
use super::world::acme;

#[tokio::test]
async fn a_subject_shows_where_it_holds_which_role() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Viewer", &["directory:user:view", "admin"]).await;
    acme.assign("bob", "Viewer", DivisionScope::All).await;
    let (ada, bob, role) = (acme.token("Admin", "ada").await, acme.user_id("bob"), acme.role_id("Viewer"));
    let expected = json!({
        "id": bob,
        "name": "BOB",
        "grants": [{
            "subjectId": bob,
            "division": { "id": "*", "name": "*", "description": "", "homeDivision": false },
            "role": {
                "id": role,
                "name": "Viewer",
                "description": "",
                "policies": [{ "actions": ["view"], "domain": "directory", "entityName": "user" }],
                "default": false,
                "selfUri": format!("/api/v2/authorization/roles/{role}"),
            },
            "grantMadeAt": START_TEXT,
        }],
        "version": 1,
        "selfUri": format!("/api/v2/authorization/subjects/{bob}"),
    });
    assert_eq!(server.get(&ada, &format!("/api/v2/authorization/subjects/{bob}")).await.ok(), expected);
    let app = server.get(&ada, &format!("/api/v2/authorization/subjects/{}", acme.client_id("Admin"))).await.ok();
    assert_eq!((&app["name"], &app["grants"]), (&json!("Admin"), &json!([])));
}

#[tokio::test]
async fn a_role_is_given_and_taken_in_one_division() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let sales = acme.division("Sales").await;
    acme.role("Granter", &["authorization:grant:*", "directory:user:view"]).await;
    acme.role("Viewer", &["directory:user:view"]).await;
    acme.service("Robot", &["Viewer"], &[]).await;
    acme.user("sal", &[]).await;
    acme.assign("sal", "Granter", DivisionScope::Division(sales.clone())).await;
    let sal = acme.token("Admin", "sal").await;
    let path = |subject: &str, division: &str| {
        format!("/api/v2/authorization/subjects/{subject}/divisions/{division}/roles/{}", acme.role_id("Viewer"))
    };
    let (bob, sales) = (acme.user_id("bob"), sales.as_str());

    server.call("POST", &sal, &path(bob, sales), None).await.done();
    server.call("POST", &sal, &path(bob, sales), None).await.done();
    for division in [acme.home().await.as_str(), "*"] {
        let refused = server.call("POST", &sal, &path(bob, division), None).await;
        assert_eq!(refused.refusal(), (403, "missing.division.permissions"), "{division}");
    }
    server
        .call("POST", &sal, &format!("{}?subjectType=PC_OAUTH_CLIENT", path(acme.client_id("Robot"), sales)), None)
        .await
        .done();

    assert_eq!(
        server.delete(&sal, &path(acme.client_id("Robot"), "*")).await.refusal(),
        (403, "missing.division.permissions")
    );
    server.delete(&sal, &path(bob, sales)).await.done();
    assert_eq!(server.delete(&sal, &path(bob, sales)).await.refusal(), (404, "not.found"));
}

#[tokio::test]
async fn what_is_unknown_is_not_found() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let (ada, bob, role) = (acme.token("Admin", "ada").await, acme.user_id("bob"), acme.role_id("Everything"));
    let post =
        async |path: String| server.call("POST", &ada, &format!("/api/v2/authorization/subjects/{path}"), None).await;
    for path in [
        format!("unknown/divisions/*/roles/{role}"),
        format!("{bob}/divisions/unknown/roles/{role}"),
        format!("{bob}/divisions/*/roles/unknown"),
        format!("{bob}/divisions/*/roles/{role}?subjectType=PC_GROUP"),
        format!("{bob}/divisions/*/roles/{role}?subjectType=PC_OAUTH_CLIENT"),
        format!("{}/divisions/*/roles/{role}", acme.client_id("Admin")),
    ] {
        assert_eq!(post(path.clone()).await.refusal(), (404, "not.found"), "{path}");
    }
    let refused = post(format!("{bob}/divisions/*/roles/{role}?subjectType=PC_ROBOT")).await;
    assert_eq!(refused.refusal(), (400, "invalid.query.param.value"));
}
