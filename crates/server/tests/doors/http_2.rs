//! HTTP/2 at the gateway: fields are checked (RFC 9113 §8.2) before any of them becomes a line of HTTP/1.1.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::corpus::{Arena, accepted, corpus, satisfies};
use super::fixture::{Fixture, SHOP};
use super::upstream::Received;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// RFC 7541 §6.2.2: literals without indexing, nothing compressed.
fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[0], &text(name)[..], &text(value)].concat()
}

/// RFC 7541 §5.1, §5.2
fn text(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    match bytes.len() {
        short @ 0..127 => encoded.push(u8::try_from(short).unwrap()),
        long => {
            encoded.push(127);
            let mut rest = long - 127;
            while rest >= 128 {
                encoded.push(u8::try_from(rest % 128 + 128).unwrap());
                rest /= 128;
            }
            encoded.push(u8::try_from(rest).unwrap());
        }
    }
    encoded.extend(bytes);
    encoded
}

/// What came back on stream 1: its status, 0 where the stream or the connection was reset.
async fn status(stream: &mut TcpStream) -> u16 {
    let mut bytes = Vec::new();
    loop {
        while bytes.len() >= 9 {
            let length = usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
            if bytes.len() < 9 + length {
                break;
            }
            let payload: Vec<u8> = bytes.drain(..9 + length).collect();
            match payload[3] {
                HEADERS => return status_of(&payload[9..]),
                RST_STREAM | GOAWAY => return 0,
                _ => {}
            }
        }
        match timeout(Duration::from_secs(5), stream.read_buf(&mut bytes)).await {
            Ok(Ok(1..)) => {}
            _ => return 0,
        }
    }
}

/// `:status` is the first field (RFC 7541 appendix A: 8 to 14 are indexed statuses).
fn status_of(block: &[u8]) -> u16 {
    match block[0] {
        indexed @ 0x88..=0x8E => [200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)],
        _ => huffman_or_plain(&block[1..]),
    }
}

/// Three digits, plain or in the codes of RFC 7541 appendix B: 0, 1 and 2 have five bits, the other digits six.
fn huffman_or_plain(value: &[u8]) -> u16 {
    let (is_huffman, length) = (value[0] & 0x80 != 0, usize::from(value[0] & 0x7F));
    let bytes = &value[1..=length];
    if !is_huffman {
        return std::str::from_utf8(bytes).unwrap().parse().unwrap();
    }
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let (mut at, mut status) = (0, 0);
    for _ in 0..3 {
        let five = u16::from_str_radix(&bits[at..at + 5], 2).unwrap();
        let (digit, length) =
            if five < 3 { (five, 5) } else { (u16::from_str_radix(&bits[at..at + 6], 2).unwrap() - 22, 6) };
        status = status * 10 + digit;
        at += length;
    }
    status
}

async fn connect(gateway: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(gateway).await.unwrap();
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(SETTINGS, ACK, 0, &[])].concat()).await.unwrap();
    stream
}

