//! The head of an HTTP/1 request, held to the grammar of RFC 9112 without any of its leniency.
//!
//! Whoever stands before or behind us may read a doubtful head in another way: what could be read in two ways is refused.

use crate::http::host::is_host;

/// Longest request target, in bytes. Doors hold to less, pages take long queries.
const MAX_TARGET: usize = 32 * 1_024;
/// Longest method, in bytes.
const MAX_METHOD: usize = 32;
/// Longest field line, in bytes.
pub(crate) const MAX_FIELD: usize = 16 * 1_024;
/// Most field lines.
pub(crate) const MAX_FIELDS: usize = 100;
/// Longest head, in bytes.
pub(super) const MAX_HEAD: usize = 64 * 1_024;

/// How the body of a request is delimited (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes; none where the head says nothing.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// What a head says of the bytes that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// How the body is delimited.
    pub(super) body: Body,
    /// Whether another protocol is asked for: what follows is no request in any case.
    pub(super) asks_to_upgrade: bool,
}

/// A rule of RFC 9112, or one of our limits, that a request breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the head has more than {MAX_HEAD} bytes")]
    HeadTooLong,
    #[error("a line does not end in CR LF (RFC 9112 §2.2)")]
    LineEnd,
    #[error("the request line is not `method target HTTP/1.1` (RFC 9112 §3)")]
    RequestLine,
    #[error("the target has more than {MAX_TARGET} bytes")]
    TargetTooLong,
    #[error("a fragment or a character that no target has (RFC 9112 §3.2)")]
    Target,
    #[error("a field line that is not `name: value` (RFC 9112 §5)")]
    Field,
    #[error("more than {MAX_FIELDS} fields, or one of more than {MAX_FIELD} bytes")]
    TooManyFields,
    #[error("not exactly one Host that is `host` or `host:port` (RFC 9112 §3.2)")]
    Host,
    #[error("not one Content-Length that is a number (RFC 9112 §6.3)")]
    ContentLength,
    #[error("a Transfer-Encoding that is not `chunked` alone, or beside a Content-Length (RFC 9112 §6.1)")]
    TransferEncoding,
    #[error("a header block of HTTP/2 that is none (RFC 7541 §6)")]
    Fields,
    #[error("a chunk that is not delimited as RFC 9112 §7.1 says")]
    Chunk,
}

/// Where the head at the start of `bytes` ends, if it does: behind its empty line.
///
/// # Errors
/// When it is too long already, or a line ends in anything but CR LF.
pub(super) fn end(bytes: &[u8], searched: usize) -> Result<Option<usize>, Malformed> {
    let mut from = searched.saturating_sub(3);
    while let Some(at) = memchr::memchr2(b'\r', b'\n', &bytes[from..]).map(|at| from + at) {
        match (bytes[at], bytes.get(at + 1)) {
            (b'\r', Some(b'\n')) if bytes[at + 2..].starts_with(b"\r\n") => {
                return if at + 4 > MAX_HEAD { Err(Malformed::HeadTooLong) } else { Ok(Some(at + 4)) };
            }
            (b'\r', Some(b'\n')) => from = at + 2,
            (b'\r', None) => break,
            // the search may begin behind the CR
            (b'\n', _) if at > 0 && bytes[at - 1] == b'\r' => from = at + 1,
            _ => return Err(Malformed::LineEnd),
        }
    }
    if bytes.len() > MAX_HEAD { Err(Malformed::HeadTooLong) } else { Ok(None) }
}

