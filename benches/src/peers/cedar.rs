//! cedar-policy, given the least to do that its documentation describes: policies are parsed once; for each action
//! only its own policies are given ("policy slicing"); roles and permissions are groups of the principal, so that a
//! test is one look-up of an ancestor; entities are built beforehand with all ancestors, and so is the part of the
//! context that the app brings (its clone is a reference count).
//!
//! The principal is the user's combination of roles, which the host has looked up: one entity serves all users that
//! have it. One entity store for each user would need tens of kilobytes for each of them, and no decision would be
//! faster for it.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    Request, RestrictedExpression,
};
use countersign_decision::{AuthorizationState, PermissionMode, Reason};

use super::front::{Call, Front};
use crate::answer::Answer;
use crate::catalog::{Ask, Rules};
use crate::requests::Requests;
use crate::world::{Authorization, Organization, World};

const MISSING: &str = "policies and entities are prepared for whatever is asked for";

/// Policies, entities and contexts.
pub(crate) struct Cedar<'w> {
    front: &'w Front<'w>,
    authorizer: Authorizer,
    actions: Vec<EntityUid>,
    resource: EntityUid,
    /// One policy for each action.
    permits: Vec<PolicySet>,
    /// One permit for each action that is asked for, and a forbid for each half that can be missing.
    explained: Vec<Option<PolicySet>>,
    /// The permits of all actions in one set.
    all: Option<PolicySet>,
    organizations: Vec<Holdings>,
}

#[derive(Default)]
struct Holdings {
    principals: HashMap<usize, (EntityUid, Entities)>,
    apps: Vec<Context>,
}

/// The conditions of one action, as Cedar expressions.
struct Conditions {
    scope: Option<String>,
    permission: Option<String>,
}

const ROLE_CONDITION: &str = "(context.everybody || principal in context.roles)";

impl<'w> Cedar<'w> {
    /// Prepares what the first `sample` requests need; `with_all_in_one` for the row that has no index.
    pub(crate) fn new(
        world: &World,
        rules: &Rules,
        front: &'w Front<'w>,
        requests: &Requests,
        sample: usize,
        with_all_in_one: bool,
    ) -> Self {
        let actions: Vec<_> = rules.operations.iter().map(|rule| uid("Action", &rule.id)).collect();
        let mut permits = Vec::new();
        let mut all = PolicySet::new();
        for (rule, action) in rules.operations.iter().zip(&actions) {
            let conditions = Conditions::of(&rule.ask, rules);
            let permit = conditions.permit(action, &rule.id);
            if matches!(rule.ask, Ask::Oauth { .. }) && with_all_in_one {
                all.add(permit.clone()).expect("operation ids are different");
            }
            permits.push(PolicySet::from_policies([permit]).expect("one policy"));
        }
        let mut cedar = Self {
            front,
            authorizer: Authorizer::new(),
            actions,
            resource: uid("Api", "platform"),
            permits,
            explained: rules.operations.iter().map(|_| None).collect(),
            all: with_all_in_one.then_some(all),
            organizations: world.organizations.iter().map(|_| Holdings::default()).collect(),
        };
        for index in 0..sample.min(requests.len()) {
            cedar.prepare(world, rules, requests, index);
        }
        cedar
    }

    fn prepare(&mut self, world: &World, rules: &Rules, requests: &Requests, index: usize) {
        let Ok(call) = self.front.ask(requests, index) else {
            return;
        };
        self.front.decide(&call, |operation| {
            let (at, rule) = (operation as usize, &rules.operations[operation as usize]);
            let policies = || Conditions::of(&rule.ask, rules).explained(&self.actions[at]);
            self.explained[at].get_or_insert_with(|| PolicySet::from_policies(policies()).expect("different ids"));
            Answer::Allow
        });
        let place = call.organization;
        let organization = &world.organizations[place];
        let holdings = &mut self.organizations[place];
        if holdings.apps.is_empty() {
            holdings.apps = organization.authorizations.iter().map(|app| context(place, app, rules)).collect();
        }
        holdings
            .principals
            .entry(call.combination)
            .or_insert_with(|| principal(world, place, organization, call.combination, rules));
    }

    /// Allow or deny, with the policy of the action.
    pub(crate) fn answer(&self, requests: &Requests, index: usize) -> Answer {
        self.with(requests, index, |call, operation| {
            let response = self.authorize(call, operation, &self.permits[operation as usize]);
            // Without a policy for each half, nobody can say which one was missing: any reason stands for "denied".
            if response.decision() == Decision::Allow { Answer::Allow } else { Answer::Deny(Reason::MissingPermission) }
        })
    }

    /// Allow, or deny with the reason.
    pub(crate) fn answer_with_reason(&self, requests: &Requests, index: usize) -> Answer {
        self.with(requests, index, |call, operation| {
            let response = self.authorize(call, operation, self.explained[operation as usize].as_ref().expect(MISSING));
            if response.decision() == Decision::Allow {
                return Answer::Allow;
            }
            let reasons = response.diagnostics().reason().map(AsRef::as_ref);
            // The ids of the policies stand in the order of the checks.
            Answer::Deny(match reasons.min() {
                Some("1-scope") => Reason::MissingScope,
                Some("2-role") => Reason::RoleNotAllowed,
                _ => Reason::MissingPermission,
            })
        })
    }

