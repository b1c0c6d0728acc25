//! Refusals of UserInfo (OpenID Connect Core §5.3.3, RFC 6750 §3).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_store::StoreError;
use serde_json::json;

use crate::config::PublicOrigin;
use crate::http::error::no_store;

/// Why nothing is told.
#[derive(Debug)]
pub enum UserInfoRefusal {
    /// No token in the Authorization header.
    Missing,
    /// A token where it does not belong: it would stand in logs.
    Misplaced,
    /// A token that is not live, or acts for nobody.
    Invalid,
    /// A live token without `openid`.
    WithoutOpenId,
    /// State cannot be read.
    Store(StoreError),
}

impl UserInfoRefusal {
    /// The reply.
    pub fn respond(self, origin: &PublicOrigin) -> Response {
        let (status, code, description) = match &self {
            // RFC 6750 §3.1: no error code where no credentials were sent
            Self::Missing => (StatusCode::UNAUTHORIZED, None, "send an access token in the Authorization header"),
            Self::Misplaced => (
                StatusCode::BAD_REQUEST,
                Some("invalid_request"),
                "the access token must stand in the Authorization header, and nowhere else",
            ),
            Self::Invalid => {
                (StatusCode::UNAUTHORIZED, Some("invalid_token"), "the access token is unknown, expired or revoked")
            }
            Self::WithoutOpenId => (
                StatusCode::FORBIDDEN,
                Some("insufficient_scope"),
                "the access token was not asked for with the scope `openid`",
            ),
            Self::Store(error) => {
                tracing::error!(error = %error, "userinfo could not use the store");
                let description = "the service is unavailable; try again";
                (StatusCode::SERVICE_UNAVAILABLE, Some("temporarily_unavailable"), description)
            }
        };
        let code_of_challenge = code.filter(|_| !matches!(self, Self::Store(_)));
        let error = code_of_challenge.map(|code| format!(", error=\"{code}\"")).unwrap_or_default();
        let scope = if matches!(self, Self::WithoutOpenId) { ", scope=\"openid\"" } else { "" };
        let challenge = HeaderValue::from_str(&format!("Bearer realm=\"{origin}\"{error}{scope}"));
        let body = match code {
            Some(code) => json!({ "error": code, "error_description": description }),
            None => json!({ "error_description": description }),
        };
        let mut response = (status, axum::Json(body)).into_response();
        no_store(&mut response);
        response.headers_mut().extend(challenge.ok().map(|challenge| (header::WWW_AUTHENTICATE, challenge)));
        response
    }
}

impl From<StoreError> for UserInfoRefusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
