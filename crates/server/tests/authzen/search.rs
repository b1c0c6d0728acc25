//! Search: subjects, resources, actions (checklist G08).

use countersign_store::Page;
use countersign_store::user::UserFilter;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::sample::subsequence;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::fixture::{DESK, Fixture, PEP, READER, UNASKED, operation, user};

const OPERATIONS: [&str; 5] = ["addRecord", "getHours", "listRecords", "readRecord", "writeRecord"];
const METHODS: [&str; 8] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "call"];
const CLIENTS: [&str; 6] = [DESK, READER, PEP, UNASKED, "nobody", ""];

async fn search(fixture: &Fixture, what: &str, body: &Value) -> Vec<Value> {
    let answer = fixture.ask(&format!("search/{what}"), body).await.ok();
    assert_eq!(answer["page"]["next_token"], "", "{answer}");
    let results = answer["results"].as_array().unwrap();
    assert_eq!(answer["page"]["count"], results.len());
    results.clone()
}

/// Ids of the people who are switched on.
async fn people(fixture: &Fixture) -> Vec<String> {
    let users = fixture.server.org("acme").users(&UserFilter::default(), Page::new(1, 100)).await.unwrap().items;
    let mut ids: Vec<String> =
        users.iter().filter(|user| user.state.as_str() == "active").map(|user| user.id.to_string()).collect();
    ids.sort();
    ids
}

fn with(mut question: Value, name: &str, value: &Value) -> Value {
    question[name] = value.clone();
    question
}

async fn brute_force(fixture: &Fixture, question: &Value, name: &str, candidates: Vec<(Value, Value)>) -> Vec<Value> {
    let mut found = Vec::new();
    for (asked, shown) in candidates {
        if fixture.decision(&with(question.clone(), name, &asked)).await {
            found.push(shown);
        }
    }
    found
}

/// Compares every search about these apps, ceilings and people with evaluations of everything that it could find.
async fn searches_agree_with_evaluations(fixture: &Fixture, clients: &[&str], ceilings: &[Value], strangers: &[&str]) {
    let people = people(fixture).await;
    let call = json!({ "name": "call" });
    for client in clients {
        for ceiling in ceilings {
            for id in OPERATIONS {
                let question = json!({ "action": call, "resource": operation(id), "context": ceiling });
                let candidates =
                    people.iter().map(|one| (user(one, client), json!({ "type": "user", "id": one }))).collect();
                let expected = brute_force(fixture, &question, "subject", candidates).await;
                let found = search(fixture, "subject", &with(question, "subject", &user("ignored", client))).await;
                assert_eq!(found, expected, "{client} {ceiling} {id}");
            }
            for who in people.iter().map(String::as_str).chain(strangers.iter().copied()) {
                let question = json!({ "subject": user(who, client), "context": ceiling });
                let shown = |id: &&str| (operation(id), json!({ "type": "operation", "id": id }));
                let asked = with(question.clone(), "action", &call);
                let expected = brute_force(fixture, &asked, "resource", OPERATIONS.iter().map(shown).collect()).await;
                let found = search(fixture, "resource", &with(asked, "resource", &operation("ignored"))).await;
                assert_eq!(found, expected, "{client} {ceiling} {who}");

                let route = json!({ "type": "route", "id": "/v1/records/7" });
                let question = with(question, "resource", &route);
                let candidates =
                    METHODS.iter().map(|name| (json!({ "name": name }), json!({ "name": name }))).collect();
                let expected = brute_force(fixture, &question, "action", candidates).await;
                assert_eq!(search(fixture, "action", &question).await, expected, "{client} {ceiling} {who}");
            }
        }
    }
}

#[tokio::test]
async fn g08_searches_find_what_evaluations_permit_and_nothing_else() {
    let fixture = Fixture::start().await;
    let ceilings = [json!({}), json!({ "scopes": ["records:readonly"] }), json!({ "scopes": [] })];
    searches_agree_with_evaluations(&fixture, &CLIENTS, &ceilings, &["carl@acme.test", "mallory@globex.test"]).await;
}

