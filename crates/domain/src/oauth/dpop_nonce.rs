//! Nonces of DPoP proofs (RFC 9449 §8): a proof with one was made after we gave it out, and not long ago.
//!
//! Nothing is kept of them: a nonce names its window of time and is signed with a key that all nodes share.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::time::Timestamp;

/// How long a nonce is given out, in seconds; it is taken as long again.
const WINDOW_SECONDS: i64 = 120;

/// Makes and recognizes nonces.
#[derive(Clone)]
pub struct DpopNonces {
    key: Zeroizing<[u8; 32]>,
}

impl DpopNonces {
    /// Nonces of the servers that share `key`.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key: Zeroizing::new(key) }
    }

    /// The nonce to give out now.
    pub fn current(&self, now: Timestamp) -> String {
        self.of_window(window(now))
    }

    /// Whether a nonce is of this window or the one before, compared in constant time.
    pub fn are_ours(&self, nonce: &str, now: Timestamp) -> bool {
        let windows = [window(now), window(now) - 1];
        windows.into_iter().fold(false, |is_ours, window| {
            is_ours | bool::from(self.of_window(window).as_bytes().ct_eq(nonce.as_bytes()))
        })
    }

    fn of_window(&self, window: i64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key[..]).expect("HMAC takes a key of any length");
        mac.update(b"DPoP nonce");
        mac.update(&window.to_be_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

impl std::fmt::Debug for DpopNonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DpopNonces(redacted)")
    }
}

fn window(now: Timestamp) -> i64 {
    now.as_seconds().div_euclid(WINDOW_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c58_a_nonce_is_taken_for_its_window_and_the_next_by_servers_with_its_key() {
        let (ours, others) = (DpopNonces::new([1; 32]), DpopNonces::new([2; 32]));
        let at = |seconds: i64| Timestamp::from_seconds(1_200 + seconds);
        let nonce = ours.current(at(0));
        assert_eq!((nonce.len(), ours.current(at(119))), (43, nonce.clone()));
        assert_ne!(ours.current(at(120)), nonce);
        assert!(ours.are_ours(&nonce, at(0)) && ours.are_ours(&nonce, at(239)));
        assert!(!ours.are_ours(&nonce, at(240)) && !ours.are_ours("", at(0)) && !others.are_ours(&nonce, at(0)));
        assert!(!ours.are_ours(&ours.current(at(120)), at(0)), "one of the future is not ours yet");
        assert_eq!(format!("{ours:?}"), "DpopNonces(redacted)");
    }
}
