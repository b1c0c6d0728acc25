//! `countersign evaluate`: one decision a line, in order, from files alone.

use std::io::{BufRead, BufReader, Read, Write};

use crate::binary::{Folder, Run, command, real_contract, repository, run};

const BOOKSHOP: &str = "examples/bookshop.openapi.yaml";

/// Two organizations over the bookshop: acme authorized Till for `orders` and denied Spy.
const WORLD: &str = r#"organizations:
  - id: acme
    name: Acme Corp
    roles:
      - {name: Bookseller, permissions: ["orders:order:*"]}
      - {name: Refund desk, permissions: ["orders:order:view", "orders:refund:add"]}
      - {name: App approver, permissions: ["oauth:client:authorize"]}
      - {name: Role keeper, permissions: ["authorization:grant:add"]}
    users:
      - {email: mary@acme.test, name: Mary, roles: [Bookseller]}
      - {email: alan@acme.test, name: Alan}
      - {email: gone@acme.test, name: Gone, state: inactive, roles: [Bookseller]}
      - {email: grace@acme.test, name: Grace, roles: [App approver]}
      - {email: edsger@acme.test, name: Edsger, roles: [Role keeper]}
    clients:
      - {id: till-1, name: Till, grant_types: [client_credentials], secret: s, scopes: [orders], roles: [Bookseller]}
      - {name: Reader}
      - {name: Spy}
      - {name: New}
    authorizations:
      - {client: Till, scopes: [orders, "orders:readonly"]}
      - {client: Reader, scopes: ["orders:readonly"], roles: [Bookseller]}
      - {client: Spy, scopes: [orders], state: denied}
  - id: globex
    scope_enforcement: report
    users: [{email: hedy@globex.test}]
"#;

struct Shop(Folder);

impl Shop {
    fn new() -> Self {
        let folder = Folder::new();
        folder.file("world.yaml", WORLD);
        Self(folder)
    }

    fn evaluate(&self, lines: &str) -> Run {
        let (contract, world) = (repository(BOOKSHOP), self.0.path("world.yaml"));
        run(&["evaluate", "--contract", &contract, "--world", &world], lines)
    }
}

fn call(client: &str, user: &str, method: &str, path: &str) -> String {
    let line = serde_json::json!({
        "organization": "acme", "client": client, "user": user, "method": method, "path": path
    });
    format!("{line}\n")
}

