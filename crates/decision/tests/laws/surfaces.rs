//! Surface and impact agree with a loop over decisions (law 10): sets are a quicker way to the same answers.

use std::collections::BTreeSet;

use countersign_decision::impact::Comparison;
use countersign_decision::surface::{Audience, Selection, surface, surface_of};
use countersign_decision::{
    Caller, ClientRef, Contract, Contracts, OrganizationFacts, Requirement, Snapshot, Subject, decide_operation,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::subsequence;

use crate::cases_without_files;
use crate::changes::changes;
use crate::worlds::{SCOPES, cases, contracts};

/// Users that are there, that are not, and that come with a change.
const USERS: [&str; 4] = ["u0", "u1", "u2", "u9"];
const CLIENTS: [(&str, &str); 4] = [("c0", "o0"), ("c1", "o0"), ("c2", "o1"), ("c9", "o1")];

fn client((id, home): (&str, &str)) -> ClientRef {
    ClientRef { id: id.into(), home_organization: home.into(), active: true }
}

fn allows(contract: &Contract, snapshot: &Snapshot, client: &ClientRef, subject: Subject, operation: &str) -> bool {
    let caller = Caller { client: client.clone(), subject, ceiling: None, actors: Vec::new() };
    decide_operation(contract, &snapshot.authority(&caller), operation).is_allowed()
}

/// The active users for whom an operation is allowed, one by one.
fn people<'f>(
    contract: &Contract,
    snapshot: &Snapshot,
    facts: &'f OrganizationFacts,
    client: &ClientRef,
    operation: &str,
) -> BTreeSet<&'f str> {
    let users = facts.users.iter().filter(|user| user.active).map(|user| user.id.as_str());
    users.filter(|user| allows(contract, snapshot, client, Subject::User((*user).to_owned()), operation)).collect()
}

fn compiled<'c>(contracts: &'c Contracts, facts: &OrganizationFacts) -> (&'c Contract, Snapshot) {
    (contracts.named("made").expect("the generator's name"), Snapshot::compile(contracts.catalogue(), facts))
}

