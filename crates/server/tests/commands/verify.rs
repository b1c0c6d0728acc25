//! `countersign verify`: statements about a whole world, with a counterexample where one does not hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::binary::{Folder, Run, real_contract, repository, run};
use crate::call_by_call;

const BOOKSHOP: &str = "examples/bookshop.openapi.yaml";
const WORLD: &str = "examples/bookshop-world.yaml";

fn verify_in(contract: &str, world: &str, statements: &str, arguments: &[&str]) -> Run {
    let folder = Folder::new();
    let file = folder.file("statements.yaml", statements);
    let run = run(&[&["verify", &file, "--contract", contract, "--world", world], arguments].concat(), "");
    Run {
        stdout: run.stdout.replace(&file, "statements.yaml"),
        stderr: run.stderr.replace(&file, "statements.yaml"),
        ..run
    }
}

fn verify(statements: &str) -> Run {
    verify_in(&repository(BOOKSHOP), &repository(WORLD), statements, &[])
}

/// The exit status, and the verdict on the only statement.
fn verdict(statement: &str) -> (i32, Value) {
    let text = format!("statements:\n  - {statement}\n");
    let run = verify_in(&repository(BOOKSHOP), &repository(WORLD), &text, &["--json"]);
    let mut answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    assert_eq!(answer["passes"], answer["statements"][0]["passes"]);
    (run.status, answer["statements"][0].take())
}

#[test]
fn the_statements_of_the_example_hold() {
    let arguments = ["verify", &repository("examples/statements.yaml"), "--contract", &repository(BOOKSHOP)];
    let run = run(&[&arguments[..], &["--world", &repository(WORLD)]].concat(), "");
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(run.stdout.lines().filter(|line| line.starts_with("HOLDS  ")).count(), 4, "{}", run.stdout);
    assert!(run.stdout.ends_with("4 of 4 statements passed\n"));
}

#[test]
fn against_never_the_call_and_what_carried_it_are_named() {
    let (status, verdict) =
        verdict("{never: the till pays back, apps: {names: [Till]}, operations: {tags: [Orders], access: write}}");
    assert_eq!(status, 1);
    assert_eq!(
        verdict,
        json!({
            "kind": "never", "statement": "the till pays back", "line": 2, "passes": false, "holds": false,
            "selects_nothing": null, "calls": 16, "against": 4,
            "counterexample": {
                "organization": "acme", "client": "Till", "client_id": "0b1f6a52-37c4-4d1e-8f09-5a2c9d7e4b18",
                "user": "mary@acme.test", "operation": "placeOrder", "method": "POST", "path": "/orders",
                "carried_by": {
                    "scopes": ["orders"],
                    "permissions": [{
                        "permission": "orders:order:add", "roles": ["Bookseller"],
                        "assignments": [{"role": "Bookseller", "division": null}],
                    }],
                    "admitted_by": null,
                },
                "reason": null, "missing": null,
            },
        })
    );
}

#[test]
fn against_always_what_is_missing_is_named() {
    let about = "organizations: [acme], apps: {names: [Order Desk]}, users: {itself: false}";
    let statement = &format!("{{always: everybody reads, {about}, operations: {{ids: [listBooks, listOrders]}}}}");
    let (status, verdict) = verdict(statement);
    assert_eq!((status, &verdict["calls"], &verdict["against"]), (1, &json!(8), &json!(2)));
    let example = &verdict["counterexample"];
    assert_eq!((&example["user"], &example["operation"]), (&json!("ada@acme.test"), &json!("listOrders")));
    assert_eq!(example["reason"], "missing_permission");
    let permissions = json!({"mode": "ANY", "of": ["orders:order:view", "orders:order:edit"]});
    assert_eq!(example["missing"], json!({"permissions": permissions}));
    assert_eq!(example["carried_by"], Value::Null);
}

