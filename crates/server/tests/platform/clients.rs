//! `/api/v2/oauth/clients`

use countersign_domain::id::{ClientId, UserId};
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::organization::DivisionScope;
use countersign_store::SystemTask;
use serde_json::{Value, json};

use super::server::{START_TEXT, TestServer};
use super::world::{PLATFORM_SCOPES, acme};

const CLIENTS: &str = "/api/v2/oauth/clients";

fn code(name: &str) -> Value {
    json!({
        "name": name, "authorizedGrantType": "CODE", "scope": ["users:readonly"],
        "registeredRedirectUri": ["https://app.example/callback"],
    })
}

/// How many secrets of an app are live, and whether one of them is `secret`.
async fn live_secrets(server: &TestServer, id: &str, secret: &str) -> (usize, bool) {
    let store = server.app.store.system(SystemTask::TokenEndpoint, server.now(), server.app.entropy.as_ref());
    let hashes = store.client_secrets(&ClientId::parse(id).unwrap()).await.unwrap();
    (hashes.len(), hashes.iter().any(|hash| hash.verify(secret)))
}

#[tokio::test]
async fn an_app_that_people_use_is_registered_with_a_secret_that_is_shown_once() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let mut made = server.post(&ada, CLIENTS, code("Planner")).await.ok();
    let id = made["id"].as_str().unwrap().to_owned();
    let author = json!({ "id": acme.user_id("ada"), "name": "ADA", "selfUri": format!("/api/v2/users/{}", acme.user_id("ada")) });
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    let expected = json!({
        "id": id,
        "name": "Planner",
        "organization": { "id": "acme", "name": "ACME Corp" },
        "authorizedGrantType": "CODE",
        "grantTypes": ["authorization_code", "refresh_token"],
        "registeredRedirectUri": ["https://app.example/callback"],
        "scope": ["users:readonly"],
        "state": "active",
        "clientType": "confidential",
        "accessTokenValiditySeconds": 86_400,
        "roleIds": [],
        "roleDivisions": [],
        "pkceRequired": true,
        "dateCreated": START_TEXT,
        "dateModified": START_TEXT,
        "createdBy": author,
        "modifiedBy": author,
        "selfUri": format!("{CLIENTS}/{id}"),
    });
    assert_eq!(made, expected);
    assert_eq!(server.get(&ada, &format!("{CLIENTS}/{id}")).await.ok(), expected);
    let list = server.get(&ada, CLIENTS).await.ok();
    assert_eq!((&list["entities"][1], &list["total"], &list["pageCount"]), (&expected, &json!(2), &json!(1)));
    assert_eq!(live_secrets(&server, &id, secret.as_str().unwrap()).await, (1, true));

    let mut public = code("Browser app");
    public["clientType"] = json!("public");
    let public = server.post(&ada, CLIENTS, public).await.ok();
    assert_eq!((public.get("secret"), &public["clientType"]), (None, &json!("public")));
}

#[tokio::test]
async fn an_app_on_its_own_behalf_is_registered_with_roles() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let (sales, home) = (acme.division("Sales").await, acme.home().await);
    acme.role("Viewer", &["directory:user:view"]).await;
    acme.role("Adder", &["directory:user:add"]).await;
    let ada = acme.token("Admin", "ada").await;
    let body = json!({
        "name": "Sync", "authorizedGrantType": "CLIENT-CREDENTIALS", "accessTokenValiditySeconds": 300,
        "roleIds": [acme.role_id("Adder")],
        "roleDivisions": [{ "roleId": acme.role_id("Viewer"), "divisionId": sales }],
    });
    let made = server.post(&ada, CLIENTS, body).await.ok();
    assert_eq!(made["grantTypes"], json!(["client_credentials"]));
    assert_eq!(made["accessTokenValiditySeconds"], 300);
    let mut roles = made["roleDivisions"].as_array().unwrap().clone();
    roles.sort_by_key(|role| role["roleId"] != acme.role_id("Viewer"));
    let expected = json!([
        { "roleId": acme.role_id("Viewer"), "divisionId": sales },
        { "roleId": acme.role_id("Adder"), "divisionId": home },
    ]);
    assert_eq!(json!(roles), expected);
}

