//! What stands before every peer: matchit finds the operation, std hash maps find user and app by their ids. A policy
//! engine has neither, and whoever uses one writes this around it. It refuses what needs no policy, so that the peers
//! are asked less, never more.
//!
//! It does not do what Countersign does with a target first (refusing what two readers could read differently): the
//! peers are spared that.

use std::collections::HashMap;

use countersign_decision::{AuthorizationState, Caller, Method, Reason, Subject};
use matchit::Router;

use crate::answer::Answer;
use crate::catalog::{Ask, Rules};
use crate::requests::Requests;
use crate::world::{World, client_id, user_id};

/// Routes and directories.
pub(crate) struct Front<'w> {
    rules: &'w Rules,
    router: Router<[Option<u32>; Method::ALL.len()]>,
    organizations: Vec<Directory>,
}

/// The users and apps of one organization by id.
struct Directory {
    users: HashMap<Box<str>, Seat>,
    apps: HashMap<Box<str>, App>,
}

#[derive(Clone, Copy)]
struct Seat {
    is_active: bool,
    combination: u16,
}

#[derive(Clone, Copy)]
struct App {
    state: AuthorizationState,
    authorization: u16,
}

/// What is left to ask a policy engine.
pub(crate) struct Call<'w> {
    pub(crate) organization: usize,
    /// The user's combination of roles, a place in the organization's.
    pub(crate) combination: usize,
    /// The app's authorization, a place in the organization's.
    pub(crate) authorization: usize,
    operation: u32,
    crossing: &'w [u32],
    path: &'w str,
}

impl<'w> Front<'w> {
    pub(crate) fn new(world: &World, rules: &'w Rules) -> Result<Self, String> {
        let mut methods: HashMap<String, (&str, [Option<u32>; Method::ALL.len()])> = HashMap::new();
        for (index, rule) in (0u32..).zip(&rules.operations) {
            // Templates that differ in the names of parameters only are one route.
            let shape: Vec<&str> =
                rule.path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
            let entry = methods.entry(shape.join("/")).or_insert((rule.path.as_str(), Default::default()));
            entry.1[rule.method as usize] = Some(index);
        }
        let mut router = Router::new();
        for (path, mut by_method) in methods.into_values() {
            by_method[Method::Head as usize] = by_method[Method::Head as usize].or(by_method[Method::Get as usize]);
            router.insert(path, by_method).map_err(|error| format!("matchit does not take `{path}`: {error}"))?;
        }
        let organizations = (0..world.organizations.len()).map(|organization| Directory::new(world, organization));
        Ok(Self { rules, router, organizations: organizations.collect() })
    }

    /// The answer where it needs no policy, or what a policy has to decide.
    #[inline]
    pub(crate) fn ask<'f>(&'f self, requests: &'f Requests, index: usize) -> Result<Call<'f>, Answer> {
        let request = &requests.all[index];
        let target = requests.target(index);
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let deny = |reason| Err(Answer::Deny(reason));
        let Ok(matched) = self.router.at(path) else {
            return deny(Reason::NoSuchOperation);
        };
        let Some(operation) = matched.value[request.method as usize] else {
            return deny(Reason::MethodNotAllowed);
        };
        let rule = &self.rules.operations[operation as usize];
        match rule.ask {
            Ask::Public => return Err(Answer::Allow),
            Ask::Unstated => return deny(Reason::UnstatedRequirement),
            Ask::OtherCredential => return deny(Reason::OtherCredential),
            Ask::Oauth { .. } => {}
        }
        let directory = &self.organizations[request.organization as usize];
        let (user, client) = ids(&requests.callers[index]);
        let Some(seat) = directory.users.get(user) else {
            return deny(Reason::UnknownUser);
        };
        if !seat.is_active {
            return deny(Reason::Inactive);
        }
        let Some(app) = directory.apps.get(client) else {
            return deny(Reason::AppNotAuthorized);
        };
        match app.state {
            AuthorizationState::Authorized => {}
            AuthorizationState::Denied | AuthorizationState::Revoked => return deny(Reason::AppRefused),
            AuthorizationState::Requested | AuthorizationState::Expired => return deny(Reason::AppNotAuthorized),
        }
        Ok(Call {
            organization: request.organization as usize,
            combination: usize::from(seat.combination),
            authorization: usize::from(app.authorization),
            operation,
            crossing: &rule.crossing,
            path,
        })
    }

    /// Asks for the operation, then for each that it crosses: the first denial is the answer.
    #[inline]
    pub(crate) fn decide(&self, call: &Call<'_>, mut policy: impl FnMut(u32) -> Answer) -> Answer {
        let answer = policy(call.operation);
        if call.crossing.is_empty() || !answer.is_allow() {
            return answer;
        }
        for other in call.crossing {
            let rule = &self.rules.operations[*other as usize];
            if !template_fits(&rule.path, call.path) {
                continue;
            }
            let answer = match rule.ask {
                Ask::Public => Answer::Allow,
                Ask::Unstated => Answer::Deny(Reason::UnstatedRequirement),
                Ask::OtherCredential => Answer::Deny(Reason::OtherCredential),
                Ask::Oauth { .. } => policy(*other),
            };
            if !answer.is_allow() {
                return answer;
            }
        }
        Answer::Allow
    }
}

impl Directory {
    fn new(world: &World, organization: usize) -> Self {
        let one = &world.organizations[organization];
        let users = one.users.iter().enumerate().map(|(index, user)| {
            (user_id(organization, index).into(), Seat { is_active: user.active, combination: user.combination })
        });
        let apps = (0u16..).zip(&one.authorizations).map(|(authorization, app)| {
            (client_id(app.client as usize).into(), App { state: app.state, authorization })
        });
        Self { users: users.collect(), apps: apps.collect() }
    }
}

fn ids(caller: &Caller) -> (&str, &str) {
    let user = match &caller.subject {
        Subject::User(user) => user.as_str(),
        Subject::Client => "",
    };
    (user, &caller.client.id)
}

fn template_fits(template: &str, path: &str) -> bool {
    let (mut parts, mut asked) = (template.split('/'), path.split('/'));
    loop {
        match (parts.next(), asked.next()) {
            (None, None) => return true,
            (Some(part), Some(text)) if part == text || (part.starts_with('{') && !text.is_empty()) => {}
            _ => return false,
        }
    }
}
