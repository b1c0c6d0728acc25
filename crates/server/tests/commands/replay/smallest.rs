//! The smallest sets, compared with a look at every set through `evaluate`, and on the real contract.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::call;
use crate::binary::{Folder, real_contract, run};

/// Numbers that look like chance and are the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn some<'n>(&mut self, names: &[&'n str], most: u64) -> Vec<&'n str> {
        let count = 1 + self.below(most);
        let mut some: Vec<&str> =
            (0..count).map(|_| names[usize::try_from(self.below(names.len() as u64)).unwrap()]).collect();
        some.sort_unstable();
        some.dedup();
        some
    }
}

/// One organization for each set of scopes (with all permissions) and each set of permissions (with all scopes):
/// `evaluate` is asked which of them allows every call, and the first in the order of the rule has to be what `replay`
/// says.
#[test]
fn no_smaller_set_allows_the_log() {
    const SCOPES: [&str; 5] = ["a", "b", "c", "d", "e"];
    const PERMISSIONS: [&str; 5] = ["p:p:a", "p:p:b", "p:p:c", "p:p:d", "p:p:e"];
    let subset = |names: &[&'static str; 5], mask: usize| -> Vec<&'static str> {
        (0..5).filter(|bit| mask >> bit & 1 == 1).map(|bit| names[bit]).collect()
    };
    for seed in 0..8 {
        let (mut dice, folder) = (Dice(seed), Folder::new());
        let mut paths = serde_json::Map::new();
        let mut widths = [[0usize; 5]; 2];
        for number in 0..8 {
            let alternatives: Vec<_> = (0..1 + dice.below(3)).map(|_| dice.some(&SCOPES, 2)).collect();
            let (permissions, mode) = (dice.some(&PERMISSIONS, 3), if dice.below(3) == 0 { "ALL" } else { "ANY" });
            for position in 0..5 {
                widths[0][position] += usize::from(alternatives.iter().flatten().any(|one| *one == SCOPES[position]));
                widths[1][position] += usize::from(permissions.contains(&PERMISSIONS[position]));
            }
            let security: Vec<_> = alternatives.iter().map(|scopes| json!({"OAuth": scopes})).collect();
            let operation = json!({
                "operationId": format!("get{number}"), "security": security, "responses": {},
                "x-inin-requires-permissions": {"type": mode, "permissions": permissions},
            });
            paths.insert(format!("/o{number}"), json!({"get": operation}));
        }
        let contract = json!({
            "openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": paths,
            "components": {"securitySchemes": {"OAuth": {"type": "oauth2", "flows": {}}}},
        });
        let organization = |id: &str, scopes: &[&str], permissions: &[&str]| {
            json!({
                "id": id, "roles": [{"name": "R", "permissions": permissions}],
                "users": [{"email": "u@x.test", "roles": ["R"]}],
                "clients": [{"name": "App"}], "authorizations": [{"client": "App", "scopes": scopes}],
            })
        };
        let organizations = (0..32).flat_map(|mask| {
            [
                organization(&format!("s{mask}"), &subset(&SCOPES, mask), &PERMISSIONS),
                organization(&format!("p{mask}"), &SCOPES, &subset(&PERMISSIONS, mask)),
            ]
        });
        let world = json!({"organizations": organizations.collect::<Vec<_>>()});
        let (contract, world) =
            (folder.file("contract.json", contract.to_string()), folder.file("world.json", world.to_string()));
        let called: Vec<u64> = (0..5).map(|_| dice.below(8)).collect();
        let files = ["--contract", &contract, "--world", &world, "--scope-lists", "all"];

        let mut lines = String::new();
        for (half, mask) in ["s", "p"].iter().flat_map(|half| (0..32).map(move |mask| (half, mask))) {
            for number in &called {
                let line = json!({
                    "organization": format!("{half}{mask}"), "client": "App", "user": "u@x.test", "method": "GET",
                    "path": format!("/o{number}"),
                });
                writeln!(lines, "{line}").unwrap();
            }
        }
        let decisions = run(&[&["evaluate"][..], &files].concat(), &lines).stdout;
        let decisions: Vec<bool> = decisions.lines().map(|line| line.contains(r#""decision":"allow""#)).collect();
        assert_eq!(decisions.len(), 64 * called.len());
        let best = |half: usize, names: &[&'static str; 5]| {
            let allows = |mask: &usize| {
                let start = (half * 32 + mask) * called.len();
                decisions[start..start + called.len()].iter().all(|allowed| *allowed)
            };
            let width =
                |mask: usize| (0..5).filter(|bit| mask >> bit & 1 == 1).map(|bit| widths[half][bit]).sum::<usize>();
            let best = (0..32usize).filter(allows);
            let best = best.min_by_key(|mask| (mask.count_ones(), width(*mask), subset(names, *mask)));
            subset(names, best.expect("all of them allow everything"))
        };

        let log: String = called.iter().map(|number| call("GET", &format!("/o{number}"))).collect();
        let who = ["--organization", "s31", "--client", "App", "--user", "u@x.test", "--json"];
        let report = run(&[&["replay"][..], &files, &who].concat(), &log);
        let report: Value = serde_json::from_str(&report.stdout).unwrap_or_else(|_| panic!("{report:?}"));
        assert_eq!(report["scopes"]["smallest"], json!(best(0, &SCOPES)), "seed {seed}");
        assert_eq!(report["permissions"]["smallest"], json!(best(1, &PERMISSIONS)), "seed {seed}");
        // Everything is granted, so the least of the granted is the least of all.
        assert_eq!(report["scopes"]["needed"], report["scopes"]["smallest"]);
        assert_eq!(report["subjects"][0]["needed"], report["permissions"]["smallest"]);
    }
}

#[test]
fn a_log_that_calls_all_of_the_real_contract_is_answered_exactly() {
    let Some(contract) = real_contract() else { return };
    let folder = Folder::new();
    let world = folder.file(
        "world.yaml",
        "organizations: [{id: acme, users: [{email: a@b.c}], clients: [{name: App}], authorizations: [{client: App, scopes: [users]}]}]",
    );
    let catalogue: Value = serde_json::from_str(&std::fs::read_to_string(&contract).unwrap()).unwrap();
    let mut log = String::new();
    for row in catalogue["operations"].as_array().unwrap() {
        let path = row[2].as_str().unwrap().replace(['{', '}'], "x");
        writeln!(log, "h - - [t] \"{} {path} HTTP/1.1\" 200 0", row[1].as_str().unwrap()).unwrap();
    }
    let who = ["--organization", "acme", "--client", "App", "--user", "a@b.c", "--json"];
    let run = run(&[&["replay", "--contract", &contract, "--world", &world][..], &who].concat(), &log);
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    assert_eq!(report["calls"]["read"], 3_180);
    assert_eq!((&report["scopes"]["is_minimal"], &report["permissions"]["is_minimal"]), (&json!(true), &json!(true)));
    assert_eq!(report["scopes"]["smallest"].as_array().unwrap().len(), 69);
}
