//! Certificates that apps show to ourselves (RFC 8705), on the listener that asks for them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_server::app::Application;
use countersign_server::config::{Config, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, CertifiedKey, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::keys::{Key, certificate, client_cert};
use crate::support::{Answer, Server, encode};
use crate::world::{SERVICE_SECRET, WORLD};

const FORM: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("client_id", "service")];
const BY_NAME: &str = "token_endpoint_auth_method: tls_client_auth, tls_client_auth_subject_dn: CN=service";

fn world(metadata: &str) -> String {
    WORLD.replace("secret: service-secret", &format!("metadata: {{ {metadata} }}"))
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// What a client shows.
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A certificate that vouches for itself.
fn alone(name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = params(name).self_signed(&key).unwrap();
    Identity { certificate: certificate.der().clone(), key: key.serialize_der() }
}

/// An authority of certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let (mut params, key) = (params("authority"), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = pem("CERTIFICATE", params.self_signed(&key).unwrap().der());
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn certify(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.der().clone(), key: key.serialize_der() }
    }
}

/// A server with the listener.
struct MutualTls {
    server: Server,
    address: SocketAddr,
    trusted: CertificateDer<'static>,
    _files: TempDir,
}

impl MutualTls {
    async fn start(world: &str, authority: Option<&Authority>) -> Self {
        Self::start_with(world, authority, Config::default()).await
    }

    async fn start_with(world: &str, authority: Option<&Authority>, mut config: Config) -> Self {
        let files = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let file = files.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        };
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["mtls.test".to_owned()]).unwrap();
        config.mutual_tls.listen = Some("127.0.0.1:0".parse().unwrap());
        config.mutual_tls.public_origin = Some("https://mtls.test".to_owned());
        config.mutual_tls.tls = Some(TlsFiles {
            certificate: write("certificate.pem", pem("CERTIFICATE", cert.der())),
            key: write("key.pem", pem("PRIVATE KEY", &signing_key.serialize_der())),
        });
        config.mutual_tls.client_authorities =
            authority.map(|authority| write("authorities.pem", authority.pem.clone()));
        let address = |application: &Application| application.mutual_tls_address().unwrap();
        let (server, address) = Server::start_and_look(world, config, address).await;
        Self { server, address, trusted: cert.der().clone(), _files: files }
    }

    fn client(&self, identity: Option<&Identity>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let key = PrivateKeyDer::try_from(key.clone()).unwrap();
                builder.with_client_auth_cert(vec![certificate.clone()], key).unwrap()
            }
        }
    }

    async fn send(
        &self,
        identity: Option<&Identity>,
        (method, target): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, Value) {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: mtls.test\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("mtls.test").unwrap();
        let mut stream = TlsConnector::from(Arc::new(self.client(identity))).connect(name, stream).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// A token request with these headers.
    async fn token(&self, identity: Option<&Identity>, headers: &[(&str, &str)]) -> (u16, Value) {
        let headers = [headers, &[("content-type", "application/x-www-form-urlencoded")]].concat();
        self.send(identity, ("POST", "/oauth/token"), &headers, &encode(&FORM)).await
    }
}

fn error((status, body): (u16, Value)) -> (u16, String) {
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn c56_a_name_that_a_known_authority_vouches_for_proves_its_client() {
    let authority = Authority::new();
    let tls = MutualTls::start(&world(BY_NAME), Some(&authority)).await;
    let right = authority.certify(&params("service"));
    let (status, body) = tls.token(Some(&right), &[]).await;
    assert_eq!(status, 200, "{body}");

    let mut ended = params("service");
    (ended.not_before, ended.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2025, 1, 1));
    for (wrong, why) in [
        (authority.certify(&params("other")), "another name"),
        (alone("service"), "nobody vouches for it"),
        (Authority::new().certify(&params("service")), "an authority of the same name that nobody knows"),
        (authority.certify(&ended), "it has ended"),
    ] {
        assert_eq!(error(tls.token(Some(&wrong), &[]).await), (401, "invalid_client".to_owned()), "{why}");
    }
    assert_eq!(error(tls.token(None, &[]).await), (401, "invalid_client".to_owned()), "none is shown");
}

#[tokio::test]
async fn c56_a_registered_certificate_proves_its_client_without_any_authority() {
    let (right, wrong) = (alone("service"), alone("service"));
    let mut key = Key::generate().public();
    key["x5c"] = json!([STANDARD.encode(&right.certificate)]);
    let jwks = json!({ "keys": [key] });
    let metadata = format!("token_endpoint_auth_method: self_signed_tls_client_auth, jwks: {jwks}");
    let tls = MutualTls::start(&world(&metadata), None).await;
    assert_eq!(tls.token(Some(&right), &[]).await.0, 200);
    assert_eq!(error(tls.token(Some(&wrong), &[]).await), (401, "invalid_client".to_owned()));
    assert_eq!(error(tls.token(None, &[]).await), (401, "invalid_client".to_owned()));

    let by_name = MutualTls::start(&world(BY_NAME), None).await;
    assert_eq!(error(by_name.token(Some(&right), &[]).await), (401, "invalid_client".to_owned()), "a mere name");
}

