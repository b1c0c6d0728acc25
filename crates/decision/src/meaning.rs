//! What a request asks for, whoever sends it: for logs, where nobody's authority is at hand.

use crate::contract::Contract;
use crate::decide::meant;
use crate::needs::Credential;
use crate::operation::Operation;
use crate::reason::Reason;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning<'c> {
    /// Each of them has to allow the call: the one that is meant, then those that it crosses, by id. Empty where it
    /// means none.
    pub operations: Vec<&'c Operation>,
    /// Why no scope and no permission opens it: it means no operation, or one of them is unstated or wants another
    /// credential.
    pub closed: Option<Reason>,
}

impl<'c> Meaning<'c> {
    /// Reads a request as [`decide()`](crate::decide()) does.
    pub fn of(contract: &'c Contract, method: &str, target: &[u8]) -> Self {
        let (operation, crossing) = match meant(contract, method, target) {
            Ok(meant) => meant,
            Err(denial) => return Self { operations: Vec::new(), closed: Some(denial.reason()) },
        };
        let all = || std::iter::once(operation).chain(crossing.iter().copied());
        let closed = all().find_map(|operation| match contract.needs_at(operation).credential {
            Credential::Unstated => Some(Reason::UnstatedRequirement),
            Credential::Other => Some(Reason::OtherCredential),
            Credential::Public | Credential::Ours => None,
        });
        Self { operations: all().map(|operation| contract.operation_at(operation)).collect(), closed }
    }
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
        let meaning = Meaning::of(contracts.named("t").unwrap(), method, target.as_bytes());
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
