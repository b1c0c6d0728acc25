//! Why a decision came out as it did, for people to read: what carried an allowed call, and what would open a denied one.
//! Nothing here decides.

use serde::Serialize;

use crate::authority::{Authority, Link};
use crate::contract::{Catalogue, Contract};
use crate::decide::Permit;
use crate::facts::Enforcement;
use crate::operation::Operation;
use crate::permission::Permission;
use crate::reason::{Denial, RoleRef};
use crate::requirement::PermissionMode;

/// What carried an allowed call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carried<'a> {
    /// The narrowest scope alternative that app and token hold; nothing where no scope was looked at.
    pub scopes: Option<Vec<&'a str>>,
    /// The permissions that the operation asks for and the subject holds, each with the subject's roles that hold it.
    pub permissions: Vec<HeldBy<'a>>,
    /// Where the app is for holders of certain roles only: those of them that the subject has.
    pub admitted_by: Option<Vec<RoleRef<'a>>>,
}

/// What would open a denied call. Every part is needed; within `scopes_any_of` each alternative suffices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy<'a> {
    /// Scope alternatives, narrowest first; empty where scopes are not what is missing.
    pub scopes_any_of: Vec<Alternative<'a>>,
    /// Whether one or all of `permissions` are needed; nothing where permissions are not what is missing.
    pub permission_mode: Option<PermissionMode>,
    /// The missing permissions, each with the roles of the organization that hold it.
    pub permissions: Vec<HeldBy<'a>>,
    /// The roles of which the subject needs one to use the app; empty where that is not what is missing.
    pub roles_any_of: Vec<RoleRef<'a>>,
}

/// Scopes that together suffice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alternative<'a> {
    /// All of them are needed.
    pub scopes: Vec<&'a str>,
    /// Those that the organization has not granted to the app.
    pub not_granted: Vec<&'a str>,
    /// Those that the token did not ask for.
    pub not_asked_for: Vec<&'a str>,
}

/// A permission and roles that hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldBy<'a> {
    /// The permission.
    pub permission: &'a str,
    /// The roles.
    pub roles: Vec<RoleRef<'a>>,
}

/// What carried an allowed call. Empty for public operations, which need nothing.
pub fn carried<'a>(contract: &'a Contract, authority: &Authority<'a>, permit: &Permit<'a>) -> Carried<'a> {
    let operation = permit.operation();
    let Some(link) = authority.caller().filter(|_| permit.client().is_some()) else {
        return Carried { scopes: None, permissions: Vec::new(), admitted_by: None };
    };
    let catalogue = contract.catalogue();
    let scopes = narrowest_first(operation, catalogue).into_iter().find(|alternative| {
        let alternative = link.look_at(catalogue, alternative);
        alternative.not_granted.is_empty() && alternative.not_asked_for.is_empty()
    });
    let is_looked_at = link.enforcement == Enforcement::Enforce || link.ceiling.is_some();
    let permissions =
        operation.requirement.permissions().into_iter().flat_map(|list| &list.of).filter_map(|permission| {
            let index = catalogue.permission_index(permission.as_str())?;
            let roles: Vec<_> = link.snapshot.roles_among(link.roles(), index).collect();
            (!roles.is_empty()).then_some(HeldBy { permission: permission.as_str(), roles })
        });
    let limited = link.authorization.filter(|one| link.enforcement == Enforcement::Enforce && !one.roles().is_empty());
    Carried {
        scopes: scopes.filter(|_| is_looked_at),
        permissions: permissions.collect(),
        admitted_by: limited.map(|authorization| link.snapshot.admitting(authorization, link.combination).collect()),
    }
}

/// What would open a denied call. Empty where the denial is not about authority.
pub fn remedy<'a>(contract: &'a Contract, authority: &Authority<'a>, denial: &Denial<'a>) -> Remedy<'a> {
    let missing = denial.missing();
    let (link, decided_by) = (authority.caller(), denial.decided_by());
    let alternatives = decided_by.filter(|_| missing.scopes_any_of.is_some());
    let alternatives = alternatives.map(|operation| narrowest_first(operation, contract.catalogue()));
    let roles_holding = |name: &str| -> Vec<RoleRef<'a>> {
        let permission = name.parse::<Permission>().ok();
        link.zip(permission)
            .map(|(link, permission)| link.snapshot.roles_holding(&permission).collect())
            .unwrap_or_default()
    };
    let permissions = missing.permissions.iter().flat_map(|list| &list.of);
    Remedy {
        scopes_any_of: alternatives
            .into_iter()
            .flatten()
            .filter_map(|scopes| link.map(|link| link.look_at(contract.catalogue(), &scopes)))
            .collect(),
        permission_mode: missing.permissions.as_ref().map(|list| list.mode),
        permissions: permissions.map(|name| HeldBy { permission: name, roles: roles_holding(name) }).collect(),
        roles_any_of: missing.roles_any_of.unwrap_or_default(),
    }
}

/// An operation's scope alternatives, the narrowest first.
fn narrowest_first<'a>(operation: &'a Operation, catalogue: &Catalogue) -> Vec<Vec<&'a str>> {
    let mut alternatives = operation.requirement.scope_names();
    alternatives.sort_by_key(|alternative| catalogue.width(alternative));
    alternatives
}

