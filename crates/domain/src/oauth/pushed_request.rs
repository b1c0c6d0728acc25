//! Pushed authorization requests (RFC 9126): the client sends its request itself, authenticated, and the browser carries only
//! a reference to it.

use countersign_decision::Scope;
use serde::Serialize;

use crate::client::Client;
use crate::entropy::Entropy;
use crate::id::ClientId;
use crate::oauth::authorize::{AuthorizationRequest, AuthorizeError};
use crate::oauth::dpop::DpopError;
use crate::oauth::error::{ErrorCode, quotable};
use crate::oauth::parameters::Parameters;
use crate::oauth::thumbprint::Thumbprint;
use crate::secret::{Digest, Secret, SecretKind};
use crate::time::Timestamp;

/// How long a reference can be opened, in seconds (RFC 9126 §2.2: 5 to 600).
pub const PUSHED_REQUEST_SECONDS: i64 = 60;
/// The longest request that is kept, in bytes: as for a query (A56).
pub const MAX_PUSHED_BYTES: usize = 16 * 1_024;
/// RFC 9126 §2.2
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// What is kept of a pushed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRequest {
    /// Digest of the reference's secret.
    pub digest: Digest,
    /// Who pushed it; nobody else can refer to it.
    pub client: ClientId,
    /// The request, without what proved the client.
    pub parameters: Vec<(String, String)>,
    /// Until when the reference can be opened.
    pub expires_at: Timestamp,
}

/// RFC 9126 §2.2: the answer.
#[derive(Debug, Serialize)]
pub struct PushedResponse {
    request_uri: String,
    expires_in: i64,
}

/// Why a request cannot be pushed (RFC 9126 §2.3): code and description.
pub type PushRefusal = (ErrorCode, String);

/// Checks a request that the authenticated `client` pushes, as the authorization endpoint would (RFC 9126 §2.1), and makes
/// what is kept of it. `proven_key` is that of the DPoP proof that came with it; `is_known` says
/// whether a loaded contract uses a scope.
///
/// # Errors
/// The first thing that is wrong.
pub fn push(
    form: &Parameters,
    client: &Client,
    proven_key: Option<Thumbprint>,
    is_known: &dyn Fn(&Scope) -> bool,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(PushedResponse, PushedRequest), PushRefusal> {
    // RFC 6749 §3.1
    if let Some(name) = form.doubled() {
        return Err((ErrorCode::InvalidRequest, format!("`{}` occurs more than once", quotable(name))));
    }
    // RFC 9126 §2.1: `request_uri` MUST NOT be provided.
    if form.value("request_uri").is_some() {
        return Err((ErrorCode::InvalidRequest, "`request_uri` cannot be pushed".to_owned()));
    }
    let mut parameters = own_parameters(form, client);
    // RFC 9449 §10.1: a proof stands for `dpop_jkt`, and must not contradict it.
    if let Some(key) = proven_key {
        match form.value("dpop_jkt") {
            Some(named) if named != key.to_string() => {
                return Err((DpopError::OtherKey.code(), DpopError::OtherKey.to_string()));
            }
            Some(_) => {}
            None => parameters.push(("dpop_jkt".to_owned(), key.to_string())),
        }
    }
    let length: usize = parameters.iter().map(|(name, value)| name.len() + value.len()).sum();
    if length > MAX_PUSHED_BYTES {
        return Err((ErrorCode::InvalidRequest, format!("the request is longer than {MAX_PUSHED_BYTES} bytes")));
    }
    AuthorizationRequest::check(&Parameters::new(parameters.clone()), Some(client), is_known).map_err(refusal)?;
    let secret = Secret::generate(SecretKind::PushedRequest, entropy);
    let (digest, client) = (secret.digest(), client.id.clone());
    let response =
        PushedResponse { request_uri: format!("{URN}{}", secret.expose()), expires_in: PUSHED_REQUEST_SECONDS };
    let expires_at = now.plus_seconds(PUSHED_REQUEST_SECONDS);
    Ok((response, PushedRequest { digest, client, parameters, expires_at }))
}

/// The pushed request that `request_uri` refers to; `None` when it is no reference of ours. Nothing else is ever fetched
/// (A44).
pub fn referred(request_uri: &str) -> Option<Digest> {
    let secret = Secret::parse(SecretKind::PushedRequest, request_uri.strip_prefix(URN)?)?;
    Some(secret.digest())
}

/// RFC 9126 §2.1: what proves the client is no part of the request. Whoever is proven stands in it.
fn own_parameters(form: &Parameters, client: &Client) -> Vec<(String, String)> {
    const OF_THE_CLIENT: [&str; 4] = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];
    let mut parameters = vec![("client_id".to_owned(), client.id.to_string())];
    parameters.extend(form.pairs().iter().filter(|(name, _)| !OF_THE_CLIENT.contains(&name.as_str())).cloned());
    parameters
}

