//! `countersign contract`: lint and show from files; import into the store, and show from there.

use serde_json::Value;

use crate::binary::{Folder, real_contract, repository, run};

const THINGS: &str = r#"openapi: 3.0.3
info: {title: Things, version: "1"}
components:
  securitySchemes:
    app:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: /token, scopes: {things: All, "things:readonly": Look}}}
paths:
  /things:
    get:
      operationId: listThings
      security: [{app: [things]}, {app: ["things:readonly"]}]
      responses: {}
    post:
      operationId: addThing
      security: [{app: ["things:readonly"]}]
      x-inin-requires-permissions: {type: ANY, permissions: ["things:thing:add"]}
      responses: {}
  /things/{id}:
    get:
      operationId: getThing
      responses: {}
"#;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn show_prints_one_object_for_each_operation() {
    let folder = Folder::new();
    let things = folder.file("things.yaml", THINGS);
    let run = run(&["contract", "show", "--json", &things], "");
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(
        run.stdout,
        r#"{"id":"listThings","method":"GET","path":"/things","kind":"oauth","scopes_any_of":[["things"],["things:readonly"]],"permissions":null}
{"id":"addThing","method":"POST","path":"/things","kind":"oauth","scopes_any_of":[["things:readonly"]],"permissions":{"mode":"ANY","of":["things:thing:add"]}}
{"id":"getThing","method":"GET","path":"/things/{id}","kind":"unstated","scopes_any_of":[],"permissions":null}
"#
    );
}

#[test]
fn show_for_people_says_what_each_operation_needs() {
    let folder = Folder::new();
    let things = folder.file("things.yaml", THINGS);
    let run = run(&["contract", "show", &things], "");
    assert_eq!(
        run.stdout.lines().collect::<Vec<_>>(),
        [
            "things: 3 operations (2 oauth, 1 unstated)",
            "GET     /things  listThings",
            "        scope things or things:readonly",
            "POST    /things  addThing",
            "        scope things:readonly; permission things:thing:add",
            "GET     /things/{id}  getThing",
            "        unstated, so it denies: no security is stated",
        ]
    );
}

#[test]
fn lint_names_file_and_line_of_what_is_worth_a_look() {
    let folder = Folder::new();
    let things = folder.file("things.yaml", THINGS);
    let run = run(&["contract", "lint", &things], "");
    assert_eq!(run.status, 0, "findings are an answer, not a failure");
    let lines: Vec<_> = run.stdout.lines().collect();
    assert!(lines[0].starts_with(&format!("{things}:14: `things:readonly` is enough for POST /things")), "{lines:?}");
    assert!(
        lines[1].starts_with(&format!("{things}:20: ")) && lines[1].contains("[unstated-requirement]"),
        "{lines:?}"
    );
    assert_eq!(lines[2], "3 operations (2 oauth, 1 unstated); 2 findings");
}

