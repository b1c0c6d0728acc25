//! What an app used of what it was granted: from counts, with the engine's own code for smallest sets.

use std::collections::{BTreeMap, BTreeSet};

use countersign_decision::meaning::Meaning;
use countersign_decision::usage::Usage;
use countersign_decision::{Contract, Contracts, Scope};

use super::{Outcome, UsageCount};
use crate::time::Timestamp;

/// What one app called, and what of its scopes it needed for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageReport {
    /// By contract and operation.
    pub operations: Vec<OperationUse>,
    /// Calls that were one too many in their minute.
    pub too_many: u64,
    /// When the last call came, whatever it was answered.
    pub last: Option<Timestamp>,
    /// What was granted, and what of it was of use.
    pub scopes: ScopeUse,
}

/// One operation, as it was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationUse {
    /// The name of its contract.
    pub contract: String,
    /// Its id; nothing for calls that meant no operation.
    pub id: Option<String>,
    /// Method and path; nothing where the contract no longer has it.
    pub route: Option<(&'static str, String)>,
    /// Calls that went through.
    pub allowed: u64,
    /// Of these, those that enforcement would have denied.
    pub would_be_denied: u64,
    /// Calls that were denied, by reason.
    pub denied: BTreeMap<String, u64>,
    /// When the last call came.
    pub last: Timestamp,
}

/// The granted scopes, beside what was called. Lists are in alphabetical order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeUse {
    /// What was granted.
    pub granted: Vec<String>,
    /// The fewest of it that cover every call that went through, as far as all of it does.
    pub needed: Vec<String>,
    /// The others: without them these calls go through as well.
    pub unneeded: Vec<String>,
    /// Of the others those that none of these calls could have used.
    pub unused: Vec<String>,
    /// For each demand of these calls that nothing granted meets, its alternatives: what enforcement would deny for.
    pub missing: Vec<Vec<Vec<String>>>,
    /// False only where the search for the fewest was cut short.
    pub is_minimal: bool,
}

impl OperationUse {
    /// All calls of it.
    pub fn calls(&self) -> u64 {
        self.allowed + self.denied.values().sum::<u64>()
    }
}

impl UsageReport {
    /// From the counts of one app in one organization, and the scopes that it was granted there.
    pub fn new(contracts: &Contracts, counts: &[UsageCount], granted: &[Scope]) -> Self {
        let mut report = Self::default();
        let mut operations: BTreeMap<(&str, Option<&str>), OperationUse> = BTreeMap::new();
        for UsageCount { key, calls, last } in counts {
            report.last = report.last.max(Some(*last));
            if key.outcome == Outcome::TooMany {
                report.too_many += calls;
                continue;
            }
            let place = (key.contract.as_str(), key.operation.as_deref());
            let of = operations.entry(place).or_insert_with(|| unused(contracts, place, *last));
            of.last = of.last.max(*last);
            match &key.outcome {
                Outcome::Denied(reason) => *of.denied.entry(reason.clone()).or_default() += calls,
                _ => {
                    of.allowed += calls;
                    of.would_be_denied += if key.would_be_denied { *calls } else { 0 };
                }
            }
        }
        report.operations = operations.into_values().collect();
        report.scopes = ScopeUse::new(contracts, counts, granted);
        report
    }
}

impl ScopeUse {
    fn new(contracts: &Contracts, counts: &[UsageCount], granted: &[Scope]) -> Self {
        let granted: BTreeSet<&str> = granted.iter().map(Scope::as_str).collect();
        let (mut needed, mut unused) = (BTreeSet::new(), granted.clone());
        let (mut missing, mut is_minimal) = (BTreeSet::new(), true);
        for contract in contracts.iter() {
            let usage = of_contract(contract, counts);
            let held = usage.scopes().held(granted.iter().copied());
            needed.extend(held.needed);
            unused.retain(|scope| held.unused.contains(scope));
            missing.extend(held.unmet);
            is_minimal &= held.is_minimal;
        }
        let owned = |names: &BTreeSet<&str>| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            unneeded: owned(&granted.difference(&needed).copied().collect()),
            granted: owned(&granted),
            needed: owned(&needed),
            unused: owned(&unused),
            missing: missing.into_iter().collect(),
            is_minimal,
        }
    }
}

/// What the calls asked for that went through. An operation that the contract no longer has asks for nothing.
fn of_contract<'c>(contract: &'c Contract, counts: &[UsageCount]) -> Usage<'c> {
    let mut usage = Usage::new(contract);
    let is_of = |count: &&UsageCount| count.key.contract == contract.name() && count.key.outcome == Outcome::Allowed;
    for UsageCount { key, calls, .. } in counts.iter().filter(is_of) {
        let ids = key.operation.iter().chain(&key.crosses);
        let operations = ids.filter_map(|id| contract.operation(id)).collect();
        usage.add(&Meaning { operations, closed: None }, None, *calls);
    }
    usage
}

