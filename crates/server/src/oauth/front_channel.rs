//! Going on with an authorization request: check it again, look at the situation, do what `next_step` says.
//!
//! Every way through the pages comes through [`go_on`]: the endpoint itself, the return from sign-in, an accepted consent, a
//! finished approval. The rules are pure and stand in `domain::oauth::next_step`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_decision::Scope;
use countersign_domain::authorization::ScopeGrant;
use countersign_domain::client::Client;
use countersign_domain::consent::Consent;
use countersign_domain::id::{ClientId, OrganizationId, RoleId, UserId};
use countersign_domain::oauth::authorization_response::AuthorizationResponse;
use countersign_domain::oauth::authorize::{
    AuthorizationRequest, AuthorizeError, UnredirectableError, Way, check_way, client_id,
};
use countersign_domain::oauth::error::ErrorCode;
use countersign_domain::oauth::grant::authorization_code::AuthorizationCode;
use countersign_domain::oauth::next_step::{Situation, Step, approval, next_step};
use countersign_domain::oauth::openid::id_token::ID_TOKEN_TYP;
use countersign_domain::oauth::openid::id_token_hint::HintedSignIn;
use countersign_domain::oauth::openid::sign_in::{Expected, SignIn, sign_in};
use countersign_domain::oauth::parameters::Parameters;
use countersign_domain::oauth::scopes::parse_requested;
use countersign_domain::organization::Organization;
use countersign_domain::role::Assignee;
use countersign_domain::time::Timestamp;

use crate::oauth::approver::{AUTHORIZE, Console};
use crate::oauth::interaction::{InProgress, Wish};
use crate::web::trouble::PageError;
use crate::web::visit::{SignedIn, Visit};
use crate::web::{
    approval as approval_page, consent as consent_page, form_post, refused, request as request_page,
    sign_in as sign_in_page,
};

