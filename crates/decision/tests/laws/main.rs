//! The laws of decisions (1 to 9 and 12 of the invariants), on worlds of a generator; `real_contract.rs` has those on
//! the real one.
//!
//! The engine is compared with a naive model that shares nothing with it but its input.

use countersign_decision::meaning::Meaning;
use countersign_decision::private_path::{fill_in, hide_values};
use countersign_decision::{
    Authority, ContractSource, Contracts, Decision, Enforcement, Method, Operation, OrganizationFacts, PermissionList,
    PermissionMode, Reason, Requirement, RoleFacts, Snapshot, canonicalise, decide, decide_operation,
};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;
use serde_json::{Value, json};

mod call;
mod changes;
mod explain;
mod naive_model;
mod naive_target;
mod real_contract;
#[path = "../shared_input/mod.rs"]
mod shared_input;
mod surfaces;
mod worlds;

use call::{Answer, Denied};
use worlds::{
    CALLS, Case, PERMISSIONS, SCOPES, all_powerful, authorized, cases, contracts, engine, evaluate, named, operation,
    power, role, with_decisions,
};

/// Targets of what can go wrong in one.
const ODD_TARGETS: &str = "(http://h(:8)?|HTTPS://[@a]?)?\
    (/([a.~]|%2[eEfF5]|%41|%[cC]3%[aA]9|%E2%80%[89a-f][0-9a-f]|%[ef][0-9a-f]|[%;#é\\\\ ]){0,3}){0,4}\
    (\\?[a%&;=]{0,3}(access_token|acc%65ss_token=)?)?";

/// As many worlds as make 10,000 calls.
fn ten_thousand_calls() -> ProptestConfig {
    cases_without_files(10_000 / CALLS)
}

/// That many cases, or as many as `PROPTEST_CASES` calls are: fewer where only a mutant is tried.
fn cases_without_files(cases: u32) -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let is_set = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig { cases: if is_set { default.cases.div_ceil(CALLS) } else { cases }, ..default }
}

fn is_allowed(answer: &Value) -> bool {
    answer["decision"] == "allow"
}

/// Whether everything that was allowed before is allowed after.
fn keeps_all_allowed(before: &[Value], after: &[Value]) -> bool {
    before.iter().zip(after).all(|(before, after)| !is_allowed(before) || is_allowed(after))
}

/// The line of `evaluate` that stands for an answer.
fn line(answer: &Answer<'_>) -> Value {
    let Some(denied) = &answer.denied else {
        return json!({"decision": "allow", "operation": answer.operation});
    };
    let mut line = json!({"decision": "deny", "operation": answer.operation, "reason": denied.reason});
    if denied.names_missing() {
        line["missing"] = json!({});
        if let Some(scopes) = &denied.scopes_any_of {
            line["missing"]["scopes_any_of"] = json!(scopes);
        }
        if let Some((mode, of)) = &denied.permissions {
            line["missing"]["permissions"] = json!({"mode": mode, "of": of});
        }
        if let Some(roles) = &denied.roles_any_of {
            line["missing"]["roles_any_of"] = json!(roles);
        }
    }
    line
}

/// The generator is worth nothing if its calls end in the same few answers.
#[test]
fn the_generator_reaches_every_answer() {
    let seen = std::cell::RefCell::new(std::collections::BTreeMap::new());
    let config = ProptestConfig { cases: 3_000 / CALLS, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(case in cases())| {
        for answer in engine(&case) {
            *seen.borrow_mut().entry(answer["reason"].as_str().unwrap_or("allow").to_owned()).or_insert(0) += 1;
        }
    });
    let seen = seen.into_inner();
    for answer in [
        "allow",
        "bad_request_target",
        "no_such_operation",
        "method_not_allowed",
        "unstated_requirement",
        "other_credential",
        "missing_credentials",
        "unknown_organization",
        "unknown_client",
        "unknown_user",
        "inactive",
        "app_refused",
        "app_not_authorized",
        "missing_scope",
        "role_not_allowed",
        "missing_permission",
    ] {
        assert!(seen.get(answer).is_some_and(|count| *count > 10), "{answer} is hardly ever reached: {seen:?}");
    }
}

