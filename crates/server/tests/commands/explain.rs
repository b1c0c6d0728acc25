//! `countersign explain`: what carried an allow, what a denial lacks, what would give it, and who can help.

use serde_json::{Value, json};

use crate::binary::{Folder, Run, repository, run};

const BOOKSHOP: &str = "examples/bookshop.openapi.yaml";

/// acme authorized Till for orders, Reader for booksellers that see orders, and denied Spy.
const WORLD: &str = r#"organizations:
  - id: acme
    name: Acme Corp
    divisions: [Home, Sales]
    roles:
      - {name: Bookseller, permissions: ["orders:order:*"]}
      - {name: Refund desk, permissions: ["orders:order:view", "orders:refund:add"]}
      - {name: App approver, permissions: ["oauth:client:authorize"]}
      - {name: Role keeper, permissions: ["authorization:grant:add"]}
      - {name: Role maker, permissions: ["authorization:role:edit"]}
    users:
      - {email: mary@acme.test, name: Mary, roles: [Bookseller]}
      - email: kurt@acme.test
        roles: [{role: Refund desk, division: Sales}, {role: Refund desk, division: Home}, Bookseller]
      - {email: alan@acme.test, name: Alan}
      - {email: gone@acme.test, state: inactive, roles: [App approver]}
      - {email: grace@acme.test, name: Grace, roles: [App approver]}
      - {email: edsger@acme.test, name: Edsger, roles: [Role keeper]}
      - {email: emmy@acme.test, roles: [{role: Role maker, division: Home}]}
    clients:
      - {id: till-1, name: Till, grant_types: [client_credentials], secret: s, scopes: [orders], roles: [Bookseller]}
      - {name: Reader}
      - {name: Shelf}
      - {name: Spy}
      - {name: New}
    authorizations:
      - {client: Till, scopes: [orders, "orders:readonly"]}
      - {client: Reader, scopes: ["orders:readonly"], roles: [Bookseller, Refund desk]}
      - {client: Shelf, scopes: [books, orders]}
      - {client: Spy, scopes: [orders], state: denied}
"#;

fn call(command: &str, arguments: &[&str], input: &str) -> Run {
    let folder = Folder::new();
    let (contract, world) = (repository(BOOKSHOP), folder.file("world.yaml", WORLD));
    run(&[&[command, "--contract", &contract, "--world", &world], arguments].concat(), input)
}

fn explain(arguments: &[&str]) -> Run {
    let run = call("explain", &[&["--organization", "acme"], arguments].concat(), "");
    assert_eq!(run.status, 0, "{run:?}");
    run
}

fn answer(arguments: &[&str]) -> Value {
    serde_json::from_str(&explain(&[&["--json"], arguments].concat()).stdout).expect("one JSON object")
}

/// The lines from `reason` on.
fn why(arguments: &[&str]) -> Vec<String> {
    explain(arguments).stdout.lines().skip(5).map(str::to_owned).collect()
}

#[test]
fn an_allow_names_the_scope_the_permissions_and_the_roles_that_carried_it() {
    let run = explain(&["--client", "Till", "--user", "mary@acme.test", "GET", "/orders/7"]);
    let place = format!("{}:", repository(BOOKSHOP));
    let lines: Vec<_> = run.stdout.lines().map(|line| line.replace(&place, "bookshop:")).collect();
    assert!(lines[1].starts_with("  operation     getOrder (bookshop:"), "{lines:?}");
    assert_eq!(lines[0], "ALLOWED  GET /orders/7");
    assert_eq!(
        lines[2..],
        [
            "  organization  Acme Corp (acme), scopes are enforced",
            "  app           Till",
            "  user          mary@acme.test",
            "  scope         orders:readonly",
            "  permission    orders:order:view (Orders > Order > View) through `Bookseller` in all divisions",
            "  permission    orders:order:edit (Orders > Order > Edit) through `Bookseller` in all divisions",
        ]
    );
}

