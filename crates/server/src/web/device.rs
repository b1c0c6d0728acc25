//! Connecting a device (RFC 8628 §3.3): a person enters its code, says that the device is theirs (§5.4), and then comes the
//! way of every other app: approval, consent, roles.
//!
//! A code in a link only fills the field: it is looked up when a person posts it, and never taken as confirmed (C49). Wrong
//! codes are counted (C47, §5.1).

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use countersign_domain::oauth::error::ErrorCode;
use countersign_domain::oauth::user_code::UserCode;
use url::Url;

use crate::http::error::trouble_status;
use crate::http::form::Form;
use crate::oauth::asked::{Asked, DeviceErrand};
use crate::oauth::front_channel::{Here, go_on};
use crate::oauth::interaction::{InProgress, Wish};
use crate::oauth::user_code_attempts::UserCodeAttempt;
use crate::web::cards::{ScopeFacts, app_card, return_host};
use crate::web::consent::{own_interaction, signed_form};
use crate::web::html::{self, FormTarget};
use crate::web::pages::{DeviceAnswer, DeviceAnsweredPage, DeviceCodePage, DeviceConfirmPage, DeviceProblem, Trouble};
use crate::web::sign_in::{self, Occasion};
use crate::web::trouble::{PageError, in_words};
use crate::web::visit::{SignedIn, Visit, form_keys};

/// The longest code that a link can fill in, in characters: what the page's field takes.
const MAX_CODE_CHARS: usize = 64;

/// `GET /device` and, from `verification_uri_complete`, `GET /device?user_code`.
pub async fn link(visit: Visit, RawQuery(query): RawQuery) -> Response {
    begin(&visit, query.as_deref().unwrap_or_default()).await.unwrap_or_else(|error| error.respond(&visit))
}

/// `POST /device`
pub async fn submit(visit: Visit, body: Bytes) -> Response {
    enter(&visit, &body).await.unwrap_or_else(|error| error.respond(&visit))
}

/// `POST /device/confirm`
pub async fn confirm(visit: Visit, body: Bytes) -> Response {
    decide(&visit, &body).await.unwrap_or_else(|error| error.respond(&visit))
}

async fn begin(visit: &Visit, query: &str) -> Result<Response, PageError> {
    let query = Form::parse(query.as_bytes())?;
    let user_code = query.one("user_code")?.map(|code| code.chars().take(MAX_CODE_CHARS).collect());
    go_on(visit, InProgress::begin(Wish::EnterCode { user_code }, visit.context.now), None).await
}

/// Shows the page that takes a code, to somebody who is signed in.
pub async fn open(visit: &Visit, progress: InProgress, user_code: Option<String>) -> Result<Response, PageError> {
    match visit.signed_in().await? {
        Some(signed_in) => ask_for_code((visit, &signed_in), progress, user_code.unwrap_or_default(), None).await,
        None => sign_in::open(visit, progress, Occasion::device()).await,
    }
}

async fn enter(visit: &Visit, body: &Bytes) -> Result<Response, PageError> {
    let (signed_in, form) = signed_form(visit, body).await?;
    let mut progress = own_interaction(visit, &signed_in, &form, "device.enter").await?;
    if !matches!(progress.wish, Wish::EnterCode { .. }) {
        return Err(PageError::FormRefused);
    }
    let typed: String = form.one("user_code")?.unwrap_or_default().chars().take(MAX_CODE_CHARS).collect();
    let here = (visit, &signed_in);
    let Ok(user_code) = UserCode::parse(&typed) else {
        return ask_for_code(here, progress, typed, Some(DeviceProblem::Malformed)).await;
    };
    let (store, user) = (visit.store(), &signed_in.user.id);
    let attempt = match UserCodeAttempt::begin(&store, user, visit.address).await? {
        Ok(attempt) => attempt,
        Err(many) => {
            let wait = in_words(many.wait_seconds);
            return ask_for_code(here, progress, typed, Some(DeviceProblem::RateLimited { wait })).await;
        }
    };
    if store.open_device_code(&user_code.digest()).await?.is_none() {
        tracing::info!(user.id = %user, address = %visit.address, "an unknown user code was entered");
        return ask_for_code(here, progress, typed, Some(DeviceProblem::Unknown)).await;
    }
    attempt.take_back(&store).await?;
    progress.wish = Wish::Device { user_code, confirmed_by: None };
    progress.keep_changed(visit, &signed_in.secret).await?;
    go_on(visit, progress, None).await
}

