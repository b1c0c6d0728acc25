//! Our own API under `/api/v2`: every call is decided by the contract, then handed to the handler of its operationId.
//!
//! No handler knows a scope or a permission: they stand in `api/platform.openapi.yaml` alone. `HANDLERS` binds
//! operations to functions; a test compares it with the contract in both directions.

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
mod roles;
mod scopes;
mod snapshot;
mod subjects;
mod tokens;
mod user_roles;
mod user_search;
mod users;
pub mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use countersign_decision::Contracts;

use crate::app::App;
use crate::contracts;
use crate::enforce::check::{Ask, Asker, check, identify};
use crate::enforce::presented::Presented;
use crate::http::bearer::{Credentials, credentials};
use crate::http::dpop::{self, Called, DPOP};
use crate::http::error::ApiError;
use crate::http::now::RequestContext;
use call::Incoming;
pub use call::{Call, Page, Parameters};

/// Longest body of a platform API call, in bytes.
pub const MAX_BODY_BYTES: usize = 256 * 1_024;
/// How often a write is decided again because others changed the organization in between.
const MAX_ATTEMPTS: usize = 32;

/// The door: decides the call, then lets the handler of the chosen operation act with the permit.
pub async fn door(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let called = Called { method: &parts.method, uri: &parts.uri, headers: &parts.headers, now: context.now };
    let presented = Presented::read(&app, called, peer.ip());
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let ask = Ask { method: parts.method.as_str(), target: target.as_bytes() };
    let mut door = match Door::open_once(&app, &context, presented).await {
        Ok(door) => door,
        Err(error) => return error.respond(&context),
    };
    let standing = match &door.asker {
        Asker::Live(live) => app.rate_limit.count(live.digest, context.now),
        Asker::Missing | Asker::Invalid => app.rate_limit.uncounted(),
    };
    let answer = if standing.is_exceeded() {
        Err(ApiError::too_many_requests(standing.allowed, standing.reset_seconds))
    } else {
        door.answer(ask, Incoming::new(&parts.headers, body)).await
    };
    let mut response = answer.unwrap_or_else(|error| error.respond(&context));
    standing.write(response.headers_mut());
    if response.status() == StatusCode::UNAUTHORIZED && uses_dpop(&parts.headers) {
        dpop::challenge(&mut response);
    }
    response
}

/// Whether a call comes with a proof, or with the scheme that needs one.
fn uses_dpop(headers: &HeaderMap) -> bool {
    headers.contains_key(DPOP) || matches!(credentials(headers), Credentials::Dpop { .. })
}

/// What one request is decided with.
struct Door<'a> {
    app: &'a App,
    context: &'a RequestContext,
    presented: Presented,
    contracts: Arc<Contracts>,
    asker: Asker,
}

impl<'a> Door<'a> {
    /// Opens the door for a call that has just come: the proof that came with it counts once.
    async fn open_once(app: &'a App, context: &'a RequestContext, presented: Presented) -> Result<Self, ApiError> {
        let mut door = Self::open(app, context, presented).await?;
        if matches!(door.asker, Asker::Live(_)) && !presented.is_first_use(app, context.now).await? {
            door.asker = Asker::Invalid;
        }
        Ok(door)
    }

    async fn open(app: &'a App, context: &'a RequestContext, presented: Presented) -> Result<Self, ApiError> {
        let contracts = app.contracts();
        let asker = identify(app, &contracts, presented, context.now).await?;
        Ok(Self { app, context, presented, contracts, asker })
    }

    /// Decides and acts, on one revision of the organization.
    async fn answer(&mut self, ask: Ask<'_>, mut incoming: Incoming) -> Result<Response, ApiError> {
        for _ in 1..MAX_ATTEMPTS {
            match self.decide_and_act(ask, &mut incoming).await {
                Err(error) if error.is_moved() => {
                    // what the caller may do can be what changed: nothing of the first decision is kept
                    *self = Door::open(self.app, self.context, self.presented).await?;
                }
                answer => return answer,
            }
        }
        self.decide_and_act(ask, &mut incoming).await
    }

    async fn decide_and_act(&self, ask: Ask<'_>, incoming: &mut Incoming) -> Result<Response, ApiError> {
        let contract = contracts::platform(&self.contracts);
        let allowed = match check(self.app, contract, &self.asker, ask) {
            Ok(allowed) => allowed,
            Err(refusal) => {
                let error = ApiError::from_refusal(&refusal, &self.app.origin);
                refused::remember(self, refusal.operation_id.as_deref(), ask, &error).await;
                return Err(error);
            }
        };
        let handler = handlers::find(&allowed.operation_id).ok_or_else(ApiError::internal)?;
        // no operation of ours is public, so every allowed call has a permit; one without goes no further
        let (Some(permit), Asker::Live(live)) = (allowed.permit, &self.asker) else { return Err(ApiError::internal()) };
        let template = contract.operation(&allowed.operation_id).ok_or_else(ApiError::internal)?.path.as_str();
        let parameters = incoming.parameters(template, ask.target)?;
        let body = incoming.read().await?;
        let answer = handler(Call::new(self, live, permit, parameters, body)).await;
        if let Err(error) = &answer {
            refused::remember(self, Some(&allowed.operation_id), ask, error).await;
        }
        answer
    }
}
