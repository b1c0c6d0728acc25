//! Sending an authorization response to the app: by redirect, or as a form (OAuth 2.0 Form Post Response Mode).

use axum::http::StatusCode;
use axum::response::Response;
use countersign_domain::oauth::authorization_response::AuthorizationResponse;
use url::Url;

use crate::oauth::front_channel::see_other;
use crate::web::cards::destination;
use crate::web::html::{self, FormTarget};
use crate::web::pages::FormPostPage;
use crate::web::visit::Visit;

/// The way that the request asked for.
pub fn send(visit: &Visit, response: AuthorizationResponse) -> Response {
    match response {
        AuthorizationResponse::Redirect(location) => see_other(&location),
        AuthorizationResponse::Form { action, fields } => {
            let url = Url::parse(&action).ok();
            let target = url.as_ref().map_or_else(FormTarget::here, FormTarget::app);
            let app = destination(url.as_ref());
            html::page(StatusCode::OK, &FormPostPage { frame: visit.frame(), app, action, fields }, &target)
        }
    }
}