#[test]
fn a_denial_names_everything_that_is_missing_and_who_can_help() {
    let run = explain(&["--client", "Reader", "--user", "alan@acme.test", "POST", "/orders/7/refunds"]);
    assert_eq!(
        run.stdout.lines().skip(5).collect::<Vec<_>>(),
        [
            "  reason        missing_scope: the app lacks a scope",
            "  scope         orders, not granted to the app",
            "  permission    orders:order:view (Orders > Order > View), which `Bookseller` or `Refund desk` would give",
            "  and           orders:refund:add (Orders > Refund > Add), which `Refund desk` would give",
            "  role          the app is only for holders of `Bookseller` or `Refund desk`",
            "  who can help  grace@acme.test can authorize the app (oauth:client:authorize)",
            "  who can help  edsger@acme.test can give roles (authorization:grant:add)",
        ]
    );
}

#[test]
fn the_whole_answer_on_an_allow_is_stable() {
    let here = |role: &str, division: Option<&str>| json!({"role": role, "division": division});
    let desk = [here("Refund desk", Some("Sales")), here("Refund desk", Some("Home"))];
    let seller = here("Bookseller", None);
    let both = json!([desk[0], desk[1], seller]);
    let held = |permission: &str, roles: Value, assignments: Value| {
        let named = json!({"permission": permission});
        let mut held = named.as_object().unwrap().clone();
        held.extend([("roles".to_owned(), roles), ("assignments".to_owned(), assignments)]);
        Value::Object(held)
    };
    assert_eq!(
        answer(&["--client", "Reader", "--user", "KURT@acme.test", "GET", "/orders/7"]),
        json!({
            "decision": "allow", "operation": "getOrder", "method": "GET", "path": "/orders/7",
            "organization": "acme", "client": "Reader", "user": "KURT@acme.test", "decided_by": null,
            "carried_by": {
                "scopes": ["orders:readonly"],
                "permissions": [
                    held("orders:order:view", json!(["Bookseller", "Refund desk"]), both.clone()),
                    held("orders:order:edit", json!(["Bookseller"]), json!([seller])),
                ],
                "admitted_by": both,
            },
            "remedy": null, "help": {"app": null, "user": null, "role": null}, "report": null,
        })
    );
    let text = explain(&["--client", "Reader", "--user", "kurt@acme.test", "GET", "/orders/7"]).stdout;
    let desk = "`Refund desk` in division `Sales` or `Refund desk` in division `Home`";
    for line in [
        format!(
            "  permission    orders:order:view (Orders > Order > View) through {desk} or `Bookseller` in all divisions"
        ),
        "  permission    orders:order:edit (Orders > Order > Edit) through `Bookseller` in all divisions".to_owned(),
        format!("  role          the app is for certain roles only, such as {desk} or `Bookseller` in all divisions"),
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
}

#[test]
fn the_whole_answer_on_a_denial_is_stable_and_holds_the_line_of_evaluate() {
    let arguments = ["--client", "Reader", "--user", "alan@acme.test", "--scopes", "orders", "POST", "/orders"];
    let explained = answer(&arguments);
    assert_eq!(
        explained,
        json!({
            "decision": "deny", "operation": "placeOrder", "reason": "missing_scope",
            "missing": {
                "scopes_any_of": [["orders"]], "permissions": {"mode": "ANY", "of": ["orders:order:add"]},
                "roles_any_of": ["Bookseller", "Refund desk"],
            },
            "method": "POST", "path": "/orders", "organization": "acme", "client": "Reader", "user": "alan@acme.test",
            "decided_by": null, "carried_by": null,
            "remedy": {
                "scopes_any_of": [{"scopes": ["orders"], "not_granted": ["orders"], "not_asked_for": []}],
                "permission_mode": "ANY",
                "permissions": [{"permission": "orders:order:add", "roles": ["Bookseller"]}],
                "roles_any_of": ["Bookseller", "Refund desk"],
            },
            "help": {
                "app": {"permissions": ["oauth:client:authorize"], "people": ["grace@acme.test"]},
                "user": {"permissions": ["authorization:grant:add"], "people": ["edsger@acme.test"]},
                "role": null,
            },
            "report": null,
        })
    );
    let who = json!({"organization": "acme", "client": "Reader", "user": "alan@acme.test", "scopes": ["orders"]});
    let mut line = who.as_object().unwrap().clone();
    line.extend([("method".to_owned(), json!("POST")), ("path".to_owned(), json!("/orders"))]);
    let evaluated: Value = serde_json::from_str(&call("evaluate", &[], &json!(line).to_string()).stdout).unwrap();
    for (key, value) in evaluated.as_object().unwrap() {
        assert_eq!(&explained[key], value, "{key}");
    }
}

#[test]
fn an_app_on_its_own_behalf_is_carried_by_its_own_assignments() {
    let till = answer(&["--client", "Till", "POST", "/orders"]);
    assert_eq!(
        till["carried_by"]["permissions"],
        json!([{
            "permission": "orders:order:add", "roles": ["Bookseller"],
            "assignments": [{"role": "Bookseller", "division": null}],
        }])
    );
    assert_eq!(till["carried_by"]["admitted_by"], Value::Null);
    assert_eq!(
        why(&["--client", "Till", "POST", "/orders/7/refunds"])[0],
        "  reason        missing_permission: the app itself lacks a permission"
    );
    let public = answer(&["--client", "Till", "GET", "/opening-hours"]);
    assert_eq!(public["carried_by"], json!({"scopes": null, "permissions": [], "admitted_by": null}));
}

#[test]
fn every_scope_that_would_do_is_named_the_narrowest_first() {
    assert_eq!(
        why(&["--client", "Spy", "--user", "mary@acme.test", "GET", "/orders"]),
        [
            "  reason        app_refused: the organization denied or revoked the app",
            "  who can help  grace@acme.test can authorize the app (oauth:client:authorize)",
        ]
    );
    assert_eq!(
        why(&["--client", "New", "--user", "mary@acme.test", "GET", "/orders"]),
        [
            "  reason        app_not_authorized: the organization has not authorized the app",
            "  scope         orders:readonly, not granted to the app",
            "  or            orders, not granted to the app",
            "  who can help  grace@acme.test can authorize the app (oauth:client:authorize)",
        ]
    );
}

#[test]
fn of_a_list_of_which_all_are_needed_only_what_is_not_held_is_named() {
    assert_eq!(
        why(&["--client", "Till", "--user", "mary@acme.test", "POST", "/orders/7/refunds"]),
        [
            "  reason        missing_permission: the user lacks a permission",
            "  permission    orders:refund:add (Orders > Refund > Add), which `Refund desk` would give",
            "  who can help  edsger@acme.test can give roles (authorization:grant:add)",
        ]
    );
}

#[test]
fn a_limit_to_roles_names_the_roles_of_which_one_is_needed() {
    assert_eq!(
        why(&["--client", "Reader", "--user", "emmy@acme.test", "GET", "/orders"]),
        [
            "  reason        role_not_allowed: the organization allows the app to holders of certain roles only",
            "  permission    orders:order:view (Orders > Order > View), which `Bookseller` or `Refund desk` would give",
            "  or            orders:order:edit (Orders > Order > Edit), which `Bookseller` would give",
            "  role          the app is only for holders of `Bookseller` or `Refund desk`",
            "  who can help  edsger@acme.test can give roles (authorization:grant:add)",
        ]
    );
}

#[test]
fn where_no_role_would_do_those_who_change_roles_are_named_too() {
    let arguments = ["--client", "Shelf", "--user", "mary@acme.test", "POST", "/books"];
    assert_eq!(
        why(&arguments),
        [
            "  reason        missing_permission: the user lacks a permission",
            "  permission    books:book:add (Books > Book > Add), which no role would give",
            "  who can help  edsger@acme.test can give roles (authorization:grant:add)",
            "  who can help  emmy@acme.test can change what a role holds (authorization:role:edit)",
        ]
    );
    assert_eq!(answer(&arguments)["help"]["role"]["people"], json!(["emmy@acme.test"]));
}

#[test]
fn a_name_that_means_several_apps_is_bad_input() {
    let folder = Folder::new();
    let world = folder
        .file("w.yaml", "organizations: [{id: a, clients: [{name: App}]}, {id: b, clients: [{name: App}]}, {id: c}]");
    let contract = repository(BOOKSHOP);
    let arguments =
        ["explain", "--contract", &contract, "--world", &world, "--organization", "c", "--client", "App", "GET", "/"];
    let run = run(&arguments, "");
    assert!(
        run.status == 2 && run.stderr.contains("`App` is a client of `a` and of `b`: name it by its id"),
        "{run:?}"
    );
}
