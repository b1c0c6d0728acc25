//! Refusals of the token endpoint (RFC 6749 §5.2), with `description` beside `error_description` as the real system sends it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_domain::oauth::error::{ErrorCode, TokenError};
use countersign_store::StoreError;
use serde_json::json;

use crate::config::PublicOrigin;
use crate::hashing::Busy;
use crate::http::error::{form_status, no_store};
use crate::http::form::FormError;
use crate::keys::SigningError;
use crate::oauth::attempts::TooManyAttempts;

/// Why the token endpoint does not answer with a token.
#[derive(Debug)]
pub enum TokenRefusal {
    /// RFC 6749 §5.2
    Grant(TokenError),
    /// RFC 6749 §5.2: the client is not who it says.
    Client {
        /// Why.
        error: TokenError,
        /// Whether it used the Authorization header: then the answer names the scheme.
        used_header: bool,
    },
    /// RFC 9126 §2.3: the request that is pushed.
    Request {
        /// What an authorization response would have said.
        code: ErrorCode,
        /// For the developer.
        description: String,
    },
    /// Parameters in the query.
    Query,
    /// The path begins with two slashes.
    DoubledSlash,
    /// The body is not a form.
    Form(FormError),
    /// Too many guesses, or too many secrets to verify at once.
    TooMany {
        /// At least 1.
        wait_seconds: i64,
    },
    /// State cannot be read or written.
    Store(StoreError),
    /// Nothing can be signed.
    Signing(SigningError),
}

impl TokenRefusal {
    /// What stands in `error`.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Grant(error) | Self::Client { error, .. } => error.code(),
            Self::Request { code, .. } => *code,
            Self::Query | Self::DoubledSlash | Self::Form(_) => ErrorCode::InvalidRequest,
            Self::TooMany { .. } | Self::Store(_) => ErrorCode::TemporarilyUnavailable,
            Self::Signing(_) => ErrorCode::ServerError,
        }
    }

    /// The reply (RFC 6749 §5.2), in three fields as the real system sends them.
    pub fn respond(self, origin: &PublicOrigin) -> Response {
        let challenges = matches!(self, Self::Client { used_header: true, .. });
        let mut response = self.respond_plain();
        // RFC 6749 §5.2: 401 MUST name the scheme that the client used.
        if challenges && response.status() == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_str(&format!("Basic realm=\"{origin}\", charset=\"UTF-8\""));
            response.headers_mut().extend(challenge.ok().map(|challenge| (header::WWW_AUTHENTICATE, challenge)));
        }
        response
    }

    /// The same without a challenge.
    pub fn respond_plain(self) -> Response {
        let (bad_request, code) = (StatusCode::BAD_REQUEST, self.code());
        let (status, description) = match &self {
            Self::Client { error, .. } if code == ErrorCode::InvalidClient => {
                (StatusCode::UNAUTHORIZED, error.to_string())
            }
            Self::Grant(error) | Self::Client { error, .. } => (bad_request, error.to_string()),
            Self::Request { description, .. } => (bad_request, description.clone()),
            Self::Query => (bad_request, "parameters stand in the body, not in the query".into()),
            Self::DoubledSlash => (
                bad_request,
                "the path begins with two slashes: remove the final slash from the host that the client is configured with".into(),
            ),
            Self::Form(error) => (form_status(error), error.to_string()),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too many requests; try again later".into()),
            Self::Signing(error) => {
                tracing::error!(error = %error, "an answer could not be signed");
                (StatusCode::INTERNAL_SERVER_ERROR, "something broke on our side".into())
            }
            Self::Store(error) => {
                tracing::error!(error = %error, "the token endpoint could not use the store");
                (StatusCode::SERVICE_UNAVAILABLE, "the service is unavailable; try again".into())
            }
        };
        let body = json!({ "error": code.as_str(), "error_description": description, "description": description });
        let mut response = (status, axum::Json(body)).into_response();
        no_store(&mut response);
        let wait = match self {
            Self::TooMany { wait_seconds } => Some(wait_seconds),
            Self::Store(_) => Some(1),
            _ => None,
        };
        response.headers_mut().extend(wait.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))));
        response
    }
}

impl From<TokenError> for TokenRefusal {
    fn from(error: TokenError) -> Self {
        Self::Grant(error)
    }
}

impl From<FormError> for TokenRefusal {
    fn from(error: FormError) -> Self {
        Self::Form(error)
    }
}

impl From<StoreError> for TokenRefusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<SigningError> for TokenRefusal {
    fn from(error: SigningError) -> Self {
        Self::Signing(error)
    }
}

impl From<TooManyAttempts> for TokenRefusal {
    fn from(error: TooManyAttempts) -> Self {
        Self::TooMany { wait_seconds: error.wait_seconds }
    }
}

impl From<Busy> for TokenRefusal {
    fn from(_: Busy) -> Self {
        Self::TooMany { wait_seconds: 1 }
    }
}
