//! Least privilege: the smallest sets compared with a look at every set, through the engine itself; and the real
//! contract, all of its operations observed at once.

use std::collections::BTreeSet;

use countersign_decision::cover::{Demand, smallest_cover};
use countersign_decision::meaning::Meaning;
use countersign_decision::usage::Usage;
use countersign_decision::{
    AuthorizationFacts, AuthorizationState, Caller, ClientRef, Contract, Contracts, Enforcement, OrganizationFacts,
    PermissionMode, RoleFacts, Snapshot, Subject, SubjectFacts, decide,
};
use proptest::collection::{btree_set, vec};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;

mod shared_input;

const SCOPES: [&str; 6] = ["a", "a:readonly", "b", "b:readonly", "c", "d"];
const PERMISSIONS: [&str; 6] = ["x:y:add", "x:y:edit", "x:y:view", "x:z:add", "x:z:view", "admin"];

/// Paths that cross each other in places.
const PATHS: [&str; 6] = ["/p", "/p/{a}", "/p/q/{a}", "/p/{a}/r", "/{a}/q/r", "/p/q/r"];
const TARGETS: [&str; 8] = ["/p", "/p/1", "/p/q/1", "/p/q/r", "/p/1/r", "/1/q/r", "/no", "/p/../q"];

fn operations() -> impl Strategy<Value = Vec<serde_json::Value>> {
    let scopes = vec(btree_set(select(SCOPES.to_vec()), 1..3), 0..4);
    let permissions = (any::<bool>(), btree_set(select(PERMISSIONS.to_vec()), 0..4));
    vec((scopes, permissions, 0..20u8), PATHS.len()).prop_map(|operations| {
        let one = |(operation, path): (_, &str)| {
            let (scopes, (is_any, permissions), kind): (Vec<_>, (bool, BTreeSet<&str>), u8) = operation;
            let mode = if is_any { "ANY" } else { "ALL" };
            let requirement = match kind {
                0 => serde_json::json!({"kind": "unstated", "why": {"what": "no_security"}}),
                1 => serde_json::json!({"kind": "public"}),
                2 => serde_json::json!({"kind": "authenticated"}),
                _ => serde_json::json!({
                    "kind": "oauth", "scopes_any_of": scopes, "permissions": {"mode": mode, "of": permissions},
                }),
            };
            let source = serde_json::json!({"file": "t.yaml", "line": 1});
            serde_json::json!({"id": path, "method": "GET", "path": path, "requirement": requirement, "source": source})
        };
        operations.into_iter().zip(PATHS).map(one).collect()
    })
}

fn is_allowed(contracts: &Contracts, scopes: &[&str], permissions: &[&str], target: &str) -> bool {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let policies = permissions.iter().map(|one| one.parse().expect("a permission")).collect();
    let facts = OrganizationFacts {
        id: "acme".into(),
        active: true,
        enforcement: Enforcement::Enforce,
        bounds_client_credentials: true,
        roles: vec![RoleFacts { id: "role".into(), name: "role".into(), policies }],
        users: vec![SubjectFacts { id: "ada".into(), active: true, roles: vec!["role".into()] }],
        clients: Vec::new(),
        authorizations: vec![AuthorizationFacts {
            client: "app".into(),
            state: AuthorizationState::Authorized,
            scopes: owned(scopes),
            roles: Vec::new(),
        }],
    };
    let snapshot = Snapshot::compile(contracts.catalogue(), &facts);
    let caller = Caller {
        client: ClientRef { id: "app".into(), home_organization: "globex".into(), active: true },
        subject: Subject::User("ada".into()),
        ceiling: None,
        actors: Vec::new(),
    };
    decide(contract(contracts), &snapshot.authority(&caller), "GET", target.as_bytes()).is_allowed()
}

fn contract(contracts: &Contracts) -> &Contract {
    contracts.named("t").expect("it was given this name")
}

