//! Signing in with e-mail and password, and choosing between organizations.
//!
//! Unknown e-mail, wrong password and inactive user have one text, one status and the same work (F01). The form belongs to
//! the pre-session of the browser that opened it (A32); a new session has a new secret, and the old one is dead (A33).

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use countersign_domain::id::{OrganizationId, SessionId, UserId};
use countersign_domain::organization::Organization;
use countersign_domain::secret::{MAX_PASSWORD_BYTES, Secret, SecretHash, SecretKind};
use countersign_domain::session::Session;
use countersign_domain::user::{Email, UserState};
use countersign_store::user::SignInCandidate;
use zeroize::Zeroizing;

use crate::hashing;
use crate::http::cookies::Cookie;
use crate::http::error::trouble_status;
use crate::http::form::Form;
use crate::oauth::asked::Asked;
use crate::oauth::front_channel::see_other;
use crate::oauth::interaction::{InProgress, Wish};
use crate::telemetry::metrics::SignIn;
use crate::web::cards::{app_card, form_target};
use crate::web::html::{self, FormTarget};
use crate::web::pages::{App, ChooseOrganizationPage, OrganizationChoice, SignInPage, SignInProblem, Trouble};
use crate::web::trouble::{PageError, in_words};
use crate::web::visit::{Visit, form_keys};

/// Most organizations of one e-mail whose passwords are verified.
const MAX_CANDIDATES: usize = 16;

type Person = (OrganizationId, UserId);

/// Why somebody signs in, as far as the page says it.
pub struct Occasion {
    app: Option<App>,
    target: FormTarget,
    organization: Option<Organization>,
    email: String,
}

impl Occasion {
    /// For what was asked.
    pub fn of(asked: &Asked) -> Self {
        Self {
            app: Some(app_card(asked)),
            target: form_target(asked),
            organization: asked.organization.clone(),
            email: asked.request().and_then(|request| request.hints.email.clone()).unwrap_or_default(),
        }
    }

    /// To enter the code of a device: which app it has is not known before.
    pub fn device() -> Self {
        Self { app: None, target: FormTarget::here(), organization: None, email: String::new() }
    }

    async fn read(visit: &Visit, wish: &Wish) -> Result<Self, PageError> {
        match wish {
            Wish::EnterCode { .. } => Ok(Self::device()),
            wish => Ok(Self::of(&Asked::read(visit, wish).await?)),
        }
    }
}

/// Shows the page, in a pre-session.
pub async fn open(visit: &Visit, mut progress: InProgress, occasion: Occasion) -> Result<Response, PageError> {
    let cookie = visit.cookie(Cookie::PreSession);
    let (cookie, is_new) =
        cookie.map_or_else(|| (visit.new_secret(SecretKind::PreSession), true), |cookie| (cookie, false));
    let interaction = progress.keep_for(visit, &cookie).await?;
    let keys = (&cookie, &interaction);
    let mut response = page(visit, &occasion, keys, (occasion.email.clone(), None));
    if is_new {
        response.headers_mut().append(header::SET_COOKIE, Cookie::PreSession.set(&cookie, &visit.app.origin));
    }
    Ok(response)
}

/// `POST /oauth/sign-in`
pub async fn submit(visit: Visit, body: Bytes) -> Response {
    sign_in(&visit, &body).await.unwrap_or_else(|error| error.respond(&visit))
}

async fn sign_in(visit: &Visit, body: &Bytes) -> Result<Response, PageError> {
    let cookie = visit.cookie(Cookie::PreSession);
    let form = visit.own_form(body, cookie.as_ref())?;
    let cookie = cookie.ok_or(PageError::FormRefused)?;
    let progress = InProgress::of_form(visit, &form, &cookie).await?;
    let occasion = Occasion::read(visit, &progress.wish).await?;
    match form.one("org")? {
        Some(organization) => {
            let chosen = progress.proven.iter().find(|(id, _)| id.as_str() == organization).cloned();
            let chosen = chosen.ok_or(PageError::FormRefused)?;
            complete(visit, progress, chosen).await
        }
        None => with_password(visit, &form, (progress, &occasion, &cookie)).await,
    }
}

async fn with_password(
    visit: &Visit,
    form: &Form,
    (mut progress, occasion, cookie): (InProgress, &Occasion, &Secret),
) -> Result<Response, PageError> {
    let email = form.one("email")?.unwrap_or_default().to_owned();
    let password = Zeroizing::new(form.one("password")?.unwrap_or_default().to_owned());
    let interaction = progress.keep_for(visit, cookie).await?;
    let sign_ins = &visit.app.metrics.sign_ins;
    let again = |problem: SignInProblem| {
        sign_ins.add(SignIn::refused(&problem));
        Ok(page(visit, occasion, (cookie, &interaction), (email.clone(), Some(problem))))
    };
    if email.is_empty() || password.is_empty() {
        return again(SignInProblem::Incomplete);
    }
    let parsed = Email::parse(&email).ok();
    let key = parsed.as_ref().map_or_else(|| email.to_lowercase(), Email::key);
    let attempt = match visit.app.sign_in_attempts.begin(&key, visit.address, visit.context.now) {
        Ok(attempt) => attempt,
        Err(many) => return again(SignInProblem::RateLimited { wait: in_words(many.wait_seconds) }),
    };
    let candidates = match &parsed {
        Some(email) => visit.sign_in_store().sign_in_candidates(email).await?,
        None => Vec::new(),
    };
    let wanted = occasion.organization.as_ref().map(|organization| organization.id.clone());
    let mut proven = verified(candidates, wanted, password).await?;
    match proven.len() {
        0 => {
            tracing::info!(address = %visit.address, "a sign-in failed");
            return again(SignInProblem::WrongCredentials);
        }
        1 => {}
        _ => {
            visit.app.sign_in_attempts.forgive(&attempt);
            sign_ins.add(SignIn::Choice);
            progress.proven = proven;
            let interaction = progress.keep_changed(visit, cookie).await?;
            return choose(visit, occasion, (cookie, &interaction), (email, &progress.proven)).await;
        }
    }
    visit.app.sign_in_attempts.forgive(&attempt);
    complete(visit, progress, proven.remove(0)).await
}

