//! `security` and `x-inin-requires-permissions`: OpenAPI 3.1 §4.8.30, Swagger 2.0 "Security Requirement Object".
//!
//! Between objects any suffices, within one object all are needed; how the scopes of one list are read is the contract's switch.

use std::collections::{HashMap, HashSet};

use super::node::{Entry, Fault, Node, fault};
use super::stated::{self, Credential, Permissions};
use super::{MAX_LIST_LENGTH, ScopeLists, limits};
use crate::requirement::PermissionMode;
use crate::scope::Scope;

/// Which security schemes are ours: those of type oauth2 or openIdConnect.
#[derive(Debug, Clone, Default)]
pub(super) struct Schemes(HashMap<String, bool>);

impl Schemes {
    /// Reads `components.securitySchemes` or `securityDefinitions`.
    pub(super) fn read(node: &Node) -> Result<Self, Fault> {
        let entries = node.entries().ok_or_else(|| fault(node.line, "security schemes are a mapping"))?;
        entries
            .iter()
            .map(|Entry { key, line, node }| {
                let kind = node.get("type").and_then(Node::text);
                let kind = kind.ok_or_else(|| {
                    let message = format!(
                        "security scheme `{key}` has no `type`: schemes are defined in this file, without `$ref`"
                    );
                    fault(*line, message)
                })?;
                Ok((key.clone(), matches!(kind, "oauth2" | "openIdConnect")))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Adds the schemes of another file of the same contract; those that are here already stay.
    pub(super) fn add(&mut self, other: &Self) {
        for (name, is_ours) in &other.0 {
            self.0.entry(name.clone()).or_insert(*is_ours);
        }
    }
}

/// The scopes that the schemes of a file describe, with their lines.
pub(super) fn described_scopes(schemes: &Node) -> impl Iterator<Item = &Entry> {
    // Swagger 2 puts `scopes` into the scheme, OpenAPI 3 into each of its flows.
    let flows = children(schemes).filter_map(|scheme| scheme.get("flows")).flat_map(children);
    children(schemes).chain(flows).filter_map(|node| node.get("scopes").and_then(Node::entries)).flatten()
}

fn children(node: &Node) -> impl Iterator<Item = &Node> {
    node.entries().unwrap_or_default().iter().map(|entry| &entry.node)
}

/// What a `security` list says.
pub(super) fn credential(security: &Node, schemes: &Schemes, lists: ScopeLists) -> Result<Credential, Fault> {
    let items = list(security, "`security`")?;
    if items.is_empty() {
        return Ok(Credential::Public);
    }
    let mut ours = Vec::new();
    let mut others = Vec::new();
    for item in items {
        match object(item, schemes, lists)? {
            // OpenAPI 3.1 §4.8.30: an empty object makes the security optional.
            Credential::Public => return Ok(Credential::Public),
            Credential::Oauth(alternatives) => ours.extend(alternatives),
            Credential::NotAScope { text } => return Ok(Credential::NotAScope { text }),
            other => others.push(other),
        }
        if ours.len() > MAX_LIST_LENGTH {
            return Err(too_many(security.line, "scope alternatives"));
        }
    }
    if ours.is_empty() {
        return Ok(others.swap_remove(0));
    }
    let mut seen = HashSet::with_capacity(ours.len());
    ours.retain(|scopes| seen.insert(scopes.clone()));
    Ok(Credential::Oauth(ours))
}

/// What `x-inin-requires-permissions` says: `{type: ANY, permissions: [..]}`.
pub(super) fn permissions(node: &Node) -> Result<Permissions, Fault> {
    let right = "`x-inin-requires-permissions` is `{type: ANY, permissions: [..]}` or the same with `type: ALL`";
    let mode = match node.get("type").and_then(Node::text) {
        Some("ANY") => PermissionMode::Any,
        Some("ALL") => PermissionMode::All,
        _ => return Err(fault(node.line, right)),
    };
    let texts = texts(node.get("permissions").ok_or_else(|| fault(node.line, right))?, "`permissions`")?;
    Ok(stated::permissions(mode, &texts))
}

/// The items of a list of bounded length.
pub(super) fn list<'n>(node: &'n Node, what: &str) -> Result<&'n [Node], Fault> {
    let items = node.items().ok_or_else(|| fault(node.line, format!("{what} is a list, not {}", node.kind())))?;
    if items.len() > MAX_LIST_LENGTH { Err(too_many(node.line, what)) } else { Ok(items) }
}

/// The items of a list of texts of bounded length.
pub(super) fn texts<'n>(node: &'n Node, what: &str) -> Result<Vec<&'n str>, Fault> {
    let text = |item: &'n Node| {
        item.text().ok_or_else(|| fault(item.line, format!("{what} holds texts, not {}", item.kind())))
    };
    list(node, what)?.iter().map(text).collect()
}

/// One object of a `security` list: every scheme in it is needed.
fn object(item: &Node, schemes: &Schemes, lists: ScopeLists) -> Result<Credential, Fault> {
    let entries = item.entries().ok_or_else(|| {
        fault(item.line, format!("`security` holds mappings of a scheme to its scopes, not {}", item.kind()))
    })?;
    if entries.is_empty() {
        return Ok(Credential::Public);
    }
    let mut product: Vec<Vec<Scope>> = vec![Vec::new()];
    let mut other = None;
    for Entry { key: scheme, node, line } in entries {
        let scheme = limits::name(scheme, "the name of a security scheme", *line)?;
        let scopes = texts(node, &format!("the scope list of `{scheme}`"))?;
        match schemes.0.get(scheme) {
            None => return Ok(Credential::Undefined { scheme: limits::shown(scheme) }),
            Some(false) => other = Some(Credential::Other { scheme: limits::shown(scheme) }),
            Some(true) => match stated::alternatives(&scopes, lists) {
                Ok(alternatives) if product.len() * alternatives.len() > MAX_LIST_LENGTH => {
                    return Err(too_many(item.line, "scope alternatives"));
                }
                Ok(alternatives) => product = combined(&product, &alternatives),
                Err(not_a_scope) => return Ok(not_a_scope),
            },
        }
    }
    Ok(other.unwrap_or(Credential::Oauth(product)))
}

/// Every alternative of one scheme together with every alternative of another.
fn combined(one: &[Vec<Scope>], two: &[Vec<Scope>]) -> Vec<Vec<Scope>> {
    let together = |(one, two): (&Vec<Scope>, &Vec<Scope>)| {
        let more = two.iter().filter(|scope| !one.contains(scope));
        one.iter().chain(more).cloned().collect()
    };
    one.iter().flat_map(|one| two.iter().map(move |two| (one, two))).map(together).collect()
}

fn too_many(line: u32, what: &str) -> Fault {
    fault(line, format!("too many {what}: at most {MAX_LIST_LENGTH} are read"))
}
