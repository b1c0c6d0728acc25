use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Names mean what the test says, one answer after another; whatever is connected to is `here`.
struct Staged {
    answers: Mutex<Vec<Vec<&'static str>>>,
    here: SocketAddr,
    asked: AtomicUsize,
    connected: Mutex<Vec<SocketAddr>>,
}

impl Network for Staged {
    fn resolve(&self, _: &str) -> Awaited<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(answer.iter().map(|text| text.parse().unwrap()).collect()) })
    }

    fn connect(&self, address: SocketAddr) -> Awaited<TcpStream> {
        self.connected.lock().unwrap().push(address);
        Box::pin(TcpStream::connect(self.here))
    }
}

/// A server for `app.example` that answers every connection with `answer`, trusted by the fetcher over it.
async fn staged(answers: &[&[&'static str]], answer: &'static str) -> (Fetcher, Arc<Staged>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["app.example".to_owned(), "localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut read = [0; 4_096];
            let _ = stream.read(&mut read).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, pem(cert.der())).unwrap();
    let network = Arc::new(Staged {
        answers: Mutex::new(answers.iter().map(|answer| answer.to_vec()).collect()),
        here,
        asked: AtomicUsize::new(0),
        connected: Mutex::default(),
    });
    let config = Outgoing { ca: Some(ca), loopback_hosts: BTreeSet::from(["localhost".to_owned()]) };
    (Fetcher::over(network.clone(), &config).unwrap(), network)
}

fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

async fn get(fetcher: &Fetcher, url: &str) -> Result<Fetched, FetchError> {
    fetcher.get(url, "application/json", 5_120).await
}

#[tokio::test]
async fn e17_what_was_checked_is_what_is_connected_to() {
    let (fetcher, network) = staged(&[&["93.184.216.34"], &["127.0.0.1"]], FINE).await;
    let fetched = get(&fetcher, "https://app.example/client.json").await.unwrap();
    assert_eq!((fetched.status, &fetched.body[..]), (StatusCode::OK, &b"{}"[..]));
    assert_eq!(network.asked.load(Ordering::SeqCst), 1, "a second answer is never looked at");
    assert_eq!(*network.connected.lock().unwrap(), ["93.184.216.34:443".parse().unwrap()]);
}

#[tokio::test]
async fn e17_nothing_is_connected_to_where_any_address_is_not_public() {
    for answer in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["::1"],
        &["fe80::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::a00:1"],
        &["100.64.0.1"],
        &["0.0.0.0"],
        &["224.0.0.1"],
        &["93.184.216.34", "192.168.1.1"],
    ] {
        let (fetcher, network) = staged(&[answer], FINE).await;
        let refused = get(&fetcher, "https://app.example/client.json").await.unwrap_err();
        assert!(matches!(refused, FetchError::NotPublic(_)), "{answer:?}: {refused}");
        assert!(network.connected.lock().unwrap().is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn e17_addresses_in_the_url_are_checked_too_and_only_https_is_spoken() {
    let (fetcher, network) = staged(&[&["93.184.216.34"]], FINE).await;
    for url in
        ["https://127.0.0.1/", "https://[::1]/", "https://[::ffff:7f00:1]/", "https://2130706433/", "https://0x7f.1/"]
    {
        assert!(matches!(get(&fetcher, url).await.unwrap_err(), FetchError::NotPublic(_)), "{url}");
    }
    for url in
        ["http://app.example/", "ftp://app.example/", "file:///etc/passwd", "https://u@app.example/", "app.example"]
    {
        assert!(matches!(get(&fetcher, url).await.unwrap_err(), FetchError::Address), "{url}");
    }
    assert!(network.connected.lock().unwrap().is_empty());
}

#[tokio::test]
async fn only_a_host_that_is_named_may_be_this_machine_and_only_its_loopback() {
    let (fetcher, network) = staged(&[&["127.0.0.1"], &["10.0.0.1"]], FINE).await;
    assert!(get(&fetcher, "https://localhost/client.json").await.is_ok());
    assert!(matches!(get(&fetcher, "https://localhost/").await.unwrap_err(), FetchError::NotPublic(_)));
    assert_eq!(network.connected.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn e15_redirects_are_not_followed_and_long_answers_not_read() {
    let moved = "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n";
    let (fetcher, network) = staged(&[&["93.184.216.34"]], moved).await;
    assert_eq!(get(&fetcher, "https://app.example/").await.unwrap().status, StatusCode::FOUND);
    assert_eq!(network.connected.lock().unwrap().len(), 1);
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n{";
    let (fetcher, _) = staged(&[&["93.184.216.34"]], long).await;
    assert!(matches!(get(&fetcher, "https://app.example/").await.unwrap_err(), FetchError::TooLong(5_120)));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (fetcher, _) = staged(&[&["93.184.216.34"]], FINE).await;
    assert!(matches!(get(&fetcher, "https://other.example/").await.unwrap_err(), FetchError::Connection(_)));
}

#[tokio::test]
async fn e15_a_host_that_does_not_answer_is_given_up() {
    struct Silent;
    impl Network for Silent {
        fn resolve(&self, _: &str) -> Awaited<Vec<IpAddr>> {
            Box::pin(std::future::pending())
        }
        fn connect(&self, _: SocketAddr) -> Awaited<TcpStream> {
            Box::pin(std::future::pending())
        }
    }
    let fetcher = Fetcher::over(Arc::new(Silent), &Outgoing::default()).unwrap();
    let fetcher = Fetcher { timeout: Duration::from_millis(20), ..fetcher };
    assert!(matches!(get(&fetcher, "https://app.example/").await.unwrap_err(), FetchError::TooSlow));
}
