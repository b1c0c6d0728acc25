//! Searches (§8): whatever a search finds, an evaluation permits, and the other way round.

use std::collections::BTreeSet;

use axum::response::Response;
use countersign_decision::Method;
use countersign_decision::surface::surface;
use countersign_domain::authzen::{Question, Search, Sought};
use serde_json::{Value, json};

use super::super::call::ok;
use super::asked::{Asked, CALL, named};
use super::parties::{CLIENT, Parties, USER};
use super::{body, misfit};
use crate::http::error::ApiError;
use crate::platform::Call;

/// `POST /access/v1/search/subject`: who is switched on and may do it.
pub(in crate::platform) async fn subject(call: Call) -> Result<Response, ApiError> {
    let search = Search::read(&body(&call)?, Sought::Subject).map_err(misfit)?;
    let question = &search.question;
    let asked = Asked::read(&call, &question.resource).map_err(misfit)?;
    let is_allowed = |parties: &Parties, id: &str| {
        let mut question = question.clone();
        id.clone_into(&mut question.subject.id);
        parties.with_authority(&call, &question, |authority| asked.decide(authority, &question.action).is_permitted)
    };
    let found = match question.subject.kind.as_str() {
        USER => {
            let parties = Parties::look_up(&call, [question]).await?;
            call.snapshot().active_users_alike(|id| is_allowed(&parties, id))
        }
        CLIENT => {
            let known: BTreeSet<String> = call.snapshot().clients().collect();
            let parties = Parties::clients(&call, &known).await?;
            known.into_iter().filter(|id| is_allowed(&parties, id)).collect()
        }
        _ => Vec::new(),
    };
    page(&call, &search, found, |id| json!({ "type": question.subject.kind, "id": id }))
}

/// `POST /access/v1/search/resource`: the operations of a contract, or those of its paths that have no parameters.
pub(in crate::platform) async fn resource(call: Call) -> Result<Response, ApiError> {
    let search = Search::read(&body(&call)?, Sought::Resource).map_err(misfit)?;
    let question = &search.question;
    let parties = Parties::look_up(&call, [question]).await?;
    let found = match question.resource.kind.as_str() {
        "operation" if question.action == CALL => operations(&call, &parties, question)?,
        "route" => routes(&call, &parties, question)?,
        _ => BTreeSet::new(),
    };
    let found = found.into_iter().collect();
    page(&call, &search, found, |id| json!({ "type": question.resource.kind, "id": id }))
}

fn operations(call: &Call, parties: &Parties, question: &Question) -> Result<BTreeSet<String>, ApiError> {
    let Some(contract) = named(call, &question.resource).map_err(misfit)? else { return Ok(BTreeSet::new()) };
    Ok(parties.with_authority(call, question, |authority| {
        surface(contract, authority).into_iter().map(|operation| operation.id.clone()).collect()
    }))
}

fn routes(call: &Call, parties: &Parties, question: &Question) -> Result<BTreeSet<String>, ApiError> {
    let Some(contract) = named(call, &question.resource).map_err(misfit)? else { return Ok(BTreeSet::new()) };
    let paths = contract.operations().iter().map(|operation| &operation.path).filter(|path| !path.contains('{'));
    let paths: BTreeSet<String> = paths.cloned().collect();
    Ok(parties.with_authority(call, question, |authority| {
        let is_allowed =
            |path: &String| Asked::Route(contract, path.clone()).decide(authority, &question.action).is_permitted;
        paths.into_iter().filter(is_allowed).collect()
    }))
}

/// `POST /access/v1/search/action`: the methods of a route, or `call`.
pub(in crate::platform) async fn action(call: Call) -> Result<Response, ApiError> {
    let search = Search::read(&body(&call)?, Sought::Action).map_err(misfit)?;
    let question = &search.question;
    let parties = Parties::look_up(&call, [question]).await?;
    let asked = Asked::read(&call, &question.resource).map_err(misfit)?;
    let mut actions: Vec<&str> = Method::ALL.into_iter().map(Method::as_str).collect();
    actions.push(CALL);
    actions.sort_unstable();
    let found = parties.with_authority(&call, question, |authority| {
        let is_allowed = |action: &&str| asked.decide(authority, action).is_permitted;
        actions.into_iter().filter(is_allowed).map(str::to_owned).collect()
    });
    page(&call, &search, found, |name| json!({ "name": name }))
}

/// One page of sorted results (§8.1.3). The total is left out: nobody needs it to read on.
fn page(
    call: &Call,
    search: &Search,
    sorted: Vec<String>,
    shown: impl Fn(&str) -> Value,
) -> Result<Response, ApiError> {
    let (results, next_token) = search.page.cut(call.snapshot().organization(), sorted).map_err(misfit)?;
    let results: Vec<Value> = results.iter().map(|id| shown(id)).collect();
    ok(json!({ "page": { "next_token": next_token, "count": results.len() }, "results": results }))
}
