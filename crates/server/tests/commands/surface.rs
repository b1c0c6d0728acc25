//! `countersign surface`: every operation that an app can call, and the same as `evaluate` says call by call.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::binary::{Folder, Run, real_contract, repository, run};
use crate::call_by_call;

const BOOKSHOP: &str = "examples/bookshop.openapi.yaml";

/// acme authorized Till for orders, Desk for its booksellers only and denied Spy.
const WORLD: &str = r#"organizations:
  - id: acme
    name: Acme Corp
    roles:
      - {name: Bookseller, permissions: ["orders:order:*"]}
      - {name: Refund desk, permissions: ["orders:order:view", "orders:refund:add"]}
    users:
      - {email: mary@acme.test, roles: [Bookseller, Refund desk]}
      - {email: alan@acme.test}
      - {email: kurt@acme.test, roles: [Bookseller]}
      - {email: gone@acme.test, state: inactive, roles: [Bookseller]}
    clients:
      - {id: till-1, name: Till, grant_types: [client_credentials], secret: s, roles: [Refund desk]}
      - {name: Desk}
      - {name: Spy}
      - {name: New}
    authorizations:
      - {client: Till, scopes: [orders]}
      - {client: Desk, scopes: ["orders:readonly", "books:readonly"], roles: [Refund desk]}
      - {client: Spy, scopes: [orders], state: denied}
  - id: globex
    scope_enforcement: off
    clients: [{name: Shared}]
  - id: initech
    clients: [{name: Shared}]
"#;

fn surface(arguments: &[&str]) -> Run {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    let contract = repository(BOOKSHOP);
    run(&[&["surface", "--contract", &contract, "--world", &world], arguments].concat(), "")
}

