//! `/api/v2/users`

use countersign_domain::organization::DivisionScope;
use countersign_domain::user::Email;
use countersign_store::SystemTask;
use serde_json::{Value, json};

use super::server::{START_TEXT, TestServer};
use super::world::{World, acme};

fn names(listing: &Value) -> Vec<&str> {
    listing["entities"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_user_is_created_in_the_home_division_and_read_back() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let (ada, home) = (acme.token("Admin", "ada").await, acme.home().await);

    let body = json!({ "name": " Lise Meitner ", "email": "Lise@acme.test", "department": "Research", "title": "" });
    let made = server.post(&ada, "/api/v2/users", body).await.ok();
    let id = made["id"].as_str().unwrap();
    let expected = json!({
        "id": id,
        "name": "Lise Meitner",
        "division": { "id": home, "name": "Home", "selfUri": format!("/api/v2/authorization/divisions/{home}") },
        "department": "Research",
        "email": "Lise@acme.test",
        "primaryContactInfo": [{ "address": "Lise@acme.test", "mediaType": "EMAIL", "type": "PRIMARY" }],
        "addresses": [],
        "state": "active",
        "username": "Lise@acme.test",
        "version": 1,
        "selfUri": format!("/api/v2/users/{id}"),
    });
    assert_eq!(made, expected);
    assert_eq!(server.get(&ada, &format!("/api/v2/users/{id}")).await.ok(), expected);
}

#[tokio::test]
async fn every_wrong_field_of_a_new_user_is_named_and_nothing_is_created() {
    let Some(server) = TestServer::start().await else { return };
    let ada = acme(&server).await.token("Admin", "ada").await;

    let body = json!({ "name": "  ", "email": "lise", "state": "deleted", "department": "x".repeat(257) });
    let refused = server.post(&ada, "/api/v2/users", body).await;
    assert_eq!(refused.refusal(), (400, "constraint.validation"));
    assert_eq!(refused.fields(), ["name", "email", "department", "state"]);
    assert!(refused.message().contains("email: `lise` is not an e-mail address"), "{}", refused.message());

    let refused = server.post(&ada, "/api/v2/users", json!({})).await;
    assert_eq!(
        (refused.fields(), refused.message()),
        (vec!["name", "email"], "name: must be given; email: must be given")
    );
    let refused = server.post(&ada, "/api/v2/users", json!({ "name": 5, "email": "lise@acme.test" })).await;
    assert_eq!(refused.fields(), ["name"]);
    let body = json!({ "name": "Lise", "email": "lise@acme.test", "divisionId": "nowhere" });
    assert_eq!(server.post(&ada, "/api/v2/users", body).await.fields(), ["divisionId"]);
    let body = json!({ "name": "Lise", "email": "lise@acme.test", "password": "short" });
    assert_eq!(server.post(&ada, "/api/v2/users", body).await.refusal(), (400, "invalid.password"));
    assert_eq!(names(&server.get(&ada, "/api/v2/users").await.ok()), ["ADA", "BOB"]);
}

#[tokio::test]
async fn an_e_mail_address_is_taken_in_any_letter_case() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let refused = server.post(&ada, "/api/v2/users", json!({ "name": "Other", "email": "BOB@acme.test" })).await;
    assert_eq!(refused.refusal(), (409, "general.conflict"));
    let bob = format!("/api/v2/users/{}", acme.user_id("bob"));
    let refused = server.patch(&ada, &bob, json!({ "version": 1, "email": "ada@ACME.test" })).await;
    assert_eq!(refused.refusal(), (409, "general.conflict"));
}

#[tokio::test]
async fn a_body_that_is_not_json_or_too_long_is_refused() {
    let Some(server) = TestServer::start().await else { return };
    let ada = acme(&server).await.token("Admin", "ada").await;
    let send = |content_type: &'static str, body: String| server.raw("POST", &ada, "/api/v2/users", content_type, body);
    assert_eq!(send("text/plain", "{}".to_owned()).await.refusal(), (415, "unsupported.media.type"));
    assert_eq!(send("application/json", "{".to_owned()).await.refusal(), (400, "bad.request"));
    assert_eq!(send("application/json", "{} {}".to_owned()).await.refusal(), (400, "bad.request"));
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(300_000));
    assert_eq!(send("application/json", long).await.refusal(), (413, "request.entity.too.large"));
}

