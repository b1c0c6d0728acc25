//! `countersign impact`: what a proposal changes, and the same as two rounds of `evaluate` say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::binary::{Folder, Run, real_contract, repository, run};
use crate::call_by_call;

const BOOKSHOP: &str = "examples/bookshop.openapi.yaml";

/// Mary sells, Alan does not; Till may do everything with orders, Reader see them, Elsewhere is another's.
const WORLD: &str = r#"organizations:
  - id: acme
    name: Acme Corp
    roles:
      - {name: Bookseller, permissions: ["orders:order:*"]}
      - {name: Refund desk, permissions: ["orders:order:view", "orders:refund:add"]}
    users:
      - {email: mary@acme.test, roles: [Bookseller]}
      - {email: kurt@acme.test, roles: [Bookseller]}
      - {email: alan@acme.test}
    clients:
      - {id: till-1, name: Till, grant_types: [client_credentials], secret: s, roles: [Bookseller]}
      - {name: Reader}
      - {name: New}
    authorizations:
      - {client: Till, scopes: [orders]}
      - {client: Reader, scopes: ["orders:readonly"]}
      - {client: elsewhere, scopes: [books]}
  - id: globex
    clients: [{id: elsewhere, name: Elsewhere}]
"#;

fn impact_in(folder: &Folder, arguments: &[&str]) -> Run {
    let (contract, world) = (repository(BOOKSHOP), folder.file("world.yaml", WORLD));
    run(&[&["impact", "--contract", &contract, "--world", &world, "--organization", "acme"], arguments].concat(), "")
}

fn impact(arguments: &[&str]) -> Run {
    impact_in(&Folder::new(), arguments)
}

fn answer(arguments: &[&str]) -> Value {
    let run = impact(&[arguments, &["--json"]].concat());
    assert_eq!(run.status, 0, "{run:?}");
    serde_json::from_str(&run.stdout).expect("one JSON object")
}

/// An operation with its people before, after, gained, lost.
type Numbers<'a> = (&'a str, [u64; 4]);

/// By app: what is different.
fn numbers(answer: &Value) -> Vec<(&str, Vec<Numbers<'_>>)> {
    let number = |one: &Value, key: &str| one[key].as_u64().unwrap();
    let apps = answer["apps"].as_array().unwrap().iter();
    let of = |one: &Value| ["people_before", "people_after", "gained", "lost"].map(|key| number(one, key));
    apps.map(|app| {
        let operations = app["operations"].as_array().unwrap().iter();
        (app["name"].as_str().unwrap(), operations.map(|one| (one["id"].as_str().unwrap(), of(one))).collect())
    })
    .collect()
}

#[test]
fn a_scope_that_is_granted_gains_operations() {
    assert_eq!(
        answer(&["--client", "Reader", "--grant", "orders"]),
        json!({
            "organization": "acme", "client": "Reader", "user": null, "changes_nothing": false,
            "apps": [{
                "name": "Reader", "client_id": null, "registered_by": "acme",
                "operations": [{
                    "id": "placeOrder", "method": "POST", "path": "/orders", "tag": "Orders", "access": "write",
                    "people_before": 0, "people_after": 2, "gained": 2, "lost": 0,
                }],
                "people_gaining": ["kurt@acme.test", "mary@acme.test"], "people_losing": [],
                "gained_on_its_own_behalf": [], "lost_on_its_own_behalf": [],
            }],
            "apps_without_difference": 0,
        })
    );
}

#[test]
fn a_role_that_is_edited_changes_every_app_that_its_holders_use() {
    let answer = answer(&["--role", "Bookseller", "--add-permission", "orders:refund:add"]);
    assert_eq!(numbers(&answer), [("Till", vec![("refundOrder", [0, 2, 2, 0])])]);
    assert_eq!(answer["apps"][0]["gained_on_its_own_behalf"], json!(["refundOrder"]));
    assert_eq!(answer["apps_without_difference"], 3, "Reader, New and Elsewhere");
}

