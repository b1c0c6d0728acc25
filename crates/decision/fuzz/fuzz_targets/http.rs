//! Bytes as a connection: what the server's reader of requests frames, and what hyper reads behind it, must be the same. A
//! request that one of them ends elsewhere than the other would be a way around every decision about it.
#![no_main]

#[path = "../../../server/src/listener/chunks.rs"]
mod chunks;
#[expect(dead_code, reason = "the reader counts, and nobody asks here")]
#[path = "../../../server/src/telemetry/counting.rs"]
mod counting;
#[path = "../../../server/src/listener/fields.rs"]
mod fields;
#[path = "../../../server/src/listener/frames.rs"]
mod frames;
#[path = "../../../server/src/listener/head.rs"]
mod head;
#[path = "../../../server/src/http/host.rs"]
mod host;
#[expect(dead_code, reason = "the reader counts, and nobody asks here")]
#[path = "../../../server/src/telemetry/listeners.rs"]
mod listeners;
#[path = "../../../server/src/listener/pace.rs"]
mod pace;
#[path = "../../../server/src/listener/strict.rs"]
mod strict;
/// Where the reader looks for what a host is.
mod http {
    pub(crate) use crate::host;
}
/// Where it looks for what it counts.
mod telemetry {
    pub(crate) use crate::listeners;
}

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderValue, UPGRADE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Read {
    method: String,
    target: String,
    /// Names in small letters, and values, in the order of the names.
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    /// Whether its body came to its end.
    is_whole: bool,
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let framed = framed(bytes);
    let read = read_by_hyper(bytes, usize::from(*cut) + 1);
    assert!(read.len() <= framed.len(), "hyper reads more requests: {read:#?} than {framed:#?}");
    for (read, framed) in read.iter().zip(&framed) {
        assert_eq!((&read.method, &read.fields), (&framed.method, &framed.fields), "of {framed:#?}");
        assert!(is_same_target(&read.target, &framed.target), "`{}` became `{}`", framed.target, read.target);
        if read.is_whole && !is_upgrade(framed) {
            assert!(framed.is_whole && read.body == framed.body, "{read:#?} instead of {framed:#?}");
        }
    }
});

/// hyper writes the scheme of an absolute target in small letters, and a slash behind one without path.
fn is_same_target(read: &str, framed: &str) -> bool {
    let of_authority = |target: &str| target.split_once("://").map(|(_, rest)| rest.to_owned());
    match (of_authority(read), of_authority(framed)) {
        _ if read == framed => true,
        (Some(read), Some(framed)) => read == framed || read.replacen('/', "", 1) == framed,
        _ => false,
    }
}

fn is_upgrade(request: &Read) -> bool {
    request.fields.iter().any(|(name, _)| name == "upgrade")
}

/// The requests as our reader delimits them, written down without its help, as far as it goes.
fn framed(mut bytes: &[u8]) -> Vec<Read> {
    let mut requests = Vec::new();
    loop {
        while let Some(rest) = bytes.strip_prefix(b"\r\n") {
            bytes = rest;
        }
        let Ok(Some(end)) = head::end(bytes, 0) else { return requests };
        let Ok(head) = head::read(&bytes[..end]) else { return requests };
        let mut request = written_down(&bytes[..end]);
        bytes = &bytes[end..];
        match head.body {
            head::Body::Length(length) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                request.is_whole = bytes.len() >= length;
                let (body, rest) = bytes.split_at(length.min(bytes.len()));
                (request.body, bytes) = (body.to_vec(), rest);
            }
            head::Body::Chunked => {
                let mut chunks = chunks::Chunks::new();
                let Ok(used) = chunks.follow(bytes) else {
                    requests.push(request);
                    return requests;
                };
                request.is_whole = chunks.is_over();
                if request.is_whole {
                    request.body = dechunked(&bytes[..used]);
                }
                bytes = &bytes[used..];
            }
        }
        let goes_on = request.is_whole && !head.asks_to_upgrade;
        requests.push(request);
        if !goes_on {
            return requests;
        }
    }
}

