//! The one canonical form of a request target (RFC 9112 §3.2, RFC 3986 §6.2.2): match, decide, log and forward these bytes.
//!
//! Canonicalisation is tiny: triplets of unreserved characters are decoded, other triplets get capital digits. Nothing is merged, removed or resolved;
//! whatever two readers could read differently is refused.

use std::borrow::Cow;

use super::bad_target::{BadTarget, Fault};
use super::lookalikes::{is_invisible, is_lookalike};
use super::plain::plain;

/// The longest target that is read, in bytes.
pub const MAX_TARGET_LENGTH: usize = 8 * 1024;
/// The most path segments that are read.
pub const MAX_SEGMENTS: usize = 128;
/// The parameter by which a token would stand in a query (RFC 6750 §2.3).
const ACCESS_TOKEN: &[u8] = b"access_token";

/// A target in canonical form. ASCII throughout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical<'t> {
    /// ASCII: a text is made of it where somebody asks for one, decisions do not.
    pub(super) origin_form: Cow<'t, [u8]>,
    pub(super) path_length: usize,
    pub(super) authority: Option<&'t str>,
}

/// Reads a raw request target.
///
/// ```
/// use countersign_decision::routes::canonicalise;
///
/// assert_eq!(canonicalise(b"/api/%76%32/users?q=1").unwrap().origin_form(), "/api/v2/users?q=1");
/// assert!(canonicalise(b"/api/v2/users/%2e%2e/roles").is_err());
/// ```
///
/// # Errors
/// Anything that two readers could read differently.
#[inline]
pub fn canonicalise(raw: &[u8]) -> Result<Canonical<'_>, BadTarget> {
    if raw.len() > MAX_TARGET_LENGTH {
        return Err(BadTarget { what: Fault::TooLong, at: MAX_TARGET_LENGTH });
    }
    match plain(raw) {
        Some(plain) => Ok(plain),
        None => canonicalise_any(raw),
    }
}

/// The long way, for whatever is not plain.
#[cold]
fn canonicalise_any(raw: &[u8]) -> Result<Canonical<'_>, BadTarget> {
    if let Some(at) = raw.iter().position(|byte| !matches!(byte, 0x21..=0x7E) || *byte == b'#') {
        return Err(BadTarget { what: raw_fault(raw[at]), at });
    }
    let raw = str::from_utf8(raw).map_err(|error| BadTarget { what: Fault::Utf8, at: error.valid_up_to() })?;
    let (authority, start) = split_authority(raw)?;
    let end = raw[start..].find('?').map_or(raw.len(), |question| start + question);
    let path = canonical_path(&raw[start..end]).map_err(|bad| bad.moved_by(start))?;
    check_query(&raw.as_bytes()[end..]).map_err(|bad| bad.moved_by(end))?;

    let path_length = path.len();
    let origin_form = match path {
        Cow::Borrowed(_) => Cow::Borrowed(&raw.as_bytes()[start..]),
        Cow::Owned(path) => Cow::Owned((path + &raw[end..]).into_bytes()),
    };
    Ok(Canonical { origin_form, path_length, authority })
}

impl<'t> Canonical<'t> {
    /// Path and query: the bytes to decide, log and forward.
    pub fn origin_form(&self) -> &str {
        str::from_utf8(&self.origin_form).expect("canonical targets are ASCII")
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.origin_form()[..self.path_length]
    }

    /// The bytes of the path.
    pub(super) fn path_bytes(&self) -> &[u8] {
        &self.origin_form[..self.path_length]
    }

    /// The query without its question mark, byte for byte as it came.
    pub fn query(&self) -> Option<&str> {
        self.origin_form()[self.path_length..].strip_prefix('?')
    }

