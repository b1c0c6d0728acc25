//! Public keys as JSON (RFC 7517, RFC 7518 §6, RFC 8037 §2): the keys that a client registers, and the key inside a DPoP
//! proof. A private or symmetric key is never taken: whoever sends one has already given it away.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::oauth::jws::JwsAlgorithm;
use crate::oauth::thumbprint::Thumbprint;

/// Most keys of one client: old and new ones while they are replaced, of several kinds.
pub const MAX_KEYS: usize = 16;

/// A public key that signatures can be verified with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members", into = "Members")]
pub struct PublicJwk {
    material: Material,
    kid: Option<String>,
    algorithm: Option<JwsAlgorithm>,
    key_use: Option<String>,
    /// RFC 7517 §4.7: certificates in standard base64, the key's own first.
    certificates: Vec<String>,
}

/// RFC 7518 §6, RFC 8037 §2: what a key of its type must have, in base64url of exactly the right length.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    P256 { x: String, y: String },
    P384 { x: String, y: String },
    Ed25519 { x: String },
    Rsa { n: String, e: String },
}

/// A set of public keys (RFC 7517 §5), distinct by `kid`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Keys", into = "Keys")]
pub struct JwkSet(Vec<PublicJwk>);

/// Why a key or a set of keys is not taken: what is wrong and what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJwk {
    /// RFC 7518 §6.2.2, §6.3.2, §6.4: members of private and symmetric keys.
    #[error("a key with a private or symmetric part is never sent: register the public key")]
    Private,
    /// RFC 7518 §6.1
    #[error("the key type is not supported: use `EC` with P-256 or P-384, `OKP` with Ed25519, or `RSA`")]
    Type,
    /// RFC 7518 §6.2.1, §6.3.1, RFC 8037 §2
    #[error("a coordinate, modulus or exponent is missing, not base64url, or not of the key type's length")]
    Material,
    /// NIST SP 800-131A: shorter moduli are broken, longer ones only cost us time.
    #[error("an RSA modulus must have 2048 to 8192 bit")]
    ModulusLength,
    /// RFC 7517 §4.4
    #[error("`alg` does not fit the key type: it is one of RS256, PS256, ES256, ES384 and EdDSA")]
    Algorithm,
    /// RFC 7517 §4.5
    #[error("`kid` must have 1 to 128 characters")]
    KeyId,
    /// RFC 7517 §4.7
    #[error("`x5c` must be a list of at most 4 certificates in base64, not base64url")]
    Certificates,
    /// RFC 7517 §5
    #[error("`keys` must hold 1 to {MAX_KEYS} keys, each with a `kid` of its own")]
    Set,
}

impl PublicJwk {
    /// The key id.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether signatures of `algorithm` can be verified with this key: by its type, its `alg` and its `use`.
    pub fn fits(&self, algorithm: JwsAlgorithm) -> bool {
        let is_for_signatures = self.key_use.as_deref().is_none_or(|key_use| key_use == "sig");
        let is_asked = self.algorithm.is_none_or(|only| only == algorithm);
        is_for_signatures && is_asked && self.material.fits(algorithm)
    }

    /// The SHA-256 thumbprint (RFC 7638 §3): the `jkt` of what is bound to the key.
    pub fn thumbprint(&self) -> Thumbprint {
        // RFC 7638 §3.2, §3.3: required members only, in lexicographic order, without blanks; values need no escapes.
        let required = match &self.material {
            Material::P256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Material::P384 { x, y } => format!(r#"{{"crv":"P-384","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Material::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            Material::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        };
        Thumbprint::of(required.as_bytes())
    }

    /// The key's own certificate in DER (RFC 7517 §4.7), if it was registered with one.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.certificates.first()?).ok()
    }

    /// The key in the form that signatures are verified with.
    pub(crate) fn decoding_key(&self) -> Option<jsonwebtoken::DecodingKey> {
        use jsonwebtoken::DecodingKey;
        match &self.material {
            Material::P256 { x, y } | Material::P384 { x, y } => DecodingKey::from_ec_components(x, y).ok(),
            Material::Ed25519 { x } => DecodingKey::from_ed_components(x).ok(),
            Material::Rsa { n, e } => DecodingKey::from_rsa_components(n, e).ok(),
        }
    }
}

impl Material {
    const fn fits(&self, algorithm: JwsAlgorithm) -> bool {
        matches!(
            (self, algorithm),
            (Self::P256 { .. }, JwsAlgorithm::Es256)
                | (Self::P384 { .. }, JwsAlgorithm::Es384)
                | (Self::Ed25519 { .. }, JwsAlgorithm::EdDsa)
                | (Self::Rsa { .. }, JwsAlgorithm::Rs256 | JwsAlgorithm::Ps256)
        )
    }
}

impl JwkSet {
    /// The keys, never none.
    pub fn keys(&self) -> &[PublicJwk] {
        &self.0
    }

