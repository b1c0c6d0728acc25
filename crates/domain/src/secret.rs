//! Secrets: opaque tokens that we make, and passwords that people choose.
//!
//! A generated secret is `<type prefix><43 characters of 256 bit><6 characters of checksum>`, unreserved characters only.
//! The prefix keeps the kinds apart (a code is never a token), the checksum refuses a cut or mistyped one without a
//! look-up. Only the SHA-256 digest is kept. What people choose is kept as argon2id.

use std::fmt;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::entropy::{Entropy, random_bytes};

/// What a generated secret is for; each kind has its own prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// RFC 6749 §1.4
    AccessToken,
    /// RFC 6749 §1.5
    RefreshToken,
    /// RFC 6749 §1.3.1
    AuthorizationCode,
    /// RFC 6749 §2.3.1
    ClientSecret,
    /// A signed-in browser's cookie.
    Session,
    /// A browser's cookie before sign-in, so that sign-in forms cannot be posted from elsewhere.
    PreSession,
    /// One authorization request in progress, kept on our side.
    Interaction,
    /// RFC 9126: the reference to a pushed authorization request.
    PushedRequest,
    /// RFC 8628 §3.2
    DeviceCode,
    /// RFC 7591 §1.2: lets an app register itself.
    InitialAccessToken,
    /// RFC 7592 §1.2: lets a registered app manage itself.
    RegistrationAccessToken,
}

impl SecretKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::AccessToken,
        Self::RefreshToken,
        Self::AuthorizationCode,
        Self::ClientSecret,
        Self::Session,
        Self::PreSession,
        Self::Interaction,
        Self::PushedRequest,
        Self::DeviceCode,
        Self::InitialAccessToken,
        Self::RegistrationAccessToken,
    ];

    /// What every secret of this kind begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::AccessToken => "cs_at_",
            Self::RefreshToken => "cs_rt_",
            Self::AuthorizationCode => "cs_ac_",
            Self::ClientSecret => "cs_cs_",
            Self::Session => "cs_se_",
            Self::PreSession => "cs_ps_",
            Self::Interaction => "cs_in_",
            Self::PushedRequest => "cs_pr_",
            Self::DeviceCode => "cs_dc_",
            Self::InitialAccessToken => "cs_ia_",
            Self::RegistrationAccessToken => "cs_ra_",
        }
    }
}

/// A generated secret in the clear: shown once, then forgotten.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new secret of 256 bit.
    pub fn generate(kind: SecretKind, entropy: &dyn Entropy) -> Self {
        let random: [u8; 32] = random_bytes(entropy);
        let mut text = Zeroizing::new(String::with_capacity(kind.prefix().len() + BODY_CHARS + CHECKSUM_CHARS));
        text.push_str(kind.prefix());
        URL_SAFE_NO_PAD.encode_string(random, &mut text);
        let checksum = checksum(text.as_bytes());
        text.push_str(&checksum);
        Self(text)
    }

    /// Reads a secret of `kind`; `None` when prefix, length, alphabet or checksum is wrong (CVE-2026-27840 class).
    pub fn parse(kind: SecretKind, text: &str) -> Option<Self> {
        let body = text.strip_prefix(kind.prefix())?;
        let is_whole = body.len() == BODY_CHARS + CHECKSUM_CHARS && body.is_ascii();
        let (secret, given) = text.split_at_checked(text.len().checked_sub(CHECKSUM_CHARS)?)?;
        (is_whole && checksum(secret.as_bytes()) == given).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The secret itself: for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// A proof for `purpose` that only the holder of this secret, or we, can make: HMAC-SHA-256 in base64url.
    pub fn proof(&self, purpose: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Whether `given` is [`Secret::proof`] of `purpose`, compared in constant time.
    pub fn proves(&self, purpose: &str, given: &str) -> bool {
        self.proof(purpose).as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// SHA-256 of a generated secret. Safe to look up by: nobody can find 256 random bits from how long a look-up takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A digest as it was kept; `None` when it is not 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes to keep.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(redacted)")
    }
}

/// How a client secret or password is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretHash {
    /// A generated secret of 256 bit: SHA-256 is enough, and costs a millionth of argon2id.
    Sha256(Digest),
    /// A secret that a person chose: argon2id in PHC form.
    Argon2id(String),
}

/// A text that is not a kept hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a password hash must be argon2id in PHC form, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`")]
pub struct InvalidHash;

impl SecretHash {
    /// The hash to keep of a secret that a person chose, or of a generated one (told apart by its checksum). Slow:
    /// about 20 ms for a chosen one.
    pub fn of_client_secret(secret: &str, entropy: &dyn Entropy) -> Self {
        match Secret::parse(SecretKind::ClientSecret, secret) {
            Some(generated) => Self::Sha256(generated.digest()),
            None => Self::of_password(secret, entropy),
        }
    }

    /// The hash to keep of a password. Slow: about 20 ms.
    pub fn of_password(password: &str, entropy: &dyn Entropy) -> Self {
        let salt: [u8; 16] = random_bytes(entropy);
        let hash = argon2id()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .expect("a salt of 16 bytes and any password can be hashed");
        Self::Argon2id(hash.to_string())
    }

