//! What can be used once: the `jti` of a client assertion or of an assertion about a person (RFC 7523 §3 rule 7) or of a DPoP proof (RFC 9449 §11.1).

use crate::secret::Digest;
use crate::time::Timestamp;

/// One use, to be claimed in the store: whoever claims it second replays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedProof {
    /// Kind, sender and `jti` in one.
    pub digest: Digest,
    /// When the proof is refused for its age, and the use can be forgotten.
    pub until: Timestamp,
}

impl UsedProof {
    /// A client's assertion; good until `exp`, and the leeway of clocks after it.
    pub fn of_assertion(client: &str, jti: &str, until: Timestamp) -> Self {
        Self::of("assertion", client, jti, until)
    }

    /// An issuer's assertion about a person, whatever organization it is used in.
    pub fn of_grant_assertion(issuer: &str, jti: &str, until: Timestamp) -> Self {
        Self::of("grant assertion", issuer, jti, until)
    }

    /// A DPoP proof of the key with this thumbprint.
    pub fn of_dpop(thumbprint: &str, jti: &str, until: Timestamp) -> Self {
        Self::of("dpop", thumbprint, jti, until)
    }

    /// Neither a client id nor an address nor a thumbprint holds a line break, so no two uses are written alike.
    fn of(kind: &str, sender: &str, jti: &str, until: Timestamp) -> Self {
        Self { digest: Digest::of(format!("{kind}\n{sender}\n{jti}").as_bytes()), until }
    }
}