/// Reads a whole head, its empty line included.
///
/// # Errors
/// The first rule that is broken.
pub(super) fn read(head: &[u8]) -> Result<Head, Malformed> {
    let mut lines = Lines(head);
    let is_http_1_0 = request_line(lines.next().ok_or(Malformed::RequestLine)?)?;
    let (mut host, mut length, mut encoding) = (None, None, None);
    let mut asks_to_upgrade = false;
    let mut fields = 0;
    for line in lines {
        if line.is_empty() {
            break;
        }
        fields += 1;
        if fields > MAX_FIELDS || line.len() > MAX_FIELD {
            return Err(Malformed::TooManyFields);
        }
        let (name, value) = field(line)?;
        let (place, twice) = match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => (&mut host, Malformed::Host),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                asks_to_upgrade = true;
                continue;
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => (&mut length, Malformed::ContentLength),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => (&mut encoding, Malformed::TransferEncoding),
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(twice);
        }
    }
    if !host.and_then(|host| str::from_utf8(host).ok()).is_some_and(is_host) {
        return Err(Malformed::Host);
    }
    let body = match (length, encoding) {
        (None, None) => Body::Length(0),
        (Some(length), None) => Body::Length(number(length).ok_or(Malformed::ContentLength)?),
        (None, Some(encoding)) if !is_http_1_0 && encoding.eq_ignore_ascii_case(b"chunked") => Body::Chunked,
        (_, Some(_)) => return Err(Malformed::TransferEncoding),
    };
    Ok(Head { body, asks_to_upgrade })
}

/// The lines of a head that [`end`] has found, without their line ends.
struct Lines<'h>(&'h [u8]);

impl<'h> Iterator for Lines<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        let end = memchr::memchr(b'\r', self.0)?;
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.get(2..).unwrap_or_default();
        Some(line)
    }
}

/// Whether it is one of HTTP/1.0.
fn request_line(line: &[u8]) -> Result<bool, Malformed> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Malformed::RequestLine);
    };
    if method.is_empty() || method.len() > MAX_METHOD || !method.iter().copied().all(is_token) {
        return Err(Malformed::RequestLine);
    }
    if target.len() > MAX_TARGET {
        return Err(Malformed::TargetTooLong);
    }
    // what is read next drops fragments without a word, and knows nothing to say of the others
    if target.is_empty() || target.iter().any(|byte| matches!(*byte, 0..=b' ' | b'"' | b'#' | b'<' | b'>' | 0x7F..)) {
        return Err(Malformed::Target);
    }
    match version {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        _ => Err(Malformed::RequestLine),
    }
}

/// Name and value of a field line, the value without the white space around it (RFC 9112 §5). A folded line has no name.
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let colon = memchr::memchr(b':', line).ok_or(Malformed::Field)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() || !name.iter().copied().all(is_token) || !value.iter().copied().all(is_field_byte) {
        return Err(Malformed::Field);
    }
    Ok((name, trimmed(value)))
}

fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// RFC 9110 §8.6: digits, and nothing else.
fn number(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.len() <= 19 && value.iter().all(u8::is_ascii_digit);
    if is_number { str::from_utf8(value).ok()?.parse().ok() } else { None }
}