proptest! {
    #![proptest_config(ten_thousand_calls())]

    /// Law 1, and every reason, every missing half, every report and the line that says it with it.
    #[test]
    fn law_01_the_engine_answers_as_the_naive_model(case in cases()) {
        let mut calls = case.calls.iter();
        with_decisions(&contracts(&case.operations), &case.world, &case.calls, |_, _, decision| {
            let expected = naive_model::decide(&case.operations, &case.world, calls.next().expect("one for each"));
            prop_assert_eq!(&call::answer(decision), &expected);
            prop_assert_eq!(serde_json::to_value(decision).expect("a decision is JSON"), line(&expected));
            Ok(())
        }).into_iter().collect::<Result<(), _>>()?;
    }

    /// Law 1, for the first thing that happens to a call: targets of what can go wrong in one.
    #[test]
    fn law_01_a_target_is_read_as_the_naive_model_reads_it(targets in vec(ODD_TARGETS, CALLS as usize)) {
        for target in targets {
            let engine = canonicalise(target.as_bytes()).ok();
            let twin = naive_target::canonical(target.as_bytes());
            let parts = engine.as_ref().map(|one| (one.authority(), one.path(), one.query()));
            let expected = twin.as_ref().map(|one| (one.authority, one.path.as_str(), one.query));
            prop_assert_eq!(parts, expected, "{}", target);
        }
    }

    /// Law 2: whatever cannot be read, found or trusted is denied, and nothing panics.
    #[test]
    fn law_02_every_error_is_a_denial(
        case in cases(),
        method in "[A-Z]{0,4}|GET",
        target in any::<Vec<u8>>(),
        paths in vec("[/a%.;.2FfEe?#]{0,12}", CALLS as usize),
    ) {
        let is_public = |decision: &Decision<'_>| decision.operation().unwrap().requirement == Requirement::Public;
        let contracts = contracts(&case.operations);
        let contract = contracts.named("made").unwrap();
        let snapshot = Snapshot::compile(contracts.catalogue(), &all_powerful());
        let caller = power();
        for target in paths.iter().map(String::as_bytes).chain([target.as_slice()]) {
            if let Decision::Allow(permit) = decide(contract, &snapshot.authority(&caller), &method, target) {
                let path = naive_target::canonical(target).unwrap().path;
                prop_assert!(naive_model::fits(&permit.operation().path, &path, '/'), "{path}");
            }
        }
        for nobody in [
            Authority::missing_credentials(),
            Authority::invalid_credentials(),
            Authority::unknown_organization(),
            Authority::unknown_client(),
            Authority::unknown_user(),
            Authority::inactive(),
        ] {
            for call in &case.calls {
                let decision = decide(contract, &nobody, &call.method, call.path.as_bytes());
                prop_assert!(!decision.is_allowed() || is_public(&decision));
            }
        }
        let unknown = decide_operation(contract, &snapshot.authority(&caller), "no such id");
        prop_assert_eq!(unknown.denial().unwrap().reason(), Reason::NoSuchOperation);
    }

    /// Law 2: a snapshot over another catalogue means something else by its indices.
    #[test]
    fn law_02_a_snapshot_over_another_catalogue_is_denied(case in cases()) {
        let (one, two) = (contracts(&case.operations), contracts(&case.operations));
        let snapshot = Snapshot::compile(two.catalogue(), &all_powerful());
        let caller = power();
        for call in &case.calls {
            let authority = snapshot.authority(&caller);
            let decision = decide(one.named("made").unwrap(), &authority, &call.method, call.path.as_bytes());
            prop_assert!(!decision.is_allowed() || decision.operation().unwrap().requirement == Requirement::Public);
        }
    }

    /// Law 3, for scopes that the organization grants or that a token asks for.
    #[test]
    fn law_03_one_more_scope_never_turns_allow_into_deny(
        case in cases(),
        scope in select(SCOPES.to_vec()),
        client in select(vec!["c0", "c1", "c2"]),
    ) {
        let mut more = case.clone();
        let authorizations = more.world.iter_mut().flat_map(|one| &mut one.authorizations);
        for authorization in authorizations.filter(|one| one.client == client) {
            authorization.scopes.push(scope.into());
        }
        prop_assert!(keeps_all_allowed(&engine(&case), &engine(&more)));
        for scopes in more.calls.iter_mut().flat_map(|call| &mut call.chain).filter_map(|who| who.scopes.as_mut()) {
            scopes.push(scope.into());
        }
        prop_assert!(keeps_all_allowed(&engine(&case), &engine(&more)));
    }

    /// Law 3, for permissions. Read backwards it says that taking away never allows.
    #[test]
    fn law_03_one_more_permission_never_turns_allow_into_deny(
        case in cases(),
        permission in select(PERMISSIONS.to_vec()),
        role in 0usize..3,
    ) {
        let mut more = case.clone();
        more.world.iter_mut().for_each(|one| one.roles[role].policies.push(permission.parse().unwrap()));
        prop_assert!(keeps_all_allowed(&engine(&case), &engine(&more)));
    }

    /// Law 4: what has nothing to do with a call changes nothing about it.
    #[test]
    fn law_04_unrelated_facts_change_no_decision(case in cases(), other in cases()) {
        let mut more = case.clone();
        let stranger = other.world[0].clone();
        let clients = vec![named("elsewhere", &[])];
        more.world.push(OrganizationFacts { id: "elsewhere".into(), clients, ..stranger });
        for organization in &mut more.world[..2] {
            organization.users.insert(0, named("stranger", &["everything"]));
            organization.clients.insert(0, named(&format!("app of {}", organization.id), &["everything"]));
            organization.roles.insert(0, role("everything", &["d:*:*", "e:*:*", "admin"]));
            organization.authorizations.insert(0, authorized("another app", &SCOPES));
        }
        prop_assert_eq!(engine(&case), engine(&more));
    }

    /// Law 5: neither order nor repetition in the facts matters, and nothing is remembered.
    #[test]
    fn law_05_order_and_repetition_of_facts_do_not_matter(case in cases()) {
        let mut other = case.clone();
        other.world.reverse();
        other.operations.reverse();
        for organization in &mut other.world {
            organization.roles.reverse();
            organization.users.reverse();
            organization.clients.reverse();
            organization.authorizations.reverse();
            for roles in organization.users.iter_mut().chain(&mut organization.clients).map(|one| &mut one.roles) {
                roles.reverse();
                roles.extend(roles.clone());
            }
            for authorization in &mut organization.authorizations {
                authorization.scopes.reverse();
                authorization.scopes.extend(authorization.scopes.clone());
                authorization.roles.extend(authorization.roles.clone());
            }
            for role in &mut organization.roles {
                role.policies.reverse();
                role.policies.extend(role.policies.clone());
            }
        }
        prop_assert_eq!(engine(&case), engine(&other));
        let contracts = contracts(&case.operations);
        let once = evaluate(&contracts, &case.world, &case.calls);
        prop_assert_eq!(once, evaluate(&contracts, &case.world, &case.calls));
    }

    /// Law 6: an id means nothing but itself.
    #[test]
    fn law_06_renaming_every_id_renames_the_answer(case in cases()) {
        let mut other = case.clone();
        let rename = |id: &mut String| *id = format!("{}-renamed", id.chars().rev().collect::<String>());
        for organization in &mut other.world {
            rename(&mut organization.id);
            organization.roles.iter_mut().for_each(|one| rename(&mut one.id));
            for subject in organization.users.iter_mut().chain(&mut organization.clients) {
                rename(&mut subject.id);
                subject.roles.iter_mut().for_each(rename);
            }
            for authorization in &mut organization.authorizations {
                rename(&mut authorization.client);
                authorization.roles.iter_mut().for_each(rename);
            }
        }
        for call in &mut other.calls {
            rename(&mut call.organization);
            for who in &mut call.chain {
                rename(&mut who.client);
                who.user.iter_mut().for_each(rename);
            }
        }
        // A role that no longer exists is shown by its id.
        let answers = json!(engine(&other)).to_string().replace("enog-renamed", "gone");
        prop_assert_eq!(json!(engine(&case)).to_string(), answers);
    }

    /// Law 7: a role with the permissions of two is as good as the two.
    #[test]
    fn law_07_a_united_role_is_both_roles(case in cases()) {
        let mut united = case.clone();
        for organization in &mut united.world {
            organization.authorizations.iter_mut().for_each(|one| one.roles.clear());
            let roles = &organization.roles;
            let policies = roles[0].policies.iter().chain(&roles[1].policies).cloned().collect();
            organization.roles.push(RoleFacts { id: "both".into(), name: "Both".into(), policies });
        }
        let mut apart = united.clone();
        let give = |case: &mut Case, roles: &[&str]| {
            for subject in case.world.iter_mut().flat_map(|one| one.users.iter_mut().chain(&mut one.clients)) {
                subject.roles = roles.iter().map(|&role| role.to_owned()).collect();
            }
        };
        give(&mut united, &["both"]);
        give(&mut apart, &["r0", "r1"]);
        prop_assert_eq!(engine(&united), engine(&apart));
    }

    /// Law 8: ANY and ALL of nothing need no permission, also where a stored contract says so.
    #[test]
    fn law_08_a_list_without_permissions_needs_none(
        case in cases(),
        mode in select(vec![PermissionMode::Any, PermissionMode::All]),
    ) {
        let with = |permissions: Option<PermissionList>| {
            let mut operations = case.operations.clone();
            for operation in &mut operations {
                let scopes_any_of = vec![vec!["s0".parse().unwrap()]];
                operation.requirement = Requirement::Oauth { scopes_any_of, permissions: permissions.clone() };
            }
            engine(&Case { operations, ..case.clone() })
        };
        prop_assert_eq!(with(Some(PermissionList { mode, of: vec![] })), with(None));
    }

    /// Law 12: an allowed call would be allowed for every operation that it crosses.
    #[test]
    fn law_12_an_allowed_call_is_allowed_for_every_operation_it_crosses(case in cases()) {
        let contracts = contracts(&case.operations);
        let chosen = with_decisions(&contracts, &case.world, &case.calls, |_, _, decision| {
            decision.operation().filter(|_| decision.is_allowed()).cloned()
        });
        // A HEAD means the HEAD of a path where it has one, and its GET only where it has none.
        let has_head = |path: &str| case.operations.iter().any(|one| one.method == Method::Head && one.path == path);
        let is_asked = |method: &str, one: &Operation| {
            one.method.as_str() == method || (method == "HEAD" && one.method == Method::Get && !has_head(&one.path))
        };
        for (call, chosen) in case.calls.iter().zip(chosen).filter_map(|(call, chosen)| Some((call, chosen?))) {
            let path = naive_target::canonical(call.path.as_bytes()).unwrap().path;
            for other in &case.operations {
                let mut parts = other.path.split('/').zip(chosen.path.split('/'));
                let crosses = parts.any(|(part, own)| own.starts_with('{') && !part.starts_with('{'));
                if is_asked(&call.method, other) && crosses && naive_model::fits(&other.path, &path, '/') {
                    let (operations, calls) = (vec![other.clone()], vec![call.clone()]);
                    let alone = Case { operations, calls, world: case.world.clone() };
                    prop_assert!(is_allowed(&engine(&alone)[0]), "{}", other.id);
                }
            }
        }
    }

    /// A path without its values means what it meant, and so is decided as it was: a log may hide them.
    #[test]
    fn a_path_without_its_values_means_the_same(case in cases()) {
        let contracts = contracts(&case.operations);
        let contract = contracts.named("made").unwrap();
        for call in &case.calls {
            let meaning = |target: &str| Meaning::of(contract, &call.method, target.as_bytes());
            // without a path left, the target is one that cannot be read
            let hidden = hide_values(contract, &call.method, call.path.as_bytes()).unwrap_or_default();
            prop_assert_eq!(meaning(&fill_in(contract, &hidden)), meaning(&call.path), "{} for {}", hidden, call.path);
        }
    }

    /// What `report` records is what `enforce` would have said.
    #[test]
    fn a_report_is_the_denial_of_enforce(case in cases()) {
        let with = |enforcement| {
            let mut world = case.world.clone();
            world.iter_mut().for_each(|one| one.enforcement = enforcement);
            world
        };
        let contracts = contracts(&case.operations);
        let (enforcing, reporting) = (with(Enforcement::Enforce), with(Enforcement::Report));
        let enforced = evaluate(&contracts, &enforcing, &case.calls);
        let reports = with_decisions(&contracts, &reporting, &case.calls, |_, _, decision| {
            call::answer(decision).report.map(|Denied { reason, .. }| reason)
        });
        for ((call, enforced), report) in case.calls.iter().zip(&enforced).zip(reports) {
            // A client that authorizations do not bound is judged as if they were off; so is one that is not known.
            let is_bounded = call.chain.first().is_some_and(|who| who.user.is_some())
                || case.world.iter().any(|one| one.id == call.organization && one.bounds_client_credentials);
            let expected = enforced["reason"].as_str().filter(|_| is_bounded && enforced.get("missing").is_some());
            prop_assert_eq!(report, expected);
        }
        let off = evaluate(&contracts, &with(Enforcement::Off), &case.calls);
        prop_assert_eq!(evaluate(&contracts, &reporting, &case.calls), off);
    }
}

#[test]
fn contracts_unite_their_catalogues_and_match_apart() {
    let needs = |scope: &str| Requirement::oauth(vec![vec![scope.parse().unwrap()]], None);
    let source = |name: &str, scope: &str| ContractSource {
        name: name.into(),
        operations: vec![operation("read", Method::Get, "/a", needs(scope))],
        ..ContractSource::default()
    };
    let contracts = Contracts::new(vec![source("one", "s0"), source("two", "s1")]).unwrap();
    let mut facts = all_powerful();
    facts.authorizations = vec![authorized("app", &["s1"])];
    let snapshot = Snapshot::compile(contracts.catalogue(), &facts);
    let caller = power();
    let allows =
        |name: &str| decide(contracts.named(name).unwrap(), &snapshot.authority(&caller), "GET", b"/a").is_allowed();
    assert!(!allows("one"));
    assert!(allows("two"));
    assert!(Contracts::new(vec![source("one", "s0"), source("one", "s1")]).is_err());
}
