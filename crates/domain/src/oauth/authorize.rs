//! The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3): read once, in the order of the RFCs.
//!
//! Until client and redirect URI are verified a refusal is a page; only then can it be a redirect. The types hold this:
//! [`RedirectedError`] cannot be made without a [`VerifiedRedirectUri`].

use countersign_decision::Scope;

use crate::client::document_address::looks_like_one;
use crate::client::{Client, ClientState, GrantType};
use crate::oauth::authorization_details::refuse_any;
use crate::oauth::authorization_response::{RedirectedError, ResponseMode};
use crate::oauth::error::{ErrorCode, quotable};
use crate::oauth::openid::protocol_scope::{ProtocolScope, RequestedScopes};
use crate::oauth::openid::wish::IdentityWish;
use crate::oauth::parameters::Parameters;
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::redirect_uri::{UnverifiedRedirectUri, VerifiedRedirectUri};
use crate::oauth::request_object::RequestObjectError;
use crate::oauth::resource;
use crate::oauth::thumbprint::Thumbprint;

/// The longest `state` that is carried, in bytes: a longer one is refused, never cut.
pub const MAX_STATE_BYTES: usize = 8_192;

/// An authorization request whose client, redirect URI, scopes and code challenge have been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Where the answer goes.
    pub redirect_uri: VerifiedRedirectUri,
    /// Echoed unchanged.
    pub state: Option<String>,
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// What was asked for about the person.
    pub protocol_scopes: Vec<ProtocolScope>,
    /// What else OpenID Connect says about the person and the sign-in.
    pub identity: IdentityWish,
    /// What was asked for of operations; `None`: whatever the organization authorizes.
    pub scopes: Option<Vec<Scope>>,
    /// RFC 7636; `None` only for confidential clients that need none.
    pub code_challenge: Option<CodeChallenge>,
    /// RFC 8707: the APIs that tokens are wanted for; empty: all.
    pub resources: Vec<String>,
    /// RFC 9449 §10: the key whose proof must redeem the code.
    pub dpop_jkt: Option<Thumbprint>,
    /// What the client wants people to be asked.
    pub prompt: Prompt,
    /// Whom the client expects: prefills the sign-in page, proves nothing.
    pub hints: Hints,
}

/// OpenID Connect Core §3.1.2.1 `prompt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prompt {
    /// Ask nothing: answer or fail.
    pub none: bool,
    /// Sign in again, even where somebody is signed in.
    pub login: bool,
    /// Ask for consent again.
    pub consent: bool,
}

/// Genesys' `org` and `login_hint` (an e-mail, an organization, or `email:org`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    /// The organization to sign in to, as the client wrote it.
    pub organization: Option<String>,
    /// The e-mail to prefill.
    pub email: Option<String>,
}

/// Why a request is answered with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnredirectableError {
    /// RFC 6749 §3.1
    #[error("`{0}` occurs more than once")]
    Doubled(&'static str),
    /// RFC 6749 §4.1.2.1; one text for missing, unknown and disabled (A08).
    #[error("`client_id` is missing, or no active app has this id")]
    Client,
    /// Client id metadata documents §4; one text, whatever was found there or not.
    #[error("`client_id` is an address, and no document there describes this app; or such apps are not taken here")]
    Document,
    /// OpenID Connect Core §3.1.2.1: `redirect_uri` is REQUIRED (A07).
    #[error("`redirect_uri` is missing: a request with the scope `openid` must send it")]
    RedirectUriMissing,
    /// RFC 6749 §4.1.2.1
    #[error(transparent)]
    RedirectUri(#[from] UnverifiedRedirectUri),
    /// RFC 9126 §2.2, §4; one text for every reference that cannot be opened.
    #[error("`request_uri` is not a fresh reference to a request that this app pushed")]
    RequestUri,
    /// RFC 9126 §5
    #[error("this app must push its requests: only `client_id` and `request_uri` stand in the address")]
    NotPushed,
    /// RFC 9101 §10.5
    #[error("this app must sign its requests: send them as `request`")]
    NotSigned,
    /// RFC 9101 §6
    #[error(transparent)]
    RequestObject(#[from] RequestObjectError),
}

impl UnredirectableError {
    /// Why nothing is known of a client with this id.
    #[must_use]
    pub fn unknown_client(id: &str) -> Self {
        if looks_like_one(id) { Self::Document } else { Self::Client }
    }

    /// The code that a redirect would have carried.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Document => ErrorCode::InvalidClient,
            Self::RequestUri => ErrorCode::InvalidRequestUri,
            Self::RequestObject(_) => ErrorCode::InvalidRequestObject,
            _ => ErrorCode::InvalidRequest,
        }
    }
}

/// A refused authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeError {
    /// Shown to the person: nothing is known that may be redirected to.
    Page(UnredirectableError),
    /// Sent to the client.
    Redirect(Box<RedirectedError>),
}

