//! What apps called, as the administrators of their organizations see it.

use serde_json::{Value, json};

use super::server::TestServer;
use super::world::{World, acme};

/// Acme with an app that reads users three times, is refused twice, and is never used for more.
async fn used(server: &TestServer) -> World<'_> {
    let mut acme = acme(server).await;
    acme.app("Reader", &["users", "users:readonly", "authorization"]).await;
    let (ada, bob) = (acme.token("Reader", "ada").await, acme.token("Reader", "bob").await);
    for token in [&ada, &ada, &bob] {
        server.get(token, "/api/v2/users").await.ok();
    }
    server.advance(24 * 60 * 60);
    let ada = acme.token("Reader", "ada").await;
    server.get(&ada, "/api/v2/users?pageSize=1").await.ok();
    assert_eq!(server.get(&ada, "/api/v2/oauth/clients").await.status, 403);
    assert_eq!(server.get(&ada, "/api/v2/nothing").await.status, 404);
    acme
}

/// The rows that a question is answered with.
async fn asked(server: &TestServer, acme: &World<'_>, query: Value) -> Vec<Value> {
    let admin = acme.token("Admin", "ada").await;
    let usage = format!("/api/v2/oauth/clients/{}/usage", acme.client_id("Reader"));
    let asked = server.post(&admin, &format!("{usage}/query"), query).await.ok();
    let uri = asked["resultsUri"].as_str().unwrap();
    assert_eq!(uri, format!("{usage}/query/results/{}", asked["executionId"].as_str().unwrap()));
    let result = server.get(&admin, uri).await.ok();
    assert_eq!(result["queryStatus"], "Complete");
    result["results"].as_array().unwrap().clone()
}

const BOTH_DAYS: &str = "2025-11-23T00:00:00/2025-11-25T00:00:00";

