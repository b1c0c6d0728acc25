//! What a request asks for, whoever sends it: for logs, where nobody's authority is at hand.

use std::collections::HashMap;

use crate::authority::Authority;
use crate::contract::Contract;
use crate::decide::decide;
use crate::operation::{Method, Operation};
use crate::reason::{Denial, Reason};
use crate::requirement::Requirement;
use crate::routes::{Segment, Template, canonicalise};

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning<'c> {
    /// Each of them has to allow the call: the one that is meant, then those that it crosses here. Empty where it
    /// means none.
    pub operations: Vec<&'c Operation>,
    /// Why no scope and no permission opens it: it means no operation, or one of them is unstated or wants another
    /// credential.
    pub closed: Option<Reason>,
}

/// Reads requests of one contract as [`decide()`] does. Remembers what crosses what.
#[derive(Debug)]
pub struct Reader<'c> {
    contract: &'c Contract,
    /// By the operation that is meant, and whether a HEAD means a GET.
    crossing: HashMap<(&'c str, bool), Vec<(Template, &'c Operation)>>,
}

impl<'c> Reader<'c> {
    /// A reader of a contract's requests.
    pub fn new(contract: &'c Contract) -> Self {
        Self { contract, crossing: HashMap::new() }
    }

    /// What a request asks for.
    pub fn read(&mut self, method: &str, target: &[u8]) -> Meaning<'c> {
        let contract = self.contract;
        // An organization that nobody knows: the decision says what was meant, and nothing of the caller.
        let decision = decide(contract, &Authority::unknown_organization(), method, target);
        let Some(meant) = decision.operation() else {
            return Meaning { operations: Vec::new(), closed: decision.denial().map(Denial::reason) };
        };
        let mut operations = vec![meant];
        let is_head_as_get = method == Method::Head.as_str() && meant.method == Method::Get;
        let crossing = self
            .crossing
            .entry((&meant.id, is_head_as_get))
            .or_insert_with(|| list_crossing(contract, meant, is_head_as_get));
        if let Some(target) = canonicalise(target).ok().filter(|_| !crossing.is_empty()) {
            let matching = crossing.iter().filter(|(template, _)| template.matches(target.segments()));
            operations.extend(matching.map(|(_, operation)| *operation));
        }
        let closed = operations.iter().find_map(|operation| closed_for(&operation.requirement));
        Meaning { operations, closed }
    }
}

/// Why the requirement opens to no authority of ours.
fn closed_for(requirement: &Requirement) -> Option<Reason> {
    match requirement {
        Requirement::Unstated { .. } => Some(Reason::UnstatedRequirement),
        Requirement::OtherCredential { .. } => Some(Reason::OtherCredential),
        Requirement::Public | Requirement::Authenticated | Requirement::Oauth { .. } => None,
    }
}

/// The operations that a request for this one might match too. A HEAD that is decided as a GET crosses the HEAD of
/// another path where that has one, else its GET.
fn list_crossing<'c>(
    contract: &'c Contract,
    meant: &'c Operation,
    is_head_as_get: bool,
) -> Vec<(Template, &'c Operation)> {
    let parsed = |operation: &'c Operation| operation.path.parse::<Template>().ok().map(|one| (one, operation));
    let mut crossing: Vec<_> = contract.crossing(&meant.id).filter_map(parsed).collect();
    if let Some((meant, _)) = parsed(meant).filter(|_| is_head_as_get) {
        let heads = contract.operations().iter().filter(|operation| operation.method == Method::Head);
        let heads: Vec<_> = heads.filter_map(parsed).filter(|(head, _)| is_narrower_somewhere(head, &meant)).collect();
        crossing.retain(|(get, _)| heads.iter().all(|(head, _)| head.shape() != get.shape()));
        crossing.extend(heads);
        crossing.sort_by_key(|(_, operation)| &operation.id);
    }
    crossing
}

/// Whether a template has a literal segment somewhere where the one that is meant has a parameter.
fn is_narrower_somewhere(other: &Template, meant: &Template) -> bool {
    let mut pairs = other.segments().iter().zip(meant.segments());
    pairs.any(|pair| matches!(pair, (Segment::Literal(_), Segment::Parameter(_))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Contracts;

    fn contracts(operations: &[(&str, &str, &str)]) -> Contracts {
        let operations = operations.iter().map(|(method, path, kind)| {
            serde_json::json!({
                "id": format!("{method} {path}"), "method": method, "path": path,
                "requirement": {"kind": kind, "scheme": "Guest", "why": {"what": "no_security"}},
                "source": {"file": "t.yaml", "line": 1},
            })
        });
        let source = serde_json::json!({"name": "t", "operations": operations.collect::<Vec<_>>()});
        Contracts::new(vec![serde_json::from_value(source).unwrap()]).unwrap()
    }

    fn read(contracts: &Contracts, method: &str, target: &str) -> (Vec<String>, Option<Reason>) {
        let meaning = Reader::new(contracts.named("t").unwrap()).read(method, target.as_bytes());
        (meaning.operations.iter().map(|operation| operation.id.clone()).collect(), meaning.closed)
    }

    #[test]
    fn a_request_that_crosses_means_every_operation_that_it_could_be() {
        let contracts = contracts(&[
            ("GET", "/calls/mail/{id}", "authenticated"),
            ("GET", "/calls/{id}/tapes", "other_credential"),
            ("GET", "/calls/{id}/{part}", "authenticated"),
        ]);
        let crossing = vec!["GET /calls/mail/{id}".to_owned(), "GET /calls/{id}/tapes".to_owned()];
        assert_eq!(read(&contracts, "GET", "/calls/mail/tapes"), (crossing, Some(Reason::OtherCredential)));
        assert_eq!(read(&contracts, "GET", "/calls/mail/7?x=1"), (vec!["GET /calls/mail/{id}".to_owned()], None));
    }

    #[test]
    fn a_head_crosses_the_head_of_other_paths_as_the_engine_decides() {
        let contracts = contracts(&[
            ("GET", "/a/b/{c}", "authenticated"),
            ("GET", "/a/{b}/c", "authenticated"),
            ("HEAD", "/a/{b}/c", "unstated"),
            ("HEAD", "/{a}/b/c", "unstated"),
        ]);
        let (operations, closed) = read(&contracts, "HEAD", "/a/b/c");
        assert_eq!(operations, ["GET /a/b/{c}", "HEAD /a/{b}/c", "HEAD /{a}/b/c"]);
        assert_eq!(closed, Some(Reason::UnstatedRequirement));
        assert_eq!(read(&contracts, "GET", "/a/b/c").0, ["GET /a/b/{c}", "GET /a/{b}/c"]);
    }

    #[test]
    fn what_means_nothing_says_why() {
        let contracts = contracts(&[("GET", "/a", "public"), ("GET", "/b", "unstated")]);
        for (method, target, why) in [
            ("GET", "/c", Reason::NoSuchOperation),
            ("PUT", "/a", Reason::MethodNotAllowed),
            ("get", "/a", Reason::MethodNotAllowed),
            ("GET", "/../a", Reason::BadRequestTarget),
            ("GET", "", Reason::BadRequestTarget),
        ] {
            assert_eq!(read(&contracts, method, target), (vec![], Some(why)), "{method} {target}");
        }
        assert_eq!(read(&contracts, "GET", "/b"), (vec!["GET /b".to_owned()], Some(Reason::UnstatedRequirement)));
        assert_eq!(read(&contracts, "GET", "/a"), (vec!["GET /a".to_owned()], None));
    }
}
