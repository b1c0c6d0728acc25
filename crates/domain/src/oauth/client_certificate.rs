//! The certificate that a client showed in its TLS handshake (RFC 8705), and whether it is the registered one.
//!
//! A certificate gets this far only from our own listener, which proves the key and says whether a known authority stands
//! behind it, or from a proxy whose address is configured, which has done both.

use std::net::IpAddr;

use subtle::ConstantTimeEq;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::client::metadata::{AuthMethod, ClientMetadata};
use crate::oauth::distinguished_name::DistinguishedName;
use crate::oauth::jwk::{JwkSet, PublicJwk};
use crate::oauth::thumbprint::Thumbprint;

/// A client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    der: Vec<u8>,
    /// Whether an authority that counts here stands behind its names.
    is_vouched_for: bool,
    subject: DistinguishedName,
    dns: Vec<String>,
    uris: Vec<String>,
    emails: Vec<String>,
    addresses: Vec<IpAddr>,
}

/// Bytes that are not a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client certificate is not an X.509 certificate in DER")]
pub struct NotACertificate;

impl ClientCertificate {
    /// Reads a certificate in DER that somebody has checked the chain of.
    ///
    /// # Errors
    /// When it is not one, or has something behind it.
    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| NotACertificate)?;
        if !rest.is_empty() {
            return Err(NotACertificate);
        }
        let subject = DistinguishedName::of_certificate(certificate.subject()).ok_or(NotACertificate)?;
        let (mut dns, mut uris, mut emails, mut addresses) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let names = certificate.subject_alternative_name().map_err(|_| NotACertificate)?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::DNSName(name) => dns.push((*name).to_owned()),
                GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                GeneralName::RFC822Name(email) => emails.push((*email).to_owned()),
                // RFC 5280 §4.2.1.6: four or sixteen octets, which are compared and not their text (RFC 8705 §2.1.2)
                GeneralName::IPAddress(octets) => addresses.extend(address(octets)),
                _ => {}
            }
        }
        Ok(Self { der: der.to_vec(), is_vouched_for: true, subject, dns, uris, emails, addresses })
    }

    /// The same where no authority that counts here stands behind it: whoever made it wrote the names.
    #[must_use]
    pub fn without_authority(self) -> Self {
        Self { is_vouched_for: false, ..self }
    }

    /// RFC 8705 §3.1: `x5t#S256`, the SHA-256 of the certificate.
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.der)
    }

    /// Whether it is the certificate, or one with the name, that a client registered for `method`.
    pub fn proves(&self, metadata: &ClientMetadata, method: AuthMethod) -> bool {
        match method {
            // RFC 8705 §2.1: a name proves something only in a validated chain
            AuthMethod::TlsClientAuth => self.is_vouched_for && self.has_registered_name(metadata),
            AuthMethod::SelfSignedTlsClientAuth => self.is_registered(metadata),
            _ => false,
        }
    }

    /// RFC 8705 §2.1.2: exactly one name is registered; it must be there as it was registered.
    fn has_registered_name(&self, metadata: &ClientMetadata) -> bool {
        if let Some(subject) = &metadata.tls_client_auth_subject_dn {
            return DistinguishedName::parse(subject).is_some_and(|registered| registered == self.subject);
        }
        if let Some(name) = &metadata.tls_client_auth_san_dns {
            return self.dns.iter().any(|dns| dns.eq_ignore_ascii_case(name));
        }
        if let Some(uri) = &metadata.tls_client_auth_san_uri {
            return self.uris.contains(uri);
        }
        if let Some(address) = &metadata.tls_client_auth_san_ip {
            return self.addresses.contains(address);
        }
        metadata.tls_client_auth_san_email.as_ref().is_some_and(|email| self.emails.contains(email))
    }

    /// RFC 8705 §2.2: whole certificates are compared.
    fn is_registered(&self, metadata: &ClientMetadata) -> bool {
        let keys = metadata.jwks.iter().flat_map(JwkSet::keys);
        let mut certificates = keys.filter_map(PublicJwk::certificate);
        certificates.any(|registered| registered.ct_eq(&self.der).into())
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = || <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four().or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> ClientCertificate {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        change(&mut params);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        ClientCertificate::from_der(certificate.der()).unwrap()
    }

    fn named(metadata: serde_json::Value) -> ClientMetadata {
        serde_json::from_value(metadata).unwrap()
    }

    #[test]
    fn c56_the_subject_must_be_the_registered_one() {
        let shown = certificate(|params| {
            params.distinguished_name.push(DnType::CountryName, "CH");
            params.distinguished_name.push(DnType::OrganizationName, "Acme, Inc.");
            params.distinguished_name.push(DnType::CommonName, "roster");
        });
        let proves = |subject: &str| {
            let metadata = named(serde_json::json!({ "tls_client_auth_subject_dn": subject }));
            shown.proves(&metadata, AuthMethod::TlsClientAuth)
        };
        assert!(proves(r"CN=roster,O=Acme\, Inc.,C=CH") && proves(r"cn=roster, o=Acme\2C Inc., c=CH"));
        for wrong in ["CN=roster", r"CN=other,O=Acme\, Inc.,C=CH", r"C=CH,O=Acme\, Inc.,CN=roster", "", "nonsense"] {
            assert!(!proves(wrong), "{wrong}");
        }
    }

    #[test]
    fn c56_a_name_that_no_authority_vouches_for_proves_nothing() {
        let shown = certificate(|params| params.distinguished_name.push(DnType::CommonName, "roster"));
        let metadata = named(serde_json::json!({ "tls_client_auth_subject_dn": "CN=roster" }));
        assert!(shown.proves(&metadata, AuthMethod::TlsClientAuth));
        let alone = shown.clone().without_authority();
        assert!(!alone.proves(&metadata, AuthMethod::TlsClientAuth));
        assert_eq!(alone.thumbprint(), shown.thumbprint(), "tokens can be bound to it all the same");
    }

    #[test]
    fn c56_one_alternative_name_must_be_the_registered_one() {
        let shown = certificate(|params| {
            params.subject_alt_names = vec![
                SanType::DnsName("app.example".try_into().unwrap()),
                SanType::URI("https://app.example/id".try_into().unwrap()),
                SanType::Rfc822Name("app@app.example".try_into().unwrap()),
                SanType::IpAddress("192.0.2.1".parse().unwrap()),
                SanType::IpAddress("2001:db8::1".parse().unwrap()),
            ];
        });
        for (member, right) in [("dns", "APP.example"), ("uri", "https://app.example/id"), ("email", "app@app.example")]
        {
            let member = format!("tls_client_auth_san_{member}");
            let proves =
                |name: &str| shown.proves(&named(serde_json::json!({ &member: name })), AuthMethod::TlsClientAuth);
            assert!(proves(right) && !proves("other"), "{member}");
        }
        for (address, is_there) in [
            ("192.0.2.1", true),
            ("2001:db8::1", true),
            ("2001:DB8:0::0:1", true),
            ("192.0.2.2", false),
            ("::1", false),
        ] {
            let metadata = named(serde_json::json!({ "tls_client_auth_san_ip": address }));
            assert_eq!(shown.proves(&metadata, AuthMethod::TlsClientAuth), is_there, "{address}");
        }
        assert!(!shown.proves(&ClientMetadata::default(), AuthMethod::TlsClientAuth));
    }

    #[test]
    fn c56_a_self_signed_certificate_must_be_a_registered_one() {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        let (shown, other) = (certificate(|_| {}), certificate(|_| {}));
        let key = |certificate: &ClientCertificate| {
            let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
            serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "x5c": [STANDARD.encode(&certificate.der)] })
        };
        let registered = named(serde_json::json!({ "jwks": { "keys": [key(&shown)] } }));
        assert!(shown.proves(&registered, AuthMethod::SelfSignedTlsClientAuth));
        assert!(!other.proves(&registered, AuthMethod::SelfSignedTlsClientAuth));
        assert!(!shown.proves(&registered, AuthMethod::PrivateKeyJwt));
        // RFC 8705 §2.2: no chain is needed where the certificate itself is registered
        assert!(shown.without_authority().proves(&registered, AuthMethod::SelfSignedTlsClientAuth));
    }

    #[test]
    fn what_is_not_exactly_one_certificate_is_refused() {
        let shown = certificate(|_| {});
        assert_eq!(ClientCertificate::from_der(&[&shown.der[..], &[0]].concat()), Err(NotACertificate));
        assert_eq!(ClientCertificate::from_der(&shown.der[1..]), Err(NotACertificate));
        assert_eq!(ClientCertificate::from_der(b""), Err(NotACertificate));
    }
}
