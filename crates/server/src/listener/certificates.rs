//! Certificates that clients show in the TLS handshake (RFC 8705): the handshake proves that a client has the key of what it
//! shows, and nothing else. Who stands behind a certificate is asked where that matters, at each request.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// What a client showed on a connection where it was asked for a certificate: its own first, or nothing.
#[derive(Debug, Clone)]
pub struct Shown(Arc<[CertificateDer<'static>]>);

impl Shown {
    pub(super) fn of(chain: Option<&[CertificateDer<'static>]>) -> Self {
        Self(chain.unwrap_or_default().into())
    }

    /// The client's certificate, whose key it has, and those that it sent with it.
    pub fn chain(&self) -> Option<(&CertificateDer<'static>, &[CertificateDer<'static>])> {
        self.0.split_first()
    }
}

/// Asks for a certificate, takes any, and does without.
#[derive(Debug)]
pub(super) struct AskWithoutDemand(WebPkiSupportedAlgorithms);

impl AskWithoutDemand {
    pub(super) const fn new(algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self(algorithms)
    }
}

impl ClientCertVerifier for AskWithoutDemand {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// RFC 8705 §2.2.1: certificates that are registered themselves have no authority to be named.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
