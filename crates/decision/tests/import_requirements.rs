//! Contract files: what each way of stating a requirement means.

use countersign_decision::import::{Override, PermissionOverride, ScopeAlternative, ScopeLists};
use countersign_decision::{
    ContractSource, ImportError, ImportOptions, Method, PermissionMode, Requirement, SourceFile, Unstated, import,
};

const SCHEMES: &str = "
components:
  securitySchemes:
    Ours: {type: oauth2, flows: {authorizationCode: {scopes: {a: Everything about a, b: Everything about b}}}}
    Sign-in: {type: openIdConnect, openIdConnectUrl: 'https://x.test'}
    Key: {type: apiKey, name: k, in: header}
";

fn read(text: &str) -> Result<ContractSource, Vec<ImportError>> {
    read_with(text, &ImportOptions { name: "test".into(), ..ImportOptions::default() })
}

fn read_with(text: &str, options: &ImportOptions) -> Result<ContractSource, Vec<ImportError>> {
    import(&[SourceFile { name: "api.yaml", text }], options)
}

/// The requirement of one operation with these lines, read with `any` as Genesys' lists are.
fn requirement(lines: &str) -> Requirement {
    requirement_with(lines, Some(ScopeLists::Any))
}

fn requirement_with(lines: &str, scope_lists: Option<ScopeLists>) -> Requirement {
    let text = format!("openapi: 3.0.3\npaths:\n  /x:\n    get:\n      operationId: x\n{lines}\n{SCHEMES}");
    let source = read_with(&text, &ImportOptions { scope_lists, ..ImportOptions::default() });
    source.expect("the file is right").operations.remove(0).requirement
}

