//! What people see when something does not work: each cause becomes its page. Statuses stand in `http/error.rs`.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use countersign_domain::oauth::authorization_response::RedirectedError;
use countersign_domain::oauth::authorize::UnredirectableError;
use countersign_domain::oauth::error::TokenError;
use countersign_domain::oauth::redirect_uri::UnverifiedRedirectUri;
use countersign_store::StoreError;

use crate::hashing::Busy;
use crate::http::error::{form_status, trouble_status};
use crate::http::form::FormError;
use crate::web::form_post;
use crate::web::html::{self, FormTarget};
use crate::web::pages::{AuthorizeErrorPage, Trouble, TroublePage};
use crate::web::visit::Visit;

/// Why a page cannot be shown or a form not be taken.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// No page of ours in this browser sent the form.
    #[error("the form was refused")]
    FormRefused,
    /// The interaction was answered before, is too old, or never was.
    #[error("the interaction is over")]
    InteractionOver,
    /// Too many tries, or too many people at once.
    #[error("too many requests")]
    TooManyRequests {
        /// At least 1.
        wait_seconds: i64,
    },
    /// The app sent a request that must not be answered by a redirect (A35).
    #[error("the authorization request is refused: {0}")]
    Unredirectable(#[from] UnredirectableError),
    /// The refusal goes back to the app.
    #[error("the authorization request is refused: {}", .0.description)]
    Redirect(Box<RedirectedError>),
    /// The refusal would go back to an app that nobody here has vouched for, from somebody who is not signed in (A36).
    #[error("the authorization request is refused, and not sent back: {}", .0.description)]
    OfStranger(Box<RedirectedError>),
    /// A link of ours names a scope that cannot be asked for.
    #[error("the link is refused: {0}")]
    Link(#[from] TokenError),
    /// A query or form that cannot be read.
    #[error("the form cannot be read: {0}")]
    Form(#[from] FormError),
    /// State cannot be read or written.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// Our fault.
    #[error("{0}")]
    Internal(&'static str),
}

impl From<Busy> for PageError {
    fn from(_: Busy) -> Self {
        Self::TooManyRequests { wait_seconds: 1 }
    }
}

impl PageError {
    /// The page.
    pub fn respond(self, visit: &Visit) -> Response {
        self.log();
        match &self {
            Self::Unredirectable(error) => {
                developer_page(visit, error.code().as_str(), &error.to_string(), explain(*error))
            }
            Self::OfStranger(refusal) => {
                developer_page(visit, refusal.code.as_str(), &refusal.description, ("", CORRECT))
            }
            Self::Link(error) => developer_page(visit, error.code().as_str(), &error.to_string(), ("scope", OPEN_LINK)),
            Self::Form(error) => {
                let mut response = developer_page(visit, "invalid_request", &error.to_string(), ("", READABLE));
                *response.status_mut() = form_status(error);
                response
            }
            Self::Redirect(refusal) => form_post::send(visit, refusal.response(visit.app.origin.as_str())),
            _ => trouble_page(visit, self.trouble()),
        }
    }

    /// 500 without a page: where not even a page can be made.
    pub fn plain_internal(cause: &'static str) -> Response {
        tracing::error!(error = cause, "a page could not be shown");
        (trouble_status(&Trouble::Internal), "something broke on our side\n").into_response()
    }

    fn trouble(&self) -> Trouble {
        match self {
            Self::FormRefused => Trouble::FormRefused,
            Self::InteractionOver => Trouble::InteractionOver,
            Self::TooManyRequests { wait_seconds } => Trouble::TooManyRequests { wait: in_words(*wait_seconds) },
            Self::Store(StoreError::Unavailable(_)) => Trouble::Unavailable,
            _ => Trouble::Internal,
        }
    }

    fn log(&self) {
        match self {
            Self::Store(_) | Self::Internal(_) => tracing::error!(error = %self, "a page could not be shown"),
            // A01: what was refused before anybody could be told leaves a line
            _ => tracing::warn!(error = %self, "a page was refused"),
        }
    }
}

/// A page for one kind of trouble.
pub fn trouble_page(visit: &Visit, trouble: Trouble) -> Response {
    let status = trouble_status(&trouble);
    let wait = matches!(trouble, Trouble::TooManyRequests { .. } | Trouble::Unavailable);
    let page = TroublePage { frame: visit.frame(), trouble, correlation_id: visit.context.context_id.to_string() };
    let mut response = html::page(status, &page, &FormTarget::here());
    if wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// 404, for an address that is neither API, endpoint nor page.
pub async fn not_found(visit: Visit) -> Response {
    page_or_line(&visit, Trouble::NotFound, "nothing here\n")
}

/// 405, for an address that takes other methods; the router names them in `Allow`.
pub async fn wrong_method(visit: Visit) -> Response {
    page_or_line(&visit, Trouble::MethodNotAllowed, "this address takes other methods\n")
}

/// 503, where more is asked for than can be worked on at a time.
pub fn overloaded(visit: &Visit) -> Response {
    let mut response = page_or_line(visit, Trouble::Unavailable, "too much is asked at this moment; try again\n");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn page_or_line(visit: &Visit, trouble: Trouble, line: &'static str) -> Response {
    if visit.accepts_pages() { trouble_page(visit, trouble) } else { (trouble_status(&trouble), line).into_response() }
}

/// A waiting time for people: `4 minutes`.
pub fn in_words(seconds: i64) -> String {
    let (count, unit) = if seconds < 60 { (seconds.max(1), "second") } else { ((seconds + 59) / 60, "minute") };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

const OPEN_LINK: &str = "Open the address that an API answer gave under `help`, unchanged.";
const CORRECT: &str =
    "Correct the request. An app that is known by a document hears of mistakes only once somebody is signed in.";
const READABLE: &str = "Send parameters once each, in UTF-8, percent-encoded, 100 at most.";

/// The parameter that is wrong and what would be right.
fn explain(error: UnredirectableError) -> (&'static str, &'static str) {
    match error {
        UnredirectableError::Doubled(name) => (name, "Send the parameter once."),
        UnredirectableError::Client => ("client_id", "Send the id under which the app is registered here."),
        UnredirectableError::Document => (
            "client_id",
            "Serve the app's metadata there by https as `application/json` with status 200, in at most 5 KiB, with the address as `client_id`; or register the app.",
        ),
        UnredirectableError::RequestUri => {
            ("request_uri", "Push the request to the PAR endpoint, and open its `request_uri` within a minute, once.")
        }
        UnredirectableError::NotPushed => {
            ("request_uri", "Push the request to the PAR endpoint, and open the `request_uri` that it answers with.")
        }
        UnredirectableError::NotSigned => ("request", "Sign the request with one of the app's registered keys."),
        UnredirectableError::RequestObject(_) => {
            ("request", "Sign a fresh request for this issuer with one of the app's registered keys.")
        }
        UnredirectableError::RedirectUriMissing => ("redirect_uri", "Send the redirect URI that is registered."),
        UnredirectableError::RedirectUri(UnverifiedRedirectUri::NoneRegistered) => {
            ("redirect_uri", "Register the app's redirect URI, then send exactly that.")
        }
        UnredirectableError::RedirectUri(UnverifiedRedirectUri::Ambiguous) => {
            ("redirect_uri", "Send one of the registered redirect URIs.")
        }
        UnredirectableError::RedirectUri(UnverifiedRedirectUri::NotRegistered) => (
            "redirect_uri",
            "Send a registered redirect URI unchanged; only the port of 127.0.0.1 and [::1] may differ. Or register this one.",
        ),
    }
}

fn developer_page(visit: &Visit, code: &str, message: &str, (parameter, fix): (&str, &str)) -> Response {
    let page = AuthorizeErrorPage {
        frame: visit.frame(),
        code: code.to_owned(),
        message: message.to_owned(),
        fix: fix.to_owned(),
        parameter: (!parameter.is_empty()).then(|| parameter.to_owned()),
        correlation_id: visit.context.context_id.to_string(),
    };
    html::page(trouble_status(&Trouble::InteractionOver), &page, &FormTarget::here())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_time_is_told_in_words() {
        let words = [0, 1, 30, 60, 61, 840].map(in_words);
        assert_eq!(words, ["1 second", "1 second", "30 seconds", "1 minute", "2 minutes", "14 minutes"]);
    }
}
