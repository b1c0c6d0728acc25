//! The authorities that vouch for the names in clients' certificates (RFC 8705 §2.1), asked with the instant of each request: a
//! connection may outlive what was shown on it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use countersign_domain::time::Timestamp;
use rustls::RootCertStore;
use rustls::pki_types::UnixTime;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::listener::Shown;
use crate::tls::add_roots;

/// Whose word counts.
#[derive(Debug, Clone)]
pub struct ClientAuthorities(Arc<dyn ClientCertVerifier>);

impl ClientAuthorities {
    /// Reads the authorities of a PEM file.
    ///
    /// # Errors
    /// When it holds none.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        add_roots(&mut roots, file)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        verifier.map(Self).with_context(|| format!("{}: certificates of authorities are needed", file.display()))
    }

    /// Whether one of them stands behind what was shown, and it is good at `now`.
    pub fn vouch_for(&self, shown: &Shown, now: Timestamp) -> bool {
        let Some((certificate, chain)) = shown.chain() else { return false };
        let Ok(seconds) = u64::try_from(now.as_seconds()) else { return false };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        self.0.verify_client_cert(certificate, chain, now).is_ok()
    }
}