fn error_of(text: &str) -> String {
    let errors = read(text).expect_err("the file is wrong");
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn oauth(alternatives: &[&[&str]]) -> Requirement {
    let scopes =
        alternatives.iter().map(|all| all.iter().map(|scope| scope.parse().expect("a scope")).collect()).collect();
    Requirement::Oauth { scopes_any_of: scopes, permissions: None }
}

#[test]
fn nothing_is_public_by_omission() {
    assert_eq!(requirement(""), Requirement::Unstated { why: Unstated::NoSecurity });
    let with_permissions = "      x-inin-requires-permissions: {type: ANY, permissions: [admin]}";
    assert_eq!(requirement(with_permissions), Requirement::Unstated { why: Unstated::NoSecurity });
}

#[test]
fn an_empty_security_list_is_public() {
    assert_eq!(requirement("      security: []"), Requirement::Public);
    assert_eq!(requirement("      security: [{Ours: [a]}, {}]"), Requirement::Public);
}

#[test]
fn public_with_permissions_is_a_contradiction_and_denies() {
    let both = "      security: []\n      x-inin-requires-permissions: {type: ANY, permissions: [admin]}";
    assert_eq!(requirement(both), Requirement::Unstated { why: Unstated::PublicWithPermissions });
}

#[test]
fn our_scheme_with_an_empty_list_is_any_live_token() {
    assert_eq!(requirement("      security: [{Ours: []}]"), Requirement::Authenticated);
    assert_eq!(requirement("      security: [{Sign-in: []}]"), Requirement::Authenticated);
    assert_eq!(requirement("      security: [{Ours: []}, {Ours: [a]}]"), Requirement::Authenticated);
}

#[test]
fn a_scheme_that_is_not_ours_wants_another_credential() {
    let key = Requirement::OtherCredential { scheme: "Key".into() };
    assert_eq!(requirement("      security: [{Key: []}]"), key);
    assert_eq!(requirement("      security: [{Ours: [a], Key: []}]"), key);
    assert_eq!(requirement("      security: [{Key: []}, {Ours: [a]}]"), oauth(&[&["a"]]));
}

#[test]
fn a_scheme_that_nothing_defines_is_unstated() {
    let unstated = Requirement::Unstated { why: Unstated::UndefinedScheme { scheme: "Theirs".into() } };
    assert_eq!(requirement("      security: [{Theirs: [a]}]"), unstated);
}

#[test]
fn between_objects_any_suffices_and_within_one_all_are_needed() {
    assert_eq!(requirement("      security: [{Ours: [a, b]}]"), oauth(&[&["a"], &["b"]]));
    assert_eq!(requirement("      security: [{Ours: [a]}, {Ours: [b]}]"), oauth(&[&["a"], &["b"]]));
    assert_eq!(requirement("      security: [{Ours: [a], Sign-in: [b]}]"), oauth(&[&["a", "b"]]));
    let all = Some(ScopeLists::All);
    assert_eq!(requirement_with("      security: [{Ours: [a, b]}]", all), oauth(&[&["a", "b"]]));
    assert_eq!(requirement_with("      security: [{Ours: [a, b]}, {Ours: [c]}]", all), oauth(&[&["a", "b"], &["c"]]));
}

#[test]
fn lists_are_read_as_any_where_the_contract_states_permissions_and_as_all_otherwise() {
    assert_eq!(requirement_with("      security: [{Ours: [a, b]}]", None), oauth(&[&["a", "b"]]));
    let elsewhere = "      security: [{Ours: [a, b]}]\n    put:\n      operationId: y\n      security: [{Ours: [a]}]\n      x-inin-requires-permissions: {type: ALL, permissions: [admin]}";
    assert_eq!(requirement_with(elsewhere, None), oauth(&[&["a"], &["b"]]));
}

#[test]
fn the_contracts_security_holds_where_an_operation_has_none_of_its_own() {
    let text = format!(
        "openapi: 3.1.0\nsecurity: [{{Ours: [a]}}]\npaths:\n  /x:\n    get: {{}}\n    put: {{security: []}}\n{SCHEMES}"
    );
    let operations = read(&text).unwrap().operations;
    assert_eq!(operations[0].requirement, oauth(&[&["a"]]));
    assert_eq!(operations[1].requirement, Requirement::Public);
}

#[test]
fn permissions_are_read_with_their_mode() {
    let lines = "      security: [{Ours: [a]}]\n      x-inin-requires-permissions: {type: ALL, permissions: ['d:u:add', admin]}";
    let Requirement::Oauth { permissions: Some(list), .. } = requirement(lines) else { panic!("no permissions") };
    assert_eq!(list.mode, PermissionMode::All);
    assert_eq!(list.of.iter().map(ToString::to_string).collect::<Vec<_>>(), ["d:u:add", "admin"]);
    let none = "      security: [{Ours: [a]}]\n      x-inin-requires-permissions: {type: ALL, permissions: []}";
    assert_eq!(requirement(none), oauth(&[&["a"]]));
}

#[test]
fn prose_among_the_permissions_is_unstated_and_named_with_its_line() {
    let text = format!(
        "openapi: 3.0.0\npaths:\n  /x:\n    get:\n      operationId: x\n      security: [{{Ours: [a]}}]\n      x-inin-requires-permissions:\n        type: ANY\n        permissions: [admin, Ask the backend]\n{SCHEMES}"
    );
    let source = read(&text).unwrap();
    let unstated = Requirement::Unstated { why: Unstated::NotAPermission { text: "Ask the backend".into() } };
    assert_eq!(source.operations[0].requirement, unstated);
    let warning = &source.warnings[0];
    assert_eq!((warning.file.as_str(), warning.line, warning.rule.as_str()), ("api.yaml", 8, "not-a-permission"));
    assert_eq!(warning.message, "`x` (GET /x) is denied to everybody: `Ask the backend` is not a permission");
}

#[test]
fn swagger_2_and_its_base_path_are_read() {
    let text = "
swagger: '2.0'
basePath: /v1/
paths:
  /x/{id}:
    delete: {operationId: x, tags: [T], summary: Deletes, deprecated: true, security: [{Ours: [a]}]}
securityDefinitions:
  Ours: {type: oauth2, flow: implicit, scopes: {a: All about a}}
";
    let source = read(text).unwrap();
    let operation = &source.operations[0];
    assert_eq!((operation.method, operation.path.as_str()), (Method::Delete, "/v1/x/{id}"));
    assert_eq!((operation.tags.as_slice(), operation.summary.as_deref()), (&["T".to_owned()][..], Some("Deletes")));
    assert!(operation.deprecated);
    assert_eq!(operation.source.line, 6);
    assert_eq!(source.scopes[&"a".parse().unwrap()], "All about a");
    assert_eq!(read(&text.replace("'2.0'", "2.0")).unwrap().operations.len(), 1);
}

#[test]
fn the_path_of_the_nearest_servers_stands_before_every_path() {
    let text = "
openapi: 3.0.0
servers:
  - {url: 'https://{region}.x.test/api/{version}/', variables: {version: {default: v2}, region: {default: eu}}}
  - url: /api/v2
paths:
  /a: {get: {security: []}, put: {security: [], servers: [{url: 'http://y.test'}]}}
  /b: {servers: [{url: /other}], get: {security: []}}
";
    let paths: Vec<_> = read(text).unwrap().operations.into_iter().map(|one| one.path).collect();
    assert_eq!(paths, ["/api/v2/a", "/a", "/other/b"]);
    assert!(
        error_of(&text.replace("url: /api/v2", "url: /api/v3")).starts_with("api.yaml:4: servers differ in their path")
    );
}

#[test]
fn paths_may_refer_to_paths_of_the_same_file_only() {
    let text = "
openapi: 3.1.0
paths:
  /a: {$ref: '#/components/pathItems/Shared'}
  /b/{c}: {get: {operationId: b, security: []}}
  /d: {$ref: '#/paths/~1e'}
  /e: {put: {operationId: e, security: []}}
components: {pathItems: {Shared: {get: {operationId: shared, security: []}}}}
";
    // The path behind a reference is the same operation twice, which its id then says.
    let errors = error_of(text);
    assert!(errors.contains("`e` stands at api.yaml:7 too, for PUT /d"), "{errors}");
    let once =
        text.replace("  /e: {put: {operationId: e, security: []}}", "  /e: {$ref: '#/components/pathItems/Other'}");
    assert!(
        error_of(&once).contains("api.yaml:7: `$ref: #/components/pathItems/Other` is not followed"),
        "{}",
        error_of(&once)
    );
    let fine = text.replace("  /d: {$ref: '#/paths/~1e'}\n", "");
    assert_eq!(read(&fine).unwrap().operations.len(), 3);
    let elsewhere = fine.replace("#/components/pathItems/Shared", "other.yaml#/a");
    assert!(error_of(&elsewhere).contains("of the same file are"));
    let circle = fine.replace("#/components/pathItems/Shared", "#/paths/~1a");
    assert!(error_of(&circle).contains("lead from one to the next"));
    let both = fine.replace("Shared'}", "Shared', put: {security: []}}");
    assert!(error_of(&both).contains("not defined"));
}

#[test]
fn an_operation_without_an_id_is_named_by_method_and_path() {
    let source = read("openapi: 3.0.0\npaths: {/x: {get: {security: []}}}\n").unwrap();
    assert_eq!(source.operations[0].id, "GET /x");
}

#[test]
fn json_and_yaml_say_the_same() {
    let json = r#"{"openapi":"3.0.0",
 "paths":{"/x":{
  "get":{"operationId":"x","security":[{"O":["a"]}]}}},
 "components":{"securitySchemes":{"O":{"type":"oauth2","flows":{}}}}}"#;
    let operation = read(json).unwrap().operations.remove(0);
    assert_eq!((operation.requirement, operation.source.line), (oauth(&[&["a"]]), 3));
}

