//! Keys and certificates of clients, made for each test.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{Certificate, CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};

/// A P-256 key that signs ES256.
pub struct Key(EncodingKey);

impl Key {
    pub fn generate() -> Self {
        Self(EncodingKey::from_ec_der(&KeyPair::generate().unwrap().serialize_der()))
    }

    fn public_jwk(&self) -> Jwk {
        Jwk::from_encoding_key(&self.0, Algorithm::ES256).unwrap()
    }

    /// The public key as JSON.
    pub fn public(&self) -> Value {
        serde_json::to_value(self.public_jwk()).unwrap()
    }

    /// RFC 7638.
    pub fn thumbprint(&self) -> String {
        self.public_jwk().thumbprint(ThumbprintHash::SHA256).unwrap()
    }

    /// The key set as it stands in a world file.
    pub fn jwks(&self) -> String {
        json!({ "keys": [self.public()] }).to_string()
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.0, Algorithm::ES256).unwrap();
        format!("{signed}.{signature}")
    }
}

/// A certificate with one name.
pub fn certificate(common_name: &str) -> Certificate {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap()
}

/// As a proxy hands it on (RFC 9440).
pub fn client_cert(certificate: &Certificate) -> String {
    format!(":{}:", STANDARD.encode(certificate.der()))
}

/// The value of a member with one name replaced; null removes it.
pub fn with(value: &Value, name: &str, replacement: Value) -> Value {
    let mut value = value.clone();
    let members = value.as_object_mut().unwrap();
    match replacement {
        Value::Null => members.remove(name),
        replacement => members.insert(name.to_owned(), replacement),
    };
    value
}
