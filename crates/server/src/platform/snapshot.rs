//! Everything that calls are decided on, for services that decide by themselves (`/api/v2/organizations/me/snapshot`).

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::wire::organization::OrganizationSnapshot;
use crate::http::error::ApiError;
use crate::platform::Call;

/// `GET /api/v2/organizations/me/snapshot`
pub(super) async fn read(call: Call) -> Result<Response, ApiError> {
    // The door has just read this revision: whoever knows it costs no further look.
    if call.if_none_match().is_some_and(|known| names(known, call.bearer.org_revision)) {
        let headers = [(header::ETAG, etag(call.bearer.org_revision)), (header::CACHE_CONTROL, NO_CACHE.to_owned())];
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let (revision, facts) = call.org().facts().await?;
    let headers = [(header::ETAG, etag(revision)), (header::CACHE_CONTROL, NO_CACHE.to_owned())];
    Ok((headers, Json(OrganizationSnapshot::new(revision, facts))).into_response())
}

/// Ask again each time, and keep nothing between callers.
const NO_CACHE: &str = "private, no-cache";

fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// RFC 9110 §13.1.2: `*`, or a list in which weak and strong tags count alike.
fn names(if_none_match: &str, revision: i64) -> bool {
    let tag = etag(revision);
    if_none_match.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tags_names_the_revision_or_does_not() {
        for known in ["\"41\"", "W/\"41\"", "\"7\", \"41\"", "*", " \"41\" "] {
            assert!(names(known, 41), "{known}");
        }
        for unknown in ["", "41", "\"4\"", "\"141\"", "W/41", "\"41"] {
            assert!(!names(unknown, 41), "{unknown}");
        }
    }
}
