//! The keys that sign ID tokens, JWT access tokens and signed answers, and when each is used (OpenID Connect Core §10.1.1).
//!
//! A key has one date: when it takes over. What it is at an instant follows from that of all keys of its algorithm, so that
//! every node changes keys at the same instant and nothing has to be switched: `next` before its date, `active` from then
//! until the next key's, `retired` after that, and published until the last token that it signed has ended.

use std::fmt;

use serde_json::{Value, json};

use crate::client::{Client, MAX_TOKEN_TTL_SECONDS};
use crate::time::Timestamp;

/// How long clients may keep our key set, in seconds: the `max-age` of `/oauth/jwks`.
pub const JWKS_CACHE_SECONDS: i64 = 300;
/// How long a new key is published before it signs, in seconds: twice what clients may keep, as their clocks differ.
pub const PUBLICATION_SECONDS: i64 = 2 * JWKS_CACHE_SECONDS;
/// How long a replaced key stays published, in seconds: until the longest token has ended, and clocks differ.
pub const RETIREMENT_SECONDS: i64 = MAX_TOKEN_TTL_SECONDS + PUBLICATION_SECONDS;

/// How a signature is made (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256: what is used unless a client asks for another.
    #[default]
    Es256,
    /// RSA: OpenID Connect Core §15.1 wants it everywhere.
    Rs256,
    /// Ed25519.
    EdDsa,
}

impl SigningAlgorithm {
    /// All of them, the preferred one first.
    pub const ALL: [Self; 3] = [Self::Es256, Self::Rs256, Self::EdDsa];

    /// The name in `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// How the ID tokens of `client` are signed (OpenID Connect Registration §2 `id_token_signed_response_alg`).
pub fn of_id_tokens(client: &Client) -> SigningAlgorithm {
    let registered = client.metadata.id_token_signed_response_alg;
    registered.and_then(|algorithm| SigningAlgorithm::parse(algorithm.as_str())).unwrap_or_default()
}

/// What is kept of a signing key.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name in JWT headers: the JWK thumbprint (RFC 7638).
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The public half as a JWK with `kid`, `alg` and `use` (RFC 7517 §4).
    pub public_jwk: Value,
    /// The private half, sealed: only a process with the key file can open it.
    pub sealed_private_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it takes over from the one before.
    pub active_from: Timestamp,
}

/// What a key is at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, and not used yet.
    Next,
    /// Signs.
    Active,
    /// Published for what it signed.
    Retired,
    /// Nothing that it signed is valid any more.
    Over,
}

impl SigningKey {
    /// What this key is among `keys` at `now`.
    pub fn state(&self, keys: &[Self], now: Timestamp) -> KeyState {
        let later = keys.iter().filter(|other| other.algorithm == self.algorithm && other.succeeds(self));
        match later.map(|other| other.active_from).min() {
            _ if self.active_from > now => KeyState::Next,
            Some(replaced_at) if now >= replaced_at.plus_seconds(RETIREMENT_SECONDS) => KeyState::Over,
            Some(replaced_at) if now >= replaced_at => KeyState::Retired,
            _ => KeyState::Active,
        }
    }

    fn succeeds(&self, other: &Self) -> bool {
        (self.active_from, &self.kid) > (other.active_from, &other.kid)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("active_from", &self.active_from)
            .finish_non_exhaustive()
    }
}

/// The key that signs with `algorithm` at `now`.
pub fn active(keys: &[SigningKey], algorithm: SigningAlgorithm, now: Timestamp) -> Option<&SigningKey> {
    keys.iter().find(|key| key.algorithm == algorithm && key.state(keys, now) == KeyState::Active)
}

/// The document at `/oauth/jwks` (RFC 7517 §5): every key that signs, will sign, or signed something that is still valid.
pub fn jwks(keys: &[SigningKey], now: Timestamp) -> Value {
    let is_published = |key: &&SigningKey| key.state(keys, now) != KeyState::Over;
    json!({ "keys": keys.iter().filter(is_published).map(|key| &key.public_jwk).collect::<Vec<_>>() })
}

/// What comes of the wish to rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// New keys are published now and take over then.
    Begin {
        /// When.
        active_from: Timestamp,
    },
    /// Keys are published already and take over then: one rotation after another.
    UnderWay {
        /// When.
        active_from: Timestamp,
    },
}

