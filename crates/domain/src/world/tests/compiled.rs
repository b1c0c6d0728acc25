//! A world file is decided as it is written, without a store.

use countersign_decision::ContractSource;
use countersign_decision::{Caller, Contracts, Decision, Subject, decide};

use super::*;

fn contracts() -> Contracts {
    let source: ContractSource = serde_json::from_value(serde_json::json!({
        "name": "people",
        "operations": [{
            "id": "postUsers", "method": "POST", "path": "/users",
            "requirement": {"kind": "oauth", "scopes_any_of": [["users"]],
                "permissions": {"mode": "ANY", "of": ["directory:user:add"]}},
            "source": {"file": "people.yaml", "line": 1},
        }],
    }))
    .unwrap();
    Contracts::new(vec![source]).unwrap()
}

fn decided(text: &str, organization: &str, client: &str, user: Option<&str>) -> String {
    let contracts = contracts();
    let world = World::parse("w.yaml", text).unwrap();
    let world = CompiledWorld::new(&world, contracts.catalogue()).unwrap();
    let caller = Caller {
        client: world.client(organization, client).unwrap().unwrap().clone(),
        subject: user.map_or(Subject::Client, |email| Subject::User(email.to_owned())),
        ceiling: None,
        actors: Vec::new(),
    };
    let authority = world.snapshot(organization).unwrap().authority(&caller);
    match decide(contracts.named("people").unwrap(), &authority, "POST", b"/users") {
        Decision::Allow(permit) => format!("allow {}", permit.operation().id),
        Decision::Deny(denial) => format!("deny {}", denial.reason()),
    }
}

#[test]
fn a_world_is_decided_as_it_is_written() {
    assert_eq!(decided(ACME, "acme", "Roster Sync", Some("ada@acme.test")), "allow postUsers");
    assert_eq!(decided(ACME, "acme", "5f0c", None), "allow postUsers");
    assert_eq!(decided(ACME, "acme", "5f0c", Some("nobody@acme.test")), "deny unknown_user");
    assert_eq!(decided(ACME, "globex", "5f0c", None), "deny app_refused");
    let unnamed =
        ACME.replace("      - id: 5f0c\n        name", "      - name").replace("- client: 5f0c", "- client: x");
    let unnamed = unnamed.replace("id: globex\n", "id: globex\n    clients: [{id: x, name: X}]\n");
    assert_eq!(decided(&unnamed, "acme", "Roster Sync", None), "allow postUsers", "a client needs no id");
}

#[test]
fn a_client_is_found_by_own_name_then_id_then_the_only_name_elsewhere() {
    let contracts = contracts();
    let text = "organizations:\n  - id: a\n    clients: [{name: App, id: a1}]\n  - id: b\n    clients: [{name: App, id: b1}, {name: Only}]\n  - id: c\n";
    let world = World::parse("w.yaml", text).unwrap();
    let world = CompiledWorld::new(&world, contracts.catalogue()).unwrap();
    let found = |organization, text| world.client(organization, text).map(|client| client.map(|c| c.id.clone()));
    assert_eq!(found("a", "App"), Ok(Some("a1".to_owned())));
    assert_eq!(found("a", "b1"), Ok(Some("b1".to_owned())));
    assert_eq!(found("c", "Only"), Ok(Some("b/Only".to_owned())));
    assert_eq!(found("c", "Nope"), Ok(None));
    let message = found("c", "App").unwrap_err().to_string();
    assert_eq!(message, "`App` is a client of `a` and of `b`: name it by its id");
}

#[test]
fn without_a_store_every_client_must_be_in_the_file() {
    let contracts = contracts();
    let world = World::parse("w.yaml", &ACME.replace("client: 5f0c", "client: 5f0d")).unwrap();
    assert_eq!(CompiledWorld::new(&world, contracts.catalogue()).unwrap_err().len(), 1);
}

#[test]
fn what_no_contract_knows_is_a_warning() {
    let world = World::parse("w.yaml", &ACME.replace("[sell]", "[sell, \"directory:user:add\"]")).unwrap();
    let warnings: Vec<_> = world.warnings(contracts().catalogue()).iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "w.yaml:8: no loaded contract knows a permission that `oauth:client:authorize` covers: it opens nothing",
            "w.yaml:10: no loaded contract knows a permission that `sell` covers: it opens nothing",
        ]
    );
}
