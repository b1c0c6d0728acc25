//! `/api/v2/authorization/roles` and `/api/v2/users/{userId}/roles`

use countersign_decision::Enforcement;
use countersign_domain::organization::DivisionScope;
use serde_json::{Value, json};

use super::server::TestServer;
use super::world::{World, acme};

const ROLES: &str = "/api/v2/authorization/roles";

fn directory(actions: &[&str]) -> Value {
    json!({ "domain": "directory", "entityName": "user", "actionSet": actions })
}

#[tokio::test]
async fn a_role_is_created_read_replaced_edited_and_deleted() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let ada = acme.token("Admin", "ada").await;

    let body = json!({
        "name": "Helper", "description": "Helps", "permissions": ["admin"],
        "permissionPolicies": [directory(&["view", "edit"]), { "domain": "oauth", "entityName": "*", "actionSet": ["view"] }],
    });
    let made = server.post(&ada, ROLES, body).await.ok();
    let (id, path) = (made["id"].as_str().unwrap(), format!("{ROLES}/{}", made["id"].as_str().unwrap()));
    let policy = |domain: &str, entity: &str, actions: &[&str]| json!({ "domain": domain, "entityName": entity, "actionSet": actions, "allowConditions": false });
    let mut expected = json!({
        "id": id,
        "name": "Helper",
        "description": "Helps",
        "permissions": ["admin"],
        "permissionPolicies": [policy("directory", "user", &["view", "edit"]), policy("oauth", "*", &["view"])],
        "userCount": 0,
        "roleNeedsUpdate": false,
        "base": false,
        "default": false,
        "selfUri": path,
    });
    assert_eq!(made, expected);
    assert_eq!(server.get(&ada, &path).await.ok(), expected);

    let edited = server.patch(&ada, &path, json!({ "permissionPolicies": [directory(&["view"])] })).await.ok();
    expected["permissionPolicies"] = json!([policy("directory", "user", &["view"])]);
    assert_eq!(edited, expected);
    let replaced = server.put(&ada, &path, json!({ "id": id, "name": "Reader" })).await.ok();
    assert_eq!(
        (&replaced["name"], &replaced["permissions"], &replaced["permissionPolicies"]),
        (&"Reader".into(), &json!([]), &json!([]))
    );

    server.delete(&ada, &path).await.done();
    assert_eq!(server.get(&ada, &path).await.refusal(), (404, "not.found"));
    assert_eq!(server.delete(&ada, &path).await.refusal(), (404, "not.found"));
    acme.role("Reader", &[]).await;
}

#[tokio::test]
async fn a_list_of_roles_takes_filters_that_must_all_hold() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("User viewer", &["directory:user:view"]).await;
    acme.role("User admin", &["directory:user:*"]).await;
    acme.user("cleo", &["User viewer"]).await;
    let ada = acme.token("Admin", "ada").await;
    let list = async |query: &str| {
        let listing = server.get(&ada, &format!("{ROLES}?{query}")).await.ok();
        listing["entities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|role| role["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ["Everything", "User admin", "User viewer"]);
    assert_eq!(list("name=user*").await, ["User admin", "User viewer"]);
    assert_eq!(list("name=*VIEWER").await, ["User viewer"]);
    assert_eq!(list("name=*ser*").await, ["User admin", "User viewer"]);
    assert_eq!(list("name=User").await, Vec::<String>::new());
    assert_eq!(list("permission=directory:user:view,directory:user:add").await, ["Everything", "User admin"]);
    assert_eq!(list(&format!("id={}", acme.role_id("User viewer"))).await, ["User viewer"]);
    assert_eq!(list("defaultRoleId=x").await, Vec::<String>::new());
    assert_eq!(list("pageSize=1&pageNumber=2").await, ["User admin"]);

    let counted = server.get(&ada, &format!("{ROLES}?name=user*")).await.ok();
    assert_eq!(counted["entities"][1]["userCount"], 1);
    let uncounted = server.get(&ada, &format!("{ROLES}?userCount=false")).await.ok();
    assert_eq!(uncounted["entities"][0].get("userCount"), None);
    assert_eq!(
        server.get(&ada, &format!("{ROLES}?userCount=maybe")).await.refusal(),
        (400, "invalid.query.param.value")
    );
}

