//! Going on with an authorization request: check it again, look at the situation, do what `next_step` says.
//!
//! Every way through the pages comes through [`go_on`]: the endpoint itself, the return from sign-in, an accepted consent, a
//! finished approval. The rules are pure and stand in `domain::oauth::next_step`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_decision::Scope;
use countersign_domain::authorization::ScopeGrant;
use countersign_domain::consent::Consent;
use countersign_domain::id::RoleId;
use countersign_domain::oauth::authorize::AuthorizationRequest;
use countersign_domain::oauth::device_authorization::{DeviceApproval, DeviceCode};
use countersign_domain::oauth::grant::authorization_code::AuthorizationCode;
use countersign_domain::oauth::next_step::{Situation, Step, approval, next_step, shown_scopes, step_of};
use countersign_domain::oauth::openid::sign_in::SignIn;
use countersign_domain::organization::Organization;
use countersign_domain::role::Assignee;

use crate::oauth::approver::{AUTHORIZE, Console};
use crate::oauth::asked::{Asked, Errand};
use crate::oauth::interaction::{InProgress, Wish};
use crate::web::pages::DeviceAnswer;
use crate::web::trouble::PageError;
use crate::web::visit::{SignedIn, Visit};
use crate::web::{
    approval as approval_page, consent as consent_page, device as device_page, form_post, refused,
    request as request_page, sign_in as sign_in_page,
};

/// The situation that a step is decided in.
pub struct Facts {
    /// Where the person is signed in.
    pub organization: Organization,
    /// What the organization decided about the app.
    pub grant: Option<ScopeGrant>,
    /// Who may decide about apps there.
    pub console: Console,
    consent: Option<Consent>,
    user_roles: Vec<RoleId>,
}

/// Takes the next step of a wish. `accepted`: what the person accepted on the consent page just now.
pub async fn go_on(visit: &Visit, progress: InProgress, accepted: Option<&[Scope]>) -> Result<Response, PageError> {
    if let Wish::EnterCode { user_code } = &progress.wish {
        let user_code = user_code.clone();
        return device_page::open(visit, progress, user_code).await;
    }
    let signed_in = visit.signed_in().await?;
    let asked = match Asked::read(visit, &progress.wish).await {
        // RFC 9700 §4.11.2: who makes an app known by a document must not bounce strangers off us to where they like (A36)
        Err(PageError::Redirect(refusal)) if signed_in.is_none() && progress.wish.is_of_a_stranger() => {
            return Err(PageError::OfStranger(refusal));
        }
        asked => asked?,
    };
    let signed_in = match (asked.sign_in(visit, signed_in.as_ref(), progress.began_at), signed_in) {
        (SignIn::Done, Some(signed_in)) => signed_in,
        (SignIn::Refused(code, description), _) => return asked.turn_away(visit, code, description).await,
        (SignIn::Done | SignIn::Needed, _) => {
            return sign_in_page::open(visit, progress, sign_in_page::Occasion::of(&asked)).await;
        }
    };
    visit.app.client_sources.keep(&visit.store(), &asked.client.id, visit.context.now).await?;
    let facts = situate(visit, &asked, &signed_in).await?;
    let here = Here { visit, asked: &asked, signed_in: &signed_in, facts: &facts };
    if let Some(device) = asked.unconfirmed_device(&signed_in.session) {
        return device_page::ask(here, progress, device).await;
    }
    match here.step(&progress, accepted) {
        None => Ok(see_other("/")),
        Some(Step::Issue { ceiling }) => here.issue(progress, ceiling, accepted).await,
        Some(Step::Consent { scopes }) => consent_page::open(here, progress, &scopes).await,
        Some(Step::Approval { scopes }) => approval_page::open(here, progress, &scopes, None).await,
        Some(Step::Request { scopes }) => request_page::open(here, progress, &scopes).await,
        Some(Step::Refused(refusal)) => refused::open(here, progress, refusal).await,
        Some(Step::Answer(code, description)) => asked.turn_away(visit, code, description).await,
    }
}

/// Everything about one step: who is here, what is asked, how things stand.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// The request of the browser.
    pub visit: &'a Visit,
    /// What is asked.
    pub asked: &'a Asked,
    /// Who is here.
    pub signed_in: &'a SignedIn,
    /// How things stand.
    pub facts: &'a Facts,
}

/// Reads how things stand for somebody who is signed in.
pub async fn situate(visit: &Visit, asked: &Asked, signed_in: &SignedIn) -> Result<Facts, PageError> {
    let organization = signed_in.organization.clone();
    let (org, user, client) = (visit.org(&organization.id), &signed_in.user.id, &asked.client.id);
    let grant = org.authorization(client).await?.map(|(grant, _)| grant);
    let consent = org.consent(user, client).await?;
    let assignments = org.assignments_of(&Assignee::User(user.clone())).await?;
    let user_roles = assignments.into_iter().map(|assignment| assignment.role).collect();
    let console = Console::of(visit, &organization).await?;
    Ok(Facts { organization, grant, console, consent, user_roles })
}

