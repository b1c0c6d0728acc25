//! Contract files: what is said about files that are wrong, absurd or worth a look.

use countersign_decision::{
    ContractError, ContractSource, Contracts, ImportError, ImportOptions, Requirement, SourceFile, Unstated, import,
    lint,
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

fn error_of(text: &str) -> String {
    let errors = read(text).expect_err("the file is wrong");
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn templates_of_one_shape_are_merged_only_where_their_methods_differ() {
    let file = |method: &str| {
        format!(
            "openapi: 3.0.0\npaths:\n  /x/{{a}}: {{get: {{security: [], operationId: one}}}}\n  /x/{{b}}: {{{method}: {{security: [], operationId: two}}}}\n"
        )
    };
    let source = read(&file("put")).unwrap();
    assert_eq!(Contracts::new(vec![source]).unwrap().iter().next().unwrap().operations().len(), 2);
    assert!(error_of(&file("get")).contains("api.yaml:4: GET /x/{b} stands at api.yaml:3 too, with another id"));
}

#[test]
fn one_id_for_two_routes_is_an_error() {
    let text = "openapi: 3.0.0\npaths:\n  /a: {get: {operationId: x, security: []}}\n  /b: {get: {operationId: x, security: []}}\n";
    assert_eq!(error_of(text), "api.yaml:4: `x` stands at api.yaml:3 too, for GET /a");
}

#[test]
fn rows_are_read_by_the_names_of_their_columns() {
    let rows = |columns: &str, row: &str| format!("{{\"columns\":{columns},\n\"operations\":[\n{row}\n]}}");
    let shuffled = rows(
        r#"["path","method","auth","id","scopes","permissions","tag"]"#,
        r#"["/x","GET",null,"x",["a","b"],["ALL",["admin"]],["T","U"]]"#,
    );
    let operation = read(&shuffled).unwrap().operations.remove(0);
    assert_eq!((operation.id.as_str(), operation.source.line), ("x", 3));
    assert_eq!(operation.requirement.scopes_any_of().len(), 2);
    assert_eq!(operation.tags, ["T", "U"]);
    let columns = r#"["id","method","path","scopes","auth"]"#;
    let of = |row: &str| read(&rows(columns, row)).unwrap().operations.remove(0).requirement;
    assert_eq!(of(r#"["x","GET","/x",[]]"#), Requirement::Authenticated);
    assert_eq!(of(r#"["x","GET","/x",[],"none"]"#), Requirement::Unstated { why: Unstated::NoSecurity });
    assert_eq!(of(r#"["x","GET","/x",null]"#), Requirement::Unstated { why: Unstated::NoSecurity });
    assert_eq!(of(r#"["x","GET","/x",[],"Guest JWT"]"#), Requirement::OtherCredential { scheme: "Guest JWT".into() });
    for (columns, row, expected) in [
        (columns, r#"["x","get","/x",[]]"#, "api.yaml:3: `get` is not a method"),
        (columns, r#"["x"]"#, "api.yaml:3: the row has no method"),
        (columns, r#"["x","GET","/x","a"]"#, "api.yaml:3: the scope list is a list, not a text"),
        (columns, r#"{"id":"x"}"#, "api.yaml:3: a row is a list, not a mapping"),
        (r#"["id","path"]"#, "[]", "api.yaml:1: column `method` is missing"),
        (r#"["id","path","method","id"]"#, "[]", "api.yaml:1: column `id` stands twice"),
        (r#"["id","path","method","acl"]"#, "[]", "api.yaml:1: column `acl` is not known"),
    ] {
        let error = error_of(&rows(columns, row));
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn what_is_wrong_is_named_with_file_line_and_what_would_be_right() {
    for (text, expected) in [
        ("", "api.yaml:1: the file is empty"),
        ("a: 1\n", "api.yaml:1: not a contract: one key of `openapi`, `swagger` and `columns`"),
        ("openapi: 3.2.0\npaths: {}\n", "api.yaml:1: OpenAPI `3.2.0` is not read: 3.0 and 3.1 are"),
        ("openapi: 3.10.0\npaths: {}\n", "api.yaml:1: OpenAPI `3.10.0` is not read"),
        ("swagger: '1.2'\n", "api.yaml:1: Swagger `1.2` is not read: 2.0 is"),
        ("openapi: 3.0.0\npaths: {}\n", "api.yaml:1: no operation is described"),
        ("openapi: 3.0.0\npaths: [a]\n", "api.yaml:2: `paths` is a mapping, not a list"),
        ("openapi: 3.0.0\npaths:\n  x: {get: {}}\n", "api.yaml:3: path `x` does not begin with `/`"),
        ("openapi: 3.0.0\npaths:\n  /x: {get: 1}\n", "api.yaml:3: an operation is a mapping, not a text"),
        (
            "openapi: 3.0.0\npaths:\n  /x/: {get: {security: []}}\n",
            "api.yaml:3: path `/x/`: an empty segment or a final slash",
        ),
        (
            "openapi: 3.0.0\npaths:\n  /x.{y}: {get: {security: []}}\n",
            "api.yaml:3: path `/x.{y}`: segment `x.{y}` mixes",
        ),
        ("openapi: 3.0.0\npaths:\n  /x:\n    get:\n      security:\n", "api.yaml:5: `security` is a list, not nothing"),
        ("openapi: 3.0.0\npaths:\n  /x:\n    get:\n      security: [a]\n", "api.yaml:5: `security` holds mappings"),
        (
            "openapi: 3.0.0\npaths:\n  /x:\n    get:\n      security: [{O: a}]\n",
            "api.yaml:5: the scope list of `O` is a list",
        ),
        (
            "openapi: 3.0.0\npaths:\n  /x: {get: {security: [], x-inin-requires-permissions: {type: any}}}\n",
            "api.yaml:3: `x-inin-requires-permissions` is",
        ),
        (
            "openapi: 3.0.0\npaths:\n  /x: {get: {operationId: [x]}}\n",
            "api.yaml:3: `operationId` is a text, not a list",
        ),
        ("openapi: 3.0.0\npaths:\n  /x:\n    get: {}\n    get: {}\n", "api.yaml:5: `get` stands twice in one mapping"),
        ("openapi: 3.0.0\npaths:\n /x: {\n", "api.yaml:"),
    ] {
        let error = error_of(text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn all_errors_are_listed_but_not_without_end() {
    let paths: String = (0..500).map(|index| format!("  x{index}: {{}}\n")).collect();
    let errors = read(&format!("openapi: 3.0.0\npaths:\n{paths}")).unwrap_err();
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100].message, "more is wrong after this, and not listed");
}

#[test]
fn absurd_input_is_refused_and_never_a_panic() {
    let many_scopes = vec!["a"; 1_001].join(", ");
    let long = format!("openapi: 3.0.0\npaths:\n  /x: {{get: {{security: [{{Ours: [{many_scopes}]}}]}}}}\n{SCHEMES}");
    assert!(error_of(&long).contains("at most 1000 are read"));
    let deep = format!("openapi: 3.0.0\npaths:\n  /{}: {{get: {{security: []}}}}\n", vec!["a"; 129].join("/"));
    assert!(error_of(&deep).contains("129 segments"));
    let rows: String = (0..50_001).map(|index| format!(",\n[\"o{index}\",\"GET\",\"/{index}\",[]]")).collect();
    let many = format!(
        "{{\"columns\":[\"id\",\"method\",\"path\",\"scopes\"],\"operations\":[[\"o\",\"GET\",\"/\",[]]{rows}]}}"
    );
    assert!(error_of(&many).contains("at most 50000 are read"));
    let huge = "#".repeat(64 * 1024 * 1024 + 1);
    assert!(error_of(&huge).contains("bytes are too many"));
}

#[test]
fn keys_that_are_no_methods_are_warnings() {
    let source = read("openapi: 3.0.0\npaths:\n  /x:\n    get: {security: []}\n    GET: {}\n    trace: {}\n    x-y: 1\n    parameters: []\n").unwrap();
    let warnings: Vec<_> = source.warnings.iter().map(|finding| (finding.line, finding.rule.as_str())).collect();
    assert_eq!(warnings, [(5, "unknown-key"), (6, "trace-left-out")]);
}

#[test]
fn a_stored_contract_is_validated_again() {
    let mut source = read("openapi: 3.0.0\npaths: {/x: {get: {security: []}}}\n").unwrap();
    source.operations.push(source.operations[0].clone());
    assert!(matches!(Contracts::new(vec![source.clone()]), Err(ContractError::SameId { .. })));
    source.operations[1].id = "other".into();
    assert!(matches!(Contracts::new(vec![source.clone()]), Err(ContractError::SameRoute { .. })));
    source.operations[1].path = "x".into();
    assert!(matches!(Contracts::new(vec![source]), Err(ContractError::Template { .. })));
}

#[test]
fn crossings_without_end_are_refused() {
    let mut source = read("openapi: 3.0.0\npaths: {/x: {get: {security: []}}}\n").unwrap();
    let template = source.operations[0].clone();
    source.operations = (0..2_400)
        .map(|index| {
            let (id, path) = (
                format!("o{index}"),
                if index % 2 == 0 { format!("/a{index}/{{x}}") } else { format!("/{{x}}/b{index}") },
            );
            countersign_decision::Operation { id, path, ..template.clone() }
        })
        .collect();
    assert!(matches!(Contracts::new(vec![source]), Err(ContractError::TooManyOverlaps { .. })));
}

#[test]
fn lint_names_each_thing_with_file_line_and_rule() {
    let text = format!(
        "openapi: 3.0.0
x-countersign-permissions: {{'d:u:add': Add users, admin: Everything}}
paths:
  /u/{{id}}/roles:
    put: {{operationId: a, security: [{{Ours: [a]}}]}}
  /u/rules/{{id}}:
    put:
      operationId: b
      security: [{{Ours: ['b:readonly']}}]
      x-inin-requires-permissions: {{type: ANY, permissions: ['d:u:add', 'D:u:add']}}
  /v:
    get: {{operationId: c}}
{SCHEMES}"
    );
    let contracts = Contracts::new(vec![read(&text).unwrap()]).unwrap();
    let findings = lint(contracts.iter().next().unwrap());
    let found: Vec<_> = findings.iter().map(|one| (one.line, one.rule.as_str(), one.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (
                7,
                "crossing-templates",
                "PUT /u/rules/{id} crosses /u/{id}/roles (api.yaml:5), which needs something else: a request that matches both has to be allowed for both"
            ),
            (7, "read-only-scope-writes", "`b:readonly` is enough for PUT /u/rules/{id}"),
            (7, "unknown-permission", "permission `D:u:add` is not among those that `x-countersign-permissions` lists"),
            (
                7,
                "unknown-permission",
                "permission `d:u:add` differs from `D:u:add` only in the case of letters: they are two"
            ),
            (12, "unstated-requirement", "`c` (GET /v) is denied to everybody: no security is stated"),
        ]
    );
}
