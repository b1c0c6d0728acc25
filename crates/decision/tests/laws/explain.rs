//! Law 10, as far as it can be held today: explanations agree with decisions, and so do both ways of asking.

use std::collections::BTreeSet;

use countersign_decision::explain::{Remedy, carried, remedy};
use countersign_decision::{
    AuthorizationFacts, AuthorizationState, Contract, Decision, Denial, Enforcement, OrganizationFacts, Permission,
    PermissionMode, Requirement, RoleFacts, Scope, decide_operation,
};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;

use crate::call::{Call, Who, answer};
use crate::naive_model::fits;
use crate::ten_thousand_calls;
use crate::worlds::{Case, cases, contracts, engine, with_decisions};

proptest! {
    #![proptest_config(ten_thousand_calls())]

    /// What carried an allow is really held: scopes that are granted and below the ceiling, roles that the subject has
    /// and that hold the permission.
    #[test]
    fn law_10_what_carried_an_allow_is_held(case in cases()) {
        let mut calls = case.calls.iter();
        with_decisions(&contracts(&case.operations), &case.world, &case.calls, |contract, authority, decision| {
            let call = calls.next().expect("one for each");
            let Decision::Allow(permit) = decision else { return Ok(()) };
            let carried = carried(contract, authority, permit);
            let needs = &permit.operation().requirement;
            let Some(who) = call.chain.first().filter(|_| *needs != Requirement::Public) else {
                prop_assert!(carried.scopes.is_none() && carried.permissions.is_empty());
                return Ok(());
            };
            let organization = of(&case.world, call);
            if let Some(scopes) = &carried.scopes {
                let mut alternatives = needs.scopes_any_of().iter();
                prop_assert!(alternatives.any(|all| all.iter().map(Scope::as_str).eq(scopes.iter().copied())));
                prop_assert!(scopes.iter().all(|scope| may_use(organization, who, scope)), "{:?}", scopes);
            }
            let roles = roles_of(&case.world, organization, who);
            for held in &carried.permissions {
                prop_assert!(needs.permissions().unwrap().of.iter().any(|one| one.as_str() == held.permission));
                let expected = roles.iter().filter(|role| holds(role, held.permission));
                let expected: Vec<_> = expected.map(|role| role.id.as_str()).collect();
                prop_assert_eq!(held.roles.iter().map(|role| role.id).collect::<Vec<_>>(), expected);
            }
            let named: BTreeSet<_> = carried.permissions.iter().map(|held| held.permission).collect();
            let asked = needs.permissions().into_iter().flat_map(|list| &list.of).map(Permission::as_str);
            let really = asked.filter(|one| roles.iter().any(|role| holds(role, one)));
            prop_assert_eq!(named, really.collect::<BTreeSet<_>>());
            Ok(())
        }).into_iter().collect::<Result<(), TestCaseError>>()?;
    }

    /// A remedy helps: once everything is done that it names, the call is allowed, or denied for something that came
    /// after it.
    #[test]
    fn law_10_a_remedy_opens_the_call(case in cases()) {
        let contracts = contracts(&case.operations);
        let remedies = with_decisions(&contracts, &case.world, &case.calls, |contract, authority, decision| {
            let denial = decision.denial().filter(|denial| denial.reason().carries_missing())?;
            // Advice is about the caller alone: nobody can change on their behalf what an actor lacks, or what a
            // crossing operation needs.
            let is_plain = denial.decided_by().map(|one| &one.id) == denial.operation().map(|one| &one.id);
            is_plain.then(|| Done::by(&remedy(contract, authority, denial)))
        });
        for (call, done) in case.calls.iter().zip(remedies) {
            // A client's own roles hold at home only: abroad nobody can give it any.
            let is_home = |who: &Who| of(&case.world, call).clients.iter().any(|one| one.id == who.client);
            let can_be_helped = |who: &Who| who.user.is_some() || is_home(who);
            let Some(done) = done.filter(|done| match call.chain.as_slice() {
                [who] => can_be_helped(who) || (done.permit.is_empty() && done.role.is_none()),
                _ => false,
            }) else { continue };
            let mut after = Case { calls: vec![call.clone()], ..case.clone() };
            done.apply(&mut after);
            // A crossing operation may want something else: then that is what denies now.
            let is_open = with_decisions(&contracts, &after.world, &after.calls, |_, _, decision| {
                let decided_by = decision.denial().and_then(Denial::decided_by).map(|one| &one.id);
                decision.is_allowed() || decided_by != decision.operation().map(|one| &one.id)
            });
            prop_assert!(is_open[0], "{:?} of {:?} after {:?}", engine(&after), call, done);
        }
    }

    /// Where nothing crosses, asking for the operation by its name is asking for its path.
    #[test]
    fn law_10_both_ways_of_asking_agree_where_nothing_crosses(case in cases()) {
        with_decisions(&contracts(&case.operations), &case.world, &case.calls, |contract, authority, decision| {
            let Some(operation) = decision.operation() else { return Ok(()) };
            if contract.crossing(&operation.id).next().is_none() && !may_be_a_head(contract, &operation.id) {
                let by_name = decide_operation(contract, authority, &operation.id);
                prop_assert_eq!(answer(&by_name), answer(decision));
            }
            Ok(())
        }).into_iter().collect::<Result<(), TestCaseError>>()?;
    }
}