proptest! {
    #![proptest_config(cases_without_files(10_000))]

    #[test]
    fn law_10_the_surface_for_anybody_is_that_of_a_loop_over_decisions(case in cases()) {
        let contracts = contracts(&case.operations);
        let facts = &case.world[0];
        let (contract, snapshot) = compiled(&contracts, facts);
        let mut audience = Audience::new(&snapshot);
        prop_assert_eq!(audience.people(), facts.users.iter().filter(|user| user.active).count());
        for client in CLIENTS.map(client) {
            let found: Vec<_> = audience.surface(contract, &client).iter().map(|one| (one.operation.id.clone(), one.people)).collect();
            let expected: Vec<_> = contract.operations().iter().filter_map(|operation| {
                let people = people(contract, &snapshot, facts, &client, &operation.id).len();
                let is_listed = people > 0 || operation.requirement == Requirement::Public;
                is_listed.then(|| (operation.id.clone(), people))
            }).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn law_10_the_surface_of_a_caller_is_that_of_a_loop_over_decisions(case in cases()) {
        let contracts = contracts(&case.operations);
        let (contract, snapshot) = compiled(&contracts, &case.world[0]);
        for client in CLIENTS.map(client) {
            let subjects = USERS.map(|user| Subject::User(user.to_owned())).into_iter().chain([Subject::Client]);
            for subject in subjects {
                let caller = Caller { client: client.clone(), subject: subject.clone(), ceiling: None, actors: Vec::new() };
                let found: Vec<_> = surface(contract, &snapshot.authority(&caller)).iter().map(|operation| &operation.id).collect();
                let mut expected: Vec<_> = contract.operations().iter().map(|operation| &operation.id).collect();
                expected.retain(|id| allows(contract, &snapshot, &client, subject.clone(), id));
                prop_assert_eq!(found, expected);
            }
        }
    }

    /// What assertions about a whole world are decided by: some operations, some people, some tokens.
    #[test]
    fn law_10_a_part_of_the_surface_is_that_of_a_loop_over_decisions(
        case in cases(), chosen in any::<u32>(), who in subsequence(USERS.to_vec(), 0..=4), scopes in of(subsequence(SCOPES.to_vec(), 0..=3)),
    ) {
        let contracts = contracts(&case.operations);
        let facts = &case.world[0];
        let (contract, snapshot) = compiled(&contracts, facts);
        let ids: Vec<&str> = contract.operations().iter().map(|one| one.id.as_str()).collect();
        let is_chosen = |id: &str| chosen >> (ids.iter().position(|one| *one == id).unwrap() % 32) & 1 == 1;
        let selection = Selection::new(contract, |one| is_chosen(&one.id));
        prop_assert_eq!(selection.operations().count(), ids.iter().filter(|id| is_chosen(id)).count());
        let ceiling: Option<Vec<String>> = scopes.map(|scopes| scopes.iter().map(|&scope| scope.to_owned()).collect());
        let allowed = |client: &ClientRef, subject: Subject, operation: &countersign_decision::Operation| {
            let caller = Caller { client: client.clone(), subject, ceiling: ceiling.clone(), actors: Vec::new() };
            decide_operation(contract, &snapshot.authority(&caller), &operation.id).is_allowed()
        };
        let people: Vec<_> = facts.users.iter().filter(|one| one.active && who.contains(&one.id.as_str())).collect();
        let mut audience = Audience::among(&snapshot, |id| who.contains(&id)).below(ceiling.as_deref());
        prop_assert_eq!(audience.people(), people.len());
        for client in CLIENTS.map(client) {
            let can = |user: &str, one| allowed(&client, Subject::User(user.to_owned()), one);
            let expected: Vec<_> = selection.operations().filter_map(|operation| {
                let count = people.iter().filter(|user| can(&user.id, operation)).count();
                (count > 0 || operation.requirement == Requirement::Public).then_some((operation.id.as_str(), count))
            }).collect();
            let found = audience.surface_of(&selection, &client);
            prop_assert_eq!(found.iter().map(|one| (one.operation.id.as_str(), one.people)).collect::<Vec<_>>(), expected);
            let needing = || contract.operations().iter().filter(|one| one.requirement != Requirement::Public);
            let reached = people.iter().filter(|user| needing().any(|one| can(&user.id, one))).count();
            prop_assert_eq!(audience.people_reached(contract, &client), reached);

            let caller = Caller { client: client.clone(), subject: Subject::Client, ceiling: ceiling.clone(), actors: Vec::new() };
            let found = surface_of(&selection, &snapshot.authority(&caller));
            let expected = selection.operations().filter(|one| allowed(&client, Subject::Client, one)).collect::<Vec<_>>();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn law_10_an_impact_is_the_difference_of_two_loops_over_decisions(case in cases(), changes in vec(changes(), 1..4)) {
        let contracts = contracts(&case.operations);
        let (facts_before, mut facts_after) = (&case.world[0], case.world[0].clone());
        changes.iter().for_each(|change| facts_after.change(change));
        let (contract, before) = compiled(&contracts, facts_before);
        let (_, compiled_after) = compiled(&contracts, &facts_after);
        for after in [before.with(&changes), compiled_after] {
            let mut comparison = Comparison::new(contract, &before, &after);
            for client in CLIENTS.map(client) {
                let impact = comparison.impact(&client, &client);
                let (mut gaining, mut losing) = (BTreeSet::new(), BTreeSet::new());
                let mut found = impact.operations.iter();
                for operation in contract.operations() {
                    let could = people(contract, &before, facts_before, &client, &operation.id);
                    let can = people(contract, &after, &facts_after, &client, &operation.id);
                    let gained: BTreeSet<_> = can.difference(&could).copied().collect();
                    let lost: BTreeSet<_> = could.difference(&can).copied().collect();
                    if gained.is_empty() && lost.is_empty() {
                        continue;
                    }
                    let one = found.next().unwrap();
                    prop_assert_eq!(&one.operation.id, &operation.id);
                    prop_assert_eq!(
                        (one.people_before, one.people_after, one.gained, one.lost),
                        (could.len(), can.len(), gained.len(), lost.len())
                    );
                    gaining.extend(gained);
                    losing.extend(lost);
                }
                prop_assert!(found.next().is_none());
                prop_assert_eq!((impact.people_gaining, impact.people_losing), (gaining.len(), losing.len()));
                prop_assert_eq!(comparison.people_gaining(&impact), gaining.into_iter().collect::<Vec<_>>());
                prop_assert_eq!(comparison.people_losing(&impact), losing.into_iter().collect::<Vec<_>>());
                let itself = |snapshot: &Snapshot, id: &str| allows(contract, snapshot, &client, Subject::Client, id);
                let ids = |operations: &[&countersign_decision::Operation]| operations.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
                let expected = |from: &Snapshot, to: &Snapshot| -> Vec<String> {
                    let changed = contract.operations().iter().filter(|one| !itself(from, &one.id) && itself(to, &one.id));
                    changed.map(|one| one.id.clone()).collect()
                };
                prop_assert_eq!(ids(&impact.gained_itself), expected(&before, &after));
                prop_assert_eq!(ids(&impact.lost_itself), expected(&after, &before));
            }
        }
    }
}