async fn ask_for_code(
    (visit, signed_in): (&Visit, &SignedIn),
    mut progress: InProgress,
    user_code: String,
    problem: Option<DeviceProblem>,
) -> Result<Response, PageError> {
    let interaction = progress.keep_for(visit, &signed_in.secret).await?;
    let status = match &problem {
        None => StatusCode::OK,
        Some(DeviceProblem::RateLimited { wait }) => trouble_status(&Trouble::TooManyRequests { wait: wait.clone() }),
        Some(DeviceProblem::Malformed | DeviceProblem::Unknown) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let must_wait = matches!(problem, Some(DeviceProblem::RateLimited { .. }));
    let form = form_keys(&signed_in.secret, interaction.expose());
    let page = DeviceCodePage { frame: visit.frame(), form, person: signed_in.person(), user_code, problem };
    let mut response = html::page(status, &page, &FormTarget::here());
    if must_wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    Ok(response)
}

/// Shows what the code stands for, and asks whether the device is the person's (RFC 8628 §5.4).
pub async fn ask(here: Here<'_>, mut progress: InProgress, device: &DeviceErrand) -> Result<Response, PageError> {
    let Here { visit, asked, signed_in, facts } = here;
    let interaction = progress.keep_for(visit, &signed_in.secret).await?;
    let registered_by = visit.store().organization(&asked.client.organization).await?;
    let site = asked.client.metadata.client_uri.as_ref().and_then(|uri| Url::parse(uri.as_str()).ok());
    let contracts = visit.app.contracts();
    let page = DeviceConfirmPage {
        frame: visit.frame(),
        form: form_keys(&signed_in.secret, interaction.expose()),
        app: app_card(asked),
        site: site.as_ref().map(return_host),
        registered_by: registered_by.map(|organization| organization.name).unwrap_or_default(),
        organization: facts.organization.name.clone(),
        person: signed_in.person(),
        user_code: device.user_code.shown(),
        scopes: ScopeFacts::of(&contracts).lines(&here.wanted_by(&device.code, &progress)),
    };
    Ok(html::page(StatusCode::OK, &page, &FormTarget::here()))
}

async fn decide(visit: &Visit, body: &Bytes) -> Result<Response, PageError> {
    let (signed_in, form) = signed_form(visit, body).await?;
    let mut progress = own_interaction(visit, &signed_in, &form, "device.confirm").await?;
    let Wish::Device { user_code, .. } = &progress.wish else { return Err(PageError::FormRefused) };
    match form.one("decision")? {
        Some("continue") => {
            let confirmed_by = Some(signed_in.session.id.clone());
            progress.wish = Wish::Device { user_code: user_code.clone(), confirmed_by };
            progress.keep_changed(visit, &signed_in.secret).await?;
            go_on(visit, progress, None).await
        }
        Some("deny") => {
            let asked = Asked::read(visit, &progress.wish).await?;
            progress.take(visit).await?;
            asked.turn_away(visit, ErrorCode::AccessDenied, "the person did not let the device in").await
        }
        _ => Err(PageError::FormRefused),
    }
}

/// The last page: the person goes back to the device.
pub fn answered(visit: &Visit, asked: &Asked, answer: DeviceAnswer) -> Response {
    let page = DeviceAnsweredPage { frame: visit.frame(), app: app_card(asked), answer };
    html::page(StatusCode::OK, &page, &FormTarget::here())
}
