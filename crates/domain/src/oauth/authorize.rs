//! The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3): read once, in the order of the RFCs.
//!
//! Until client and redirect URI are verified a refusal is a page; only then can it be a redirect. The types hold this:
//! [`RedirectedError`] cannot be made without a [`VerifiedRedirectUri`].

use countersign_decision::Scope;

use crate::client::{Client, ClientState, GrantType};
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
    /// The code that a redirect would have carried.
    pub const fn code(self) -> ErrorCode {
        match self {
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
    let client = client.filter(|client| client.state == ClientState::Active).ok_or(UnredirectableError::Client)?;
    let sent = parameters.value("redirect_uri");
    let mut scopes = parameters.value("scope").unwrap_or_default().split(' ');
    if sent.is_none() && scopes.any(|scope| scope == ProtocolScope::OpenId.as_str()) {
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
    let values: Vec<&str> = parameters.value("prompt").unwrap_or_default().split(' ').collect();
    for value in &values {
        match *value {
            "none" => prompt.none = true,
            "login" | "select_account" => prompt.login = true,
            "consent" => prompt.consent = true,
            _ => {}
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
mod tests {
    use super::*;
    use crate::oauth::samples::{CHALLENGE, client, public_client, scopes};

    const GOOD: [(&str, &str); 6] = [
        ("client_id", "roster"),
        ("redirect_uri", "https://app.example/cb"),
        ("response_type", "code"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];

    /// The good request with `name` set to `value`; an empty value removes it.
    fn with(name: &str, value: &str) -> Parameters {
        let mut pairs: Vec<(String, String)> = GOOD.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        pairs.retain(|(key, _)| key != name);
        pairs.push((name.to_owned(), value.to_owned()));
        Parameters::new(pairs)
    }

    fn twice(name: &str) -> Parameters {
        let mut pairs = Parameters::from(GOOD).pairs().to_vec();
        pairs.extend([(name.to_owned(), "x".to_owned()), (name.to_owned(), "x".to_owned())]);
        Parameters::new(pairs)
    }

    fn check_as(client: &Client, parameters: &Parameters) -> Result<AuthorizationRequest, AuthorizeError> {
        let known = |scope: &Scope| ["users", "users:readonly"].contains(&scope.as_str());
        AuthorizationRequest::check(parameters, Some(client), &known)
    }

    fn check(parameters: &Parameters) -> Result<AuthorizationRequest, AuthorizeError> {
        check_as(&client(), parameters)
    }

    fn redirected(result: Result<AuthorizationRequest, AuthorizeError>) -> RedirectedError {
        match result {
            Err(AuthorizeError::Redirect(error)) => *error,
            other => panic!("not redirected: {other:?}"),
        }
    }

    fn page(result: Result<AuthorizationRequest, AuthorizeError>) -> UnredirectableError {
        match result {
            Err(AuthorizeError::Page(error)) => error,
            other => panic!("not a page: {other:?}"),
        }
    }

    #[test]
    fn a_good_request_is_accepted_with_everything_it_said() {
        let request = check(&with("scope", "users users:readonly")).unwrap();
        assert_eq!(request.scopes, Some(scopes(&["users", "users:readonly"])));
        assert_eq!(request.state.as_deref(), Some("s"));
        assert_eq!(request.code_challenge.unwrap().as_str(), CHALLENGE);
    }

    #[test]
    fn a01_a35_an_unregistered_redirect_uri_is_a_page() {
        let refused = page(check(&with("redirect_uri", "https://evil.example/cb")));
        assert_eq!(refused, UnredirectableError::RedirectUri(UnverifiedRedirectUri::NotRegistered));
    }

    #[test]
    fn a08_missing_unknown_and_disabled_clients_have_one_page() {
        assert_eq!(client_id(&with("client_id", "")), Err(UnredirectableError::Client));
        let unknown = AuthorizationRequest::check(&Parameters::from(GOOD), None, &|_| true);
        assert_eq!(page(unknown), UnredirectableError::Client);
        for state in [ClientState::Disabled, ClientState::Inactive] {
            let disabled = check_as(&Client { state, ..client() }, &Parameters::from(GOOD));
            assert_eq!(page(disabled), UnredirectableError::Client);
        }
    }

    #[test]
    fn a09_a_missing_response_type_is_redirected() {
        assert_eq!(redirected(check(&with("response_type", ""))).code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn a10_every_response_type_but_code_is_unsupported() {
        for response_type in ["token", "id_token", "token id_token", "code token", "code id_token", "CODE", "none"] {
            let refused = redirected(check(&with("response_type", response_type)));
            assert_eq!(refused.code, ErrorCode::UnsupportedResponseType, "{response_type}");
        }
    }

    #[test]
    fn a11_a_doubled_parameter_is_refused_and_is_a_page_for_client_id_and_redirect_uri() {
        for name in ["scope", "state", "code_challenge", "something_else"] {
            assert_eq!(redirected(check(&twice(name))).code, ErrorCode::InvalidRequest, "{name}");
        }
        for name in ["client_id", "redirect_uri"] {
            assert_eq!(page(check(&twice(name))), UnredirectableError::Doubled(name));
        }
        assert!(client_id(&twice("client_id")).is_err());
        // RFC 8707 §2: `resource` may occur several times; `x` is none
        assert_eq!(redirected(check(&twice("resource"))).code, ErrorCode::InvalidTarget);
    }

    #[test]
    fn a12_a13_unknown_and_empty_parameters_are_ignored() {
        assert!(check(&with("magic", "1")).is_ok());
        assert_eq!(check(&with("scope", "")).unwrap().scopes, None);
        assert_eq!(check(&with("state", "")).unwrap().state, None);
    }

    #[test]
    fn a16_a_malformed_or_unknown_scope_is_redirected() {
        for scope in ["userz", "users userz", "us\"ers"] {
            assert_eq!(redirected(check(&with("scope", scope))).code, ErrorCode::InvalidScope, "{scope}");
        }
    }

    #[test]
    fn a19_a_missing_challenge_is_refused_unless_a_confidential_client_needs_none() {
        let without = Parameters::new(
            Parameters::from(GOOD).pairs().iter().filter(|(name, _)| !name.starts_with("code_")).cloned().collect(),
        );
        assert_eq!(redirected(check(&without)).code, ErrorCode::InvalidRequest);
        assert!(check_as(&Client { pkce_required: false, ..client() }, &without).is_ok());
        let public = check_as(&Client { pkce_required: false, ..public_client() }, &without);
        assert_eq!(redirected(public).code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn a20_a21_plain_missing_unknown_methods_and_malformed_challenges_are_refused() {
        for (name, value) in [
            ("code_challenge_method", "plain"),
            ("code_challenge_method", ""),
            ("code_challenge_method", "S512"),
            ("code_challenge", "short"),
            ("code_challenge", &"a".repeat(129)),
        ] {
            let lax = Client { pkce_required: false, ..client() };
            assert_eq!(
                redirected(check_as(&lax, &with(name, value))).code,
                ErrorCode::InvalidRequest,
                "{name}={value}"
            );
        }
    }

    #[test]
    fn a26_a_state_over_the_limit_is_refused_and_not_cut() {
        let refused = redirected(check(&with("state", &"x".repeat(MAX_STATE_BYTES + 1))));
        assert_eq!((refused.code, refused.state), (ErrorCode::InvalidRequest, None));
        assert!(check(&with("state", &"x".repeat(MAX_STATE_BYTES))).is_ok());
    }

    #[test]
    fn a38_prompt_none_with_anything_else_is_refused() {
        assert_eq!(redirected(check(&with("prompt", "none login"))).code, ErrorCode::InvalidRequest);
        assert!(check(&with("prompt", "none")).unwrap().prompt.none);
        assert!(check(&with("prompt", "login consent")).unwrap().prompt.login);
    }

    #[test]
    fn a41_request_objects_are_not_supported() {
        assert_eq!(redirected(check(&with("request", "x"))).code, ErrorCode::RequestNotSupported);
    }

    #[test]
    fn b08_a_client_that_must_push_or_sign_can_do_nothing_else() {
        let mut client = client();
        let way = |is_pushed, is_signed| Way { is_pushed, is_signed };
        assert_eq!(check_way(&client, way(false, false)), Ok(()));
        client.metadata.require_signed_request_object = true;
        assert_eq!(check_way(&client, way(true, false)), Err(UnredirectableError::NotSigned));
        assert_eq!(check_way(&client, way(false, true)), Ok(()));
        client.metadata.require_pushed_authorization_requests = true;
        assert_eq!(check_way(&client, way(false, true)), Err(UnredirectableError::NotPushed));
        assert_eq!(check_way(&client, way(true, true)), Ok(()));
    }

    #[test]
    fn c60_a_key_is_named_by_its_thumbprint_or_not_at_all() {
        let thumbprint = Thumbprint::of(b"key");
        assert_eq!(check(&with("dpop_jkt", &thumbprint.to_string())).unwrap().dpop_jkt, Some(thumbprint));
        assert_eq!(redirected(check(&with("dpop_jkt", "x"))).code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn a_client_without_the_code_grant_is_unauthorized() {
        let other = Client { grant_types: vec![GrantType::ClientCredentials], ..client() };
        assert_eq!(redirected(check_as(&other, &Parameters::from(GOOD))).code, ErrorCode::UnauthorizedClient);
    }

    #[test]
    fn a_login_hint_is_an_email_an_organization_or_both() {
        let hints = |hint| {
            let hints = check(&with("login_hint", hint)).unwrap().hints;
            (hints.email, hints.organization)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(hints("ada@acme.test"), (some("ada@acme.test"), None));
        assert_eq!(hints("acme"), (None, some("acme")));
        assert_eq!(hints("ada@acme.test:acme"), (some("ada@acme.test"), some("acme")));
    }
}