#[test]
fn one_operation_under_two_tags_in_two_files_is_one_operation() {
    let file = |tag: &str, scope: &str| {
        format!(
            "openapi: 3.0.0\npaths: {{/x: {{get: {{operationId: x, tags: [{tag}], security: [{{Ours: [{scope}]}}]}}}}}}\n{SCHEMES}"
        )
    };
    let (one, two, other) = (file("One", "a"), file("Two", "a"), file("Two", "b"));
    let files = |second| [SourceFile { name: "1.yaml", text: &one }, SourceFile { name: "2.yaml", text: second }];
    let source = import(&files(&two), &ImportOptions::default()).unwrap();
    assert_eq!(source.operations.len(), 1);
    assert_eq!(source.operations[0].tags, ["One", "Two"]);
    let errors = import(&files(&other), &ImportOptions::default()).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "2.yaml:2: GET /x stands at 1.yaml:2 too, with another requirement: one request cannot mean both"
    );
}

#[test]
fn an_operator_states_what_a_contract_leaves_out() {
    let text = "openapi: 3.0.0\npaths: {/x: {get: {operationId: x}}}\n";
    let with = |stated: Override| {
        let options = ImportOptions { overrides: [("x".to_owned(), stated)].into(), ..ImportOptions::default() };
        read_with(text, &options).map(|source| source.operations[0].requirement.clone())
    };
    let scopes = |names: &[&str]| Some(names.iter().map(|name| ScopeAlternative::One(name.parse().unwrap())).collect());
    let permissions = Some(PermissionOverride::AnyOf(vec!["admin".parse().unwrap()]));
    assert_eq!(with(Override { public: Some(true), ..Override::default() }), Ok(Requirement::Public));
    assert_eq!(with(Override { scopes: scopes(&["a", "b"]), ..Override::default() }), Ok(oauth(&[&["a"], &["b"]])));
    assert_eq!(with(Override { scopes: Some(vec![]), ..Override::default() }), Ok(Requirement::Authenticated));
    let both =
        with(Override { scopes: scopes(&["a"]), permissions: permissions.clone(), ..Override::default() }).unwrap();
    assert_eq!((both.scopes_any_of().len(), both.permissions().unwrap().of.len()), (1, 1));
    for wrong in [
        Override::default(),
        Override { public: Some(false), ..Override::default() },
        Override { public: Some(true), scopes: scopes(&["a"]), ..Override::default() },
        // Scopes would be left out by omission.
        Override { permissions, ..Override::default() },
    ] {
        let error = with(wrong).unwrap_err().remove(0);
        assert!(error.to_string().starts_with("[contract.operations.x]: "), "{error}");
    }
    let options =
        ImportOptions { overrides: [("y".to_owned(), Override::default())].into(), ..ImportOptions::default() };
    assert!(read_with(text, &options).unwrap_err()[0].message.contains("no file of the contract has this operation"));
}