#[test]
fn each_line_gets_its_decision_in_the_same_order() {
    let lines = [
        call("Till", "mary@acme.test", "POST", "/orders"),
        call("Till", "MARY@acme.test", "GET", "/orders/7?expand=items"),
        call("Reader", "mary@acme.test", "POST", "/orders"),
        call("Till", "alan@acme.test", "POST", "/orders"),
        call("Reader", "alan@acme.test", "POST", "/orders"),
        call("New", "alan@acme.test", "POST", "/orders"),
        call("Spy", "mary@acme.test", "POST", "/orders"),
        call("Nobody", "mary@acme.test", "POST", "/orders"),
        call("Till", "nobody@acme.test", "POST", "/orders"),
        call("Till", "gone@acme.test", "POST", "/orders"),
        call("Till", "mary@acme.test", "PATCH", "/orders"),
        call("Till", "mary@acme.test", "GET", "/nothing"),
        call("Till", "mary@acme.test", "GET", "/orders/../x"),
        call("Nobody", "nobody@acme.test", "GET", "/opening-hours"),
        r#"{"organization":"acme","client":"till-1","user":null,"method":"POST","path":"/orders"}"#.to_owned() + "\n",
        r#"{"organization":"acme","client":"till-1","scopes":["orders:readonly"],"method":"POST","path":"/orders"}"#
            .to_owned()
            + "\n",
        r#"{"organization":"initech","client":"till-1","method":"POST","path":"/orders"}"#.to_owned() + "\n",
        // The last line may lack its end.
        r#"{"organization":"globex","client":"till-1","user":"hedy@globex.test","method":"POST","path":"/orders"}"#
            .to_owned(),
    ];
    let run = Shop::new().evaluate(&lines.concat());
    assert_eq!((run.status, run.stderr.lines().filter(|line| line.starts_with("error")).count()), (0, 0), "{run:?}");
    let orders = r#""permissions":{"mode":"ANY","of":["orders:order:add"]}"#;
    let expected = [
        r#"{"decision":"allow","operation":"placeOrder"}"#.to_owned(),
        r#"{"decision":"allow","operation":"getOrder"}"#.to_owned(),
        r#"{"decision":"deny","operation":"placeOrder","reason":"missing_scope","missing":{"scopes_any_of":[["orders"]]}}"#.to_owned(),
        format!(r#"{{"decision":"deny","operation":"placeOrder","reason":"missing_permission","missing":{{{orders}}}}}"#),
        format!(
            r#"{{"decision":"deny","operation":"placeOrder","reason":"missing_scope","missing":{{"scopes_any_of":[["orders"]],{orders},"roles_any_of":["Bookseller"]}}}}"#
        ),
        format!(
            r#"{{"decision":"deny","operation":"placeOrder","reason":"app_not_authorized","missing":{{"scopes_any_of":[["orders"]],{orders}}}}}"#
        ),
        r#"{"decision":"deny","operation":"placeOrder","reason":"app_refused"}"#.to_owned(),
        r#"{"decision":"deny","operation":"placeOrder","reason":"unknown_client"}"#.to_owned(),
        r#"{"decision":"deny","operation":"placeOrder","reason":"unknown_user"}"#.to_owned(),
        r#"{"decision":"deny","operation":"placeOrder","reason":"inactive"}"#.to_owned(),
        r#"{"decision":"deny","operation":null,"reason":"method_not_allowed"}"#.to_owned(),
        r#"{"decision":"deny","operation":null,"reason":"no_such_operation"}"#.to_owned(),
        r#"{"decision":"deny","operation":null,"reason":"bad_request_target"}"#.to_owned(),
        r#"{"decision":"allow","operation":"getOpeningHours"}"#.to_owned(),
        r#"{"decision":"allow","operation":"placeOrder"}"#.to_owned(),
        r#"{"decision":"deny","operation":"placeOrder","reason":"missing_scope","missing":{"scopes_any_of":[["orders"]]}}"#.to_owned(),
        r#"{"decision":"deny","operation":"placeOrder","reason":"unknown_organization"}"#.to_owned(),
        format!(r#"{{"decision":"deny","operation":"placeOrder","reason":"missing_permission","missing":{{{orders}}}}}"#),
    ];
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_bad_line_stops_after_the_decisions_before_it_and_names_line_and_field() {
    let good = call("Till", "mary@acme.test", "GET", "/orders");
    for (bad, message) in [
        ("\n", "the line is empty: a request is one JSON object such as {\"organization\":"),
        ("nonsense\n", "expected ident at column 2: a request is one JSON object such as"),
        ("[]\n", "a request is one JSON object such as"),
        (r#"{"organization":"acme","client":"Till","method":"GET"}"#, "`path` is missing: a request is"),
        (r#"{"organization":"acme","client":7,"method":"GET","path":"/"}"#, "`client` must be a text: a request is"),
        (
            r#"{"organization":"acme","client":"Till","user":7,"method":"GET","path":"/"}"#,
            "`user` must be an e-mail address, or null where the app calls on its own behalf",
        ),
        (
            r#"{"organization":"acme","client":"Till","scopes":"orders","method":"GET","path":"/"}"#,
            "`scopes` must be a list of scopes, or be left out where the token asks for all",
        ),
        (
            r#"{"organization":"acme","client":"Till","scopes":["a b"],"method":"GET","path":"/"}"#,
            "`scopes`: `a b` is not a scope: ' ' cannot occur in one",
        ),
        (
            r#"{"organization":"acme","client":"Till","method":"GET","pth":"/","path":"/"}"#,
            "unknown field `pth`, expected one of `organization`, `client`, `user`, `scopes`, `method`, `path`",
        ),
        (
            r#"{"organization":"acme","client":"Till","method":"GET","method":"GET","path":"/"}"#,
            "duplicate field `method`",
        ),
    ] {
        let run = Shop::new().evaluate(&format!("{good}{good}{bad}"));
        assert_eq!(run.status, 2, "{bad}: {run:?}");
        assert_eq!(run.stdout.lines().count(), 2, "{bad}: what was decided before is written");
        let error = run.stderr.lines().find(|line| line.starts_with("error")).unwrap();
        assert!(error.starts_with("error: standard input, line 3: ") && error.contains(message), "{bad}: {error}");
    }
}

#[test]
fn a_line_of_more_than_a_mebibyte_is_refused() {
    let run = Shop::new().evaluate(&format!("{{\"path\":\"{}\"}}\n", "x".repeat(1_100_000)));
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("line 1: the line is longer than 1048576 bytes"), "{}", run.stderr);
}

#[test]
fn a_client_name_that_means_several_clients_is_bad_input() {
    let folder = Folder::new();
    let world = "organizations: [{id: a, clients: [{name: App}]}, {id: b, clients: [{name: App}]}, {id: c}]";
    let world = folder.file("world.yaml", world);
    let line = r#"{"organization":"c","client":"App","method":"GET","path":"/orders"}"#;
    let run = run(&["evaluate", "--contract", &repository(BOOKSHOP), "--world", &world], line);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.ends_with(
            "error: standard input, line 1: `client`: `App` is a client of `a` and of `b`: name it by its id\n"
        ),
        "{}",
        run.stderr
    );
}

#[test]
fn who_waits_for_an_answer_before_the_next_question_gets_it() {
    let shop = Shop::new();
    let (contract, world) = (repository(BOOKSHOP), shop.0.path("world.yaml"));
    let mut child = command(&["evaluate", "--contract", &contract, "--world", &world]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        stdin.write_all(call("Till", "mary@acme.test", "GET", "/orders").as_bytes()).unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), r#"{"decision":"allow","operation":"listOrders"}"#);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_has_enough_is_no_panic() {
    let shop = Shop::new();
    let (contract, world) = (repository(BOOKSHOP), shop.0.path("world.yaml"));
    let mut child = command(&["evaluate", "--contract", &contract, "--world", &world]).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let lines = call("Till", "mary@acme.test", "GET", "/orders").repeat(20_000);
    let _ = stdin.write_all(lines.as_bytes());
    drop(stdin);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.contains("panic")), (Some(0), false), "{stderr}");
}

#[test]
fn a_world_that_is_wrong_is_refused_with_file_line_and_what_would_be_right() {
    let folder = Folder::new();
    let world = folder.file(
        "w.yaml",
        WORLD.replace("roles: [App approver]", "roles: [App approvr]").replace("state: denied", "state: no"),
    );
    let run = run(&["evaluate", "--contract", &repository(BOOKSHOP), "--world", &world], "");
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert_eq!(
        run.stderr,
        format!(
            "error: {world}:13: `App approvr` is not a role of `acme`: its roles are `Bookseller`, `Refund desk`, `App approver`, `Role keeper`\n\
             error: {world}:23: `no` is not a value of `state`: it is one of `requested`, `authorized`, `denied`, `revoked`\n"
        )
    );
}

#[test]
fn every_operation_of_the_real_contract_is_decided() {
    let Some(contract) = real_contract() else { return };
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    let shown = run(&["contract", "show", "--json", &contract], "").stdout;
    let operations: Vec<serde_json::Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let target = |operation: &serde_json::Value| operation["path"].as_str().unwrap().replace(['{', '}'], "");
    let lines: String = operations
        .iter()
        .map(|one| call("Till", "alan@acme.test", one["method"].as_str().unwrap(), &target(one)))
        .collect();
    let run = run(&["evaluate", "--contract", &contract, "--world", &world], &lines);
    assert_eq!(run.status, 0, "{}", run.stderr.lines().last().unwrap_or_default());
    let decided = run.stdout.lines().filter(|line| !line.contains(r#""operation":null"#)).count();
    assert_eq!((operations.len(), decided), (3_180, 3_180));
}