    /// The authority of an absolute-form target: whoever accepts one compares it with Host first.
    pub fn authority(&self) -> Option<&'t str> {
        self.authority
    }

    /// Whether the raw target was not canonical already: where bytes cannot be rewritten, that is a refusal.
    pub fn is_rewritten(&self) -> bool {
        matches!(self.origin_form, Cow::Owned(_))
    }

    /// Whether the path ends in a slash, which matches nothing; `/` alone does not.
    #[inline]
    pub fn ends_with_slash(&self) -> bool {
        self.path_length > 1 && self.path_bytes().ends_with(b"/")
    }

    /// The segments from left to right; none for `/`.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        let path = &self.path()[1..];
        path.split('/').filter(|_| !path.is_empty())
    }
}

/// RFC 9112 §3.2.2: the absolute form has to be understood. Gives the authority and where the path begins.
fn split_authority(raw: &str) -> Result<(Option<&str>, usize), BadTarget> {
    if raw.starts_with('/') {
        return Ok((None, 0));
    }
    let not_a_path = BadTarget { what: Fault::NotAPath, at: 0 };
    let start = match raw.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => {
            scheme.len() + "://".len()
        }
        _ => return Err(not_a_path),
    };
    let length = raw[start..].find('/').ok_or(not_a_path)?;
    let authority = &raw[start..start + length];
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    match authority.bytes().position(|byte| !is_host(byte)) {
        Some(at) => Err(BadTarget { what: Fault::Authority, at: start + at }),
        None if authority.is_empty() => Err(BadTarget { what: Fault::Authority, at: start }),
        None => Ok((Some(authority), start + length)),
    }
}

/// The path with unreserved triplets decoded and the others in capitals; borrowed where it was so already.
fn canonical_path(raw: &str) -> Result<Cow<'_, str>, BadTarget> {
    if let Some((at, byte)) = raw.bytes().enumerate().find(|(_, byte)| !is_path_byte(*byte) && *byte != b'%') {
        return Err(BadTarget { what: Fault::Byte(byte), at });
    }
    let mut path = String::new();
    let mut at = 0;
    while let Some(percent) = raw[at..].find('%') {
        path.push_str(&raw[at..at + percent]);
        at += percent;
        at += push_triplets(&raw.as_bytes()[at..], &mut path).map_err(|bad| bad.moved_by(at))?;
    }
    if at == 0 {
        check_segments(raw)?;
        return Ok(Cow::Borrowed(raw));
    }
    path.push_str(&raw[at..]);
    check_segments(&path)?;
    Ok(if path == raw { Cow::Borrowed(raw) } else { Cow::Owned(path) })
}

/// Reads the triplet at the start of `raw`, or all triplets of one run beyond ASCII, and gives how many bytes that were.
fn push_triplets(raw: &[u8], path: &mut String) -> Result<usize, BadTarget> {
    let first = triplet(raw).ok_or(BadTarget { what: Fault::Triplet, at: 0 })?;
    if first.is_ascii() {
        match first {
            b'/' | b'\\' | b'%' | b';' | b'?' => return Err(BadTarget { what: Fault::EncodedSeparator, at: 0 }),
            _ if first.is_ascii_control() => return Err(BadTarget { what: Fault::Invisible, at: 0 }),
            _ if is_unreserved(first) => path.push(char::from(first)),
            _ => push_encoded(first, path),
        }
        return Ok(3);
    }
    let run: Vec<u8> = raw.chunks(3).map_while(triplet).take_while(|byte| !byte.is_ascii()).collect();
    let text = str::from_utf8(&run).map_err(|error| BadTarget { what: Fault::Utf8, at: 3 * error.valid_up_to() })?;
    for (position, character) in text.char_indices() {
        if is_invisible(character) {
            return Err(BadTarget { what: Fault::Invisible, at: 3 * position });
        }
        if is_lookalike(character) {
            return Err(BadTarget { what: Fault::Lookalike, at: 3 * position });
        }
    }
    run.iter().for_each(|byte| push_encoded(*byte, path));
    Ok(3 * run.len())
}

