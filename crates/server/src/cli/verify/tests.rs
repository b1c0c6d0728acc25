//! Verdicts are those of a loop over decisions, on small worlds and statements of a generator: sets are a quicker way to
//! the same answers. The loop reads world and statement as they stand in the files, and selects in its own way.

use std::collections::BTreeMap;

use countersign_decision::{Caller, ContractSource, Contracts, Subject, decide_operation};
use countersign_domain::world::{CompiledWorld, World};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use serde_json::{Map, Value, json};

use super::read::read;
use super::verdict::{Verdict, verdict};
use super::world::Everything;
use crate::cli::files::Loaded;

const SCOPES: [&str; 3] = ["s0", "s1", "s2"];
const PERMISSIONS: [&str; 3] = ["d:e:add", "d:e:view", "d:f:view"];
const ROLES: [&str; 3] = ["r0", "r1", "r2"];
const TAGS: [&str; 2] = ["T0", "T1"];
const METHODS: [&str; 3] = ["GET", "POST", "DELETE"];

/// Random choices, read from a tape that shrinks well: all zeros is the simplest case.
struct Choices<'t>(std::slice::Iter<'t, u16>);

impl Choices<'_> {
    fn below(&mut self, end: usize) -> usize {
        self.0.next().map_or(0, |number| usize::from(*number)) % end
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == chances - 1
    }

    fn some_of(&mut self, all: &[&str]) -> Vec<Value> {
        all.iter().filter(|_| self.one_in(2)).map(|one| json!(one)).collect()
    }

    fn one_of(&mut self, all: &[&str]) -> Value {
        json!(all[self.below(all.len())])
    }
}

fn operations(choices: &mut Choices<'_>) -> Vec<Value> {
    (0..6).map(|number| operation(number, choices)).collect()
}

fn operation(number: usize, choices: &mut Choices<'_>) -> Value {
    let requirement = match choices.below(8) {
        0 => json!({"kind": "public"}),
        1 => json!({"kind": "authenticated"}),
        2 => json!({"kind": "unstated", "why": {"what": "no_security"}}),
        _ => {
            let scopes: Vec<_> = choices.some_of(&SCOPES).into_iter().map(|scope| json!([scope])).collect();
            let (mode, of) = (choices.one_of(&["ANY", "ALL"]), choices.some_of(&PERMISSIONS));
            json!({"kind": "oauth", "scopes_any_of": scopes, "permissions": {"mode": mode, "of": of}})
        }
    };
    json!({
        "id": format!("op{number}"), "method": choices.one_of(&METHODS), "path": format!("/p{number}"),
        "tags": choices.some_of(&TAGS), "requirement": requirement, "source": {"file": "made", "line": 1},
    })
}

/// Two organizations; `App 0` is a name in both.
fn world(choices: &mut Choices<'_>) -> Value {
    let organizations = [("g0", &["a0", "a1"][..]), ("g1", &["b0"])].map(|(id, apps)| {
        let roles = ROLES.map(|role| json!({"name": role, "permissions": choices.some_of(&PERMISSIONS)}));
        let users = [0, 1, 2].map(|user| {
            let state = if choices.one_in(4) { "inactive" } else { "active" };
            json!({"email": format!("u{user}@{id}.test"), "state": state, "roles": choices.some_of(&ROLES)})
        });
        let clients: Vec<_> = apps
            .iter()
            .map(|app| json!({"id": app, "name": format!("App {}", &app[1..]), "roles": choices.some_of(&ROLES)}))
            .collect();
        let mut authorizations = Vec::new();
        for client in ["a0", "a1", "b0", "countersign-console"] {
            if choices.one_in(4) {
                continue;
            }
            let state = ["authorized", "authorized", "authorized", "requested", "denied"][choices.below(5)];
            let limit = if choices.one_in(3) { choices.some_of(&ROLES) } else { Vec::new() };
            let scopes = choices.some_of(&SCOPES);
            authorizations.push(json!({"client": client, "scopes": scopes, "roles": limit, "state": state}));
        }
        json!({
            "id": id, "roles": roles, "users": users, "clients": clients, "authorizations": authorizations,
            "scope_enforcement": choices.one_of(&["enforce", "enforce", "off", "report"]),
            "bounds_client_credentials": !choices.one_in(3),
        })
    });
    json!({"organizations": organizations})
}