/// Whether new keys can be made at `now`, and when they take over. The first keys of all sign at once: nobody can hold an
/// older set.
pub fn rotation(keys: &[SigningKey], now: Timestamp) -> Rotation {
    let next = keys.iter().filter(|key| key.state(keys, now) == KeyState::Next).map(|key| key.active_from).min();
    match next {
        Some(active_from) => Rotation::UnderWay { active_from },
        None if keys.is_empty() => Rotation::Begin { active_from: now },
        None => Rotation::Begin { active_from: now.plus_seconds(PUBLICATION_SECONDS) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::samples::ISSUED;
    use proptest::prelude::*;

    fn key(kid: &str, algorithm: SigningAlgorithm, active_from: Timestamp) -> SigningKey {
        SigningKey {
            kid: kid.to_owned(),
            algorithm,
            public_jwk: json!({ "kid": kid }),
            sealed_private_key: b"sealed".to_vec(),
            created_at: ISSUED,
            active_from,
        }
    }

    fn two_keys() -> [SigningKey; 2] {
        let later = ISSUED.plus_seconds(PUBLICATION_SECONDS);
        [key("old", SigningAlgorithm::Es256, ISSUED), key("new", SigningAlgorithm::Es256, later)]
    }

    fn states(keys: &[SigningKey], seconds: i64) -> Vec<KeyState> {
        keys.iter().map(|key| key.state(keys, ISSUED.plus_seconds(seconds))).collect()
    }

    #[test]
    fn e07_a_key_is_published_before_it_signs_and_kept_until_its_last_token_ends() {
        let keys = two_keys();
        assert_eq!(states(&keys, 0), [KeyState::Active, KeyState::Next]);
        assert_eq!(states(&keys, PUBLICATION_SECONDS - 1), [KeyState::Active, KeyState::Next]);
        assert_eq!(states(&keys, PUBLICATION_SECONDS), [KeyState::Retired, KeyState::Active]);
        assert_eq!(states(&keys, PUBLICATION_SECONDS + MAX_TOKEN_TTL_SECONDS), [KeyState::Retired, KeyState::Active]);
        assert_eq!(states(&keys, PUBLICATION_SECONDS + RETIREMENT_SECONDS), [KeyState::Over, KeyState::Active]);
        let published = |seconds| jwks(&keys, ISSUED.plus_seconds(seconds))["keys"].as_array().unwrap().len();
        assert_eq!([published(0), published(PUBLICATION_SECONDS + RETIREMENT_SECONDS)], [2, 1]);
    }

    #[test]
    fn keys_of_different_algorithms_do_not_replace_each_other() {
        let keys = [key("a", SigningAlgorithm::Es256, ISSUED), key("b", SigningAlgorithm::Rs256, ISSUED)];
        assert_eq!(states(&keys, 0), [KeyState::Active, KeyState::Active]);
        assert_eq!(active(&keys, SigningAlgorithm::Rs256, ISSUED).unwrap().kid, "b");
        assert_eq!(active(&keys, SigningAlgorithm::EdDsa, ISSUED), None);
    }

    #[test]
    fn the_first_keys_sign_at_once_and_a_rotation_waits_for_the_one_before() {
        assert_eq!(rotation(&[], ISSUED), Rotation::Begin { active_from: ISSUED });
        let keys = two_keys();
        let active_from = ISSUED.plus_seconds(PUBLICATION_SECONDS);
        assert_eq!(rotation(&keys[..1], ISSUED), Rotation::Begin { active_from });
        assert_eq!(rotation(&keys, ISSUED), Rotation::UnderWay { active_from });
        assert!(matches!(rotation(&keys, active_from), Rotation::Begin { .. }));
    }

    #[test]
    fn names_are_read_back_and_none_is_not_one() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(SigningAlgorithm::parse(algorithm.as_str()), Some(algorithm));
        }
        for name in ["none", "HS256", "es256", ""] {
            assert_eq!(SigningAlgorithm::parse(name), None, "{name}");
        }
    }

    proptest! {
        /// From the first key's date on exactly one key signs, and what it signed stays verifiable for as long as it can live.
        #[test]
        fn e07_there_is_always_one_key_that_signs(dates in proptest::collection::btree_set(0_i64..1_000_000, 1..6), after in 0_i64..2_000_000) {
            let keys: Vec<SigningKey> = dates
                .iter()
                .map(|seconds| key(&seconds.to_string(), SigningAlgorithm::Es256, ISSUED.plus_seconds(*seconds)))
                .collect();
            let now = keys[0].active_from.plus_seconds(after);
            let signing: Vec<&SigningKey> = keys.iter().filter(|key| key.state(&keys, now) == KeyState::Active).collect();
            prop_assert_eq!(signing.len(), 1);
            let end = now.plus_seconds(MAX_TOKEN_TTL_SECONDS);
            prop_assert!(jwks(&keys, end)["keys"].as_array().unwrap().contains(&signing[0].public_jwk));
        }
    }
}
