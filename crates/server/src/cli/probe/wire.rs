//! Raw bytes to an upstream, one connection for each request, and the first final answer back.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::config::UpstreamUrl;
use crate::enforce::gateway;
use countersign_domain::secret::Digest;

/// How long is waited for more of an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// The most of an answer that is read.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;

/// Where it is, and how it is spoken with.
pub(super) struct Upstream {
    authority: String,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// An answer, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    body: Digest,
}

impl Answer {
    pub(super) fn new(status: u16, body: &[u8]) -> Self {
        Self { status, body: Digest::of(body) }
    }
}

impl Upstream {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// When the authorities cannot be read.
    pub(super) fn new(url: &UpstreamUrl, ca: Option<&Path>) -> anyhow::Result<Self> {
        let (name, port) = host_and_port(url);
        let tls = if url.is_https {
            let server =
                ServerName::try_from(name.trim_matches(['[', ']']).to_owned()).context("the host of the URL")?;
            Some((Arc::new(gateway::tls(ca, None)?), server))
        } else {
            None
        };
        Ok(Self { authority: format!("{name}:{port}"), tls })
    }

    /// The answer to a request; `None` where there is none.
    pub(super) fn ask(&self, request: &[u8]) -> Option<Answer> {
        self.try_ask(request).ok()
    }

    pub(super) fn try_ask(&self, request: &[u8]) -> io::Result<Answer> {
        let address = self.authority.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        match &self.tls {
            None => exchange(stream, request),
            Some((config, name)) => {
                let connection = ClientConnection::new(Arc::clone(config), name.clone()).map_err(io::Error::other)?;
                exchange(StreamOwned::new(connection, stream), request)
            }
        }
    }
}

fn host_and_port(url: &UpstreamUrl) -> (&str, &str) {
    match url.authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (&url.authority, if url.is_https { "443" } else { "80" }),
    }
}

fn exchange(mut stream: impl Read + Write, request: &[u8]) -> io::Result<Answer> {
    // whoever refuses early may not read to the end
    let _ = stream.write_all(request).and_then(|()| stream.flush());
    let (mut received, mut piece) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let count = match stream.read(&mut piece) {
            Ok(count) => count,
            Err(error) if received.is_empty() => return Err(error),
            Err(_) => 0,
        };
        received.extend_from_slice(&piece[..count]);
        let is_all = count == 0 || received.len() as u64 > MAX_ANSWER;
        if let Some(answer) = read(&received, is_all) {
            return Ok(answer);
        }
        if is_all {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "that is no answer of HTTP/1.1"));
        }
    }
}

/// The answer at the beginning of what was received, if all of it is there. Answers of 1xx are passed over (RFC 9110 §15.2).
fn read(mut received: &[u8], is_all: bool) -> Option<Answer> {
    loop {
        let end = received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let (head, rest) = received.split_at(end);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let status: u16 = lines.next()?.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
        if (100..200).contains(&status) && status != 101 {
            received = rest;
            continue;
        }
        let field = |sought: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(':'));
            fields.find(|(name, _)| name.eq_ignore_ascii_case(sought)).map(|(_, value)| value.trim().to_owned())
        };
        let body = match (field("transfer-encoding"), field("content-length")) {
            _ if status == 101 || status == 204 || status == 304 => Some(Vec::new()),
            (Some(_), _) => unchunked(rest),
            (None, Some(length)) => length.parse().ok().and_then(|length| rest.get(..length)).map(<[u8]>::to_vec),
            (None, None) => None,
        };
        // without an end of its own, a body ends with the connection (RFC 9112 §6.3)
        return match body {
            Some(body) => Some(Answer::new(status, &body)),
            None => is_all.then(|| Answer::new(status, rest)),
        };
    }
}

/// RFC 9112 §7.1.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size.checked_add(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_framing_says() {
        let book = Some(Answer::new(200, b"book"));
        assert_eq!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbook", false), book);
        assert_eq!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nboo", false), None);
        assert_eq!(read(b"HTTP/1.0 200 OK\r\n\r\nbook", false), None);
        assert_eq!(read(b"HTTP/1.0 200 OK\r\n\r\nbook", true), book);
        let chunked = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\nbo\r\n2\r\nok\r\n0\r\n\r\n";
        assert_eq!(read(chunked, false), book);
        assert_eq!(read(b"SSH-2.0\r\n\r\n", true), None);
        let wrapping = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nbook";
        assert_eq!(read(wrapping, false), None);
    }
}