#[tokio::test]
async fn what_cannot_be_registered_is_refused_in_the_real_systems_codes() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let with = |changes: Value| {
        let mut body = code("x");
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    };
    let role = acme.role_id("Everything");
    for (changes, expected) in [
        (json!({ "authorizedGrantType": null }), "grant.type.required"),
        (json!({ "authorizedGrantType": "TOKEN" }), "bad.grant.type"),
        (json!({ "authorizedGrantType": "PASSWORD" }), "bad.grant.type"),
        (json!({ "authorizedGrantType": "SAML2-BEARER" }), "bad.grant.type"),
        (json!({ "authorizedGrantType": "code" }), "bad.grant.type"),
        (json!({ "authorizedGrantType": "CLIENT-CREDENTIALS" }), "missing.client.roles"),
        (
            json!({ "authorizedGrantType": "CLIENT-CREDENTIALS", "clientType": "public", "roleIds": [role] }),
            "bad.grant.type",
        ),
        (json!({ "roleIds": [role] }), "bad.grant.type"),
        (json!({ "scope": [] }), "missing.client.scope"),
        (json!({ "scope": ["users", "telephony"] }), "auth.invalid.scope"),
        (json!({ "scope": ["two words"] }), "auth.invalid.scope"),
        (json!({ "state": "inactive" }), "bad.client.state"),
        (json!({ "authorizedGrantType": "CLIENT-CREDENTIALS", "roleIds": ["unknown"] }), "bad.client.role"),
        (
            json!({ "authorizedGrantType": "CLIENT-CREDENTIALS", "roleDivisions": [{ "roleId": role, "divisionId": "unknown" }] }),
            "bad.client.role",
        ),
    ] {
        let refused = server.post(&ada, CLIENTS, with(changes.clone())).await;
        assert_eq!(refused.refusal(), (400, expected), "{changes}");
    }
    for (changes, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "accessTokenValiditySeconds": 299 }), "accessTokenValiditySeconds"),
        (json!({ "accessTokenValiditySeconds": 172_801 }), "accessTokenValiditySeconds"),
        (json!({ "registeredRedirectUri": [] }), "registeredRedirectUri"),
        (json!({ "registeredRedirectUri": ["https://a.example/x", "http://a.example/x"] }), "registeredRedirectUri[1]"),
        (json!({ "registeredRedirectUri": ["JavaScript:alert(1)"] }), "registeredRedirectUri[0]"),
        (json!({ "clientType": "secretive" }), "clientType"),
        (json!({ "clientType": "public", "pkceRequired": false }), "pkceRequired"),
        (json!({ "scope": "users" }), "scope"),
    ] {
        let refused = server.post(&ada, CLIENTS, with(changes.clone())).await;
        assert_eq!(refused.fields(), [field], "{changes}: {}", refused.message());
    }
    assert_eq!(server.get(&ada, CLIENTS).await.ok()["total"], 1);
}

#[tokio::test]
async fn an_app_is_replaced_disabled_and_deleted_once_inactive() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let victim = acme.app("Victim", &["user-basic-info"]).await;
    let (ada, bob) = (acme.token("Admin", "ada").await, acme.token("Victim", "bob").await);
    let path = format!("{CLIENTS}/{victim}");
    server.get(&bob, "/api/v2/tokens/me").await.ok();

    let mut body = code("Renamed");
    body["state"] = json!("disabled");
    let changed = server.put(&ada, &path, body.clone()).await.ok();
    assert_eq!(
        (&changed["name"], &changed["state"], &changed["clientType"]),
        (&json!("Renamed"), &json!("disabled"), &json!("public"))
    );
    assert_eq!(server.get(&bob, "/api/v2/tokens/me").await.refusal(), (401, "bad.credentials"));
    body["clientType"] = json!("confidential");
    assert_eq!(server.put(&ada, &path, body.clone()).await.refusal(), (400, "bad.client.type"));

    assert_eq!(server.delete(&ada, &path).await.refusal(), (400, "cannot.delete.client"));
    body["clientType"] = json!("public");
    body["state"] = json!("inactive");
    server.put(&ada, &path, body).await.ok();
    server.delete(&ada, &path).await.done();
    assert_eq!(server.get(&ada, &path).await.refusal(), (404, "client.not.found"));
    assert_eq!(server.get(&ada, &format!("/api/v2/oauth/authorizations/{victim}")).await.status, 404);
}

