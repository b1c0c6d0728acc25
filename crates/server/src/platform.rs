//! Our own API under `/api/v2`: every call is decided by the contract, then handed to the handler of its operationId.
//!
//! No handler knows a scope or a permission: they stand in `api/platform.openapi.yaml` alone. `HANDLERS` binds
//! operations to functions; a test compares it with the contract in both directions.

mod call;
pub mod handlers;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use countersign_decision::Contract;

use crate::app::App;
use crate::contracts;
use crate::enforce::check::{Ask, Asker, check, identify};
use crate::http::bearer;
use crate::http::error::ApiError;
use crate::http::now::RequestContext;
pub use call::{Call, Page, Parameters};

/// Longest body of a platform API call, in bytes.
pub const MAX_BODY_BYTES: usize = 256 * 1_024;

/// The door: decides the call, then lets the handler of the chosen operation act with the permit.
pub async fn door(State(app): State<App>, Extension(context): Extension<RequestContext>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let contracts = app.contracts();
    let asker = match identify(&app, &contracts, bearer::credentials(&parts.headers), context.now).await {
        Ok(asker) => asker,
        Err(error) => return ApiError::from(error).respond(&context),
    };
    let standing = match &asker {
        Asker::Live(live) => app.rate_limit.count(live.digest, context.now),
        Asker::Missing | Asker::Invalid => app.rate_limit.uncounted(),
    };
    let mut response = if standing.is_exceeded() {
        ApiError::too_many_requests(standing.allowed, standing.reset_seconds).respond(&context)
    } else {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let ask = Ask { method: parts.method.as_str(), target: target.as_bytes() };
        match decided(
            Door { app: &app, contract: contracts::platform(&contracts), context: &context, asker: &asker },
            ask,
            &parts.headers,
            body,
        )
        .await
        {
            Ok(response) => response,
            Err(error) => error.respond(&context),
        }
    };
    standing.write(response.headers_mut());
    response
}

/// What one request is decided with.
struct Door<'a> {
    app: &'a App,
    contract: &'a Contract,
    context: &'a RequestContext,
    asker: &'a Asker,
}

async fn decided(door: Door<'_>, ask: Ask<'_>, headers: &HeaderMap, body: Body) -> Result<Response, ApiError> {
    let Door { app, contract, context, asker } = door;
    let allowed = check(app, contract, asker, ask).map_err(|refusal| ApiError::from_refusal(&refusal, &app.origin))?;
    let handler = handlers::find(&allowed.operation_id).ok_or_else(ApiError::internal)?;
    // no operation of ours is public, so every allowed call has a permit; one without goes no further
    let (Some(permit), Asker::Live(live)) = (allowed.permit, asker) else { return Err(ApiError::internal()) };
    let template = contract.operation(&allowed.operation_id).ok_or_else(ApiError::internal)?.path.as_str();
    let parameters = Parameters::read(template, ask.target)?;
    let call = Call::read((app, context, live), permit, parameters, (headers, body)).await?;
    handler(call).await
}
