//! The node's signing keys: made at the first start, opened with the key file, followed as other nodes change them.
//!
//! | file | holds |
//! |---|---|
//! | `vault.rs` | the key file, and what it seals |
//! | `make.rs` | new keys of every algorithm |
//!
//! When a key is used is decided in `domain::oauth::signing_key`.

mod make;
pub mod vault;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use countersign_domain::entropy::Entropy;
use countersign_domain::oauth::jwk::JwkSet;
use countersign_domain::oauth::jws::{Jws, JwsAlgorithm};
use countersign_domain::oauth::signing_key::{
    KeyState, Rotation, SigningAlgorithm, SigningKey, active, jwks, rotation,
};
use countersign_domain::time::Timestamp;
use countersign_store::{Store, StoreError, SystemStore, SystemTask};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Config;
use crate::keys::vault::Vault;

/// The keys of the installation, opened, as this node last saw them.
pub struct SigningKeys {
    vault: Vault,
    seen: ArcSwap<Seen>,
}

struct Seen {
    revision: i64,
    keys: Vec<SigningKey>,
    private: HashMap<String, EncodingKey>,
    /// Every kept key by itself, for what comes back: a set of others' keys has a bound that ours must not meet.
    public: Vec<JwkSet>,
}

/// Nothing can be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// No key of this algorithm is active.
    #[error("no {} key signs now: rotate the keys", .0.as_str())]
    NoKey(SigningAlgorithm),
    /// The library refused.
    #[error("the signature cannot be made: {0}")]
    Refused(#[from] jsonwebtoken::errors::Error),
}

/// Where the configuration says the key file is.
pub fn key_file(config: &Config) -> PathBuf {
    config.server.key_file.clone().unwrap_or_else(|| config.server.data.join("countersign.key"))
}

impl SigningKeys {
    /// Opens the keys of the store; makes key file and keys where there are none.
    ///
    /// # Errors
    /// When the key file cannot be used, or is not the one that the keys were sealed with.
    pub async fn open(
        store: &Store,
        config: &Config,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> anyhow::Result<Arc<Self>> {
        let (file, store) = (key_file(config), store.system(SystemTask::SigningKeys, now, entropy));
        let mut stored = Stored::read(&store).await?;
        let vault = if stored.keys.is_empty() { Vault::open_or_make(&file, entropy) } else { Vault::open(&file) }?;
        if stored.keys.is_empty() {
            stored.rotate(&store, &vault, now).await?;
            // Another node may have been first: what counts is what is stored.
            stored = Stored::read(&store).await?;
        }
        let seen = ArcSwap::from_pointee(stored.opened(&vault)?);
        Ok(Arc::new(Self { vault, seen }))
    }

    /// Makes the next keys, unless some are on their way.
    pub async fn rotate(&self, store: &Store, now: Timestamp, entropy: &dyn Entropy) -> anyhow::Result<Rotation> {
        let store = store.system(SystemTask::SigningKeys, now, entropy);
        Stored::read(&store).await?.rotate(&store, &self.vault, now).await
    }

    /// Looks whether the keys were changed since they were last seen, and opens them.
    pub async fn reload(&self, store: &Store, now: Timestamp, entropy: &dyn Entropy) -> anyhow::Result<()> {
        let store = store.system(SystemTask::SigningKeys, now, entropy);
        if store.signing_keys_revision().await? != self.seen.load().revision {
            self.seen.store(Arc::new(Stored::read(&store).await?.opened(&self.vault)?));
            tracing::info!("the signing keys were changed; they were loaded again");
        }
        Ok(())
    }

    /// A JWT of type `typ` (RFC 8725 §3.11: explicit types keep the kinds apart).
    ///
    /// # Errors
    /// When no key signs with `algorithm`.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        typ: &str,
        claims: &impl Serialize,
        now: Timestamp,
    ) -> Result<String, SigningError> {
        let seen = self.seen.load();
        let key = active(&seen.keys, algorithm, now).ok_or(SigningError::NoKey(algorithm))?;
        let private = seen.private.get(&key.kid).ok_or(SigningError::NoKey(algorithm))?;
        let header = Header { typ: Some(typ.to_owned()), kid: Some(key.kid.clone()), ..Header::new(named(algorithm)) };
        Ok(jsonwebtoken::encode(&header, claims, private)?)
    }

