//! The part of a proposal that changes what a role holds.

use countersign_decision::{Catalogue, PermissionPolicy};
use countersign_domain::world::OrganizationEntry;

use super::{Proposal, listed, nearest, unknown_role};
use crate::cli::failure::Failure;
use crate::cli::files::Loaded;

impl Proposal {
    pub(super) fn change_role(&self, organization: &mut OrganizationEntry, loaded: &Loaded) -> Result<bool, Failure> {
        let Some(name) = &self.role else { return Ok(false) };
        if self.add_permission.is_empty() && self.remove_permission.is_empty() {
            let rule = "`--add-permission` or `--remove-permission` says how";
            return Err(Failure::bad_input(format!("`--role {name}` is to be changed: {rule}")));
        }
        let catalogue = loaded.contracts.catalogue();
        self.check_permissions(catalogue)?;
        if organization.role(name).is_none() {
            return Err(unknown_role("--role", name, organization));
        }
        let Some(role) = organization.role_mut(name) else { return Ok(false) };
        let mut is_changed = false;
        for removed in &self.remove_permission {
            let Some(rest) = without(&role.policies, removed, catalogue) else {
                let texts: Vec<String> = role.policies.iter().map(ToString::to_string).collect();
                let holds = listed(texts.iter().map(String::as_str));
                return Err(Failure::bad_input(format!(
                    "`--remove-permission`: role `{name}` does not hold `{removed}`: it holds {holds}"
                )));
            };
            (role.policies, is_changed) = (rest, true);
        }
        for added in &self.add_permission {
            if !role.policies.iter().any(|policy| policy.covers(added)) {
                role.policies.push(added.clone());
                is_changed = true;
            }
        }
        Ok(is_changed)
    }

    fn check_permissions(&self, catalogue: &Catalogue) -> Result<(), Failure> {
        for added in &self.add_permission {
            if let Some(removed) = self.remove_permission.iter().find(|removed| overlap(added, removed)) {
                return Err(Failure::bad_input(format!(
                    "`{added}` is added and `{removed}` removed, which have permissions in common: give one of both"
                )));
            }
            if catalogue.permissions_matching(added).next().is_none() {
                let text = added.to_string();
                let known = catalogue.permissions().iter().map(|entry| entry.permission.as_str());
                return Err(Failure::bad_input(format!(
                    "`--add-permission`: the contract has no permission `{added}`: it has {}",
                    nearest(&text, known)
                )));
            }
        }
        Ok(())
    }
}

/// The policies without what `removed` covers; nothing where they hold none of it. A policy that holds more becomes the
/// list of the contract's permissions that remain.
fn without(
    policies: &[PermissionPolicy],
    removed: &PermissionPolicy,
    catalogue: &Catalogue,
) -> Option<Vec<PermissionPolicy>> {
    let mut rest = Vec::with_capacity(policies.len());
    let mut is_held = false;
    for policy in policies {
        if !overlap(policy, removed) {
            rest.push(policy.clone());
            continue;
        }
        is_held = true;
        if !removed.covers(policy) {
            let all = catalogue.permissions_matching(policy).filter_map(|index| catalogue.permission(index));
            rest.extend(all.filter(|permission| !removed.matches(permission)).map(PermissionPolicy::from));
        }
    }
    is_held.then_some(rest)
}

/// Whether some permission could be covered by both.
fn overlap(one: &PermissionPolicy, other: &PermissionPolicy) -> bool {
    match (one, other) {
        (PermissionPolicy::Flat(one), PermissionPolicy::Flat(other)) => one == other,
        (
            PermissionPolicy::Scoped { domain, entity, action },
            PermissionPolicy::Scoped { domain: of, entity: on, action: what },
        ) => {
            let meet = |one: &str, other: &str| one == other || one == "*" || other == "*";
            domain == of && meet(entity, on) && meet(action, what)
        }
        (PermissionPolicy::Flat(_), PermissionPolicy::Scoped { .. })
        | (PermissionPolicy::Scoped { .. }, PermissionPolicy::Flat(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_decision::{ContractSource, Contracts};

    #[test]
    fn a_wildcard_of_which_a_part_is_removed_keeps_the_rest() {
        let operation = |permission: &str| {
            let permissions = serde_json::json!({"mode": "ANY", "of": [permission]});
            serde_json::json!({
                "id": permission, "method": "GET", "path": format!("/{}", permission.replace(':', "-")),
                "requirement": {"kind": "oauth", "scopes_any_of": [], "permissions": permissions},
                "source": {"file": "t", "line": 1},
            })
        };
        let operations: Vec<_> = ["a:b:add", "a:b:view", "a:c:add", "a:c:view"].map(operation).into();
        let source: ContractSource =
            serde_json::from_value(serde_json::json!({"name": "t", "operations": operations})).unwrap();
        let contracts = Contracts::new(vec![source]).unwrap();
        let policies =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<PermissionPolicy>>();
        for (held, removed, rest) in [
            (&["a:b:*"][..], "a:b:add", Some(&["a:b:view"][..])),
            (&["a:*:*"], "a:*:add", Some(&["a:b:view", "a:c:view"])),
            (&["a:b:*", "a:c:add"], "a:b:*", Some(&["a:c:add"])),
            (&["a:*:view", "a:b:add"], "a:b:*", Some(&["a:c:view"])),
            (&["a:b:view"], "a:b:add", None),
        ] {
            let removed: PermissionPolicy = removed.parse().unwrap();
            let left = without(&policies(held), &removed, contracts.catalogue());
            assert_eq!(left, rest.map(policies), "{held:?} without {removed}");
        }
    }
}
