//! TLS at the gateway: HTTP/1.1 and HTTP/2 by ALPN, and a certificate that is renewed while it runs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::fixture::{Fixture, SHOP, bound_token};

/// Writes a new certificate and its key, and gives the certificate.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["api.test".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), pem("CERTIFICATE", cert.der())).unwrap();
    std::fs::write(folder.join("key.pem"), pem("PRIVATE KEY", &signing_key.serialize_der())).unwrap();
    cert.der().clone()
}

/// DER as it stands in files.
pub fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    connect_showing(address, trusted, protocol, None).await
}

/// The same with a certificate and its key.
async fn connect_showing(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocol: &str,
    shown: Option<&CertifiedKey<KeyPair>>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(CertifiedKey { cert, signing_key }) => {
            let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
            builder.with_client_auth_cert(vec![cert.der().clone()], key).unwrap()
        }
    };
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let name = ServerName::try_from("api.test").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await.unwrap()).await
}

#[tokio::test]
async fn c55_a_token_that_is_bound_to_a_certificate_is_used_with_it_at_the_gateways_own_tls() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = certify(folder.path());
    let files = [folder.path().join("cert.pem"), folder.path().join("key.pem")];
    let tls = format!(
        "[gateway]\nclient_certificates = true\ntls = {{ certificate = {:?}, key = {:?} }}",
        files[0], files[1]
    );
    let fixture = Fixture::start(&tls).await;
    let identity = || generate_simple_self_signed(vec!["app.test".to_owned()]).unwrap();
    let (mine, other) = (identity(), identity());
    let token = bound_token(&fixture.server, SHOP, "ada@acme.test", mine.cert.der()).await;
    let header = format!("Client-Cert: :{}:\r\n", STANDARD.encode(mine.cert.der()));
    for (shown, header, status) in [
        (Some(&mine), "", "200"),
        (Some(&other), "", "401"),
        (None, "", "401"),
        (None, &*header, "401"),
        (Some(&other), &*header, "401"),
    ] {
        let request = format!(
            "GET /books HTTP/1.1\r\nHost: api.test\r\n{header}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        let mut stream = connect_showing(fixture.doors.gateway, &trusted, "http/1.1", shown).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{header} {answer}");
    }
}

#[tokio::test]
async fn a_gateway_speaks_tls_and_takes_a_new_certificate_at_a_hangup() {
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let tls = format!(
        "[gateway.tls]\ncertificate = {:?}\nkey = {:?}",
        folder.path().join("cert.pem"),
        folder.path().join("key.pem")
    );
    let fixture = Fixture::start(&tls).await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let request =
        format!("GET /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");

    let mut stream = connect(fixture.doors.gateway, &first, "http/1.1").await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(fixture.upstream.take_one().header("x-forwarded-proto"), Some("https"));
    let stream = connect(fixture.doors.gateway, &first, "h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));

    let second = certify(folder.path());
    hang_up();
    let mut is_new = false;
    for _ in 0..100 {
        is_new = connect(fixture.doors.gateway, &second, "h2").await.is_ok();
        if is_new {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(is_new && connect(fixture.doors.gateway, &first, "h2").await.is_err());

    std::fs::write(folder.path().join("cert.pem"), "nonsense").unwrap();
    hang_up();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(connect(fixture.doors.gateway, &second, "h2").await.is_ok(), "a bad file changes nothing");
}

/// As an operator would, after a renewal.
fn hang_up() {
    let status = std::process::Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status();
    assert!(status.unwrap().success());
}
