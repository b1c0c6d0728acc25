//! `countersign probe`: against an upstream that reads everything kindly, and one that does not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::binary::{Folder, Run, run};

/// Answers every request with what `serve` makes of its bytes. Ends with the test.
fn upstream(serve: fn(&str) -> (u16, &'static str)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || converse(stream.unwrap(), serve));
        }
    });
    address
}

fn converse(mut stream: TcpStream, serve: fn(&str) -> (u16, &'static str)) {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    let is_whole = |bytes: &[u8]| bytes.ends_with(b"\n\n") || bytes.windows(4).any(|four| four == b"\r\n\r\n");
    while !is_whole(&bytes) {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
    let (status, body) = serve(&String::from_utf8_lossy(&bytes));
    let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let _ = stream.write_all(answer.as_bytes());
}

const BOOK: (u16, &str) = (200, "1984");
const NOTHING: (u16, &str) = (404, "nothing");

/// Knows one request, byte for byte.
fn strict(request: &str) -> (u16, &'static str) {
    let mut lines = request.split("\r\n");
    let is_plain =
        |line: &str| line.starts_with("Host: ") || line == "Connection: close" || line.starts_with("X-Key: ");
    match lines.next().unwrap() {
        "GET /books/1984 HTTP/1.1" if lines.all(|line| line.is_empty() || is_plain(line)) => {
            if request.matches("Host: ").count() == 1 { BOOK } else { (400, "") }
        }
        line if line.contains("1984 ") && request.contains("OPTIONS\r\n") => (400, ""),
        _ => NOTHING,
    }
}

/// Does what frameworks have done: folds, merges, decodes, resolves, obeys headers, and knows no framing.
fn lenient(request: &str) -> (u16, &'static str) {
    let field = |name: &str| {
        let mut lines = request.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.replace('_', "-").eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let mut line = request.lines().next().unwrap().split(' ');
    let (method, target) = (line.next().unwrap(), line.next().unwrap());
    if !field("X-HTTP-Method-Override").unwrap_or(method).eq_ignore_ascii_case("get") {
        return (405, "");
    }
    let target = field("X-Original-URL").unwrap_or(target).to_lowercase();
    let target = target.replace("%2f", "/").replace("%2e", ".").replace('\\', "/");
    let target = target.split(['?', '#']).next().unwrap();
    let mut path = Vec::new();
    for segment in target.split('/').map(|segment| segment.split(';').next().unwrap()) {
        match segment {
            "" | "." => {}
            ".." => drop(path.pop()),
            other => path.push(other),
        }
    }
    if path == ["books", "1984"] { BOOK } else { NOTHING }
}

fn probe(address: SocketAddr, arguments: &[&str]) -> Run {
    run(&[&["probe", &format!("http://{address}")], arguments].concat(), "")
}

#[test]
fn a_strict_upstream_is_confused_by_nothing() {
    let address = upstream(strict);
    let run = probe(address, &["--path", "/books/1984", "--header", "X-Key: k"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.lines().last().unwrap().starts_with("0 of "), "{}", run.stdout);
    assert!(!run.stdout.contains("CONFUSED"), "{}", run.stdout);

    let run = probe(address, &["--path", "/books/1984", "--json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.status, &report["is_confused"], &report["path"]), (0, &Value::from(false), &"/books/1984".into()));
    let verdict = |name: &str| verdict(&report, name);
    assert_eq!(verdict("encoded-slash"), ("refused".to_owned(), Some(404)));
    assert_eq!(verdict("original-url"), ("ignored".to_owned(), Some(404)));
    assert_eq!(verdict("method-override"), ("refused".to_owned(), Some(400)));
}

fn verdict(report: &Value, name: &str) -> (String, Option<u64>) {
    let probes = report["probes"].as_array().unwrap();
    let probe = probes.iter().find(|probe| probe["name"] == name).unwrap();
    (probe["verdict"].as_str().unwrap().to_owned(), probe["status"].as_u64())
}

#[test]
fn a_lenient_upstream_is_told_what_confuses_it() {
    let address = upstream(lenient);
    let run = probe(address, &["--path", "/books/1984", "--json"]);
    assert_eq!(run.status, 1, "{run:?}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    for name in [
        "encoded-slash",
        "backslash",
        "dot-dot-segment",
        "encoded-dot-dot",
        "dot-dot-parameter",
        "merged-slashes",
        "matrix-parameter",
        "case-folded",
        "fragment",
        "small-method",
        "method-override",
        "method-override-low-line",
        "original-url",
        "length-and-chunks",
        "two-hosts",
        "no-host",
        "bare-line-feeds",
    ] {
        assert_eq!(verdict(&report, name).0, "confused", "{name}");
    }
    assert_eq!(verdict(&report, "overlong-slash").0, "refused");
    assert_eq!(verdict(&report, "method-in-the-query").0, "ignored");

    let run = probe(address, &["--path", "/books/1984"]);
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    assert!(run.stdout.contains("CONFUSED   200  encoded-slash"), "{}", run.stdout);
}

#[test]
fn what_cannot_be_probed_is_bad_input() {
    let (strict, alike) = (upstream(strict), upstream(|_| BOOK));
    for (address, arguments, expected) in [
        (strict, &["--path", "books"][..], "canonical form"),
        (strict, &["--path", "/books/"], "canonical form"),
        (strict, &["--path", "/1984"], "a letter"),
        (strict, &["--path", "/books?x"], "without a query"),
        (strict, &["--path", "/nothing"], "it is answered 404"),
        (alike, &["--path", "/books"], "answered alike"),
        (strict, &["--path", "/books/1984", "--header", "X-Key"], "`Name: value`"),
        (strict, &["--path", "/books/1984", "--header", "X-Key: a\r\nB: c"], "`Name: value`"),
        (strict, &["--path", "/books/1984", "--host", "a b"], "a host name"),
    ] {
        let run = probe(address, arguments);
        assert_eq!(run.status, 2, "{run:?}");
        assert!(run.stderr.contains(expected), "{arguments:?}: {}", run.stderr);
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(probe(closed, &["--path", "/books"]).status, 2);
    assert_eq!(run(&["probe", "http://127.0.0.1:1/v1", "--path", "/books"], "").status, 2);
    let file = Folder::new().file("ca.pem", "none");
    let run = run(&["probe", "https://127.0.0.1:1", "--path", "/books", "--ca", &file], "");
    assert_ne!(run.status, 0, "{run:?}");
}