fn block(arena: &Arena, case: &Value, token: &str) -> Vec<u8> {
    let pairs = |name: &str| case[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| arena.bytes(value.as_str().unwrap());
    let authorization = format!("Bearer {token}");
    let mut block: Vec<u8> = pairs("pseudo").iter().flat_map(|pair| field(&text(&pair[0]), &text(&pair[1]))).collect();
    block.extend(field(b"authorization", authorization.as_bytes()));
    block.extend(pairs("headers").iter().flat_map(|pair| field(&text(&pair[0]), &text(&pair[1]))));
    block
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_corpus_over_http_2_is_answered_as_it_demands() {
    let (Some(arena), Some(corpus)) = (Arena::start("").await, corpus()) else { return };
    let cases: Vec<_> = corpus.iter().filter(|case| case["protocol"] == "h2" && case["pseudo"].is_array()).collect();
    assert!(cases.len() >= 9, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        arena.upstream.take();
        let mut stream = connect(arena.doors.gateway).await;
        let body = case["body"].as_str().unwrap_or_default();
        let flags = if body.is_empty() { END_HEADERS | END_STREAM } else { END_HEADERS };
        let mut bytes = frame(HEADERS, flags, 1, &block(&arena, case, arena.token("LOW")));
        if !body.is_empty() {
            bytes.extend(frame(DATA, END_STREAM, 1, body.as_bytes()));
        }
        stream.write_all(&bytes).await.unwrap();
        // a reset is a refusal
        let status = match status(&mut stream).await {
            0 => 400,
            status => status,
        };
        if !satisfies(status, &accepted(case), &|template| template == "/api/v2/users") {
            wrong.push(format!("{}: {status} instead of {:?}: {}", case["id"], accepted(case), case["why"]));
        }
        let received = arena.upstream.take();
        if status != 200 && !received.is_empty() {
            wrong.push(format!("{}: refused, and yet {:?}", case["id"], received[0].line));
        }
        if received.iter().any(|one| one.target().contains('#')) {
            wrong.push(format!("{}: a fragment was forwarded", case["id"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_end_their_connection_and_nobody_else_waits() {
    let (Some(arena), Some(corpus)) = (Arena::start("").await, corpus()) else { return };
    let call = &corpus.iter().find(|case| case["id"] == "GA-353").unwrap();
    let block = block(&arena, call, arena.token("LOW"));
    let resets = |stream: u32| {
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, &block), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    };
    let opening = frame(HEADERS, END_HEADERS, 1, &block);
    let floods: [Vec<u8>; 3] = [
        (0..10_000).flat_map(|index| resets(2 * index + 1)).collect(),
        [opening, frame(DATA, 0, 1, &[]).repeat(100_000)].concat(),
        frame(SETTINGS, 0, 0, &[]).repeat(100_000),
    ];
    for (index, flood) in floods.into_iter().enumerate() {
        let mut stream = connect(arena.doors.gateway).await;
        let (mut reading, mut writing) = stream.split();
        let mut received = Vec::new();
        let flooding = async {
            let written = writing.write_all(&flood).await;
            (written.is_err(), ())
        };
        let read = timeout(Duration::from_secs(20), reading.read_to_end(&mut received));
        let ((was_cut, ()), ended) = tokio::join!(flooding, read);
        let says_goodbye = received.windows(4).any(|window| window[..] == [0, 0, 8, GOAWAY]) || received.len() > 9;
        assert!(was_cut || ended.is_ok() || says_goodbye, "flood {index} goes on");

        let mut bystander = connect(arena.doors.gateway).await;
        bystander.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)).await.unwrap();
        assert_eq!(status(&mut bystander).await, 200, "after flood {index}");
    }
}

/// The status of one request with these fields, 400 for a reset, and what arrived.
async fn ask(fixture: &Fixture, fields: &[(&str, &str)], body: &[&str]) -> (u16, Vec<Received>) {
    fixture.upstream.take();
    let mut stream = connect(fixture.doors.gateway).await;
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| field(name.as_bytes(), value.as_bytes())).collect();
    let end = if body.is_empty() { END_STREAM } else { 0 };
    // RFC 9113 §6.10: what is too long for one frame goes on in others
    let mut parts = block.chunks(16_000).peekable();
    let mut bytes = frame(HEADERS, end | if block.len() > 16_000 { 0 } else { END_HEADERS }, 1, parts.next().unwrap());
    while let Some(part) = parts.next() {
        bytes.extend(frame(CONTINUATION, if parts.peek().is_none() { END_HEADERS } else { 0 }, 1, part));
    }
    for (index, part) in body.iter().enumerate() {
        bytes.extend(frame(DATA, if index + 1 == body.len() { END_STREAM } else { 0 }, 1, part.as_bytes()));
    }
    stream.write_all(&bytes).await.unwrap();
    let status = status(&mut stream).await;
    (if status == 0 { 400 } else { status }, fixture.upstream.take())
}

#[tokio::test]
async fn a_request_is_held_to_what_its_bytes_would_be_held_to_in_http_1() {
    let fixture = Fixture::start("").await;
    let authorization = format!("Bearer {}", fixture.token(SHOP, "ada@acme.test").await);
    let token = ("authorization", authorization.as_str());
    let (get, scheme, authority, path) =
        ((":method", "GET"), (":scheme", "http"), (":authority", "api.test"), (":path", "/books"));
    let line = [get, scheme, authority, path, token];
    assert_eq!(ask(&fixture, &line, &[]).await.0, 200);

    for bad in ["user@api.test", "api.test:port", "api.test:80:80", "api.test,other.test", "a..b", "api.test:99999"] {
        let (status, arrived) = ask(&fixture, &[get, scheme, (":authority", bad), path, token], &[]).await;
        assert_eq!((status, arrived.len()), (400, 0), ":authority {bad}");
    }
    // RFC 9113 §8.3.1: without :authority, Host says it
    assert_eq!(ask(&fixture, &[get, scheme, path, token, ("host", "api.test")], &[]).await.0, 200);
    for bad in ["api.test/books", "user@api.test", "a b", "api.test, other.test", "\"api.test\"", ""] {
        let (status, arrived) = ask(&fixture, &[get, scheme, path, token, ("host", bad)], &[]).await;
        assert_eq!((status, arrived.len()), (400, 0), "host {bad}");
    }
    for bad in ["/books#a", "/books?a#b", "/books#", "books", "", "/books\t"] {
        let (status, arrived) = ask(&fixture, &[get, scheme, authority, (":path", bad), token], &[]).await;
        assert_eq!((status, arrived.len()), (400, 0), ":path {bad}");
    }
    let (status, arrived) = ask(&fixture, &[get, scheme, authority, path, token, ("x-colour", "#fff")], &[]).await;
    assert_eq!((status, arrived[0].header("x-colour")), (200, Some("#fff")), "any other field goes on as it came");
    assert_eq!(ask(&fixture, &[get, (":scheme", "ftp"), authority, path, token], &[]).await.0, 400);

    let long = "v".repeat(16 * 1_024);
    let with = |more: &[(&'static str, &'static str)]| [&line[..], more].concat();
    assert_eq!(ask(&fixture, &with(&[("x", "v"); 101]), &[]).await.0, 431);
    assert_eq!(ask(&fixture, &[&line[..], &[("x", long.as_str())]].concat(), &[]).await.0, 431);
    let post = [(":method", "POST"), scheme, authority, path, token, ("content-length", "5"), ("content-length", "5")];
    let (status, arrived) = ask(&fixture, &post, &["hello"]).await;
    assert_eq!((status, arrived.len()), (400, 0), "two lengths");
}

#[tokio::test]
async fn cookies_become_one_list_and_bodies_arrive_with_every_method() {
    let fixture = Fixture::start("").await;
    let authorization = format!("Bearer {}", fixture.token(SHOP, "ada@acme.test").await);
    let line = |method| {
        [
            (":method", method),
            (":scheme", "http"),
            (":authority", "api.test"),
            (":path", "/books"),
            ("authorization", &*authorization),
        ]
    };
    let cookies = [("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")];
    // RFC 9113 §8.2.3
    let (status, arrived) = ask(&fixture, &[&line("GET")[..], &cookies].concat(), &[]).await;
    assert_eq!((status, arrived[0].header("cookie")), (200, Some("a=1; b=2; c=3")));
    for method in ["GET", "POST"] {
        let (status, arrived) = ask(&fixture, &line(method), &["abcd", "efgh"]).await;
        assert_eq!((status, arrived[0].header("transfer-encoding")), (200, Some("chunked")), "{method}");
        let body = String::from_utf8_lossy(&arrived[0].body);
        assert!(body.contains("abcd") && body.contains("efgh"), "{method}: {body}");
    }
}
