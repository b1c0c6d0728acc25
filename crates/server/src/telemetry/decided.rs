//! What was decided of a call, as far as its span tells.

use countersign_decision::Contract;

use super::messages::{KeyValue, text};
use crate::enforce::check::{Allowed, Ask, Asker, Refusal};
use crate::enforce::visit::Visit;

/// A decision.
#[derive(Debug)]
pub(super) struct Decided {
    method: String,
    /// The template of the path.
    route: Option<String>,
    operation: Option<String>,
    contract: String,
    /// The organization and the app, where they are known.
    parties: Option<(String, String)>,
    /// `None` for an allow.
    reason: Option<&'static str>,
}

impl Decided {
    pub(super) fn new(
        visit: &Visit<'_>,
        contract: &Contract,
        ask: Ask<'_>,
        answer: Result<&Allowed, &Refusal>,
    ) -> Self {
        let operation = match answer {
            Ok(allowed) => Some(&allowed.operation_id),
            Err(refusal) => refusal.operation_id.as_ref(),
        };
        let route = operation.and_then(|id| contract.operation(id)).map(|operation| operation.path.as_str().to_owned());
        let parties = match &visit.asker {
            Asker::Live(live) => Some((live.bearer.organization.to_string(), live.bearer.client.to_string())),
            Asker::Missing | Asker::Invalid => None,
        };
        Self {
            method: ask.method.to_owned(),
            route,
            operation: operation.cloned(),
            contract: contract.name().to_owned(),
            parties,
            reason: answer.err().map(Refusal::reason_name),
        }
    }

    /// The name of the call's span: few values, whoever calls.
    pub(super) fn name(&self) -> String {
        let method = known_method(&self.method);
        self.route.as_ref().map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
    }

    pub(super) fn attributes(&self) -> Vec<KeyValue> {
        let Self { method, route, operation, contract, parties, reason } = self;
        let mut attributes = vec![
            text("http.request.method", known_method(method)),
            text("countersign.contract", contract),
            text("countersign.decision", if reason.is_none() { "allow" } else { "deny" }),
        ];
        attributes.extend(reason.map(|reason| text("countersign.reason", reason)));
        attributes.extend(route.as_ref().map(|route| text("http.route", route)));
        attributes.extend(operation.as_ref().map(|operation| text("countersign.operation", operation)));
        if let Some((organization, client)) = parties {
            attributes.push(text("countersign.organization", organization));
            attributes.push(text("countersign.client", client));
        }
        attributes
    }
}

/// As OpenTelemetry's conventions want it: a method that nobody knows would be a name that callers choose.
pub(super) fn known_method(method: &str) -> &str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    if KNOWN.contains(&method) { method } else { "_OTHER" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_nobody_knows_are_one() {
        assert_eq!((known_method("PATCH"), known_method("get"), known_method("X-1")), ("PATCH", "_OTHER", "_OTHER"));
    }
}
