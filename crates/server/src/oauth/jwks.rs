//! `GET /oauth/jwks`: the keys that our signatures are verified with (RFC 7517 §5).

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use countersign_domain::oauth::signing_key::JWKS_CACHE_SECONDS;

use crate::app::App;
use crate::http::now::RequestContext;

/// Public halves only: those that sign, will sign, or signed something that is still valid.
pub async fn jwks(State(app): State<App>, Extension(context): Extension<RequestContext>) -> Response {
    let cache = format!("public, max-age={JWKS_CACHE_SECONDS}");
    ([(header::CACHE_CONTROL, cache)], Json(app.signing_keys.jwks(context.now))).into_response()
}
