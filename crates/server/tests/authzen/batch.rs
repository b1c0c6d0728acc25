//! Batch: several decisions in one message (checklist G07).

use serde_json::{Value, json};

use super::fixture::{DESK, Fixture, READER, operation, question, user};

async fn decisions(fixture: &Fixture, body: &Value) -> Vec<bool> {
    let answer = fixture.ask("evaluations", body).await.ok();
    assert_eq!(answer.get("decision"), None, "{answer}");
    answer["evaluations"].as_array().unwrap().iter().map(|one| one["decision"].as_bool().unwrap()).collect()
}

fn read_and_write(who: &str) -> Value {
    json!({
        "subject": user(who, DESK), "action": { "name": "call" },
        "evaluations": [{ "resource": operation("readRecord") }, { "resource": operation("writeRecord") },
                        { "resource": operation("listRecords") }],
    })
}

#[tokio::test]
async fn g07_defaults_hold_where_an_entry_does_not_say_otherwise() {
    let fixture = Fixture::start().await;
    assert_eq!(decisions(&fixture, &read_and_write("alice@acme.test")).await, [true, true, true]);
    assert_eq!(decisions(&fixture, &read_and_write("bob@acme.test")).await, [true, false, true]);

    let mut overriding = read_and_write("bob@acme.test");
    overriding["evaluations"][1]["subject"] = user("alice@acme.test", DESK);
    overriding["evaluations"][2]["action"] = json!({ "name": "read" });
    assert_eq!(decisions(&fixture, &overriding).await, [true, true, false]);

    let whole = [question("alice@acme.test", "writeRecord"), question("bob@acme.test", "writeRecord")];
    assert_eq!(decisions(&fixture, &json!({ "evaluations": whole })).await, [true, false], "no defaults at all");

    // an entry's own object counts as a whole, but for what names the thing
    let mut parts = read_and_write("alice@acme.test");
    parts["resource"] = json!({ "type": "operation" });
    parts["evaluations"] = json!([
        { "resource": { "id": "readRecord", "properties": { "upstream": "records" } } },
        { "subject": { "properties": { "client_id": READER } }, "resource": operation("writeRecord") },
    ]);
    assert_eq!(decisions(&fixture, &parts).await, [true, false]);

    // the app was granted `records`, so a token that asks for another scope only has none
    let mut ceiling = read_and_write("alice@acme.test");
    ceiling["context"] = json!({ "scopes": ["records:readonly"] });
    ceiling["evaluations"][1]["context"] = json!({});
    ceiling["evaluations"][2]["context"] = json!({ "scopes": ["records"] });
    assert_eq!(decisions(&fixture, &ceiling).await, [false, true, true], "an entry's context replaces the default");
}

#[tokio::test]
async fn g07_the_semantic_says_where_it_ends() {
    let fixture = Fixture::start().await;
    for (semantic, who, expected) in [
        ("execute_all", "bob@acme.test", &[true, false, true][..]),
        ("deny_on_first_deny", "bob@acme.test", &[true, false]),
        ("deny_on_first_deny", "alice@acme.test", &[true, true, true]),
        ("deny_on_first_deny", "nobody@acme.test", &[false]),
        ("permit_on_first_permit", "bob@acme.test", &[true]),
        ("permit_on_first_permit", "nobody@acme.test", &[false, false, false]),
    ] {
        let mut body = read_and_write(who);
        body["options"] = json!({ "evaluations_semantic": semantic, "another_option": "value" });
        assert_eq!(decisions(&fixture, &body).await, expected, "{semantic} {who}");
    }
    for semantic in [json!("first_come"), json!(1), json!(null)] {
        let mut body = read_and_write("bob@acme.test");
        body["options"] = json!({ "evaluations_semantic": semantic });
        let answer = fixture.ask("evaluations", &body).await;
        assert_eq!(answer.status, 400, "{semantic}: {}", answer.text);
        assert!(answer.body["message"].as_str().unwrap().contains("evaluations_semantic"), "{}", answer.text);
    }
}

#[tokio::test]
async fn g07_without_entries_it_is_one_question() {
    let fixture = Fixture::start().await;
    let mut body = question("bob@acme.test", "writeRecord");
    let one = fixture.ask("evaluation", &body).await.ok();
    assert_eq!(fixture.ask("evaluations", &body).await.ok(), one);
    body["evaluations"] = json!([]);
    assert_eq!(fixture.ask("evaluations", &body).await.ok(), one);
    assert_eq!(fixture.ask("evaluations", &json!({ "evaluations": [] })).await.status, 400);
}

#[tokio::test]
async fn g07_a_wrong_entry_is_denied_in_its_place_and_a_wrong_message_is_refused() {
    let fixture = Fixture::start().await;
    let mut body = read_and_write("alice@acme.test");
    body["evaluations"][1] = json!({});
    body["evaluations"][2] = json!("x");
    let answer = fixture.ask("evaluations", &body).await.ok();
    assert_eq!(answer["evaluations"][0]["decision"], true);
    for (position, place) in [(1, "resource: "), (2, "body: ")] {
        let entry = &answer["evaluations"][position];
        assert_eq!((&entry["decision"], &entry["context"]["error"]["status"]), (&json!(false), &json!(400)));
        assert!(entry["context"]["error"]["message"].as_str().unwrap().starts_with(place), "{entry}");
    }
    for (name, value) in [("evaluations", json!({})), ("options", json!("x")), ("subject", json!("alice"))] {
        let mut body = read_and_write("alice@acme.test");
        body[name] = value;
        assert_eq!(fixture.ask("evaluations", &body).await.status, 400, "{name}");
    }
}

#[tokio::test]
async fn g07_a_message_holds_a_thousand_questions_and_no_more() {
    let fixture = Fixture::start().await;
    let mut body = json!({ "subject": user("alice@acme.test", DESK), "action": { "name": "call" }, "resource": operation("readRecord") });
    body["evaluations"] = json!(vec![json!({}); 1_000]);
    assert_eq!(decisions(&fixture, &body).await, [true; 1_000]);
    body["evaluations"] = json!(vec![json!({}); 1_001]);
    let answer = fixture.ask("evaluations", &body).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body["message"].as_str().unwrap().contains("send 1000 at most"), "{}", answer.text);
}
