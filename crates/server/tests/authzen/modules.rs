//! The modules of the OpenID Foundation's AuthZEN plans, re-created under their own names.
//!
//! The fixture has their shape: Alice reads and writes, Bob only reads. A record is the route `/records/record-1`, `read` is
//! `GET` and `write` is `PUT`; whoever is asked about uses the app `desk`.
//!
//! | file | plan |
//! |---|---|
//! | `basic.rs` | authzen-pdp-evaluation-test-plan |
//! | `batch.rs` | authzen-pdp-evaluations-test-plan and the comprehensive one |
//! | `subject.rs` | authzen-pdp-subject-search-test-plan |
//! | `resource.rs` | authzen-pdp-resource-search-test-plan |
//! | `action.rs` | authzen-pdp-action-search-test-plan |

mod action;
mod basic;
mod batch;
mod resource;
mod subject;

use serde_json::{Value, json};

use super::fixture::{DESK, Fixture, user};
use super::support::Answer;

const JSON: (&str, &str) = ("content-type", "application/json");

fn alice() -> Value {
    user("alice@acme.test", DESK)
}

fn bob() -> Value {
    user("bob@acme.test", DESK)
}

fn read() -> Value {
    json!({ "name": "GET" })
}

fn write() -> Value {
    json!({ "name": "PUT" })
}

fn record(id: &str) -> Value {
    json!({ "type": "route", "id": format!("/records/{id}"), "properties": { "upstream": "records" } })
}

/// What each plan asks at this endpoint: Alice, who may read the record.
fn valid(path: &str) -> Value {
    let record_1 = record("record-1");
    match path {
        "evaluation" => json!({ "subject": alice(), "action": read(), "resource": record_1 }),
        "evaluations" => json!({ "subject": alice(), "action": read(), "evaluations": [{ "resource": record_1 }] }),
        "search/subject" => {
            without(json!({ "subject": alice(), "action": read(), "resource": record_1 }), "/subject/id")
        }
        "search/resource" => {
            without(json!({ "subject": alice(), "action": read(), "resource": record_1 }), "/resource/id")
        }
        "search/action" => json!({ "subject": alice(), "resource": record_1 }),
        other => unreachable!("{other} is no endpoint"),
    }
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

fn without(mut body: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    body
}

/// The answer to a question, which is JSON.
async fn ask(fixture: &Fixture, path: &str, body: &Value) -> Value {
    let answer = fixture.ask(path, body).await;
    assert_eq!(answer.header("content-type"), "application/json", "{path} {body}");
    answer.ok()
}

/// One decision.
async fn decides(body: Value, expected: bool) {
    let answer = ask(&Fixture::start().await, "evaluation", &body).await;
    assert_eq!(answer["decision"], expected, "{body}: {answer}");
}

/// A decision for each entry, in its place, and no decision about the whole.
async fn decides_each(body: Value, expected: &[bool]) {
    let answer = ask(&Fixture::start().await, "evaluations", &body).await;
    let decisions: Vec<bool> =
        answer["evaluations"].as_array().unwrap().iter().map(|one| one["decision"].as_bool().unwrap()).collect();
    assert_eq!(decisions, expected, "{body}: {answer}");
    assert_eq!(answer.get("decision"), None, "{body}: {answer}");
}

/// All results, page after page; a page holds no more than it was asked for.
async fn search(fixture: &Fixture, path: &str, mut body: Value) -> Vec<Value> {
    let mut found = Vec::new();
    for _ in 0..20 {
        let answer = ask(fixture, path, &body).await;
        let results = answer["results"].as_array().unwrap();
        assert!(body["page"]["limit"].as_u64().is_none_or(|limit| results.len() as u64 <= limit), "{answer}");
        found.extend(results.clone());
        if answer["page"]["next_token"] == "" {
            return found;
        }
        body["page"]["token"] = answer["page"]["next_token"].clone();
    }
    panic!("pages without end: {body}");
}

/// Alice and Bob, as a search shows them.
async fn alice_and_bob(fixture: &Fixture) -> [Value; 2] {
    let mut shown = Vec::new();
    for email in ["alice@acme.test", "bob@acme.test"] {
        let filter = countersign_store::user::UserFilter::default();
        let users =
            fixture.server.org("acme").users(&filter, countersign_store::Page::new(1, 100)).await.unwrap().items;
        let one = users.iter().find(|user| user.email.to_string() == email).unwrap();
        shown.push(json!({ "type": "user", "id": one.id.to_string() }));
    }
    shown.try_into().unwrap()
}

/// A search finds at least these.
async fn finds(path: &str, body: Value, expected: &[Value]) {
    let found = search(&Fixture::start().await, path, body.clone()).await;
    assert!(expected.iter().all(|one| found.contains(one)), "{body}: {found:?}");
}

/// A search finds nothing, and says so with an empty list.
async fn finds_nothing(path: &str, body: Value) {
    let answer = ask(&Fixture::start().await, path, &body).await;
    assert_eq!(answer["results"], json!([]), "{body}");
}

/// A question that does not fit is answered 400.
async fn refuses(path: &str, body: Value) {
    let answer = Fixture::start().await.ask(path, &body).await;
    assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text);
}

async fn sent(path: &str, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    Fixture::start().await.send(method, path, headers, body).await
}

async fn refuses_method(path: &str, method: &str) {
    let answer = sent(path, method, &[JSON], &valid(path).to_string()).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method} {path}");
}

async fn refuses_text(path: &str, body: &str) {
    assert_eq!(sent(path, "POST", &[JSON], body).await.status, 400, "{path} {body}");
}

async fn refuses_other_content_type(path: &str) {
    let answer = sent(path, "POST", &[("content-type", "text/plain")], &valid(path).to_string()).await;
    assert_eq!(answer.status, 400, "{path}: {}", answer.text);
}

/// Whatever stands at `pointer`, the answer is the one without it.
async fn ignores(path: &str, pointer: &str, value: Value) {
    let fixture = Fixture::start().await;
    let expected = granted(ask(&fixture, path, &valid(path)).await);
    assert_eq!(ask(&fixture, path, &with(valid(path), pointer, value)).await, expected, "{path} {pointer}");
}

async fn accepts_charset(path: &str) {
    let headers = [("content-type", "application/json; charset=utf-8")];
    granted(sent(path, "POST", &headers, &valid(path).to_string()).await.ok());
}

async fn echoes_the_request_id(path: &str) {
    let id = "b0f1c6d2-0d2e-4f0c-8a3e-5d9f7a1c2e34";
    let answer = sent(path, "POST", &[JSON, ("x-request-id", id)], &valid(path).to_string()).await;
    assert_eq!(answer.header("x-request-id"), id, "{path}");
    granted(answer.ok());
}

async fn answers_the_same_again(path: &str) {
    let fixture = Fixture::start().await;
    let first = granted(ask(&fixture, path, &valid(path)).await);
    assert_eq!(ask(&fixture, path, &valid(path)).await, first, "{path}");
}

/// The answer to a question of [`valid`]: a permit, or results.
fn granted(answer: Value) -> Value {
    let entries = answer.get("evaluations").or(answer.get("results")).and_then(Value::as_array);
    let is_granted = match entries {
        Some(entries) => entries.iter().all(|one| one.get("decision") != Some(&json!(false))) && !entries.is_empty(),
        None => answer["decision"] == true,
    };
    assert!(is_granted, "{answer}");
    answer
}
