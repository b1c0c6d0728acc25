//! The laws of decisions (1 and 9 of the invariants) on the real contract.

use std::collections::BTreeMap;

use countersign_decision::{
    AuthorizationState, Denial, Enforcement, PermissionPolicy, Reason, Snapshot, decide_operation,
};

use crate::call::{self, Call, Who};
use crate::worlds::{all_powerful, authorized, named, power, with_decisions};
use crate::{naive_model, shared_input};

/// Law 9, for all operations of the real contract.
#[test]
fn law_09_read_only_scopes_never_open_what_lists_only_the_full_scope() {
    let Some(contracts) = shared_input::real_contract() else { return };
    let contract = contracts.named("genesys").unwrap();
    let catalogue = contracts.catalogue();
    let read_only: Vec<&str> = catalogue
        .scopes()
        .iter()
        .map(|entry| entry.scope.as_str())
        .filter(|scope| scope.ends_with(":readonly"))
        .collect();
    let mut facts = all_powerful();
    facts.authorizations = vec![authorized("app", &read_only)];
    facts.roles[0].policies =
        catalogue.permissions().iter().map(|entry| PermissionPolicy::from(&entry.permission)).collect();
    let snapshot = Snapshot::compile(catalogue, &facts);
    let (caller, mut denied) = (power(), 0);
    for operation in contract.operations() {
        let scopes = operation.requirement.scopes_any_of();
        let lists_read_only = scopes.iter().any(|all| all.iter().all(|scope| scope.as_str().ends_with(":readonly")));
        if scopes.is_empty() || lists_read_only {
            continue;
        }
        let decision =
            decide_operation(contract, &snapshot.authority(&caller), &operation.id).denial().map(Denial::reason);
        assert_eq!(decision, Some(Reason::MissingScope), "{}", operation.id);
        denied += 1;
    }
    assert!(denied > 1_400, "{denied}");
}

/// Law 1 on the real contract: calls on every template, parameters filled with words that stand as literals elsewhere.
#[test]
fn law_01_the_engine_answers_as_the_naive_model_on_the_real_contract() {
    let Some(contracts) = shared_input::real_contract() else { return };
    let contract = contracts.named("genesys").unwrap();
    let words: Vec<&str> = {
        let mut words: Vec<_> = contract.operations().iter().flat_map(|one| one.path.split('/')).collect();
        words.retain(|word| !word.is_empty() && !word.starts_with('{'));
        words.sort_unstable();
        words.dedup();
        words
    };
    let mut random = Numbers(2026);
    let mut seen = BTreeMap::new();
    for round in 0..3_000 {
        let asked = random.of(contract.operations());
        let path: Vec<_> =
            asked.path.split('/').map(|part| if part.starts_with('{') { *random.of(&words) } else { part }).collect();
        let scopes = asked.requirement.scopes_any_of().iter().flatten().map(ToString::to_string);
        let granted: Vec<String> = scopes.filter(|_| random.chance(80)).collect();
        let permissions = asked.requirement.permissions().into_iter().flat_map(|list| &list.of);
        let policies = permissions.filter(|_| random.chance(80)).map(PermissionPolicy::from).collect();
        let mut facts = all_powerful();
        facts.enforcement =
            *random.of(&[Enforcement::Enforce, Enforcement::Enforce, Enforcement::Report, Enforcement::Off]);
        facts.roles[0].policies = policies;
        facts.authorizations[0].scopes = granted.clone();
        facts.authorizations[0].roles = if random.chance(10) { vec!["someone else".into()] } else { vec![] };
        facts.authorizations[0].state =
            if random.chance(90) { AuthorizationState::Authorized } else { AuthorizationState::Requested };
        facts.clients = vec![named("app", &["everything"])];
        let who = Who {
            client: "app".into(),
            user: random.chance(80).then(|| "user".into()),
            scopes: random.chance(20).then(|| granted.into_iter().take(1).collect()),
        };
        let method =
            if random.chance(90) { asked.method.as_str() } else { *random.of(&["HEAD", "GET", "POST", "PUT"]) };
        let call = Call { organization: "acme".into(), chain: vec![who], method: method.into(), path: path.join("/") };
        let world = [facts];
        let expected = naive_model::decide(contract.operations(), &world, &call);
        with_decisions(&contracts, &world, std::slice::from_ref(&call), |_, _, decision| {
            assert_eq!(call::answer(decision), expected, "round {round}: {call:?}");
        });
        *seen.entry(expected.denied.map_or("allow", |denied| denied.reason)).or_insert(0) += 1;
    }
    for outcome in
        ["allow", "app_not_authorized", "missing_scope", "role_not_allowed", "missing_permission", "method_not_allowed"]
    {
        assert!(seen.get(outcome).is_some_and(|count| *count > 20), "{outcome} is hardly ever tried: {seen:?}");
    }
}

/// Numbers that look random and are the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).expect("31 bits") % limit
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}
