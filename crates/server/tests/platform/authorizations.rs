//! `/api/v2/oauth/authorizations`

use countersign_decision::Enforcement;
use countersign_domain::id::{ClientId, UserId};
use countersign_domain::oauth::token::TokenSubject;
use serde_json::{Value, json};

use super::server::{START_TEXT, TestServer};
use super::world::{World, acme};

fn path(client: &str) -> String {
    format!("/api/v2/oauth/authorizations/{client}")
}

#[tokio::test]
async fn a_granted_scope_opens_the_next_call_of_the_same_token_and_a_revoked_one_closes_it() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let app = acme.app("Directory", &["users:readonly"]).await;
    let (ada, through_app) = (acme.token("Admin", "ada").await, acme.token("Directory", "ada").await);
    let create =
        async |email: &str| server.post(&through_app, "/api/v2/users", json!({ "name": "New", "email": email })).await;

    let refused = create("one@acme.test").await;
    assert_eq!(refused.refusal(), (403, "app.not.authorized.for.scope"));
    assert_eq!(refused.message(), "App not authorized to use scope [users]");
    server.put(&ada, &path(app.as_str()), json!({ "scope": ["users"] })).await.ok();
    create("one@acme.test").await.ok();
    server.delete(&ada, &path(app.as_str())).await.done();
    assert_eq!(create("two@acme.test").await.refusal(), (403, "app.not.authorized.for.scope"));
    server.delete(&ada, &path(app.as_str())).await.done();
    server.put(&ada, &path(app.as_str()), json!({ "scope": ["users"] })).await.ok();
    create("two@acme.test").await.ok();
}

#[tokio::test]
async fn an_authorization_says_what_is_allowed_by_whom_and_why() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let globex = foreign(&server).await;
    acme.role("Sellers", &[]).await;
    let ada = acme.token("Admin", "ada").await;
    let client = globex.client_id("Foreign");
    let body = json!({ "scope": ["users", "users"], "roles": [acme.role_id("Sellers")], "version": 0, "reason": "Works council agreed" });
    let granted = server.put(&ada, &path(client), body).await.ok();
    let author = json!({ "id": acme.user_id("ada"), "name": "ADA", "selfUri": format!("/api/v2/users/{}", acme.user_id("ada")) });
    let mut expected = json!({
        "client": {
            "id": client,
            "name": "Foreign",
            "organization": { "id": "globex", "name": "GLOBEX Corp" },
            "authorizedGrantType": "CODE",
            "grantTypes": ["authorization_code", "refresh_token"],
            "registeredRedirectUri": ["http://127.0.0.1/callback"],
            "scope": ["users"],
            "state": "active",
            "clientType": "public",
        },
        "scope": ["users"],
        "roles": [acme.role_id("Sellers")],
        "resourceOwner": { "id": "acme", "name": "ACME Corp" },
        "dateCreated": START_TEXT,
        "dateModified": START_TEXT,
        "createdBy": author,
        "modifiedBy": author,
        "pending": false,
        "state": "Authorized",
        "authorizationState": "Authorized",
        "reason": "Works council agreed",
        "version": 1,
        "requests": [],
        "selfUri": path(client),
    });
    assert_eq!(granted, expected);
    assert_eq!(server.get(&ada, &path(client)).await.ok(), expected);

    expected.as_object_mut().unwrap().remove("requests");
    let list = server.get(&ada, "/api/v2/oauth/authorizations").await.ok();
    let names: Vec<_> =
        list["entities"].as_array().unwrap().iter().map(|one| one["client"]["name"].as_str().unwrap()).collect();
    assert_eq!((names, &list["total"]), (vec!["Admin", "Countersign Console", "Foreign"], &json!(3)));
    assert_eq!(list["entities"][2], expected);
}

#[tokio::test]
async fn invariant_20_an_approval_of_another_version_is_refused() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let app = acme.app("Directory", &["users:readonly"]).await;
    let ada = acme.token("Admin", "ada").await;
    let grant = async |version: Value| {
        server.put(&ada, &path(app.as_str()), json!({ "scope": ["users"], "version": version })).await
    };
    assert_eq!(grant(json!(0)).await.refusal(), (409, "general.conflict"));
    assert_eq!(grant(json!(2)).await.refusal(), (409, "general.conflict"));
    assert_eq!(grant(json!(1)).await.ok()["version"], 2);
    assert_eq!(grant(json!(1)).await.refusal(), (409, "general.conflict"));
    assert_eq!(grant(json!(null)).await.ok()["version"], 3);
}

