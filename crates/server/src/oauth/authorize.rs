//! The authorization endpoint (RFC 6749 §3.1): `/oauth/authorize`, its alias `/authorize`, and the way back from a page.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::response::Response;
use countersign_domain::id::ClientId;
use countersign_domain::oauth::authorize::{UnredirectableError, client_id};
use countersign_domain::oauth::parameters::Parameters;
use countersign_domain::oauth::pushed_request::referred;
use countersign_domain::oauth::request_object::unfold;

use crate::http::cookies::Cookie;
use crate::http::form::{Form, FormError};
use crate::oauth::asked::find_client;
use crate::oauth::front_channel::{go_on, see_other};
use crate::oauth::interaction::{INTERACTION_SECONDS, InProgress, Wish};
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
        return Err(FormError::AddressTooLong.into());
    }
    let parameters = Parameters::new(Form::parse(query.as_bytes())?.pairs().to_vec());
    let wish = match parameters.value("request_uri") {
        Some(request_uri) => open_pushed(visit, request_uri, &parameters).await?,
        None => unfold_signed(visit, &parameters).await?,
    };
    let progress = InProgress::begin(wish, visit.context.now);
    go_on(visit, progress, None).await
}

/// RFC 9126 §4: what the client pushed, and nothing of what stands beside the reference (A43). A reference that is not ours
/// is refused and never fetched (A44).
async fn open_pushed(visit: &Visit, request_uri: &str, parameters: &Parameters) -> Result<Wish, PageError> {
    let client = ClientId::parse(client_id(parameters)?).map_err(|_| UnredirectableError::Client)?;
    let digest = referred(request_uri).filter(|_| !parameters.is_doubled("request_uri"));
    let digest = digest.ok_or(UnredirectableError::RequestUri)?;
    let forget_at = visit.context.now.plus_seconds(INTERACTION_SECONDS);
    let pushed = visit.store().open_pushed_request(&digest, &client, forget_at).await?;
    let parameters = pushed.ok_or(UnredirectableError::RequestUri)?;
    // whether it had to be signed was asked when it was pushed
    Ok(Wish::Authorize { parameters, pushed: Some(digest), is_signed: true })
}

/// RFC 9101 §6: what the client signed, and nothing of what stands beside it (A43); or the request as it is.
async fn unfold_signed(visit: &Visit, parameters: &Parameters) -> Result<Wish, PageError> {
    let client = find_client(visit, client_id(parameters)?).await?;
    let (issuer, now) = (visit.app.origin.as_str(), visit.context.now);
    let client = match client {
        Some(client) if parameters.value("request").is_some() => {
            Some(visit.app.client_sources.with_keys(client, now).await)
        }
        client => client,
    };
    let inside = client.map(|client| unfold(parameters, &client, issuer, now)).transpose();
    let inside = inside.map_err(UnredirectableError::from)?.flatten();
    let (is_signed, parameters) = (inside.is_some(), inside.as_ref().unwrap_or(parameters).pairs().to_vec());
    Ok(Wish::Authorize { parameters, pushed: None, is_signed })
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