    /// The claims of a JWT of type `typ` that this installation signed, whatever its age; `None` for any other text.
    pub fn verified(&self, typ: &str, jwt: &str) -> Option<Value> {
        let jws = Jws::read(jwt, &[JwsAlgorithm::Es256, JwsAlgorithm::Rs256, JwsAlgorithm::EdDsa]).ok()?;
        let jws = jws.typed(&[typ]).ok()?;
        let claims = self.seen.load().public.iter().find_map(|key| jws.clone().verify(key).ok())?;
        Some(Value::Object(claims.members().clone()))
    }

    /// The public keys (RFC 7517 §5).
    pub fn jwks(&self, now: Timestamp) -> Value {
        jwks(&self.seen.load().keys, now)
    }
}

/// The keys as they stand in the store.
struct Stored {
    revision: i64,
    keys: Vec<SigningKey>,
}

impl Stored {
    /// The revision first: keys that are newer than it are read again, never missed.
    async fn read(store: &SystemStore<'_>) -> Result<Self, StoreError> {
        let revision = store.signing_keys_revision().await?;
        Ok(Self { revision, keys: store.signing_keys().await? })
    }

    /// New keys of every algorithm, in the place of those that are over. What another process made meanwhile stays.
    async fn rotate(&self, store: &SystemStore<'_>, vault: &Vault, now: Timestamp) -> anyhow::Result<Rotation> {
        let rotation = rotation(&self.keys, now);
        let Rotation::Begin { active_from } = rotation else { return Ok(rotation) };
        let vault = vault.clone();
        let made = tokio::task::spawn_blocking(move || make::keys(&vault, now, active_from)).await??;
        let is_over = |key: &&SigningKey| key.state(&self.keys, now) == KeyState::Over;
        let over: Vec<String> = self.keys.iter().filter(is_over).map(|key| key.kid.clone()).collect();
        if store.change_signing_keys(self.revision, &made, &over).await? {
            Ok(rotation)
        } else {
            Ok(Rotation::UnderWay { active_from })
        }
    }

    fn opened(self, vault: &Vault) -> anyhow::Result<Seen> {
        let mut private = HashMap::new();
        for key in &self.keys {
            let pem = vault.unseal(&key.kid, &key.sealed_private_key)?;
            let opened = read_private_key(key.algorithm, &pem)
                .with_context(|| format!("the stored signing key `{}` cannot be read", key.kid))?;
            private.insert(key.kid.clone(), opened);
        }
        let alone = |key: &SigningKey| serde_json::from_value(json!({ "keys": [key.public_jwk] }));
        let public = self.keys.iter().map(alone).collect::<Result<_, _>>();
        let public = public.context("the stored public keys cannot be read")?;
        Ok(Seen { revision: self.revision, keys: self.keys, private, public })
    }
}

/// Private keys are kept as PKCS #8 in PEM, whatever their algorithm.
fn read_private_key(algorithm: SigningAlgorithm, pem: &[u8]) -> Result<EncodingKey, jsonwebtoken::errors::Error> {
    match algorithm {
        SigningAlgorithm::Es256 => EncodingKey::from_ec_pem(pem),
        SigningAlgorithm::Rs256 => EncodingKey::from_rsa_pem(pem),
        SigningAlgorithm::EdDsa => EncodingKey::from_ed_pem(pem),
    }
}

const fn named(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::Es256 => Algorithm::ES256,
        SigningAlgorithm::Rs256 => Algorithm::RS256,
        SigningAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}
