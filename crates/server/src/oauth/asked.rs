//! What is asked: a wish, checked against the client as it is now.

use axum::response::Response;
use countersign_decision::Scope;
use countersign_domain::client::{Client, ClientState, GrantType};
use countersign_domain::id::{ClientId, OrganizationId, SessionId, UserId};
use countersign_domain::oauth::authorization_response::AuthorizationResponse;
use countersign_domain::oauth::authorize::{
    AuthorizationRequest, AuthorizeError, UnredirectableError, Way, check_way, client_id,
};
use countersign_domain::oauth::device_authorization::DeviceCode;
use countersign_domain::oauth::error::ErrorCode;
use countersign_domain::oauth::openid::id_token::ID_TOKEN_TYP;
use countersign_domain::oauth::openid::id_token_hint::HintedSignIn;
use countersign_domain::oauth::openid::sign_in::{Expected, SignIn, sign_in};
use countersign_domain::oauth::parameters::Parameters;
use countersign_domain::oauth::scopes::parse_requested;
use countersign_domain::oauth::user_code::UserCode;
use countersign_domain::organization::Organization;
use countersign_domain::session::Session;
use countersign_domain::time::Timestamp;

use crate::app::App;
use crate::oauth::interaction::Wish;
use crate::web::device;
use crate::web::pages::DeviceAnswer;
use crate::web::trouble::PageError;
use crate::web::visit::{SignedIn, Visit};

/// A wish, checked against the client as it is now.
pub struct Asked {
    /// The app.
    pub client: Client,
    /// Who waits for the answer.
    pub errand: Errand,
    /// The organization that the app names.
    pub organization: Option<Organization>,
    /// What was asked for of operations; `None`: whatever the organization authorizes.
    pub scopes: Option<Vec<Scope>>,
    /// The only person that an answer may be about.
    expected_user: Option<UserId>,
}

/// Who waits for the answer.
pub enum Errand {
    /// An app that sent the person here (RFC 6749 §4.1.1).
    Redirect(Box<AuthorizationRequest>),
    /// A device that polls (RFC 8628 §3.4).
    Device(Box<DeviceErrand>),
    /// Nobody: the person followed a link to approve an app.
    Approval,
}