/// A statement with some of all keys.
fn statement(choices: &mut Choices<'_>) -> Value {
    let mut statement = Map::new();
    statement.insert(["never", "always"][choices.below(2)].to_owned(), json!("a sentence"));
    if choices.one_in(3) {
        statement.insert("organizations".to_owned(), json!([choices.one_of(&["g0", "g1"])]));
    }
    let mut section = |name: &str, keys: &[(&str, &[&str])], truth: Option<&str>, choices: &mut Choices<'_>| {
        let mut section = Map::new();
        for (key, values) in keys {
            if choices.one_in(3) {
                section.insert((*key).to_owned(), json!(choices.some_of(values)));
            }
        }
        if let Some(key) = truth.filter(|_| choices.one_in(3)) {
            section.insert(key.to_owned(), json!(choices.one_in(2)));
        }
        if !section.is_empty() {
            statement.insert(name.to_owned(), Value::Object(section));
        }
    };
    let states = ["authorized", "requested", "denied", "undecided"];
    let apps: [(&str, &[&str]); 5] = [
        ("names", &["App 0", "App 1"]),
        ("ids", &["a0", "b0", "countersign-console"]),
        ("with_scopes", &SCOPES),
        ("without_scopes", &SCOPES),
        ("states", &states),
    ];
    section("apps", &apps, Some("own"), choices);
    section("users", &[("in_roles", &ROLES), ("outside_roles", &ROLES)], Some("itself"), choices);
    section("operations", &[("ids", &["op0", "op1", "op2"]), ("methods", &METHODS)], None, choices);
    Value::Object(statement)
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

fn has(value: &Value, key: &str, one: &Value) -> bool {
    list(value, key).any(|other| other == one)
}

/// Whether an app is selected in an organization.
fn selects_app(apps: &Value, app: &Value, is_own: bool, authorization: Option<&Value>) -> bool {
    let is_named = has(apps, "names", &app["name"]) || has(apps, "ids", &app["id"]);
    let in_force = authorization.filter(|one| one["state"] == "authorized");
    let holds = |scope: &Value| in_force.is_some_and(|one| has(one, "scopes", scope));
    let state = authorization.map_or(json!("undecided"), |one| one["state"].clone());
    (is_named || (apps["names"].is_null() && apps["ids"].is_null()))
        && list(apps, "with_scopes").all(holds)
        && !list(apps, "without_scopes").any(holds)
        && (apps["states"].is_null() || has(apps, "states", &state))
        && (apps["own"].is_null() || apps["own"] == is_own)
}

fn selects_user(users: &Value, user: &Value) -> bool {
    user["state"] == "active"
        && (users["in_roles"].is_null() || list(users, "in_roles").any(|role| has(user, "roles", role)))
        && !list(users, "outside_roles").any(|role| has(user, "roles", role))
}

/// What comes of a tape.
struct Made {
    operations: Vec<Value>,
    world: Value,
    statement: Value,
    loaded: Loaded,
}

impl Made {
    fn new(tape: &[u16]) -> Self {
        let mut choices = Choices(tape.iter());
        let (operations, world, statement) = (operations(&mut choices), world(&mut choices), statement(&mut choices));
        // Scopes that no operation names are described, so that statements may name them.
        let scopes: Map<_, _> = SCOPES.iter().map(|scope| ((*scope).to_owned(), json!("words"))).collect();
        let source = json!({"name": "made", "operations": operations, "scopes": scopes});
        let source: ContractSource = serde_json::from_value(source).unwrap();
        let contracts = Contracts::new(vec![source]).unwrap();
        let parsed = World::parse("world.json", &world.to_string()).unwrap();
        let compiled = CompiledWorld::new(&parsed, contracts.catalogue()).unwrap();
        Self { operations, world, statement, loaded: Loaded { contracts, world: parsed, compiled } }
    }
}