#[test]
fn the_app_itself_is_looked_at_where_no_user_is_selected_or_where_asked_for() {
    let orders = |users: &str| {
        let statement = format!(
            "{{never: s, organizations: [acme], apps: {{names: [Till]}}, operations: {{ids: [placeOrder]}}{users}}}"
        );
        let (_, verdict) = verdict(&statement);
        (
            verdict["calls"].as_u64().unwrap(),
            verdict["against"].as_u64().unwrap(),
            verdict["counterexample"]["user"].clone(),
        )
    };
    assert_eq!(orders(""), (5, 3, json!("mary@acme.test")));
    assert_eq!(orders(", users: {itself: false}"), (4, 2, json!("mary@acme.test")));
    assert_eq!(orders(", users: {emails: [KURT@acme.test]}"), (1, 1, json!("kurt@acme.test")));
    assert_eq!(orders(", users: {outside_roles: [Bookseller], itself: true}"), (3, 1, Value::Null));
    assert_eq!(orders(", users: {emails: [], itself: true}"), (1, 1, Value::Null));
}

#[test]
fn every_key_narrows() {
    for (keys, calls) in [
        ("", 3 * 9 * (5 + 3)),
        ("organizations: [globex]", 3 * 9 * 3),
        ("apps: {own: true}", 2 * 9 * 5 + 9 * 3),
        ("apps: {own: false}", 9 * 5 + 2 * 9 * 3),
        ("apps: {names: [Till], ids: [91e5d8f7-2c3a-4b60-8d74-e1a90f5c6b32]}", 2 * 9 * (5 + 3)),
        ("apps: {with_scopes: [\"books:readonly\"]}", 2 * 9 * 5),
        ("apps: {with_scopes: [\"books:readonly\", \"orders:readonly\"]}", 9 * 5),
        ("apps: {without_scopes: [\"books:readonly\", books]}", 9 * 5 + 2 * 9 * 3),
        ("apps: {states: [authorized]}", 3 * 9 * 5 + 9 * 3),
        ("apps: {states: [undecided]}", 2 * 9 * 3),
        ("users: {itself: false}", 3 * 9 * (4 + 2)),
        ("users: {in_roles: [Bookseller, Shelf keeper]}", 3 * 9 * (3 + 1)),
        ("users: {outside_roles: [Bookseller]}", 3 * 9 * (2 + 2)),
        ("users: {in_roles: [Bookseller], outside_roles: [Refund desk]}", 3 * 9),
        ("operations: {ids: [placeOrder, getBook]}", 3 * 2 * (5 + 3)),
        ("operations: {tags: [Orders]}", 3 * 4 * (5 + 3)),
        ("operations: {methods: [DELETE, POST]}", 3 * 4 * (5 + 3)),
        ("operations: {access: read}", 3 * 5 * (5 + 3)),
        ("operations: {paths: [\"/orders/*\"]}", 3 * 2 * (5 + 3)),
        ("operations: {paths: [\"/orders/{orderId}\", /books]}", 3 * 3 * (5 + 3)),
        ("operations: {paths: [\"/orders*\"], access: write, tags: [Orders]}", 3 * 2 * (5 + 3)),
    ] {
        let (_, verdict) = verdict(&format!("{{never: s, {keys}}}"));
        assert_eq!(verdict["calls"], calls, "{keys}");
    }
}

#[test]
fn a_statement_that_selects_nothing_fails_unless_it_may_be_empty() {
    for (keys, what) in [
        ("apps: {names: [Till], own: false}, organizations: [acme]", "apps"),
        ("users: {in_roles: [Bookseller], outside_roles: [Bookseller]}", "users"),
        ("operations: {tags: [Orders], methods: [DELETE]}", "operations"),
    ] {
        for kind in ["never", "always"] {
            let (status, strict) = verdict(&format!("{{{kind}: s, {keys}}}"));
            assert_eq!(
                (status, &strict["holds"], &strict["selects_nothing"]),
                (1, &json!(true), &json!(what)),
                "{keys}"
            );
            let (status, lenient) = verdict(&format!("{{{kind}: s, {keys}, may_be_empty: true}}"));
            assert_eq!((status, &lenient["passes"]), (0, &json!(true)), "{keys}");
        }
    }
    let shown = verify("statements: [{never: s, operations: {tags: [Orders], methods: [DELETE]}}]").stdout;
    assert!(shown.contains("selects nothing, no operations: a check that cannot fail is none"), "{shown}");
}

#[test]
fn public_operations_are_open_to_everybody() {
    let (status, verdict) = verdict("{never: s, operations: {ids: [getOpeningHours]}}");
    assert_eq!((status, &verdict["calls"], &verdict["against"]), (1, &json!(24), &json!(24)));
    assert_eq!(
        verdict["counterexample"]["carried_by"],
        json!({"scopes": null, "permissions": [], "admitted_by": null})
    );
}