/// RFC 9110 §5.6.2
const fn is_token(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

/// RFC 9110 §5.5
const fn is_field_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &str) -> Result<Head, Malformed> {
        read(format!("POST /orders HTTP/1.1\r\n{fields}\r\n").as_bytes())
    }

    #[test]
    fn a_plain_head_says_how_its_body_is_delimited() {
        let plain = |body| Ok(Head { body, asks_to_upgrade: false });
        assert_eq!(head("Host: api.test\r\n"), plain(Body::Length(0)));
        assert_eq!(head("Host: api.test:8080\r\nContent-Length: 12\r\n"), plain(Body::Length(12)));
        assert_eq!(head("host:[::1]\r\ntransfer-encoding: CHUNKED \r\n"), plain(Body::Chunked));
        let upgrade = head("Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
        assert_eq!(upgrade, Ok(Head { body: Body::Length(0), asks_to_upgrade: true }));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for (fields, rule) in [
            ("", Malformed::Host),
            ("Host: a\r\nHost: a\r\n", Malformed::Host),
            ("Host: user@a\r\n", Malformed::Host),
            ("Host: a, b\r\n", Malformed::Host),
            ("Host: \r\n", Malformed::Host),
            ("Host: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n", Malformed::ContentLength),
            ("Host: a\r\nContent-Length: +4\r\n", Malformed::ContentLength),
            ("Host: a\r\nContent-Length: 4 4\r\n", Malformed::ContentLength),
            ("Host: a\r\nContent-Length: 4, 4\r\n", Malformed::ContentLength),
            ("Host: a\r\nContent-Length: 0x4\r\n", Malformed::ContentLength),
            ("Host: a\r\nContent-Length:\r\n", Malformed::ContentLength),
            ("Host: a\r\nContent-Length: 99999999999999999999\r\n", Malformed::ContentLength),
            ("Host: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n", Malformed::TransferEncoding),
            ("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Malformed::TransferEncoding),
            ("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", Malformed::TransferEncoding),
            ("Host: a\r\nTransfer-Encoding:\u{b}chunked\r\n", Malformed::Field),
            ("Host: a\r\nTransfer-Encoding: chunked\u{b}\r\n", Malformed::Field),
            ("Host: a\r\nTransfer-Encoding : chunked\r\n", Malformed::Field),
            ("Host: a\r\n folded: b\r\n", Malformed::Field),
            ("Host: a\r\nno colon\r\n", Malformed::Field),
            ("Host: a\r\n: b\r\n", Malformed::Field),
            ("Host: a\r\nX: b\0c\r\n", Malformed::Field),
        ] {
            assert_eq!(head(fields), Err(rule), "{fields:?}");
        }
        assert_eq!(head(&format!("Host: a\r\n{}", "X: y\r\n".repeat(MAX_FIELDS))), Err(Malformed::TooManyFields));
        assert_eq!(head(&format!("Host: a\r\nX: {}\r\n", "y".repeat(MAX_FIELD))), Err(Malformed::TooManyFields));
    }

    #[test]
    fn a_request_line_has_three_parts_and_one_space_between_them() {
        for (line, rule) in [
            ("GET  /a HTTP/1.1", Malformed::RequestLine),
            ("GET /a HTTP/1.1 ", Malformed::RequestLine),
            ("GET /a b HTTP/1.1", Malformed::RequestLine),
            ("GET /a", Malformed::RequestLine),
            (" GET /a HTTP/1.1", Malformed::RequestLine),
            ("G(T /a HTTP/1.1", Malformed::RequestLine),
            ("GET /a HTTP/1.2", Malformed::RequestLine),
            ("GET /a http/1.1", Malformed::RequestLine),
            ("GET /a#b HTTP/1.1", Malformed::Target),
            ("GET /a\tb HTTP/1.1", Malformed::Target),
            ("GET /a\u{7f} HTTP/1.1", Malformed::Target),
            ("GET /a?\"b\" HTTP/1.1", Malformed::Target),
            ("GET /<a> HTTP/1.1", Malformed::Target),
            ("GET /é HTTP/1.1", Malformed::Target),
        ] {
            assert_eq!(read(format!("{line}\r\nHost: a\r\n\r\n").as_bytes()), Err(rule), "{line:?}");
        }
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(MAX_TARGET));
        assert_eq!(read(long.as_bytes()), Err(Malformed::TargetTooLong));
        // RFC 9112 §6.1: HTTP/1.0 knows no chunks
        let old = b"POST /a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(read(old), Err(Malformed::TransferEncoding));
    }

    #[test]
    fn the_end_of_a_head_is_found_wherever_the_reads_are_cut() {
        let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nmore";
        let length = bytes.len() - b"more".len();
        for cut in 0..length {
            assert_eq!(end(&bytes[..cut], 0), Ok(None), "{cut}");
            assert_eq!(end(bytes, cut), Ok(Some(length)), "{cut}");
        }
        for bad in [b"GET /\n".as_slice(), b"GET /\rX", b"\n", b"GET /\r\n\n", b"GET /\r\n\rX", b"GET /\r\r\n"] {
            assert_eq!(end(bad, 0), Err(Malformed::LineEnd), "{bad:?}");
        }
        assert_eq!(end(&vec![b'a'; MAX_HEAD + 1], MAX_HEAD), Err(Malformed::HeadTooLong));
    }
}