#[test]
fn how_a_scope_list_is_read_can_be_said() {
    let folder = Folder::new();
    let both =
        THINGS.replace("[{app: [things]}, {app: [\"things:readonly\"]}]", "[{app: [things, \"things:readonly\"]}]");
    let both = folder.file("things.yaml", both);
    let scopes = |how: &str| {
        let run = run(&["contract", "show", "--json", "--scope-lists", how, &both], "");
        lines(&run.stdout)[0]["scopes_any_of"].to_string()
    };
    assert_eq!(scopes("all"), r#"[["things","things:readonly"]]"#);
    assert_eq!(scopes("any"), r#"[["things"],["things:readonly"]]"#);
}

#[test]
fn what_a_contract_leaves_out_can_be_stated_in_the_configuration() {
    let folder = Folder::new();
    let things = folder.file("things.yaml", THINGS);
    let shown = |toml: &str| {
        let config = folder.file("countersign.toml", format!("[contract.operations.getThing]\n{toml}\n"));
        let run = run(&["contract", "show", "--json", "--config", &config, &things], "");
        assert_eq!(run.status, 0, "{run:?}");
        let operation = lines(&run.stdout).remove(2);
        format!("{} {} {}", operation["kind"].as_str().unwrap(), operation["scopes_any_of"], operation["permissions"])
    };
    assert_eq!(shown("public = true"), "public [] null");
    assert_eq!(shown("scopes = ['things', ['a', 'b']]"), r#"oauth [["things"],["a","b"]] null"#);
    assert_eq!(
        shown("scopes = []\npermissions = ['things:thing:view', 'things:thing:own']"),
        r#"oauth [] {"mode":"ANY","of":["things:thing:view","things:thing:own"]}"#
    );
}

#[test]
fn a_statement_about_an_operation_that_is_not_there_is_refused() {
    let folder = Folder::new();
    let things = folder.file("things.yaml", THINGS);
    for (toml, message) in [
        (
            "[contract.operations.getThink]\npublic = true\n",
            "[contract.operations.getThink]: no file of the contract has",
        ),
        ("[contract.operations.getThing]\npublik = true\n", "unknown field `publik`"),
        ("[contract.operations.getThing]\nscopes = ['a b']\n", "a scope, or a list of scopes that are all needed"),
    ] {
        let config = folder.file("countersign.toml", toml);
        let run = run(&["contract", "lint", "--config", &config, &things], "");
        assert_eq!(run.status, 2, "{toml}: {run:?}");
        assert!(run.stderr.contains(message), "{toml}: {}", run.stderr);
    }
}

#[test]
fn an_imported_contract_is_shown_from_the_store_and_replaced_by_name() {
    let folder = Folder::new();
    let (things, data) = (folder.file("things.yaml", THINGS), folder.path("data"));
    let import = run(&["contract", "import", &things, "--data", &data], "");
    assert_eq!((import.status, import.stdout.as_str()), (0, "contract `things`: 3 operations (2 oauth, 1 unstated)\n"));
    assert!(import.stderr.contains(&format!("warning: {things}:20: ")), "{}", import.stderr);
    let bookshop = repository("examples/bookshop.openapi.yaml");
    assert_eq!(run(&["contract", "import", &bookshop, "--name", "shop", "--data", &data], "").status, 0);

    let shown = run(&["contract", "show", "--json", "--data", &data], "");
    assert_eq!(lines(&shown.stdout).len(), 3 + 9);
    let shown = run(&["contract", "show", "--json", "--name", "things", "--data", &data], "");
    assert_eq!(shown.stdout, run(&["contract", "show", "--json", &things], "").stdout);

    folder.file("things.yaml", THINGS.replace("listThings", "allThings"));
    assert_eq!(run(&["contract", "import", &things, "--data", &data], "").status, 0);
    let shown = run(&["contract", "show", "--json", "--name", "things", "--data", &data], "");
    assert_eq!(lines(&shown.stdout)[0]["id"], "allThings");
}

#[test]
fn our_own_contract_is_shown_and_cannot_be_replaced() {
    let folder = Folder::new();
    let (things, data) = (folder.file("things.yaml", THINGS), folder.path("data"));
    let run_import = run(&["contract", "import", &things, "--name", "platform", "--data", &data], "");
    assert_eq!(run_import.status, 2);
    assert_eq!(run_import.stderr, "error: `platform` is the name of our own API: give another `--name`\n");
    let shown = run(&["contract", "show", "--json", "--name", "platform"], "");
    assert!(lines(&shown.stdout).iter().any(|operation| operation["id"] == "postUsers"));
    let unknown = run(&["contract", "show", "--name", "thinks", "--data", &data], "");
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.starts_with("error: no contract `thinks` was imported"), "{}", unknown.stderr);
}

#[test]
fn showing_what_was_imported_makes_no_folder() {
    let folder = Folder::new();
    let data = folder.path("data");
    let shown = run(&["contract", "show", "--data", &data], "");
    assert_eq!(
        (shown.status, shown.stdout.as_str()),
        (0, "no contract is imported; `countersign contract import FILE` does that\n")
    );
    assert!(!std::path::Path::new(&data).exists());
}

#[test]
fn the_real_contract_is_imported_and_shown_from_the_store_as_from_its_file() {
    let Some(contract) = real_contract() else { return };
    let folder = Folder::new();
    let data = folder.path("data");
    let import = run(&["contract", "import", &contract, "--data", &data], "");
    assert_eq!(import.status, 0, "{}", import.stderr);
    let summary =
        "contract `genesys-catalog`: 3180 operations (6 authenticated, 3128 oauth, 12 other_credential, 34 unstated)\n";
    assert_eq!(import.stdout, summary);
    let stored = run(&["contract", "show", "--json", "--data", &data], "");
    assert_eq!(stored.stdout, run(&["contract", "show", "--json", &contract], "").stdout);
    assert_eq!(stored.stdout.lines().count(), 3_180);
}