#[test]
fn a_person_reads_what_holds_and_why_not() {
    let run = verify(
        "statements:
  - never: shelf keepers change the shelves
    apps: {own: true}
    operations: {tags: [Books], access: write}

  - always: mary sees orders
    organizations: [acme]
    apps: {names: [Price Watch]}
    users: {emails: [mary@acme.test]}
    operations: {ids: [listOrders]}

  - never: alan places orders
    users: {emails: [alan@acme.test]}
    operations: {ids: [placeOrder]}
",
    );
    let expected = "\
FAILS  never: shelf keepers change the shelves  statements.yaml:2, 26 calls
       Price Watch in globex can call addBook for hedy@globex.test  POST /books
         scope books
         permission books:book:add through `Shelf keeper` in all divisions
         the app is for certain roles only, such as `Shelf keeper` in all divisions
       2 such calls in all
FAILS  always: mary sees orders  statements.yaml:6, 1 call
       Price Watch in acme cannot call listOrders for mary@acme.test  GET /orders
         missing_scope: lacks scope orders or orders:readonly
       it is the only such call
HOLDS  never: alan places orders  statements.yaml:12, 3 calls
1 of 3 statements passed
";
    assert_eq!((run.status, run.stdout.as_str()), (1, expected));
}

#[test]
fn json_is_a_statements_file_too() {
    let (users, operations) = (json!({"outside_roles": ["Refund desk"]}), json!({"ids": ["refundOrder"]}));
    let statements = json!({"statements": [{"never": "s", "users": users, "operations": operations}]});
    assert_eq!(verify(&statements.to_string()).status, 0);
}

#[test]
fn bad_input_is_refused_with_file_line_and_what_would_be_right() {
    for (statements, message) in [
        ("", ":1: the file is empty: a statements file begins with `statements:`"),
        ("statements: []", ":1: there is no statement"),
        ("statement: []", ":1: `statement` is not a key here: the keys are `statements`"),
        ("statements:\n  - {nevr: s}", ":2: `nevr` is not a key here: the keys are `never`, `always`"),
        ("statements:\n  - {apps: {own: true}}", ":2: a statement begins with `never` or `always`"),
        ("statements:\n  - never: a\n    always: b", ":3: `never` and `always` stand in one statement"),
        ("statements:\n  - never: ' '", ":2: `never` is the sentence that people read"),
        (
            "statements:\n  - never: s\n    apps: {name: [Till]}",
            ":3: `name` is not a key here: the keys are `names`, `ids`",
        ),
        ("statements:\n  - never: s\n    users: {role: x}", ":3: `role` is not a key here: the keys are `emails`"),
        (
            "statements:\n  - never: s\n    operations: {id: x}",
            ":3: `id` is not a key here: the keys are `ids`, `tags`",
        ),
        ("statements:\n  - never: s\n    organizations: acme", ":3: a list is expected here"),
        ("statements:\n  - never: s\n    apps: {own: perhaps}", ":3: `true` or `false` is expected here"),
        (
            "statements:\n  - never: s\n    organizations: [acm]",
            ":3: `acm` is not an organization of the world file: its organizations are `acme`, `globex`",
        ),
        (
            "statements:\n  - never: s\n    apps: {names: [Tills]}",
            ":3: `Tills` is not the name of an app of the world file: there are `Till`",
        ),
        ("statements:\n  - never: s\n    apps: {ids: [Till]}", ":3: `Till` is not the id of an app of the world file"),
        (
            "statements:\n  - never: s\n    apps: {with_scopes: [order]}",
            ":3: `order` is not a scope of the contract: it has `orders`",
        ),
        (
            "statements:\n  - never: s\n    apps: {without_scopes: [order]}",
            ":3: `order` is not a scope of the contract",
        ),
        (
            "statements:\n  - never: s\n    apps: {states: [expired]}",
            ":3: `expired` is not a state: `authorized`, `requested`, `denied`, `revoked` and `undecided` are",
        ),
        (
            "statements:\n  - never: s\n    users: {emails: [mary@acme]}",
            ":3: `mary@acme` is not a user of an organization that the statement is about: they have `mary@acme.test`",
        ),
        (
            "statements:\n  - never: s\n    organizations: [globex]\n    users: {emails: [mary@acme.test]}",
            ":4: `mary@acme.test` is not a user",
        ),
        (
            "statements:\n  - never: s\n    users: {in_roles: [Seller]}",
            ":3: `Seller` is not a role of an organization that the statement is about",
        ),
        (
            "statements:\n  - never: s\n    organizations: [globex]\n    users:\n      in_roles:\n        - Refund desk",
            ":6: `Refund desk` is not a role",
        ),
        (
            "statements:\n  - never: s\n    operations: {ids: [placeOrders]}",
            ":3: `placeOrders` is not an operation of the contract: it has `placeOrder`",
        ),
        (
            "statements:\n  - never: s\n    operations: {tags: [Order]}",
            ":3: `Order` is not a tag of the contract: it has `Orders`",
        ),
        ("statements:\n  - never: s\n    operations: {methods: [get]}", ":3: `get` is not a method"),
        (
            "statements:\n  - never: s\n    operations: {paths: [/order]}",
            ":3: `/order`: the contract has no such path. It has `/orders`",
        ),
        (
            "statements:\n  - never: s\n    operations: {paths: [/customers*]}",
            ":3: `/customers*`: no path of the contract begins so",
        ),
        (
            "statements:\n  - never: s\n    operations: {paths: [\"/*/refunds\"]}",
            ":3: `/*/refunds`: a `*` stands at the end of a path only",
        ),
        (
            "statements:\n  - never: s\n    operations: {access: all}",
            ":3: `all` is not a value of `access`: `read` and `write` are",
        ),
    ] {
        let run = verify(statements);
        assert!(run.status == 2 && run.stdout.is_empty(), "{statements}: {run:?}");
        assert!(run.stderr.contains(&format!("error: statements.yaml{message}")), "{statements}: {}", run.stderr);
    }
    // One run names every mistake.
    let run =
        verify("statements:\n  - never: s\n    apps: {names: [x]}\n    operations: {ids: [y], access: z}\n  - {}\n");
    assert_eq!(run.stderr.lines().count(), 4, "{}", run.stderr);
    let missing = ["verify", "/nowhere.yaml", "--contract", &repository(BOOKSHOP), "--world", &repository(WORLD)];
    let run = crate::binary::run(&missing, "");
    assert!(run.status == 2 && run.stderr.contains("/nowhere.yaml: cannot be read"), "{run:?}");
}

