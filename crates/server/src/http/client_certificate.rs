//! The client's certificate: as it was shown to ourselves, or as a reverse proxy that ends TLS hands it on (RFC 9440
//! `Client-Cert`). Never both: where clients are asked for certificates, what a header says of one counts nothing.
//!
//! The header counts only where it comes from an address that the configuration names: anybody else can write one too.

use std::net::IpAddr;

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::oauth::client_certificate::{ClientCertificate, NotACertificate};
use countersign_domain::time::Timestamp;

use crate::client_authorities::ClientAuthorities;
use crate::listener::Shown;

/// RFC 9440 §2.2
const CLIENT_CERT: &str = "client-cert";

/// Whose word about certificates counts.
#[derive(Debug, Clone, Default)]
pub struct CertificateSources {
    /// Proxies that hand certificates on, chains checked.
    pub proxies: Vec<IpAddr>,
    /// Those that vouch for names in certificates that are shown to ourselves.
    pub authorities: Option<ClientAuthorities>,
}

/// Where a request may say something about a certificate.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// On its connection, if certificates were asked for there.
    pub shown: Option<&'a Shown>,
    /// In its headers.
    pub headers: &'a HeaderMap,
    /// Who wrote them, as far as we know.
    pub peer: IpAddr,
}

impl CertificateSources {
    /// The certificate of a request; `None` where there is none, or nobody who may say so.
    ///
    /// # Errors
    /// When a configured proxy sends something else than one certificate, or a client shows what is none.
    pub fn certificate(&self, asked: Asked<'_>, now: Timestamp) -> Result<Option<ClientCertificate>, NotACertificate> {
        match asked.shown {
            Some(shown) => self.of_connection(shown, now),
            None => self.of_header(asked.headers, asked.peer),
        }
    }

    /// Whether names in certificates prove anything (RFC 8705 §2.1).
    pub fn vouch_for_names(&self) -> bool {
        self.authorities.is_some() || !self.proxies.is_empty()
    }

    fn of_connection(&self, shown: &Shown, now: Timestamp) -> Result<Option<ClientCertificate>, NotACertificate> {
        let Some((certificate, _)) = shown.chain() else { return Ok(None) };
        let certificate = ClientCertificate::from_der(certificate)?;
        let is_vouched_for = self.authorities.as_ref().is_some_and(|authorities| authorities.vouch_for(shown, now));
        Ok(Some(if is_vouched_for { certificate } else { certificate.without_authority() }))
    }

    fn of_header(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Option<ClientCertificate>, NotACertificate> {
        let mut values = headers.get_all(CLIENT_CERT).iter();
        let Some(value) = values.next().filter(|_| self.proxies.contains(&peer.to_canonical())) else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(NotACertificate);
        }
        // RFC 9440 §2.1, RFC 8941 §3.3.5: a byte sequence, base64 between colons
        let text = value.to_str().map_err(|_| NotACertificate)?.trim();
        let encoded = text.strip_prefix(':').and_then(|text| text.strip_suffix(':')).ok_or(NotACertificate)?;
        let der = STANDARD.decode(encoded).map_err(|_| NotACertificate)?;
        ClientCertificate::from_der(&der).map(Some)
    }
}
