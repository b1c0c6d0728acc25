//! Signatures of others that we verify: one strict reader of compact JWS (RFC 7515 §7.1) for client assertions, DPoP proofs,
//! signed requests and ID token hints.
//!
//! [`Jws::read`] takes a text apart and believes nothing; [`Jws::verify`] gives the claims, and only against a key that the
//! caller chose and an algorithm that the caller allows. Header members that would let the sender choose the key or change
//! how it is read (`jku`, `x5u`, `x5c`, `crit`, `b64`, `zip`, …) are refused, not ignored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::oauth::claims::Claims;
use crate::oauth::jwk::{JwkSet, PublicJwk};
use crate::oauth::strict_json;

/// The longest JWS that is read, in bytes.
pub const MAX_JWS_BYTES: usize = 16 * 1_024;

/// A signature algorithm that we take; `none` and every symmetric one are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JwsAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256
    Rs256,
    /// RSASSA-PSS with SHA-256
    Ps256,
    /// ECDSA on P-256 with SHA-256
    Es256,
    /// ECDSA on P-384 with SHA-384
    Es384,
    /// Ed25519
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// Why a text is not a signature that counts. For the log and the developer; says nothing about keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than [`MAX_JWS_BYTES`].
    #[error("it is longer than {MAX_JWS_BYTES} bytes")]
    TooLong,
    /// RFC 7515 §7.1
    #[error("it is not three parts of base64url without padding, joined by dots")]
    NotCompact,
    /// RFC 7515 §4
    #[error("its header is not a JSON object with distinct names")]
    Header,
    /// A header member that would choose the key or change the reading.
    #[error("its header has a member other than `alg`, `typ`, `cty`, `kid`, `x5t`, `x5t#S256`")]
    HeaderMember,
    /// RFC 7515 §4.1.1, RFC 8725 §3.1
    #[error("its `alg` is not one of those allowed here")]
    Algorithm,
    /// RFC 8725 §3.11
    #[error("its `typ` is not the one of such a token")]
    Type,
    /// RFC 7515 §4.1.3, RFC 9449 §4.2
    #[error("its header has no public key in `jwk`")]
    EmbeddedKey,
    /// RFC 7515 §4.1.4
    #[error("no key fits its `kid` and `alg`")]
    Key,
    /// RFC 7515 §5.2
    #[error("its signature is wrong")]
    Signature,
    /// RFC 7519 §7.2
    #[error("its payload is not a JSON object with distinct names")]
    Payload,
}

impl JwsAlgorithm {
    /// Every algorithm, the recommended ones first.
    pub const ALL: [Self; 5] = [Self::Es256, Self::EdDsa, Self::Ps256, Self::Es384, Self::Rs256];
    /// Those of FAPI 2.0 §5.4.1, and ES384: no PKCS #1 v1.5.
    pub const STRONG: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Ps256, Self::Es384];

    /// The name in `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    const fn jsonwebtoken(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Es384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// A compact JWS, taken apart. Nothing in it is believed before [`Jws::verify`].
#[derive(Debug, Clone)]
pub struct Jws<'t> {
    algorithm: JwsAlgorithm,
    typ: Option<String>,
    kid: Option<String>,
    jwk: Option<Value>,
    payload: Map<String, Value>,
    signed: &'t str,
    signature: &'t str,
}

impl<'t> Jws<'t> {
    /// Takes a text apart. `allowed`: the algorithms that the caller takes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(text: &'t str, allowed: &[JwsAlgorithm]) -> Result<Self, JwsError> {
        if text.len() > MAX_JWS_BYTES {
            return Err(JwsError::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::NotCompact)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::NotCompact)?;
        // RFC 7515 §2: neither padding nor blanks nor stray bits (D06); a part more has a dot and is not base64url
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::NotCompact);
        let (header, payload) = (decode(header)?, decode(payload)?);
        decode(signature)?;
        let mut header = strict_json::object(&header).ok_or(JwsError::Header)?;
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(JwsAlgorithm::parse);
        // RFC 8725 §3.1: only what the caller allows, whatever the header says
        let algorithm = algorithm.filter(|algorithm| allowed.contains(algorithm)).ok_or(JwsError::Algorithm)?;
        if header.keys().any(|name| !KNOWN_MEMBERS.contains(&name.as_str())) {
            return Err(JwsError::HeaderMember);
        }
        let (typ, kid) = (text_member(&mut header, "typ")?, text_member(&mut header, "kid")?);
        let jwk = header.remove("jwk");
        let payload = strict_json::object(&payload).ok_or(JwsError::Payload)?;
        Ok(Self { algorithm, typ, kid, jwk, payload, signed, signature })
    }

    /// RFC 8725 §3.11: the same, if its `typ` is one of `types` in any letter case, with or without `application/`
    /// (RFC 7515 §4.1.9).
    ///
    /// # Errors
    /// `Type`.
    pub fn typed(self, types: &[&str]) -> Result<Self, JwsError> {
        let typ = self.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        if types.iter().any(|known| known.eq_ignore_ascii_case(typ)) { Ok(self) } else { Err(JwsError::Type) }
    }

    /// Whether it says what it is.
    pub fn has_type(&self) -> bool {
        self.typ.is_some()
    }

    /// A claim before anything is believed: to find the party whose keys to verify with.
    pub fn unverified_text(&self, name: &str) -> Option<&str> {
        self.payload.get(name).and_then(Value::as_str)
    }

    /// The claims, if one of `keys` signed them.
    ///
    /// # Errors
    /// `HeaderMember`, `Key` or `Signature`.
    pub fn verify(self, keys: &JwkSet) -> Result<Claims, JwsError> {
        // RFC 8725 §3.10: the sender does not choose the key
        if self.jwk.is_some() {
            return Err(JwsError::HeaderMember);
        }
        let key = keys.find(self.kid.as_deref(), self.algorithm).ok_or(JwsError::Key)?;
        self.check(key)?;
        Ok(Claims::new(self.payload))
    }

    /// The claims and the key that signed them, which stands in the header (RFC 9449 §4.2): proves that the sender has that
    /// key, and nothing else.
    ///
    /// # Errors
    /// `EmbeddedKey`, `Key` or `Signature`.
    pub fn verify_embedded(mut self) -> Result<(Claims, PublicJwk), JwsError> {
        let jwk = self.jwk.take().ok_or(JwsError::EmbeddedKey)?;
        let key: PublicJwk = serde_json::from_value(jwk).map_err(|_| JwsError::EmbeddedKey)?;
        if !key.fits(self.algorithm) {
            return Err(JwsError::Key);
        }
        self.check(&key)?;
        Ok((Claims::new(self.payload), key))
    }

    fn check(&self, key: &PublicJwk) -> Result<(), JwsError> {
        let key = key.decoding_key().ok_or(JwsError::Key)?;
        let algorithm = self.algorithm.jsonwebtoken();
        match jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), &key, algorithm) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(JwsError::Signature),
        }
    }
}

/// `x5t` only names a certificate; `jwk` counts where the caller asks for it, and is refused elsewhere.
const KNOWN_MEMBERS: [&str; 7] = ["alg", "typ", "cty", "kid", "jwk", "x5t", "x5t#S256"];

fn text_member(header: &mut Map<String, Value>, name: &str) -> Result<Option<String>, JwsError> {
    match header.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwsError::Header),
    }
}

#[cfg(test)]
mod tests;
