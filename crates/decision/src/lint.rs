//! What is worth an operator's look in a contract, each with file, line, rule and a sentence.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::contract::Contract;
use crate::operation::{Location, Operation};
use crate::scope::Scope;

/// One thing worth a look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The file as it was named to the importer.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The rule, a stable name such as `unstated-requirement`.
    pub rule: String,
    /// One sentence for people.
    pub message: String,
}

/// Everything worth a look in a contract, by file and line: what the importer noticed and what only the whole shows.
pub fn lint(contract: &Contract) -> Vec<Finding> {
    let mut findings = contract.warnings().to_vec();
    findings.extend(contract.operations().iter().filter_map(read_only_scope_that_writes));
    findings.extend(crossing_templates(contract));
    findings.extend(unknown_permissions(contract));
    findings.sort();
    findings
}

/// A scope that says it only reads opens a method that writes.
fn read_only_scope_that_writes(operation: &Operation) -> Option<Finding> {
    if !operation.method.is_mutating() {
        return None;
    }
    let only_reads = |scopes: &&Vec<Scope>| scopes.iter().all(Scope::is_named_read_only);
    let alternative = operation.requirement.scopes_any_of().iter().find(only_reads)?;
    let names: Vec<_> = alternative.iter().map(Scope::as_str).collect();
    let message = format!("`{}` is enough for {} {}", names.join(" "), operation.method, operation.path);
    Some(finding(&operation.source, "read-only-scope-writes", message))
}

/// Two operations that one request can match, neither the more specific, with different requirements.
fn crossing_templates(contract: &Contract) -> impl Iterator<Item = Finding> {
    contract.operations().iter().flat_map(|operation| {
        let others = contract.crossing(&operation.id).filter(|other| other.requirement != operation.requirement);
        others.map(|other| {
            let message = format!(
                "{} {} crosses {} ({}), which needs something else: a request that matches both has to be allowed for both",
                operation.method, operation.path, other.path, other.source
            );
            finding(&operation.source, "crossing-templates", message)
        })
    })
}

/// Permissions that the contract's own list does not have, or that differ from another only in the case of letters.
fn unknown_permissions(contract: &Contract) -> Vec<Finding> {
    let described = contract.described_permissions();
    let mut first_use: BTreeMap<&str, &Location> = BTreeMap::new();
    for operation in contract.operations() {
        for permission in operation.requirement.permissions().into_iter().flat_map(|list| &list.of) {
            first_use.entry(permission.as_str()).or_insert(&operation.source);
        }
    }
    let mut by_folded: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for name in first_use.keys() {
        by_folded.entry(name.to_ascii_lowercase()).or_default().insert(name);
    }

    let mut findings = Vec::new();
    for (name, source) in first_use {
        let is_described = described.iter().any(|permission| permission.as_str() == name);
        let twin = by_folded[&name.to_ascii_lowercase()].iter().find(|twin| **twin != name);
        let message = if !described.is_empty() && !is_described {
            format!("permission `{name}` is not among those that `x-countersign-permissions` lists")
        } else if let Some(twin) = twin {
            format!("permission `{name}` differs from `{twin}` only in the case of letters: they are two")
        } else {
            continue;
        };
        findings.push(finding(source, "unknown-permission", message));
    }
    findings
}

fn finding(at: &Location, rule: &str, message: String) -> Finding {
    Finding { file: at.file.clone(), line: at.line, rule: rule.to_owned(), message }
}
