//! What is and what is not a JWS that counts.

use serde_json::json;

use super::*;
use crate::oauth::samples::Key;

const ALL: &[JwsAlgorithm] = &JwsAlgorithm::ALL;

fn verify(text: &str, keys: &JwkSet) -> Result<Claims, JwsError> {
    Jws::read(text, ALL)?.verify(keys)
}

#[expect(clippy::needless_pass_by_value, reason = "`json!` is written where it is used")]
fn header_with(name: &str, value: Value) -> String {
    let key = Key::es256();
    key.sign_with(json!({ "alg": "ES256", name: value }), json!({ "sub": "ada" }))
}

#[test]
fn a_signature_of_each_kind_of_key_is_verified() {
    for key in [Key::es256(), Key::es384(), Key::ed25519(), Key::rsa("RS256"), Key::rsa("PS256")] {
        let text = key.sign(json!({ "sub": "ada" }));
        let claims = verify(&text, &key.jwks()).unwrap();
        assert_eq!(claims.text("sub"), Ok("ada"));
        let other = if key.alg() == "ES256" { Key::rsa("RS256") } else { Key::es256() };
        assert_eq!(verify(&text, &other.jwks()), Err(JwsError::Key));
    }
}

#[test]
fn d02_only_allowed_algorithms_are_read() {
    let key = Key::rsa("RS256");
    let claims = json!({ "sub": "ada" });
    for alg in [json!("none"), json!("HS256"), json!("ES512"), json!("rs256"), json!(null), json!(["RS256"])] {
        let text = key.sign_with(json!({ "alg": alg }), claims.clone());
        assert_eq!(verify(&text, &key.jwks()), Err(JwsError::Algorithm), "{alg}");
    }
    assert_eq!(Jws::read(&key.sign(claims), &JwsAlgorithm::STRONG).err(), Some(JwsError::Algorithm));
}

#[test]
fn d02_a_wrong_signature_is_refused_and_so_is_r_s_zero() {
    let key = Key::es256();
    let text = key.sign(json!({ "sub": "ada" }));
    assert_eq!(verify(&text, &Key::other_es256().jwks()), Err(JwsError::Signature));
    let (signed, _) = text.rsplit_once('.').unwrap();
    let zero = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 64]));
    assert_eq!(verify(&zero, &key.jwks()), Err(JwsError::Signature));
    assert_eq!(verify(&format!("{signed}."), &key.jwks()), Err(JwsError::Signature));
    let (header, _) = signed.split_once('.').unwrap();
    let other = key.sign(json!({ "sub": "eve" }));
    let (_, signature) = other.rsplit_once('.').unwrap();
    let swapped = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"sub":"ada"}"#));
    assert_eq!(verify(&swapped, &key.jwks()), Err(JwsError::Signature));
}

#[test]
fn d03_header_members_that_choose_a_key_or_a_reading_are_refused() {
    let jwks = Key::es256().jwks();
    for (name, value) in [
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("jwk", Key::es256().public()),
    ] {
        assert_eq!(verify(&header_with(name, value), &jwks), Err(JwsError::HeaderMember), "{name}");
    }
    for kid in ["../../../etc/passwd", "' OR 1=1 --", &"x".repeat(4_000), "unknown"] {
        assert_eq!(verify(&header_with("kid", json!(kid)), &jwks), Err(JwsError::Key), "{kid}");
    }
    assert_eq!(verify(&header_with("kid", json!(1)), &jwks), Err(JwsError::Header));
    assert!(verify(&header_with("x5t", json!("AAAA")), &jwks).is_ok());
}

#[test]
fn d05_doubled_names_in_header_and_payload_are_refused() {
    let key = Key::es256();
    let doubled_header = key.sign_raw(r#"{"alg":"ES256","alg":"ES256"}"#, r#"{"sub":"ada"}"#);
    assert_eq!(verify(&doubled_header, &key.jwks()), Err(JwsError::Header));
    let doubled_claim = key.sign_raw(r#"{"alg":"ES256"}"#, r#"{"sub":"ada","sub":"eve"}"#);
    assert_eq!(verify(&doubled_claim, &key.jwks()), Err(JwsError::Payload));
    let list = key.sign_raw(r#"{"alg":"ES256"}"#, "[]");
    assert_eq!(verify(&list, &key.jwks()), Err(JwsError::Payload));
}

#[test]
fn d06_padding_blanks_the_other_alphabet_and_stray_bits_are_refused() {
    let key = Key::es256();
    let text = key.sign(json!({ "sub": "ada" }));
    for bad in [
        format!("{text}="),
        format!("{text} "),
        format!(" {text}"),
        text.replacen('.', ".\n", 1),
        text.replacen('.', "=.", 1),
        format!("{text}.x"),
        "a.b".to_owned(),
        String::new(),
        "..".to_owned(),
    ] {
        assert!(verify(&bad, &key.jwks()).is_err(), "{bad}");
    }
    let last = text.chars().next_back().unwrap();
    // 64 bytes leave four bits of the last character unused
    let stray = format!("{}{}", &text[..text.len() - 1], if last == 'A' { 'B' } else { char::from(last as u8 + 1) });
    assert_eq!(verify(&stray, &key.jwks()), Err(JwsError::NotCompact));
    assert_eq!(Jws::read(&"a".repeat(MAX_JWS_BYTES + 1), ALL).err(), Some(JwsError::TooLong));
}

#[test]
fn the_type_is_compared_without_letter_case_and_with_or_without_application() {
    for typ in ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt"] {
        let text = header_with("typ", json!(typ));
        assert!(Jws::read(&text, ALL).unwrap().typed(&["dpop+jwt"]).is_ok(), "{typ}");
    }
    let text = header_with("typ", json!("JWT"));
    assert_eq!(Jws::read(&text, ALL).unwrap().typed(&["dpop+jwt"]).err(), Some(JwsError::Type));
}

#[test]
fn a_key_in_the_header_proves_itself_and_nothing_else() {
    let (text, jwk) = (header_with("jwk", Key::es256().public()), Key::es256().jwk());
    let (claims, key) = Jws::read(&text, ALL).unwrap().verify_embedded().unwrap();
    assert_eq!((claims.text("sub"), &key), (Ok("ada"), &jwk));
    let other = header_with("jwk", Key::es384().public());
    assert_eq!(Jws::read(&other, ALL).unwrap().verify_embedded().err(), Some(JwsError::Key));
    let none = header_with("kid", json!("a"));
    assert_eq!(Jws::read(&none, ALL).unwrap().verify_embedded().err(), Some(JwsError::EmbeddedKey));
}
