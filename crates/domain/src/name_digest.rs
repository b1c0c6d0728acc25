//! Digests that stand for ids in records that leave the database: the same id has the same digest in every line, and nobody
//! can tell whose it is without the key that an installation keeps to itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// So that nobody takes a digest for an id.
const PREFIX: &str = "hmac:";
/// The bytes that are kept: enough that no two people of an installation share a digest.
const KEPT_BYTES: usize = 16;

/// Makes digests: HMAC-SHA-256, cut to 128 bit.
#[derive(Clone)]
pub struct NameDigests(Zeroizing<[u8; 32]>);

impl NameDigests {
    /// The name of the key among the secrets that the nodes of an installation share.
    pub const KEY: &str = "decision_log";

    /// Digests with this key.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The digest of an id.
    pub fn of(&self, id: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0[..]).expect("HMAC takes a key of any length");
        mac.update(b"name in a record\0");
        mac.update(id.as_bytes());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..KEPT_BYTES]))
    }
}

impl std::fmt::Debug for NameDigests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NameDigests(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_same_for_the_same_id_and_key_only() {
        let (ours, others) = (NameDigests::new([1; 32]), NameDigests::new([2; 32]));
        assert_eq!(ours.of("ada"), ours.of("ada"));
        assert_eq!((ours.of("ada").len(), &ours.of("ada")[..5]), (PREFIX.len() + 22, PREFIX));
        assert!(ours.of("ada") != ours.of("bob") && ours.of("ada") != others.of("ada"));
        assert_eq!(format!("{ours:?}"), "NameDigests(redacted)");
    }
}
