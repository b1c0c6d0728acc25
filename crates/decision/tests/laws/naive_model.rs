//! The rule once more, as plainly as it can be written: lists and strings, no index, no cache, nothing of the engine's but its input.

use crate::worlds::{Call, Who};
use countersign_decision::{
    AuthorizationState as State, Enforcement, Operation, OrganizationFacts, PermissionMode, Requirement,
};
use serde_json::{Map, Value, json};

type World = [OrganizationFacts];
type Refusal = (&'static str, Option<Map<String, Value>>);

pub(crate) fn decide(operations: &[Operation], world: &World, call: &Call) -> Value {
    let (operation, answer) = match choose(operations, call) {
        Err(reason) => (None, Err((reason, None))),
        Ok(all) => (Some(&all[0].id), all.iter().try_for_each(|one| refuse(one, world, call))),
    };
    match answer {
        Ok(()) => json!({"decision": "allow", "operation": operation}),
        Err((reason, None)) => json!({"decision": "deny", "operation": operation, "reason": reason}),
        Err((reason, all)) => json!({"decision": "deny", "operation": operation, "reason": reason, "missing": all}),
    }
}

/// The operation that is meant, then those that it crosses.
fn choose<'a>(operations: &'a [Operation], call: &Call) -> Result<Vec<&'a Operation>, &'static str> {
    let matches: Vec<_> = operations.iter().filter(|one| fits(&one.path, &call.path, '/')).collect();
    let chosen_path = matches.iter().map(|one| literals(&one.path)).max().ok_or("no_such_operation")?;
    let with_method = |path: &[bool]| {
        let of = |method| matches.iter().find(|one| literals(&one.path) == path && one.method.as_str() == method);
        of(call.method.as_str()).or_else(|| of(if call.method == "HEAD" { "GET" } else { "" })).copied()
    };
    let chosen = with_method(&chosen_path).ok_or("method_not_allowed")?;
    let mut others: Vec<_> = matches.iter().filter_map(|one| with_method(&literals(&one.path))).collect();
    others.retain(|one| literals(&one.path).iter().zip(&chosen_path).any(|(other, own)| *other && !own));
    others.sort_by_key(|one| &one.id);
    Ok([vec![chosen], others].concat())
}

fn literals(template: &str) -> Vec<bool> {
    template.split('/').map(|part| !part.starts_with('{')).collect()
}

/// Whether a path template fits a path, or a policy a permission.
pub(crate) fn fits(pattern: &str, text: &str, separator: char) -> bool {
    let is_any = |part: &str, asked: &str| part == "*" || (part.starts_with('{') && !asked.is_empty());
    let (parts, asked) = (pattern.split(separator), text.split(separator));
    parts.clone().count() == asked.clone().count() && parts.zip(asked).all(|(one, two)| one == two || is_any(one, two))
}

fn refuse(operation: &Operation, world: &World, call: &Call) -> Result<(), Refusal> {
    let needs = &operation.requirement;
    let organization = world.iter().find(|one| one.id == call.organization).ok_or(("unknown_organization", None));
    match needs.kind() {
        "public" => Ok(()),
        "unstated" => Err(("unstated_requirement", None)),
        "other_credential" => Err(("other_credential", None)),
        _ => organization.and_then(|org| call.chain.iter().try_for_each(|who| refuse_one(needs, world, org, who))),
    }
}

fn refuse_one(needs: &Requirement, world: &World, org: &OrganizationFacts, who: &Who) -> Result<(), Refusal> {
    let mut clients = world.iter().flat_map(|home| home.clients.iter().map(move |client| (home, client)));
    let (home, client) = clients.find(|(_, client)| client.id == who.client).ok_or(("unknown_client", None))?;
    let user = |id: &String| org.users.iter().find(|one| one.id == *id).ok_or(("unknown_user", None));
    let subject = who.user.as_ref().map_or(Ok(client), user)?;
    let authorization = org.authorizations.iter().find(|one| one.client == who.client);
    (org.active && client.active && subject.active).then_some(()).ok_or(("inactive", None))?;
    let is_refused = authorization.is_some_and(|one| one.state == State::Denied || one.state == State::Revoked);
    (!is_refused).then_some(()).ok_or(("app_refused", None))?;
    let authorization = authorization.filter(|one| one.state == State::Authorized);
    let enforced = org.enforcement == Enforcement::Enforce && (who.user.is_some() || org.bounds_client_credentials);
    let is_home = who.user.is_some() || home.id == org.id;
    let mut held_roles = org.roles.iter().filter(|role| is_home && subject.roles.contains(&role.id));
    let policies: Vec<String> = held_roles.clone().flat_map(|role| &role.policies).map(ToString::to_string).collect();
    let holds = |asked: &str| policies.iter().any(|policy| fits(policy, asked, ':'));
    let granted = |scope: &String| !enforced || authorization.is_some_and(|one| one.scopes.contains(scope));
    let may_use = |scope: &String| granted(scope) && who.scopes.as_ref().is_none_or(|asked| asked.contains(scope));
    let (mut reason, mut missing) = (None, Map::new());
    if let Some(list) = needs.permissions() {
        let lacking: Vec<_> = list.of.iter().filter(|one| !holds(one.as_str())).collect();
        if !lacking.is_empty() && (list.mode == PermissionMode::All || lacking.len() == list.of.len()) {
            missing.insert("permissions".into(), json!({"mode": list.mode, "of": lacking}));
            reason = Some("missing_permission");
        }
    }
    let limit = authorization.map_or(&[][..], |one| &one.roles);
    if enforced && !limit.is_empty() && !held_roles.any(|role| limit.contains(&role.id)) {
        let name = |id: &String| org.roles.iter().find(|one| one.id == *id).map_or(id, |one| &one.name).clone();
        missing.insert("roles_any_of".into(), limit.iter().map(name).collect());
        reason = Some("role_not_allowed");
    }
    let scopes = needs.scopes_any_of();
    if !scopes.is_empty() && !scopes.iter().any(|all| all.iter().all(|one| may_use(&one.to_string()))) {
        missing.insert("scopes_any_of".into(), json!(scopes));
        reason = Some("missing_scope");
    }
    let reason = if enforced && authorization.is_none() { Some("app_not_authorized") } else { reason };
    reason.map_or(Ok(()), |reason| Err((reason, Some(missing))))
}