/// Somebody of a random organization: the permissions of their role, and whether they are switched on.
type Person = (Vec<&'static str>, bool);
/// An app: what it was granted.
type Granted = Vec<&'static str>;

fn world(people: &[Person], apps: &[Granted], is_enforced: bool) -> String {
    let list = |texts: &[&str]| texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ");
    let [mut roles, mut users, mut clients, mut authorizations] = [const { String::new() }; 4];
    let append = |text: &mut String, line: String| *text += &line;
    for (index, (permissions, is_active)) in people.iter().enumerate() {
        let state = if *is_active { "active" } else { "inactive" };
        if !permissions.is_empty() {
            append(&mut roles, format!("      - {{name: R{index}, permissions: [{}]}}\n", list(permissions)));
        }
        let held = if permissions.is_empty() { String::new() } else { format!("R{index}") };
        append(
            &mut users,
            format!("      - {{email: u{index}@acme.test, name: U{index}, roles: [{held}], state: {state}}}\n"),
        );
    }
    for (index, granted) in apps.iter().enumerate() {
        let (id, redirect) = (CLIENTS[index], "https://a.test/cb");
        let line = format!(
            "      - {{id: {id}, name: a{index}, grant_types: [authorization_code], redirect_uris: [{redirect:?}]}}\n"
        );
        append(&mut clients, line);
        if !granted.is_empty() {
            append(&mut authorizations, format!("      - {{client: a{index}, scopes: [{}]}}\n", list(granted)));
        }
    }
    let enforcement = if is_enforced { "enforce" } else { "report" };
    format!(
        "organizations:\n  - id: acme\n    name: Acme\n    scope_enforcement: {enforcement}\n    roles:\n      \
         - {{name: Asker, permissions: [\"authorization:decision:view\"]}}\n{roles}    users:\n{users}    clients:\n      \
         - {{id: {PEP}, name: pep, grant_types: [client_credentials], secret: a-secret-of-pep, roles: [Asker]}}\n{clients}    \
         authorizations:\n      - {{client: pep, scopes: [\"authorization:readonly\"]}}\n{authorizations}"
    )
}

#[test]
fn g08_in_any_organization_searches_find_what_evaluations_permit() {
    let permissions = ["records:record:edit", "records:record:add", "records:*:*", "directory:user:view"];
    let scopes = ["records", "records:readonly", "authorization"];
    let person = (subsequence(permissions.to_vec(), 0..=2), any::<bool>());
    let organization = (vec(person, 1..4), vec(subsequence(scopes.to_vec(), 0..=2), 2), any::<bool>());
    let config = proptest::test_runner::Config { cases: 6, failure_persistence: None, ..Default::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let agreed = TestRunner::new(config).run(&organization, |(people, apps, is_enforced)| {
        runtime.block_on(async {
            let fixture = Fixture::of(&world(&people, &apps, is_enforced)).await;
            let ceilings = [json!({}), json!({ "scopes": ["records:readonly"] })];
            searches_agree_with_evaluations(&fixture, &CLIENTS[..2], &ceilings, &["u0@acme.test"]).await;
        });
        Ok(())
    });
    agreed.unwrap();
}

#[tokio::test]
async fn g08_apps_and_routes_are_found_too() {
    let fixture = Fixture::start().await;
    let body =
        json!({ "subject": { "type": "client" }, "action": { "name": "call" }, "resource": operation("writeRecord") });
    assert_eq!(search(&fixture, "subject", &body).await, [json!({ "type": "client", "id": DESK })]);
    let routes = json!({ "type": "route", "properties": { "upstream": "records" } });
    let body = json!({ "subject": user("bob@acme.test", DESK), "action": { "name": "GET" }, "resource": routes });
    let expected = [json!({ "type": "route", "id": "/hours" }), json!({ "type": "route", "id": "/records" })];
    assert_eq!(search(&fixture, "resource", &body).await, expected);
}

#[tokio::test]
async fn g08_what_is_unknown_is_found_nowhere() {
    let fixture = Fixture::start().await;
    let (alice, call) = (user("alice@acme.test", DESK), json!({ "name": "call" }));
    let thing = json!({ "type": "spaceship", "id": "1" });
    let elsewhere = json!({ "type": "operation", "id": "x", "properties": { "upstream": "nowhere" } });
    for (what, body) in [
        ("subject", json!({ "subject": { "type": "spaceship" }, "action": call, "resource": operation("readRecord") })),
        ("subject", json!({ "subject": alice, "action": call, "resource": thing })),
        ("subject", json!({ "subject": alice, "action": { "name": "fly" }, "resource": operation("readRecord") })),
        ("resource", json!({ "subject": alice, "action": call, "resource": thing })),
        ("resource", json!({ "subject": alice, "action": call, "resource": elsewhere })),
        ("resource", json!({ "subject": alice, "action": { "name": "fly" }, "resource": operation("x") })),
        ("action", json!({ "subject": alice, "resource": thing })),
        ("action", json!({ "subject": user("nobody", DESK), "resource": operation("readRecord") })),
    ] {
        assert_eq!(search(&fixture, what, &body).await, Vec::<Value>::new(), "{what} {body}");
    }
}

#[tokio::test]
async fn g08_results_come_in_pages_whose_tokens_are_for_one_search() {
    let fixture = Fixture::start().await;
    let body = json!({
        "subject": user("alice@acme.test", DESK), "action": { "name": "call" }, "resource": operation("ignored"),
    });
    let all = search(&fixture, "resource", &body).await;
    let (mut found, mut token) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = json!({ "limit": 2, "token": token });
        let answer = fixture.ask("search/resource", &with(body.clone(), "page", &page)).await.ok();
        found.extend(answer["results"].as_array().unwrap().clone());
        answer["page"]["next_token"].as_str().unwrap().clone_into(&mut token);
    }
    assert_eq!((found, token.as_str()), (all, ""));

    let first = fixture.ask("search/resource", &with(body.clone(), "page", &json!({ "limit": 2 }))).await.ok();
    let next = json!({ "token": first["page"]["next_token"] });
    let other = with(body.clone(), "subject", &user("bob@acme.test", DESK));
    for body in [
        with(other, "page", &next),
        with(body.clone(), "page", &json!({ "token": "AAAA" })),
        with(body.clone(), "page", &json!({ "token": "not base64!" })),
        with(body.clone(), "page", &json!({ "token": 1 })),
        with(body.clone(), "page", &json!({ "limit": 0 })),
        with(body.clone(), "page", &json!({ "limit": "2" })),
        with(body, "page", &json!(1)),
    ] {
        assert_eq!(fixture.ask("search/resource", &body).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn g08_a_search_without_what_it_needs_is_refused() {
    let fixture = Fixture::start().await;
    let whole = json!({ "subject": user("alice@acme.test", DESK), "action": { "name": "call" }, "resource": operation("readRecord") });
    for (what, needed) in [
        (
            "subject",
            &["/subject", "/subject/type", "/action", "/action/name", "/resource", "/resource/type", "/resource/id"][..],
        ),
        (
            "resource",
            &["/subject", "/subject/type", "/subject/id", "/action", "/action/name", "/resource", "/resource/type"],
        ),
        ("action", &["/subject", "/subject/type", "/subject/id", "/resource", "/resource/type", "/resource/id"]),
    ] {
        for pointer in needed {
            let mut body = whole.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
            assert_eq!(fixture.ask(&format!("search/{what}"), &body).await.status, 400, "{what} without {pointer}");
        }
        for body in ["", "[]", "{"] {
            let headers = [("content-type", "application/json")];
            assert_eq!(
                fixture.send("POST", &format!("search/{what}"), &headers, body).await.status,
                400,
                "{what} {body}"
            );
        }
    }
}
