//! What an authorization request may say.

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
        assert_eq!(redirected(check_as(&lax, &with(name, value))).code, ErrorCode::InvalidRequest, "{name}={value}");
    }
}

#[test]
fn a26_a_state_over_the_limit_is_refused_and_not_cut() {
    let refused = redirected(check(&with("state", &"x".repeat(MAX_STATE_BYTES + 1))));
    assert_eq!((refused.code, refused.state), (ErrorCode::InvalidRequest, None));
    assert!(check(&with("state", &"x".repeat(MAX_STATE_BYTES))).is_ok());
}

#[test]
fn an_unknown_prompt_is_refused_and_blanks_are_not() {
    for bad in ["create", "NONE", "login,consent", "login create"] {
        assert_eq!(redirected(check(&with("prompt", bad))).code, ErrorCode::InvalidRequest, "{bad}");
    }
    assert!(check(&with("prompt", " none")).unwrap().prompt.none);
    assert!(check(&with("prompt", "login  consent")).unwrap().prompt.consent);
}

#[test]
fn registration_is_not_supported() {
    let refused = redirected(check(&with("registration", "{}")));
    assert_eq!(refused.code.as_str(), "registration_not_supported");
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