#[tokio::test]
async fn what_cannot_be_granted_is_refused() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let globex = foreign(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let grant = async |client: &str, body: Value| server.put(&ada, &path(client), body).await;
    let client = globex.client_id("Foreign");
    assert_eq!(grant("unknown", json!({ "scope": [] })).await.refusal(), (404, "client.not.found"));
    assert_eq!(grant(client, json!({ "scope": ["users", "telephony"] })).await.refusal(), (400, "auth.invalid.scope"));
    assert_eq!(grant(client, json!({ "scope": [], "roles": ["unknown"] })).await.refusal(), (400, "bad.role"));
    let foreign_role = globex.role_id("Theirs");
    assert_eq!(grant(client, json!({ "scope": [], "roles": [foreign_role] })).await.refusal(), (400, "bad.role"));
    assert_eq!(grant(client, json!({ "scope": [], "state": "Revoked" })).await.fields(), ["state"]);
    assert_eq!(grant(client, json!({ "reason": "x".repeat(1001) })).await.fields(), ["scope", "reason"]);
    assert_eq!(server.get(&ada, &path(client)).await.refusal(), (404, "not.found"));
    assert_eq!(server.delete(&ada, &path(client)).await.refusal(), (404, "not.found"));
}

#[tokio::test]
async fn a_refused_app_stays_out_in_every_mode_until_it_is_authorized() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let globex = foreign(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let client = globex.client_id("Foreign");
    let refused = server.post(&ada, &format!("{}/deny", path(client)), json!({ "reason": "We have one" })).await.ok();
    assert_eq!((&refused["state"], &refused["authorizationState"]), (&json!("Unauthorized"), &json!("Denied")));
    assert_eq!((&refused["reason"], &refused["version"]), (&json!("We have one"), &json!(1)));

    server.put(&ada, "/api/v2/organizations/scopeenforcement", json!({ "mode": "off" })).await.ok();
    let user = acme.user("carl", &[]).await;
    let subject = TokenSubject::User(user);
    let carl = acme.token_of(&ClientId::parse(client).unwrap(), subject, None).await;
    assert_eq!(server.get(&carl, "/api/v2/tokens/me").await.refusal(), (403, "app.not.authorized.for.scope"));
    server.put(&ada, &path(client), json!({ "scope": [] })).await.ok();
    server.get(&carl, "/api/v2/tokens/me").await.ok();
    let refused = server.call("POST", &ada, &format!("{}/deny", path(client)), None).await;
    assert_eq!(refused.refusal(), (409, "general.conflict"), "an authorized app is revoked, not refused");
}

#[tokio::test]
async fn somebody_asks_and_an_administrator_answers() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let globex = foreign(&server).await;
    let (ada, bob) = (acme.token("Admin", "ada").await, acme.token("Admin", "bob").await);
    let client = globex.client_id("Foreign");
    let ask = async |scope: Value, reason: &str| {
        server.post(&bob, &format!("{}/requests", path(client)), json!({ "scope": scope, "reason": reason })).await
    };
    ask(json!(["users:readonly"]), "Birthdays").await.ok();
    server.advance(60);
    let request = ask(json!(["users"]), "All of it").await.ok();
    let asker = json!({ "id": acme.user_id("bob"), "name": "BOB", "selfUri": format!("/api/v2/users/{}", acme.user_id("bob")) });
    let expected = json!({
        "id": request["id"],
        "client": { "id": client, "name": "Foreign", "selfUri": path(client) },
        "requestedBy": asker,
        "scope": ["users"],
        "reason": "All of it",
        "dateCreated": "2025-11-23T12:14:20.000Z",
    });
    assert_eq!(request, expected);
    let listed = server.get(&ada, &format!("{}/requests", path(client))).await.ok();
    assert_eq!((&listed["entities"], &listed["total"]), (&json!([expected]), &json!(1)));
    let authorization = server.get(&ada, &path(client)).await.ok();
    assert_eq!(
        (&authorization["state"], &authorization["pending"], &authorization["requests"]),
        (&json!("Requested"), &json!(true), &json!([expected]))
    );

    server.put(&ada, &path(client), json!({ "scope": ["users"] })).await.ok();
    assert_eq!(server.get(&ada, &path(client)).await.ok()["pending"], false);
    assert_eq!(ask(json!(["users"]), "Again").await.refusal(), (409, "already.authorized"));
    ask(json!(["users", "oauth"]), "More").await.ok();
    let open = server.get(&ada, &path(client)).await.ok();
    assert_eq!(
        (&open["state"], &open["pending"], &open["scope"]),
        (&json!("Authorized"), &json!(true), &json!(["users"]))
    );

    assert_eq!(ask(json!([]), "x").await.fields(), ["scope"]);
    assert_eq!(ask(json!(["users"]), "  ").await.fields(), ["reason"]);
    assert_eq!(ask(json!(["telephony"]), "x").await.refusal(), (400, "auth.invalid.scope"));
    acme.service("Robot", &[], &["oauth"]).await;
    let robot = acme.own_token("Robot").await;
    let refused =
        server.post(&robot, &format!("{}/requests", path(client)), json!({ "scope": ["users"], "reason": "x" })).await;
    assert_eq!(refused.refusal(), (400, "not.a.user"));
}

