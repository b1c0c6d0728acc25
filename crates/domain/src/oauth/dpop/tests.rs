//! Every rule of RFC 9449 §4.3.

use serde_json::{Value, json};

use super::*;
use crate::oauth::samples::{ISSUED, Key};

const URL: &str = "https://as.example/oauth/token";
const TOKEN: &str = "cs_at_x";

fn nonces() -> DpopNonces {
    DpopNonces::new([7; 32])
}

fn header() -> Value {
    json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": Key::es256().public() })
}

fn claims() -> Value {
    let ath = URL_SAFE_NO_PAD.encode(Digest::of(TOKEN.as_bytes()).as_bytes());
    let (iat, nonce) = (ISSUED.as_seconds(), nonces().current(ISSUED));
    json!({ "jti": "1", "htm": "POST", "htu": URL, "iat": iat, "nonce": nonce, "ath": ath })
}

/// One member replaced; null removes it.
fn with(mut members: Value, name: &str, value: impl Into<Value>) -> Value {
    members[name] = value.into();
    if members[name].is_null() {
        members.as_object_mut().unwrap().remove(name);
    }
    members
}

fn verify_proof(header: Value, claims: Value) -> Result<VerifiedProof, DpopError> {
    let proof = Key::es256().sign_with(header, claims);
    let nonces = nonces();
    let request = ProvenRequest { method: "POST", url: URL, access_token: Some(TOKEN), nonces: Some(&nonces) };
    verify(&proof, request, ISSUED)
}

#[test]
fn a_right_proof_names_its_key_and_its_one_use() {
    let key = Key::es256().jwk().thumbprint();
    let verified = verify_proof(header(), claims()).unwrap();
    let used = UsedProof::of_dpop(&key.to_string(), "1", ISSUED.plus_seconds(120));
    assert_eq!(verified, VerifiedProof { key, used });
}

#[test]
fn c57_type_algorithm_and_key_of_the_header_must_be_right() {
    for (name, value) in [
        ("typ", json!("JWT")),
        ("typ", json!(null)),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!(null)),
        ("alg", json!("RS256")),
        ("jwk", json!(null)),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" })),
        ("jwk", with(Key::es256().public(), "d", "AAAA")),
        ("jwk", Key::other_es256().public()),
        ("jku", json!("https://evil.example")),
    ] {
        let refused = verify_proof(with(header(), name, value.clone()), claims()).unwrap_err();
        assert!(matches!(refused, DpopError::Signature(_)), "{name} {value}: {refused}");
    }
    let request = ProvenRequest { method: "POST", url: URL, access_token: None, nonces: None };
    for proof in ["", "x", "a.b.c"] {
        assert!(matches!(verify(proof, request, ISSUED), Err(DpopError::Signature(_))), "{proof}");
    }
}

#[test]
fn c57_every_claim_must_be_there_and_right() {
    let now = ISSUED.as_seconds();
    for (name, value) in [
        ("jti", json!(null)),
        ("jti", json!("x".repeat(257))),
        ("htm", json!(null)),
        ("htm", json!("GET")),
        ("htm", json!("post")),
        ("htu", json!(null)),
        ("htu", json!("https://as.example/oauth/par")),
        ("htu", json!("https://other.example/oauth/token")),
        ("htu", json!("http://as.example/oauth/token")),
        ("htu", json!("https://ada@as.example/oauth/token")),
        ("htu", json!("/oauth/token")),
        ("iat", json!(null)),
        ("iat", json!("now")),
        ("iat", json!(now - 3_600)),
        ("iat", json!(now - 120)),
        ("iat", json!(now + 61)),
        ("iat", json!(now + 3_600)),
        ("exp", json!(now - 60)),
        ("exp", json!("soon")),
        ("nbf", json!(now + 61)),
    ] {
        let refused = verify_proof(header(), with(claims(), name, value.clone())).unwrap_err();
        assert!(matches!(refused, DpopError::Claim(_)), "{name} {value}: {refused}");
        assert_eq!(refused.code(), ErrorCode::InvalidDpopProof);
    }
    for (name, value) in [("iat", now - 119), ("exp", now), ("nbf", now + 60)] {
        assert!(verify_proof(header(), with(claims(), name, value)).is_ok(), "{name}");
    }
}

#[test]
fn c58_without_a_nonce_of_ours_the_answer_asks_for_one() {
    let old = nonces().current(ISSUED.plus_seconds(-600));
    let others = DpopNonces::new([8; 32]).current(ISSUED);
    for nonce in [json!(null), json!(old), json!(others)] {
        let refused = verify_proof(header(), with(claims(), "nonce", nonce.clone())).unwrap_err();
        assert_eq!((refused, refused.code()), (DpopError::Nonce, ErrorCode::UseDpopNonce), "{nonce}");
    }
}

#[test]
fn c62_the_address_is_compared_without_query_fragment_letter_case_of_the_host_and_default_port() {
    for htu in [
        "https://as.example/oauth/token?x=1",
        "https://as.example/oauth/token#x",
        "HTTPS://AS.Example/oauth/token",
        "https://as.example:443/oauth/token",
    ] {
        assert!(verify_proof(header(), with(claims(), "htu", htu)).is_ok(), "{htu}");
    }
}

#[test]
fn d18_a_proof_beside_an_access_token_is_of_that_token() {
    for ath in [json!(null), json!(""), json!("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo")] {
        let refused = verify_proof(header(), with(claims(), "ath", ath.clone())).unwrap_err();
        assert!(matches!(refused, DpopError::Claim(ClaimError::Missing("ath") | ClaimError::Wrong("ath"))), "{ath}");
    }
}