fn verdict_on(statement: &Value, loaded: &Loaded) -> Verdict {
    let contract = loaded.contracts.iter().next().unwrap();
    let text = json!({"statements": [statement]}).to_string();
    let statements = read("statements.json", &text, loaded, contract).unwrap();
    verdict(&statements[0], &Everything::new(loaded), &loaded.world, contract)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1, failure_persistence: None, ..ProptestConfig::default() })]

    /// The generator is worth nothing if its statements end in the same few verdicts.
    #[test]
    fn the_generator_reaches_every_kind_of_verdict(tapes in vec(vec(any::<u16>(), 250), 600)) {
        let mut seen = BTreeMap::new();
        for tape in tapes {
            let Made { statement, loaded, .. } = Made::new(&tape);
            let found = verdict_on(&statement, &loaded);
            let how = match (&found.counterexample, found.selects_nothing) {
                (Some(example), _) if example.user.is_some() => "fails for a user",
                (Some(_), _) => "fails for the app itself",
                (None, Some(what)) => what,
                (None, None) => "holds",
            };
            *seen.entry((found.kind.as_str(), how)).or_insert(0) += 1;
        }
        for kind in ["never", "always"] {
            for how in ["holds", "fails for a user", "fails for the app itself", "apps", "operations"] {
                let count = seen.get(&(kind, how)).copied().unwrap_or(0);
                prop_assert!(count > 3, "{kind} {how} is hardly ever reached: {seen:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_verdict_is_that_of_a_loop_over_decisions(tape in vec(any::<u16>(), 250)) {
        let Made { operations, world, statement, loaded } = &Made::new(&tape);
        let found = verdict_on(statement, loaded);
        let contract = loaded.contracts.iter().next().unwrap();

        let is_never = !statement["never"].is_null();
        let can = |organization: &Value, app: &Value, user: Option<&Value>, operation: &Value| {
            let id = organization["id"].as_str().unwrap();
            let client = loaded.compiled.client(id, app["id"].as_str().unwrap()).unwrap().unwrap();
            let subject = user.map_or(Subject::Client, |user| Subject::User(user["email"].as_str().unwrap().to_owned()));
            let caller = Caller { client: client.clone(), subject, ceiling: None, actors: Vec::new() };
            let snapshot = loaded.compiled.snapshot(id).unwrap();
            decide_operation(contract, &snapshot.authority(&caller), operation["id"].as_str().unwrap()).is_allowed()
        };
        let about = |organization: &&Value| {
            statement["organizations"].is_null() || has(statement, "organizations", &organization["id"])
        };
        let selected: Vec<_> = operations.iter().filter(|one| {
            let keys = &statement["operations"];
            (keys["ids"].is_null() || has(keys, "ids", &one["id"]))
                && (keys["methods"].is_null() || has(keys, "methods", &one["method"]))
        }).collect();
        let users_keys = &statement["users"];
        let narrows = !users_keys["in_roles"].is_null() || !users_keys["outside_roles"].is_null();
        let itself = users_keys["itself"].as_bool().unwrap_or(!narrows);
        let console = json!({"id": "countersign-console", "name": null});
        let mut against = Vec::new();
        let mut calls = 0;
        for organization in list(world, "organizations").filter(about) {
            let decided = |id: &Value| list(organization, "authorizations").find(|one| one["client"] == *id);
            let everywhere = list(world, "organizations").flat_map(|home| list(home, "clients"));
            for app in everywhere.chain(decided(&console["id"]).map(|_| &console)) {
                let is_own = list(organization, "clients").any(|own| own["id"] == app["id"]);
                if !selects_app(&statement["apps"], app, is_own, decided(&app["id"])) {
                    continue;
                }
                let users = list(organization, "users").filter(|user| selects_user(users_keys, user)).map(Some);
                for user in users.chain(itself.then_some(None)) {
                    for operation in &selected {
                        calls += 1;
                        if can(organization, app, user, operation) == is_never {
                            let email = user.map(|user| user["email"].clone());
                            against.push((organization["id"].clone(), app["id"].clone(), email, operation["id"].clone()));
                        }
                    }
                }
            }
        }
        prop_assert_eq!((found.calls, found.against), (calls, against.len() as u64));
        prop_assert_eq!((found.holds, found.selects_nothing.is_some()), (against.is_empty(), calls == 0));
        prop_assert_eq!(found.passes, against.is_empty() && calls > 0);
        match found.counterexample {
            None => prop_assert!(against.is_empty()),
            Some(example) => {
                let user = example.user.map(Value::String);
                let (organization, client) = (json!(example.organization), json!(example.client_id));
                let named = (organization, client, user, json!(example.operation));
                prop_assert!(against.contains(&named), "{named:?} is not among {against:?}");
            }
        }
    }
}
