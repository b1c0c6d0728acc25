//! JWTs as somebody outside reads them: verified with the published key that the header names.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::Value;

use crate::support::Server;

/// A JWT whose signature is right.
pub struct Jwt {
    pub header: Value,
    pub claims: Value,
}

/// Verifies the signature; the claims are for the test to judge.
pub async fn verified(server: &Server, jwt: &str) -> Jwt {
    let header = part(jwt, 0);
    let keys = server.get("/oauth/jwks").await.ok();
    let mut named = keys["keys"].as_array().unwrap().iter().filter(|key| key["kid"] == header["kid"]);
    let key = named.next().unwrap_or_else(|| panic!("no published key is named by {header}"));
    assert_eq!(key["alg"], header["alg"]);
    let key = DecodingKey::from_jwk(&serde_json::from_value(key.clone()).unwrap()).unwrap();
    let mut rules = Validation::new(header["alg"].as_str().unwrap().parse().unwrap());
    rules.required_spec_claims.clear();
    (rules.validate_exp, rules.validate_aud) = (false, false);
    let claims = jsonwebtoken::decode::<Value>(jwt, &key, &rules).unwrap().claims;
    Jwt { header, claims }
}

/// A part of a JWT, unverified.
pub fn part(jwt: &str, at: usize) -> Value {
    let encoded = jwt.split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
}