/// The client id of a request, not yet believed: look the client up, then [`AuthorizationRequest::check`].
///
/// # Errors
/// When it is missing or doubled.
pub fn client_id(parameters: &Parameters) -> Result<&str, UnredirectableError> {
    // RFC 6749 §3.1: request parameters MUST NOT be included more than once.
    if parameters.is_doubled("client_id") {
        return Err(UnredirectableError::Doubled("client_id"));
    }
    parameters.value("client_id").ok_or(UnredirectableError::Client)
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// The client pushed it (RFC 9126).
    pub is_pushed: bool,
    /// The client signed it (RFC 9101).
    pub is_signed: bool,
}

/// RFC 9126 §5, RFC 9101 §10.5: whether a request of `client` may come the way that it did.
///
/// # Errors
/// `NotPushed`, `NotSigned`.
pub fn check_way(client: &Client, way: Way) -> Result<(), UnredirectableError> {
    if client.metadata.needs_pushed_requests() && !way.is_pushed {
        return Err(UnredirectableError::NotPushed);
    }
    if client.metadata.require_signed_request_object && !way.is_signed {
        return Err(UnredirectableError::NotSigned);
    }
    Ok(())
}

impl AuthorizationRequest {
    /// Checks a request of `client` (`None`: unknown). `is_known` says whether a loaded contract uses a scope; whether the
    /// resources are known is for the store to say.
    ///
    /// # Errors
    /// The first thing that is wrong, as page or redirect.
    pub fn check(
        parameters: &Parameters,
        client: Option<&Client>,
        is_known: &dyn Fn(&Scope) -> bool,
    ) -> Result<Self, AuthorizeError> {
        let (client, redirect_uri) = verify(parameters, client).map_err(AuthorizeError::Page)?;
        let state = parameters.value("state").filter(|state| state.len() <= MAX_STATE_BYTES).map(str::to_owned);
        let response_mode = ResponseMode::read(parameters);
        let answer = |(code, description): (ErrorCode, String)| {
            let (redirect_uri, state) = (redirect_uri.clone(), state.clone());
            let response_mode = response_mode.unwrap_or_default();
            AuthorizeError::Redirect(Box::new(RedirectedError {
                redirect_uri,
                response_mode,
                state,
                code,
                description,
            }))
        };
        check_form(parameters, client).map_err(answer)?;
        let requested = check_scopes(parameters, is_known).map_err(answer)?;
        // RFC 9396 §5
        let details = refuse_any(parameters);
        details.map_err(|error| answer((error.code(), error.to_string())))?;
        let code_challenge = check_challenge(parameters, client).map_err(answer)?;
        let resources = resource::requested(parameters);
        let resources = resources.map_err(|error| answer((error.code(), error.to_string())))?;
        let dpop_jkt = parameters.value("dpop_jkt").map(Thumbprint::parse).transpose();
        let dpop_jkt = dpop_jkt.map_err(|error| answer((ErrorCode::InvalidRequest, format!("`dpop_jkt`: {error}"))))?;
        let prompt = check_prompt(parameters).map_err(answer)?;
        let identity = IdentityWish::read(parameters, client).map_err(answer)?;
        let hints = Hints::read(parameters);
        let (protocol_scopes, scopes) = match requested {
            Some(RequestedScopes { protocol, contract }) => (protocol, Some(contract)),
            None => (Vec::new(), None),
        };
        let response_mode = response_mode.unwrap_or_default();
        Ok(Self {
            redirect_uri,
            state,
            response_mode,
            protocol_scopes,
            identity,
            scopes,
            code_challenge,
            resources,
            dpop_jkt,
            prompt,
            hints,
        })
    }
}

/// What must hold before anything is redirected anywhere (RFC 6749 §4.1.2.1, OAuth 2.1 §7.13.2).
fn verify<'c>(
    parameters: &Parameters,
    client: Option<&'c Client>,
) -> Result<(&'c Client, VerifiedRedirectUri), UnredirectableError> {
    for name in ["client_id", "redirect_uri"] {
        if parameters.is_doubled(name) {
            return Err(UnredirectableError::Doubled(name));
        }
    }
    let unknown = UnredirectableError::unknown_client(parameters.value("client_id").unwrap_or_default());
    let client = client.filter(|client| client.state == ClientState::Active).ok_or(unknown)?;
    let sent = parameters.value("redirect_uri");
    let mut scopes = parameters.value("scope").unwrap_or_default().split(' ');
    // OpenID Connect Core §3.1.2.1; FAPI 2.0 Security Profile §5.3.2.2: REQUIRED
    let is_required = client.metadata.is_fapi() || scopes.any(|scope| scope == ProtocolScope::OpenId.as_str());
    if sent.is_none() && is_required {
        return Err(UnredirectableError::RedirectUriMissing);
    }
    // RFC 6749 §3.1.2.3
    let redirect_uri = VerifiedRedirectUri::of(client, sent)?;
    Ok((client, redirect_uri))
}