/// A head that is in order.
fn written_down(head: &[u8]) -> Read {
    let latin = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut line = lines.next().unwrap_or_default().split(|byte| *byte == b' ');
    let (method, target) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
    let mut fields: Vec<_> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
            let value = &line[colon + 1..];
            let from = value.iter().position(|byte| !is_blank(byte)).unwrap_or(value.len());
            let to = value.iter().rposition(|byte| !is_blank(byte)).map_or(from, |last| last + 1);
            Some((latin(&line[..colon]).to_ascii_lowercase(), value[from..to].to_vec()))
        })
        .collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    let target = String::from_utf8_lossy(target).into_owned();
    Read { method: latin(method), target, fields, body: Vec::new(), is_whole: false }
}

/// The data of a chunked body that is in order.
fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    loop {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = std::str::from_utf8(&bytes[..digits]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let line = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap() + 2;
        if size == 0 {
            return data;
        }
        data.extend_from_slice(&bytes[line..line + size]);
        bytes = &bytes[line + size + 2..];
    }
}

/// The requests that hyper reads behind our reader, which gets so many bytes at once.
fn read_by_hyper(bytes: &[u8], cut: usize) -> Vec<Read> {
    let requests = Rc::new(RefCell::new(Vec::new()));
    let (kept, refused) = (Rc::clone(&requests), Arc::<OnceLock<strict::Unread>>::default());
    let is_refused = Arc::clone(&refused);
    let service = service_fn(move |request: Request<Incoming>| {
        let (kept, is_refused) = (Rc::clone(&kept), is_refused.get().is_some());
        async move {
            if !is_refused {
                return Ok::<_, Infallible>(keep(request, &kept).await);
            }
            assert!(is_stand_in(&request), "{request:?} behind a refused request");
            Ok(Response::new(Empty::new()))
        }
    });
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let connection = strict::Strict::new(Memory { bytes: bytes.to_vec(), at: 0, cut }, peer, Arc::default(), refused);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut builder = hyper::server::conn::http1::Builder::new();
    // as in `listener.rs`
    builder.header_read_timeout(None).max_headers(128).max_buf_size(128 * 1_024);
    let _ = runtime.block_on(builder.serve_connection(TokioIo::new(connection), service).into_future());
    requests.take()
}

/// What our reader hands on in place of a request that it refused.
fn is_stand_in(request: &Request<Incoming>) -> bool {
    let has = |name, value: &str| request.headers().get(name).is_some_and(|known| known == value);
    request.method() == Method::GET && request.uri() == "/" && has(HOST, "refused") && has(CONNECTION, "close")
}

async fn keep(request: Request<Incoming>, kept: &RefCell<Vec<Read>>) -> Response<Empty<Bytes>> {
    let (parts, mut body) = request.into_parts();
    let mut fields: Vec<_> =
        parts.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    let (method, target) = (parts.method.to_string(), parts.uri.to_string());
    kept.borrow_mut().push(Read { method, target, fields, body: Vec::new(), is_whole: false });
    let place = kept.borrow().len() - 1;
    loop {
        match body.frame().await {
            None => break,
            Some(Err(_)) => return Response::new(Empty::new()),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    kept.borrow_mut()[place].body.extend_from_slice(&data);
                }
            }
        }
    }
    kept.borrow_mut()[place].is_whole = true;
    let mut response = Response::new(Empty::new());
    if parts.method == Method::CONNECT {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    }
    // as the gateway does: what follows a request to upgrade is no request
    if parts.headers.contains_key(UPGRADE) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A client that has sent everything and reads nothing.
struct Memory {
    bytes: Vec<u8>,
    at: usize,
    cut: usize,
}

impl AsyncRead for Memory {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let count = self.cut.min(buffer.remaining()).min(self.bytes.len() - self.at);
        buffer.put_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