fn check_segments(path: &str) -> Result<(), BadTarget> {
    let mut at = 1;
    for (index, segment) in path[1..].split('/').enumerate() {
        let is_last = at + segment.len() == path.len();
        if index == MAX_SEGMENTS {
            return Err(BadTarget { what: Fault::TooManySegments, at });
        }
        if segment.is_empty() && !is_last {
            return Err(BadTarget { what: Fault::EmptySegment, at });
        }
        if segment == "." || segment == ".." {
            return Err(BadTarget { what: Fault::DotSegment, at });
        }
        at += segment.len() + 1;
    }
    Ok(())
}

/// A query takes no part in matching and is forwarded as it came; but its triplets have to be triplets, and it may not carry a token.
pub(super) fn check_query(query: &[u8]) -> Result<(), BadTarget> {
    let mut percents = (0..query.len()).filter(|at| query[*at] == b'%');
    if let Some(at) = percents.find(|at| triplet(&query[*at..]).is_none()) {
        return Err(BadTarget { what: Fault::Triplet, at });
    }
    let mut at = 1;
    for pair in query.get(1..).unwrap_or_default().split(|byte| matches!(byte, b'&' | b';')) {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        if name.len() >= ACCESS_TOKEN.len() && decoded(name).eq(ACCESS_TOKEN.iter().copied()) {
            return Err(BadTarget { what: Fault::TokenInQuery, at });
        }
        at += pair.len() + 1;
    }
    Ok(())
}

fn raw_fault(byte: u8) -> Fault {
    match byte {
        b'#' => Fault::Fragment,
        0x80.. => Fault::Utf8,
        b' ' => Fault::Byte(byte),
        _ => Fault::Invisible,
    }
}

