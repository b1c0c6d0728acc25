//! The rule once more, as plainly as it can be written: lists and strings, no index, no cache, nothing of the engine's
//! but its input. The fuzz crate uses this file too.

use countersign_decision::{
    AuthorizationState as State, Enforcement, Method, Operation, OrganizationFacts, Permission, PermissionMode,
    Requirement, Scope,
};

use crate::call::{Answer, Call, Denied, Who};
use crate::naive_target;

type World = [OrganizationFacts];

pub(crate) fn decide<'a>(operations: &'a [Operation], world: &'a World, call: &Call) -> Answer<'a> {
    let all = match choose(operations, call) {
        Ok(all) => all,
        Err((reason, allowed_methods)) => {
            return Answer { denied: Some(Denied::plain(reason)), allowed_methods, ..Answer::default() };
        }
    };
    let refusal = |reports_count| {
        all.iter().find_map(|one| Some((one.id.as_str(), refuse(one, world, call, reports_count).err()?)))
    };
    let organization = world.iter().find(|one| one.id == call.organization).zip(call.chain.first());
    let reports = organization.is_some_and(|(organization, who)| mode(organization, who) == Enforcement::Report);
    let report = refusal(true).filter(|(_, denied)| reports && denied.names_missing());
    let (decided_by, denied) = refusal(false).unzip();
    let (operation, report) = (Some(all[0].id.as_str()), report.map(|(_, denied)| denied));
    Answer { operation, denied, decided_by, allowed_methods: Vec::new(), report }
}

/// The operation that is meant, then those that it crosses; or why there is none, and which methods there would be.
fn choose<'a>(operations: &'a [Operation], call: &Call) -> Result<Vec<&'a Operation>, (&'static str, Vec<Method>)> {
    let target = naive_target::canonical(call.path.as_bytes()).filter(|target| target.authority.is_none());
    let path = target.ok_or(("bad_request_target", vec![]))?.path;
    let matches: Vec<_> = operations.iter().filter(|one| fits(&one.path, &path, '/')).collect();
    let chosen_path = matches.iter().map(|one| literals(&one.path)).max().ok_or(("no_such_operation", vec![]))?;
    let with_method = |path: &[bool], method: &str| {
        let of = |method| matches.iter().find(|one| literals(&one.path) == path && one.method.as_str() == method);
        of(method).or_else(|| of(if method == "HEAD" { "GET" } else { "" })).copied()
    };
    let Some(chosen) = with_method(&chosen_path, &call.method) else {
        let has = |method: &Method| with_method(&chosen_path, method.as_str()).is_some();
        return Err(("method_not_allowed", Method::ALL.into_iter().filter(has).collect()));
    };
    let mut others: Vec<_> = matches.iter().filter_map(|one| with_method(&literals(&one.path), &call.method)).collect();
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

/// How an organization treats scopes in this link: a client that acts for itself may be left unbounded.
fn mode(organization: &OrganizationFacts, who: &Who) -> Enforcement {
    let is_bounded = who.user.is_some() || organization.bounds_client_credentials;
    if is_bounded { organization.enforcement } else { Enforcement::Off }
}

fn refuse<'a>(one: &'a Operation, world: &'a World, call: &Call, reports_count: bool) -> Result<(), Denied<'a>> {
    match one.requirement.kind() {
        "public" => return Ok(()),
        "unstated" => return Err(Denied::plain("unstated_requirement")),
        "other_credential" => return Err(Denied::plain("other_credential")),
        _ if call.chain.is_empty() => return Err(Denied::plain("missing_credentials")),
        _ => {}
    }
    let organization = world.iter().find(|one| one.id == call.organization);
    let organization = organization.ok_or(Denied::plain("unknown_organization"))?;
    let is_enforced = |who| match mode(organization, who) {
        Enforcement::Enforce => true,
        Enforcement::Report => reports_count,
        Enforcement::Off => false,
    };
    call.chain.iter().try_for_each(|who| refuse_one(&one.requirement, world, organization, who, is_enforced(who)))
}

fn refuse_one<'a>(
    needs: &'a Requirement,
    world: &'a World,
    organization: &'a OrganizationFacts,
    who: &Who,
    enforced: bool,
) -> Result<(), Denied<'a>> {
    let mut clients = world.iter().flat_map(|home| home.clients.iter().map(move |client| (home, client)));
    let client = clients.find(|(_, client)| client.id == who.client);
    let (home, client) = client.ok_or(Denied::plain("unknown_client"))?;
    let user = |id: &String| organization.users.iter().find(|one| one.id == *id).ok_or(Denied::plain("unknown_user"));
    let subject = who.user.as_ref().map_or(Ok(client), user)?;
    let authorization = organization.authorizations.iter().find(|one| one.client == who.client);
    let is_active = organization.active && client.active && subject.active;
    is_active.then_some(()).ok_or(Denied::plain("inactive"))?;
    let is_refused = authorization.is_some_and(|one| one.state == State::Denied || one.state == State::Revoked);
    (!is_refused).then_some(()).ok_or(Denied::plain("app_refused"))?;

    let authorization = authorization.filter(|one| one.state == State::Authorized);
    let is_home = who.user.is_some() || home.id == organization.id;
    let mut held_roles = organization.roles.iter().filter(|role| is_home && subject.roles.contains(&role.id));
    let policies: Vec<String> = held_roles.clone().flat_map(|role| &role.policies).map(ToString::to_string).collect();
    let holds = |asked: &str| policies.iter().any(|policy| fits(policy, asked, ':'));
    let granted = |scope: &str| !enforced || authorization.is_some_and(|one| one.scopes.iter().any(|of| of == scope));
    let asked_for = |scope: &str| who.scopes.as_ref().is_none_or(|asked| asked.iter().any(|of| of == scope));
    let may_use = |scope: &Scope| granted(scope.as_str()) && asked_for(scope.as_str());

    let mut denied = Denied::plain("");
    if let Some(list) = needs.permissions() {
        let lacking: Vec<_> = list.of.iter().map(Permission::as_str).filter(|one| !holds(one)).collect();
        if !lacking.is_empty() && (list.mode == PermissionMode::All || lacking.len() == list.of.len()) {
            denied = Denied { permissions: Some((list.mode, lacking)), reason: "missing_permission", ..denied };
        }
    }
    let limit = authorization.map_or(&[][..], |one| &one.roles);
    if enforced && !limit.is_empty() && !held_roles.any(|role| limit.contains(&role.id)) {
        let name = |id: &'a String| organization.roles.iter().find(|one| one.id == *id).map_or(id, |one| &one.name);
        let names = limit.iter().map(|id| name(id).as_str()).collect();
        denied = Denied { roles_any_of: Some(names), reason: "role_not_allowed", ..denied };
    }
    let scopes = needs.scopes_any_of();
    if !scopes.is_empty() && !scopes.iter().any(|all| all.iter().all(may_use)) {
        let names = scopes.iter().map(|all| all.iter().map(Scope::as_str).collect()).collect();
        denied = Denied { scopes_any_of: Some(names), reason: "missing_scope", ..denied };
    }
    if enforced && authorization.is_none() {
        denied.reason = "app_not_authorized";
    }
    if denied.reason.is_empty() { Ok(()) } else { Err(denied) }
}
