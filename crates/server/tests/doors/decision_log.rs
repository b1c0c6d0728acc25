//! The decision log: every door writes the same lines, and no secret.

use serde_json::{Value, json};

use super::fixture::{Fixture, READER, SHOP};

/// The lines of the log, once there are so many.
async fn lines(file: &std::path::Path, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if text.lines().count() >= count {
            return text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{}: {count} lines were expected", std::fs::read_to_string(file).unwrap_or_default());
}

#[tokio::test]
async fn every_decision_is_a_line_with_its_reason_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.ndjson");
    let fixture = Fixture::start(&format!("[decision_log]\nfile = {file:?}")).await;
    let (shop, reader) = (fixture.token(SHOP, "ada@acme.test").await, fixture.token(READER, "bob@acme.test").await);
    fixture.call("GET", "/books?code=a-secret", &shop).await;
    fixture.call("POST", "/books", &reader).await;
    fixture.call("GET", "/books", "").await;

    let lines = lines(&file, 3).await;
    let [allowed, denied, unknown] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(
        (&allowed["decision"], &allowed["operation"], &allowed["path"]),
        (&json!("allow"), &json!("listBooks"), &json!("/books"))
    );
    assert_eq!(
        (&allowed["organization"], &allowed["client"], &allowed["door"]),
        (&json!("acme"), &json!(SHOP), &json!("gateway"))
    );
    assert!(
        allowed["user"].is_string() && allowed["revision"].is_i64() && allowed["context"].as_str().unwrap().len() == 32
    );
    assert_eq!((&denied["decision"], &denied["reason"]), (&json!("deny"), &json!("missing_scope")));
    assert_eq!(denied["missing"]["scopes_any_of"], json!([["books"]]));
    assert_eq!((&unknown["reason"], &unknown["organization"]), (&json!("missing_credentials"), &Value::Null));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(![shop.as_str(), reader.as_str(), "a-secret"].iter().any(|secret| text.contains(secret)), "{text}");

    // logrotate moves it away
    std::fs::rename(&file, folder.path().join("decisions.1")).unwrap();
    fixture.call("GET", "/nothing", "").await;
    assert_eq!(self::lines(&file, 1).await[0]["reason"], json!("no_such_operation"));
    assert_eq!(fixture.server.app.decisions.lost(), 0);
}

#[tokio::test]
async fn plain_allows_can_be_sampled_and_denials_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.ndjson");
    let fixture = Fixture::start(&format!("[decision_log]\nfile = {file:?}\nallowed_one_in = 3")).await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    for _ in 0..6 {
        fixture.call("GET", "/books", &token).await;
        fixture.call("GET", "/books", "").await;
    }
    let lines = lines(&file, 8).await;
    let allowed = lines.iter().filter(|line| line["decision"] == "allow").count();
    assert_eq!((allowed, lines.len()), (2, 8));
}
