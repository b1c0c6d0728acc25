//! The laws of decisions (1 to 9 and 12 of the invariants), on worlds of a generator; `real_contract.rs` has those on the real one.
//!
//! The engine is compared with a naive model that shares nothing with it but its input.

use countersign_decision::{
    Authority, ContractSource, Contracts, Decision, Enforcement, OrganizationFacts, PermissionList, PermissionMode,
    Reason, Report, Requirement, RoleFacts, Snapshot, decide, decide_operation,
};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;
use serde_json::Value;

mod changes;
mod naive_model;
mod real_contract;
#[path = "../shared_input/mod.rs"]
mod shared_input;
mod surfaces;
mod worlds;

use worlds::{
    Case, PERMISSIONS, SCOPES, all_powerful, authorized, cases, contracts, engine, evaluate, named, operation, power,
    role, with_decision,
};

fn cases_without_files(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn is_allowed(answer: &Value) -> bool {
    answer["decision"] == "allow"
}

proptest! {
    #![proptest_config(cases_without_files(1))]

    /// The generator is worth nothing if its calls end in the same few answers.
    #[test]
    fn the_generator_reaches_every_answer(cases in vec(cases(), 3_000)) {
        let mut seen = std::collections::BTreeMap::new();
        for case in cases {
            let answer = engine(&case);
            *seen.entry(answer["reason"].as_str().unwrap_or("allow").to_owned()).or_insert(0) += 1;
        }
        let answers = ["allow", "no_such_operation", "method_not_allowed", "unstated_requirement", "other_credential",
            "unknown_organization", "unknown_client", "unknown_user", "inactive", "app_refused", "app_not_authorized",
            "missing_scope", "role_not_allowed", "missing_permission"];
        for answer in answers {
            prop_assert!(seen.get(answer).is_some_and(|count| *count > 20), "{answer} is hardly ever reached: {seen:?}");
        }
    }
}

proptest! {
    #![proptest_config(cases_without_files(4_000))]

    /// Law 1, and every reason and every missing half with it.
    #[test]
    fn law_01_the_engine_answers_as_the_naive_model(case in cases()) {
        prop_assert_eq!(engine(&case), naive_model::decide(&case.operations, &case.world, &case.call));
    }
}

proptest! {
    #![proptest_config(cases_without_files(600))]

    /// Law 2: whatever cannot be read, found or trusted is denied, and nothing panics.
    #[test]
    fn law_02_every_error_is_a_denial(case in cases(), method in "[A-Z]{0,4}|GET", target in any::<Vec<u8>>(), path in "[/a%.;.2FfEe?#]{0,12}") {
        let contracts = contracts(&case.operations);
        let contract = contracts.named("made").unwrap();
        let snapshot = Snapshot::compile(contracts.catalogue(), &all_powerful());
        let caller = power();
        for target in [target.as_slice(), path.as_bytes()] {
            if let Decision::Allow(permit) = decide(contract, &snapshot.authority(&caller), &method, target) {
                let path = str::from_utf8(target).unwrap().split('?').next().unwrap().replace("%2E", ".").replace("%2e", ".");
                prop_assert!(naive_model::fits(&permit.operation().path, &path, '/'), "{path}");
            }
        }
        for nobody in [Authority::missing_credentials(), Authority::invalid_credentials(), Authority::unknown_organization(),
            Authority::unknown_client(), Authority::unknown_user(), Authority::inactive()] {
            let decision = decide(contract, &nobody, &case.call.method, case.call.path.as_bytes());
            prop_assert!(!decision.is_allowed() || decision.operation().unwrap().requirement == Requirement::Public);
        }
        prop_assert_eq!(decide_operation(contract, &snapshot.authority(&caller), "no such id").denial().unwrap().reason(), Reason::NoSuchOperation);
    }

    /// Law 2: a snapshot over another catalogue means something else by its indices.
    #[test]
    fn law_02_a_snapshot_over_another_catalogue_is_denied(case in cases()) {
        let (one, two) = (contracts(&case.operations), contracts(&case.operations));
        let snapshot = Snapshot::compile(two.catalogue(), &all_powerful());
        let caller = power();
        let decision = decide(one.named("made").unwrap(), &snapshot.authority(&caller), &case.call.method, case.call.path.as_bytes());
        prop_assert!(!decision.is_allowed() || decision.operation().unwrap().requirement == Requirement::Public);
    }

    /// Law 3, for scopes that the organization grants or that a token asks for.
    #[test]
    fn law_03_one_more_scope_never_turns_allow_into_deny(case in cases(), scope in select(SCOPES.to_vec()), client in select(vec!["c0", "c1", "c2"])) {
        let mut more = case.clone();
        for authorization in more.world.iter_mut().flat_map(|one| &mut one.authorizations).filter(|one| one.client == client) {
            authorization.scopes.push(scope.into());
        }
        prop_assert!(!is_allowed(&engine(&case)) || is_allowed(&engine(&more)));
        for scopes in more.call.chain.iter_mut().filter_map(|who| who.scopes.as_mut()) {
            scopes.push(scope.into());
        }
        prop_assert!(!is_allowed(&engine(&case)) || is_allowed(&engine(&more)));
    }

    /// Law 3, for permissions. Read backwards it says that taking away never allows.
    #[test]
    fn law_03_one_more_permission_never_turns_allow_into_deny(case in cases(), permission in select(PERMISSIONS.to_vec()), role in 0usize..3) {
        let mut more = case.clone();
        more.world.iter_mut().for_each(|one| one.roles[role].policies.push(permission.parse().unwrap()));
        prop_assert!(!is_allowed(&engine(&case)) || is_allowed(&engine(&more)));
    }

    /// Law 4: what has nothing to do with a call changes nothing about it.
    #[test]
    fn law_04_unrelated_facts_change_no_decision(case in cases(), other in cases()) {
        let mut more = case.clone();
        let stranger = other.world[0].clone();
        more.world.push(OrganizationFacts { id: "elsewhere".into(), clients: vec![named("elsewhere", &[])], ..stranger });
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
        let once = evaluate(&contracts, &case.world, &case.call);
        prop_assert_eq!(once, evaluate(&contracts, &case.world, &case.call));
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
        rename(&mut other.call.organization);
        for who in &mut other.call.chain {
            rename(&mut who.client);
            who.user.iter_mut().for_each(rename);
        }
        // A role that no longer exists is shown by its id.
        let answer = engine(&other).to_string().replace("enog-renamed", "gone");
        prop_assert_eq!(engine(&case).to_string(), answer);
    }

    /// Law 7: a role with the permissions of two is as good as the two.
    #[test]
    fn law_07_a_united_role_is_both_roles(case in cases()) {
        let mut united = case.clone();
        for organization in &mut united.world {
            organization.authorizations.iter_mut().for_each(|one| one.roles.clear());
            let policies = organization.roles[0].policies.iter().chain(&organization.roles[1].policies).cloned().collect();
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
    fn law_08_a_list_without_permissions_needs_none(case in cases(), mode in select(vec![PermissionMode::Any, PermissionMode::All])) {
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
        let chosen = with_decision(&contracts, &case.world, &case.call, |decision| {
            decision.operation().filter(|_| decision.is_allowed()).cloned()
        });
        let Some(chosen) = chosen else { return Ok(()) };
        for other in &case.operations {
            let mut parts = other.path.split('/').zip(chosen.path.split('/'));
            let has_literal_for_parameter = parts.any(|(part, own)| own.starts_with('{') && !part.starts_with('{'));
            if other.method == chosen.method && has_literal_for_parameter && naive_model::fits(&other.path, &case.call.path, '/') {
                let alone = Case { operations: vec![other.clone()], ..case.clone() };
                prop_assert!(is_allowed(&engine(&alone)), "{}", other.id);
            }
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
        let enforced = evaluate(&contracts, &with(Enforcement::Enforce), &case.call);
        let report = with_decision(&contracts, &with(Enforcement::Report), &case.call, |decision| match decision {
            Decision::Allow(permit) => serde_json::json!([permit.report().map(Report::reason), permit.report().map(Report::missing)]),
            Decision::Deny(denial) => serde_json::json!([denial.report().map(Report::reason), denial.report().map(Report::missing)]),
        });
        // A client that authorizations do not bound is judged as if they were off; so is one that is not known.
        let is_bounded = case.call.chain[0].user.is_some()
            || case.world.iter().any(|one| one.id == case.call.organization && one.bounds_client_credentials);
        if is_bounded && enforced.get("missing").is_some() {
            prop_assert_eq!(report, serde_json::json!([enforced["reason"], enforced["missing"]]));
        } else {
            prop_assert_eq!(report, serde_json::json!([null, null]));
        }
        prop_assert_eq!(
            evaluate(&contracts, &with(Enforcement::Report), &case.call),
            evaluate(&contracts, &with(Enforcement::Off), &case.call)
        );
    }
}

#[test]
fn contracts_unite_their_catalogues_and_match_apart() {
    let needs = |scope: &str| Requirement::oauth(vec![vec![scope.parse().unwrap()]], None);
    let source = |name: &str, scope: &str| ContractSource {
        name: name.into(),
        operations: vec![operation("read", countersign_decision::Method::Get, "/a", needs(scope))],
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
