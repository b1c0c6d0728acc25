//! Client assertions, `private_key_jwt` (RFC 7521 §4.2, RFC 7523 §2.2 and §3, OpenID Connect Core §9).

use crate::client::Client;
use crate::oauth::claims::{CLOCK_SKEW_SECONDS, ClaimError};
use crate::oauth::jws::{Jws, JwsAlgorithm, JwsError};
use crate::oauth::used_proof::UsedProof;
use crate::time::Timestamp;

/// RFC 7523 §2.2: the only value of `client_assertion_type`.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far ahead `exp` may lie, in seconds.
pub const MAX_ASSERTION_SECONDS: i64 = 300;
/// The longest `jti` that is kept.
pub const MAX_JTI_BYTES: usize = 256;

/// Why an assertion does not prove its client. For our log: the client only hears that authentication failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// The client registered no keys.
    #[error("the client has no keys registered")]
    NoKeys,
    /// RFC 7515
    #[error("the assertion is no signature that counts: {0}")]
    Signature(#[from] JwsError),
    /// RFC 7523 §3
    #[error("the assertion is not for us or not now: {0}")]
    Claim(#[from] ClaimError),
}

/// The client that an assertion names, before anything is believed: to look its keys up.
pub fn named_client(assertion: &str) -> Option<String> {
    let jws = Jws::read(assertion, &JwsAlgorithm::ALL).ok()?;
    jws.unverified_text("sub").map(str::to_owned)
}

/// The algorithms that a client may sign with (FAPI 2.0 §5.4.1 leaves out RS256).
pub fn algorithms(client: &Client) -> &'static [JwsAlgorithm] {
    if client.metadata.is_fapi() { &JwsAlgorithm::STRONG } else { &JwsAlgorithm::ALL }
}

