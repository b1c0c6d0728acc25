//! The rule once more, as plainly as it can be written: every template tried, every policy compared as text. Nothing
//! is shared with an engine.

use std::collections::HashMap;

use countersign_decision::{AuthorizationState, Method, PermissionMode, Reason};

use crate::answer::Answer;
use crate::catalog::{Ask, Rule, Rules};
use crate::requests::{Request, Requests};
use crate::world::{World, covers};

/// The rules with their templates cut into segments.
#[derive(Debug)]
pub(crate) struct Naive<'w> {
    world: &'w World,
    rules: &'w Rules,
    /// By number of segments: only to let a million requests end within a minute.
    templates: HashMap<usize, Vec<(Vec<&'w str>, &'w Rule)>>,
}

impl<'w> Naive<'w> {
    pub(crate) fn new(world: &'w World, rules: &'w Rules) -> Self {
        let mut templates: HashMap<usize, Vec<(Vec<&str>, &Rule)>> = HashMap::new();
        for rule in &rules.operations {
            let segments: Vec<_> = rule.path.split('/').collect();
            templates.entry(segments.len()).or_default().push((segments, rule));
        }
        Self { world, rules, templates }
    }

    pub(crate) fn decide(&self, requests: &Requests, index: usize) -> Answer {
        let request = &requests.all[index];
        let target = requests.target(index);
        let path = target.split('?').next().unwrap_or_default();
        let refusal = match self.choose(request.method, path) {
            Ok(all) => all.into_iter().find_map(|rule| self.refuse(rule, request)),
            Err(reason) => Some(reason),
        };
        refusal.map_or(Answer::Allow, Answer::Deny)
    }

    /// The operation that is meant, then by id those that it crosses.
    fn choose(&self, method: Method, path: &str) -> Result<Vec<&'w Rule>, Reason> {
        let asked: Vec<&str> = path.split('/').collect();
        let all = self.templates.get(&asked.len()).map(Vec::as_slice).unwrap_or_default();
        let matching: Vec<_> = all.iter().filter(|(template, _)| fits(template, &asked)).collect();
        let literals =
            |template: &[&str]| -> Vec<bool> { template.iter().map(|part| !part.starts_with('{')).collect() };
        let best = matching.iter().map(|(template, _)| literals(template)).max().ok_or(Reason::NoSuchOperation)?;
        let of = |shape: &[bool], method| {
            matching.iter().find(|(template, rule)| literals(template) == shape && rule.method == method)
        };
        let with_method = |shape: &[bool]| {
            of(shape, method).or_else(|| if method == Method::Head { of(shape, Method::Get) } else { None })
        };
        let (_, chosen) = with_method(&best).ok_or(Reason::MethodNotAllowed)?;
        let mut others: Vec<&Rule> = Vec::new();
        for (template, _) in &matching {
            let shape = literals(template);
            let has_later_literal = shape.iter().zip(&best).any(|(other, own)| *other && !own);
            if let Some((_, rule)) = with_method(&shape).filter(|_| has_later_literal) {
                others.push(rule);
            }
        }
        others.sort_by_key(|rule| &rule.id);
        Ok(std::iter::once(*chosen).chain(others).collect())
    }

    fn refuse(&self, rule: &Rule, request: &Request) -> Option<Reason> {
        let (scopes, permissions) = match &rule.ask {
            Ask::Public => return None,
            Ask::Unstated => return Some(Reason::UnstatedRequirement),
            Ask::OtherCredential => return Some(Reason::OtherCredential),
            Ask::Oauth { scopes, permissions } => (scopes, permissions),
        };
        let organization = &self.world.organizations[request.organization as usize];
        let user = organization.users[request.user as usize];
        let app = organization.authorizations.iter().find(|one| one.client == request.client);
        if !user.active {
            return Some(Reason::Inactive);
        }
        if app.is_some_and(|app| matches!(app.state, AuthorizationState::Denied | AuthorizationState::Revoked)) {
            return Some(Reason::AppRefused);
        }
        let Some(app) = app.filter(|app| app.state == AuthorizationState::Authorized) else {
            return Some(Reason::AppNotAuthorized);
        };
        if !scopes.is_empty() && !scopes.iter().any(|scope| app.scopes.contains(scope)) {
            return Some(Reason::MissingScope);
        }
        let roles = &organization.combinations[usize::from(user.combination)];
        if !app.roles.is_empty() && !roles.iter().any(|role| app.roles.contains(role)) {
            return Some(Reason::RoleNotAllowed);
        }
        let holds = |permission: &u16| {
            let permission = &self.rules.permissions[usize::from(*permission)];
            let mut templates = roles.iter().map(|role| usize::from(organization.roles[usize::from(*role)]));
            templates.any(|template| self.world.templates[template].texts.iter().any(|text| covers(text, permission)))
        };
        let may = permissions.as_ref().is_none_or(|(mode, of)| match mode {
            PermissionMode::Any => of.iter().any(holds),
            PermissionMode::All => of.iter().all(holds),
        });
        (!may).then_some(Reason::MissingPermission)
    }
}

fn fits(template: &[&str], asked: &[&str]) -> bool {
    let part_fits = |(part, asked): (&&str, &&str)| part == asked || (part.starts_with('{') && !asked.is_empty());
    template.len() == asked.len() && template.iter().zip(asked).rev().all(part_fits)
}