fn answer(arguments: &[&str]) -> Value {
    let run = surface(&[arguments, &["--json"]].concat());
    assert_eq!(run.status, 0, "{run:?}");
    serde_json::from_str(&run.stdout).expect("one JSON object")
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["operations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[test]
fn what_an_app_can_call_for_anybody_is_listed_with_how_many_people() {
    let answer = answer(&["--organization", "acme", "--client", "Till"]);
    let operation = |id: &str, request: &str, tag: &str, access: &str, people: usize| {
        let (method, path) = request.split_once(' ').unwrap();
        json!({"id": id, "method": method, "path": path, "tag": tag, "access": access, "people": people})
    };
    assert_eq!(
        answer,
        json!({
            "organization": "acme", "client": "Till", "user": null, "people": 3, "people_reached": 2,
            "operations_of_contract": 9, "reason": null,
            "operations": [
                operation("getOpeningHours", "GET /opening-hours", "Books", "read", 3),
                operation("listOrders", "GET /orders", "Orders", "read", 2),
                operation("placeOrder", "POST /orders", "Orders", "write", 2),
                operation("getOrder", "GET /orders/{orderId}", "Orders", "read", 2),
                operation("refundOrder", "POST /orders/{orderId}/refunds", "Orders", "write", 1),
            ],
            "on_its_own_behalf": ["getOpeningHours", "listOrders", "getOrder", "refundOrder"],
        })
    );
}

#[test]
fn for_one_user_it_is_what_that_user_may_do_too() {
    let kurt = answer(&["--organization", "acme", "--client", "till-1", "--user", "KURT@acme.test"]);
    assert_eq!(ids(&kurt), ["getOpeningHours", "listOrders", "placeOrder", "getOrder"]);
    assert_eq!((&kurt["people"], &kurt["people_reached"]), (&json!(1), &json!(1)));
    assert_eq!(kurt["on_its_own_behalf"], Value::Null);
}

#[test]
fn an_app_for_certain_roles_reaches_their_holders_only() {
    let everybody = answer(&["--organization", "acme", "--client", "Desk"]);
    assert_eq!(ids(&everybody), ["getOpeningHours", "listBooks", "getBook", "listOrders", "getOrder"]);
    assert_eq!((&everybody["people_reached"], &everybody["operations"][1]["people"]), (&json!(1), &json!(1)));
}

#[test]
fn a_token_that_asks_for_less_can_do_less() {
    let reader = ["--organization", "acme", "--client", "Desk", "--scopes", "books:readonly"];
    assert_eq!(ids(&answer(&reader)), ["getOpeningHours", "listBooks", "getBook"]);
    let mary = [&reader[..], &["--user", "mary@acme.test"]].concat();
    assert_eq!(ids(&answer(&mary)), ["getOpeningHours", "listBooks", "getBook"]);
    assert_eq!(
        ids(&answer(&["--organization", "globex", "--client", "till-1", "--scopes", "books"])),
        ["getOpeningHours"]
    );
}

#[test]
fn where_nothing_can_be_called_the_reason_is_given() {
    for (arguments, reason) in [
        (&["--organization", "nowhere", "--client", "Shared"][..], "unknown_organization"),
        (&["--organization", "acme", "--client", "Nobody"], "unknown_client"),
        (&["--organization", "acme", "--client", "Till", "--user", "nobody@acme.test"], "unknown_user"),
        (&["--organization", "acme", "--client", "Till", "--user", "gone@acme.test"], "inactive"),
        (&["--organization", "acme", "--client", "Spy"], "app_refused"),
        (&["--organization", "acme", "--client", "Spy", "--user", "mary@acme.test"], "app_refused"),
        (&["--organization", "acme", "--client", "New"], "app_not_authorized"),
        (&["--organization", "acme", "--client", "New", "--user", "mary@acme.test"], "app_not_authorized"),
        (&["--organization", "initech", "--client", "Shared"], "app_not_authorized"),
    ] {
        let answer = answer(arguments);
        assert_eq!((&answer["reason"], ids(&answer)), (&json!(reason), vec!["getOpeningHours"]), "{arguments:?}");
        assert_eq!(answer["people_reached"], 0);
        let shown = surface(arguments).stdout;
        assert!(shown.contains(&format!("  reason  {reason}: ")), "{shown}");
    }
    let nothing_missing = answer(&["--organization", "acme", "--client", "Till", "--user", "alan@acme.test"]);
    assert_eq!((&nothing_missing["reason"], ids(&nothing_missing)), (&Value::Null, vec!["getOpeningHours"]));
}

#[test]
fn a_person_reads_reads_and_writes_apart_under_their_tags() {
    let run = surface(&["--organization", "acme", "--client", "till-1"]);
    let expected = "\
Till in Acme Corp (acme) can call 5 of 9 operations: 3 read, 2 write, 1 of them public; for 2 of 3 people
Books: 1 read
  read
  public  getOpeningHours  GET    /opening-hours
Orders: 2 read, 2 write
  read
       2  listOrders       GET    /orders
       2  getOrder         GET    /orders/{orderId}
  write
       2  placeOrder       POST   /orders
       1  refundOrder      POST   /orders/{orderId}/refunds
On its own behalf: 4 of 9 operations: 3 read, 1 write, 1 of them public
Books: 1 read
  read
    getOpeningHours  GET    /opening-hours
Orders: 2 read, 1 write
  read
    listOrders       GET    /orders
    getOrder         GET    /orders/{orderId}
  write
    refundOrder      POST   /orders/{orderId}/refunds
";
    assert_eq!((run.status, run.stdout.as_str()), (0, expected));
    let mary = surface(&["--organization", "acme", "--client", "Till", "--user", "alan@acme.test"]).stdout;
    let summary =
        "Till in Acme Corp (acme) can call 1 of 9 operations for alan@acme.test: 1 read, 0 write, 1 of them public";
    assert_eq!(mary.lines().next(), Some(summary));
}

#[test]
fn an_operation_without_tag_stands_under_the_first_segment_that_tells_it_from_others() {
    let folder = Folder::new();
    let rows = json!({"columns": ["id", "method", "path", "scopes", "tag"], "operations": [
        ["a", "GET", "/api/v2/users/{id}", [], null], ["b", "GET", "/api/v2/{any}", [], null],
        ["c", "GET", "/api/v2/orders", [], ["Shop", "Orders"]], ["d", "GET", "/api/v2", [], null],
    ]});
    let (contract, world) = (folder.file("rows.json", rows.to_string()), folder.file("world.yaml", WORLD));
    let arguments =
        ["surface", "--contract", &contract, "--world", &world, "--organization", "acme", "--client", "Till"];
    let answer: Value = serde_json::from_str(&run(&[&arguments[..], &["--json"]].concat(), "").stdout).unwrap();
    let tags: Vec<_> = answer["operations"].as_array().unwrap().iter().map(|one| &one["tag"]).collect();
    assert_eq!(tags, ["users", "untagged", "Shop", "untagged"]);
}

#[test]
fn bad_input_is_refused_with_what_would_be_right() {
    for (arguments, message) in [
        (
            &["--organization", "acme", "--client", "Shared"][..],
            "`--client`: `Shared` is a client of `globex` and of `initech`: name it by its id",
        ),
        (&["--organization", "acme"], "--client <NAME or ID>"),
        (&["--client", "Till"], "--organization <ID>"),
        (&["--organization", "acme", "--client", "Till", "--scopes", "a b"], "`a b` is not a scope"),
        (&["--organization", "acme", "--client", "Till", "--world", "/nowhere"], "cannot be used multiple times"),
    ] {
        let run = surface(arguments);
        assert!(run.status == 2 && run.stdout.is_empty() && run.stderr.contains(message), "{arguments:?}: {run:?}");
    }
    let missing = ["surface", "--contract", "/nowhere.yaml", "--world", "w", "--organization", "a", "--client", "c"];
    let run = run(&missing, "");
    assert!(run.status == 2 && run.stderr.contains("/nowhere.yaml: cannot be read"), "{run:?}");
}

/// The surface of every app of the example world in both organizations is what `evaluate` allows call by call.
fn compare_with_evaluate(contract: &str) {
    let (world, operations) = (repository("examples/world.yaml"), call_by_call::operations(contract));
    let acme = ["ada", "grace", "edsger", "mary", "alan"].map(|name| format!("{name}@acme.test"));
    let globex = ["hedy", "katherine", "rosalind"].map(|name| format!("{name}@globex.test"));
    let mut seen = 0;
    for (organization, users) in [("acme", &acme[..]), ("globex", &globex)] {
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        for client in ["Team Directory", "Roster Sync", "Access Desk", "Onboarding Agent"] {
            let allowed = call_by_call::allowed((contract, &operations), &world, (organization, client), &users);
            let people: BTreeMap<String, usize> = allowed
                .iter()
                .map(|(id, whom)| (id.clone(), whom.iter().flatten().count()))
                .filter(|(_, people)| *people > 0)
                .collect();
            let named = ["--contract", contract, "--world", &world, "--organization", organization, "--client", client];
            let surface = |user: &[&str]| -> Value {
                let run = run(&[&["surface", "--json"], &named[..], user].concat(), "");
                serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
            };
            let found = surface(&[]);
            let listed: BTreeMap<String, usize> = found["operations"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| (one["id"].as_str().unwrap().to_owned(), one["people"].as_u64().unwrap() as usize))
                .collect();
            assert_eq!(listed, people, "{client} in {organization}");
            let may = |subject: Option<&str>| -> BTreeSet<&str> {
                allowed.iter().filter(|(_, whom)| whom.contains(&subject)).map(|(id, _)| id.as_str()).collect()
            };
            let itself = found["on_its_own_behalf"].as_array().unwrap().iter();
            let itself: BTreeSet<_> = itself.map(|id| id.as_str().unwrap()).collect();
            assert_eq!(itself, may(None), "{client} in {organization}");
            let one = surface(&["--user", users[0]]);
            let of_one: BTreeSet<_> = ids(&one).into_iter().collect();
            assert_eq!(of_one, may(Some(users[0])), "{client} in {organization}");
            seen += listed.len();
        }
    }
    assert!(seen > 20, "the example world opens too little for this to be a test: {seen}");
}

#[test]
fn a_surface_is_what_evaluate_allows_call_by_call() {
    compare_with_evaluate(&repository("crates/server/api/platform.openapi.yaml"));
}

#[test]
fn a_surface_of_the_real_contract_is_what_evaluate_allows_call_by_call() {
    let Some(contract) = real_contract() else { return };
    compare_with_evaluate(&contract);
}
