//! What anybody would write with ordinary crates: matchit, std hash maps, and a bit set for each combination of roles
//! and for each authorization.

use countersign_decision::{PermissionMode, Reason};
use fixedbitset::FixedBitSet;

use super::front::Front;
use crate::answer::Answer;
use crate::catalog::{Ask, Rules};
use crate::requests::Requests;
use crate::world::{Organization, World};

/// The baseline.
pub(crate) struct Ordinary<'w> {
    front: &'w Front<'w>,
    rules: &'w Rules,
    organizations: Vec<Holdings>,
}

struct Holdings {
    /// For each combination its permissions and its roles.
    combinations: Vec<(FixedBitSet, FixedBitSet)>,
    apps: Vec<App>,
}

struct App {
    scopes: FixedBitSet,
    /// Nothing: everybody.
    roles: Option<FixedBitSet>,
}

impl<'w> Ordinary<'w> {
    pub(crate) fn new(world: &World, rules: &'w Rules, front: &'w Front<'w>) -> Self {
        let organizations = world.organizations.iter().map(|one| Holdings::new(world, one, rules.scopes.len()));
        Self { front, rules, organizations: organizations.collect() }
    }

    #[inline]
    pub(crate) fn answer(&self, requests: &Requests, index: usize) -> Answer {
        let call = match self.front.ask(requests, index) {
            Ok(call) => call,
            Err(answer) => return answer,
        };
        let holdings = &self.organizations[call.organization];
        let (permissions, roles) = &holdings.combinations[call.combination];
        let app = &holdings.apps[call.authorization];
        self.front.decide(&call, |operation| {
            let refusal = refuse(&self.rules.operations[operation as usize].ask, app, permissions, roles);
            refusal.map_or(Answer::Allow, Answer::Deny)
        })
    }
}

fn refuse(ask: &Ask, app: &App, held: &FixedBitSet, roles: &FixedBitSet) -> Option<Reason> {
    let Ask::Oauth { scopes, permissions } = ask else {
        return None;
    };
    if !scopes.is_empty() && !scopes.iter().any(|scope| app.scopes.contains(usize::from(*scope))) {
        return Some(Reason::MissingScope);
    }
    if app.roles.as_ref().is_some_and(|limit| limit.is_disjoint(roles)) {
        return Some(Reason::RoleNotAllowed);
    }
    let is_held = |permission: &u16| held.contains(usize::from(*permission));
    let may = permissions.as_ref().is_none_or(|(mode, of)| match mode {
        PermissionMode::Any => of.iter().any(is_held),
        PermissionMode::All => of.iter().all(is_held),
    });
    (!may).then_some(Reason::MissingPermission)
}

impl Holdings {
    fn new(world: &World, organization: &Organization, scopes: usize) -> Self {
        let set = |length: usize, places: &mut dyn Iterator<Item = usize>| {
            let mut set = FixedBitSet::with_capacity(length);
            set.extend(places);
            set
        };
        let roles = organization.roles.len();
        let combinations = organization.combinations.iter().enumerate().map(|(index, combination)| {
            let held = world.permissions_of(organization, index);
            (held, set(roles, &mut combination.iter().map(|role| usize::from(*role))))
        });
        let apps = organization.authorizations.iter().map(|app| App {
            scopes: set(scopes, &mut app.scopes.iter().map(|scope| usize::from(*scope))),
            roles: (!app.roles.is_empty()).then(|| set(roles, &mut app.roles.iter().map(|role| usize::from(*role)))),
        });
        Self { combinations: combinations.collect(), apps: apps.collect() }
    }
}
