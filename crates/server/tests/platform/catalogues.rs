//! What there is to hold: scopes, permissions, divisions.

use serde_json::{Value, json};

use super::server::TestServer;
use super::world::{PLATFORM_SCOPES, acme};

#[tokio::test]
async fn every_scope_is_listed_with_the_words_for_people() {
    let Some(server) = TestServer::start().await else { return };
    let bob = acme(&server).await.token("Admin", "bob").await;
    let list = server.get(&bob, "/api/v2/oauth/scopes").await.ok();
    let mut names = PLATFORM_SCOPES;
    names.sort_unstable();
    let listed: Vec<_> =
        list["entities"].as_array().unwrap().iter().map(|scope| scope["id"].as_str().unwrap()).collect();
    assert_eq!(
        (listed, &list["total"], &list["selfUri"]),
        (names.to_vec(), &json!(10), &json!("/api/v2/oauth/scopes"))
    );

    let one = server.get(&bob, "/api/v2/oauth/scopes/users:readonly").await.ok();
    let expected = json!({
        "id": "users:readonly", "description": "View users and search for them", "selfUri": "/api/v2/oauth/scopes/users:readonly",
    });
    assert_eq!((&one, &one), (&expected, list["entities"].as_array().unwrap().last().unwrap()));
    assert_eq!(server.get(&bob, "/api/v2/oauth/scopes/telephony").await.refusal(), (404, "not.found"));
}

#[tokio::test]
async fn permissions_come_by_domain() {
    let Some(server) = TestServer::start().await else { return };
    let bob = acme(&server).await.token("Admin", "bob").await;
    let list = async |query: &str| server.get(&bob, &format!("/api/v2/authorization/permissions?{query}")).await.ok();
    let domains = |list: &Value| {
        list["entities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["domain"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = list("").await;
    assert_eq!(
        (domains(&all), &all["total"]),
        (vec!["authorization".into(), "directory".into(), "general".into(), "oauth".into(), "usage".into()], &json!(5))
    );
    assert_eq!(domains(&list("pageSize=3&pageNumber=2").await), ["oauth", "usage"]);

    let one = list("queryType=permission&query=directory:user:add,admin").await;
    let expected = json!([
        {
            "id": "directory", "name": "directory", "domain": "directory",
            "permissionMap": { "user": [{
                "domain": "directory", "entityType": "user", "action": "add", "label": "Directory > User > Add",
                "allowsConditions": false, "divisionAware": true,
            }] },
        },
        {
            "id": "general", "name": "general", "domain": "general",
            "permissionMap": { "general": [{
                "domain": "general", "entityType": "general", "action": "admin", "label": "General > Admin",
                "allowsConditions": false, "divisionAware": false,
            }] },
        },
    ]);
    assert_eq!(one["entities"], expected);
    assert_eq!(domains(&list("queryType=domain&query=oauth").await), ["oauth"]);
    let refused = server.get(&bob, "/api/v2/authorization/permissions?query=oauth").await;
    assert_eq!(refused.fields(), ["queryType"]);
}

#[tokio::test]
async fn divisions_are_listed_with_the_number_of_their_users() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let (sales, home) = (acme.division("Sales").await, acme.home().await);
    let bob = acme.token("Admin", "bob").await;
    let division = |id: &str, name: &str, is_home: bool| {
        json!({
            "id": id, "name": name, "description": "", "homeDivision": is_home,
            "selfUri": format!("/api/v2/authorization/divisions/{id}"),
        })
    };
    let expected = [division(home.as_str(), "Home", true), division(sales.as_str(), "Sales", false)];
    let list = async |query: &str| {
        server.get(&bob, &format!("/api/v2/authorization/divisions?{query}")).await.ok()["entities"].clone()
    };
    assert_eq!(list("").await, json!(expected));
    assert_eq!(list("name=SAL").await, json!([expected[1]]));
    assert_eq!(list(&format!("id={home}")).await, json!([expected[0]]));
    let counted = list("objectCount=true").await;
    assert_eq!(
        (&counted[0]["objectCounts"], &counted[1]["objectCounts"]),
        (&json!({ "USER": 2 }), &json!({ "USER": 0 }))
    );
    assert_eq!(server.get(&bob, "/api/v2/authorization/divisions/home").await.ok(), expected[0]);
}
