//! Calls from pages in browsers: preflights are answered here, an upstream never sees one (Fetch standard, CORS protocol).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::config::Upstream;

/// How long a browser may remember the answer to a preflight.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("600");

/// The origin of the page that calls, if it is one that may.
pub(super) fn allowed_origin<'h>(upstream: &Upstream, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    origin.to_str().is_ok_and(|origin| upstream.cors_origins.contains(origin)).then_some(origin)
}

/// The answer to a preflight; `None` where the request is none.
pub(super) fn preflight(upstream: &Upstream, method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).filter(|_| method == Method::OPTIONS)?;
    headers.get(header::ORIGIN)?;
    let mut response = (
        StatusCode::NO_CONTENT,
        [(header::VARY, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")],
    )
        .into_response();
    if let Some(origin) = allowed_origin(upstream, headers) {
        let answer = response.headers_mut();
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, asked.clone());
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
        if let Some(names) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
    }
    Some(response)
}

/// Lets the page read an answer.
pub(super) fn expose(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("ININ-Correlation-Id, WWW-Authenticate, Retry-After, inin-ratelimit-count, inin-ratelimit-allowed, inin-ratelimit-reset"),
    );
}
