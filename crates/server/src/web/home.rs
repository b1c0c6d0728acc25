//! `/`: what this server is, and who is signed in with this browser.

use axum::http::StatusCode;
use axum::response::Response;

use crate::web::html::{self, FormTarget};
use crate::web::pages::{HomePage, HomeSession};
use crate::web::sessions;
use crate::web::trouble::PageError;
use crate::web::visit::{Visit, form_keys};

/// `GET /`
pub async fn page(visit: Visit) -> Response {
    home(&visit).await.unwrap_or_else(|error| error.respond(&visit))
}

async fn home(visit: &Visit) -> Result<Response, PageError> {
    let session = match visit.signed_in().await? {
        Some(signed_in) => Some(HomeSession {
            person: signed_in.person(),
            organization: signed_in.organization.name.clone(),
            form: form_keys(&signed_in.secret, ""),
            others: sessions::listed(visit, &signed_in).await?,
        }),
        None => None,
    };
    let page = HomePage { frame: visit.frame(), issuer: visit.app.origin.to_string(), session };
    Ok(html::page(StatusCode::OK, &page, &FormTarget::here()))
}
