//! Refusals of the registration endpoints (RFC 7591 §3.2.2, RFC 7592 §2, RFC 6750 §3).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_domain::oauth::dynamic_registration::{MAX_BODY_BYTES, RegistrationError};
use countersign_domain::oauth::error::ErrorCode;
use countersign_store::StoreError;
use serde_json::json;

use crate::config::PublicOrigin;
use crate::hashing::Busy;
use crate::http::error::no_store;

/// Why an app is not registered, shown, changed or deleted.
#[derive(Debug)]
pub enum RegistrationRefusal {
    /// The server does not let apps register themselves (E09).
    Off,
    /// No token, or one that is not good for this: which of them is not said.
    Token {
        /// Whether one was sent.
        was_sent: bool,
    },
    /// RFC 7591 §3.2.2
    Metadata(RegistrationError),
    /// The body is longer than any registration.
    TooLong,
    /// The body is not JSON.
    MediaType,
    /// State cannot be read or written.
    Store(StoreError),
    /// Too many secrets to verify at once.
    Busy,
}

impl RegistrationRefusal {
    /// The reply.
    pub fn respond(self, origin: &PublicOrigin) -> Response {
        let unauthorized = StatusCode::UNAUTHORIZED;
        let (status, code, description) = match &self {
            Self::Off => (unauthorized, ErrorCode::InvalidToken, "apps cannot register themselves here".to_owned()),
            Self::Token { was_sent: false } => {
                (unauthorized, ErrorCode::InvalidToken, "send the token as `Authorization: Bearer …`".to_owned())
            }
            Self::Token { was_sent: true } => (
                unauthorized,
                ErrorCode::InvalidToken,
                "the token is unknown, expired, revoked, used up, or not for this app".to_owned(),
            ),
            Self::Metadata(error) => (StatusCode::BAD_REQUEST, error.code, error.description.clone()),
            Self::TooLong => (
                StatusCode::PAYLOAD_TOO_LARGE,
                ErrorCode::InvalidClientMetadata,
                format!("the body is longer than {MAX_BODY_BYTES} bytes"),
            ),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ErrorCode::InvalidClientMetadata,
                "the body must be `application/json`".to_owned(),
            ),
            Self::Busy => (
                StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::TemporarilyUnavailable,
                "too many requests; try again later".to_owned(),
            ),
            Self::Store(error) => {
                tracing::error!(error = %error, "the registration endpoint could not use the store");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    ErrorCode::TemporarilyUnavailable,
                    "the service is unavailable; try again".to_owned(),
                )
            }
        };
        let body = json!({ "error": code.as_str(), "error_description": description });
        let mut response = (status, axum::Json(body)).into_response();
        no_store(&mut response);
        let headers = response.headers_mut();
        if status == unauthorized {
            // RFC 6750 §3.1: without credentials no error code
            let error = if matches!(self, Self::Token { was_sent: true }) { ", error=\"invalid_token\"" } else { "" };
            let challenge = HeaderValue::from_str(&format!("Bearer realm=\"{origin}\"{error}"));
            headers.extend(challenge.ok().map(|challenge| (header::WWW_AUTHENTICATE, challenge)));
        }
        if matches!(self, Self::Store(_) | Self::Busy) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<RegistrationError> for RegistrationRefusal {
    fn from(error: RegistrationError) -> Self {
        Self::Metadata(error)
    }
}

impl From<StoreError> for RegistrationRefusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Busy> for RegistrationRefusal {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}
