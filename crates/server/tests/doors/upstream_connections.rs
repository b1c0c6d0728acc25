//! Connections to an upstream: which of them bring a second answer, and which never do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::fixture::{Fixture, SHOP};
use super::raw;
use super::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// Long enough for a byte to come from one task of this machine to another.
const A_WHILE: Duration = Duration::from_millis(200);

/// An upstream that answers every request with the same bytes, in pieces, and counts.
struct Speaker {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// Told when a client has closed its connection.
    left: Arc<Notify>,
}

/// What is sent for a request: each piece a while after the one before.
#[derive(Debug, Clone, Copy)]
struct Says {
    pieces: &'static [&'static str],
    /// Whether the connection ends then.
    closes: bool,
}

impl Speaker {
    async fn start(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, left) = (Arc::<AtomicUsize>::default(), Arc::new(Notify::new()));
        let (counted, told) = (Arc::clone(&connections), Arc::clone(&left));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(speak(stream, says, Arc::clone(&told)));
            }
        });
        Self { address, connections, left }
    }

    /// A gateway before it, and a token.
    async fn fronted(&self) -> (Fixture, String) {
        let mut stand_in = Upstream::start().await;
        stand_in.address = self.address;
        let fixture = Fixture::before(stand_in, "").await;
        let token = fixture.token(SHOP, "ada@acme.test").await;
        (fixture, token)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn speak(mut stream: TcpStream, says: Says, left: Arc<Notify>) {
    let mut bytes = Vec::new();
    loop {
        while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return left.notify_one();
            }
        }
        bytes.clear();
        for (number, piece) in says.pieces.iter().enumerate() {
            if number > 0 {
                tokio::time::sleep(A_WHILE / 10).await;
            }
            if stream.write_all(piece.as_bytes()).await.is_err() {
                return left.notify_one();
            }
        }
        if says.closes {
            return;
        }
    }
}

fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn calls_one_after_another_share_a_connection() {
    for pieces in [&[OK][..], &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "0\r\n\r\n"]] {
        let upstream = Speaker::start(Says { pieces, closes: false }).await;
        let (fixture, token) = upstream.fronted().await;
        for method in ["GET", "GET", "GET", "GET"] {
            assert_eq!(fixture.call(method, "/books", &token).await.status(), 200);
        }
        assert_eq!(upstream.connections(), 1, "{pieces:?}");
    }
}

#[tokio::test]
async fn what_follows_an_answer_unasked_answers_nobody() {
    const OTHER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother";
    for pieces in [
        &[OK, OTHER][..],
        &["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"],
    ] {
        let upstream = Speaker::start(Says { pieces, closes: false }).await;
        let (fixture, token) = upstream.fronted().await;
        for calls in 1..=3 {
            let reply = fixture.call("GET", "/books", &token).await;
            assert_eq!((reply.status(), body(&reply.text)), (200, "ok"), "{pieces:?}");
            assert_eq!(upstream.connections(), calls, "{pieces:?}");
            tokio::time::sleep(A_WHILE).await;
        }
    }
}

#[tokio::test]
async fn a_post_does_not_meet_a_connection_that_was_closed_while_nobody_used_it() {
    let upstream = Speaker::start(Says { pieces: &[OK], closes: true }).await;
    let (fixture, token) = upstream.fronted().await;
    for calls in 1..=3 {
        let request = format!(
            "POST /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\nContent-Length: 2\r\n\r\nhi"
        );
        assert_eq!(raw::send(fixture.doors.gateway, request.as_bytes()).await.status(), 200);
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(upstream.connections(), calls);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_made_whole() {
    for pieces in [
        &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "5\r\nha"][..],
        &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"],
        &["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"],
    ] {
        let upstream = Speaker::start(Says { pieces, closes: true }).await;
        let (fixture, token) = upstream.fronted().await;
        let mut stream = TcpStream::connect(fixture.doors.gateway).await.unwrap();
        let request = format!("GET /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        // how it ends is the system's business; that it ends is ours
        let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut text)).await.unwrap();
        assert!(!text.ends_with("0\r\n\r\n"), "{pieces:?}: {text}");
        // what breaks off at once may not have begun
        assert!(text.contains("ok") || pieces.len() == 1, "{pieces:?}: {text}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_the_connection_of_its_call_along() {
    let pieces = &["HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nok"];
    let upstream = Speaker::start(Says { pieces, closes: false }).await;
    let (fixture, token) = upstream.fronted().await;
    let mut stream = TcpStream::connect(fixture.doors.gateway).await.unwrap();
    let request = format!("GET /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut begun = [0; 15];
    stream.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200 OK");
    drop(stream);
    tokio::time::timeout(Duration::from_secs(10), upstream.left.notified()).await.expect("the upstream is left");
}