/// A HEAD that is decided as a GET crosses HEAD operations, which the list of the GET does not name.
fn may_be_a_head(contract: &Contract, id: &str) -> bool {
    let is_get = contract.operation(id).is_some_and(|one| one.method.as_str() == "GET");
    is_get && contract.operations().iter().any(|one| one.method.as_str() == "HEAD")
}

fn of<'w>(world: &'w [OrganizationFacts], call: &Call) -> &'w OrganizationFacts {
    world.iter().find(|one| one.id == call.organization).expect("a known caller has an organization")
}

fn may_use(organization: &OrganizationFacts, who: &Who, scope: &str) -> bool {
    let is_bounded = who.user.is_some() || organization.bounds_client_credentials;
    let mut authorizations = organization.authorizations.iter().filter(|one| one.client == who.client);
    let is_granted = authorizations
        .any(|one| one.state == AuthorizationState::Authorized && one.scopes.iter().any(|granted| granted == scope));
    let is_looked_at = organization.enforcement == Enforcement::Enforce && is_bounded;
    (is_granted || !is_looked_at) && who.scopes.as_ref().is_none_or(|asked| asked.iter().any(|one| one == scope))
}

/// The roles of the subject in the order of the organization's, as far as they hold here.
fn roles_of<'w>(world: &'w [OrganizationFacts], organization: &'w OrganizationFacts, who: &Who) -> Vec<&'w RoleFacts> {
    let users = organization.users.iter().filter(|one| who.user.as_ref() == Some(&one.id));
    let at_home = world.iter().filter(|home| who.user.is_none() && home.id == organization.id);
    let clients = at_home.flat_map(|home| &home.clients).filter(|one| one.id == who.client);
    let ids: BTreeSet<_> = users.chain(clients).flat_map(|one| &one.roles).collect();
    organization.roles.iter().filter(|role| ids.contains(&role.id)).collect()
}

fn holds(role: &RoleFacts, permission: &str) -> bool {
    role.policies.iter().any(|policy| fits(&policy.to_string(), permission, ':'))
}

/// What somebody who follows a remedy does.
#[derive(Debug, Clone)]
struct Done {
    grant: Vec<String>,
    ask_for: Vec<String>,
    permit: Vec<String>,
    role: Option<String>,
}

impl Done {
    fn by(remedy: &Remedy<'_>) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let narrowest = remedy.scopes_any_of.first();
        let mut permit: Vec<String> = remedy.permissions.iter().map(|held| held.permission.to_owned()).collect();
        if remedy.permission_mode == Some(PermissionMode::Any) {
            permit.truncate(1);
        }
        Self {
            grant: narrowest.map(|one| owned(&one.not_granted)).unwrap_or_default(),
            ask_for: narrowest.map(|one| owned(&one.not_asked_for)).unwrap_or_default(),
            permit,
            role: remedy.roles_any_of.first().map(|role| role.id.to_owned()),
        }
    }

    /// Authorizes the app for the scopes, asks for them, and gives the subject the role and a role with the
    /// permissions.
    fn apply(&self, case: &mut Case) {
        let call = &mut case.calls[0];
        let who = &mut call.chain[0];
        let here = case.world.iter().position(|one| one.id == call.organization).expect("a known caller has one");
        if let Some(asked) = &mut who.scopes {
            asked.extend(self.ask_for.clone());
        }
        let organization = &mut case.world[here];
        let policies = self.permit.iter().map(|one| one.parse().expect("a permission is a policy")).collect();
        organization.roles.push(RoleFacts { id: "helps".into(), name: "Helps".into(), policies });
        // A role that no longer exists can only be made again.
        if let Some(role) = self.role.iter().find(|id| organization.roles.iter().all(|one| one.id != **id)) {
            organization.roles.push(RoleFacts { id: role.clone(), name: role.clone(), policies: Vec::new() });
        }
        let authorizations = &mut organization.authorizations;
        if authorizations.iter().all(|one| one.client != who.client) {
            let (client, state) = (who.client.clone(), AuthorizationState::Requested);
            authorizations.push(AuthorizationFacts { client, state, scopes: Vec::new(), roles: Vec::new() });
        }
        for authorization in authorizations.iter_mut().filter(|one| one.client == who.client) {
            if authorization.state != AuthorizationState::Authorized {
                // Who authorizes anew states everything anew.
                authorization.state = AuthorizationState::Authorized;
                (authorization.scopes, authorization.roles) = (Vec::new(), Vec::new());
            }
            authorization.scopes.extend(self.grant.clone());
        }
        for subject in organization.users.iter_mut().chain(&mut organization.clients) {
            if who.user.as_ref().unwrap_or(&who.client) == &subject.id {
                subject.roles.push("helps".into());
                subject.roles.extend(self.role.clone());
            }
        }
    }
}