#[test]
fn a_role_that_is_given_changes_its_holder_only() {
    let arguments = ["--user", "alan@acme.test", "--give-role", "Bookseller"];
    let answer = answer(&arguments);
    let orders = |app: &Value| -> Vec<String> {
        app["operations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(orders(&answer["apps"][0]), ["listOrders", "getOrder"], "Reader");
    assert_eq!(orders(&answer["apps"][1]), ["listOrders", "placeOrder", "getOrder"], "Till");
    assert!(answer["apps"].as_array().unwrap().iter().all(|app| app["people_gaining"] == json!(["alan@acme.test"])));
}

#[test]
fn an_enforcement_that_is_switched_off_opens_every_app() {
    let answer = answer(&["--enforcement", "off"]);
    assert_eq!(answer["apps"].as_array().unwrap().len(), 4, "{answer}");
    let (name, operations) = &numbers(&answer)[0];
    assert_eq!((*name, operations.len()), ("Elsewhere", 3), "it was granted `books` and gains the orders");
    let state = self::answer(&["--client", "Till", "--state", "revoked"]);
    assert_eq!(state["apps"][0]["people_losing"], json!(["kurt@acme.test", "mary@acme.test"]));
    assert_eq!(state["apps"][0]["lost_on_its_own_behalf"], json!(["listOrders", "placeOrder", "getOrder"]));
}

#[test]
fn a_second_world_file_may_change_everything_and_lack_an_app() {
    let folder = Folder::new();
    let without_till = WORLD
        .lines()
        .filter(|line| !line.contains("name: Till") && !line.contains("client: Till"))
        .map(|line| format!("{}\n", line.replace("alan@acme.test}", "alan@acme.test, roles: [Refund desk]}")))
        .collect::<String>();
    let proposed = folder.file("proposed.yaml", without_till);
    let run = impact_in(&folder, &["--proposed", &proposed, "--json"]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    assert_eq!(
        numbers(&answer),
        [
            ("Reader", vec![("listOrders", [2, 3, 1, 0]), ("getOrder", [2, 3, 1, 0])]),
            ("Till", vec![("listOrders", [2, 0, 0, 2]), ("placeOrder", [2, 0, 0, 2]), ("getOrder", [2, 0, 0, 2])]),
        ]
    );
    let other = folder.file("other.yaml", "organizations: [{id: globex}]");
    let run = impact_in(&folder, &["--proposed", &other]);
    assert!(run.status == 2 && run.stderr.contains("`acme` is not an organization of that world file"), "{run:?}");
}

#[test]
fn a_proposal_that_changes_nothing_is_said_so() {
    let folder = Folder::new();
    let same = folder.file("same.yaml", WORLD);
    for arguments in [
        &["--client", "Till", "--grant", "orders:readonly"][..],
        &["--client", "Till", "--grant", "orders"],
        &["--enforcement", "enforce"],
        &["--proposed", &same],
    ] {
        let run = impact_in(&folder, arguments);
        assert!(run.stdout.starts_with("Nothing changes in Acme Corp (acme): "), "{run:?}");
        let run = impact_in(&folder, &[arguments, &["--json"]].concat());
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((&answer["changes_nothing"], &answer["apps"]), (&json!(true), &json!([])));
    }
}

#[test]
fn a_person_reads_who_gains_and_what() {
    let run = impact(&[
        "--role",
        "Bookseller",
        "--add-permission",
        "orders:refund:add",
        "--remove-permission",
        "orders:order:add",
    ]);
    let expected = "\
The proposal changes what 1 of 4 apps can call in Acme Corp (acme)

Till: 1 operation gained, 1 lost; 2 people gain, 2 lose
  gain  kurt@acme.test, mary@acme.test
  lose  kurt@acme.test, mary@acme.test
Orders: 2 write
  write
  2 → 0     -2  placeOrder   POST   /orders
  0 → 2  +2     refundOrder  POST   /orders/{orderId}/refunds
On its own behalf: 1 operation gained, 1 lost
Orders: 2 write
  write
  +  refundOrder  POST   /orders/{orderId}/refunds
  -  placeOrder   POST   /orders
";
    assert_eq!((run.status, run.stdout.as_str()), (0, expected));
}

#[test]
fn bad_input_is_refused_with_what_would_be_right() {
    for (arguments, message) in [
        (&[][..], "nothing is proposed: give one of the options under `Proposal`"),
        (&["--grant", "orders"], "`--client` says which app `--grant`"),
        (&["--give-role", "Bookseller"], "`--user` or `--client` says who: name one"),
        (&["--client", "Tills", "--grant", "orders"], "is not an app of the world file: `acme` registered `Till`"),
        (&["--client", "Till", "--grant", "order"], "the contract has no scope `order`: it has `orders`"),
        (&["--user", "mary@acme", "--give-role", "Bookseller"], "its users are `mary@acme.test`"),
        (&["--role", "Seller", "--add-permission", "orders:order:add"], "its roles are `Bookseller`"),
        (&["--proposed", "/nowhere.yaml"], "/nowhere.yaml: cannot be read"),
    ] {
        let run = impact(arguments);
        assert!(run.status == 2 && run.stdout.is_empty() && run.stderr.contains(message), "{arguments:?}: {run:?}");
    }
    let (contract, folder) = (repository(BOOKSHOP), Folder::new());
    let world = folder.file("world.yaml", WORLD);
    let unknown =
        ["impact", "--contract", &contract, "--world", &world, "--organization", "acm", "--enforcement", "off"];
    let run = run(&unknown, "");
    assert!(run.status == 2 && run.stderr.contains("its organizations are `acme`, `globex`"), "{run:?}");
}

/// Under every proposal the numbers are those of two rounds of calls.
fn compare_with_evaluate(contract: &str) {
    let (world, operations) = (repository("examples/world.yaml"), call_by_call::operations(contract));
    let text = std::fs::read_to_string(&world).unwrap();
    let folder = Folder::new();
    // Scopes, a role, a limit and an inactive user at once.
    let proposed = text
        .replace("scopes: [user-basic-info, \"users:readonly\", oauth]", "scopes: [users, oauth]")
        .replace(
            "[\"directory:user:*\", \"authorization:grant:view\"",
            "[\"directory:user:view\", \"authorization:*:*\"",
        )
        .replace("state: inactive", "state: active");
    assert_ne!(text, proposed);
    let proposed = folder.file("proposed.yaml", proposed);
    let users = ["ada", "grace", "edsger", "mary", "alan", "margaret"].map(|name| format!("{name}@acme.test"));
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let mut seen = 0;
    for client in ["Team Directory", "Roster Sync", "Access Desk", "Onboarding Agent"] {
        let [before, after] = [&world, &proposed]
            .map(|world| call_by_call::allowed((contract, &operations), world, ("acme", client), &users));
        let named = ["--contract", contract, "--world", &world, "--organization", "acme", "--client", client];
        let run = run(&[&["impact", "--json", "--proposed", &proposed], &named[..]].concat(), "");
        let answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let app = &answer["apps"][0];
        let (mut expected, mut gaining, mut losing, none) =
            (BTreeMap::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for id in ids {
            let [could, can] = [&before, &after]
                .map(|allowed| allowed.get(id).unwrap_or(&none).iter().copied().flatten().collect::<BTreeSet<&str>>());
            let (gained, lost) = (can.difference(&could).copied(), could.difference(&can).copied());
            let (gained, lost): (Vec<_>, Vec<_>) = (gained.collect(), lost.collect());
            if !gained.is_empty() || !lost.is_empty() {
                expected.insert(id.as_str(), [could.len(), can.len(), gained.len(), lost.len()].map(|one| one as u64));
            }
            gaining.extend(gained);
            losing.extend(lost);
        }
        let numbers = numbers(&answer).into_iter().flat_map(|(_, operations)| operations).collect::<BTreeMap<_, _>>();
        assert_eq!(numbers, expected, "{client}");
        if !expected.is_empty() {
            assert_eq!((&app["people_gaining"], &app["people_losing"]), (&json!(gaining), &json!(losing)), "{client}");
        }
        seen += expected.len();
    }
    assert!(seen > 5, "the change is too small for this to be a test: {seen}");
}

#[test]
fn an_impact_is_the_difference_of_two_rounds_of_evaluate() {
    compare_with_evaluate(&repository("crates/server/api/platform.openapi.yaml"));
}

#[test]
fn an_impact_on_the_real_contract_is_the_difference_of_two_rounds_of_evaluate() {
    let Some(contract) = real_contract() else { return };
    compare_with_evaluate(&contract);
}