#[tokio::test]
async fn usage_is_counted_by_period_and_group_as_in_genesys_cloud() {
    let Some(server) = TestServer::start().await else { return };
    let acme = used(&server).await;
    let rows = asked(&server, &acme, json!({"interval": BOTH_DAYS, "metrics": ["Requests", "Status400"]})).await;
    let by_day = json!([
        {"date": "2025-11-23T00:00:00.000Z", "requests": 3, "status400": 0},
        {"date": "2025-11-24T00:00:00.000Z", "requests": 3, "status400": 2},
    ]);
    assert_eq!(json!(rows), by_day);

    let everything = ["OAuthClientId", "OrganizationId", "TemplateUri", "HttpMethod"];
    let query = json!({"interval": BOTH_DAYS, "granularity": "Month", "groupBy": everything});
    let rows = asked(&server, &acme, query).await;
    assert_eq!(rows.len(), 3, "{rows:?}");
    let users = json!({
        "clientId": acme.client_id("Reader"), "clientName": "Reader", "organizationId": "acme",
        "templateUri": "/api/v2/users", "httpMethod": "GET", "date": "2025-11-01T00:00:00.000Z",
        "status200": 4, "status300": 0, "status400": 0, "status429": 0, "status500": 0, "requests": 4,
    });
    assert_eq!(rows[2], users);
    assert_eq!((&rows[0]["templateUri"], &rows[0]["status400"]), (&Value::Null, &json!(1)), "it meant no operation");

    let query = json!({"interval": BOTH_DAYS, "granularity": "Week", "metrics": ["Requests"]});
    // 24 November 2025 is a Monday
    let by_week = json!([
        {"date": "2025-11-17T00:00:00.000Z", "requests": 3},
        {"date": "2025-11-24T00:00:00.000Z", "requests": 3},
    ]);
    assert_eq!(json!(asked(&server, &acme, query).await), by_week);
    let before = json!({"interval": "2025-11-01/2025-11-23", "groupBy": everything});
    assert_eq!(asked(&server, &acme, before).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_summary_is_the_last_days_by_operation() {
    let Some(server) = TestServer::start().await else { return };
    let acme = used(&server).await;
    let admin = acme.token("Admin", "ada").await;
    let usage = format!("/api/v2/oauth/clients/{}/usage", acme.client_id("Reader"));
    for (days, calls) in [("", 4), ("?days=7", 4), ("?days=1", 1)] {
        let asked = server.get(&admin, &format!("{usage}/summary{days}")).await.ok();
        let result = server.get(&admin, asked["resultsUri"].as_str().unwrap()).await.ok();
        let rows = result["results"].as_array().unwrap();
        let users = rows.iter().find(|row| row["templateUri"] == "/api/v2/users").unwrap();
        assert_eq!((&users["status200"], &users["date"]), (&json!(calls), &Value::Null), "{days}");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_what_would_be_right() {
    let Some(server) = TestServer::start().await else { return };
    let acme = used(&server).await;
    let admin = acme.token("Admin", "ada").await;
    let usage = format!("/api/v2/oauth/clients/{}/usage", acme.client_id("Reader"));
    for body in [
        json!({"interval": "yesterday"}),
        json!({"interval": "2025-11-25/2025-11-23"}),
        json!({"interval": BOTH_DAYS, "granularity": "Hour"}),
        json!({"interval": BOTH_DAYS, "metrics": ["Status418"]}),
        json!({"interval": BOTH_DAYS, "groupBy": ["UserId"]}),
    ] {
        let refused = server.post(&admin, &format!("{usage}/query"), body.clone()).await;
        assert_eq!(refused.refusal(), (400, "constraint.validation"), "{body}");
    }
    assert_eq!(server.post(&admin, &format!("{usage}/query"), json!({})).await.status, 400);
    for days in ["0", "-1", "many", "3661"] {
        let refused = server.get(&admin, &format!("{usage}/summary?days={days}")).await;
        assert_eq!(refused.refusal(), (400, "constraint.validation"), "{days}");
    }
    for id in ["1-2-a-63", "nothing", "2-1-a-63-15"] {
        let refused = server.get(&admin, &format!("{usage}/query/results/{id}")).await;
        assert_eq!(refused.refusal(), (404, "not.found"), "{id}");
    }
}

#[tokio::test]
async fn an_administrator_sees_what_an_app_used_and_what_of_its_scopes_it_did_not() {
    let Some(server) = TestServer::start().await else { return };
    let acme = used(&server).await;
    let admin = acme.token("Admin", "ada").await;
    let usage = format!("/api/v2/oauth/authorizations/{}/usage", acme.client_id("Reader"));
    let used = server.get(&admin, &usage).await.ok();
    let operations: Vec<_> = used["operations"].as_array().unwrap().iter().map(|one| &one["operation"]).collect();
    assert_eq!(operations, [&Value::Null, &json!("getOauthClients"), &json!("getUsers")]);
    let expected = json!({
        "contract": "platform", "operation": "getUsers", "httpMethod": "GET", "templateUri": "/api/v2/users",
        "allowed": 4, "wouldBeDenied": 0, "denied": {}, "lastCall": "2025-11-24T12:13:20.000Z",
    });
    assert_eq!(used["operations"][2], expected);
    assert_eq!(used["operations"][1]["denied"], json!({"missing_scope": 1}));
    let scopes = json!({
        "granted": ["authorization", "users", "users:readonly"], "needed": ["users:readonly"],
        "unneeded": ["authorization", "users"], "unused": ["authorization"], "missing": [], "isMinimal": true,
    });
    assert_eq!((&used["scopes"], &used["days"], &used["lastCall"]), (&scopes, &json!(90), &expected["lastCall"]));
    assert_eq!(used["selfUri"], usage);

    let today = server.get(&admin, &format!("{usage}?days=1")).await.ok();
    assert_eq!(today["operations"][2]["allowed"], 1);
    let unknown = "/api/v2/oauth/authorizations/0193f2a4-6d1e-7c55-9b0a-000000000000/usage";
    assert_eq!(server.get(&admin, unknown).await.refusal(), (404, "not.found"));
}
