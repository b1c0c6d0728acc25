//! New signing keys. Their randomness is the cryptographic library's own, from the operating system: it takes none of ours.

use anyhow::{Context, anyhow};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::oauth::signing_key::{SigningAlgorithm, SigningKey};
use countersign_domain::time::Timestamp;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use zeroize::Zeroizing;

use super::vault::Vault;
use super::{named, read_private_key};

/// One new key of every algorithm. Slow: RSA takes about 100 ms.
pub(super) fn keys(vault: &Vault, now: Timestamp, active_from: Timestamp) -> anyhow::Result<Vec<SigningKey>> {
    SigningAlgorithm::ALL.into_iter().map(|algorithm| key(algorithm, vault, now, active_from)).collect()
}

fn key(
    algorithm: SigningAlgorithm,
    vault: &Vault,
    now: Timestamp,
    active_from: Timestamp,
) -> anyhow::Result<SigningKey> {
    let pem = private_key(algorithm).map_err(|_| anyhow!("no {} key could be made", algorithm.as_str()))?;
    let context = "a key that was just made cannot be read";
    let private = read_private_key(algorithm, &pem).context(context)?;
    let mut public = Jwk::from_encoding_key(&private, named(algorithm)).context(context)?;
    let kid = public.thumbprint(ThumbprintHash::SHA256).context(context)?;
    public.common.key_id = Some(kid.clone());
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(SigningKey {
        sealed_private_key: vault.seal(&kid, &pem)?,
        public_jwk: serde_json::to_value(&public).context(context)?,
        kid,
        algorithm,
        created_at: now,
        active_from,
    })
}

/// PKCS #8 in PEM.
fn private_key(algorithm: SigningAlgorithm) -> Result<Zeroizing<Vec<u8>>, aws_lc_rs::error::Unspecified> {
    let pem = match algorithm {
        SigningAlgorithm::Es256 => {
            pem(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref())
        }
        SigningAlgorithm::Rs256 => {
            pem(AsDer::<Pkcs8V1Der<'_>>::as_der(&RsaKeyPair::generate(KeySize::Rsa2048)?)?.as_ref())
        }
        SigningAlgorithm::EdDsa => pem(Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref()),
    };
    Ok(pem)
}

/// RFC 7468 §10.
fn pem(der: &[u8]) -> Zeroizing<Vec<u8>> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut pem = Zeroizing::new(Vec::with_capacity(base64.len() + 64));
    pem.extend_from_slice(b"-----BEGIN PRIVATE KEY-----\n");
    pem.extend_from_slice(base64.as_bytes());
    pem.extend_from_slice(b"\n-----END PRIVATE KEY-----\n");
    pem
}
