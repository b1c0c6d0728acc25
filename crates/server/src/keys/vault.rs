//! The key file: 256 random bits beside the database, never in it. What it seals is worth nothing to who has the database
//! only.
//!
//! Sealed: `<12 bytes of nonce><AES-256-GCM ciphertext and tag>`, bound to the name of what is sealed, so that two sealed
//! values cannot be exchanged for each other.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::entropy::{Entropy, random_bytes};
use zeroize::Zeroizing;

/// Seals and unseals with the key of one key file.
#[derive(Clone)]
pub struct Vault {
    key: Arc<RandomizedNonceKey>,
    file: Arc<str>,
}

impl Vault {
    /// Opens the key file that sealed what is stored.
    ///
    /// # Errors
    /// When it cannot be read, or is no key file.
    pub fn open(file: &Path) -> anyhow::Result<Self> {
        match fs::read_to_string(file) {
            Ok(text) => Self::of_text(file, &Zeroizing::new(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                "the key file `{}` is missing: it sealed the stored signing keys; put it back, or name it with `--key-file`",
                file.display()
            ),
            Err(error) => Err(anyhow!("the key file `{}` cannot be read: {error}", file.display())),
        }
    }

    /// The same; makes the file when it is absent, readable for its owner only.
    pub fn open_or_make(file: &Path, entropy: &dyn Entropy) -> anyhow::Result<Self> {
        if !file.exists() {
            make(file, entropy).with_context(|| format!("the key file `{}` cannot be made", file.display()))?;
        }
        Self::open(file)
    }

    /// Seals a value under its name.
    pub fn seal(&self, name: &str, value: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut sealed = value.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut sealed)
            .map_err(|_| anyhow!("a value cannot be sealed"))?;
        Ok([&nonce.as_ref()[..], &sealed].concat())
    }

    /// What was sealed under this name.
    ///
    /// # Errors
    /// When it was sealed with another key file, or changed.
    pub fn unseal(&self, name: &str, sealed: &[u8]) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let other = || {
            anyhow!(
                "the signing keys were sealed with another key file than `{}`: put back the file of the server that made \
                 them, or name it with `--key-file`",
                self.file
            )
        };
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or_else(other)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| other())?;
        let mut value = Zeroizing::new(ciphertext.to_vec());
        let length = self.key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut value).map_err(|_| other())?.len();
        value.truncate(length);
        Ok(value)
    }

    fn of_text(file: &Path, text: &str) -> anyhow::Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map(Zeroizing::new).ok();
        let key = bytes.and_then(|bytes| RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()).ok_or_else(|| {
            anyhow!("`{}` is not a key file: it must hold 32 bytes in base64url, 43 characters", file.display())
        })?;
        Ok(Self { key: Arc::new(key), file: file.display().to_string().into() })
    }
}

/// Written under another name first, so that nobody reads half a key; of two that make it one does.
fn make(file: &Path, entropy: &dyn Entropy) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let key = Zeroizing::new(random_bytes::<32>(entropy));
    let text = Zeroizing::new(format!("{}\n", URL_SAFE_NO_PAD.encode(&key[..])));
    let draft = folder.join(format!(".countersign.key.{}", u64::from_be_bytes(random_bytes(entropy))));
    let mut written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use countersign_domain::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn what_is_sealed_is_opened_under_its_name_and_by_its_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let vault =
            |name: &str, seed| Vault::open_or_make(&folder.path().join(name), &SeededEntropy::new(seed)).unwrap();
        let (ours, other) = (vault("a/ours.key", 1), vault("other.key", 2));
        let sealed = ours.seal("kid", b"private").unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"private"));
        assert_eq!(vault("a/ours.key", 3).unseal("kid", &sealed).unwrap().as_slice(), b"private");
        assert!(ours.unseal("another", &sealed).is_err());
        assert!(ours.unseal("kid", &sealed[..sealed.len() - 1]).is_err() && ours.unseal("kid", b"").is_err());
        let refused = other.unseal("kid", &sealed).unwrap_err().to_string();
        assert!(refused.contains("other.key") && refused.contains("--key-file"), "{refused}");
    }

    #[test]
    fn the_key_file_is_for_its_owner_only_and_leaves_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("countersign.key");
        Vault::open_or_make(&file, &SeededEntropy::new(1)).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_or_strange_key_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("countersign.key");
        assert!(Vault::open(&file).err().unwrap().to_string().contains("is missing"));
        for strange in ["", "hello", "AAAA", "\u{0}"] {
            fs::write(&file, strange).unwrap();
            assert!(Vault::open(&file).err().unwrap().to_string().contains("is not a key file"), "{strange:?}");
        }
    }
}
