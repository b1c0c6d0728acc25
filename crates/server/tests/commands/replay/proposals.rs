//! What a proposal would deny and allow.

use serde_json::json;

use super::{Shop, WORLD, call, reads};

#[test]
fn a_proposal_shows_what_it_would_deny_and_allow() {
    let shop = Shop::new();
    let log = [reads(), call("POST", "/orders"), call("POST", "/books"), call("GET", "/nowhere")].concat();
    let proposal = |arguments: &[&str]| shop.report(arguments, &log)["proposal"].clone();

    let narrowed = proposal(&["--scopes", "orders:readonly,books:readonly"]);
    assert_eq!((&narrowed["allowed"], &narrowed["denied"]), (&json!(3), &json!(3)));
    assert_eq!((&narrowed["newly_denied"], &narrowed["newly_allowed"]), (&json!(1), &json!(0)));
    assert_eq!(narrowed["denied_by_reason"], json!({"missing_scope": 2, "no_such_operation": 1}));
    let first = &narrowed["denials"][0];
    assert_eq!(
        (&first["operation"], &first["is_new"], &first["calls"]),
        (&json!("placeOrder"), &json!(true), &json!(1))
    );
    assert_eq!(first["missing"], json!({"scopes_any_of": [["orders"]]}));
    assert_eq!(first["examples"][0]["at"], "standard input, line 4");

    let denied = |arguments: &[&str]| {
        let proposal = proposal(arguments);
        (proposal["newly_denied"].as_u64().unwrap(), proposal["newly_allowed"].as_u64().unwrap())
    };
    assert_eq!(denied(&["--withdraw", "orders"]), (1, 0));
    assert_eq!(denied(&["--withdraw", "orders,orders:readonly"]), (3, 0));
    assert_eq!(denied(&["--scopes", ""]), (4, 0));
    assert_eq!(denied(&["--scopes", "", "--enforcement", "report"]), (0, 0));
    assert_eq!(denied(&["--state", "revoked"]), (4, 0));
    assert_eq!(denied(&["--state", "requested"]), (4, 0));
    assert_eq!(denied(&["--role", "Bookseller", "--add-permission", "books:book:*"]), (0, 1));
    assert_eq!(denied(&["--role", "Bookseller", "--remove-permission", "orders:order:add"]), (1, 0));
    assert_eq!(denied(&["--take-role", "Bookseller"]), (1, 0));
    assert_eq!(denied(&["--take-role", "Bookseller", "--take-role", "Refund desk"]), (3, 0));
    let world = shop.0.file("other.yaml", WORLD.replace("roles: [Bookseller, Refund desk]", "roles: []"));
    assert_eq!(denied(&["--proposed", &world]), (3, 0));
}

#[test]
fn a_proposal_about_an_app_that_nobody_decided_on_decides() {
    let shop = Shop::new();
    let arguments = ["--client", "elsewhere", "--grant", "books:readonly"];
    let report = shop.report(&arguments, &call("GET", "/books"));
    assert_eq!((&report["proposal"]["newly_allowed"], &report["scopes"]["is_authorized"]), (&json!(1), &json!(false)));
    // What was denied stays denied until the state says otherwise.
    let reader = ["--client", "Reader", "--grant", "books:readonly"];
    let run = shop.replay(&[&reader[..], &["--user", "mary@acme.test"]].concat(), &call("GET", "/books"));
    assert!(run.stderr.contains("the app stays `denied`") && run.stdout.contains("STILL DENIED"), "{run:?}");
    let allowed = shop.report(&[&reader[..], &["--state", "authorized"]].concat(), &call("GET", "/books"));
    assert_eq!(allowed["proposal"]["newly_allowed"], 1);
}

#[test]
fn a_proposal_that_changes_nothing_is_said_so() {
    let shop = Shop::new();
    for same in [
        &["--grant", "orders"][..],
        &["--state", "authorized"],
        &["--enforcement", "enforce"],
        &["--give-role", "Bookseller"],
        &["--role", "Bookseller", "--add-permission", "orders:order:add"],
        &["--scopes", "books,orders,books:readonly,orders:readonly"],
    ] {
        let run = shop.replay(&[&["--user", "mary@acme.test"], same].concat(), &reads());
        assert!(run.status == 0 && run.stderr.contains("the proposal changes nothing"), "{same:?}: {run:?}");
    }
}