/// All subsets of the names, those with few names first, then those that stand in few operations, then in order.
fn best_first<'n>(names: &[&'n str], width: impl Fn(&str) -> usize) -> Vec<Vec<&'n str>> {
    let mut names = names.to_vec();
    names.sort_unstable();
    let subset = |mask: usize| (0..names.len()).filter(|bit| mask >> bit & 1 == 1).map(|bit| names[bit]).collect();
    let mut subsets: Vec<Vec<&str>> = (0..1 << names.len()).map(subset).collect();
    let width = |subset: &[&str]| subset.iter().map(|name| width(name)).sum::<usize>();
    subsets.sort_by(|one, other| (one.len(), width(one), one).cmp(&(other.len(), width(other), other)));
    subsets
}

fn width_of_permission(contract: &Contract, name: &str) -> usize {
    let lists = contract.operations().iter().filter_map(|operation| operation.requirement.permissions());
    lists.filter(|list| list.of.iter().any(|one| one.as_str() == name)).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_smallest_sets_are_the_first_with_which_the_engine_allows_every_call(
        operations in operations(),
        targets in vec(select(TARGETS.to_vec()), 0..6),
        granted in btree_set(select(SCOPES.to_vec()), 0..6),
    ) {
        let source = serde_json::json!({"name": "t", "operations": operations});
        let contracts = Contracts::new(vec![serde_json::from_value(source).unwrap()]).unwrap();
        let contract = contract(&contracts);
        let (mut usage, mut covered) = (Usage::new(contract), Vec::new());
        for target in targets {
            let can_be_opened = usage.add(&Meaning::of(contract, "GET", target.as_bytes()), None, 1);
            prop_assert_eq!(can_be_opened, is_allowed(&contracts, &SCOPES, &PERMISSIONS, target), "{}", target);
            covered.extend(Some(target).filter(|_| can_be_opened));
        }

        let scope_width = |name: &str| contract.catalogue().scope_index(name)
            .map_or(0, |index| contract.catalogue().scopes()[index as usize].operations);
        let allows = |scopes: &[&str], permissions: &[&str]| {
            covered.iter().filter(|target| is_allowed(&contracts, scopes, permissions, target)).count()
        };
        let best = best_first(&SCOPES, scope_width);
        let best = best.into_iter().find(|scopes| allows(scopes, &PERMISSIONS) == covered.len()).unwrap();
        prop_assert_eq!(&usage.scopes().smallest().names, &best);
        let best = best_first(&PERMISSIONS, |name| width_of_permission(contract, name));
        let best = best.into_iter().find(|permissions| allows(&SCOPES, permissions) == covered.len()).unwrap();
        prop_assert_eq!(&usage.permissions().smallest().names, &best);

        // Nothing that is not needed changes any answer, and nothing needed can be spared.
        let granted: Vec<&str> = granted.into_iter().collect();
        let held = usage.scopes().held(granted.iter().copied());
        let with_all = allows(&granted, &PERMISSIONS);
        prop_assert_eq!(allows(&held.needed, &PERMISSIONS), with_all);
        prop_assert_eq!(held.unmet.is_empty(), with_all == covered.len());
        prop_assert!(held.unused.iter().all(|name| held.unneeded.contains(name)));
        if held.unmet.is_empty() {
            let best = best_first(&granted, scope_width);
            let best = best.into_iter().find(|scopes| allows(scopes, &PERMISSIONS) == with_all).unwrap();
            prop_assert_eq!(held.needed, best);
        }
    }
}

#[test]
fn a_token_that_asked_for_little_needs_what_it_asked_for() {
    let requirement = serde_json::json!({"kind": "oauth", "scopes_any_of": [["a"], ["b"]], "permissions": null});
    let operation = serde_json::json!({
        "id": "get", "method": "GET", "path": "/p", "requirement": requirement, "source": {"file": "t", "line": 1}
    });
    let source = serde_json::json!({"name": "t", "operations": [operation]});
    let contracts = Contracts::new(vec![serde_json::from_value(source).unwrap()]).unwrap();
    let mut usage = Usage::new(contract(&contracts));
    let meaning = Meaning::of(contract(&contracts), "GET", b"/p");
    assert!(usage.add(&meaning, Some(&["b"]), 1));
    assert_eq!(usage.scopes().smallest().names, ["b"]);
    assert!(!usage.add(&meaning, Some(&["c"]), 1), "its token asked for nothing that opens it");
}

