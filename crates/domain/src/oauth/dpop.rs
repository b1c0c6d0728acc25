//! DPoP proofs (RFC 9449): the sender of a request has a key, and signed this request with it just now.
//!
//! Pure: the proof, what it must be about, and one instant go in. The key's thumbprint comes out, and a use that must still
//! be claimed, because a proof counts once (§11.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use url::Url;

use crate::oauth::claims::{CLOCK_SKEW_SECONDS, ClaimError};
use crate::oauth::dpop_nonce::DpopNonces;
use crate::oauth::error::ErrorCode;
use crate::oauth::jws::{Jws, JwsAlgorithm, JwsError};
use crate::oauth::thumbprint::Thumbprint;
use crate::oauth::used_proof::UsedProof;
use crate::secret::Digest;
use crate::time::Timestamp;

/// How old a proof may be, in seconds, beyond the leeway of clocks.
pub const MAX_PROOF_AGE_SECONDS: i64 = 60;
/// The longest `jti` that is kept.
const MAX_JTI_BYTES: usize = 256;

/// What a proof must be about.
#[derive(Debug, Clone, Copy)]
pub struct ProvenRequest<'a> {
    /// The method as it was sent.
    pub method: &'a str,
    /// Our own address of what was called, from configuration: a proof for another host's is another's.
    pub url: &'a str,
    /// The access token that comes with it (§7).
    pub access_token: Option<&'a str>,
    /// The nonces that one of must be in it (§8); `None`: a nonce is not asked for.
    pub nonces: Option<&'a DpopNonces>,
}

/// What a proof proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedProof {
    /// The key that signed it (RFC 7638).
    pub key: Thumbprint,
    /// Its one use.
    pub used: UsedProof,
}

/// Why a proof does not count. For the developer of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// §4.3 rule 1
    #[error("the request has more than one `DPoP` header")]
    Doubled,
    /// §5
    #[error("a `DPoP` header with a proof is needed")]
    Missing,
    /// §4.3 rules 2 to 7
    #[error("the DPoP proof is no signature that counts: {0}")]
    Signature(#[from] JwsError),
    /// §4.3 rule 3 and what each claim must say
    #[error("the DPoP proof does not fit the request: {0}")]
    Claim(#[from] ClaimError),
    /// §8
    #[error("the DPoP proof must hold the nonce of the `DPoP-Nonce` header")]
    Nonce,
    /// §11.1
    #[error("the DPoP proof was used before")]
    Replayed,
    /// §10, §10.1
    #[error("the DPoP proof is of another key than `dpop_jkt` names")]
    OtherKey,
}

impl DpopError {
    /// The code on the wire (§5, §8).
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Nonce => ErrorCode::UseDpopNonce,
            _ => ErrorCode::InvalidDpopProof,
        }
    }
}

/// Checks a proof in the order of §4.3.
///
/// # Errors
/// The first rule that is broken.
pub fn verify(proof: &str, request: ProvenRequest<'_>, now: Timestamp) -> Result<VerifiedProof, DpopError> {
    // rules 2 and 5: one well-formed JWT with an asymmetric algorithm; rule 4: its type
    let jws = Jws::read(proof, &JwsAlgorithm::ALL)?.typed(&["dpop+jwt"])?;
    // rules 6 and 7: the key in its header is public, and verifies it
    let (claims, key) = jws.verify_embedded()?;
    // rule 3
    let (jti, method, url) = (claims.text("jti")?, claims.text("htm")?, claims.text("htu")?);
    let issued_at = claims.instant("iat")?;
    if jti.len() > MAX_JTI_BYTES {
        return Err(ClaimError::Wrong("jti").into());
    }
    // rule 8
    if method != request.method {
        return Err(ClaimError::Wrong("htm").into());
    }
    // rule 9
    if !is_same_address(url, request.url) {
        return Err(ClaimError::Wrong("htu").into());
    }
    // rule 10
    if let Some(nonces) = request.nonces {
        let is_ours = claims.optional_text("nonce")?.is_some_and(|nonce| nonces.are_ours(nonce, now));
        if !is_ours {
            return Err(DpopError::Nonce);
        }
    }
    // rule 11
    if issued_at > now.plus_seconds(CLOCK_SKEW_SECONDS) {
        return Err(ClaimError::Future("iat").into());
    }
    let until = issued_at.plus_seconds(MAX_PROOF_AGE_SECONDS + CLOCK_SKEW_SECONDS);
    if now >= until {
        return Err(ClaimError::Expired.into());
    }
    // RFC 7519 §4.1.4, §4.1.5: neither is needed, and what a proof says of its own time is not passed over
    if claims.optional_instant("exp")?.is_some_and(|until| now >= until.plus_seconds(CLOCK_SKEW_SECONDS)) {
        return Err(ClaimError::Expired.into());
    }
    if claims.optional_instant("nbf")?.is_some_and(|from| from > now.plus_seconds(CLOCK_SKEW_SECONDS)) {
        return Err(ClaimError::Future("nbf").into());
    }
    // rule 12
    if let Some(access_token) = request.access_token {
        let expected = URL_SAFE_NO_PAD.encode(Digest::of(access_token.as_bytes()).as_bytes());
        let is_of_token: bool = claims.text("ath")?.as_bytes().ct_eq(expected.as_bytes()).into();
        if !is_of_token {
            return Err(ClaimError::Wrong("ath").into());
        }
    }
    let key = key.thumbprint();
    Ok(VerifiedProof { key, used: UsedProof::of_dpop(&key.to_string(), jti, until) })
}

/// §4.3 rule 9: query and fragment are ignored; scheme, host and default port are compared in one form (RFC 3986 §6.2).
fn is_same_address(htu: &str, ours: &str) -> bool {
    let normal = |text: &str| {
        let mut url = Url::parse(text).ok().filter(|url| url.username().is_empty() && url.password().is_none())?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normal(htu).is_some_and(|htu| normal(ours) == Some(htu))
}

#[cfg(test)]
mod tests;
