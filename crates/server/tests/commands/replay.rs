//! `countersign replay`: what an app needed, what it holds and did not need, what a proposal would deny.

mod bad_input;
mod proposals;
mod smallest;

use serde_json::{Value, json};

use crate::binary::{Folder, Run, repository, run};

const BOOKSHOP: &str = "examples/bookshop.openapi.yaml";

/// acme authorized Till for all of the bookshop; Mary sells, Alan does not.
const WORLD: &str = r#"organizations:
  - id: acme
    name: Acme Corp
    roles:
      - {name: Bookseller, permissions: ["orders:order:*"]}
      - {name: Refund desk, permissions: ["orders:order:view", "orders:refund:add"]}
    users:
      - {email: mary@acme.test, roles: [Bookseller, Refund desk]}
      - {email: alan@acme.test}
    clients:
      - {id: till-1, name: Till, grant_types: [client_credentials], secret: s, scopes: [orders], roles: [Bookseller]}
      - {name: Reader}
    authorizations:
      - {client: Till, scopes: [orders, "orders:readonly", books, "books:readonly"]}
      - {client: Reader, scopes: [books], state: denied}
  - id: globex
    clients: [{id: elsewhere, name: Elsewhere}]
"#;

struct Shop(Folder);

impl Shop {
    fn new() -> Self {
        let folder = Folder::new();
        folder.file("world.yaml", WORLD);
        Self(folder)
    }

    fn replay(&self, arguments: &[&str], log: &str) -> Run {
        let (contract, world) = (repository(BOOKSHOP), self.0.path("world.yaml"));
        let mut all = vec!["replay", "--contract", &contract, "--world", &world, "--organization", "acme"];
        if !arguments.contains(&"--client") {
            all.extend(["--client", "Till"]);
        }
        all.extend(arguments);
        run(&all, log)
    }

    /// The report on Mary's calls.
    fn report(&self, arguments: &[&str], log: &str) -> Value {
        let run = self.replay(&[&["--user", "mary@acme.test", "--json"], arguments].concat(), log);
        assert_eq!(run.status, 0, "{run:?}");
        serde_json::from_str(&run.stdout).expect("one JSON object")
    }

    /// What is said of bad input.
    fn refused(&self, arguments: &[&str], log: &str) -> String {
        let run = self.replay(arguments, log);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
        run.stderr
    }
}

fn call(method: &str, path: &str) -> String {
    format!("{}\n", json!({"method": method, "path": path}))
}

/// Two reads of orders and one of a book.
fn reads() -> String {
    [call("GET", "/orders"), call("GET", "/orders/7?expand=items"), call("GET", "/books/1")].concat()
}

#[test]
fn the_smallest_sets_cover_the_log_and_the_rest_is_named() {
    let report = Shop::new().report(&[], &reads());
    assert_eq!(report["calls"]["read"], 3);
    assert_eq!(report["now"], json!({"allowed": 3, "denied": 0}));
    let ids: Vec<_> = report["operations"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, ["getBook", "getOrder", "listOrders"]);
    assert_eq!(
        report["scopes"],
        json!({
            "smallest": ["books:readonly", "orders:readonly"], "is_minimal": true, "is_authorized": true,
            "granted": ["books", "books:readonly", "orders", "orders:readonly"],
            "needed": ["books:readonly", "orders:readonly"],
            "unneeded": ["books", "orders"], "unused": [], "unknown_to_contract": [], "missing": [],
        })
    );
    assert_eq!(report["permissions"], json!({"smallest": ["orders:order:edit"], "is_minimal": true}));
    let mary = &report["subjects"][0];
    assert_eq!((&mary["user"], &mary["calls"]), (&json!("mary@acme.test"), &json!(3)));
    assert_eq!(mary["needed"], json!(["orders:order:edit"]));
    assert_eq!(mary["unneeded"], json!(["orders:order:add", "orders:order:view", "orders:refund:add"]));
    assert_eq!(mary["unused"], json!(["orders:order:add", "orders:refund:add"]));
    // Of two roles that would do alone, the one that holds less.
    assert_eq!((&mary["needed_roles"], &mary["unneeded_roles"]), (&json!(["Refund desk"]), &json!(["Bookseller"])));
    assert_eq!(report["proposal"], Value::Null);
}

#[test]
fn what_is_granted_and_could_never_be_used_is_told_from_what_can_be_spared() {
    let report = Shop::new().report(&[], &call("GET", "/orders"));
    assert_eq!(report["scopes"]["unneeded"], json!(["books", "books:readonly", "orders"]));
    assert_eq!(report["scopes"]["unused"], json!(["books", "books:readonly"]));
}