#[tokio::test]
async fn a_password_is_kept_as_a_hash_that_verifies() {
    let Some(server) = TestServer::start().await else { return };
    let ada = acme(&server).await.token("Admin", "ada").await;
    let body = json!({ "name": "Lise", "email": "lise@acme.test", "password": "correct horse" });
    let made = server.post(&ada, "/api/v2/users", body).await.ok();
    assert_eq!(made.get("password"), None);
    let store = server.app.store.system(SystemTask::SignIn, server.now(), server.app.entropy.as_ref());
    let found = store.sign_in_candidates(&Email::parse("lise@acme.test").unwrap()).await.unwrap();
    assert!(found[0].password.as_ref().unwrap().verify("correct horse"));
}

#[tokio::test]
async fn users_come_in_pages_that_name_their_neighbours() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    for name in ["cleo", "dora", "emil"] {
        acme.user(name, &[]).await;
    }
    let ada = acme.token("Admin", "ada").await;
    let page = server.get(&ada, "/api/v2/users?pageSize=2&pageNumber=2&sortOrder=DESC").await.ok();
    assert_eq!(names(&page), ["CLEO", "BOB"]);
    let mut paging = page;
    paging.as_object_mut().unwrap().remove("entities");
    let uri = |number: u8| format!("/api/v2/users?pageSize=2&pageNumber={number}&sortOrder=DESC");
    let expected = json!({
        "pageSize": 2, "pageNumber": 2, "total": 5, "pageCount": 3,
        "firstUri": uri(1), "previousUri": uri(1), "selfUri": uri(2), "nextUri": uri(3), "lastUri": uri(3),
    });
    assert_eq!(paging, expected);

    let last = server.get(&ada, &uri(3)).await.ok();
    assert_eq!((names(&last), last.get("nextUri")), (vec!["ADA"], None));
    assert_eq!(names(&server.get(&ada, &uri(9)).await.ok()), Vec::<&str>::new());
    for bad in ["pageSize=0", "pageSize=501", "pageNumber=0", "pageNumber=x", "pageSize=1&pageSize=2"] {
        assert_eq!(server.get(&ada, &format!("/api/v2/users?{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_list_shows_active_users_unless_told_otherwise() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.user("cleo", &[]).await;
    let ada = acme.token("Admin", "ada").await;
    let bob = format!("/api/v2/users/{}", acme.user_id("bob"));
    server.patch(&ada, &bob, json!({ "version": 1, "state": "inactive" })).await.ok();
    server.delete(&ada, &format!("/api/v2/users/{}", acme.user_id("cleo"))).await.ok();

    let list = async |query: String| server.get(&ada, &format!("/api/v2/users?{query}")).await.ok();
    assert_eq!(names(&list(String::new()).await), ["ADA"]);
    assert_eq!(names(&list("state=inactive".to_owned()).await), ["BOB"]);
    assert_eq!(names(&list("state=deleted".to_owned()).await), ["CLEO"]);
    assert_eq!(names(&list("state=any".to_owned()).await), ["ADA", "BOB", "CLEO"]);
    let ids = format!("state=any&id={},{}&id=unknown", acme.user_id("ada"), acme.user_id("cleo"));
    assert_eq!(names(&list(ids).await), ["ADA", "CLEO"]);
    assert_eq!(names(&list("id=unknown".to_owned()).await), Vec::<&str>::new());
    assert_eq!(names(&list("jabberId=x".to_owned()).await), Vec::<&str>::new());

    let many = vec!["x"; 101].join(",");
    let refused = server.get(&ada, &format!("/api/v2/users?id={many}")).await;
    assert_eq!(refused.refusal(), (400, "max.user.ids"));
    let refused = server.get(&ada, "/api/v2/users?state=asleep").await;
    assert_eq!(refused.refusal(), (400, "invalid.query.param.value"));
    let said =
        "Value [asleep] is not valid for parameter [state]. Allowable values are: active, inactive, deleted, any";
    assert_eq!(refused.message(), said);
}

#[tokio::test]
async fn an_edit_needs_the_version_that_was_read() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let bob = format!("/api/v2/users/{}", acme.user_id("bob"));

    let changed = server.patch(&ada, &bob, json!({ "version": 1, "title": "Lead", "department": "Sales" })).await.ok();
    assert_eq!((&changed["title"], &changed["version"], &changed["name"]), (&"Lead".into(), &2.into(), &"BOB".into()));
    let changed = server.patch(&ada, &bob, json!({ "version": 2, "title": "" })).await.ok();
    assert_eq!((changed.get("title"), &changed["department"]), (None, &"Sales".into()));

    let stale = server.patch(&ada, &bob, json!({ "version": 1, "title": "Lost" })).await;
    assert_eq!(stale.refusal(), (409, "general.conflict"));
    assert_eq!(stale.message(), "The version supplied does not match the current version of the user");
    let refused = server.patch(&ada, &bob, json!({ "title": "x", "state": "deleted", "name": "" })).await;
    assert_eq!(refused.fields(), ["version", "name", "state"]);
    let unknown = server.patch(&ada, "/api/v2/users/unknown", json!({ "version": 1 })).await;
    assert_eq!(unknown.refusal(), (404, "general.resource.not.found"));
}

#[tokio::test]
async fn of_edits_at_once_with_one_version_one_goes_through() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let bob = format!("/api/v2/users/{}", acme.user_id("bob"));
    let edit = |title: &'static str| server.patch(&ada, &bob, json!({ "version": 1, "title": title }));
    let (a, b, c) = tokio::join!(edit("a"), edit("b"), edit("c"));
    let mut statuses = [a.status, b.status, c.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
}

#[tokio::test]
async fn a_user_made_inactive_or_deleted_is_out_at_the_next_call() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.user("cleo", &[]).await;
    let (ada, bob, cleo) =
        (acme.token("Admin", "ada").await, acme.token("Admin", "bob").await, acme.token("Admin", "cleo").await);
    server.get(&bob, "/api/v2/users/me").await.ok();

    let path = format!("/api/v2/users/{}", acme.user_id("bob"));
    server.patch(&ada, &path, json!({ "version": 1, "state": "inactive" })).await.ok();
    assert_eq!(server.get(&bob, "/api/v2/users/me").await.refusal(), (401, "bad.credentials"));
    server.patch(&ada, &path, json!({ "version": 2, "state": "active" })).await.ok();
    assert_eq!(
        server.get(&bob, "/api/v2/users/me").await.refusal(),
        (401, "bad.credentials"),
        "the token is dead for good"
    );

    let path = format!("/api/v2/users/{}", acme.user_id("cleo"));
    assert_eq!(server.delete(&ada, &path).await.ok(), json!({}));
    assert_eq!(server.get(&cleo, "/api/v2/users/me").await.refusal(), (401, "bad.credentials"));
    assert_eq!(server.get(&ada, &path).await.refusal(), (404, "general.resource.not.found"));
    assert_eq!(server.get(&ada, &format!("{path}?state=deleted")).await.ok()["state"], "deleted");
    assert_eq!(server.delete(&ada, &path).await.refusal(), (404, "general.resource.not.found"));
    server.post(&ada, "/api/v2/users", json!({ "name": "Cleo again", "email": "cleo@acme.test" })).await.ok();
}

#[tokio::test]
async fn me_shows_the_caller_with_what_is_asked_for() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Looker", &["directory:user:view", "directory:user:add", "admin"]).await;
    acme.user("eve", &["Looker"]).await;
    let eve = acme.token("Admin", "eve").await;
    let plain = server.get(&eve, "/api/v2/users/me").await.ok();
    assert_eq!((plain.get("authorization"), plain.get("organization")), (None, None));

    let me =
        server.get(&eve, "/api/v2/users/me?expand=authorization,organization,token,date&expand=presence").await.ok();
    assert_eq!(me["name"], "EVE");
    let authorization = json!({
        "roles": [{ "id": acme.role_id("Looker"), "name": "Looker" }],
        "unusedRoles": [],
        "permissions": ["admin", "directory:user:add", "directory:user:view"],
        "permissionPolicies": [{
            "domain": "directory", "entityName": "user", "actionSet": ["view", "add"],
            "namedResources": [], "allowConditions": false,
        }],
    });
    assert_eq!(me["authorization"], authorization);
    assert_eq!(me["organization"]["name"], "ACME Corp");
    assert_eq!(me["token"]["OAuthClient"]["name"], "Admin");
    assert_eq!(me["date"], json!({ "currentDate": START_TEXT }));
    let other = server.get(&eve, &format!("/api/v2/users/{}?expand=authorization", acme.user_id("eve"))).await.ok();
    assert_eq!(other["authorization"], authorization);
}

