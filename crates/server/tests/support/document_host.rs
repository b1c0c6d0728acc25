//! A host of other people's documents: https on this machine, which the server under test is told to trust.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_server::config::Config;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Serves what it is told to, and counts.
pub struct DocumentHost {
    /// `https://localhost:port`
    pub origin: String,
    answers: Arc<Mutex<HashMap<String, String>>>,
    asked: Arc<Mutex<Vec<String>>>,
    ca: PathBuf,
    _folder: TempDir,
}

impl DocumentHost {
    pub async fn start() -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let tls = tls.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        let text = STANDARD.encode(cert.der());
        std::fs::write(&ca, format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")).unwrap();
        let (answers, asked) = (Arc::new(Mutex::new(HashMap::new())), Arc::new(Mutex::new(Vec::new())));
        tokio::spawn(serve(listener, acceptor, answers.clone(), asked.clone()));
        Self { origin, answers, asked, ca, _folder: folder }
    }

    /// A configuration that takes documents, and trusts this host.
    pub fn config(&self) -> Config {
        let mut config = Config::default();
        config.outgoing.ca = Some(self.ca.clone());
        config.outgoing.loopback_hosts.insert("localhost".to_owned());
        config.client_documents.enabled = true;
        config
    }

    /// Answers `path` with a whole HTTP response from now on.
    pub fn answer(&self, path: &str, response: &str) {
        self.answers.lock().unwrap().insert(path.to_owned(), response.to_owned());
    }

    /// Answers `path` with JSON from now on, under more headers.
    pub fn serve(&self, path: &str, headers: &str, body: &impl ToString) {
        let body = body.to_string();
        let length = body.len();
        let response = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        self.answer(path, &response);
    }

    /// How often `path` was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.requests(path).len()
    }

    /// Every request for `path`, as it came.
    pub fn requests(&self, path: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|head| target(head) == path).cloned().collect()
    }

    /// The same when there are `count`, which must be soon.
    pub async fn requests_in_the_end(&self, path: &str, count: usize) -> Vec<String> {
        for _ in 0..100 {
            if self.asked(path) >= count {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let requests = self.requests(path);
        assert_eq!(requests.len(), count, "{path}");
        requests
    }
}

fn target(request: &str) -> &str {
    request.split(' ').nth(1).unwrap_or_default()
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    answers: Arc<Mutex<HashMap<String, String>>>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, answers, asked) = (acceptor.clone(), answers.clone(), asked.clone());
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut read = vec![0; 8_192];
            let mut length = stream.read(&mut read).await.unwrap_or_default();
            // A form can come in a second piece.
            if read[..length].starts_with(b"POST") && read[..length].ends_with(b"\r\n\r\n") {
                length += stream.read(&mut read[length..]).await.unwrap_or_default();
            }
            let request = String::from_utf8_lossy(&read[..length]).into_owned();
            let answer = answers.lock().unwrap().get(target(&request)).cloned();
            asked.lock().unwrap().push(request);
            let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned();
            let _ = stream.write_all(answer.unwrap_or(missing).as_bytes()).await;
            let _ = stream.shutdown().await;
        });
    }
}