#[tokio::test]
async fn invariant_44_no_secret_reaches_the_audit() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let made = server.post(&ada, CLIENTS, code("Planner")).await.ok();
    let path = format!("{CLIENTS}/{}/secret", made["id"].as_str().unwrap());
    let rotated = server.call("POST", &ada, &path, None).await.ok();
    let body = json!({ "name": "Lise", "email": "lise@acme.test", "password": "correct horse battery" });
    server.post(&ada, "/api/v2/users", body).await.ok();
    let records = acme.store().audit(countersign_store::Page::new(1, 500)).await.unwrap().items;
    let audit = serde_json::to_string(&records).unwrap();
    assert!(records.len() > 5, "{} records", records.len());
    for secret in
        [made["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap(), "correct horse", "argon2", &ada]
    {
        assert!(!audit.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn c26_two_secrets_live_at_rotation_and_the_old_one_ends_after_a_day() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let first = server.post(&ada, CLIENTS, code("Planner")).await.ok();
    let (id, old) = (first["id"].as_str().unwrap(), first["secret"].as_str().unwrap());
    let path = format!("{CLIENTS}/{id}/secret");
    let second = server.call("POST", &ada, &path, None).await.ok();
    let new = second["secret"].as_str().unwrap();
    assert_ne!(old, new);
    assert_eq!(live_secrets(&server, id, old).await, (2, true));
    assert_eq!(live_secrets(&server, id, new).await, (2, true));

    server.advance(24 * 60 * 60);
    assert_eq!(live_secrets(&server, id, old).await, (1, false));
    assert_eq!(live_secrets(&server, id, new).await, (1, true));
}

#[tokio::test]
async fn a_leaked_secret_ends_when_two_new_ones_are_made() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let made = server.post(&ada, CLIENTS, code("Planner")).await.ok();
    let (id, leaked) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    for _ in 0..2 {
        server.advance(1);
        server.call("POST", &ada, &format!("{CLIENTS}/{id}/secret"), None).await.ok();
    }
    assert_eq!(live_secrets(&server, id, leaked).await, (2, false));
    let public = format!("{CLIENTS}/{}/secret", acme.client_id("Admin"));
    let console = ClientId::parse("countersign-console").unwrap();
    let subject = TokenSubject::User(UserId::parse(acme.user_id("ada")).unwrap());
    let other = acme.token_of(&console, subject, None).await;
    assert_eq!(server.call("POST", &other, &public, None).await.refusal(), (400, "bad.client.type"));
}

#[tokio::test]
async fn invariant_15_an_app_gets_no_role_that_its_administrator_does_not_hold() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let sales = acme.division("Sales").await;
    acme.role("App admin", &["oauth:*:*"]).await;
    acme.role("Viewer", &["directory:user:view"]).await;
    acme.service("Powerful", &["Everything"], &[]).await;
    acme.user("eve", &["App admin"]).await;
    acme.assign("eve", "Viewer", DivisionScope::Division(sales.clone())).await;
    let eve = acme.token("Admin", "eve").await;
    let service = |division: &str| {
        json!({
            "name": "Sync", "authorizedGrantType": "CLIENT-CREDENTIALS",
            "roleDivisions": [{ "roleId": acme.role_id("Viewer"), "divisionId": division }],
        })
    };
    server.post(&eve, CLIENTS, service(sales.as_str())).await.ok();
    for division in ["*", acme.home().await.as_str()] {
        let refused = server.post(&eve, CLIENTS, service(division)).await;
        assert_eq!(refused.refusal(), (400, "bad.client.role"), "{division}");
        assert!(refused.message().contains("[directory:user:view]"), "{}", refused.message());
    }
    // who edits a powerful app, or has its secret, has its power
    let powerful = format!("{CLIENTS}/{}", acme.client_id("Powerful"));
    assert_eq!(server.put(&eve, &powerful, service(sales.as_str())).await.refusal(), (400, "bad.client.role"));
    assert_eq!(
        server.call("POST", &eve, &format!("{powerful}/secret"), None).await.refusal(),
        (400, "bad.client.role")
    );
    assert_eq!(acme.audit_actions().await.iter().filter(|action| action.ends_with("Client.refused")).count(), 1);
}

#[tokio::test]
async fn invariant_17_an_app_changes_nothing_about_itself_whoever_it_acts_for() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.service("Robot", &["Everything"], &PLATFORM_SCOPES).await;
    for (app, token) in [("Robot", acme.own_token("Robot").await), ("Admin", acme.token("Admin", "ada").await)] {
        let id = acme.client_id(app);
        let role = acme.role_id("Everything");
        let mut body = code("Mine");
        if app == "Robot" {
            body = json!({ "name": "Mine", "authorizedGrantType": "CLIENT-CREDENTIALS", "roleIds": [role] });
        }
        let assignment = format!("/api/v2/authorization/subjects/{id}/divisions/*/roles/{role}");
        let widened = json!({ "scope": PLATFORM_SCOPES, "roles": [acme.role_id("Everything")] });
        for (what, answer) in [
            ("replace", server.put(&token, &format!("{CLIENTS}/{id}"), body).await),
            ("secret", server.call("POST", &token, &format!("{CLIENTS}/{id}/secret"), None).await),
            ("delete", server.delete(&token, &format!("{CLIENTS}/{id}")).await),
            ("role", server.call("POST", &token, &format!("{assignment}?subjectType=PC_OAUTH_CLIENT"), None).await),
        ] {
            assert_eq!(answer.refusal(), (403, "not.authorized"), "{app}: {what}");
        }
        let narrowed = server.put(&token, &format!("/api/v2/oauth/authorizations/{id}"), widened).await;
        assert_eq!(narrowed.status, if app == "Robot" { 403 } else { 200 }, "{app}");
    }
    let robot = acme.own_token("Robot").await;
    let own = format!("/api/v2/oauth/authorizations/{}", acme.client_id("Robot"));
    assert_eq!(server.delete(&robot, &own).await.refusal(), (403, "not.authorized"));
    assert_eq!(server.call("POST", &robot, &format!("{own}/deny"), None).await.refusal(), (403, "not.authorized"));
}
