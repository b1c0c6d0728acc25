//! The layer: who asks, what for, and `decide`. A handler runs with a permit or not at all.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign_decision::{Authority, Decision, Denial, Reason, decide};

use super::organization::{Organization, Token};

/// Lets a request through that is allowed, with its permit (public operations have none), and answers every other.
pub(crate) async fn guard(State(ours): State<Arc<Organization>>, mut request: Request, next: Next) -> Response {
    let snapshot = ours.current();
    let token = match (bearer(request.headers()), &snapshot) {
        (None, _) => Token::Missing,
        (Some(token), Some(_)) => ours.token(token).await,
        (Some(_), None) => Token::Unknowable,
    };
    let authority = match (&token, &snapshot) {
        (Token::Missing, _) => Authority::missing_credentials(),
        (Token::Dead, _) => Authority::invalid_credentials(),
        (Token::Mute, _) => Authority::unknown_client(),
        (Token::Live(live), Some(snapshot)) if live.organization == snapshot.organization() => {
            snapshot.authority(&live.caller)
        }
        // Another organization's token, or out of contact for too long: nothing is known, so nothing is allowed.
        (Token::Live(_) | Token::Unknowable, _) => Authority::unknown_organization(),
    };

    // The target as it came, not as a router read it: what is decided and what is served are the same bytes.
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let permit = match decide(ours.contract(), &authority, request.method().as_str(), target.as_bytes()) {
        Decision::Allow(permit) => permit.detach(),
        Decision::Deny(denial) => return refuse(&denial, matches!(token, Token::Unknowable)),
    };

    if let Some(permit) = permit {
        request.extensions_mut().insert(permit);
    }
    next.run(request).await
}

/// The status says what helps: signing in (401), asking somebody for more (403), coming back later (503). The body names
/// every missing half.
fn refuse(denial: &Denial<'_>, is_out_of_contact: bool) -> Response {
    let status = match denial.reason() {
        Reason::BadRequestTarget => StatusCode::BAD_REQUEST,
        Reason::NoSuchOperation => StatusCode::NOT_FOUND,
        Reason::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Reason::MissingCredentials | Reason::InvalidCredentials | Reason::UnknownUser | Reason::Inactive => {
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], Json(denial)).into_response();
        }
        _ if is_out_of_contact => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    };
    (status, Json(denial)).into_response()
}

/// RFC 6750 §2.1: the token in the Authorization header, and nowhere else.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