#[test]
fn the_fewest_roles_are_found_and_the_narrower_one_of_two() {
    let requirement = serde_json::json!({
        "kind": "oauth", "scopes_any_of": [], "permissions": {"mode": "ALL", "of": ["x:y:add", "x:y:view"]},
    });
    let operation = serde_json::json!({
        "id": "get", "method": "GET", "path": "/p", "requirement": requirement, "source": {"file": "t", "line": 1}
    });
    let source = serde_json::json!({"name": "t", "operations": [operation]});
    let contracts = Contracts::new(vec![serde_json::from_value(source).unwrap()]).unwrap();
    let mut usage = Usage::new(contract(&contracts));
    usage.add(&Meaning::of(contract(&contracts), "GET", b"/p"), None, 1);
    let roles: [BTreeSet<&str>; 4] = [
        BTreeSet::from(["x:y:add"]),
        BTreeSet::from(["x:y:add", "x:y:view", "admin"]),
        BTreeSet::from(["x:y:add", "x:y:view"]),
        BTreeSet::from(["admin"]),
    ];
    assert_eq!(usage.permissions().fewest_holders(&roles, &[]), (vec![2], true));
    assert_eq!(usage.permissions().fewest_holders(&roles, &[0, 3]), (vec![0, 2], true));
    assert_eq!(usage.permissions().fewest_holders(&roles[..1], &[]), (vec![0], true));
}

#[test]
fn all_operations_of_the_real_contract_at_once_are_answered_exactly() {
    let Some(contracts) = shared_input::real_contract() else { return };
    let contract = contracts.named("genesys").expect("it was imported under this name");
    let mut usage = Usage::new(contract);
    let added = contract.operations().iter().filter(|operation| {
        let target: String = operation.path.replace(['{', '}'], "x");
        usage.add(&Meaning::of(contract, operation.method.as_str(), target.as_bytes()), None, 1)
    });
    let added = added.count();
    assert!(added > 3_000, "{added}");

    let (scopes, permissions) = (usage.scopes().smallest(), usage.permissions().smallest());
    assert!(scopes.is_minimal && permissions.is_minimal);
    let held: BTreeSet<&str> = scopes.names.iter().chain(&permissions.names).copied().collect();
    for (operation, _) in usage.operations() {
        let alternatives = operation.requirement.scopes_any_of();
        let has_scope = alternatives.is_empty()
            || alternatives.iter().any(|one| one.iter().all(|scope| held.contains(scope.as_str())));
        let has_permission = operation.requirement.permissions().is_none_or(|list| match list.mode {
            PermissionMode::Any => list.of.iter().any(|one| held.contains(one.as_str())),
            PermissionMode::All => list.of.iter().all(|one| held.contains(one.as_str())),
        });
        assert!(has_scope && has_permission, "{}", operation.id);
    }
    // Every scope in it is needed by some operation for which nothing else in it would do.
    for name in &scopes.names {
        let others: Vec<&str> = scopes.names.iter().copied().filter(|other| other != name).collect();
        assert!(!usage.scopes().held(others).unmet.is_empty(), "{name} can be spared");
    }
    println!("{added} operations: {} scopes, {} permissions", scopes.names.len(), permissions.names.len());
}

#[test]
fn unstructured_demands_of_the_real_size_are_answered_exactly() {
    // As many elements as the real contract has scopes, without the structure that makes it easy.
    let mut seed = 7u64;
    let mut next = |below: u32| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(seed >> 33).expect("31 bits") % below
    };
    let demands: Vec<Demand> = (0..120).map(|_| (0..2 + next(3)).map(|_| vec![next(134)]).collect()).collect();
    let weights: Vec<u64> = (0..134).map(|_| u64::from(next(50))).collect();
    assert!(smallest_cover(&demands, &weights).expect("each demand has an alternative").is_minimal);
}
