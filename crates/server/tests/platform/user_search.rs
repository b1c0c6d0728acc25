//! `/api/v2/users/search`

use serde_json::{Value, json};

use super::server::{Answer, TestServer};
use super::world::{World, acme};

async fn people(server: &TestServer) -> (World<'_>, String) {
    let mut acme = acme(server).await;
    for name in ["cleo", "clara", "dora"] {
        acme.user(name, &[]).await;
    }
    let ada = acme.token("Admin", "ada").await;
    (acme, ada)
}

fn names(found: &Value) -> Vec<&str> {
    found["results"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn criteria_are_joined_by_and_or_and_not() {
    let Some(server) = TestServer::start().await else { return };
    let (_acme, ada) = people(&server).await;
    let find = async |query: Value| server.post(&ada, "/api/v2/users/search", json!({ "query": query })).await.ok();
    let starts = |value: &str, operator: &str| json!({ "type": "STARTS_WITH", "fields": ["name"], "value": value, "operator": operator });
    assert_eq!(names(&find(json!([starts("CL", "AND")])).await), ["CLARA", "CLEO"]);
    assert_eq!(names(&find(json!([starts("cl", "OR"), starts("do", "OR")])).await), ["CLARA", "CLEO", "DORA"]);
    assert_eq!(names(&find(json!([starts("cl", "AND"), starts("cle", "NOT")])).await), ["CLARA"]);
    let exact = json!([{ "type": "EXACT", "fields": ["email", "name"], "values": ["dora@acme.test", "bob"] }]);
    assert_eq!(names(&find(exact).await), ["BOB", "DORA"]);
    assert_eq!(names(&find(json!([{ "type": "MATCH_ALL" }])).await).len(), 5);
    let contains = json!([{ "type": "CONTAINS", "fields": ["username"], "value": "%" }]);
    assert_eq!(names(&find(contains).await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_search_turns_its_pages_with_q64() {
    let Some(server) = TestServer::start().await else { return };
    let (_acme, ada) = people(&server).await;
    let body = json!({ "pageSize": 2, "sortBy": "email", "sortOrder": "DESC", "query": [{ "type": "MATCH_ALL" }] });
    let first = server.post(&ada, "/api/v2/users/search", body).await.ok();
    assert_eq!(names(&first), ["DORA", "CLEO"]);
    let count = json!([first["total"], first["pageCount"], first["pageSize"], first["pageNumber"], first["types"]]);
    assert_eq!(count, json!([5, 3, 2, 1, ["users"]]));
    assert_eq!(first.get("previousPage"), None);

    let turn =
        async |q64: &Value| server.get(&ada, &format!("/api/v2/users/search?q64={}", q64.as_str().unwrap())).await.ok();
    let second = turn(&first["nextPage"]).await;
    assert_eq!((names(&second), &second["pageNumber"]), (vec!["CLARA", "BOB"], &2.into()));
    let third = turn(&second["nextPage"]).await;
    assert_eq!((names(&third), third.get("nextPage")), (vec!["ADA"], None));
    assert_eq!(turn(&second["previousPage"]).await, turn(&first["currentPage"]).await);
}

#[tokio::test]
async fn deleted_users_are_found_only_by_their_state() {
    let Some(server) = TestServer::start().await else { return };
    let (acme, ada) = people(&server).await;
    server.delete(&ada, &format!("/api/v2/users/{}", acme.user_id("dora"))).await.ok();
    let find = async |query: Value| server.post(&ada, "/api/v2/users/search", json!({ "query": query })).await.ok();
    assert_eq!(
        names(&find(json!([{ "type": "EXACT", "fields": ["name"], "value": "dora" }])).await),
        Vec::<&str>::new()
    );
    assert_eq!(names(&find(json!([{ "type": "EXACT", "fields": ["state"], "value": "deleted" }])).await), ["DORA"]);
}

#[tokio::test]
async fn f08_what_a_search_cannot_do_is_refused_with_the_place() {
    let Some(server) = TestServer::start().await else { return };
    let (_acme, ada) = people(&server).await;
    let send = async |body: Value| server.post(&ada, "/api/v2/users/search", body).await;
    let code = |answer: &Answer| answer.refusal().1.to_owned();
    let one = |criterion: Value| json!({ "query": [criterion] });

    let refused = send(one(json!({ "type": "REGEX", "fields": ["name"], "value": "." }))).await;
    assert_eq!(
        refused.message(),
        "query[0].type: `REGEX` is not one of EXACT, STARTS_WITH, CONTAINS, TERM, TERMS, MATCH_ALL"
    );
    let refused = send(one(json!({ "type": "EXACT", "fields": ["password"], "value": "x" }))).await;
    assert_eq!(code(&refused), "invalid.value");
    assert_eq!(code(&send(one(json!({ "type": "EXACT", "group": [{ "type": "EXACT" }] }))).await), "invalid.value");
    assert_eq!(send(one(json!({ "type": "EXACT", "value": "x" }))).await.fields(), ["query[0].fields"]);
    assert_eq!(send(one(json!({ "type": "EXACT", "fields": ["name"] }))).await.fields(), ["query[0].value"]);
    assert_eq!(send(one(json!({ "fields": ["name"] }))).await.fields(), ["query[0].type"]);
    assert_eq!(send(json!({ "pageSize": 501 })).await.fields(), ["pageSize"]);
    assert_eq!(code(&send(json!({ "pageNumber": 500 })).await), "too.many.requested.results");
    assert_eq!(code(&send(json!({ "sortBy": "password" })).await), "invalid.value");
    assert_eq!(
        code(&send(json!({ "query": vec![json!({ "type": "MATCH_ALL" }); 101] })).await),
        "too.many.search.criteria"
    );
    let many = json!({ "type": "EXACT", "fields": ["name"], "values": vec!["x"; 101] });
    assert_eq!(code(&send(one(many)).await), "search.criteria.values.exceed.limit");
    for q64 in ["", "?q64=", "?q64=%25%25", "?q64=bm90IGpzb24"] {
        assert_eq!(server.get(&ada, &format!("/api/v2/users/search{q64}")).await.fields(), ["q64"], "{q64}");
    }
}