type Refusal = (ErrorCode, String);

fn check_form(parameters: &Parameters, client: &Client) -> Result<(), Refusal> {
    // RFC 6749 §3.1
    if let Some(name) = parameters.doubled() {
        return Err((ErrorCode::InvalidRequest, format!("`{}` occurs more than once", quotable(name))));
    }
    if parameters.value("state").is_some_and(|state| state.len() > MAX_STATE_BYTES) {
        return Err((ErrorCode::InvalidRequest, format!("`state` is longer than {MAX_STATE_BYTES} bytes")));
    }
    // OpenID Connect Core §6.1, §6.2
    if parameters.value("request").is_some() {
        let description = "`request` is not supported for an app that has registered no keys";
        return Err((ErrorCode::RequestNotSupported, description.to_owned()));
    }
    // OpenID Connect Core §3.1.2.6, §7.2.1
    if parameters.value("registration").is_some() {
        let description = "`registration` is not supported: it is for providers that people run themselves";
        return Err((ErrorCode::RegistrationNotSupported, description.to_owned()));
    }
    // RFC 6749 §3.1.1; RFC 9700 §2.1.2: no token leaves this endpoint.
    match parameters.value("response_type") {
        Some("code") => {}
        Some(_) => return Err((ErrorCode::UnsupportedResponseType, "`response_type` must be `code`".to_owned())),
        None => return Err((ErrorCode::InvalidRequest, "`response_type` is missing: it must be `code`".to_owned())),
    }
    if ResponseMode::read(parameters).is_none() {
        return Err((ErrorCode::InvalidRequest, "`response_mode` must be `query` or `form_post`".to_owned()));
    }
    // RFC 6749 §4.1.2.1
    if !client.has_grant(GrantType::AuthorizationCode) {
        let description = "the app is not registered for the grant type authorization_code";
        return Err((ErrorCode::UnauthorizedClient, description.to_owned()));
    }
    Ok(())
}

fn check_scopes(
    parameters: &Parameters,
    is_known: &dyn Fn(&Scope) -> bool,
) -> Result<Option<RequestedScopes>, Refusal> {
    let requested = parameters.value("scope").map(|text| RequestedScopes::parse(text, is_known)).transpose();
    requested.map_err(|error| (error.code(), error.to_string()))
}

fn check_challenge(parameters: &Parameters, client: &Client) -> Result<Option<CodeChallenge>, Refusal> {
    let (challenge, method) = (parameters.value("code_challenge"), parameters.value("code_challenge_method"));
    let challenge =
        CodeChallenge::of_request(challenge, method).map_err(|error| (ErrorCode::InvalidRequest, error.to_string()))?;
    // RFC 9700 §2.1.1: public clients MUST use PKCE, whatever they were registered with.
    let is_required = client.pkce_required || !client.is_confidential;
    if challenge.is_none() && is_required {
        return Err((ErrorCode::InvalidRequest, "`code_challenge` is missing: PKCE with S256 is required".to_owned()));
    }
    Ok(challenge)
}

fn check_prompt(parameters: &Parameters) -> Result<Prompt, Refusal> {
    let mut prompt = Prompt::default();
    let values = parameters.value("prompt").unwrap_or_default().split(' ').filter(|value| !value.is_empty());
    let values: Vec<&str> = values.collect();
    for value in &values {
        match *value {
            "none" => prompt.none = true,
            "login" | "select_account" => prompt.login = true,
            "consent" => prompt.consent = true,
            // Initiating User Registration via OpenID Connect §4: a value that the metadata do not list
            _ => {
                let rule = "`prompt` must be `none`, or `login`, `consent` and `select_account`, separated by blanks";
                return Err((ErrorCode::InvalidRequest, rule.to_owned()));
            }
        }
    }
    // OpenID Connect Core §3.1.2.1: `none` with any other value is an error.
    if prompt.none && values.len() > 1 {
        return Err((ErrorCode::InvalidRequest, "`prompt` cannot be `none` and something else".to_owned()));
    }
    Ok(prompt)
}

impl Hints {
    fn read(parameters: &Parameters) -> Self {
        let hint = parameters.value("login_hint").unwrap_or_default();
        let (email, organization) = match hint.split_once(':') {
            Some((email, organization)) => (email, organization),
            None if hint.contains('@') => (hint, ""),
            None => ("", hint),
        };
        let organization = parameters.value("org").unwrap_or(organization);
        let filled = |text: &str| (!text.is_empty() && text.len() <= 254).then(|| text.to_owned());
        Self { organization: filled(organization), email: filled(email) }
    }
}

#[cfg(test)]
mod tests;