    /// The key for a signature: the one with its `kid`, or, where the signature names none, the only one that fits.
    pub fn find(&self, kid: Option<&str>, algorithm: JwsAlgorithm) -> Option<&PublicJwk> {
        let mut fitting = self.0.iter().filter(|key| key.fits(algorithm) && (kid.is_none() || key.kid() == kid));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}

/// A key as it is written; members that nobody asks for are ignored (RFC 7517 §4).
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Members {
    kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    key_use: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    x5c: Vec<String>,
    #[serde(skip_serializing)]
    d: Option<serde::de::IgnoredAny>,
    #[serde(skip_serializing)]
    p: Option<serde::de::IgnoredAny>,
    #[serde(skip_serializing)]
    q: Option<serde::de::IgnoredAny>,
    #[serde(skip_serializing)]
    k: Option<serde::de::IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
struct Keys {
    keys: Vec<PublicJwk>,
}

impl TryFrom<Members> for PublicJwk {
    type Error = InvalidJwk;

    fn try_from(members: Members) -> Result<Self, InvalidJwk> {
        if [&members.d, &members.p, &members.q, &members.k].into_iter().any(Option::is_some) {
            return Err(InvalidJwk::Private);
        }
        let material = material(&members)?;
        let algorithm = members.alg.as_deref().map(|name| JwsAlgorithm::parse(name).ok_or(InvalidJwk::Algorithm));
        let algorithm = algorithm.transpose()?;
        if algorithm.is_some_and(|algorithm| !material.fits(algorithm)) {
            return Err(InvalidJwk::Algorithm);
        }
        if members.kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > 128) {
            return Err(InvalidJwk::KeyId);
        }
        if members.x5c.len() > 4 || members.x5c.iter().any(|text| STANDARD.decode(text).is_err()) {
            return Err(InvalidJwk::Certificates);
        }
        let Members { kid, key_use, x5c: certificates, .. } = members;
        Ok(Self { material, kid, algorithm, key_use, certificates })
    }
}

fn material(members: &Members) -> Result<Material, InvalidJwk> {
    let bytes = |text: &Option<String>| {
        let text = text.clone().ok_or(InvalidJwk::Material)?;
        // RFC 7515 §2: base64url without padding and, so that a key has one thumbprint, without stray bits
        let bytes = URL_SAFE_NO_PAD.decode(&text).map_err(|_| InvalidJwk::Material)?;
        Ok((text, bytes))
    };
    let of_length = |text: &Option<String>, length: usize| {
        let (text, bytes) = bytes(text)?;
        if bytes.len() == length { Ok(text) } else { Err(InvalidJwk::Material) }
    };
    match (members.kty.as_str(), members.crv.as_deref()) {
        ("EC", Some("P-256")) => Ok(Material::P256 { x: of_length(&members.x, 32)?, y: of_length(&members.y, 32)? }),
        ("EC", Some("P-384")) => Ok(Material::P384 { x: of_length(&members.x, 48)?, y: of_length(&members.y, 48)? }),
        ("OKP", Some("Ed25519")) => Ok(Material::Ed25519 { x: of_length(&members.x, 32)? }),
        ("RSA", _) => {
            let ((n, modulus), (e, exponent)) = (bytes(&members.n)?, bytes(&members.e)?);
            // RFC 7518 §6.3.1.1: no leading zeros, which would also give one key many thumbprints
            if [&modulus, &exponent].into_iter().any(|number| number.first().is_none_or(|first| *first == 0)) {
                return Err(InvalidJwk::Material);
            }
            let bits = modulus.len() * 8 - modulus[0].leading_zeros() as usize;
            if !(2_048..=8_192).contains(&bits) {
                return Err(InvalidJwk::ModulusLength);
            }
            if exponent.len() <= 4 { Ok(Material::Rsa { n, e }) } else { Err(InvalidJwk::Material) }
        }
        _ => Err(InvalidJwk::Type),
    }
}

impl From<PublicJwk> for Members {
    fn from(key: PublicJwk) -> Self {
        let alg = key.algorithm.map(|algorithm| algorithm.as_str().to_owned());
        let shared = Self { kid: key.kid, alg, key_use: key.key_use, x5c: key.certificates, ..Self::default() };
        let of = |kty: &str, crv: &str| Self { kty: kty.to_owned(), crv: Some(crv.to_owned()), ..Self::default() };
        let typed = match key.material {
            Material::P256 { x, y } => Self { x: Some(x), y: Some(y), ..of("EC", "P-256") },
            Material::P384 { x, y } => Self { x: Some(x), y: Some(y), ..of("EC", "P-384") },
            Material::Ed25519 { x } => Self { x: Some(x), ..of("OKP", "Ed25519") },
            Material::Rsa { n, e } => Self { kty: "RSA".to_owned(), n: Some(n), e: Some(e), ..Self::default() },
        };
        let Self { kty, crv, x, y, n, e, .. } = typed;
        Self { kty, crv, x, y, n, e, ..shared }
    }
}

impl TryFrom<Keys> for JwkSet {
    type Error = InvalidJwk;

    fn try_from(Keys { keys }: Keys) -> Result<Self, InvalidJwk> {
        let is_doubled = |at: usize| keys[at].kid.is_some() && keys[..at].iter().any(|key| key.kid == keys[at].kid);
        if keys.is_empty() || keys.len() > MAX_KEYS || (0..keys.len()).any(is_doubled) {
            return Err(InvalidJwk::Set);
        }
        Ok(Self(keys))
    }
}

impl From<JwkSet> for Keys {
    fn from(set: JwkSet) -> Self {
        Self { keys: set.0 }
    }
}

#[cfg(test)]
mod tests;
