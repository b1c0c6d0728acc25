//! TLS of a listener: a certificate chain and its key, read again on demand; clients are asked for theirs where that is wanted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoClientAuth;
use rustls::server::danger::ClientCertVerifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificates::{AskWithoutDemand, Shown};

/// Certificate and key of a listener; clones share them.
#[derive(Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    asks: Asks,
    config: Arc<ArcSwap<ServerConfig>>,
}

/// Whether clients are asked for a certificate (RFC 8705); nobody has to show one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// They are.
    ForCertificates,
    /// They are not: browsers would ask people.
    ForNothing,
}

/// Files that no TLS can be spoken with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One of them cannot be read, or is not PEM.
    #[error("{file}: {cause}: a PEM file is needed")]
    File {
        /// As it was named.
        file: String,
        /// What is wrong with it.
        cause: rustls::pki_types::pem::Error,
    },
    /// They do not belong together.
    #[error("{certificate}, {key}: {cause}")]
    Pair {
        /// As it was named.
        certificate: String,
        /// As it was named.
        key: String,
        /// What is wrong.
        cause: rustls::Error,
    },
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn read(certificate: &Path, key: &Path, asks: Asks) -> Result<Self, TlsError> {
        let config = Arc::new(ArcSwap::new(server_config(certificate, key, asks)?));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), asks, config })
    }

    /// Reads both files again; new connections use them.
    ///
    /// # Errors
    /// When they cannot be used: then those before stay.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.config.store(server_config(&self.certificate, &self.key, self.asks)?);
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }

    /// What the client of a connection has shown, where it was asked.
    pub(super) fn shown(&self, stream: &TlsStream<TcpStream>) -> Option<Shown> {
        (self.asks == Asks::ForCertificates).then(|| Shown::of(stream.get_ref().1.peer_certificates()))
    }
}

fn server_config(certificate: &Path, key: &Path, asks: Asks) -> Result<Arc<ServerConfig>, TlsError> {
    let (chain_file, key_file) = (certificate.display().to_string(), key.display().to_string());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| TlsError::File { file: chain_file.clone(), cause })?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|cause| TlsError::File { file: key_file.clone(), cause })?;
    let pair = |cause| TlsError::Pair { certificate: chain_file.clone(), key: key_file.clone(), cause };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier: Arc<dyn ClientCertVerifier> = match asks {
        Asks::ForCertificates => Arc::new(AskWithoutDemand::new(provider.signature_verification_algorithms)),
        Asks::ForNothing => Arc::new(NoClientAuth),
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, private)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
