//! Signed authorization requests (RFC 9101, OpenID Connect Core §6.1): the client signs what it asks for, and nothing beside
//! the signature counts.

use serde_json::Value;

use crate::client::Client;
use crate::oauth::claims::{ClaimError, Claims};
use crate::oauth::client_assertion::algorithms;
use crate::oauth::jws::{Jws, JwsError};
use crate::oauth::parameters::Parameters;
use crate::time::Timestamp;

/// How far ahead `exp` may lie, in seconds (FAPI 2.0 Message Signing §5.3.1: 60 minutes).
pub const MAX_REQUEST_OBJECT_SECONDS: i64 = 3_600;

/// Why a signed request does not count (`invalid_request_object`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestObjectError {
    /// RFC 9101 §10.2
    #[error("the request object is no signature of this app that counts: {0}")]
    Signature(#[from] JwsError),
    /// RFC 9101 §4, §10.3
    #[error("the request object is not for us, not of this app or not for now: {0}")]
    Claim(#[from] ClaimError),
    /// RFC 6749 §3.1
    #[error("a parameter beside the request object occurs more than once")]
    Doubled,
    /// RFC 9101 §4: `request` and `request_uri` MUST NOT be included.
    #[error("the request object holds another request")]
    Nested,
    /// A claim that has no form as parameter.
    #[error(
        "the request object holds a parameter that is neither a text nor a number nor an object; \
         only `resource` is a list of texts, and `authorization_details` a list of objects"
    )]
    Parameter,
}

/// The parameters inside the request object of `parameters`, signed by `client` for the server whose issuer is `issuer`;
/// `None` where there is no request object, or the client registered no keys to sign one with.
///
/// # Errors
/// The first rule of RFC 9101 that is broken.
pub fn unfold(
    parameters: &Parameters,
    client: &Client,
    issuer: &str,
    now: Timestamp,
) -> Result<Option<Parameters>, RequestObjectError> {
    let (Some(object), Some(keys)) = (parameters.value("request"), client.metadata.jwks.as_ref()) else {
        return Ok(None);
    };
    if parameters.doubled().is_some() {
        return Err(RequestObjectError::Doubled);
    }
    // RFC 9101 §10.2, §10.8: a client assertion or a proof of the same key is not a request
    let jws = Jws::read(object, algorithms(client))?;
    let jws = if jws.has_type() { jws.typed(&["oauth-authz-req+jwt", "jwt"])? } else { jws };
    let claims = jws.verify(keys)?;
    // RFC 9101 §5: both are this client
    for name in ["iss", "client_id"] {
        if claims.text(name)? != client.id.as_str() {
            return Err(ClaimError::Wrong(name).into());
        }
    }
    // RFC 9101 §10.8: a client assertion says who its subject is; a request never does, so that it cannot become one
    if claims.members().contains_key("sub") {
        return Err(ClaimError::Wrong("sub").into());
    }
    if !claims.is_for(issuer) {
        return Err(ClaimError::Wrong("aud").into());
    }
    claims.check_times(MAX_REQUEST_OBJECT_SECONDS, now)?;
    // FAPI 2.0 Message Signing §5.3.1: `nbf` is REQUIRED, at most 60 minutes ago, and `exp` at most 60 minutes after it
    if client.metadata.is_fapi() {
        let (from, until) = (claims.instant("nbf")?, claims.instant("exp")?);
        if from.plus_seconds(MAX_REQUEST_OBJECT_SECONDS) < now {
            return Err(ClaimError::TooFar("nbf").into());
        }
        if from.plus_seconds(MAX_REQUEST_OBJECT_SECONDS) < until {
            return Err(ClaimError::TooFar("exp").into());
        }
    }
    inside(&claims).map(Some)
}

