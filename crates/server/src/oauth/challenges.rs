//! Code challenges that an app uses again (checklist A22; OAuth 2.1 draft §7.5.1.1).
//!
//! A verifier that is the same each time protects nobody whose request was seen once. It cannot be refused, since a request may be
//! repeated for good reasons, but somebody should hear of it.

use countersign_domain::id::ClientId;
use countersign_domain::secret::Digest;

/// Most challenges that are remembered; the least recently used are forgotten first.
const MAX_CHALLENGES: u64 = 100_000;

/// The challenges that codes were lately issued for, on this node.
#[derive(Clone)]
pub struct Challenges(moka::sync::Cache<Digest, ()>);

impl Default for Challenges {
    fn default() -> Self {
        Self(moka::sync::Cache::new(MAX_CHALLENGES))
    }
}

impl Challenges {
    /// Notes that a code of `client` is issued for `challenge`, and logs it where it is not the first: says whether it is.
    pub fn is_first(&self, client: &ClientId, challenge: &str) -> bool {
        let is_first = self.0.entry(Digest::of(format!("{client} {challenge}").as_bytes())).or_insert(()).is_fresh();
        if !is_first {
            tracing::warn!(
                client.id = %client,
                "an app used a code challenge again: it must make a new code verifier for every authorization request",
            );
        }
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a22_a_challenge_that_comes_again_from_the_same_app_is_noticed() {
        let challenges = Challenges::default();
        let (one, other) = (ClientId::parse("one").unwrap(), ClientId::parse("other").unwrap());
        assert!(challenges.is_first(&one, "a") && challenges.is_first(&one, "b") && challenges.is_first(&other, "a"));
        assert!(!challenges.is_first(&one, "a") && !challenges.is_first(&other, "a"));
    }
}