#[test]
fn every_format_says_the_same() {
    let shop = Shop::new();
    let combined = concat!(
        "10.0.0.1 - - [01/Aug/2026:10:00:00 +0000] \"GET /orders HTTP/1.1\" 200 512 \"-\" \"curl \\\"8\\\"\"\n",
        "10.0.0.1 - mary [01/Aug/2026:10:00:01 +0000] \"GET /orders/7?expand=items HTTP/1.1\" 200 -\r\n",
        "\n",
        "10.0.0.1 - - [01/Aug/2026:10:00:02 +0000] \"GET /books/\\x31 HTTP/2.0\" 304 0",
    );
    let objects = concat!(
        r#"{"request":{"method":"GET","uri":"/orders","host":"h"},"status":200}"#,
        "\n",
        r#"{"RequestMethod":"GET","RequestPath":"/orders/7?expand=items","DownstreamStatus":200}"#,
        "\n",
        r#"{"level":"info","msg":"certificate renewed"}"#,
        "\n",
        r#"{"request":"GET /books/1 HTTP/1.1","status":"200"}"#,
    );
    let har = json!({"log": {"version": "1.2", "entries": [
        {"request": {"method": "GET", "url": "https://shop.test/orders"}, "response": {"status": 200}},
        {"request": {"method": "GET", "url": "https://shop.test/orders/7?expand=items#x"}, "response": {"status": 200}},
        {"request": {"method": "GET", "url": "data:text/plain,x"}, "response": {"status": 200}},
        {"request": {"method": "GET", "url": "https://shop.test/books/1"}},
    ]}});
    let calls = reads();
    let pretty = serde_json::to_string_pretty(&har).unwrap();
    let without_calls = |mut report: Value| {
        report["calls"] = Value::Null;
        report
    };
    let expected = without_calls(shop.report(&[], &calls));
    for (format, log) in [
        ("calls", calls.as_str()),
        ("combined", combined),
        ("json", objects),
        ("har", &har.to_string()),
        ("har", &pretty),
        ("har", &format!("\u{feff}{pretty}")),
    ] {
        for named in [format, "auto"] {
            assert_eq!(without_calls(shop.report(&["--format", named], log)), expected, "{format} as {named}");
        }
    }
    let file = shop.0.file("a.log", combined);
    let both = shop.report(&[&file, "-"], &calls);
    assert_eq!(both["operations"][0]["calls"], 2);
}

#[test]
fn a_line_says_who_called_and_lines_of_others_are_passed_over() {
    let line = |caller: Value| {
        let mut line = json!({"method": "GET", "path": "/orders"});
        line.as_object_mut().unwrap().extend(caller.as_object().unwrap().clone());
        format!("{line}\n")
    };
    let log = [
        line(json!({"organization": "globex"})),
        line(json!({"client": "Reader"})),
        line(json!({"client": "nobody's"})),
        line(json!({"organization": "acme", "client": "till-1", "user": "ALAN@acme.test"})),
        line(json!({"user": null})),
        line(json!({"user": "gone@acme.test"})),
        line(json!({})),
    ];
    let report = Shop::new().report(&[], &log.concat());
    assert_eq!(report["calls"]["skipped"]["other_organization"], 1);
    assert_eq!(report["calls"]["skipped"]["other_client"], 2);
    assert_eq!(report["calls"]["read"], 4);
    assert_eq!(report["now"], json!({"allowed": 2, "denied": 2}), "the app itself and Mary; not Alan, nor a stranger");
    let users: Vec<_> = report["subjects"].as_array().unwrap().iter().map(|one| one["user"].clone()).collect();
    assert_eq!(users, [Value::Null, json!("alan@acme.test"), json!("mary@acme.test")]);
    assert_eq!(report["subjects"][1]["missing"], json!([[["orders:order:edit"], ["orders:order:view"]]]));
}

#[test]
fn a_token_that_asked_for_one_scope_needs_that_one() {
    let line = |scopes: Value| format!("{}\n", json!({"method": "GET", "path": "/orders", "scopes": scopes}));
    let report = Shop::new().report(&[], &line(json!(["orders", "books"])));
    assert_eq!(report["scopes"]["smallest"], json!(["orders"]));
    let report = Shop::new().report(&[], &line(json!(["books"])));
    assert_eq!(report["scopes"]["smallest"], json!([]));
    assert_eq!(report["unmatched"][0]["reason"], "token_scopes_too_narrow");
}

