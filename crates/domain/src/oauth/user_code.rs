//! The user code (RFC 8628 §6.1): what a person reads on one screen and types on another.

use serde::{Deserialize, Serialize};

use crate::entropy::{Entropy, random_bytes};
use crate::secret::Digest;

/// RFC 8628 §6.1: consonants only, so that no code is a word and none is mistaken for another: 20 letters.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Eight letters of twenty are 34 bit, which the bound on wrong tries makes enough (RFC 8628 §5.1).
const LENGTH: usize = 8;
/// The longest text that is looked at for a code.
const MAX_TYPED_CHARS: usize = 64;

/// A user code in its one form: `WDJBMJHT`. Whoever knows it can only let the device in as themselves.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserCode(String);

/// A text that is no user code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user code has {LENGTH} consonants")]
pub struct InvalidUserCode;

impl UserCode {
    /// A new code, each letter as likely as any other.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut code = String::with_capacity(LENGTH);
        while code.len() < LENGTH {
            let [byte] = random_bytes::<1>(entropy);
            // 240 is the greatest multiple of 20 in a byte: what is above would favour the first letters
            if byte < 240 {
                code.push(char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
            }
        }
        Self(code)
    }

    /// Reads what a person typed. RFC 8628 §6.1: punctuation, blanks and case do not count.
    ///
    /// # Errors
    /// When it is not eight of the letters.
    pub fn parse(typed: &str) -> Result<Self, InvalidUserCode> {
        if typed.chars().count() > MAX_TYPED_CHARS {
            return Err(InvalidUserCode);
        }
        let letters = typed.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase());
        let code: String = letters.collect();
        let is_code = code.len() == LENGTH && code.bytes().all(|byte| LETTERS.contains(&byte));
        if is_code { Ok(Self(code)) } else { Err(InvalidUserCode) }
    }

    /// As people see it: `WDJB-MJHT`.
    pub fn shown(&self) -> String {
        let (first, second) = self.0.split_at(LENGTH / 2);
        format!("{first}-{second}")
    }

    /// What it is found by.
    pub fn digest(&self) -> Digest {
        Digest::of(format!("user code {}", self.0).as_bytes())
    }
}

impl std::fmt::Debug for UserCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserCode(redacted)")
    }
}

impl TryFrom<String> for UserCode {
    type Error = InvalidUserCode;
    fn try_from(text: String) -> Result<Self, InvalidUserCode> {
        Self::parse(&text)
    }
}

impl From<UserCode> for String {
    fn from(code: UserCode) -> Self {
        code.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn c47_a_code_has_eight_letters_of_twenty_each_as_likely_as_any_other() {
        let entropy = SeededEntropy::new(7);
        let mut counts = std::collections::BTreeMap::<char, u32>::new();
        for _ in 0..5_000 {
            let code = UserCode::generate(&entropy);
            assert_eq!(code.0.len(), 8);
            code.0.chars().for_each(|letter| *counts.entry(letter).or_default() += 1);
        }
        assert_eq!(counts.keys().collect::<String>().as_bytes(), LETTERS);
        // 2,000 of each expected; a bias of one part in twelve, as of a plain remainder, would leave these bounds
        assert!(counts.values().all(|count| (1_850..=2_150).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = UserCode::parse("WDJBMJHT").unwrap();
        for typed in ["wdjb-mjht", " WDJB MJHT ", "wdjb_mjht", "W.D.J.B.M.J.H.T", "WDJB\u{2013}MJHT"] {
            assert_eq!(UserCode::parse(typed).as_ref(), Ok(&code), "{typed}");
        }
        assert_eq!(code.shown(), "WDJB-MJHT");
    }

    #[test]
    fn anything_else_is_no_code() {
        let long = "W".repeat(65);
        for typed in ["", "WDJB-MJH", "WDJB-MJHTX", "ADJB-MJHT", "WDJB-MJH1", "WDJB-MJH\u{212A}", long.as_str()] {
            assert_eq!(UserCode::parse(typed), Err(InvalidUserCode), "{typed}");
        }
    }

    #[test]
    fn f10_debug_output_shows_no_code() {
        let code = UserCode::generate(&SeededEntropy::new(1));
        assert!(!format!("{code:?}").contains(&code.0));
    }
}