    /// Allow or deny, with the policies of all actions in one set.
    pub(crate) fn answer_from_all(&self, requests: &Requests, index: usize) -> Answer {
        let all = self.all.as_ref().expect("asked for when it was made");
        self.with(requests, index, |call, operation| {
            let response = self.authorize(call, operation, all);
            if response.decision() == Decision::Allow { Answer::Allow } else { Answer::Deny(Reason::MissingPermission) }
        })
    }

    fn with(&self, requests: &Requests, index: usize, policy: impl Fn(&Call<'_>, u32) -> Answer) -> Answer {
        match self.front.ask(requests, index) {
            Ok(call) => self.front.decide(&call, |operation| policy(&call, operation)),
            Err(answer) => answer,
        }
    }

    fn authorize(&self, call: &Call<'_>, operation: u32, policies: &PolicySet) -> cedar_policy::Response {
        let holdings = &self.organizations[call.organization];
        let (principal, entities) = holdings.principals.get(&call.combination).expect(MISSING);
        let request = Request::new(
            principal.clone(),
            self.actions[operation as usize].clone(),
            self.resource.clone(),
            holdings.apps[call.authorization].clone(),
            None,
        );
        self.authorizer.is_authorized(&request.expect("no schema to differ from"), policies, entities)
    }
}

impl Conditions {
    fn of(ask: &Ask, rules: &Rules) -> Self {
        let Ask::Oauth { scopes, permissions } = ask else {
            return Self { scope: Some("false".into()), permission: None };
        };
        let scope_test = |scope: &u16| format!("context.scopes.contains({:?})", rules.scopes[usize::from(*scope)]);
        let permission_test = |permission: &u16| {
            format!("principal in {}", uid("Permission", &rules.permissions[usize::from(*permission)]))
        };
        let joined = |tests: Vec<String>, by: &str| (!tests.is_empty()).then(|| format!("({})", tests.join(by)));
        Self {
            scope: joined(scopes.iter().map(scope_test).collect(), " || "),
            permission: permissions.as_ref().and_then(|(mode, of)| {
                let by = if *mode == PermissionMode::Any { " || " } else { " && " };
                joined(of.iter().map(permission_test).collect(), by)
            }),
        }
    }

    fn permit(&self, action: &EntityUid, id: &str) -> Policy {
        let tests = [self.scope.as_deref(), Some(ROLE_CONDITION), self.permission.as_deref()];
        let condition = tests.into_iter().flatten().collect::<Vec<_>>().join(" && ");
        policy(id, &format!("permit(principal, action == {action}, resource) when {{ {condition} }};"))
    }

    fn explained(&self, action: &EntityUid) -> Vec<Policy> {
        let halves = [
            ("1-scope", self.scope.as_deref()),
            ("2-role", Some(ROLE_CONDITION)),
            ("3-permission", self.permission.as_deref()),
        ];
        let forbid = |(id, condition): (&str, Option<&str>)| {
            let condition = condition?;
            Some(policy(id, &format!("forbid(principal, action == {action}, resource) unless {{ {condition} }};")))
        };
        let permit = policy("0-permit", &format!("permit(principal, action == {action}, resource);"));
        std::iter::once(permit).chain(halves.into_iter().filter_map(forbid)).collect()
    }
}

fn policy(id: &str, text: &str) -> Policy {
    Policy::parse(Some(PolicyId::new(id)), text).expect("policies are made right")
}

fn uid(kind: &str, id: &str) -> EntityUid {
    let kind: EntityTypeName = kind.parse().expect("a plain name");
    EntityUid::from_type_name_and_id(kind, EntityId::new(id))
}

fn role(organization: usize, role: u8) -> EntityUid {
    uid("Role", &format!("{organization}/{role}"))
}

fn principal(
    world: &World,
    place: usize,
    organization: &Organization,
    combination: usize,
    rules: &Rules,
) -> (EntityUid, Entities) {
    let held = world.permissions_of(organization, combination);
    let permissions = held.ones().map(|index| uid("Permission", &rules.permissions[index]));
    let roles = organization.combinations[combination].iter().map(|one| role(place, *one));
    let groups: HashSet<_> = permissions.chain(roles).collect();
    let holder = uid("Holder", &format!("{place}/{combination}"));
    let entity = Entity::new_no_attrs(holder.clone(), groups);
    (holder, Entities::from_entities([entity], None).expect("one entity"))
}

fn context(place: usize, app: &Authorization, rules: &Rules) -> Context {
    let text = |scope: &u16| RestrictedExpression::new_string(rules.scopes[usize::from(*scope)].clone());
    let is_authorized = app.state == AuthorizationState::Authorized;
    let scopes = app.scopes.iter().filter(|_| is_authorized).map(text);
    let roles = app.roles.iter().map(|one| RestrictedExpression::new_entity_uid(role(place, *one)));
    let pairs = [
        ("scopes".to_owned(), RestrictedExpression::new_set(scopes)),
        ("everybody".to_owned(), RestrictedExpression::new_bool(app.roles.is_empty())),
        ("roles".to_owned(), RestrictedExpression::new_set(roles)),
    ];
    Context::from_pairs(pairs).expect("three different keys")
}
