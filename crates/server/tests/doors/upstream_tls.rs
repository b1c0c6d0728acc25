//! Upstreams over TLS: whom the gateway trusts, and what it shows of itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use countersign_server::config::Config;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::fixture::{Fixture, SHOP};
use super::tls::pem;

/// An authority, with its certificate in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), pem("CERTIFICATE", issuer.der())).unwrap();
        Self { issuer, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn certify(&self, name: &str) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), key)
    }

    /// The same in two files, certificate and key.
    fn write(&self, name: &str, folder: &Path) -> CertificateDer<'static> {
        let (certificate, key) = self.certify(name);
        std::fs::write(folder.join("client.pem"), pem("CERTIFICATE", &certificate)).unwrap();
        std::fs::write(folder.join("client.key"), pem("PRIVATE KEY", &key.serialize_der())).unwrap();
        certificate
    }
}

/// An upstream called `localhost` that speaks TLS, and remembers the certificates that it was shown.
struct Secured {
    address: SocketAddr,
    shown: Arc<Mutex<Vec<Option<CertificateDer<'static>>>>>,
}

impl Secured {
    /// Whoever connects needs a certificate of `clients`, where there is one.
    async fn start(authority: &Authority, clients: Option<&Authority>) -> Self {
        let (certificate, key) = authority.certify("localhost");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.issuer.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shown) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&shown);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, kept) = (acceptor.clone(), Arc::clone(&kept));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut bytes = vec![0; 16_384];
                    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
                        let of_client = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                        kept.lock().unwrap().push(of_client.cloned().map(CertificateDer::into_owned));
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
                    }
                });
            }
        });
        Self { address, shown }
    }

    fn url(&self, host: &str) -> String {
        format!("url = \"https://{host}:{}\"\n", self.address.port())
    }

    /// What the requests that came were sent with.
    fn shown(&self) -> Vec<Option<CertificateDer<'static>>> {
        std::mem::take(&mut self.shown.lock().unwrap())
    }
}

async fn status(fixture: &Fixture) -> u16 {
    let token = fixture.token(SHOP, "ada@acme.test").await;
    fixture.call("GET", "/books", &token).await.status()
}

#[tokio::test]
async fn an_upstream_is_trusted_by_its_authority_and_its_name_and_by_nothing_else() {
    let (authority, other) = (Authority::new(), Authority::new());
    let upstream = Secured::start(&authority, None).await;
    let ca = |authority: &Authority| format!("ca = {:?}\n", authority.file());

    let fixture = Fixture::start(&(upstream.url("localhost") + &ca(&authority))).await;
    assert_eq!(status(&fixture).await, 200);
    assert_eq!(upstream.shown(), [None]);
    for (what, entry) in [
        ("the public authorities", upstream.url("localhost")),
        ("another authority", upstream.url("localhost") + &ca(&other)),
        ("another name", upstream.url("127.0.0.1") + &ca(&authority)),
        ("without TLS", upstream.url("localhost").replace("https", "http")),
    ] {
        let fixture = Fixture::start(&entry).await;
        assert_eq!(status(&fixture).await, 502, "{what}");
        assert_eq!(upstream.shown(), [], "{what}");
    }
}

#[tokio::test]
async fn an_upstream_that_wants_a_certificate_gets_ours_and_a_new_one_after_a_reload() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let upstream = Secured::start(&authority, Some(&clients)).await;
    let folder = tempfile::tempdir().unwrap();
    let first = clients.write("gateway", folder.path());
    let ours = |folder: &Path| {
        format!(
            "client_tls = {{certificate = {:?}, key = {:?}}}\n",
            folder.join("client.pem"),
            folder.join("client.key")
        )
    };
    let entry = upstream.url("localhost") + &format!("ca = {:?}\n", authority.file());

    let fixture = Fixture::start(&(entry.clone() + &ours(folder.path()))).await;
    assert_eq!(status(&fixture).await, 200);
    assert_eq!(upstream.shown(), [Some(first)]);

    let second = clients.write("gateway", folder.path());
    fixture.server.app.reload(&Config::from_toml(&fixture.toml).unwrap()).await.unwrap();
    assert_eq!(status(&fixture).await, 200);
    assert_eq!(upstream.shown(), [Some(second)], "the files were read again");

    let stranger = tempfile::tempdir().unwrap();
    Authority::new().write("gateway", stranger.path());
    for (what, entry) in [("none", entry.clone()), ("one of another authority", entry + &ours(stranger.path()))] {
        let fixture = Fixture::start(&entry).await;
        assert_eq!(status(&fixture).await, 502, "{what}");
        assert_eq!(upstream.shown(), [], "{what}");
    }
}