/// A wish, checked against the client as it is now.
pub struct Asked {
    /// The app.
    pub client: Client,
    /// The authorization request; `None` for somebody who followed a link to approve an app.
    pub request: Option<AuthorizationRequest>,
    /// The organization that the app names.
    pub organization: Option<Organization>,
    scopes: Option<Vec<Scope>>,
    /// The only person that an answer may be about.
    expected_user: Option<UserId>,
}

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
    let asked = Asked::read(visit, &progress.wish).await?;
    let signed_in = visit.signed_in().await?;
    let signed_in = match (asked.sign_in(visit, signed_in.as_ref(), progress.began_at), signed_in) {
        (SignIn::Done, Some(signed_in)) => signed_in,
        (SignIn::Refused(code, description), _) => return Err(asked.refusal(code, description)),
        (SignIn::Done | SignIn::Needed, _) => return sign_in_page::open(visit, progress, &asked).await,
    };
    let facts = situate(visit, &asked, &signed_in).await?;
    let here = Here { visit, asked: &asked, signed_in: &signed_in, facts: &facts };
    match here.step(&progress, accepted) {
        None => Ok(see_other("/")),
        Some(Step::Issue { ceiling }) => here.issue(progress, ceiling, accepted).await,
        Some(Step::Consent { scopes }) => consent_page::open(here, progress, &scopes).await,
        Some(Step::Approval { scopes }) => approval_page::open(here, progress, &scopes, None).await,
        Some(Step::Request { scopes }) => request_page::open(here, progress, &scopes).await,
        Some(Step::Refused(refusal)) => refused::open(here, progress, refusal).await,
        Some(Step::Answer(code, description)) => Err(asked.refusal(code, description)),
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

impl Asked {
    /// Checks a wish. Nothing is remembered from an earlier check: client, redirect URI and scopes may have changed.
    pub async fn read(visit: &Visit, wish: &Wish) -> Result<Self, PageError> {
        let contracts = visit.app.contracts();
        let is_known = |scope: &Scope| contracts.catalogue().scope_index(scope.as_str()).is_some();
        match wish {
            Wish::Authorize { parameters, pushed, is_signed } => {
                let parameters = Parameters::new(parameters.clone());
                let client = find_client(visit, client_id(&parameters)?).await?;
                let request = AuthorizationRequest::check(&parameters, client.as_ref(), &is_known)?;
                let known = visit.app.check_resources(&request.resources).await?;
                known
                    .map_err(|error| PageError::Redirect(Box::new(request.refuse(error.code(), &error.to_string()))))?;
                let client = client.ok_or(UnredirectableError::Client)?;
                check_way(&client, Way { is_pushed: pushed.is_some(), is_signed: *is_signed })?;
                let organization = find_organization(visit, request.hints.organization.as_deref()).await?;
                let expected_user = expected_user(visit, &request, &client)?;
                let scopes = request.scopes.clone();
                Ok(Self { client, organization, scopes, expected_user, request: Some(request) })
            }
            Wish::Approve { client, scope } => {
                let client = find_client(visit, client.as_str()).await?.ok_or(UnredirectableError::Client)?;
                let scopes = scope.as_deref().map(|scope| parse_requested(scope, &is_known)).transpose()?;
                Ok(Self { client, request: None, organization: None, scopes, expected_user: None })
            }
        }
    }

    /// Whether somebody who is signed in can go on, or must sign in.
    fn sign_in(&self, visit: &Visit, signed_in: Option<&SignedIn>, began_at: Timestamp) -> SignIn {
        let session = signed_in.map(|signed_in| &signed_in.session);
        let organization = self.organization.as_ref().map(|organization| &organization.id);
        let expected = Expected { organization, user: self.expected_user.as_ref() };
        match (&self.request, session) {
            (Some(request), session) => sign_in(request, session, expected, began_at, visit.context.now),
            (None, Some(_)) => SignIn::Done,
            (None, None) => SignIn::Needed,
        }
    }

    /// The scopes that were asked for by name.
    pub fn scopes(&self) -> &[Scope] {
        self.scopes.as_deref().unwrap_or_default()
    }

    /// A refusal that goes back to the app, or ends here when nobody sent the person.
    pub fn refusal(&self, code: ErrorCode, description: &str) -> PageError {
        match &self.request {
            Some(request) => PageError::Redirect(Box::new(request.refuse(code, description))),
            None => PageError::InteractionOver,
        }
    }

    /// Where `back to the app` leads.
    pub fn return_to(&self, visit: &Visit) -> Option<String> {
        let refusal = self.request.as_ref()?.refuse(ErrorCode::AccessDenied, "the user went back");
        match refusal.response(visit.app.origin.as_str()) {
            AuthorizationResponse::Redirect(location) => Some(location),
            // A link cannot post; the page's forms can still end in one.
            AuthorizationResponse::Form { .. } => None,
        }
    }
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
        let Self { asked, facts, .. } = self;
        let situation = Situation {
            organization: &facts.organization,
            grant: facts.grant.as_ref(),
            consent: facts.consent.as_ref(),
            user_roles: &facts.user_roles,
            can_approve: facts.console.permit(&self.signed_in.user.id, AUTHORIZE).is_some(),
            is_own_origin: self.is_own_origin(),
            has_just_signed_in: self.signed_in.session.authenticated_at >= progress.began_at,
            accepted,
        };
        match &asked.request {
            Some(request) => Some(next_step(request, &asked.client, situation)),
            None => approval(asked.scopes.as_deref(), &asked.client, situation),
        }
    }

    fn is_own_origin(&self) -> bool {
        let redirect_uri = self.asked.request.as_ref().and_then(|request| request.redirect_uri.to_url());
        redirect_uri.is_some_and(|url| url.origin().ascii_serialization() == self.visit.app.origin.as_str())
    }

    /// The last step: a code, once (A57).
    async fn issue(
        self,
        mut progress: InProgress,
        ceiling: Option<Vec<Scope>>,
        accepted: Option<&[Scope]>,
    ) -> Result<Response, PageError> {
        let Self { visit, asked, signed_in, facts } = self;
        let request = asked.request.as_ref().ok_or(PageError::Internal("a code without a request"))?;
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
        let (now, entropy) = (visit.context.now, visit.app.entropy.as_ref());
        let (code, record) =
            AuthorizationCode::issue(request, &asked.client, &signed_in.session, ceiling, now, entropy);
        visit.store().save_code(&record).await?;
        tracing::info!(
            organization.id = %facts.organization.id, client.id = %asked.client.id, user.id = %signed_in.user.id,
            "a code was issued",
        );
        Ok(form_post::send(visit, request.success(code.expose(), visit.app.origin.as_str())))
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

/// The client with this id, as it is registered now.
pub async fn find_client(visit: &Visit, id: &str) -> Result<Option<Client>, PageError> {
    match ClientId::parse(id) {
        Ok(id) => Ok(visit.store().client(&id).await?),
        Err(_) => Ok(None),
    }
}

/// Whom an ID token of ours (OpenID Connect Core §3.1.2.1) or the `claims` parameter (§5.5.1) names.
fn expected_user(visit: &Visit, request: &AuthorizationRequest, client: &Client) -> Result<Option<UserId>, PageError> {
    let refuse = |code, description| PageError::Redirect(Box::new(request.refuse(code, description)));
    if let Some(hint) = &request.identity.id_token_hint {
        let claims = visit.app.signing_keys.verified(ID_TOKEN_TYP, hint);
        let hinted = claims.and_then(|claims| HintedSignIn::read(&claims, client, visit.app.origin.as_str()));
        let description = "`id_token_hint` is not an ID token that was made here for this app";
        let hinted = hinted.ok_or_else(|| refuse(ErrorCode::InvalidRequest, description))?;
        return Ok(Some(hinted.user));
    }
    match &request.identity.claims.subject {
        Some(subject) => match UserId::parse(subject) {
            Ok(user) => Ok(Some(user)),
            Err(_) => Err(refuse(ErrorCode::LoginRequired, "the `sub` that the app wants is nobody here")),
        },
        None => Ok(None),
    }
}

/// The organization that `org` or `login_hint` names; a name that is not one of ours is only a hint that did not help.
async fn find_organization(visit: &Visit, hint: Option<&str>) -> Result<Option<Organization>, PageError> {
    match hint.and_then(|hint| OrganizationId::parse(hint).ok()) {
        Some(id) => Ok(visit.store().organization(&id).await?),
        None => Ok(None),
    }
}

impl From<AuthorizeError> for PageError {
    fn from(error: AuthorizeError) -> Self {
        match error {
            AuthorizeError::Page(error) => Self::Unredirectable(error),
            AuthorizeError::Redirect(error) => Self::Redirect(error),
        }
    }
}
