//! Our own API under `/api/v2`, and questions about decisions under `/access/v1`: every call is decided by the contract, then handed to the handler of its operationId.
//!
//! No handler knows a scope or a permission: they stand in `api/platform.openapi.yaml` alone. `HANDLERS` binds
//! operations to functions; a test compares it with the contract in both directions.

mod access;
mod approval_requests;
mod authorizations;
mod call;
mod client_request;
mod clients;
mod divisions;
mod fields;
mod grantor;
pub mod handlers;
mod last_holder;
mod organization;
mod passwords;
mod people;
mod permissions;
mod refused;
mod registration_tokens;
mod roles;
mod scopes;
mod snapshot;
mod subjects;
mod tokens;
pub mod usage;
mod user_roles;
mod user_search;
mod users;
pub mod wire;

use std::net::SocketAddr;

use axum::Extension;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;

use crate::app::App;
use crate::contracts;
use crate::enforce::check::{Ask, Asker};
use crate::enforce::log::Door;
use crate::enforce::presented::Presented;
use crate::enforce::rate::RateStanding;
use crate::enforce::visit::Visit;
use crate::http::dpop::Called;
use crate::http::error::{ApiError, Reader};
use crate::http::now::RequestContext;
use crate::telemetry::doors::Watch;
use call::Incoming;
pub use call::{Call, Page, Parameters};

/// Longest body of a platform API call, in bytes.
pub const MAX_BODY_BYTES: usize = 256 * 1_024;
/// How often a write is decided again because others changed the organization in between.
const MAX_ATTEMPTS: usize = 32;

/// The door: decides the call, then lets the handler of the chosen operation act with the permit.
pub async fn door(
    State(app): State<App>,
    Extension(mut context): Extension<RequestContext>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let watch = Watch::begin(&app, Door::Platform, &mut context, request.headers());
    let response = receive(&app, &context, peer, request).await;
    watch.end(response.status());
    response
}

async fn receive(app: &App, context: &RequestContext, peer: SocketAddr, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let reader = Reader::of(&parts.headers, &app.origin);
    let called = Called::here(app, &parts, context.now);
    let presented = Presented::read(app, called, peer.ip());
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let ask = Ask { method: parts.method.as_str(), target: target.as_bytes() };
    let doors = app.doors();
    let visit = Visit::receive(app, &doors, context, presented, (Door::Platform, app.origin.as_str())).await;
    let mut visit = match visit {
        Ok(visit) => visit,
        Err(error) => {
            let mut response = error.respond(context, reader);
            RateStanding::write_where_absent(&doors.limits, response.headers_mut());
            return response;
        }
    };
    let answer = match visit.check_rate() {
        Ok(()) => answer(&mut visit, ask, Incoming::new(&parts.headers, body)).await,
        Err(error) => Err(error),
    };
    let mut response = answer.unwrap_or_else(|error| error.respond(context, reader));
    visit.finish(&parts.headers, &mut response);
    response
}

/// Decides and acts, on one revision of the organization.
async fn answer(visit: &mut Visit<'_>, ask: Ask<'_>, mut incoming: Incoming) -> Result<Response, ApiError> {
    for _ in 1..MAX_ATTEMPTS {
        match decide_and_act(visit, ask, &mut incoming).await {
            // nothing of the first decision is kept
            Err(error) if error.is_moved() => visit.look_again().await?,
            answer => return answer,
        }
    }
    decide_and_act(visit, ask, &mut incoming).await
}

async fn decide_and_act(visit: &Visit<'_>, ask: Ask<'_>, incoming: &mut Incoming) -> Result<Response, ApiError> {
    let contract = contracts::platform(&visit.contracts);
    let allowed = match visit.decide(contract, ask) {
        Ok(allowed) => allowed,
        Err(refusal) => {
            let error = ApiError::from_refusal(&refusal, &visit.app.origin);
            refused::remember(visit, refusal.operation_id.as_deref(), ask, &error).await;
            return Err(error);
        }
    };
    let handler = handlers::find(&allowed.operation_id).ok_or_else(ApiError::internal)?;
    // no operation of ours is public, so every allowed call has a permit; one without goes no further
    let (Some(permit), Asker::Live(live)) = (allowed.permit, &visit.asker) else { return Err(ApiError::internal()) };
    let template = contract.operation(&allowed.operation_id).ok_or_else(ApiError::internal)?.path.as_str();
    let parameters = incoming.parameters(template, ask.target)?;
    let body = incoming.read().await?;
    let answer = handler(Call::new(visit, live, permit, parameters, body)).await;
    if let Err(error) = &answer {
        refused::remember(visit, Some(&allowed.operation_id), ask, error).await;
    }
    answer
}
