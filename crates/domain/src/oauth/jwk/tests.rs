//! Which keys are taken, and how they are told apart.

use super::*;
use serde_json::{Value, json};

/// RFC 7638 §3.1
const RFC_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn rsa() -> Value {
    json!({ "kty": "RSA", "n": RFC_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" })
}

fn ed25519() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
}

fn error(key: &Value) -> String {
    serde_json::from_value::<PublicJwk>(key.clone()).unwrap_err().to_string()
}

fn with(key: Value, name: &str, value: impl Into<Value>) -> Value {
    let mut key = key;
    key[name] = value.into();
    key
}

#[test]
fn the_thumbprints_are_those_of_the_rfcs() {
    let thumbprint = |key| serde_json::from_value::<PublicJwk>(key).unwrap().thumbprint().to_string();
    assert_eq!(thumbprint(rsa()), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(thumbprint(ed25519()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn a_key_is_written_as_it_was_read() {
    for key in [rsa(), ed25519(), with(with(ed25519(), "use", "sig"), "x5c", json!(["AAAA"]))] {
        let read: PublicJwk = serde_json::from_value(key.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), key);
    }
}

#[test]
fn c57_private_and_symmetric_keys_are_refused() {
    for key in [
        with(ed25519(), "d", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"),
        with(rsa(), "p", "AQAB"),
        json!({ "kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T" }),
    ] {
        assert_eq!(error(&key), InvalidJwk::Private.to_string(), "{key}");
    }
}

#[test]
fn a_key_of_another_type_curve_or_length_is_refused() {
    for (key, refusal) in [
        (json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" }), InvalidJwk::Type),
        (json!({}), InvalidJwk::Type),
        (json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }), InvalidJwk::Material),
        (with(ed25519(), "x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="), InvalidJwk::Material),
        (with(ed25519(), "x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"), InvalidJwk::Material),
        (with(rsa(), "n", format!("AA{}", &RFC_N[..340])), InvalidJwk::Material),
        (with(rsa(), "n", &RFC_N[..168]), InvalidJwk::ModulusLength),
        (with(rsa(), "alg", "ES256"), InvalidJwk::Algorithm),
        (with(rsa(), "alg", "HS256"), InvalidJwk::Algorithm),
        (with(rsa(), "kid", ""), InvalidJwk::KeyId),
        (with(rsa(), "x5c", json!(["-_"])), InvalidJwk::Certificates),
    ] {
        assert_eq!(error(&key), refusal.to_string(), "{key}");
    }
}

#[test]
fn a_set_has_keys_that_can_be_told_apart() {
    let set = |keys: Value| serde_json::from_value::<JwkSet>(json!({ "keys": keys }));
    assert!(set(json!([])).is_err() && set(json!([rsa(), rsa()])).is_err());
    let both = set(json!([rsa(), ed25519()])).unwrap();
    assert_eq!(both.find(None, JwsAlgorithm::EdDsa), Some(&both.keys()[1]));
    assert_eq!(both.find(Some("2011-04-29"), JwsAlgorithm::Rs256), Some(&both.keys()[0]));
    assert_eq!(both.find(Some("2011-04-29"), JwsAlgorithm::Ps256), None, "`alg` says RS256");
    assert_eq!(both.find(Some("../../etc/passwd"), JwsAlgorithm::Rs256), None);
}

#[test]
fn without_a_kid_two_keys_that_fit_are_none() {
    let keys = json!({ "keys": [with(ed25519(), "kid", "a"), with(ed25519(), "kid", "b")] });
    let set: JwkSet = serde_json::from_value(keys).unwrap();
    assert_eq!(set.find(None, JwsAlgorithm::EdDsa), None);
    assert_eq!(set.find(Some("b"), JwsAlgorithm::EdDsa), Some(&set.keys()[1]));
}
