//! The decision log: every door writes the same lines, and no secret.

use std::collections::BTreeMap;

use countersign_server::app::Application;
use countersign_server::config::Config;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use serde_json::{Value, json};

use super::fixture::{Fixture, READER, SHOP};
use super::upstream::Upstream;

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

/// The attributes of an event as text.
fn attributes(event: &LogRecord) -> BTreeMap<String, String> {
    let value = |pair: &KeyValue| match pair.value.clone().unwrap().value.unwrap() {
        any_value::Value::StringValue(text) => text,
        any_value::Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    event.attributes.iter().map(|pair| (pair.key.clone(), value(pair))).collect()
}

#[tokio::test]
async fn a_receiver_of_telemetry_gets_what_the_file_gets() {
    let (folder, taken) = (tempfile::tempdir().unwrap(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (file, receiver) = (folder.path().join("decisions.ndjson"), Upstream::answering(taken).await);
    let telemetry = format!("[telemetry]\nendpoint = \"http://{}\"\ntraces_one_in = 0", receiver.address);
    let fixture = Fixture::start(&format!("[decision_log]\nfile = {file:?}\notlp = true\n{telemetry}")).await;
    let token = fixture.token(READER, "bob@acme.test").await;
    let sampled = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    fixture.call_with("POST", "/books?code=a-secret", &token, &[sampled]).await;
    fixture.call("GET", "/books", "").await;
    let lines = lines(&file, 2).await;
    fixture.server.app.decisions.written().await;

    let requests = receiver.take();
    let logs: Vec<_> = requests.iter().filter(|request| request.line == "POST /v1/logs HTTP/1.1").collect();
    let decoded = logs.iter().map(|request| ExportLogsServiceRequest::decode(&*request.body).unwrap());
    let scopes = decoded.flat_map(|request| request.resource_logs).flat_map(|resource| resource.scope_logs);
    let events: Vec<LogRecord> = scopes.flat_map(|scope| scope.log_records).collect();
    let [denied, unknown] = &events[..] else { panic!("{events:?}") };

    assert_eq!(denied.event_name, "countersign.decision");
    assert_eq!(
        denied.body.clone().unwrap().value,
        Some(any_value::Value::StringValue("deny missing_scope".to_owned()))
    );
    assert_eq!((denied.severity_number, denied.severity_text.as_str()), (9, "INFO"));
    assert_eq!(denied.time_unix_nano, u64::try_from(fixture.server.app.clock.now().as_micros()).unwrap() * 1_000);
    for (event, line) in [(denied, &lines[0]), (unknown, &lines[1])] {
        let mut told = attributes(event);
        for (name, value) in line.as_object().unwrap() {
            let name = match name.as_str() {
                "at" | "trace" => continue,
                "method" => "http.request.method".to_owned(),
                "path" => "url.path".to_owned(),
                name => format!("countersign.{name}"),
            };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(told.remove(&name), Some(text), "{name}");
        }
        assert!(told.is_empty(), "more than the line says: {told:?}");
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let trace = format!("00-{}-{}-01", hex(&denied.trace_id), hex(&denied.span_id));
    assert_eq!(lines[0]["trace"], trace, "the span of the call");
    assert!(trace.contains("4bf92f3577b34da6a3ce929d0e0e4736") && unknown.trace_id.is_empty());
    let counts = fixture.server.app.decisions.receiver().unwrap().counts();
    assert_eq!((counts.sent.count(), counts.lost.count()), (2, 0));
}

#[tokio::test]
async fn a_receiver_that_is_gone_takes_nothing_from_the_file_and_what_it_misses_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.ndjson");
    let receiver = Upstream::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    let telemetry = format!("[telemetry]\nendpoint = \"http://{}\"", receiver.address);
    let fixture = Fixture::start(&format!("[decision_log]\nfile = {file:?}\notlp = true\n{telemetry}")).await;
    for _ in 0..3 {
        fixture.call("GET", "/books", "").await;
    }
    lines(&file, 3).await;
    fixture.server.app.decisions.written().await;
    let counts = fixture.server.app.decisions.receiver().unwrap().counts();
    assert_eq!((counts.sent.count(), counts.lost.count(), fixture.server.app.decisions.lost()), (0, 3, 0));
}

#[tokio::test]
async fn a_receiver_that_nobody_named_ends_the_start() {
    let data = tempfile::tempdir().unwrap();
    let mut config = Config::from_toml("[decision_log]\notlp = true\n").unwrap();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.server.data = data.path().to_owned();
    let error = Application::start(&config).await.err().unwrap().to_string();
    assert!(error.contains("decision_log.otlp") && error.contains("telemetry.endpoint"), "{error}");
}
