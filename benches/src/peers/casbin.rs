//! casbin: one enforcer for each organization, so that no policy of another organization is looked at; in its
//! matchers the cheap comparison stands first, and role links are built once, as its documentation recommends.
//!
//! An operation that needs one of several permissions is asked for one after another until one is held.

use casbin::{CoreApi, DefaultModel, EnforceContext, Enforcer, MemoryAdapter, MgmtApi};
use countersign_decision::{AuthorizationState, PermissionMode, Reason};

use super::front::{Call, Front};
use crate::answer::Answer;
use crate::catalog::{Ask, Rules};
use crate::memory::counted;
use crate::requests::Requests;
use crate::world::{Organization, World, client_id};

const MODEL: &str = "
[request_definition]
r = user, permission
r2 = app, scope
r3 = user, app

[policy_definition]
p = role, permission
p2 = app, scope
p3 = role, app

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))
e2 = some(where (p.eft == allow))
e3 = some(where (p.eft == allow))

[matchers]
m = r.permission == p.permission && g(r.user, p.role)
m2 = r2.app == p2.app && r2.scope == p2.scope
m3 = r3.app == p3.app && g(r3.user, p3.role)
";
const MISSING: &str = "an enforcer is prepared for every organization that is asked for";

/// One enforcer for each organization that the sample asks for.
pub(crate) struct Casbin<'w> {
    world: &'w World,
    rules: &'w Rules,
    front: &'w Front<'w>,
    enforcers: Vec<Option<Enforcer>>,
}

impl<'w> Casbin<'w> {
    /// Prepares what the first `sample` requests need.
    pub(crate) fn new(
        world: &'w World,
        rules: &'w Rules,
        front: &'w Front<'w>,
        requests: &Requests,
        sample: usize,
    ) -> Result<Self, String> {
        let mut enforcers: Vec<Option<Enforcer>> = world.organizations.iter().map(|_| None).collect();
        for request in &requests.all[..sample.min(requests.len())] {
            let enforcer = &mut enforcers[request.organization as usize];
            if enforcer.is_none() {
                let made = enforcer_of(world, &world.organizations[request.organization as usize], rules);
                *enforcer = Some(pollster::block_on(made).map_err(|error| error.to_string())?);
            }
        }
        Ok(Self { world, rules, front, enforcers })
    }

    /// Allow, or deny with the reason.
    pub(crate) fn answer(&self, requests: &Requests, index: usize) -> Answer {
        let call = match self.front.ask(requests, index) {
            Ok(call) => call,
            Err(answer) => return answer,
        };
        let refusal = |operation: u32| self.refuse(&call, requests, index, operation);
        self.front.decide(&call, |operation| refusal(operation).map_or(Answer::Allow, Answer::Deny))
    }

    fn refuse(&self, call: &Call<'_>, requests: &Requests, index: usize, operation: u32) -> Option<Reason> {
        let Ask::Oauth { scopes, permissions } = &self.rules.operations[operation as usize].ask else {
            return None;
        };
        let enforcer = self.enforcers[call.organization].as_ref().expect(MISSING);
        let app = requests.callers[index].client.id.as_str();
        let user = combination_name(call.combination);
        let right = "the model is right";
        let granted = |scope: &u16| {
            let scope = self.rules.scopes[usize::from(*scope)].as_str();
            enforcer.enforce_with_context(EnforceContext::new("2"), (app, scope)).expect(right)
        };
        if !scopes.is_empty() && !scopes.iter().any(granted) {
            return Some(Reason::MissingScope);
        }
        let authorization = &self.world.organizations[call.organization].authorizations[call.authorization];
        let context = || EnforceContext::new("3");
        if !authorization.roles.is_empty()
            && !enforcer.enforce_with_context(context(), (user.as_str(), app)).expect(right)
        {
            return Some(Reason::RoleNotAllowed);
        }
        let held = |permission: &u16| {
            let permission = self.rules.permissions[usize::from(*permission)].as_str();
            enforcer.enforce((user.as_str(), permission)).expect(right)
        };
        let may = permissions.as_ref().is_none_or(|(mode, of)| match mode {
            PermissionMode::Any => of.iter().any(held),
            PermissionMode::All => of.iter().all(held),
        });
        (!may).then_some(Reason::MissingPermission)
    }
}

/// Counted bytes of the enforcer of one organization.
pub(crate) fn bytes_of_one(world: &World, rules: &Rules) -> Result<Option<f64>, String> {
    let (made, used) = counted(|| pollster::block_on(enforcer_of(world, &world.organizations[0], rules)));
    made.map_err(|error| error.to_string())?;
    Ok(used.map(|used| used.bytes_kept as f64))
}

async fn enforcer_of(world: &World, organization: &Organization, rules: &Rules) -> casbin::Result<Enforcer> {
    let model = DefaultModel::from_str(MODEL).await?;
    let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
    enforcer.enable_auto_build_role_links(false);
    let mut holdings = Vec::new();
    for (index, template) in organization.roles.iter().enumerate() {
        let held = world.templates[usize::from(*template)].permissions.ones();
        holdings.extend(held.map(|permission| vec![role_name(index), rules.permissions[permission].clone()]));
    }
    let (mut scopes, mut limits) = (Vec::new(), Vec::new());
    for app in organization.authorizations.iter().filter(|app| app.state == AuthorizationState::Authorized) {
        let client = client_id(app.client as usize);
        let granted = app.scopes.iter().map(|scope| &rules.scopes[usize::from(*scope)]);
        scopes.extend(granted.map(|scope| vec![client.clone(), scope.clone()]));
        limits.extend(app.roles.iter().map(|role| vec![role_name(usize::from(*role)), client.clone()]));
    }
    // As for the other peers, one name stands for all users with the same roles: fewer links for casbin to keep.
    let combinations = organization.combinations.iter().enumerate();
    let links = combinations.flat_map(|(index, roles)| {
        roles.iter().map(move |role| vec![combination_name(index), role_name(usize::from(*role))])
    });
    enforcer.add_named_policies("p", holdings).await?;
    enforcer.add_named_policies("p2", scopes).await?;
    enforcer.add_named_policies("p3", limits).await?;
    enforcer.add_grouping_policies(links.collect()).await?;
    enforcer.build_role_links()?;
    Ok(enforcer)
}

fn role_name(role: usize) -> String {
    format!("role{role}")
}

fn combination_name(combination: usize) -> String {
    format!("holder{combination}")
}
