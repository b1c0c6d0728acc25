//! The one canonical form of a request target (RFC 9112 §3.2, RFC 3986 §6.2.2): match, decide, log and forward these bytes.
//!
//! Canonicalisation is tiny: triplets of unreserved characters are decoded, other triplets get capital digits. Nothing is merged, removed or resolved;
//! whatever two readers could read differently is refused.

use std::borrow::Cow;
use std::fmt;

use super::lookalikes::{is_invisible, is_lookalike};

/// The longest target that is read, in bytes.
pub const MAX_TARGET_LENGTH: usize = 8 * 1024;
/// The most path segments that are read.
pub const MAX_SEGMENTS: usize = 128;

/// A target in canonical form. ASCII throughout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical<'t> {
    origin_form: Cow<'t, str>,
    path_length: usize,
    authority: Option<&'t str>,
}

/// A target that is refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct BadTarget {
    /// What is wrong.
    pub what: Fault,
    /// The first byte that is wrong, counted from 0.
    pub at: usize,
}

/// What can be wrong with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Longer than [`MAX_TARGET_LENGTH`].
    TooLong,
    /// More than [`MAX_SEGMENTS`] segments.
    TooManySegments,
    /// Neither a path nor `http(s)://authority/path`.
    NotAPath,
    /// The absolute form where only a path is read.
    AbsoluteForm,
    /// An authority with user information or characters that no host has.
    Authority,
    /// A byte that may not stand raw in a target.
    Byte(u8),
    /// `%` without two hexadecimal digits.
    Triplet,
    /// A triplet for a character that separates: `/ \ % ; ?`.
    EncodedSeparator,
    /// A control or invisible character.
    Invisible,
    /// Bytes that are not UTF-8.
    Utf8,
    /// A character that folds into or looks like a separator.
    Lookalike,
    /// A segment `.` or `..`, however it is written.
    DotSegment,
    /// An empty segment that is not the last.
    EmptySegment,
    /// A fragment.
    Fragment,
    /// A token in the query (RFC 9700 §4.3.2).
    TokenInQuery,
    /// A query in a path template.
    Query,
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
pub fn canonicalise(raw: &[u8]) -> Result<Canonical<'_>, BadTarget> {
    if raw.len() > MAX_TARGET_LENGTH {
        return Err(BadTarget { what: Fault::TooLong, at: MAX_TARGET_LENGTH });
    }
    let bad_byte = |(at, byte): (usize, &u8)| BadTarget { what: raw_fault(*byte), at };
    if let Some(bad) = raw.iter().enumerate().find(|(_, byte)| !matches!(byte, 0x21..=0x7E) || **byte == b'#') {
        return Err(bad_byte(bad));
    }
    let raw = str::from_utf8(raw).map_err(|error| BadTarget { what: Fault::Utf8, at: error.valid_up_to() })?;
    let (authority, start) = split_authority(raw)?;
    let end = raw[start..].find('?').map_or(raw.len(), |question| start + question);
    let path = canonical_path(&raw[start..end]).map_err(|bad| bad.moved_by(start))?;
    check_query(&raw[end..]).map_err(|bad| bad.moved_by(end))?;

    let path_length = path.len();
    let origin_form = match path {
        Cow::Borrowed(_) => Cow::Borrowed(&raw[start..]),
        Cow::Owned(path) => Cow::Owned(path + &raw[end..]),
    };
    Ok(Canonical { origin_form, path_length, authority })
}

impl<'t> Canonical<'t> {
    /// Path and query: the bytes to decide, log and forward.
    pub fn origin_form(&self) -> &str {
        &self.origin_form
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.origin_form[..self.path_length]
    }

    /// The query without its question mark, byte for byte as it came.
    pub fn query(&self) -> Option<&str> {
        self.origin_form[self.path_length..].strip_prefix('?')
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
    pub fn ends_with_slash(&self) -> bool {
        self.path_length > 1 && self.path().ends_with('/')
    }

    /// The segments from left to right; none for `/`.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        let path = &self.path()[1..];
        path.split('/').filter(|_| !path.is_empty())
    }
}

impl BadTarget {
    pub(crate) fn absolute_form() -> Self {
        Self { what: Fault::AbsoluteForm, at: 0 }
    }

    pub(super) fn query_in_template() -> Self {
        Self { what: Fault::Query, at: 0 }
    }

    fn moved_by(self, offset: usize) -> Self {
        Self { at: self.at + offset, ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(formatter, "more than {MAX_TARGET_LENGTH} bytes"),
            Self::TooManySegments => write!(formatter, "more than {MAX_SEGMENTS} segments"),
            Self::NotAPath => formatter.write_str("not a path that begins with `/`"),
            Self::AbsoluteForm => formatter.write_str("an absolute target where only a path is read"),
            Self::Authority => formatter.write_str("an authority that is not `host` or `host:port`"),
            Self::Byte(byte) => write!(formatter, "{:?} may not stand in a path", char::from(*byte)),
            Self::Triplet => formatter.write_str("`%` without two hexadecimal digits"),
            Self::EncodedSeparator => formatter.write_str("an encoded `/`, `\\`, `%`, `;` or `?`"),
            Self::Invisible => formatter.write_str("a control or invisible character"),
            Self::Utf8 => formatter.write_str("bytes that are not UTF-8"),
            Self::Lookalike => formatter.write_str("a character that some readers take for a separator"),
            Self::DotSegment => formatter.write_str("a `.` or `..` segment"),
            Self::EmptySegment => formatter.write_str("an empty segment"),
            Self::Fragment => formatter.write_str("a fragment"),
            Self::TokenInQuery => formatter.write_str("an access token in the query"),
            Self::Query => formatter.write_str("a query"),
        }
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
    let mut path = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.as_bytes().get(at) {
        match byte {
            b'%' => at += push_triplets(&raw.as_bytes()[at..], &mut path).map_err(|bad| bad.moved_by(at))?,
            _ if is_path_byte(byte) => {
                path.push(char::from(byte));
                at += 1;
            }
            _ => return Err(BadTarget { what: Fault::Byte(byte), at }),
        }
    }
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
fn check_query(query: &str) -> Result<(), BadTarget> {
    let bytes = query.as_bytes();
    let mut percents = (0..bytes.len()).filter(|at| bytes[*at] == b'%');
    if let Some(at) = percents.find(|at| triplet(&bytes[*at..]).is_none()) {
        return Err(BadTarget { what: Fault::Triplet, at });
    }
    let mut at = 1;
    for pair in query.get(1..).unwrap_or_default().split(['&', ';']) {
        let name = pair.split('=').next().unwrap_or_default();
        if decoded(name.as_bytes()) == b"access_token" {
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
    is_unreserved(byte) || b"/!$&'()*+,=:@".contains(&byte)
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

fn decoded(raw: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let byte = triplet(&raw[at..]);
        bytes.push(byte.unwrap_or(raw[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    bytes
}
