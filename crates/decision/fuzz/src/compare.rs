//! Every call of a world, decided by the engine and by the naive model, answers compared whole.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use countersign_decision::{Snapshot, decide};

use crate::call::{Answer, Call, answer, authority, caller};
use crate::naive_model;
use crate::world::World;

/// How often each outcome was seen. Those in brackets are seen beside another.
pub type Tally = BTreeMap<&'static str, u64>;

/// What has to be seen before a run proves anything.
pub const OUTCOMES: [&str; 20] = [
    "allow",
    "bad_request_target",
    "no_such_operation",
    "method_not_allowed",
    "unstated_requirement",
    "other_credential",
    "missing_credentials",
    "unknown_organization",
    "unknown_client",
    "unknown_user",
    "inactive",
    "app_refused",
    "app_not_authorized",
    "missing_scope",
    "role_not_allowed",
    "missing_permission",
    "(an allow with a report)",
    "(a denial with a report)",
    "(denied by a crossing operation)",
    "(a delegation chain that is allowed)",
];

/// Decides every call of a world twice; the number of calls.
///
/// # Errors
/// The first call with two answers, with all that is needed to see it again.
pub fn compare(world: &World, tally: &mut Tally) -> Result<u64, String> {
    let contract = world.contracts.iter().next().expect("a world has a contract");
    let compile = |facts| Snapshot::compile(world.contracts.catalogue(), facts);
    let snapshots: Vec<_> = world.organizations.iter().map(compile).collect();
    for (organization, chain) in &world.chains {
        let snapshot = snapshots.iter().find(|snapshot| snapshot.organization() == organization);
        let caller = caller(&world.organizations, chain);
        let (method, path) = (String::new(), String::new());
        let mut call = Call { organization: organization.clone(), chain: chain.clone(), method, path };
        for (method, path) in &world.requests {
            call.method.clone_from(method);
            call.path.clone_from(path);
            let authority = authority(snapshot, chain, caller.as_ref());
            let decision = decide(contract, &authority, method, path.as_bytes());
            let expected = naive_model::decide(&world.operations, &world.organizations, &call);
            let answer = answer(&decision);
            if answer != expected || decision.is_allowed() != answer.denied.is_none() {
                return Err(difference(world, &call, &answer, &expected));
            }
            count(tally, &expected, chain.len());
        }
    }
    Ok((world.chains.len() * world.requests.len()) as u64)
}

fn count(tally: &mut Tally, answer: &Answer<'_>, links: usize) {
    let mut seen = |outcome| *tally.entry(outcome).or_default() += 1;
    seen(answer.denied.as_ref().map_or("allow", |denied| denied.reason));
    if answer.report.is_some() {
        seen(if answer.denied.is_some() { "(a denial with a report)" } else { "(an allow with a report)" });
    }
    if answer.decided_by.is_some() && answer.decided_by != answer.operation {
        seen("(denied by a crossing operation)");
    }
    if links > 1 && answer.denied.is_none() {
        seen("(a delegation chain that is allowed)");
    }
}

fn difference(world: &World, call: &Call, engine: &Answer<'_>, model: &Answer<'_>) -> String {
    let call = serde_json::to_string(call).expect("a call is JSON");
    let mut text = format!("call: {call}\nengine: {engine:?}\nmodel:  {model:?}\n");
    // Of a real contract, what the call could mean is enough.
    let depth = |path: &str| path.split('?').next().map(|path| path.split('/').count());
    for one in world.operations.iter() {
        if world.operations.len() <= 50 || depth(&one.path) == depth(&call) {
            writeln!(text, "operation: {} {} {} {:?}", one.id, one.method, one.path, one.requirement).expect("a text");
        }
    }
    for organization in &world.organizations {
        writeln!(text, "{organization:?}").expect("a text");
    }
    text
}