impl Here<'_> {
    /// What is needed next; `None`: nothing, and nobody waits for a code.
    pub fn step(&self, progress: &InProgress, accepted: Option<&[Scope]>) -> Option<Step> {
        let Self { asked, .. } = self;
        let situation = Situation { accepted, ..self.situation(progress) };
        match &asked.errand {
            Errand::Redirect(request) => Some(next_step(request, &asked.client, situation)),
            Errand::Device(device) => Some(step_of(&device.code.request.wanted(), &asked.client, situation)),
            Errand::Approval => approval(asked.scopes.as_deref(), &asked.client, situation),
        }
    }

    /// What a device asks for, of the person first: to be read before anything is decided.
    pub fn wanted_by(&self, code: &DeviceCode, progress: &InProgress) -> Vec<Scope> {
        let wanted = code.request.wanted();
        let personal = wanted.personal.iter().map(|scope| scope.to_scope());
        personal.chain(shown_scopes(&wanted, &self.asked.client, self.situation(progress))).collect()
    }

    fn situation(&self, progress: &InProgress) -> Situation<'_> {
        let Self { facts, .. } = self;
        Situation {
            organization: &facts.organization,
            grant: facts.grant.as_ref(),
            consent: facts.consent.as_ref(),
            user_roles: &facts.user_roles,
            can_approve: facts.console.permit(&self.signed_in.user.id, AUTHORIZE).is_some(),
            is_own_origin: self.is_own_origin(),
            has_just_signed_in: self.signed_in.session.authenticated_at >= progress.began_at,
            accepted: None,
        }
    }

    fn is_own_origin(&self) -> bool {
        let redirect_uri = self.asked.request().and_then(|request| request.redirect_uri.to_url());
        redirect_uri.is_some_and(|url| url.origin().ascii_serialization() == self.visit.app.origin.as_str())
    }

    /// The last step, once (A57): a code, or the device is let in.
    async fn issue(
        self,
        mut progress: InProgress,
        ceiling: Option<Vec<Scope>>,
        accepted: Option<&[Scope]>,
    ) -> Result<Response, PageError> {
        let Self { visit, asked, signed_in, facts } = self;
        progress.take(visit).await?;
        if let Wish::Authorize { pushed: Some(pushed), .. } = &progress.wish {
            // RFC 9126 §7.3: a reference is used once, also where it was opened in two windows (B05)
            if !visit.store().finish_pushed_request(pushed).await? {
                return Err(PageError::InteractionOver);
            }
        }
        if let Some(accepted) = accepted {
            let scopes = with_earlier(accepted, facts.consent.as_ref());
            visit.org(&facts.organization.id).save_consent(&signed_in.user.id, &asked.client.id, &scopes).await?;
        }
        match &asked.errand {
            Errand::Redirect(request) => self.issue_code(request, ceiling).await,
            Errand::Device(device) => self.let_in(&device.code, ceiling).await,
            Errand::Approval => Err(PageError::Internal("nobody waits for a code")),
        }
    }

    /// RFC 6749 §4.1.2
    async fn issue_code(
        self,
        request: &AuthorizationRequest,
        ceiling: Option<Vec<Scope>>,
    ) -> Result<Response, PageError> {
        let Self { visit, asked, signed_in, facts } = self;
        let (now, entropy) = (visit.context.now, visit.app.entropy.as_ref());
        let (code, record) =
            AuthorizationCode::issue(request, &asked.client, &signed_in.session, ceiling, now, entropy);
        if let Some(challenge) = &record.code_challenge {
            visit.app.challenges.is_first(&record.client, challenge);
        }
        visit.store().save_code(&record).await?;
        tracing::info!(
            organization.id = %facts.organization.id, client.id = %asked.client.id, user.id = %signed_in.user.id,
            "a code was issued",
        );
        Ok(form_post::send(visit, request.success(code.expose(), visit.app.origin.as_str())))
    }

    /// RFC 8628 §3.3: the device gets its tokens when it asks again.
    async fn let_in(self, code: &DeviceCode, ceiling: Option<Vec<Scope>>) -> Result<Response, PageError> {
        let Self { visit, asked, signed_in, facts } = self;
        let (now, entropy) = (visit.context.now, visit.app.entropy.as_ref());
        let approval = DeviceApproval::of(&code.request, &asked.client, &signed_in.session, ceiling, now, entropy);
        if !visit.store().approve_device_code(&code.digest, &approval).await? {
            return Err(PageError::InteractionOver);
        }
        tracing::info!(
            organization.id = %facts.organization.id, client.id = %asked.client.id, user.id = %signed_in.user.id,
            "a device was let in",
        );
        Ok(device_page::answered(visit, asked, DeviceAnswer::LetIn))
    }
}

/// RFC 9700 §4.12: 303, so that what was posted to us is never posted to the app. Nothing of it is cached.
pub fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => {
            let fixed = HeaderValue::from_static;
            let headers = [
                (header::LOCATION, location),
                (header::CACHE_CONTROL, fixed("no-store")),
                (header::REFERRER_POLICY, fixed("no-referrer")),
            ];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        // INVARIANT: registration takes redirect URIs in visible ASCII only, and everything that is added is encoded
        Err(_) => PageError::plain_internal("a redirect URI is not visible ASCII"),
    }
}

/// What a person accepted at different times is one consent.
fn with_earlier(accepted: &[Scope], earlier: Option<&Consent>) -> Vec<Scope> {
    let mut scopes = accepted.to_vec();
    let earlier = earlier.iter().flat_map(|consent| &consent.scopes);
    scopes.extend(earlier.filter(|scope| !accepted.contains(scope)).cloned());
    scopes
}