#[test]
fn calls_that_failed_are_reported_apart_and_count_when_asked_for() {
    let line = |path: &str, status: u16| format!("{}\n", json!({"method": "GET", "path": path, "status": status}));
    let log = [line("/orders", 200), line("/books", 403), line("/books/1", 404), line("/orders/1", 304)].concat();
    let shop = Shop::new();
    let report = shop.report(&[], &log);
    assert_eq!(report["scopes"]["smallest"], json!(["orders:readonly"]));
    assert_eq!(report["calls"]["not_counted_by_status"], json!({"403": 1, "404": 1}));
    let apart = report["operations_not_counted"].as_array().unwrap().iter().map(|one| &one["id"]);
    assert_eq!(apart.collect::<Vec<_>>(), ["getBook", "listBooks"]);
    for (which, not_counted) in [("served", json!({"403": 1})), ("all", json!({}))] {
        let report = shop.report(&["--count", which], &log);
        assert_eq!(report["scopes"]["smallest"], json!(["books:readonly", "orders:readonly"]));
        assert_eq!(report["calls"]["not_counted_by_status"], not_counted);
    }
}

#[test]
fn calls_that_mean_no_operation_are_counted_with_examples_and_fit_for_a_terminal() {
    let log = concat!(
        "h - - [t] \"GET /.env HTTP/1.1\" 200 0\n",
        "h - - [t] \"GET /orders/../x HTTP/1.1\" 200 0\n",
        "h - - [t] \"GET /a\\x1b[2Jb\\xff c HTTP/1.1\" 200 0\n",
        "h - - [t] \"PUT /orders HTTP/1.1\" 200 0\n",
        "h - - [t] \"\\x16\\x03\\x01\" 400 0\n",
        "h - - [t] \"GET /opening-hours HTTP/1.1\" 200 0\n",
    );
    let shop = Shop::new();
    let report = shop.report(&[], log);
    let unmatched: Vec<_> =
        report["unmatched"].as_array().unwrap().iter().map(|one| (&one["reason"], &one["calls"])).collect();
    let expected = [("bad_request_target", 2), ("method_not_allowed", 1), ("no_such_operation", 1)];
    assert_eq!(unmatched.len(), 3);
    for (found, (reason, calls)) in unmatched.iter().zip(expected) {
        assert_eq!((found.0, found.1), (&json!(reason), &json!(calls)));
    }
    assert_eq!(report["calls"]["skipped"]["no_request"], 1);
    assert_eq!(
        report["unmatched"][2]["examples"][0],
        json!({"at": "standard input, line 1", "method": "GET", "path": "/.env"})
    );
    let shown = shop.replay(&["--user", "mary@acme.test"], log).stdout;
    assert!(!shown.contains('\u{1b}') && shown.contains(r"/a\u{1b}[2Jb\u{fffd} c"), "{shown}");
}

#[test]
fn only_what_stands_below_the_base_is_looked_at() {
    let har = json!({"log": {"entries": [
        {"request": {"method": "GET", "url": "https://API.shop.test:443/v1/orders"}},
        {"request": {"method": "GET", "url": "https://api.shop.test/v10/orders"}},
        {"request": {"method": "GET", "url": "https://static.shop.test/v1/orders"}},
    ]}});
    let report = Shop::new().report(&["--base", "https://api.shop.test/v1/"], &har.to_string());
    assert_eq!((&report["calls"]["read"], &report["calls"]["skipped"]["not_below_base"]), (&json!(1), &json!(2)));
    let report =
        Shop::new().report(&["--base", "/gateway"], &[call("GET", "/gateway/orders"), call("GET", "/x")].concat());
    assert_eq!((&report["calls"]["read"], &report["calls"]["skipped"]["not_below_base"]), (&json!(1), &json!(1)));
}

#[test]
fn an_empty_log_needs_nothing() {
    let report = Shop::new().report(&[], "");
    assert_eq!((&report["calls"]["read"], &report["scopes"]["smallest"]), (&json!(0), &json!([])));
    assert_eq!(report["scopes"]["unused"].as_array().unwrap().len(), 4);
}

#[test]
fn a_person_reads_the_same() {
    let run = Shop::new().replay(&["--user", "mary@acme.test", "--withdraw", "orders:readonly,orders"], &reads());
    for line in [
        "Till in Acme Corp (acme) for mary@acme.test: 3 calls",
        "  smallest set  books:readonly, orders:readonly",
        "  not needed    books, orders",
        "  never used    none",
        "  roles         `Bookseller`, `Refund desk`",
        "  denied        2, 2 of them allowed now",
        "NEWLY DENIED  1 ×  listOrders: missing_scope, lacks scope orders or orders:readonly",
    ] {
        assert!(run.stdout.lines().any(|shown| shown == line), "{line}\n{}", run.stdout);
    }
}
