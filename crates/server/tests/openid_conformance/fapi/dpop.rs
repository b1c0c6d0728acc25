//! Proofs of possession.

use serde_json::{Value, json};

use super::client::{Fapi, ME, PAR, TOKEN, request};
use crate::support::browser::redemption;
use crate::support::keys::{Key, with};
use crate::world::WEB_URI;

/// A token request with the claims of a proof changed.
async fn redeemed_with(fapi: &Fapi, change: (&str, Value)) -> crate::support::Answer {
    let code = fapi.authorize(&[]).await.code();
    let assertion = fapi.key.sign(&json!({ "alg": "ES256" }), &fapi.assertion());
    let proof = fapi.signed_proof(&with(&fapi.proof("POST", TOKEN), change.0, change.1));
    fapi.send(TOKEN, &redemption(&code, WEB_URI), &assertion, &[&proof]).await
}

#[tokio::test]
async fn fapi2_security_profile_final_check_dpop_proof_nbf_exp() {
    let fapi = Fapi::start().await;
    let now = fapi.now();
    redeemed_with(&fapi, ("nbf", json!(now - 10))).await.ok();
    redeemed_with(&fapi, ("exp", json!(now + 60))).await.ok();
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds() {
    let fapi = Fapi::start().await;
    redeemed_with(&fapi, ("iat", json!(fapi.now() - 10))).await.ok();
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds() {
    let fapi = Fapi::start().await;
    redeemed_with(&fapi, ("iat", json!(fapi.now() + 10))).await.ok();
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails() {
    let fapi = Fapi::start().await;
    let refused = fapi.push(&[("dpop_jkt", &Key::generate().thumbprint())]).await;
    assert!(matches!(refused.refusal(), (400, "invalid_request" | "invalid_dpop_proof")), "{}", refused.text);
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success() {
    let fapi = Fapi::start().await;
    assert!(fapi.is_usable(&fapi.tokens(&[]).await).await);
}

/// The proof at the endpoint of pushed requests was of one key, that at the token endpoint is of another.
#[tokio::test]
async fn fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt() {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    assert_refuses_another_key(&fapi, &code).await;
}

/// The request named a key by `dpop_jkt`, without a proof.
#[tokio::test]
async fn fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt() {
    let fapi = Fapi::start().await;
    let assertion = fapi.key.sign(&json!({ "alg": "ES256" }), &fapi.assertion());
    let named = fapi.dpop.thumbprint();
    let pushed = fapi.send(PAR, &request(&[("dpop_jkt", &named)]), &assertion, &[]).await;
    let code = fapi.follow(&Fapi::link(&pushed)).await.code();
    assert_refuses_another_key(&fapi, &code).await;
}

async fn assert_refuses_another_key(fapi: &Fapi, code: &str) {
    let other = Key::generate();
    let assertion = fapi.key.sign(&json!({ "alg": "ES256" }), &fapi.assertion());
    let header = with(&fapi.proof_header(), "jwk", other.public());
    let proof = other.sign(&header, &fapi.proof("POST", TOKEN));
    let refused = fapi.send(TOKEN, &redemption(code, WEB_URI), &assertion, &[&proof]).await;
    assert!(matches!(refused.refusal(), (400, "invalid_grant" | "invalid_dpop_proof")), "{}", refused.text);
    fapi.redeem(code).await.ok();
}

#[tokio::test]
async fn fapi2_security_profile_final_ensure_holder_of_key_required() {
    let fapi = Fapi::start().await;
    let code = fapi.authorize(&[]).await.code();
    let assertion = fapi.key.sign(&json!({ "alg": "ES256" }), &fapi.assertion());
    let refused = fapi.send(TOKEN, &redemption(&code, WEB_URI), &assertion, &[]).await;
    assert!(matches!(refused.refusal(), (400, "invalid_dpop_proof" | "invalid_request")), "{}", refused.text);
}

/// The blocks of the module, at the API: each begins with a good token, and one thing about the proof is wrong.
#[tokio::test]
async fn fapi2_security_profile_final_dpop_negative_tests() {
    let fapi = Fapi::start().await;
    let tokens = fapi.tokens(&[]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let header = fapi.proof_header();
    let sign = |header: &Value, claims: &Value| fapi.dpop.sign(header, claims);
    let good = || fapi.proof_for("GET", token);
    let url = format!("{}{ME}", fapi.issuer());
    let private = with(&fapi.dpop.public(), "d", json!("AAAA"));
    let other = Key::generate();
    let broken = {
        let proof = sign(&header, &good());
        let last = if proof.ends_with('A') { 'B' } else { 'A' };
        // a character in the middle of the signature, where every bit counts
        let at = proof.len() - 20;
        format!("{}{last}{}", &proof[..at], &proof[at + 1..])
    };
    let wrong = [
        ("not a JWT", "no-proof".to_owned()),
        ("no typ", sign(&with(&header, "typ", Value::Null), &good())),
        ("no alg", sign(&with(&header, "alg", Value::Null), &good())),
        ("no jwk", sign(&with(&header, "jwk", Value::Null), &good())),
        ("no jti", sign(&header, &with(&good(), "jti", Value::Null))),
        ("no htm", sign(&header, &with(&good(), "htm", Value::Null))),
        ("no htu", sign(&header, &with(&good(), "htu", Value::Null))),
        ("no iat", sign(&header, &with(&good(), "iat", Value::Null))),
        ("no ath", sign(&header, &with(&good(), "ath", Value::Null))),
        ("wrong typ", sign(&with(&header, "typ", json!("jwt")), &good())),
        ("RS256", sign(&with(&header, "alg", json!("RS256")), &good())),
        ("none", sign(&with(&header, "alg", json!("none")), &good())),
        ("a private key in jwk", sign(&with(&header, "jwk", private), &good())),
        ("a bad signature", broken),
        ("the key of another", other.sign(&header, &good())),
        ("another key", other.sign(&with(&header, "jwk", other.public()), &good())),
        ("wrong htm", sign(&header, &with(&good(), "htm", json!("POST")))),
        ("another URL", sign(&header, &with(&good(), "htu", json!(format!("{}/other", fapi.issuer()))))),
        ("another host", sign(&header, &with(&good(), "htu", json!("https://other.example/api/v2/users/me")))),
        ("an hour old", sign(&header, &with(&good(), "iat", json!(fapi.now() - 3_600)))),
        ("an hour ahead", sign(&header, &with(&good(), "iat", json!(fapi.now() + 3_600)))),
        ("another ath", sign(&header, &with(&good(), "ath", json!("A".repeat(43))))),
    ];
    for (what, proof) in wrong {
        let refused = fapi.call("DPoP", token, &proof).await;
        assert_eq!(refused.status, 401, "{what}: {}", refused.text);
        assert!(
            refused.headers.get_all("www-authenticate").iter().any(|one| one.to_str().unwrap().starts_with("DPoP"))
        );
    }
    let right = [
        ("claims that nobody knows", with(&good(), "unknown", json!("claim"))),
        ("a query", with(&good(), "htu", json!(format!("{url}?a=b")))),
        ("a fragment", with(&good(), "htu", json!(format!("{url}#a")))),
        ("letters of the host", with(&good(), "htu", json!(url.replace("http://", "HTTP://")))),
    ];
    for (what, claims) in right {
        assert_eq!(fapi.call("DPoP", token, &sign(&header, &claims)).await.status, 200, "{what}");
    }
    let once = sign(&header, &good());
    assert_eq!(fapi.call("DPoP", token, &once).await.status, 200);
    assert_eq!(fapi.call("DPoP", token, &once).await.status, 401, "the same jti");
    let authorization = format!("DPoP {token}");
    let (one, two) = (sign(&header, &good()), sign(&header, &good()));
    let twice = [("authorization", &*authorization), ("dpop", &one), ("dpop", &two)];
    assert_eq!(fapi.server.send("GET", ME, &twice, "").await.status, 401, "two proofs");
    assert_eq!(fapi.server.send("GET", ME, &[("authorization", &authorization)], "").await.status, 401, "no proof");
    let proof = sign(&header, &good());
    assert_eq!(fapi.call("Bearer", token, &proof).await.status, 401, "as a bearer token");
    assert_eq!(fapi.server.api("GET", ME, token).await.status, 401, "as a bearer token without a proof");
    let upper = [("authorization", &*authorization), ("DPOP", &sign(&header, &good()) as &str)];
    assert_eq!(fapi.server.send("GET", ME, &upper, "").await.status, 200, "names of headers have no letter case");
}