#[tokio::test]
async fn c55_a_token_is_bound_to_what_was_shown_and_used_with_nothing_else() {
    let authority = Authority::new();
    let metadata = format!("{BY_NAME}, tls_client_certificate_bound_access_tokens: true");
    let tls = MutualTls::start(&world(&metadata), Some(&authority)).await;
    let (mine, other) = (authority.certify(&params("service")), authority.certify(&params("service")));
    let (status, body) = tls.token(Some(&mine), &[]).await;
    assert_eq!(status, 200, "{body}");
    let authorization = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let call = async |identity: Option<&Identity>| {
        tls.send(identity, ("GET", "/api/v2/users"), &[("authorization", &authorization)], "").await.0
    };
    assert_eq!((call(Some(&mine)).await, call(Some(&other)).await, call(None).await), (200, 401, 401));
    let main = tls.server.send("GET", "/api/v2/users", &[("authorization", &authorization)], "").await;
    assert_eq!(main.status, 401, "nobody shows anything there");
}

#[tokio::test]
async fn a_header_counts_nothing_where_certificates_are_shown() {
    let mut config = Config::default();
    config.server.client_certificate_proxies = vec!["127.0.0.1".parse().unwrap()];
    let authority = Authority::new();
    let tls = MutualTls::start_with(&world(BY_NAME), Some(&authority), config).await;
    let header = client_cert(&certificate("service"));
    let header = [("client-cert", header.as_str())];
    for identity in [None, Some(&authority.certify(&params("other")))] {
        assert_eq!(error(tls.token(identity, &header).await), (401, "invalid_client".to_owned()));
    }
    let form = [&header[..], &[("content-type", "application/x-www-form-urlencoded")]].concat();
    let behind_proxy = tls.server.send("POST", "/oauth/token", &form, encode(&FORM)).await;
    assert_eq!(behind_proxy.status, 200, "it still does at the main listener");
    assert_eq!(tls.token(Some(&authority.certify(&params("service"))), &header).await.0, 200, "what is shown does");
}

#[tokio::test]
async fn e04_the_metadata_say_where_certificates_are_shown_and_what_they_prove() {
    let authority = Authority::new();
    let methods = |body: &Value| body["token_endpoint_auth_methods_supported"].to_string();
    let described = async |tls: &MutualTls| -> Value {
        let answer: Answer = tls.server.get("/.well-known/oauth-authorization-server").await;
        answer.ok()
    };
    let with = described(&MutualTls::start(WORLD, Some(&authority)).await).await;
    assert_eq!(with["mtls_endpoint_aliases"]["token_endpoint"], "https://mtls.test/oauth/token");
    assert_eq!(with["tls_client_certificate_bound_access_tokens"], true);
    assert!(methods(&with).contains("\"tls_client_auth\""), "{with}");
    let without = described(&MutualTls::start(WORLD, None).await).await;
    assert!(!methods(&without).contains("\"tls_client_auth\""), "no authority is known");
    assert!(methods(&without).contains("\"self_signed_tls_client_auth\""));
    let none = Server::start(WORLD).await.get("/.well-known/oauth-authorization-server").await.ok();
    assert_eq!(none.get("mtls_endpoint_aliases"), None);
}

#[tokio::test]
async fn no_page_is_where_certificates_are_asked_for() {
    let tls = MutualTls::start(WORLD, None).await;
    for page in ["/", "/oauth/authorize", "/oauth/continue", "/device", "/logout", "/static/style.css"] {
        assert_eq!(tls.send(None, ("GET", page), &[], "").await.0, 404, "{page}");
    }
    let basic = format!("Basic {}", STANDARD.encode(SERVICE_SECRET));
    let headers = [("authorization", &*basic), ("content-type", "application/x-www-form-urlencoded")];
    let with_secret = tls.send(None, ("POST", "/oauth/token"), &headers, "grant_type=client_credentials").await;
    assert_eq!(with_secret.0, 200, "and nobody has to show any");
}

/// Shows a certificate and signs with another key.
#[derive(Debug)]
struct Liar(Arc<rustls::sign::CertifiedKey>);

impl ResolvesClientCert for Liar {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn c56_who_does_not_have_the_key_of_a_certificate_does_not_show_it() {
    let tls = MutualTls::start(WORLD, None).await;
    let (shown, own) = (alone("service"), alone("service"));
    for is_own in [true, false] {
        let key = PrivateKeyDer::try_from(if is_own { shown.key.clone() } else { own.key.clone() }).unwrap();
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
        let mut config = tls.client(None);
        let certified = rustls::sign::CertifiedKey::new(vec![shown.certificate.clone()], key);
        config.client_auth_cert_resolver = Arc::new(Liar(Arc::new(certified)));
        let stream = TcpStream::connect(tls.address).await.unwrap();
        let name = ServerName::try_from("mtls.test").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let _ = stream.write_all(b"GET /none HTTP/1.1\r\nHost: mtls.test\r\nConnection: close\r\n\r\n").await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert_eq!(answer.starts_with(b"HTTP/1.1 404"), is_own, "{}", String::from_utf8_lossy(&answer));
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_end_the_start() {
    let start = async |change: &dyn Fn(&mut Config)| {
        let mut config = Config::default();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.mutual_tls.listen = Some("127.0.0.1:0".parse().unwrap());
        change(&mut config);
        Application::start(&config).await.err().map(|error| format!("{error:#}")).unwrap_or_default()
    };
    assert!(start(&|_| {}).await.contains("`mutual_tls.tls`"));
    let missing = |config: &mut Config| {
        let file = Path::new("/nowhere/file.pem").to_owned();
        config.mutual_tls.tls = Some(TlsFiles { certificate: file.clone(), key: file });
    };
    assert!(start(&missing).await.contains("/nowhere/file.pem"));
}
