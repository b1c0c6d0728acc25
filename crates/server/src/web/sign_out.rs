//! Signing out: `GET /logout?client_id&redirect_uri` as apps send people there, and `not you?` on our own pages.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{StatusCode, header};
use axum::response::Response;
use countersign_domain::id::ClientId;
use countersign_domain::oauth::redirect_uri::VerifiedRedirectUri;
use countersign_domain::secret::{Secret, SecretKind};

use crate::http::cookies::Cookie;
use crate::http::form::Form;
use crate::oauth::front_channel::see_other;
use crate::oauth::interaction::InProgress;
use crate::web::html::{self, FormTarget};
use crate::web::pages::SignedOutPage;
use crate::web::trouble::PageError;
use crate::web::visit::Visit;

/// `GET /logout`: ends the session, then leads to a redirect URI that the app has registered, else shows a page.
pub async fn link(visit: Visit, RawQuery(query): RawQuery) -> Response {
    leave(&visit, query.as_deref().unwrap_or_default()).await.unwrap_or_else(|error| error.respond(&visit))
}

/// `POST /logout`: another person takes over, in the interaction that the form names.
pub async fn submit(visit: Visit, body: Bytes) -> Response {
    change_person(&visit, &body).await.unwrap_or_else(|error| error.respond(&visit))
}

async fn leave(visit: &Visit, query: &str) -> Result<Response, PageError> {
    // A31: other sites can lead a browser here, as apps must, but not load us as a part of their page.
    if !visit.is_navigation() {
        return Err(PageError::FormRefused);
    }
    let query = Form::parse(query.as_bytes())?;
    let target = registered_target(visit, &query).await?;
    let was_signed_in = end_session(visit).await?;
    let response = match target {
        Some(target) => see_other(target.as_str()),
        None => signed_out(visit, was_signed_in),
    };
    Ok(forgetting(visit, response))
}

async fn change_person(visit: &Visit, body: &Bytes) -> Result<Response, PageError> {
    let cookies = [Cookie::Session, Cookie::PreSession].into_iter().filter_map(|cookie| visit.cookie(cookie));
    let (form, cookie) = first_own_form(visit, body, cookies)?;
    let interaction = form.one("interaction")?.unwrap_or_default();
    if interaction.is_empty() {
        let was_signed_in = end_session(visit).await?;
        return Ok(forgetting(visit, signed_out(visit, was_signed_in)));
    }
    let mut progress = InProgress::of_form(visit, &form, &cookie).await?;
    end_session(visit).await?;
    // A fresh pre-session: whoever signs in next shares nothing with whoever sat here.
    let pre_session = visit.new_secret(SecretKind::PreSession);
    progress.proven.clear();
    progress.keep_for(visit, &pre_session).await?;
    let interaction = progress.keep_changed(visit, &pre_session).await?;
    let mut response = see_other(&format!("/oauth/continue?interaction={}", interaction.expose()));
    response.headers_mut().append(header::SET_COOKIE, Cookie::PreSession.set(&pre_session, &visit.app.origin));
    Ok(forgetting(visit, response))
}

fn first_own_form(
    visit: &Visit,
    body: &Bytes,
    cookies: impl Iterator<Item = Secret>,
) -> Result<(Form, Secret), PageError> {
    for cookie in cookies {
        match visit.own_form(body, Some(&cookie)) {
            Ok(form) => return Ok((form, cookie)),
            Err(PageError::FormRefused) => {}
            Err(error) => return Err(error),
        }
    }
    Err(PageError::FormRefused)
}

/// Only a registered redirect URI of the app that is named: everything else would make us an open redirector.
async fn registered_target(visit: &Visit, query: &Form) -> Result<Option<VerifiedRedirectUri>, PageError> {
    let Some(id) = query.one("client_id")?.and_then(|id| ClientId::parse(id).ok()) else { return Ok(None) };
    let Some(target) = query.one("redirect_uri")? else { return Ok(None) };
    let client = visit.store().client(&id).await?;
    Ok(client.and_then(|client| VerifiedRedirectUri::of(&client, Some(target)).ok()))
}

async fn end_session(visit: &Visit) -> Result<bool, PageError> {
    let was_signed_in = visit.signed_in().await?.is_some();
    if let Some(cookie) = visit.cookie(Cookie::Session) {
        visit.sign_in_store().end_session(&cookie.digest()).await?;
    }
    Ok(was_signed_in)
}

fn signed_out(visit: &Visit, was_signed_in: bool) -> Response {
    html::page(StatusCode::OK, &SignedOutPage { frame: visit.frame(), was_signed_in }, &FormTarget::here())
}

fn forgetting(visit: &Visit, mut response: Response) -> Response {
    response.headers_mut().append(header::SET_COOKIE, Cookie::Session.forget(&visit.app.origin));
    response
}