#[tokio::test]
async fn what_a_role_cannot_be_is_refused_with_the_place() {
    let Some(server) = TestServer::start().await else { return };
    let ada = acme(&server).await.token("Admin", "ada").await;
    let send = async |body: Value| server.post(&ada, ROLES, body).await;
    let with = |policy: Value| json!({ "name": "x", "permissionPolicies": [policy] });

    assert_eq!(send(json!({})).await.fields(), ["name"]);
    assert_eq!(send(json!({ "name": "Everything" })).await.refusal(), (409, "general.conflict"));
    assert_eq!(send(json!({ "name": "x", "permissions": ["not a permission"] })).await.fields(), ["permissions[0]"]);
    assert_eq!(send(with(json!({ "domain": "directory" }))).await.fields(), ["permissionPolicies[0]"]);
    let prose = json!({ "domain": "*", "entityName": "user", "actionSet": ["view"] });
    assert_eq!(send(with(prose)).await.fields(), ["permissionPolicies[0].actionSet"]);
    let mut conditional = directory(&["view"]);
    conditional["resourceConditionNode"] = json!({ "variableName": "Conversation.queues" });
    assert_eq!(send(with(conditional)).await.fields(), ["permissionPolicies[0].resourceConditionNode"]);
    let mut empty = directory(&["view"]);
    empty["resourceConditionNode"] = json!(null);
    empty["namedResources"] = json!([]);
    send(with(empty)).await.ok();
}

#[tokio::test]
async fn invariant_15_nobody_makes_a_role_of_what_they_do_not_hold() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Role maker", &["authorization:*:*", "directory:user:view"]).await;
    acme.user("eve", &["Role maker"]).await;
    let eve = acme.token("Admin", "eve").await;

    for (policy, lacking) in [
        (directory(&["view", "add"]), "directory:user:add"),
        (directory(&["*"]), "directory:user:*"),
        (json!({ "domain": "directory", "entityName": "*", "actionSet": ["view"] }), "directory:*:view"),
    ] {
        let refused = server.post(&eve, ROLES, json!({ "name": "More", "permissionPolicies": [policy] })).await;
        assert_eq!(refused.refusal(), (403, "not.authorized"));
        assert_eq!(refused.body["missing"], json!({ "permissions": { "mode": "ALL", "of": [lacking] } }));
    }
    let refused = server.post(&eve, ROLES, json!({ "name": "More", "permissions": ["admin"] })).await;
    assert_eq!(refused.refusal(), (403, "not.authorized"));
    server.post(&eve, ROLES, json!({ "name": "Same", "permissionPolicies": [directory(&["view"])] })).await.ok();
    assert_eq!(
        acme.audit_actions().await.iter().filter(|action| *action == "postAuthorizationRoles.refused").count(),
        4
    );
}

#[tokio::test]
async fn invariant_14_a_role_gains_only_what_its_editor_holds_wherever_it_is_held() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let sales = DivisionScope::Division(acme.division("Sales").await);
    acme.role("Role maker", &["authorization:*:*"]).await;
    acme.role("User admin", &["directory:user:*"]).await;
    acme.role("Held in sales", &["directory:user:view", "oauth:client:view"]).await;
    acme.role("Held everywhere", &[]).await;
    acme.user("eve", &["Role maker", "Held everywhere"]).await;
    acme.assign("eve", "User admin", sales.clone()).await;
    acme.assign("bob", "Held in sales", sales).await;
    let eve = acme.token("Admin", "eve").await;
    let edit =
        async |role: &str, body: Value| server.patch(&eve, &format!("{ROLES}/{}", acme.role_id(role)), body).await;

    let more = json!({ "permissionPolicies": [directory(&["view", "add"])] });
    edit("Held in sales", more.clone()).await.ok();
    let refused = edit("Held everywhere", more).await;
    assert_eq!(refused.refusal(), (403, "not.authorized"), "eve would hold in all divisions what she holds in one");
    edit("Held in sales", json!({ "permissionPolicies": [] })).await.ok();

    acme.role("Beyond eve", &["oauth:client:view"]).await;
    let beyond = format!("{ROLES}/{}", acme.role_id("Beyond eve"));
    server.patch(&eve, &beyond, json!({ "description": "renaming is not giving" })).await.ok();
    let same = json!({ "permissionPolicies": [{ "domain": "oauth", "entityName": "client", "actionSet": ["view"] }] });
    server.patch(&eve, &beyond, same).await.ok();
}

