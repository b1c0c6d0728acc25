//! The one table from causes to failure statuses and bodies.
//!
//! Platform bodies are Genesys Cloud's `ErrorBody` plus our `missing` and `help`; challenges follow RFC 6750 §3.

mod denied;
mod page;
mod registration;
mod token;
mod userinfo;

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_store::StoreError;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::enforce::rate::{Counted, RateStanding};
use crate::enforce::upstreams::Unplaced;
use crate::http::form::FormError;
use crate::http::now::{CORRELATION_HEADER, RequestContext};
use crate::listener::{Malformed, Unread};
use crate::web::pages::Trouble;
pub use denied::refusal_status;
pub use page::Reader;
pub use registration::RegistrationRefusal;
pub use token::TokenRefusal;
pub use userinfo::UserInfoRefusal;

/// A refused platform API call, before it is given its correlation id.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    template: &'static str,
    params: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    missing: Option<Value>,
    help: Option<Value>,
    details: Vec<FieldDetail>,
    is_moved: bool,
}

/// The real system refuses roles that the caller does not have with this code and 400.
const BAD_CLIENT_ROLE: &str = "bad.client.role";

/// RFC 6585 §5
const FIELDS_TOO_LARGE: &str = "request.header.fields.too.large";

/// Which field of a request is wrong.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldDetail {
    error_code: &'static str,
    field_name: String,
}

impl ApiError {
    /// `template` may name its parameters as `{name}`.
    fn new(status: StatusCode, code: &'static str, template: &'static str) -> Self {
        let (params, headers, details) = (vec![], vec![], vec![]);
        Self(Box::new(Parts {
            status,
            code,
            template,
            params,
            headers,
            missing: None,
            help: None,
            details,
            is_moved: false,
        }))
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.params.push((name, value.into()));
        self
    }

    fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        // header text is built from scopes, methods and our own origin: visible ASCII
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.push((name, value));
        }
        self
    }

    /// 400 `bad.request`: the request cannot be understood; `why` says what is wrong and what would be right.
    pub fn bad_request(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad.request", "{reason}").with("reason", why)
    }

    /// 400 with one of the contract's own codes, e.g. `bad.client.role`.
    pub fn invalid(code: &'static str, why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, "{reason}").with("reason", why)
    }

    /// 400 `constraint.validation`: `field` of the body or query is wrong.
    pub fn invalid_field(field: &str, why: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "constraint.validation", "{field}: {reason}")
            .with("field", field)
            .with("reason", why);
        error.0.details.push(FieldDetail { error_code: "constraint.validation", field_name: field.to_owned() });
        error
    }

    /// 400 `constraint.validation`: every wrong field with its reason, told at once.
    pub fn invalid_fields(fields: &[(String, String)]) -> Self {
        let reasons: Vec<String> = fields.iter().map(|(field, why)| format!("{field}: {why}")).collect();
        let mut error = Self::new(StatusCode::BAD_REQUEST, "constraint.validation", "{reasons}")
            .with("reasons", reasons.join("; "));
        let detail = |(field, _): &(String, String)| FieldDetail {
            error_code: "constraint.validation",
            field_name: field.clone(),
        };
        error.0.details.extend(fields.iter().map(detail));
        error
    }

    /// 400 `invalid.query.param.value`.
    pub fn invalid_query(parameter: &'static str, given: &str, allowed: &[&str]) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid.query.param.value",
            "Value [{value}] is not valid for parameter [{parameter}]. Allowable values are: {allowed}",
        )
        .with("value", given)
        .with("parameter", parameter)
        .with("allowed", allowed.join(", "))
    }

    /// 404 with the code that the real system has for this kind of object.
    pub fn not_found_as(code: &'static str, what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, "The requested {what} was not found.").with("what", what)
    }

    /// 404 `not.found`, also for objects of other organizations: `what` names the kind, e.g. `user`.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not.found", "The requested {what} was not found.").with("what", what)
    }

    /// 400 `bad.client.role`: an unknown role, or one that gives what the caller does not hold.
    pub fn bad_client_role(why: impl Into<String>) -> Self {
        Self::invalid(BAD_CLIENT_ROLE, why)
    }

    /// 409 `general.conflict`.
    pub fn conflict(why: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "general.conflict", "{reason}").with("reason", why)
    }

    /// 409 with one of the contract's own codes, e.g. `role.in.use`.
    pub fn conflict_as(code: &'static str, why: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "{reason}").with("reason", why)
    }

    /// 403: the caller holds the permissions, but not in the division of the object.
    pub fn missing_division_permission(code: &'static str, permissions: &[&str]) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            code,
            "Unable to perform the requested action. You are missing the following permission '{permissions}' in the provided division(s).",
        )
        .with("permissions", permissions.join(", "))
    }

    /// 413 `request.entity.too.large`.
    pub fn too_large(max_bytes: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request.entity.too.large",
            "The request is over the size limit. Maximum bytes: {limit}",
        )
        .with("limit", max_bytes.to_string())
    }

    /// 415 `unsupported.media.type`.
    pub fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported.media.type",
            "Unsupported Media Type - Unsupported or incorrect media type, such as an incorrect Content-Type value in the header.",
        )
    }

    /// 400 `not.a.user`: a client-credentials token where a person is needed.
    pub fn not_a_user() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "not.a.user",
            "This request requires a user context. Client credentials cannot be used for requests to this resource.",
        )
    }

    /// 403 `not.authorized`: the caller would give away more than it holds (invariants 14, 15).
    pub fn not_authorized(why: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not.authorized", "{reason}").with("reason", why)
    }

    /// 403 `not.authorized`: the caller would give permissions away that it does not hold (invariants 14, 15).
    pub fn gives_too_much(permissions: &[String]) -> Self {
        let mut error = Self::new(
            StatusCode::FORBIDDEN,
            "not.authorized",
            "Nobody can give away more than they hold. You do not hold: [{permissions}]",
        )
        .with("permissions", permissions.join(", "));
        error.0.missing = Some(json!({ "permissions": { "mode": "ALL", "of": permissions } }));
        error
    }

    /// Whether somebody tried what they may not do (invariant 43).
    pub fn is_forbidden(&self) -> bool {
        self.0.status == StatusCode::FORBIDDEN || self.0.code == BAD_CLIENT_ROLE
    }

    /// Code and message in one line, for audit records.
    pub fn summary(&self) -> String {
        format!("{}: {}", self.0.code, self.message())
    }

    /// 429 `too.many.requests`, with the seconds to wait.
    pub fn too_many_requests(standing: RateStanding) -> Self {
        let counted = match standing.counted {
            Counted::Token => "access token",
            Counted::Client => "app in this organization",
            Counted::Organization => "organization",
        };
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too.many.requests",
            "Rate limit exceeded the maximum [{allowed}] requests within [60] seconds of one {counted}",
        )
        .with("allowed", standing.allowed.to_string())
        .with("counted", counted)
        .with_header(header::RETRY_AFTER, &standing.reset_seconds.to_string())
    }

    /// 503 `service.unavailable`: state cannot be read, so nothing is allowed.
    pub fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service.unavailable", "the service is unavailable; try again")
            .with_header(header::RETRY_AFTER, "1")
    }

    /// 503: more is asked of this server than it works on at a time.
    pub fn overloaded() -> Self {
        let message = "more is asked of this server than it works on at a time; try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service.unavailable", message).with_header(header::RETRY_AFTER, "1")
    }

    /// 503: the API behind this door has as many calls as it may have at a time.
    pub fn upstream_busy() -> Self {
        let message = "the API behind this address has as many calls as it may have at a time; try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service.unavailable", message).with_header(header::RETRY_AFTER, "1")
    }

    /// 426: another version of the WebSocket protocol (RFC 6455 §4.2.2).
    pub fn websocket_version() -> Self {
        Self::new(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade.required",
            "a WebSocket is asked for with `Sec-WebSocket-Version: 13`",
        )
        .with_header(header::SEC_WEBSOCKET_VERSION, "13")
    }

    /// 431 (RFC 6585 §5).
    pub fn too_many_fields(most: usize, longest: usize) -> Self {
        Self::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            FIELDS_TOO_LARGE,
            "a request has at most {most} header fields, none of more than {longest} bytes",
        )
        .with("most", most.to_string())
        .with("longest", longest.to_string())
    }

    /// What is told to the sender of a request that was not read.
    pub(crate) fn unread(why: &Unread) -> Self {
        match why {
            Unread::Slow => Self::request_timeout(),
            Unread::Malformed(rule) => {
                let (status, code) = match rule {
                    Malformed::TargetTooLong => (StatusCode::URI_TOO_LONG, "request.target.too.long"),
                    Malformed::HeadTooLong | Malformed::TooManyFields => {
                        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, FIELDS_TOO_LARGE)
                    }
                    _ => (StatusCode::BAD_REQUEST, "bad.request"),
                };
                Self::new(status, code, "{reason}").with("reason", rule.to_string())
            }
        }
    }

    /// Answers a request that was not read: nobody knows what its sender would rather have.
    pub(crate) fn respond_unread(self, app: &App) -> Response {
        let context = RequestContext::new(app);
        let mut response = self.respond(&context, Reader::program(&app.origin));
        if let Ok(name) = HeaderValue::from_str(&context.context_id) {
            response.headers_mut().insert(CORRELATION_HEADER, name);
        }
        response
    }

    /// 417: an expectation that nobody here can meet (RFC 9110 §10.1.1).
    pub fn expectation_failed() -> Self {
        Self::new(
            StatusCode::EXPECTATION_FAILED,
            "expectation.failed",
            "the only expectation that can be met is 100-continue",
        )
    }

    /// 408: the client did not send its request in time.
    pub fn request_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request.timeout", "the request was not sent in time")
    }

    /// 502: the API behind this door does not answer.
    pub fn bad_gateway() -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "bad.gateway", "the API behind this address does not answer; try again")
            .with_header(header::RETRY_AFTER, "1")
    }

    /// 503: no address of the API behind this door answers; one of them is tried again after `rest`.
    pub fn no_healthy_upstream(rest: Duration) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "service.unavailable",
            "the API behind this address has not answered for a while, and is left alone; try again in {seconds} s",
        )
        .with("seconds", rest.as_secs().to_string())
        .with_header(header::RETRY_AFTER, &rest.as_secs().to_string())
    }

    /// 504: the API behind this door did not answer in time.
    pub fn gateway_timeout() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "gateway.timeout", "the API behind this address did not answer in time")
    }

    /// 503: others changed the organization while the call was judged. The door judges it again before it says so.
    pub fn moved() -> Self {
        let mut error = Self::unavailable();
        error.0.is_moved = true;
        error
    }

    /// Whether the call is to be judged again.
    pub fn is_moved(&self) -> bool {
        self.0.is_moved
    }

    /// 500 `internal.server.error`: the log has the cause under the correlation id.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal.server.error", "the request could not be completed")
    }

    fn json(&self, context: &RequestContext) -> Response {
        let mut body = Map::new();
        body.insert("message".into(), self.message().into());
        body.insert("code".into(), self.0.code.into());
        body.insert("status".into(), self.0.status.as_u16().into());
        body.insert("contextId".into(), (&*context.context_id).into());
        body.insert("messageWithParams".into(), self.0.template.into());
        let params: Map<String, Value> =
            self.0.params.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        body.insert("messageParams".into(), params.into());
        body.insert("details".into(), json!(self.0.details));
        body.insert("errors".into(), json!([]));
        body.extend(self.0.missing.clone().map(|missing| ("missing".to_owned(), missing)));
        body.extend(self.0.help.clone().map(|help| ("help".to_owned(), help)));
        (self.0.status, axum::Json(body)).into_response()
    }

    fn message(&self) -> String {
        self.0
            .params
            .iter()
            .fold(self.0.template.to_owned(), |message, (name, value)| message.replace(&format!("{{{name}}}"), value))
    }
}

