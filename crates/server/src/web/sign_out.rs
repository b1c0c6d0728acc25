//! Signing out: as apps send people here, by OpenID Connect RP-Initiated Logout (`id_token_hint`,
//! `post_logout_redirect_uri`) or in the real system's way (`client_id`, `redirect_uri`), and `not you?` on our own pages.
//!
//! Whoever signs out ends the session and every token that came from it (C43).

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{StatusCode, header};
use axum::response::Response;
use countersign_domain::client::Client;
use countersign_domain::id::ClientId;
use countersign_domain::oauth::openid::id_token::ID_TOKEN_TYP;
use countersign_domain::oauth::openid::id_token_hint::{HintedSignIn, audience};
use countersign_domain::oauth::openid::rp_logout::{Logout, LogoutHint, LogoutRequest, logout, return_address};
use countersign_domain::oauth::redirect_uri::VerifiedRedirectUri;
use countersign_domain::secret::{Secret, SecretKind};

use crate::http::cookies::Cookie;
use crate::http::form::Form;
use crate::oauth::front_channel::see_other;
use crate::oauth::interaction::InProgress;
use crate::web::cards::destination;
use crate::web::html::{self, FormTarget};
use crate::web::pages::{App, ConfirmSignOutPage, SignedOutPage};
use crate::web::trouble::PageError;
use crate::web::visit::{SignedIn, Visit, form_keys};
use url::Url;

/// `GET /logout`: ends the session, then leads to a redirect URI that the app has registered, else asks or shows a page.
pub async fn link(visit: Visit, RawQuery(query): RawQuery) -> Response {
    leave(&visit, query.as_deref().unwrap_or_default()).await.unwrap_or_else(|error| error.respond(&visit))
}

/// `POST /logout`: a form of ours, or an app's (RP-Initiated Logout §2). An app's goes on as a query, because the browser
/// sends our `SameSite=Lax` cookies only with a navigation that gets a page.
pub async fn submit(visit: Visit, body: Bytes) -> Response {
    let answer = match visit.form(&body) {
        Ok(form) if form.all("csrf").is_empty() => {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(form.pairs()).finish();
            Ok(see_other(&format!("/logout?{query}")))
        }
        Ok(_) => own_form(&visit, &body).await,
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(|error| error.respond(&visit))
}

async fn leave(visit: &Visit, query: &str) -> Result<Response, PageError> {
    // A31: other sites can lead a browser here, as apps must, but not load us as a part of their page.
    if !visit.is_navigation() {
        return Err(PageError::FormRefused);
    }
    let query = Form::parse(query.as_bytes())?;
    // The real system's way. Whoever names no app that we know and no address of it could be anybody: then the person is asked.
    if let Some(target) = registered_target(visit, &query).await? {
        return sign_out(visit, Some(target.as_str())).await;
    }
    let signed_in = visit.signed_in().await?;
    let asked = AskedToLeave::read(visit, &query).await?;
    match (logout(asked.request(), signed_in.as_ref().map(|signed_in| &signed_in.session)), signed_in) {
        (Logout::Confirm { return_to }, Some(signed_in)) => Ok(confirm(visit, &signed_in, &asked, return_to.is_some())),
        (Logout::Confirm { return_to } | Logout::Now { return_to }, _) => sign_out(visit, return_to.as_deref()).await,
    }
}

/// What an app asks with RP-Initiated Logout.
struct AskedToLeave {
    hint: LogoutHint,
    client: Option<Client>,
    return_uri: Option<String>,
    state: Option<String>,
}

impl AskedToLeave {
    async fn read(visit: &Visit, query: &Form) -> Result<Self, PageError> {
        let sent = query.one("id_token_hint")?;
        let claims = sent.and_then(|hint| visit.app.signing_keys.verified(ID_TOKEN_TYP, hint));
        // §2: with both, the hint must have been made for this client.
        let named = query.one("client_id")?.or_else(|| claims.as_ref().and_then(audience));
        let client = match named.and_then(|id| ClientId::parse(id).ok()) {
            Some(id) => visit.store().client(&id).await?,
            None => None,
        };
        let issuer = visit.app.origin.as_str();
        let about =
            claims.zip(client.as_ref()).and_then(|(claims, client)| HintedSignIn::read(&claims, client, issuer));
        let hint = match (sent, about) {
            (None, _) => LogoutHint::Absent,
            (Some(_), Some(about)) => LogoutHint::About(about),
            (Some(_), None) => LogoutHint::Invalid,
        };
        let text = |name| query.one(name).map(|value| value.map(str::to_owned));
        Ok(Self { hint, client, return_uri: text("post_logout_redirect_uri")?, state: text("state")? })
    }

    fn request(&self) -> LogoutRequest<'_> {
        LogoutRequest {
            hint: &self.hint,
            client: self.client.as_ref(),
            return_uri: self.return_uri.as_deref(),
            state: self.state.as_deref(),
        }
    }
}

fn confirm(visit: &Visit, signed_in: &SignedIn, asked: &AskedToLeave, leads_back: bool) -> Response {
    let client = asked.client.as_ref().filter(|_| leads_back);
    let fields = client.map(|client| {
        let state = asked.state.clone().unwrap_or_default();
        let return_uri = asked.return_uri.clone().unwrap_or_default();
        vec![("client_id", client.id.to_string()), ("post_logout_redirect_uri", return_uri), ("state", state)]
    });
    let return_url = asked.return_uri.as_deref().and_then(|uri| Url::parse(uri).ok());
    let page = ConfirmSignOutPage {
        frame: visit.frame(),
        form: form_keys(&signed_in.secret, ""),
        person: signed_in.person(),
        app: client.map(|client| App { name: client.name.clone(), ..destination(return_url.as_ref()) }),
        fields: fields.unwrap_or_default(),
    };
    let target = return_url.as_ref().filter(|_| leads_back).map_or_else(FormTarget::here, FormTarget::app);
    html::page(StatusCode::OK, &page, &target)
}

/// Ends the session, and leads back to the app where it may.
async fn sign_out(visit: &Visit, return_to: Option<&str>) -> Result<Response, PageError> {
    let was_signed_in = end_session(visit).await?;
    let response = match return_to {
        Some(address) => see_other(address),
        None => signed_out(visit, was_signed_in),
    };
    Ok(forgetting(visit, response))
}

async fn own_form(visit: &Visit, body: &Bytes) -> Result<Response, PageError> {
    let cookies = [Cookie::Session, Cookie::PreSession].into_iter().filter_map(|cookie| visit.cookie(cookie));
    let (form, cookie) = first_own_form(visit, body, cookies)?;
    let interaction = form.one("interaction")?.unwrap_or_default();
    if interaction.is_empty() {
        // What the form brings back is checked as if it came from anywhere.
        let asked = AskedToLeave::read(visit, &form).await?;
        return sign_out(visit, return_address(asked.request()).as_deref()).await;
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
        visit.sign_in_store().sign_out(&cookie.digest()).await?;
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