#[tokio::test]
async fn invariant_13_only_the_permission_to_authorize_grants_scopes() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Approver", &["oauth:client:authorize"]).await;
    acme.user("anna", &["Approver"]).await;
    let app = acme.app("Directory", &[]).await;
    let (anna, bob) = (acme.token("Admin", "anna").await, acme.token("Admin", "bob").await);
    let grant = json!({ "scope": ["users"] });
    let refused = server.put(&bob, &path(app.as_str()), grant.clone()).await;
    assert_eq!(refused.refusal(), (403, "missing.any.permissions"));
    let attempt = |action: &String| action == "putOauthAuthorization.refused";
    assert!(acme.audit_actions().await.iter().any(attempt), "invariant 43");
    server.put(&anna, &path(app.as_str()), grant).await.ok();
}

#[tokio::test]
async fn invariant_16_no_app_gets_more_by_its_own_call() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Sellers", &[]).await;
    let app = acme.app("Greedy", &["oauth", "users"]).await;
    let greedy = acme.token("Greedy", "ada").await;
    let put = async |body: Value| server.put(&greedy, &path(app.as_str()), body).await;
    assert_eq!(put(json!({ "scope": ["oauth", "users", "authorization"] })).await.refusal(), (403, "not.authorized"));
    put(json!({ "scope": ["oauth"], "roles": [acme.role_id("Everything")] })).await.ok();
    assert_eq!(
        put(json!({ "scope": ["oauth", "users"] })).await.refusal(),
        (403, "not.authorized"),
        "nor what it had before"
    );
    assert_eq!(put(json!({ "scope": ["oauth"] })).await.refusal(), (403, "not.authorized"), "nor more people");

    // and not by a sister of the same other organization
    let mut globex = World::new(&server, "globex", Enforcement::Enforce).await;
    let (one, two) = (globex.app("One", &[]).await, globex.app("Two", &[]).await);
    acme.authorize(&one, &["oauth"]).await;
    let subject = TokenSubject::User(UserId::parse(acme.user_id("ada")).unwrap());
    let one = acme.token_of(&one, subject, None).await;
    assert_eq!(
        server.put(&one, &path(two.as_str()), json!({ "scope": ["users"] })).await.refusal(),
        (403, "not.authorized")
    );
    server.put(&one, &path(app.as_str()), json!({ "scope": ["oauth"] })).await.ok();
}

#[tokio::test]
async fn invariant_22_a_grant_here_says_nothing_there() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let mut globex = World::new(&server, "globex", Enforcement::Enforce).await;
    globex.user("gus", &[]).await;
    let app = acme.app("Shared", &["user-basic-info"]).await;
    let gus = TokenSubject::User(UserId::parse(globex.user_id("gus")).unwrap());
    let gus = globex.token_of(&app, gus, None).await;
    server.get(&acme.token("Shared", "bob").await, "/api/v2/tokens/me").await.ok();
    assert_eq!(server.get(&gus, "/api/v2/tokens/me").await.refusal(), (403, "app.not.authorized.for.scope"));
}

/// Globex, which registered the app `Foreign`.
async fn foreign(server: &TestServer) -> World<'_> {
    let mut globex = World::new(server, "globex", Enforcement::Enforce).await;
    globex.role("Theirs", &[]).await;
    globex.app("Foreign", &[]).await;
    globex
}