/// RFC 3986 §3.3 `pchar` and `/`, without `;`: some servers drop what follows it.
fn is_path_byte(byte: u8) -> bool {
    // `/` and `:` stand at the ends of the digits, `@` before the letters; `&` to `/` holds `'()*+,-.`.
    matches!(byte, b'&'..=b':' | b'@'..=b'Z' | b'a'..=b'z' | b'!' | b'$' | b'=' | b'_' | b'~')
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn triplet(raw: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match raw {
        [b'%', high, low, ..] => Some(digit(*high)? * 16 + digit(*low)?),
        _ => None,
    }
}

fn push_encoded(byte: u8, path: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    path.push('%');
    path.push(char::from(DIGITS[usize::from(byte >> 4)]));
    path.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// The bytes that a text means, its triplets decoded.
fn decoded(raw: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        let byte = triplet(rest);
        rest = if byte.is_some() { &rest[3..] } else { after };
        Some(byte.unwrap_or(*first))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(raw: &str) -> Result<String, Fault> {
        canonicalise(raw.as_bytes()).map(|one| one.origin_form().to_owned()).map_err(|bad| bad.what)
    }

    #[test]
    fn unreserved_triplets_are_decoded_and_others_capitalised() {
        for (raw, expected) in [
            ("/api/v2/users?q=%2f&x", "/api/v2/users?q=%2f&x"),
            ("/%61%7E%2d%5f", "/a~-_"),
            ("/caf%c3%a9/%20%2a", "/caf%C3%A9/%20%2A"),
            ("/a%40b/!$&'()*+,=:@", "/a%40b/!$&'()*+,=:@"),
            ("/users/...", "/users/..."),
            ("/", "/"),
            ("/a/", "/a/"),
        ] {
            assert_eq!(canonical(raw).as_deref(), Ok(expected));
            assert_eq!(canonicalise(raw.as_bytes()).unwrap().is_rewritten(), raw != expected);
            assert_eq!(canonical(expected).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn whatever_two_readers_could_read_differently_is_refused() {
        for (raw, fault) in [
            ("", Fault::NotAPath),
            ("*", Fault::NotAPath),
            ("users", Fault::NotAPath),
            ("?a", Fault::NotAPath),
            ("/a/../b", Fault::DotSegment),
            ("/a/.", Fault::DotSegment),
            ("/%2e%2E", Fault::DotSegment),
            ("/.%2e/b", Fault::DotSegment),
            ("//a", Fault::EmptySegment),
            ("/a//", Fault::EmptySegment),
            ("/a%2Fb", Fault::EncodedSeparator),
            ("/a%5cb", Fault::EncodedSeparator),
            ("/a%25", Fault::EncodedSeparator),
            ("/a%3b", Fault::EncodedSeparator),
            ("/a%3F", Fault::EncodedSeparator),
            ("/a;b", Fault::Byte(b';')),
            ("/a\\b", Fault::Byte(b'\\')),
            ("/{a}", Fault::Byte(b'{')),
            ("/a b", Fault::Byte(b' ')),
            ("/a\tb", Fault::Invisible),
            ("/a%00", Fault::Invisible),
            ("/a%7f", Fault::Invisible),
            ("/a%C2%85", Fault::Invisible),
            ("/a%E2%80%8B", Fault::Invisible),
            ("/a%EF%BC%8Fb", Fault::Lookalike),
            ("/a%E2%88%95b", Fault::Lookalike),
            ("/é", Fault::Utf8),
            ("/%ff", Fault::Utf8),
            ("/%c0%af", Fault::Utf8),
            ("/%ed%a0%80", Fault::Utf8),
            ("/%c3x", Fault::Utf8),
            ("/a%", Fault::Triplet),
            ("/a%4", Fault::Triplet),
            ("/a%+1", Fault::Triplet),
            ("/a?%zz", Fault::Triplet),
            ("/a#b", Fault::Fragment),
            ("/a?b#", Fault::Fragment),
            ("/a?access_token=x", Fault::TokenInQuery),
            ("/a?b;acc%65ss_token", Fault::TokenInQuery),
            ("ftp://a/b", Fault::NotAPath),
            ("http://a", Fault::NotAPath),
            ("http:///b", Fault::Authority),
            ("http://a@b/c", Fault::Authority),
        ] {
            assert_eq!(canonical(raw), Err(fault), "{raw:?}");
        }
    }

    #[test]
    fn the_place_of_a_fault_is_counted_from_the_start_of_the_target() {
        let at = |raw: &str| canonicalise(raw.as_bytes()).unwrap_err().at;
        assert_eq!(at("/a/%zz"), 3);
        assert_eq!(at("http://h/a/%zz"), 11);
        assert_eq!(at("/a?b&access_token"), 5);
        assert_eq!(at("/a%C3%A9%E2%80%8B"), 8);
        assert_eq!(canonicalise(b"/a;").unwrap_err().to_string(), "';' may not stand in a path at byte 2");
    }

    #[test]
    fn length_and_segments_are_limited() {
        assert_eq!((MAX_TARGET_LENGTH, MAX_SEGMENTS), (8_192, 128), "as the documentation says");
        let long = |bytes: usize| canonical(&format!("/{}", "a".repeat(bytes - 1)));
        assert!(long(MAX_TARGET_LENGTH).is_ok());
        assert_eq!(long(MAX_TARGET_LENGTH + 1), Err(Fault::TooLong));
        let deep = |segments: usize| canonical(&"/a".repeat(segments));
        assert!(deep(MAX_SEGMENTS).is_ok());
        assert_eq!(deep(MAX_SEGMENTS + 1), Err(Fault::TooManySegments));
    }

    #[test]
    fn the_absolute_form_gives_its_authority_for_comparison() {
        let target = canonicalise(b"HTTPS://api.example.test:8443/a/%62?c").unwrap();
        assert_eq!(target.authority(), Some("api.example.test:8443"));
        assert_eq!((target.path(), target.query()), ("/a/b", Some("c")));
        assert_eq!(target.segments().collect::<Vec<_>>(), ["a", "b"]);
    }
}
