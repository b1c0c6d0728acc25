//! Proof Key for Code Exchange (RFC 7636), S256 only: `plain` protects nothing once a request has leaked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The S256 challenge of an authorization request: 43 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// Why a challenge is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChallenge {
    /// RFC 7636 §4.3: absent means `plain`.
    #[error("`code_challenge_method` is missing: it must be `S256`")]
    MethodMissing,
    /// RFC 7636 §4.2
    #[error("`code_challenge_method` must be `S256`")]
    MethodUnsupported,
    /// RFC 7636 §4.2: BASE64URL(SHA256(verifier)) has 43 characters.
    #[error("`code_challenge` must be the SHA-256 of the verifier in base64url: 43 letters, digits, `-` or `_`")]
    Malformed,
    /// RFC 7636 §4.4.1
    #[error("`code_challenge_method` is sent without `code_challenge`")]
    Absent,
}

impl CodeChallenge {
    /// Reads the request's parameters; `None` when the request uses no PKCE.
    ///
    /// # Errors
    /// When the two parameters are not a well-formed S256 challenge.
    pub fn of_request(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, InvalidChallenge> {
        match (challenge, method) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(InvalidChallenge::Absent),
            (Some(_), None) => Err(InvalidChallenge::MethodMissing),
            (Some(challenge), Some("S256")) => Self::parse(challenge).map(Some).ok_or(InvalidChallenge::Malformed),
            (Some(_), Some(_)) => Err(InvalidChallenge::MethodUnsupported),
        }
    }

    /// The challenge of a verifier (RFC 7636 §4.2): what an app computes before it sends people here.
    pub fn of_verifier(verifier: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())))
    }

    /// Reads a challenge as it was kept.
    pub fn parse(text: &str) -> Option<Self> {
        let digest = URL_SAFE_NO_PAD.decode(text).ok()?;
        (digest.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The 43 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `verifier` is the one behind this challenge (RFC 7636 §4.6), compared on the hash in constant time.
    pub fn is_met_by(&self, verifier: &str) -> bool {
        let is_well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(is_unreserved);
        let computed = Self::of_verifier(verifier);
        bool::from(computed.0.as_bytes().ct_eq(self.0.as_bytes())) && is_well_formed
    }
}

/// RFC 7636 §4.1: code-verifier = 43*128unreserved.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge() -> CodeChallenge {
        CodeChallenge::parse(CHALLENGE).unwrap()
    }

    #[test]
    fn the_example_of_rfc_7636_appendix_b_verifies() {
        assert_eq!(CodeChallenge::of_request(Some(CHALLENGE), Some("S256")), Ok(Some(challenge())));
        assert!(challenge().is_met_by(VERIFIER));
    }

    #[test]
    fn a20_plain_missing_and_unknown_methods_are_refused() {
        for (method, expected) in [
            (None, InvalidChallenge::MethodMissing),
            (Some("plain"), InvalidChallenge::MethodUnsupported),
            (Some("s256"), InvalidChallenge::MethodUnsupported),
            (Some("S512"), InvalidChallenge::MethodUnsupported),
        ] {
            assert_eq!(CodeChallenge::of_request(Some(CHALLENGE), method), Err(expected), "{method:?}");
        }
        assert_eq!(CodeChallenge::of_request(None, Some("S256")), Err(InvalidChallenge::Absent));
    }

    #[test]
    fn a21_a_challenge_of_wrong_length_or_alphabet_is_refused() {
        let long = "a".repeat(129);
        let wrong_alphabet = CHALLENGE.replace('-', "+");
        let padded = format!("{CHALLENGE}=");
        for bad in [&CHALLENGE[..42], &long, &wrong_alphabet, &padded, &format!("{CHALLENGE}A"), "ä"] {
            assert_eq!(CodeChallenge::of_request(Some(bad), Some("S256")), Err(InvalidChallenge::Malformed), "{bad}");
        }
    }

    #[test]
    fn c15_a_wrong_short_or_long_verifier_does_not_meet_the_challenge() {
        let wrong = VERIFIER.replace('d', "e");
        for bad in ["", &VERIFIER[..42], &wrong, CHALLENGE, &"a".repeat(129)] {
            assert!(!challenge().is_met_by(bad), "{bad}");
        }
    }

    #[test]
    fn c15_a_verifier_of_wrong_length_is_refused_even_when_its_hash_fits() {
        for bad in ["a".repeat(42), "a".repeat(129), "ä".repeat(43), " ".repeat(43)] {
            let fitting = CodeChallenge(URL_SAFE_NO_PAD.encode(Sha256::digest(bad.as_bytes())));
            assert!(!fitting.is_met_by(&bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_well_formed_verifier_meets_its_own_challenge_and_no_other(a in "[A-Za-z0-9._~-]{43,128}", b in "[A-Za-z0-9._~-]{43,128}") {
            let of_a = CodeChallenge(URL_SAFE_NO_PAD.encode(Sha256::digest(a.as_bytes())));
            prop_assert!(of_a.is_met_by(&a));
            prop_assert_eq!(of_a.is_met_by(&b), a == b);
        }
    }
}