/// A device that waits.
pub struct DeviceErrand {
    /// What it asked for.
    pub code: DeviceCode,
    /// What the person entered.
    pub user_code: UserCode,
    /// The sign-in that said that the device is theirs (RFC 8628 §5.4).
    pub confirmed_by: Option<SessionId>,
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
                Ok(Self { client, organization, scopes, expected_user, errand: Errand::Redirect(Box::new(request)) })
            }
            Wish::Approve { client, scope } => {
                let unknown = UnredirectableError::unknown_client(client.as_str());
                let client = find_client(visit, client.as_str()).await?.ok_or(unknown)?;
                let scopes = scope.as_deref().map(|scope| parse_requested(scope, &is_known)).transpose()?;
                Ok(Self { client, errand: Errand::Approval, organization: None, scopes, expected_user: None })
            }
            Wish::Device { user_code, confirmed_by } => {
                let code = visit.store().opened_device_code(&user_code.digest()).await?;
                let code = code.ok_or(PageError::InteractionOver)?;
                let client = visit.store().client(&code.client).await?;
                let is_able =
                    |client: &Client| client.state == ClientState::Active && client.has_grant(GrantType::DeviceCode);
                let client = client.filter(is_able).ok_or(PageError::InteractionOver)?;
                let scopes = code.request.scopes.clone();
                let (user_code, confirmed_by) = (user_code.clone(), confirmed_by.clone());
                let errand = Errand::Device(Box::new(DeviceErrand { code, user_code, confirmed_by }));
                Ok(Self { client, errand, organization: None, scopes, expected_user: None })
            }
            // No app is known before the code is: only the page that takes it can go on.
            Wish::EnterCode { .. } => Err(PageError::FormRefused),
        }
    }

    /// Whether somebody who is signed in can go on, or must sign in.
    pub fn sign_in(&self, visit: &Visit, signed_in: Option<&SignedIn>, began_at: Timestamp) -> SignIn {
        let session = signed_in.map(|signed_in| &signed_in.session);
        let organization = self.organization.as_ref().map(|organization| &organization.id);
        let expected = Expected { organization, user: self.expected_user.as_ref() };
        match (self.request(), session) {
            (Some(request), session) => sign_in(request, session, expected, began_at, visit.context.now),
            (None, Some(_)) => SignIn::Done,
            (None, None) => SignIn::Needed,
        }
    }

    /// The authorization request, where an app sent the person.
    pub fn request(&self) -> Option<&AuthorizationRequest> {
        match &self.errand {
            Errand::Redirect(request) => Some(request),
            Errand::Device(_) | Errand::Approval => None,
        }
    }

    /// The device that waits and that the person of `session` has not yet said is theirs.
    pub fn unconfirmed_device(&self, session: &Session) -> Option<&DeviceErrand> {
        match &self.errand {
            Errand::Device(device) if device.confirmed_by.as_ref() != Some(&session.id) => Some(device),
            _ => None,
        }
    }

    /// The scopes that were asked for by name.
    pub fn scopes(&self) -> &[Scope] {
        self.scopes.as_deref().unwrap_or_default()
    }

    /// Ends what was asked with a refusal: whoever waits hears of it.
    pub async fn turn_away(&self, visit: &Visit, code: ErrorCode, description: &str) -> Result<Response, PageError> {
        match &self.errand {
            Errand::Redirect(request) => Err(PageError::Redirect(Box::new(request.refuse(code, description)))),
            // RFC 8628 §3.5: every refusal is access_denied
            Errand::Device(device) => {
                if !visit.store().deny_device_code(&device.code.digest).await? {
                    return Err(PageError::InteractionOver);
                }
                Ok(device::answered(visit, self, DeviceAnswer::Denied))
            }
            Errand::Approval => Err(PageError::InteractionOver),
        }
    }

    /// Where `back to the app` leads.
    pub fn return_to(&self, visit: &Visit) -> Option<String> {
        let refusal = self.request()?.refuse(ErrorCode::AccessDenied, "the user went back");
        match refusal.response(visit.app.origin.as_str()) {
            AuthorizationResponse::Redirect(location) => Some(location),
            // A link cannot post; the page's forms can still end in one.
            AuthorizationResponse::Form { .. } => None,
        }
    }
}

/// The client with this id, as it is registered now.
pub async fn find_client(visit: &Visit, id: &str) -> Result<Option<Client>, PageError> {
    match ClientId::parse(id) {
        Ok(id) => Ok(visit.app.client_sources.client(&visit.store(), &id, visit.context.now).await?),
        Err(_) => Ok(None),
    }
}

/// Why an `id_token_hint` names nobody.
pub const NO_HINT: &str = "`id_token_hint` is not an ID token that was made here for this app";

/// Whom an ID token of ours for `client` is about.
pub fn hinted_user(app: &App, hint: &str, client: &Client) -> Option<UserId> {
    let claims = app.signing_keys.verified(ID_TOKEN_TYP, hint)?;
    HintedSignIn::read(&claims, client, app.origin.as_str()).map(|hinted| hinted.user)
}

/// Whom an ID token of ours (OpenID Connect Core §3.1.2.1) or the `claims` parameter (§5.5.1) names.
fn expected_user(visit: &Visit, request: &AuthorizationRequest, client: &Client) -> Result<Option<UserId>, PageError> {
    let refuse = |code, description| PageError::Redirect(Box::new(request.refuse(code, description)));
    if let Some(hint) = &request.identity.id_token_hint {
        let hinted = hinted_user(&visit.app, hint, client);
        return hinted.map(Some).ok_or_else(|| refuse(ErrorCode::InvalidRequest, NO_HINT));
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
