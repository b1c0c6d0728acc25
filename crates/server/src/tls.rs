//! Certificates and keys that TLS is spoken with, read from PEM files.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::TlsFiles;

/// The public authorities.
pub fn public_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots
}

/// Adds the authorities of a file.
///
/// # Errors
/// When it holds none.
pub fn add_roots(roots: &mut RootCertStore, file: &Path) -> anyhow::Result<()> {
    let named = || format!("{}: a PEM file of certificates is needed", file.display());
    for certificate in CertificateDer::pem_file_iter(file).with_context(named)? {
        roots.add(certificate.with_context(named)?).with_context(named)?;
    }
    Ok(())
}

/// What a client speaks TLS with: whom it trusts, and what it shows.
///
/// # Errors
/// When certificate and key cannot be used.
pub fn client_config(roots: RootCertStore, own: Option<&TlsFiles>) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let Some(TlsFiles { certificate, key }) = own else { return Ok(builder.with_no_client_auth()) };
    let named = || format!("{}, {}: a certificate and its key are needed, PEM", certificate.display(), key.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(named)?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(named)?;
    builder.with_client_auth_cert(chain, key).with_context(named)
}