impl Link<'_> {
    /// Which scopes of an alternative this link lacks, and by whose omission.
    fn look_at<'a>(&self, catalogue: &Catalogue, scopes: &[&'a str]) -> Alternative<'a> {
        let is_granted = |index| self.authorization.is_some_and(|authorization| authorization.scopes.contains(index));
        let lacking = |holds: &dyn Fn(u32) -> bool| -> Vec<&'a str> {
            scopes.iter().copied().filter(|scope| !catalogue.scope_index(scope).is_some_and(holds)).collect()
        };
        Alternative {
            scopes: scopes.to_vec(),
            not_granted: lacking(&|index| self.enforcement != Enforcement::Enforce || is_granted(index)),
            not_asked_for: lacking(&|index| self.is_below_ceiling(index)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AuthorizationFacts, AuthorizationState, Caller, ClientRef, Contracts, Decision, OrganizationFacts, RoleFacts,
        Snapshot, Subject, SubjectFacts, decide,
    };

    fn contracts() -> Contracts {
        let operation = |method: &str, scopes: &str| {
            serde_json::json!({
                "id": format!("{method} things"), "method": method, "path": "/things",
                "requirement": {
                    "kind": "oauth",
                    "scopes_any_of": scopes.split(' ').map(|scope| [scope]).collect::<Vec<_>>(),
                    "permissions": {"mode": "ANY", "of": ["thing:item:read", "thing:item:own"]},
                },
                "source": {"file": "things.yaml", "line": 1},
            })
        };
        let operations = [operation("GET", "things things:readonly"), operation("POST", "things")];
        let source = serde_json::json!({"name": "things", "operations": operations});
        Contracts::new(vec![serde_json::from_value(source).unwrap()]).unwrap()
    }

    fn facts(scopes: &[&str], roles: &[&str]) -> OrganizationFacts {
        let role = |name: &str, policy: &str| RoleFacts {
            id: name.to_owned(),
            name: name.to_owned(),
            policies: vec![policy.parse().unwrap()],
        };
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        OrganizationFacts {
            id: "acme".to_owned(),
            active: true,
            enforcement: Enforcement::Enforce,
            bounds_client_credentials: true,
            roles: vec![role("Reader", "thing:item:read"), role("Owner", "thing:*:*")],
            users: vec![SubjectFacts { id: "ada".to_owned(), active: true, roles: owned(roles) }],
            clients: vec![SubjectFacts { id: "app".to_owned(), active: true, roles: Vec::new() }],
            authorizations: vec![AuthorizationFacts {
                client: "app".to_owned(),
                state: AuthorizationState::Authorized,
                scopes: owned(scopes),
                roles: Vec::new(),
            }],
        }
    }

    fn ada(ceiling: Option<&str>) -> Caller {
        Caller {
            client: ClientRef { id: "app".to_owned(), home_organization: "acme".to_owned(), active: true },
            subject: Subject::User("ada".to_owned()),
            ceiling: ceiling.map(|scope| vec![scope.to_owned()]),
            actors: Vec::new(),
        }
    }

    #[test]
    fn an_allow_names_the_narrowest_scope_and_the_roles_that_carried_it() {
        let contracts = contracts();
        let contract = contracts.named("things").unwrap();
        let facts = facts(&["things", "things:readonly"], &["Owner", "Reader"]);
        let snapshot = Snapshot::compile(contracts.catalogue(), &facts);
        let caller = ada(None);
        let authority = snapshot.authority(&caller);
        let Decision::Allow(permit) = decide(contract, &authority, "GET", b"/things") else { panic!("denied") };
        let carried = carried(contract, &authority, &permit);
        assert_eq!(carried.scopes, Some(vec!["things:readonly"]));
        let held: Vec<_> = carried
            .permissions
            .iter()
            .map(|held| (held.permission, held.roles.iter().map(|role| role.name).collect::<Vec<_>>()))
            .collect();
        assert_eq!(held, [("thing:item:read", vec!["Reader", "Owner"]), ("thing:item:own", vec!["Owner"])]);
        assert_eq!(carried.admitted_by, None);
    }

    #[test]
    fn an_allow_of_an_app_for_certain_roles_names_those_that_the_subject_has() {
        let contracts = contracts();
        let contract = contracts.named("things").unwrap();
        let mut facts = facts(&["things"], &["Owner"]);
        facts.authorizations[0].roles = vec!["Reader".to_owned(), "Owner".to_owned(), "Gone".to_owned()];
        let snapshot = Snapshot::compile(contracts.catalogue(), &facts);
        let caller = ada(None);
        let authority = snapshot.authority(&caller);
        let Decision::Allow(permit) = decide(contract, &authority, "GET", b"/things") else { panic!("denied") };
        let admitted_by = carried(contract, &authority, &permit).admitted_by.unwrap();
        assert_eq!(admitted_by, [RoleRef { id: "Owner", name: "Owner" }]);
    }

    #[test]
    fn a_denial_names_the_roles_that_would_help_and_whose_omission_each_scope_is() {
        let contracts = contracts();
        let contract = contracts.named("things").unwrap();
        let snapshot = Snapshot::compile(contracts.catalogue(), &facts(&["things"], &[]));
        let caller = ada(Some("things:readonly"));
        let authority = snapshot.authority(&caller);
        let Decision::Deny(denial) = decide(contract, &authority, "GET", b"/things") else { panic!("allowed") };
        let remedy = remedy(contract, &authority, &denial);
        let things = Alternative { scopes: vec!["things"], not_granted: vec![], not_asked_for: vec!["things"] };
        let readonly = vec!["things:readonly"];
        let readonly = Alternative { scopes: readonly.clone(), not_granted: readonly, not_asked_for: vec![] };
        assert_eq!(remedy.scopes_any_of, [readonly, things]);
        assert_eq!(remedy.permission_mode, Some(PermissionMode::Any));
        let owner = remedy.permissions[1].roles.iter().map(|role| role.name).collect::<Vec<_>>();
        assert_eq!((remedy.permissions[1].permission, owner), ("thing:item:own", vec!["Owner"]));
    }
}