#[tokio::test]
async fn an_app_on_its_own_behalf_is_not_a_user() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.service("Sync", &["Everything"], &["user-basic-info"]).await;
    let refused = server.get(&acme.own_token("Sync").await, "/api/v2/users/me").await;
    assert_eq!(refused.refusal(), (400, "not.a.user"));
    let said = "This request requires a user context. Client credentials cannot be used for requests to this resource.";
    assert_eq!(refused.message(), said);
}

#[tokio::test]
async fn a_permission_in_one_division_does_not_reach_users_of_another() {
    let Some(server) = TestServer::start().await else { return };
    let (acme, sales, sal) = with_sales(&server).await;
    let new = |email: &str, division: &str| json!({ "name": "New", "email": email, "divisionId": division });
    server.post(&sal, "/api/v2/users", new("one@acme.test", sales.as_str())).await.ok();
    let refused = server.post(&sal, "/api/v2/users", new("two@acme.test", acme.home().await.as_str())).await;
    assert_eq!(refused.refusal(), (403, "missing.division.permission"));
    assert!(refused.message().contains("'directory:user:add'"), "{}", refused.message());

    let bob = format!("/api/v2/users/{}", acme.user_id("bob"));
    let refused = server.patch(&sal, &bob, json!({ "version": 1, "title": "x" })).await;
    assert_eq!(refused.refusal(), (403, "missing.division.permission"));
    assert_eq!(server.delete(&sal, &bob).await.refusal(), (403, "missing.division.permission"));
    let attempts = ["postUsers.refused", "patchUser.refused", "deleteUser.refused"];
    let actions = acme.audit_actions().await;
    assert!(attempts.iter().all(|attempt| actions.iter().any(|action| action == attempt)), "{actions:?}");
}

#[tokio::test]
async fn a_search_finds_users_of_the_divisions_that_the_searcher_sees() {
    let Some(server) = TestServer::start().await else { return };
    let (acme, sales, sal) = with_sales(&server).await;
    let ada = acme.token("Admin", "ada").await;
    let body = json!({ "name": "Seller", "email": "seller@acme.test", "divisionId": sales });
    server.post(&ada, "/api/v2/users", body).await.ok();
    let found = async |token: &str| {
        let found = server.post(token, "/api/v2/users/search", json!({})).await.ok();
        found["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&ada).await, ["ADA", "BOB", "SAL", "Seller"]);
    assert_eq!(found(&sal).await, ["Seller"]);
}

/// Sal looks after the users of the division Sales, and only there.
async fn with_sales(server: &TestServer) -> (World<'_>, countersign_domain::id::DivisionId, String) {
    let mut acme = acme(server).await;
    let sales = acme.division("Sales").await;
    acme.role("User admin", &["directory:user:*"]).await;
    acme.user("sal", &[]).await;
    acme.assign("sal", "User admin", DivisionScope::Division(sales.clone())).await;
    let sal = acme.token("Admin", "sal").await;
    (acme, sales, sal)
}
