//! SHA-256 thumbprints of keys (RFC 7638) and certificates (RFC 8705 §3.1): what a token can be bound to, and who holds it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::secret::Digest;

/// A SHA-256 thumbprint; 43 characters of base64url as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Thumbprint(Digest);

/// A text that is not a thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a thumbprint is the SHA-256 of a key or certificate: 43 characters of base64url")]
pub struct NotAThumbprint;

/// RFC 7800 `cnf`: what whoever presents a token must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Confirmation {
    /// RFC 9449 §6.1: the key of a DPoP proof.
    #[serde(rename = "jkt")]
    Key(Thumbprint),
    /// RFC 8705 §3.1: the certificate of the connection.
    #[serde(rename = "x5t#S256")]
    Certificate(Thumbprint),
}

/// What the sender of a request has proven to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Possession {
    /// The key of a DPoP proof that was verified.
    pub key: Option<Thumbprint>,
    /// The certificate of the connection.
    pub certificate: Option<Thumbprint>,
}

impl Thumbprint {
    /// The thumbprint of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Digest::of(bytes))
    }

    /// Reads 43 characters of base64url.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, NotAThumbprint> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAThumbprint)?;
        Digest::from_bytes(&bytes).map(Self).ok_or(NotAThumbprint)
    }
}

impl Possession {
    /// Whether the holder of this may use what is bound to `confirmation`. RFC 9449 §7.2: a bound token is no bearer token;
    /// and one that is not bound was not meant for a proof.
    pub fn meets(&self, confirmation: Option<Confirmation>) -> bool {
        match confirmation {
            None => self.key.is_none(),
            Some(Confirmation::Key(key)) => self.key == Some(key),
            Some(Confirmation::Certificate(certificate)) => self.key.is_none() && self.certificate == Some(certificate),
        }
    }
}

impl std::fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

impl std::fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Thumbprint {
    type Error = NotAThumbprint;
    fn try_from(text: String) -> Result<Self, NotAThumbprint> {
        Self::parse(&text)
    }
}

impl From<Thumbprint> for String {
    fn from(thumbprint: Thumbprint) -> Self {
        thumbprint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_is_written_as_the_standards_name_it() {
        let thumbprint = Thumbprint::of(b"key");
        let text = thumbprint.to_string();
        assert_eq!(Thumbprint::parse(&text), Ok(thumbprint));
        let json = |confirmation: Confirmation| serde_json::to_value(confirmation).unwrap();
        assert_eq!(json(Confirmation::Key(thumbprint)), serde_json::json!({ "jkt": text }));
        assert_eq!(json(Confirmation::Certificate(thumbprint)), serde_json::json!({ "x5t#S256": text }));
        for bad in ["", "AAAA", &text[1..], &format!("{text}=")] {
            assert_eq!(Thumbprint::parse(bad), Err(NotAThumbprint), "{bad}");
        }
    }

    #[test]
    fn d18_d19_c55_only_the_holder_may_use_what_is_bound() {
        let (mine, other) = (Thumbprint::of(b"mine"), Thumbprint::of(b"other"));
        let nothing = Possession::default();
        let by_key = |key| Possession { key: Some(key), ..nothing };
        let by_certificate = |certificate| Possession { certificate: Some(certificate), ..nothing };
        let (key, certificate) = (Some(Confirmation::Key(mine)), Some(Confirmation::Certificate(mine)));
        assert!(by_key(mine).meets(key) && by_certificate(mine).meets(certificate) && nothing.meets(None));
        assert!(by_certificate(mine).meets(None), "a connection may have a certificate that nothing is bound to");
        for (possession, confirmation) in [
            (nothing, key),
            (nothing, certificate),
            (by_key(other), key),
            (by_certificate(other), certificate),
            (by_certificate(mine), key),
            (by_key(mine), certificate),
            (by_key(mine), None),
        ] {
            assert!(!possession.meets(confirmation), "{possession:?} {confirmation:?}");
        }
    }
}