#[tokio::test]
async fn invariant_15_nobody_gives_a_role_with_more_than_they_hold() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Granter", &["authorization:grant:*", "directory:user:view"]).await;
    acme.role("Viewer", &["directory:user:view"]).await;
    acme.user("eve", &["Granter"]).await;
    let eve = acme.token("Admin", "eve").await;
    let (me, bob) = (
        format!("/api/v2/users/{}/roles", acme.user_id("eve")),
        format!("/api/v2/users/{}/roles", acme.user_id("bob")),
    );

    let refused = server.put(&eve, &bob, json!([acme.role_id("Everything")])).await;
    assert_eq!(refused.refusal(), (403, "not.authorized"));
    let refused = server.put(&eve, &me, json!([acme.role_id("Granter"), acme.role_id("Everything")])).await;
    assert_eq!(refused.refusal(), (403, "not.authorized"), "not to oneself either");
    let given = server.put(&eve, &bob, json!([acme.role_id("Viewer")])).await.ok();
    assert_eq!(given["roles"], json!([{ "id": acme.role_id("Viewer"), "name": "Viewer" }]));
    assert_eq!(given["permissions"], json!(["directory:user:view"]));
    let role = acme.role_id("Everything");
    let path = format!("/api/v2/authorization/subjects/{}/divisions/*/roles/{role}", acme.user_id("bob"));
    assert_eq!(server.call("POST", &eve, &path, None).await.refusal(), (403, "not.authorized"));
}

#[tokio::test]
async fn a_role_given_and_taken_is_seen_by_the_next_call_of_the_same_token() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Viewer", &["authorization:role:view"]).await;
    let (ada, bob) = (acme.token("Admin", "ada").await, acme.token("Admin", "bob").await);
    let path = format!("/api/v2/users/{}/roles", acme.user_id("bob"));
    assert_eq!(server.get(&bob, ROLES).await.status, 403);
    server.put(&ada, &path, json!([acme.role_id("Viewer")])).await.ok();
    assert_eq!(server.get(&bob, ROLES).await.status, 200);
    server.put(&ada, &path, json!([])).await.ok();
    assert_eq!(server.get(&bob, ROLES).await.status, 403);

    let refused = server.put(&ada, &path, json!([acme.role_id("Viewer"), "unknown"])).await;
    assert_eq!(refused.refusal(), (400, "general.bad.request"));
    assert_eq!(server.get(&ada, &path).await.ok()["roles"], json!([]), "nothing is half applied");
}

#[tokio::test]
async fn a_new_role_holds_in_the_home_division_and_a_kept_one_where_it_was() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let sales = acme.division("Sales").await;
    acme.role("Kept", &["directory:user:view"]).await;
    acme.role("New", &["directory:user:view"]).await;
    acme.assign("bob", "Kept", DivisionScope::Division(sales.clone())).await;
    let ada = acme.token("Admin", "ada").await;
    let bob = acme.user_id("bob");
    server
        .put(&ada, &format!("/api/v2/users/{bob}/roles"), json!([acme.role_id("New"), acme.role_id("Kept")]))
        .await
        .ok();
    let subject = server.get(&ada, &format!("/api/v2/authorization/subjects/{bob}")).await.ok();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut divisions: Vec<(String, String)> = subject["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| (text(&grant["role"]["name"]), text(&grant["division"]["name"])))
        .collect();
    // Grants come in the order of their roles' ids, which are random.
    divisions.sort();
    assert_eq!(
        divisions,
        [("Kept", "Sales"), ("New", "Home")].map(|(role, division)| (role.to_owned(), division.to_owned()))
    );
}

#[tokio::test]
async fn a_role_that_limits_an_app_is_not_deleted() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.role("Limit", &[]).await;
    let app = acme.app("Limited", &["users"]).await;
    acme.authorize_for(&app, &["users"], &["Limit"]).await;
    let ada = acme.token("Admin", "ada").await;
    let refused = server.delete(&ada, &format!("{ROLES}/{}", acme.role_id("Limit"))).await;
    assert_eq!(refused.refusal(), (409, "role.in.use"));
}

#[tokio::test]
async fn ids_of_another_organization_in_a_body_are_unknown_ids() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let mut globex = World::new(&server, "globex", Enforcement::Enforce).await;
    globex.role("Theirs", &["directory:user:view"]).await;
    let (ada, theirs, division) = (acme.token("Admin", "ada").await, globex.role_id("Theirs"), globex.home().await);
    let service = |role: &str, division: &str| json!({ "name": "x", "authorizedGrantType": "CLIENT-CREDENTIALS", "roleDivisions": [{ "roleId": role, "divisionId": division }] });
    let path = format!("/api/v2/users/{}/roles", acme.user_id("bob"));
    let new = json!({ "name": "x", "email": "x@acme.test", "divisionId": division });
    for (answer, expected) in [
        (server.put(&ada, &path, json!([theirs])).await, (400, "general.bad.request")),
        (server.post(&ada, "/api/v2/users", new).await, (400, "constraint.validation")),
        (server.post(&ada, "/api/v2/oauth/clients", service(theirs, "*")).await, (400, "bad.client.role")),
        (
            server.post(&ada, "/api/v2/oauth/clients", service(acme.role_id("Everything"), division.as_str())).await,
            (400, "bad.client.role"),
        ),
    ] {
        assert_eq!(answer.refusal(), expected, "{:#}", answer.body);
    }
}
