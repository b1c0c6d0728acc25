//! A changed snapshot is the snapshot of the changed facts (a part of law 10).

use countersign_decision::{
    AuthorizationFacts, AuthorizationState, Change, Contract, Decision, Enforcement, OrganizationFacts, RoleFacts,
    Settings, Snapshot, SubjectFacts, decide_operation,
};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::{select, subsequence};

use crate::cases_without_files;
use crate::worlds::{SCOPES, cases, contracts};
use countersign_decision::{Caller, ClientRef, Subject};

/// Few ids, so that changes meet what is there, what is gone and what never was.
pub(crate) fn changes() -> impl Strategy<Value = Change> {
    let ids = |names: &[&'static str]| subsequence(names.to_vec(), 0..=names.len()).prop_map(|ids| texts(&ids));
    let roles = move || ids(&["r0", "r1", "r2", "r3", "gone"]);
    let id = |names: &[&'static str]| select(names.to_vec()).prop_map(str::to_owned);
    let (role, user, client) =
        (move || id(&["r0", "r1", "r3"]), move || id(&["u0", "u1", "u9"]), move || id(&["c0", "c1", "c2"]));
    let subject = move |id: proptest::strategy::BoxedStrategy<String>| {
        (id, any::<bool>(), roles()).prop_map(|(id, active, roles)| SubjectFacts { id, active, roles })
    };
    let policies = subsequence(vec!["d:u:add", "d:u:*", "d:*:view", "e:*:*", "admin"], 0..=3);
    let enforcement = select(vec![Enforcement::Off, Enforcement::Report, Enforcement::Enforce]);
    let state =
        select(vec![AuthorizationState::Authorized, AuthorizationState::Authorized, AuthorizationState::Denied]);
    prop_oneof![
        (any::<bool>(), enforcement, any::<bool>()).prop_map(|(active, enforcement, bounds_client_credentials)| {
            Change::Settings(Settings { active, enforcement, bounds_client_credentials })
        }),
        (role(), policies).prop_map(|(id, policies)| {
            let policies = policies.iter().map(|policy| policy.parse().expect("a policy")).collect();
            Change::Role(RoleFacts { name: format!("Changed {id}"), id, policies })
        }),
        role().prop_map(Change::RoleGone),
        subject(user().boxed()).prop_map(Change::User),
        user().prop_map(Change::UserGone),
        subject(client().boxed()).prop_map(Change::Client),
        client().prop_map(Change::ClientGone),
        (client(), state, subsequence(SCOPES.to_vec(), 0..=4), roles()).prop_map(|(client, state, scopes, roles)| {
            Change::Authorization(AuthorizationFacts { client, state, scopes: texts(&scopes), roles })
        }),
        client().prop_map(Change::AuthorizationGone),
        Just(Change::UserGone("nobody".into())),
    ]
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The answers to every caller and every operation.
fn answers(contract: &Contract, snapshot: &Snapshot) -> Vec<String> {
    let subjects = ["u0", "u1", "u9"].map(|user| Subject::User(user.to_owned()));
    let subjects: Vec<_> = subjects.into_iter().chain([Subject::Client]).collect();
    let mut answers = Vec::new();
    for (client, home) in [("c0", "o0"), ("c1", "o0"), ("c2", "o1")] {
        for subject in &subjects {
            let client = ClientRef { id: client.into(), home_organization: home.into(), active: true };
            let caller = Caller { client, subject: subject.clone(), ceiling: None, actors: Vec::new() };
            let authority = snapshot.authority(&caller);
            for operation in contract.operations() {
                let decision = decide_operation(contract, &authority, &operation.id);
                let report = match &decision {
                    Decision::Allow(permit) => permit.report().copied(),
                    Decision::Deny(denial) => denial.report().copied(),
                };
                answers.push(serde_json::json!([decision, report]).to_string());
            }
        }
    }
    answers
}

proptest! {
    #![proptest_config(cases_without_files(10_000))]

    #[test]
    fn law_10_a_changed_snapshot_decides_as_one_of_the_changed_facts(case in cases(), changes in vec(changes(), 1..8)) {
        let contracts = contracts(&case.operations);
        let contract = contracts.named("made").unwrap();
        let mut facts = case.world[0].clone();
        let before = Snapshot::compile(contracts.catalogue(), &facts);
        let untouched = answers(contract, &before);
        let mut one_by_one = before.clone();
        for change in &changes {
            facts.change(change);
            one_by_one = one_by_one.with(std::slice::from_ref(change));
        }
        let expected = answers(contract, &Snapshot::compile(contracts.catalogue(), &facts));
        prop_assert_eq!(&answers(contract, &before.with(&changes)), &expected);
        prop_assert_eq!(&answers(contract, &one_by_one), &expected);
        prop_assert_eq!(answers(contract, &before), untouched);
    }
}

/// Combinations that nobody has any more are collected: memory follows what is, not what was.
#[test]
fn a_long_history_leaves_no_trace() {
    let operations = Vec::new();
    let contracts = contracts(&operations);
    let role = |index: usize| RoleFacts { id: format!("r{index}"), name: String::new(), policies: Vec::new() };
    let facts = OrganizationFacts { roles: (0..12).map(role).collect(), ..crate::worlds::all_powerful() };
    let mut snapshot = Snapshot::compile(contracts.catalogue(), &facts);
    for history in 0..4_000_usize {
        let roles = (0..12).filter(|bit| history >> bit & 1 == 1).map(|role| format!("r{role}")).collect();
        snapshot = snapshot.with(&[Change::User(SubjectFacts { id: "user".into(), active: true, roles })]);
        assert!(snapshot.combinations() < 100, "{}", snapshot.combinations());
    }
}
