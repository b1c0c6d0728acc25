//! The authorization endpoint (RFC 6749 §3.1): `/oauth/authorize`, its alias `/authorize`, and the way back from a page.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::response::Response;

use crate::http::cookies::Cookie;
use crate::http::form::{Form, FormError};
use crate::oauth::front_channel::{go_on, see_other};
use crate::oauth::interaction::{InProgress, Wish};
use crate::web::trouble::PageError;
use crate::web::visit::Visit;

/// Longest query that is read, in bytes (A56).
const MAX_QUERY_BYTES: usize = 16 * 1_024;

/// `GET /oauth/authorize`
pub async fn request(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let response = begin(&visit, query.as_deref().unwrap_or_default()).await;
    response.unwrap_or_else(|error| error.respond(&visit))
}

/// `POST /oauth/authorize`. RFC 6749 §3.1 MAY: the form goes on as a query, because the browser sends our `SameSite=Lax`
/// cookies only with a navigation that gets a page (A14).
pub async fn posted_request(visit: Visit, body: Bytes) -> Response {
    let form = visit.form(&body).and_then(|form| as_query(&form));
    match form {
        Ok(query) => see_other(&format!("/oauth/authorize?{query}")),
        Err(error) => error.respond(&visit),
    }
}

/// `GET /oauth/continue`: back from sign-in or approval, or the page is loaded again.
pub async fn resume(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let response = go_on_with(&visit, query.as_deref().unwrap_or_default()).await;
    response.unwrap_or_else(|error| error.respond(&visit))
}

async fn begin(visit: &Visit, query: &str) -> Result<Response, PageError> {
    if query.len() > MAX_QUERY_BYTES {
        return Err(FormError::TooLong.into());
    }
    let parameters = Form::parse(query.as_bytes())?.pairs().to_vec();
    let progress = InProgress::begin(Wish::Authorize { parameters }, visit.context.now);
    go_on(visit, progress, None).await
}

async fn go_on_with(visit: &Visit, query: &str) -> Result<Response, PageError> {
    let query = Form::parse(query.as_bytes())?;
    let progress = InProgress::find(visit, query.one("interaction")?.unwrap_or_default()).await?;
    let cookies = [Cookie::Session, Cookie::PreSession];
    let is_ours =
        cookies.into_iter().filter_map(|cookie| visit.cookie(cookie)).any(|secret| progress.belongs_to(&secret));
    if !is_ours {
        return Err(PageError::InteractionOver);
    }
    go_on(visit, progress, None).await
}

fn as_query(form: &Form) -> Result<String, PageError> {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(form.pairs()).finish();
    if query.len() > MAX_QUERY_BYTES { Err(FormError::TooLong.into()) } else { Ok(query) }
}
