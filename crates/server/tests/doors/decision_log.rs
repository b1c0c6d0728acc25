//! The decision log: every door writes the same lines, and no secret; `countersign replay` reads them.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};

use countersign_server::app::Application;
use countersign_server::config::Config;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use serde_json::{Value, json};

use super::fixture::{CONTRACT, Fixture, READER, SHOP, WORLD};
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

#[tokio::test]
async fn a_file_that_cannot_be_written_stops_no_call_and_its_lines_are_counted_as_lost() {
    let fixture = Fixture::start("[decision_log]\nfile = \"/dev/full\"").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    for _ in 0..3 {
        assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    }
    fixture.server.app.decisions.written().await;
    assert_eq!(fixture.server.app.decisions.lost(), 3);
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

/// Calls at three doors: seven of `shop`, one of another app, one of nobody.
async fn calls(fixture: &Fixture) {
    let (ada, bob) = (fixture.token(SHOP, "ada@acme.test").await, fixture.token(SHOP, "bob@acme.test").await);
    let reader = fixture.token(READER, "ada@acme.test").await;
    fixture.call("GET", "/books/9780141439471?loan=bob%40acme.test", &ada).await;
    fixture.call("GET", "/books/9780141439471", &bob).await;
    fixture.call("POST", "/books", &ada).await;
    fixture.call("POST", "/books", &bob).await;
    fixture.call("GET", "/ledger/ada", &ada).await;
    fixture.call("GET", "/books", &reader).await;
    fixture.call("GET", "/books", "").await;
    let bearer = format!("Bearer {ada}");
    let said = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", "/books/1"),
        ("x-forwarded-host", "api.test"),
        ("x-forwarded-proto", "https"),
        ("authorization", bearer.as_str()),
    ];
    fixture.server.send("GET", "/enforce/forward-auth", &said, "").await;
    fixture.server.api("GET", "/api/v2/users/me", &ada).await;
}

/// What `countersign replay` says of the calls of `shop` in a log.
fn replay(fixture: &Fixture, log: &std::path::Path, arguments: &[&str]) -> Result<Value, String> {
    let folder = tempfile::tempdir().unwrap();
    let (contract, world) = (folder.path().join("books.openapi.yaml"), folder.path().join("world.yaml"));
    std::fs::write(&contract, CONTRACT).unwrap();
    std::fs::write(&world, WORLD).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["replay", "--organization", "acme", "--client", "shop", "--json"]).args(arguments);
    command.arg("--contract").arg(contract).arg("--world").arg(world).arg(log);
    if !arguments.contains(&"--user") {
        command.arg("--data").arg(fixture.data());
    }
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    if output.status.success() { Ok(serde_json::from_str(&stdout).unwrap()) } else { Err(stderr) }
}

#[tokio::test]
async fn replay_reads_the_log_that_a_server_wrote_whatever_is_redacted() {
    for redaction in [
        "",
        "user = \"id\"\nclient = \"digest\"\npath = \"whole\"",
        "user = \"digest\"\nclient = \"digest\"\npath = \"template\"",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("decisions.ndjson");
        let fixture = Fixture::start(&format!("[decision_log]\nfile = {file:?}\n{redaction}")).await;
        calls(&fixture).await;
        lines(&file, 9).await;

        let refused = replay(&fixture, &file, &[]).unwrap_err();
        assert!(refused.contains("`--contract-name`"), "{refused}");
        let report = replay(&fixture, &file, &["--contract-name", "books"]).unwrap();
        assert_eq!(report["calls"]["read"], 6, "{report}");
        assert_eq!(report["now"], json!({"allowed": 4, "denied": 2}));
        let skipped = &report["calls"]["skipped"];
        assert_eq!(
            (&skipped["other_client"], &skipped["of_no_app"], &skipped["other_contract"]),
            (&json!(1), &json!(1), &json!(1))
        );
        assert_eq!(report["calls"]["not_counted_by_status"], json!({"403": 1, "404": 1}));
        let people: Vec<_> = report["subjects"].as_array().unwrap().iter().map(|one| &one["user"]).collect();
        assert_eq!(people, ["ada@acme.test", "bob@acme.test"], "{redaction}");
        assert_eq!(report["scopes"]["smallest"], json!(["books"]));
        let unmatched: Vec<_> = report["unmatched"].as_array().unwrap().iter().map(|one| &one["reason"]).collect();
        assert_eq!(unmatched, ["no_such_operation"]);
    }
}

#[tokio::test]
async fn what_the_configuration_leaves_out_is_in_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.ndjson");
    let fixture = Fixture::start(&format!("[decision_log]\nfile = {file:?}\nuser = \"none\"\nclient = \"none\"")).await;
    calls(&fixture).await;
    let lines = lines(&file, 9).await;
    let text = std::fs::read_to_string(&file).unwrap();
    for private in [SHOP, READER, "9780141439471", "ada", "bob", "hmac:"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
    let paths: Vec<_> = lines.iter().map(|line| line["path"].as_str().unwrap_or("none")).collect();
    let expected =
        ["/books/{bookId}", "/books/{bookId}", "/books", "/books", "/{}/{}", "/books", "/books", "/books/{bookId}"];
    assert_eq!(paths[..8], expected);
    assert_eq!((&lines[3]["status"], &lines[0]["status"]), (&json!(403), &Value::Null));
    assert_eq!((&lines[0]["user"], &lines[0]["client"]), (&json!("left out"), &json!("left out")));

    let report = replay(&fixture, &file, &["--contract-name", "books", "--user", "ada@acme.test"]).unwrap();
    assert_eq!(report["subjects"][0]["user"], "ada@acme.test", "who is left out is whom the option names");
}

#[tokio::test]
async fn ids_that_nobody_explains_are_refused_with_what_would() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.ndjson");
    let fixture = Fixture::start(&format!("[decision_log]\nfile = {file:?}")).await;
    calls(&fixture).await;
    lines(&file, 9).await;
    let refused = replay(&fixture, &file, &["--user", "ada@acme.test"]).unwrap_err();
    assert!(refused.contains("decisions.ndjson:1: ") && refused.contains("`--data FOLDER`"), "{refused}");
}

/// Lines of a log, kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_enforcement_would_deny_is_in_the_decision_log_and_in_the_servers_own() {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.ndjson");
    let log = format!("[decision_log]\nfile = {file:?}\nallowed_one_in = 0");
    let fixture = Fixture::reporting(&log).await;
    let reader = fixture.token(READER, "ada@acme.test").await;
    assert_eq!(fixture.call("GET", "/books", &reader).await.status(), 200);
    assert_eq!(fixture.call("POST", "/books", &reader).await.status(), 200, "only reported");

    // a plain allow is left out, what enforcement would deny is not
    let lines = lines(&file, 1).await;
    let [would] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&would["operation"], &would["decision"]), (&json!("addBook"), &json!("allow")));
    assert_eq!(would["would_be_missing"], json!({"scopes_any_of": [["books"]]}));

    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let said: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<_> = said
        .iter()
        .filter(|line| line["fields"]["message"] == "enforcement would have refused this call")
        .map(|line| &line["fields"])
        .collect();
    let [fields] = &said[..] else { panic!("{text}") };
    assert_eq!(
        (&fields["organization.id"], &fields["client.id"], &fields["operation.id"]),
        (&json!("acme"), &json!(READER), &json!("addBook"))
    );
    assert_eq!(fields["missing"], r#"{"scopes_any_of":[["books"]]}"#);
}