    /// Reads a PHC string (world file `password_hash`, schema).
    pub fn parse_argon2id(phc: &str) -> Result<Self, InvalidHash> {
        let hash = PasswordHash::new(phc).map_err(|_| InvalidHash)?;
        let is_argon2id = hash.algorithm.as_str() == "argon2id" && hash.hash.is_some();
        if is_argon2id { Ok(Self::Argon2id(phc.to_owned())) } else { Err(InvalidHash) }
    }

    /// The hash of something that nobody can know: verified against where nothing is kept, so that the time of a refusal
    /// does not tell whether a user or client exists (F01).
    pub fn dummy() -> Self {
        Self::Argon2id(DUMMY.to_owned())
    }

    /// Whether `secret` is the one that was kept, compared in constant time. Slow where it is argon2id.
    pub fn verify(&self, secret: &str) -> bool {
        match self {
            Self::Sha256(digest) => Digest::of(secret.as_bytes()).0.ct_eq(&digest.0).into(),
            Self::Argon2id(phc) => {
                PasswordHash::new(phc).is_ok_and(|hash| argon2id().verify_password(secret.as_bytes(), &hash).is_ok())
            }
        }
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(redacted)")
    }
}

/// Longest password that is hashed, in bytes (F02).
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// argon2id of 32 random bytes that were thrown away, with the parameters of `argon2id()`.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$8z9ZR5V86SqkadZ43kNgrA$byFdZMPkieF19rY+XFD3xY/jQNg53+OYEdc6DQovFxc";

const BODY_CHARS: usize = 43;
const CHECKSUM_CHARS: usize = 6;

/// OWASP password storage: argon2id, m = 19 MiB, t = 2, p = 1.
fn argon2id() -> Argon2<'static> {
    let params = Params::new(19 * 1_024, 2, 1, None).expect("the OWASP parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn checksum(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(crc32fast::hash(bytes).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn c45_a_cut_extended_or_changed_secret_is_refused() {
        let secret = Secret::generate(SecretKind::AccessToken, &SeededEntropy::new(1));
        let text = secret.expose();
        assert_eq!(text.len(), 6 + 43 + 6);
        assert!(Secret::parse(SecretKind::AccessToken, text).is_some());
        assert!(Secret::parse(SecretKind::AccessToken, &text[..text.len() - 1]).is_none());
        assert!(Secret::parse(SecretKind::AccessToken, &format!("{text}A")).is_none());
        let swapped = text.replacen(&text[10..11], if &text[10..11] == "A" { "B" } else { "A" }, 1);
        assert!(Secret::parse(SecretKind::AccessToken, &swapped).is_none());
    }

    #[test]
    fn c44_a_secret_of_one_kind_is_not_one_of_another() {
        let secret = Secret::generate(SecretKind::RefreshToken, &SeededEntropy::new(2));
        assert!(Secret::parse(SecretKind::AccessToken, secret.expose()).is_none());
    }

    #[test]
    fn c26_generated_secrets_are_kept_as_sha256_and_chosen_ones_as_argon2id() {
        let entropy = SeededEntropy::new(3);
        let generated = Secret::generate(SecretKind::ClientSecret, &entropy);
        let kept = SecretHash::of_client_secret(generated.expose(), &entropy);
        assert!(matches!(kept, SecretHash::Sha256(_)) && kept.verify(generated.expose()));
        let kept = SecretHash::of_client_secret("roster-secret", &entropy);
        assert!(matches!(&kept, SecretHash::Argon2id(phc) if phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")));
        assert!(kept.verify("roster-secret") && !kept.verify("roster-secre"));
    }

    #[test]
    fn a_proof_is_good_for_its_secret_and_purpose_only() {
        let secret = |seed| Secret::generate(SecretKind::Session, &SeededEntropy::new(seed));
        let proof = secret(6).proof("consent");
        assert!(secret(6).proves("consent", &proof));
        assert!(!secret(6).proves("approval", &proof) && !secret(7).proves("consent", &proof));
        assert!(!secret(6).proves("consent", "") && !secret(6).proves("consent", &proof[1..]));
    }

    #[test]
    fn f01_the_dummy_is_a_hash_of_the_same_cost_that_nothing_fits() {
        let SecretHash::Argon2id(dummy) = SecretHash::dummy() else { panic!("a chosen secret's hash") };
        let SecretHash::Argon2id(real) = SecretHash::of_password("x", &SeededEntropy::new(5)) else { panic!() };
        let cost = |phc: &str| phc.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(&dummy), cost(&real));
        assert!(!SecretHash::dummy().verify("") && SecretHash::parse_argon2id(&dummy).is_ok());
    }

    #[test]
    fn a_hash_that_is_not_argon2id_is_refused() {
        assert!(SecretHash::parse_argon2id("$2b$12$abcdefghijklmnopqrstuv").is_err());
        assert!(SecretHash::parse_argon2id("plain").is_err());
    }

    #[test]
    fn no_secret_is_shown_by_debug() {
        let secret = Secret::generate(SecretKind::Session, &SeededEntropy::new(4));
        let shown = format!("{secret:?} {:?} {:?}", secret.digest(), SecretHash::Sha256(secret.digest()));
        assert_eq!(shown, "Secret(redacted) Digest(redacted) SecretHash(redacted)");
    }
}