/// For every app in every organization of the example world: as many calls as `evaluate` allows.
fn compare_with_evaluate(contract: &str) {
    let (world, operations) = (repository("examples/world.yaml"), call_by_call::operations(contract));
    let acme = ["ada", "grace", "edsger", "mary", "alan"].map(|name| format!("{name}@acme.test"));
    let globex = ["hedy", "katherine", "rosalind"].map(|name| format!("{name}@globex.test"));
    let clients = ["Team Directory", "Roster Sync", "Access Desk", "Onboarding Agent"];
    let (mut statements, mut expected) = (Vec::new(), Vec::new());
    for (organization, users) in [("acme", &acme[..]), ("globex", &globex)] {
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        for client in clients {
            let allowed = call_by_call::allowed((contract, &operations), &world, (organization, client), &users);
            let mut by_method: BTreeMap<&str, usize> = BTreeMap::new();
            for operation in &operations {
                let calls = allowed.get(operation["id"].as_str().unwrap()).map_or(0, std::collections::BTreeSet::len);
                *by_method.entry(operation["method"].as_str().unwrap()).or_default() += calls;
            }
            for (method, calls) in by_method {
                statements.push(json!({
                    "never": "s", "organizations": [organization], "apps": {"names": [client]},
                    "operations": {"methods": [method]},
                }));
                expected.push(calls);
            }
        }
    }
    let run = verify_in(contract, &world, &json!({"statements": statements}).to_string(), &["--json"]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    let against: Vec<usize> =
        answer["statements"].as_array().unwrap().iter().map(|one| one["against"].as_u64().unwrap() as usize).collect();
    assert_eq!(against, expected);
    assert!(expected.iter().sum::<usize>() > 30);
}

#[test]
fn as_many_calls_are_counted_as_evaluate_allows() {
    compare_with_evaluate(&repository("crates/server/api/platform.openapi.yaml"));
}

#[test]
fn as_many_calls_of_the_real_contract_are_counted_as_evaluate_allows() {
    let Some(contract) = real_contract() else { return };
    compare_with_evaluate(&contract);
}
