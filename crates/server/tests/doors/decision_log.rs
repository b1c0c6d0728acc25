//! The decision log: every door writes the same lines, and no secret; `countersign replay` reads them.

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::fixture::{CONTRACT, Fixture, READER, SHOP, WORLD};

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