impl From<Unplaced> for ApiError {
    fn from(unplaced: Unplaced) -> Self {
        match unplaced {
            Unplaced::Target(_) | Unplaced::Host | Unplaced::Authority => Self::bad_request(unplaced.to_string()),
            Unplaced::NoUpstream => Self::not_found("resource"),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { what } => Self::conflict(what),
            StoreError::Moved => Self::moved(),
            StoreError::NotFound { what } => Self::not_found(what),
            StoreError::Invalid { what } => Self::bad_request(what),
            StoreError::Unavailable(_) => {
                tracing::error!(error = %error, "the store is unavailable");
                Self::unavailable()
            }
            _ => {
                tracing::error!(error = %error, "the store failed");
                Self::internal()
            }
        }
    }
}

/// The status of a form or query that cannot be read.
pub const fn form_status(error: &FormError) -> StatusCode {
    match error {
        FormError::MediaType | FormError::Coded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        FormError::AddressTooLong => StatusCode::URI_TOO_LONG,
        FormError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        FormError::TooMany | FormError::Encoding | FormError::Doubled(_) => StatusCode::BAD_REQUEST,
    }
}

/// The status of a page that tells about trouble.
pub const fn trouble_status(trouble: &Trouble) -> StatusCode {
    match trouble {
        Trouble::NotFound => StatusCode::NOT_FOUND,
        Trouble::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Trouble::FormRefused => StatusCode::FORBIDDEN,
        Trouble::InteractionOver => StatusCode::BAD_REQUEST,
        Trouble::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
        Trouble::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Trouble::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The status of the page that says that the organization refused an app.
pub const fn refused_app_status() -> StatusCode {
    StatusCode::FORBIDDEN
}

/// RFC 6749 §5.1: neither tokens nor their refusals are cached.
pub fn no_store(response: &mut Response) {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}