/// RFC 9101 §6.3: the parameters are those of the request object, and no others.
fn inside(claims: &Claims) -> Result<Parameters, RequestObjectError> {
    const OF_THE_TOKEN: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];
    let mut pairs = Vec::new();
    for (name, value) in claims.members().iter().filter(|(name, _)| !OF_THE_TOKEN.contains(&name.as_str())) {
        if matches!(name.as_str(), "request" | "request_uri") {
            return Err(RequestObjectError::Nested);
        }
        match value {
            Value::String(text) => pairs.push((name.clone(), text.clone())),
            Value::Number(number) => pairs.push((name.clone(), number.to_string())),
            Value::Object(_) => pairs.push((name.clone(), value.to_string())),
            // RFC 8707 §2: `resource` is the one parameter that can stand several times
            Value::Array(texts) if name == "resource" => {
                for text in texts {
                    pairs.push((name.clone(), text.as_str().ok_or(RequestObjectError::Parameter)?.to_owned()));
                }
            }
            // RFC 9396 §2: the one parameter that is a JSON array; its rules are the same wherever it stands
            Value::Array(_) if name == "authorization_details" => pairs.push((name.clone(), value.to_string())),
            Value::Array(_) | Value::Null | Value::Bool(_) => return Err(RequestObjectError::Parameter),
        }
    }
    Ok(Parameters::new(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientMetadata;
    use crate::oauth::samples::{ISSUED, Key, client};
    use serde_json::json;

    const ISSUER: &str = "https://as.example";

    fn signer(key: &Key) -> Client {
        Client { metadata: ClientMetadata { jwks: Some(key.jwks()), ..ClientMetadata::default() }, ..client() }
    }

    /// The good claims with one changed; null removes it.
    fn claims_with(name: &str, value: Value) -> Value {
        let now = ISSUED.as_seconds();
        let mut claims = json!({
            "iss": "roster", "aud": ISSUER, "iat": now, "nbf": now, "exp": now + 300, "jti": "1",
            "client_id": "roster", "response_type": "code", "state": "inside",
        });
        claims[name] = value;
        if claims[name].is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
        claims
    }

    fn unfold_with(header: Value, claims: Value) -> Result<Option<Parameters>, RequestObjectError> {
        let key = Key::es256();
        let object = key.sign_with(header, claims);
        let parameters = Parameters::from([("client_id", "roster"), ("state", "outside"), ("request", &object)]);
        unfold(&parameters, &signer(&key), ISSUER, ISSUED)
    }

    fn unfold_claim(name: &str, value: Value) -> Result<Option<Parameters>, RequestObjectError> {
        unfold_with(json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt" }), claims_with(name, value))
    }

    #[test]
    fn a43_inside_values_win_and_nothing_outside_counts() {
        let inside = unfold_claim("max_age", json!(60)).unwrap().unwrap();
        let expected = [("client_id", "roster"), ("max_age", "60"), ("response_type", "code"), ("state", "inside")];
        assert_eq!(inside, Parameters::from(expected));
        let resources = unfold_claim("resource", json!(["https://a.example", "https://b.example"])).unwrap().unwrap();
        assert_eq!(resources.pairs().iter().filter(|(name, _)| name == "resource").count(), 2);
    }

    #[test]
    fn a42_a_request_object_that_is_not_this_clients_for_us_and_now_is_refused() {
        let now = ISSUED.as_seconds();
        for (name, value) in [
            ("aud", json!("https://other.example")),
            ("aud", json!(null)),
            ("exp", json!(now - 61)),
            ("exp", json!(now + 3_661)),
            ("exp", json!(null)),
            ("nbf", json!(now + 61)),
            ("iss", json!("other")),
            ("iss", json!(null)),
            ("client_id", json!("other")),
            ("client_id", json!(null)),
            ("sub", json!("roster")),
        ] {
            let refused = unfold_claim(name, value.clone());
            assert!(matches!(refused, Err(RequestObjectError::Claim(_))), "{name} {value}");
        }
    }

    #[test]
    fn a42_wrong_algorithms_types_and_keys_are_refused() {
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "ES256", "typ": "client-authentication+jwt" }),
            json!({ "alg": "ES256", "typ": "dpop+jwt" }),
            json!({ "alg": "ES256", "kid": "unknown" }),
        ] {
            let refused = unfold_with(header.clone(), claims_with("x", Value::Null));
            assert!(matches!(refused, Err(RequestObjectError::Signature(_))), "{header}");
        }
        let object = Key::other_es256().sign(claims_with("x", Value::Null));
        let parameters = Parameters::from([("request", &*object)]);
        assert!(unfold(&parameters, &signer(&Key::es256()), ISSUER, ISSUED).is_err());
    }

    #[test]
    fn a_request_object_holds_no_other_and_only_parameters() {
        for name in ["request", "request_uri"] {
            assert_eq!(unfold_claim(name, json!("x")), Err(RequestObjectError::Nested));
        }
        for value in [json!(true), json!([1]), json!(["login"]), json!([])] {
            assert_eq!(unfold_claim("prompt", value), Err(RequestObjectError::Parameter));
        }
        assert_eq!(unfold_claim("resource", json!([1])), Err(RequestObjectError::Parameter));
        // of a list of one redirect URI somebody else might read the second
        assert_eq!(unfold_claim("redirect_uri", json!(["https://app.example/cb"])), Err(RequestObjectError::Parameter));
    }

    #[test]
    fn a51_details_in_a_request_object_are_read_as_beside_one() {
        let inside = unfold_claim("authorization_details", json!([{ "type": "x" }])).unwrap().unwrap();
        assert_eq!(inside.value("authorization_details"), Some(r#"[{"type":"x"}]"#));
        let empty = unfold_claim("authorization_details", json!([])).unwrap().unwrap();
        assert_eq!(empty.value("authorization_details"), Some("[]"));
    }

    #[test]
    fn a11_two_request_objects_are_none() {
        let key = Key::es256();
        let object = key.sign(claims_with("x", Value::Null));
        let parameters = Parameters::from([("request", &*object), ("request", &object)]);
        assert_eq!(unfold(&parameters, &signer(&key), ISSUER, ISSUED), Err(RequestObjectError::Doubled));
    }

    #[test]
    fn a41_without_registered_keys_there_is_nothing_to_unfold() {
        let parameters = Parameters::from([("request", "x")]);
        assert_eq!(unfold(&parameters, &client(), ISSUER, ISSUED), Ok(None));
    }
}
