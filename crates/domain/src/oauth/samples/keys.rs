//! Keys of clients, to sign with in tests. Made for these tests; nothing else knows them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::oauth::jwk::{JwkSet, PublicJwk};

/// A private key and the algorithm that it signs with.
pub(crate) struct Key {
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Key {
    pub(crate) fn es256() -> Self {
        Self { key: EncodingKey::from_ec_der(&decode(ES256)), algorithm: Algorithm::ES256 }
    }

    /// Another of the same kind.
    pub(crate) fn other_es256() -> Self {
        Self { key: EncodingKey::from_ec_der(&decode(OTHER_ES256)), algorithm: Algorithm::ES256 }
    }

    pub(crate) fn es384() -> Self {
        Self { key: EncodingKey::from_ec_der(&decode(ES384)), algorithm: Algorithm::ES384 }
    }

    pub(crate) fn ed25519() -> Self {
        Self { key: EncodingKey::from_ed_der(&decode(ED25519)), algorithm: Algorithm::EdDSA }
    }

    /// RS256 or PS256.
    pub(crate) fn rsa(algorithm: &str) -> Self {
        Self { key: EncodingKey::from_rsa_der(&decode(RSA)), algorithm: algorithm.parse().unwrap() }
    }

    pub(crate) fn alg(&self) -> &'static str {
        match self.algorithm {
            Algorithm::ES256 => "ES256",
            Algorithm::ES384 => "ES384",
            Algorithm::EdDSA => "EdDSA",
            Algorithm::PS256 => "PS256",
            _ => "RS256",
        }
    }

    /// The public key as JSON.
    pub(crate) fn public(&self) -> Value {
        serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap()
    }

    pub(crate) fn jwk(&self) -> PublicJwk {
        serde_json::from_value(self.public()).unwrap()
    }

    /// The key alone.
    pub(crate) fn jwks(&self) -> JwkSet {
        serde_json::from_value(json!({ "keys": [self.public()] })).unwrap()
    }

    /// A JWS with nothing but `alg` in its header.
    pub(crate) fn sign(&self, claims: Value) -> String {
        self.sign_with(json!({ "alg": self.alg() }), claims)
    }

    #[expect(clippy::needless_pass_by_value, reason = "`json!` is written where it is used")]
    pub(crate) fn sign_with(&self, header: Value, claims: Value) -> String {
        self.sign_raw(&header.to_string(), &claims.to_string())
    }

    pub(crate) fn sign_raw(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }
}

fn decode(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
}

const ES256: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpSwE1Iy0nCTS/Yu6nQsX+b+DKMXrFJ7dXXXeuBhAlcShRANCAAT159ZbwkNWWAOo6DWJlD+B3NoYxfZXr2FaTcqa9NOQwK7YJRQo2549sCtpyNL5gkdOt9ENdISccTJ9SQgttEtX";
const OTHER_ES256: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAeOwc4+dJaXmVNRzNupzz/r2r460cW/QOJpUJoWxVP+hRANCAASZFYIynh5ZaSLCuOEp8SFIm7WLVOrV2CM1UqdpfK6okFkoazsQ3GT7EO21/Zv1mbHPeI3n0bbrlgOjDNNf8Jt7";
const ES384: &str = "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBQJaF4ZsMOBiA2ezNPnOEFlijsEj0CePNq8qk+TeRngbNVUMw+DcYSDuYjd/nZVMWhZANiAAQGoN+KcMVOdQvRk79+xk2OC8uFrCO/Lt0uRve4QDZ9mIl3uEDN0OCFbqRYb72sxP8CBYoSv8TOG2Y9v1OoQ7iwG7GP++PBR8UiVGrcoW9z2PdTljYqvjE4+rbNIMBrkAc=";
const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIJkIoQH6sb7Pn4TNhsOGlyWSovpn2u4WYWcsHrk89tYc";
const RSA: &str = "MIIEogIBAAKCAQEAwhF9PGl8zl/M+pm/NFd+EmLsrSPE2tMkJazFin3o869GlNm4QgtoSZxwcR2MX4/EN/tUY/bYueeTjX+OQHiWOyrVFvXuUowyYFhVqoqpTZCAlrQ8/D7MVsI4KroDZ2cXuEvr5c0nrO8CK7GOgaQ3X4ttrk9bmcNr3AXC43X1N+l8GlItctI9M+4IbMGjHSqeC1Bg7VGqHekzMQZIFkNiUnPSIwmGA5Fc6eeOsJbYvu+XITNpCBu4YyVXKzKkyCXlV5RCmzQIMcEDP22kLYac1hpBBJ2qcIjWmsIUSgJVxllmcZ/ARvtaxQWrT2ume94ge5KdAV4kO9PB6FFXXBKh2QIDAQABAoIBADtHAEvdpMOcu42oPKEOQHH5SXWxQUXdzGK9nTEqOGeGmDaLMh7qQRaK9EV40xG1Zif7WtGV6qkONSG5XogOzUSRVrlGsV8Bd7m6AaCv7frFMqHVt/MMc3nkpSdX3gZNlQ80EYAF5CKMdstF1tN+h3NlsUDW+JHFAUMZd2fm9dn3rUcrYc/YhSzNwQifsWD+Xp88uOto9rquJA12vDBNF9R90uKDT7VmLfyClVJM0/um0ei9yLBWBwvRbe7xqTSw5t+2oSf1hp6M5Ahr7Jb/+ed9zAV4CJVp70UBcR50SKlgwflObgCPOl12aNG94QQxdVUZ9grDNqcwWL5p6vnpaAkCgYEA4I857QMfWnSsUScRhmF5pReACugMffxCSLxLhkiVl4GMyVUhboRlSgAMH04YDOZd2k3UwSv4bO/flT6DijXnkLq9JCOQedYGtdwib4ZpOI6DO8LHAFamtqCGxxo4RDUj6L48Fg32xEVvw1IJULw2fsc6/LcNScmrdsM1LPV/EjsCgYEA3T1iKBjPPM/yU7jGalMv3WKsPrFT+sxKXnPgGpfs3Qg6266mJshf+jkP0aPkyyzCKRKzyH6eiFNSHUffAe+mNEaGO8ViWlv9Yh0wFMWlgDdt2QtBrYkV28BrJ4nnmIQExnDbwfiZbyBnWj1/JohZ71LM+/l5/RJvgC6QpqflJvsCgYArLv/pt08BOyykEopJOFeHSwShlExKsgchK6yubyjtUMl9MjTSpv0/hNDP+FmhqW9k+tCuMUF92Yc6kSIEoycb6v1ShNBUzbbOpD2vCr8TVDyicmuIgiFfP3GLulwVqc51BJhTeW36AoximFUYRImKSc/rJ1yT0wd5OELymWdNXwKBgD1dg1Zf20ug2jRCsjZXsJUVg3U4NnUAKTidp3F45mhAmiLJBKkJNyXuoeaiMRnx5kECQP/BrzNc+Q/KGZ8t28nwLddyXl912IhYVDfOwqMXvM5RAvyhY4C6lH45EBYLuE9ainn4/IYIVOKA4D3N4DQzoUva3O1HKcpCIDk5pKP1AoGATyScqyj28TXVoFCUqmyc5sHpImjNtjJdkS2u3b59T0TbGP5rN6Du4QuO+6NXq+3w55O8LmezpUemORbkMi8YpSdSFaf+E+3kVIn7zbZxjJFTDdLBZtq28LaRoMJBfJMPm5Mv+rsVPls3dkP8xJ39qhGCWQVNVjPkw+VLAzod5vw=";
