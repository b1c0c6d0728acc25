//! The user's own consent, inside the organization's authorization.
//!
//! What was shown is what is accepted: the form brings the shown scopes back, and they count only if they are still exactly
//! those that would be shown (A60). The interaction is taken with the code, so a second accept gets a page (A57).

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use countersign_decision::{AuthorizationState, Scope};
use countersign_domain::oauth::error::ErrorCode;
use countersign_domain::oauth::scopes::join;

use crate::http::cookies::Cookie;
use crate::http::form::Form;
use crate::oauth::asked::Asked;
use crate::oauth::front_channel::{Here, go_on};
use crate::oauth::interaction::InProgress;
use crate::web::cards::{ScopeFacts, app_card, form_target};
use crate::web::html;
use crate::web::pages::ConsentPage;
use crate::web::trouble::PageError;
use crate::web::visit::{SignedIn, Visit, form_keys};

/// Shows the page.
pub async fn open(here: Here<'_>, mut progress: InProgress, scopes: &[Scope]) -> Result<Response, PageError> {
    let Here { visit, asked, signed_in, facts } = here;
    let interaction = progress.keep_for(visit, &signed_in.secret).await?;
    let contracts = visit.app.contracts();
    let page = ConsentPage {
        frame: visit.frame(),
        form: form_keys(&signed_in.secret, interaction.expose()),
        app: app_card(asked),
        organization: facts.organization.name.clone(),
        is_authorized: facts.grant.as_ref().is_some_and(|grant| grant.state == AuthorizationState::Authorized),
        person: signed_in.person(),
        scopes: ScopeFacts::of(&contracts).lines(scopes),
        shown: join(scopes),
    };
    Ok(html::page(StatusCode::OK, &page, &form_target(asked)))
}

/// `POST /oauth/consent`
pub async fn submit(visit: Visit, body: Bytes) -> Response {
    decide(&visit, &body).await.unwrap_or_else(|error| error.respond(&visit))
}

async fn decide(visit: &Visit, body: &Bytes) -> Result<Response, PageError> {
    let (signed_in, form) = signed_form(visit, body).await?;
    let mut progress = own_interaction(visit, &signed_in, &form, "consent.accept").await?;
    match form.one("decision")? {
        Some("accept") => {
            let shown = form.one("shown")?.unwrap_or_default();
            let shown = Scope::parse_list(shown).map_err(|_| PageError::FormRefused)?;
            go_on(visit, progress, Some(&shown)).await
        }
        Some("deny") => {
            let asked = Asked::read(visit, &progress.wish).await?;
            progress.take(visit).await?;
            asked.turn_away(visit, ErrorCode::AccessDenied, "the user did not consent").await
        }
        _ => Err(PageError::FormRefused),
    }
}

/// A form that somebody who is signed in posted from a page of ours.
pub async fn signed_form(visit: &Visit, body: &Bytes) -> Result<(SignedIn, Form), PageError> {
    let form = visit.own_form(body, visit.cookie(Cookie::Session).as_ref())?;
    let signed_in = visit.signed_in().await?.ok_or(PageError::FormRefused)?;
    Ok((signed_in, form))
}

/// The interaction that a form names, which must belong to this session: anything else is refused and recorded (A58, A59).
pub async fn own_interaction(
    visit: &Visit,
    signed_in: &SignedIn,
    form: &Form,
    action: &str,
) -> Result<InProgress, PageError> {
    let progress = InProgress::of_form(visit, form, &signed_in.secret).await;
    if let Err(PageError::FormRefused) = &progress {
        let org = visit.org(&signed_in.organization.id);
        let reason = "the form named an interaction of another session";
        org.record_refused(action, "user", signed_in.user.id.as_str(), reason).await?;
    }
    progress
}
