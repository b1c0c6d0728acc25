//! For people who may not approve apps: who can, and a way to ask them.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use countersign_decision::Scope;
use countersign_domain::oauth::next_step::Step;

use crate::oauth::asked::Asked;
use crate::oauth::front_channel::{Here, go_on, situate};
use crate::oauth::interaction::InProgress;
use crate::web::cards::{ScopeFacts, app_card, form_target};
use crate::web::consent::{own_interaction, signed_form};
use crate::web::html;
use crate::web::pages::{RequestPage, RequestState};
use crate::web::trouble::PageError;
use crate::web::visit::{Visit, form_keys};

/// Longest reason, in characters: what the page's text area takes.
const MAX_REASON_CHARS: usize = 1_000;

/// Shows the page: the form, or that somebody asked before.
pub async fn open(here: Here<'_>, progress: InProgress, scopes: &[Scope]) -> Result<Response, PageError> {
    let org = here.visit.org(&here.facts.organization.id);
    let requests = org.requests(&here.asked.client.id).await?;
    let earlier = requests.into_iter().find(|request| request.user == here.signed_in.user.id);
    let state = match earlier {
        Some(earlier) => RequestState::Waiting { date: earlier.created_at.day(), reason: earlier.reason },
        None => RequestState::Ask { reason: String::new(), problem: None },
    };
    page(here, progress, scopes, state).await
}

/// `POST /oauth/request`
pub async fn submit(visit: Visit, body: Bytes) -> Response {
    ask(&visit, &body).await.unwrap_or_else(|error| error.respond(&visit))
}

async fn ask(visit: &Visit, body: &Bytes) -> Result<Response, PageError> {
    let (signed_in, form) = signed_form(visit, body).await?;
    let progress = own_interaction(visit, &signed_in, &form, "authorization.request").await?;
    let asked = Asked::read(visit, &progress.wish).await?;
    let facts = situate(visit, &asked, &signed_in).await?;
    let here = Here { visit, asked: &asked, signed_in: &signed_in, facts: &facts };
    // Decided meanwhile: nobody needs to be asked any more.
    let Some(Step::Request { scopes }) = here.step(&progress, None) else { return go_on(visit, progress, None).await };
    let reason = form.one("reason")?.unwrap_or_default().trim().to_owned();
    let problem = match reason.chars().count() {
        0 => Some("Write why you need it: the administrators decide by it."),
        1..=MAX_REASON_CHARS => None,
        _ => Some("Use 1,000 characters at most."),
    };
    if let Some(problem) = problem {
        let state = RequestState::Ask { reason, problem: Some(problem.to_owned()) };
        return page(here, progress, &scopes, state).await;
    }
    visit.org(&facts.organization.id).request(&asked.client.id, &signed_in.user.id, &scopes, &reason).await?;
    tracing::info!(
        organization.id = %facts.organization.id, client.id = %asked.client.id, user.id = %signed_in.user.id,
        "approval of an app was requested",
    );
    page(here, progress, &scopes, RequestState::Sent { reason }).await
}

async fn page(
    here: Here<'_>,
    mut progress: InProgress,
    scopes: &[Scope],
    state: RequestState,
) -> Result<Response, PageError> {
    let Here { visit, asked, signed_in, facts } = here;
    let interaction = progress.keep_for(visit, &signed_in.secret).await?;
    let contracts = visit.app.contracts();
    let is_refused = matches!(state, RequestState::Ask { problem: Some(_), .. });
    let page = RequestPage {
        frame: visit.frame(),
        form: form_keys(&signed_in.secret, interaction.expose()),
        app: app_card(asked),
        organization: facts.organization.name.clone(),
        person: signed_in.person(),
        scopes: ScopeFacts::of(&contracts).lines(scopes),
        approvers: facts.console.approvers(visit, &facts.organization).await?,
        state,
        return_to: asked.return_to(visit),
    };
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(html::page(status, &page, &form_target(asked)))
}