#[test]
fn an_operators_word_over_the_contracts_is_noted() {
    let text = "openapi: 3.0.0\npaths: {/x: {get: {operationId: x, security: []}}}\n";
    let stated = Override { scopes: Some(vec![]), ..Override::default() };
    let options = ImportOptions { overrides: [("x".to_owned(), stated)].into(), ..ImportOptions::default() };
    let source = read_with(text, &options).unwrap();
    assert_eq!(source.operations[0].requirement, Requirement::Authenticated);
    assert_eq!(source.warnings[0].rule, "override-replaces");
}

#[test]
fn a_step_up_is_read_from_openapi_and_asks_for_something() {
    let text = |step_up: &str| {
        format!(
            "openapi: 3.0.0\npaths:\n  /x:\n    get:\n      operationId: x\n      security: [{{Ours: [a]}}]\n      x-countersign-step-up: {step_up}\n{SCHEMES}"
        )
    };
    let step_up = |stated: &str| read(&text(stated)).unwrap().operations[0].step_up.clone().unwrap();
    let read_both = step_up("{max_age: 300, acr_values: [gold, silver]}");
    assert_eq!((read_both.max_age, read_both.acr_values.join(" ").as_str()), (Some(300), "gold silver"));
    assert_eq!(step_up("{acr_values: [gold]}").max_age, None);
    for bad in [
        "{}",
        "5",
        "{max_age: 0}",
        "{max_age: -1}",
        "{max_age: soon}",
        "{acr_values: []}",
        "{acr_values: ['a b']}",
        "{acr_values: ['a\"']}",
        "{maxAge: 5}",
    ] {
        let errors = read(&text(bad)).unwrap_err();
        assert!(errors[0].to_string().contains("api.yaml:7"), "{bad}: {}", errors[0]);
    }
    let public = text("{max_age: 5}").replace("[{Ours: [a]}]", "[]");
    assert_eq!(read(&public).unwrap().warnings[0].rule, "step-up-of-nobody");
}
