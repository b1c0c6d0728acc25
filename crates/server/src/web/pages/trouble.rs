//! When there is nothing to sign: requests that cannot be answered, and our own failures.

use askama::Template;

use super::Frame;

/// An authorization request that must not be answered by a redirect (RFC 6749 §4.1.2.1).
#[derive(Debug, Clone, Template)]
#[template(path = "authorize_error.html")]
pub struct AuthorizeErrorPage {
    /// Around the content.
    pub frame: Frame,
    /// The error code, e.g. `invalid_request`.
    pub code: String,
    /// What is wrong, for the developer of the app: lower case, no final period.
    pub message: String,
    /// What would be right: a sentence.
    pub fix: String,
    /// The parameter that is wrong, where it is one.
    pub parameter: Option<String>,
    /// Finds the request in the server's log.
    pub correlation_id: String,
}

/// Something went wrong that is not the app developer's to fix.
#[derive(Debug, Clone, Template)]
#[template(path = "trouble.html")]
pub struct TroublePage {
    /// Around the content.
    pub frame: Frame,
    /// What.
    pub trouble: Trouble,
    /// Finds the request in the server's log.
    pub correlation_id: String,
}

/// The kinds of trouble that people meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// 404: no page here.
    NotFound,
    /// 405: the address takes no request of this method.
    MethodNotAllowed,
    /// 403: a form came back without the proof that this browser got it from us.
    FormRefused,
    /// 400: the interaction is finished, too old, or was never ours; the person starts again at the app.
    InteractionOver,
    /// 429: too many requests.
    TooManyRequests {
        /// For people, e.g. `30 seconds`.
        wait: String,
    },
    /// 500: our fault.
    Internal,
    /// 503: state cannot be read, so nothing is decided.
    Unavailable,
}
