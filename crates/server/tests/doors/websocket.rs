//! WebSockets through the gateway.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::fixture::{Fixture, SHOP};
use super::raw;

const PATIENCE: Duration = Duration::from_secs(10);

async fn open(fixture: &Fixture, target: &str, token: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(fixture.doors.gateway).await.unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let reply = raw::read(&mut stream, Duration::from_millis(200)).await;
    (stream, reply.text)
}

#[tokio::test]
async fn a_tunnel_carries_bytes_until_its_token_dies() {
    let fixture = Fixture::start("websockets = [\"listenToNews\"]").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let (mut stream, answer) = open(&fixture, "/news", &token).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    let received = fixture.upstream.take_one();
    assert_eq!(received.header("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    assert!(received.header("x-countersign-identity").is_some());
    for word in ["\u{81}\u{5}hello", "GET / HTTP/1.1\r\n\r\n"] {
        stream.write_all(word.as_bytes()).await.unwrap();
        let mut echo = vec![0; word.len()];
        timeout(PATIENCE, stream.read_exact(&mut echo)).await.unwrap().unwrap();
        assert_eq!(echo, word.as_bytes());
    }

    fixture.revoke(&token, SHOP).await;
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(1), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "a tunnel of a dead token is closed within a second");
}

#[tokio::test]
async fn no_other_operation_opens_one() {
    let fixture = Fixture::start("websockets = [\"listenToNews\"]").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let (_, answer) = open(&fixture, "/books", &token).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let (_, answer) = open(&fixture, "/news", "").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(fixture.upstream.take().is_empty());
}

#[tokio::test]
async fn what_is_no_handshake_opens_none() {
    let fixture = Fixture::start("websockets = [\"listenToNews\"]").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let (upgrade, connection) = ("Upgrade: websocket\r\n", "Connection: keep-alive, Upgrade\r\n");
    let (key, version) = ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Sec-WebSocket-Version: 13\r\n");
    let next = "GET /books HTTP/1.1\r\nHost: api.test\r\n\r\n";
    for (fields, status) in [
        (vec![upgrade, connection, key, version], 101),
        (vec![upgrade, key, version], 400),
        (vec![upgrade, connection, version], 400),
        (vec![upgrade, connection, key, key, version], 400),
        (vec![upgrade, connection, key], 426),
        (vec![upgrade, connection, key, "Sec-WebSocket-Version: 8\r\n"], 426),
        (vec![upgrade, upgrade, connection, key, version], 400),
        (vec![upgrade, "Upgrade: h2c\r\n", connection, key, version], 400),
        (vec!["Upgrade: h2c, websocket\r\n", connection, key, version], 400),
        (vec![upgrade, connection, key, version, "Content-Length: 5\r\n"], 400),
        (vec![upgrade, connection, key, version, "Transfer-Encoding: chunked\r\n"], 400),
    ] {
        let fields = fields.concat();
        let body = if fields.contains("Length") {
            "hello"
        } else if fields.contains("chunked") {
            "5\r\nhello\r\n0\r\n\r\n"
        } else {
            ""
        };
        let head =
            format!("GET /news HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n{fields}\r\n{body}");
        let bytes = if status == 101 { head } else { head + next };
        let reply = raw::send(fixture.doors.gateway, bytes.as_bytes()).await;
        assert_eq!(reply.statuses().collect::<Vec<_>>(), [status], "{fields}");
        assert_eq!(fixture.upstream.take().len(), usize::from(status == 101), "{fields}");
    }
}
