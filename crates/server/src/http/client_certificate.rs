//! The client's certificate, as a reverse proxy that ends TLS hands it on (RFC 9440 `Client-Cert`).
//!
//! The header counts only where it comes from an address that the configuration names: anybody else can write one too.

use std::net::IpAddr;

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::oauth::client_certificate::{ClientCertificate, NotACertificate};

/// RFC 9440 §2.2
const CLIENT_CERT: &str = "client-cert";

/// The certificate of a request from `peer`; `None` where there is none, or nobody who may say so.
///
/// # Errors
/// When a configured proxy sends something else than one certificate.
pub fn client_certificate(
    headers: &HeaderMap,
    peer: IpAddr,
    proxies: &[IpAddr],
) -> Result<Option<ClientCertificate>, NotACertificate> {
    let mut values = headers.get_all(CLIENT_CERT).iter();
    let Some(value) = values.next().filter(|_| proxies.contains(&peer.to_canonical())) else { return Ok(None) };
    if values.next().is_some() {
        return Err(NotACertificate);
    }
    // RFC 9440 §2.1, RFC 8941 §3.3.5: a byte sequence, base64 between colons
    let text = value.to_str().map_err(|_| NotACertificate)?.trim();
    let encoded = text.strip_prefix(':').and_then(|text| text.strip_suffix(':')).ok_or(NotACertificate)?;
    let der = STANDARD.decode(encoded).map_err(|_| NotACertificate)?;
    ClientCertificate::from_der(&der).map(Some)
}