/// The people whose password this is. One computation at least, whoever is asked for.
async fn verified(
    candidates: Vec<SignInCandidate>,
    wanted: Option<OrganizationId>,
    password: Zeroizing<String>,
) -> Result<Vec<Person>, PageError> {
    // F02: what is longer is no password of ours; hashing it would be work for nothing
    if password.len() > MAX_PASSWORD_BYTES {
        return Ok(Vec::new());
    }
    let is_wanted =
        |candidate: &SignInCandidate| wanted.as_ref().is_none_or(|wanted| *wanted == candidate.organization);
    let candidates: Vec<SignInCandidate> = candidates.into_iter().filter(is_wanted).take(MAX_CANDIDATES).collect();
    let verify = move || {
        if candidates.is_empty() {
            SecretHash::dummy().verify(&password);
        }
        let is_proven = |candidate: &SignInCandidate| {
            let is_right = match &candidate.password {
                Some(hash) => hash.verify(&password),
                None => SecretHash::dummy().verify(&password),
            };
            is_right && candidate.state == UserState::Active
        };
        candidates.into_iter().filter(is_proven).map(|candidate| (candidate.organization, candidate.user)).collect()
    };
    Ok(hashing::run(verify).await?)
}

/// A new session with a new secret; the session that this browser had before is dead (A33).
async fn complete(
    visit: &Visit,
    mut progress: InProgress,
    (organization, user): Person,
) -> Result<Response, PageError> {
    let secret = visit.new_secret(SecretKind::Session);
    let now = visit.context.now;
    let earlier = visit.signed_in().await?.map(|signed_in| signed_in.session);
    // The same person again: apps know the sign-in by the id that they know.
    let is_the_same = |earlier: &Session| (&earlier.organization, &earlier.user) == (&organization, &user);
    let id = earlier.as_ref().filter(|earlier| is_the_same(earlier)).map(|earlier| earlier.id.clone());
    let ended = earlier.map(|earlier| (earlier.digest, id.is_none()));
    let session = Session {
        id: id.unwrap_or_else(|| SessionId::generate(now, visit.app.entropy.as_ref())),
        digest: secret.digest(),
        organization,
        user,
        authenticated_at: now,
        last_seen_at: now,
    };
    let interaction = progress.keep_for(visit, &secret).await?;
    match ended {
        // Somebody else has taken over the browser: the apps that the one before signed in to hear of it (C43)
        Some((earlier, true)) => drop(visit.sign_in_store().sign_out(&earlier).await?),
        Some((earlier, false)) => visit.sign_in_store().end_session(&earlier).await?,
        None => {}
    }
    visit.sign_in_store().create_session(&session).await?;
    visit.app.metrics.sign_ins.add(SignIn::SignedIn);
    tracing::info!(organization.id = %session.organization, user.id = %session.user, "somebody signed in");
    let mut response = see_other(&format!("/oauth/continue?interaction={}", interaction.expose()));
    response.headers_mut().append(header::SET_COOKIE, Cookie::Session.set(&secret, &visit.app.origin));
    Ok(response)
}

fn page(
    visit: &Visit,
    occasion: &Occasion,
    (cookie, interaction): (&Secret, &Secret),
    (email, problem): (String, Option<SignInProblem>),
) -> Response {
    let (status, wait) = match &problem {
        None => (StatusCode::OK, false),
        Some(SignInProblem::RateLimited { wait }) => {
            (trouble_status(&Trouble::TooManyRequests { wait: wait.clone() }), true)
        }
        Some(SignInProblem::WrongCredentials | SignInProblem::Incomplete) => (StatusCode::UNPROCESSABLE_ENTITY, false),
    };
    let page = SignInPage {
        frame: visit.frame(),
        form: form_keys(cookie, interaction.expose()),
        app: occasion.app.clone(),
        organization: occasion.organization.as_ref().map(|organization| organization.name.clone()),
        email,
        problem,
    };
    let mut response = html::page(status, &page, &occasion.target);
    if wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

async fn choose(
    visit: &Visit,
    occasion: &Occasion,
    (cookie, interaction): (&Secret, &Secret),
    (email, proven): (String, &[Person]),
) -> Result<Response, PageError> {
    let mut organizations = Vec::new();
    for (id, _) in proven {
        let organization = visit.store().organization(id).await?;
        organizations
            .extend(organization.map(|found| OrganizationChoice { id: found.id.to_string(), name: found.name }));
    }
    let form = form_keys(cookie, interaction.expose());
    let page = ChooseOrganizationPage { frame: visit.frame(), form, app: occasion.app.clone(), email, organizations };
    Ok(html::page(StatusCode::OK, &page, &occasion.target))
}