fn unused(contracts: &Contracts, (contract, id): (&str, Option<&str>), last: Timestamp) -> OperationUse {
    let operation = contracts.named(contract).zip(id).and_then(|(contract, id)| contract.operation(id));
    OperationUse {
        contract: contract.to_owned(),
        id: id.map(str::to_owned),
        route: operation.map(|operation| (operation.method.as_str(), operation.path.clone())),
        allowed: 0,
        would_be_denied: 0,
        denied: BTreeMap::new(),
        last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::{Day, UsageKey};

    fn contracts() -> Contracts {
        let operation = |id: &str, path: &str, scopes: serde_json::Value| {
            serde_json::json!({
                "id": id, "method": "GET", "path": path,
                "requirement": {"kind": "oauth", "scopes_any_of": scopes, "permissions": null},
                "source": {"file": "t.yaml", "line": 1},
            })
        };
        let source = |name: &str, operations: Vec<serde_json::Value>| {
            serde_json::from_value(serde_json::json!({"name": name, "operations": operations})).unwrap()
        };
        let one = serde_json::json!([["books"], ["books:readonly"]]);
        let books = vec![
            operation("list", "/books/{id}", one),
            operation("move", "/{any}/shelf", serde_json::json!([["shelves"]])),
        ];
        let orders = vec![operation("orders", "/orders", serde_json::json!([["orders"]]))];
        Contracts::new(vec![source("books", books), source("orders", orders)]).unwrap()
    }

    fn count(contract: &str, operation: &str, outcome: Outcome, calls: u64) -> UsageCount {
        let key = UsageKey {
            organization: "acme".to_owned().try_into().unwrap(),
            client: "till".to_owned().try_into().unwrap(),
            day: Day(0),
            contract: contract.to_owned(),
            operation: Some(operation.to_owned()).filter(|operation| !operation.is_empty()),
            crosses: Vec::new(),
            outcome,
            would_be_denied: false,
        };
        UsageCount { key, calls, last: Timestamp::from_seconds(calls.try_into().unwrap()) }
    }

    fn scopes(names: &[&str]) -> Vec<Scope> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn what_was_called_is_summed_up_by_operation_and_answer() {
        let denied = || Outcome::Denied("missing_scope".to_owned());
        let mut reported = count("books", "list", Outcome::Allowed, 2);
        reported.key.would_be_denied = true;
        let counts = [
            count("books", "list", Outcome::Allowed, 5),
            reported,
            count("books", "list", denied(), 3),
            count("books", "", Outcome::Denied("no_such_operation".to_owned()), 1),
            count("books", "gone", Outcome::Allowed, 1),
            count("", "", Outcome::TooMany, 9),
        ];
        let report = UsageReport::new(&contracts(), &counts, &[]);
        let [nothing, gone, list] = &report.operations[..] else { panic!("{report:?}") };
        assert_eq!((list.allowed, list.would_be_denied, list.calls()), (7, 2, 10));
        assert_eq!(list.denied, BTreeMap::from([("missing_scope".to_owned(), 3)]));
        assert_eq!(list.route, Some(("GET", "/books/{id}".to_owned())));
        assert_eq!((nothing.id.as_deref(), gone.id.as_deref(), &gone.route), (None, Some("gone"), &None));
        assert_eq!(
            (report.too_many, report.last, list.last),
            (9, Some(Timestamp::from_seconds(9)), Timestamp::from_seconds(5))
        );
    }

    #[test]
    fn scopes_are_needed_unneeded_or_unused_over_all_contracts() {
        let counts = [
            count("books", "list", Outcome::Allowed, 1),
            count("orders", "orders", Outcome::Denied("missing_permission".to_owned()), 1),
        ];
        let used =
            UsageReport::new(&contracts(), &counts, &scopes(&["books", "books:readonly", "orders", "other"])).scopes;
        assert_eq!(
            (used.needed, used.unneeded),
            (vec!["books".to_owned()], owned(&["books:readonly", "orders", "other"]))
        );
        assert_eq!(used.unused, owned(&["orders", "other"]), "a call that was denied used nothing");
        assert!(used.is_minimal && used.missing.is_empty());
    }

    #[test]
    fn what_a_call_crossed_is_needed_too_and_what_nothing_grants_is_missing() {
        let mut crossing = count("books", "list", Outcome::Allowed, 1);
        crossing.key.crosses = vec!["move".to_owned()];
        let used = UsageReport::new(&contracts(), &[crossing], &scopes(&["books:readonly"])).scopes;
        assert_eq!((used.needed, used.missing), (owned(&["books:readonly"]), vec![vec![owned(&["shelves"])]]));
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }
}