/// Whether `assertion` proves that its sender is `client`, to the server whose issuer is `issuer`. The use must still be
/// claimed.
///
/// # Errors
/// The first rule of RFC 7523 §3 that is broken.
pub fn verify(assertion: &str, client: &Client, issuer: &str, now: Timestamp) -> Result<UsedProof, AssertionError> {
    let keys = client.metadata.jwks.as_ref().ok_or(AssertionError::NoKeys)?;
    let jws = Jws::read(assertion, algorithms(client))?;
    // RFC 8725 §3.11: a signed request or a proof of the same key is not an assertion
    let jws = if jws.has_type() { jws.typed(&["jwt", "client-authentication+jwt"])? } else { jws };
    // RFC 7523 §3 rule 9
    let claims = jws.verify(keys)?;
    // rules 1 and 2.B: both are the client
    for name in ["iss", "sub"] {
        if claims.text(name)? != client.id.as_str() {
            return Err(ClaimError::Wrong(name).into());
        }
    }
    // rule 3
    let is_for_us = if client.metadata.is_fapi() {
        // FAPI 2.0 §5.3.2.1: the issuer alone, as a text, so that no other server's endpoint can take it (RFC 7523bis)
        claims.single_audience() == Some(issuer)
    } else {
        // OpenID Connect Core §9, RFC 9126 §2: the endpoints stand for the issuer
        let names = [issuer.to_owned(), format!("{issuer}/oauth/token"), format!("{issuer}/oauth/par")];
        names.iter().any(|name| claims.is_for(name))
    };
    if !is_for_us {
        return Err(ClaimError::Wrong("aud").into());
    }
    // rules 4, 5 and 6
    let expires_at = claims.check_times(MAX_ASSERTION_SECONDS, now)?;
    // rule 7; OpenID Connect Core §9 requires it
    let jti = claims.text("jti")?;
    if jti.len() > MAX_JTI_BYTES {
        return Err(ClaimError::Wrong("jti").into());
    }
    Ok(UsedProof::of_assertion(client.id.as_str(), jti, expires_at.plus_seconds(CLOCK_SKEW_SECONDS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::metadata::{AuthMethod, ClientMetadata, SecurityProfile};
    use crate::oauth::samples::{ISSUED, Key, client};
    use serde_json::{Value, json};

    const ISSUER: &str = "https://as.example";

    fn client_of(key: &Key) -> Client {
        let metadata = ClientMetadata {
            token_endpoint_auth_method: Some(AuthMethod::PrivateKeyJwt),
            jwks: Some(key.jwks()),
            ..ClientMetadata::default()
        };
        Client { metadata, ..client() }
    }

    fn fapi_client_of(key: &Key) -> Client {
        let mut client = client_of(key);
        client.metadata.security_profile = Some(SecurityProfile::Fapi2);
        client
    }

    fn claims() -> Value {
        let now = ISSUED.as_seconds();
        json!({ "iss": "roster", "sub": "roster", "aud": ISSUER, "jti": "a", "iat": now, "exp": now + 60 })
    }

    /// The good claims with one changed; null removes it.
    fn with(name: &str, value: impl Into<Value>) -> Value {
        let mut claims = claims();
        claims[name] = value.into();
        if claims[name].is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
        claims
    }

    fn verify_claims(claims: Value) -> Result<UsedProof, AssertionError> {
        let key = Key::es256();
        verify(&key.sign(claims), &client_of(&key), ISSUER, ISSUED)
    }

    #[test]
    fn a_right_assertion_is_one_use_until_it_expires() {
        let used = verify_claims(claims()).unwrap();
        assert_eq!(used, UsedProof::of_assertion("roster", "a", ISSUED.plus_seconds(120)));
        assert_ne!(verify_claims(with("jti", "b")).unwrap().digest, used.digest);
    }

    #[test]
    fn c24_each_claim_must_be_there_and_right() {
        let now = ISSUED.as_seconds();
        for (name, value) in [
            ("iss", json!("other")),
            ("iss", json!(null)),
            ("sub", json!("other")),
            ("sub", json!(null)),
            ("aud", json!("https://other.example")),
            ("aud", json!(null)),
            ("exp", json!(now - 60)),
            ("exp", json!(now + 361)),
            ("exp", json!(null)),
            ("nbf", json!(now + 61)),
            ("iat", json!(now - 361)),
            ("iat", json!(now + 61)),
            ("jti", json!(null)),
            ("jti", json!("x".repeat(257))),
        ] {
            let refused = verify_claims(with(name, value.clone())).unwrap_err();
            assert!(matches!(refused, AssertionError::Claim(_)), "{name} {value}: {refused}");
        }
    }

    #[test]
    fn c24_headers_that_weaken_or_misdirect_are_refused() {
        let key = Key::es256();
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "ES256", "kid": "unknown" }),
            json!({ "alg": "ES256", "kid": "../../keys/1' OR '1'='1" }),
            json!({ "alg": "ES256", "jku": "https://evil.example/jwks" }),
            json!({ "alg": "ES256", "x5u": "https://evil.example/cert" }),
            json!({ "alg": "ES256", "jwk": key.public() }),
            json!({ "alg": "ES256", "typ": "dpop+jwt" }),
            json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt" }),
        ] {
            let refused = verify(&key.sign_with(header.clone(), claims()), &client_of(&key), ISSUER, ISSUED);
            assert!(matches!(refused, Err(AssertionError::Signature(_))), "{header}");
        }
        let typed = key.sign_with(json!({ "alg": "ES256", "typ": "client-authentication+jwt" }), claims());
        assert!(verify(&typed, &client_of(&key), ISSUER, ISSUED).is_ok());
    }

    #[test]
    fn c24_fapi_takes_no_rs256() {
        let (rs256, ps256) = (Key::rsa("RS256"), Key::rsa("PS256"));
        assert!(verify(&rs256.sign(claims()), &client_of(&rs256), ISSUER, ISSUED).is_ok());
        assert!(verify(&rs256.sign(claims()), &fapi_client_of(&rs256), ISSUER, ISSUED).is_err());
        assert!(verify(&ps256.sign(claims()), &fapi_client_of(&ps256), ISSUER, ISSUED).is_ok());
    }

    #[test]
    fn b10_a_fapi_client_names_the_issuer_alone_and_others_may_name_an_endpoint() {
        let key = Key::es256();
        for aud in [
            json!("https://as.example/oauth/token"),
            json!("https://as.example/oauth/par"),
            json!([ISSUER]),
            json!([ISSUER, "https://other.example"]),
        ] {
            let assertion = key.sign(with("aud", aud.clone()));
            assert!(verify(&assertion, &client_of(&key), ISSUER, ISSUED).is_ok(), "{aud}");
            assert!(verify(&assertion, &fapi_client_of(&key), ISSUER, ISSUED).is_err(), "{aud}");
        }
        assert!(verify(&key.sign(claims()), &fapi_client_of(&key), ISSUER, ISSUED).is_ok());
    }

    #[test]
    fn the_client_is_found_by_what_the_assertion_says() {
        assert_eq!(named_client(&Key::es256().sign(claims())).as_deref(), Some("roster"));
        assert_eq!(named_client("not.a.jws"), None);
    }
}