/// Here nobody is redirected: every refusal is the answer.
fn refusal(error: AuthorizeError) -> PushRefusal {
    match error {
        AuthorizeError::Page(error) => (ErrorCode::InvalidRequest, error.to_string()),
        AuthorizeError::Redirect(error) => (error.code, error.description),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::oauth::samples::{CHALLENGE, ISSUED, client};

    const GOOD: [(&str, &str); 7] = [
        ("client_id", "roster"),
        ("client_secret", "s"),
        ("redirect_uri", "https://app.example/cb"),
        ("response_type", "code"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];

    fn push_with(name: &str, value: &str) -> Result<(PushedResponse, PushedRequest), PushRefusal> {
        let mut pairs = Parameters::from(GOOD).pairs().to_vec();
        pairs.retain(|(key, _)| key != name);
        pairs.push((name.to_owned(), value.to_owned()));
        push_form(&Parameters::new(pairs), None)
    }

    fn push_form(form: &Parameters, key: Option<Thumbprint>) -> Result<(PushedResponse, PushedRequest), PushRefusal> {
        push(form, &client(), key, &|scope| scope.as_str() == "users", ISSUED, &SeededEntropy::new(1))
    }

    #[test]
    fn b11_a_proof_stands_for_the_key_and_must_be_of_the_one_that_is_named() {
        let (mine, other) = (Thumbprint::of(b"mine"), Thumbprint::of(b"other"));
        let named = |key: Thumbprint| {
            let mut pairs = Parameters::from(GOOD).pairs().to_vec();
            pairs.push(("dpop_jkt".to_owned(), key.to_string()));
            Parameters::new(pairs)
        };
        let kept = |form: &Parameters, key| {
            let (_, kept) = push_form(form, key).unwrap();
            Parameters::new(kept.parameters).value("dpop_jkt").map(str::to_owned)
        };
        assert_eq!(kept(&Parameters::from(GOOD), Some(mine)), Some(mine.to_string()));
        assert_eq!(kept(&named(mine), Some(mine)), Some(mine.to_string()));
        assert_eq!(kept(&named(mine), None), Some(mine.to_string()));
        assert_eq!(push_form(&named(other), Some(mine)).unwrap_err().0, ErrorCode::InvalidDpopProof);
    }

    #[test]
    fn b03_a_request_gets_a_reference_of_256_bits_for_a_minute() {
        let (response, kept) = push_with("scope", "users").unwrap();
        assert_eq!((response.expires_in, kept.expires_at), (60, ISSUED.plus_seconds(60)));
        assert_eq!(response.request_uri.len(), URN.len() + "cs_pr_".len() + 43 + 6);
        assert_eq!(referred(&response.request_uri), Some(kept.digest));
    }

    #[test]
    fn what_proved_the_client_is_not_kept() {
        let (_, kept) = push_with("client_assertion", "x").unwrap();
        let names: Vec<&str> = kept.parameters.iter().map(|(name, _)| name.as_str()).collect();
        let expected =
            ["client_id", "redirect_uri", "response_type", "state", "code_challenge", "code_challenge_method"];
        assert_eq!(names, expected);
    }

    #[test]
    fn b02_a_request_uri_cannot_be_pushed() {
        assert_eq!(push_with("request_uri", "urn:x").unwrap_err().0, ErrorCode::InvalidRequest);
    }

    #[test]
    fn b07_what_the_authorization_endpoint_would_refuse_is_refused() {
        for (name, value, code) in [
            ("redirect_uri", "https://evil.example/cb", ErrorCode::InvalidRequest),
            ("response_type", "token", ErrorCode::UnsupportedResponseType),
            ("scope", "userz", ErrorCode::InvalidScope),
            ("code_challenge", "", ErrorCode::InvalidRequest),
            ("x", &"a".repeat(MAX_PUSHED_BYTES), ErrorCode::InvalidRequest),
        ] {
            assert_eq!(push_with(name, value).unwrap_err().0, code, "{name}");
        }
    }

    #[test]
    fn a44_nothing_but_our_own_reference_is_one() {
        for other in
            ["https://evil.example/request", "http://169.254.169.254/", "urn:ietf:params:oauth:request_uri:x", ""]
        {
            assert_eq!(referred(other), None, "{other}");
        }
    }
}
