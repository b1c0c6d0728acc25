//! One call, as a log tells of it, whatever the log's format.

use std::borrow::Cow;

/// A call in a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) method: String,
    /// As it stood in the request line; need not be text.
    pub(super) target: Vec<u8>,
    /// Scheme and authority, where the log has whole URLs.
    pub(super) origin: Option<String>,
    /// What was answered; nothing where the log does not say.
    pub(super) status: Option<u16>,
    /// The name of the contract that a server of ours decided it with: then app and user are named by their ids.
    pub(super) decided_with: Option<String>,
    pub(super) caller: LoggedCaller,
}

/// What a line says of the caller; where it says nothing, the command's options hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LoggedCaller {
    pub(super) organization: Option<String>,
    pub(super) client: Option<String>,
    /// `Some(None)`: the app called on its own behalf.
    pub(super) user: Option<Option<String>>,
    /// The scopes that the token asked for.
    pub(super) scopes: Option<Vec<String>>,
}

impl Entry {
    /// A call of which only method and target are known. The target may be a URL; nothing where it is one of another
    /// kind than http.
    pub(super) fn new(method: &str, target: &[u8], status: Option<u16>) -> Option<Self> {
        let (origin, target) = match split_url(target) {
            Target::Path => (None, target.to_vec()),
            Target::Url { origin, target } => (Some(origin), target),
            Target::OtherScheme => return None,
        };
        let (method, caller) = (method.to_owned(), LoggedCaller::default());
        Some(Self { method, target, origin, status, decided_with: None, caller })
    }
}

/// Reads a request line, `GET /path HTTP/1.1`. A target may hold blanks, as scanners send them. Nothing where it is no
/// request: bytes of another protocol, or a connection that ended before it.
pub(super) fn request_line(line: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    let blank = line.iter().position(|byte| *byte == b' ')?;
    let (method, rest) = (&line[..blank], &line[blank + 1..]);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let target = match rest.iter().rposition(|byte| *byte == b' ') {
        Some(end) if rest[end + 1..].starts_with(b"HTTP/") => &rest[..end],
        _ => rest,
    };
    let is_request = !method.is_empty() && method.iter().all(is_token) && !target.is_empty();
    is_request.then(|| (String::from_utf8_lossy(method), target))
}

/// The number of a status; nothing where there was no answer (`-`, `0`).
pub(super) fn status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| *status >= 100)
}

enum Target {
    Path,
    Url { origin: String, target: Vec<u8> },
    OtherScheme,
}

fn split_url(text: &[u8]) -> Target {
    let Some(colon) = text.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"+-.".contains(byte))) else {
        return Target::Path;
    };
    if colon == 0 || text[colon] != b':' {
        return Target::Path;
    }
    let scheme = String::from_utf8_lossy(&text[..colon]).to_ascii_lowercase();
    let Some(rest) = text[colon..].strip_prefix(b"://").filter(|_| scheme == "http" || scheme == "https") else {
        return Target::OtherScheme;
    };
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let authority = String::from_utf8_lossy(&rest[..end]).to_ascii_lowercase();
    let default_port = if scheme == "http" { ":80" } else { ":443" };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    let path = rest[end..].split(|byte| *byte == b'#').next().unwrap_or_default();
    let slash: &[u8] = if path.starts_with(b"/") { b"" } else { b"/" };
    Target::Url { origin: format!("{scheme}://{authority}"), target: [slash, path].concat() }
}

/// Where the API stands: what comes before the paths of its contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    origin: Option<String>,
    /// Without a final slash.
    prefix: String,
}

impl Base {
    /// Reads `/gateway` or `https://api.acme.test/gateway`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (origin, target) = match split_url(text.as_bytes()) {
            Target::Path if text.starts_with('/') => (None, text.as_bytes().to_vec()),
            Target::Url { origin, target } if !origin.ends_with("://") => (Some(origin), target),
            _ => return Err("a path such as `/gateway` or an address such as `https://api.acme.test/v1`".to_owned()),
        };
        let prefix = String::from_utf8_lossy(&target).trim_end_matches('/').to_owned();
        if prefix.contains(['?', '#', ' ']) {
            return Err("a base has neither query nor fragment nor blanks".to_owned());
        }
        Ok(Self { origin, prefix })
    }

    /// The target below the base; nothing for calls of something else. A log without origins is taken to be of this
    /// one.
    pub(super) fn strip<'t>(&self, origin: Option<&str>, target: &'t [u8]) -> Option<Cow<'t, [u8]>> {
        if self.origin.as_deref().zip(origin).is_some_and(|(own, asked)| own != asked) {
            return None;
        }
        let rest = target.strip_prefix(self.prefix.as_bytes())?;
        match rest.first() {
            Some(b'/') => Some(Cow::Borrowed(rest)),
            None | Some(b'?') => Some(Cow::Owned([b"/", rest].concat())),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines_are_read_with_all_that_scanners_put_into_them() {
        let read = |line: &str| {
            request_line(line.as_bytes())
                .map(|(method, target)| format!("{method} {}", String::from_utf8_lossy(target)))
        };
        assert_eq!(read("GET /a?b HTTP/1.1").as_deref(), Some("GET /a?b"));
        assert_eq!(read("GET /a b HTTP/2.0").as_deref(), Some("GET /a b"));
        assert_eq!(read("GET /a").as_deref(), Some("GET /a"));
        for junk in ["", "-", "\u{16}\u{3}\u{1} x", "GET ", " /a", "GET  HTTP/1.1"] {
            assert_eq!(read(junk), None, "{junk:?}");
        }
    }

    #[test]
    fn a_url_is_its_origin_and_its_target() {
        let entry = |url: &str| Entry::new("GET", url.as_bytes(), None);
        for (url, origin, target) in [
            ("https://API.acme.test:443/a?b#c", "https://api.acme.test", "/a?b"),
            ("http://h:8080", "http://h:8080", "/"),
            ("http://h?x=1", "http://h", "/?x=1"),
        ] {
            let entry = entry(url).expect(url);
            assert_eq!((entry.origin.as_deref(), entry.target.as_slice()), (Some(origin), target.as_bytes()));
        }
        assert!(
            entry("data:text/plain,x").is_none() && entry("wss://h/").is_none() && entry("blob:https://h/1").is_none()
        );
        let path = entry("/a:b").expect("a path");
        assert_eq!((path.origin, path.target), (None, b"/a:b".to_vec()));
    }

    #[test]
    fn a_base_is_cut_off_at_a_slash_only() {
        let strip = |base: &str, origin: Option<&str>, target: &str| {
            let base = Base::parse(base).expect("a base");
            base.strip(origin, target.as_bytes()).map(|rest| String::from_utf8_lossy(&rest).into_owned())
        };
        assert_eq!(strip("/gateway/", None, "/gateway/a").as_deref(), Some("/a"));
        assert_eq!(strip("/gateway", None, "/gateway?x").as_deref(), Some("/?x"));
        assert_eq!(strip("/gateway", None, "/gateways/a"), None);
        assert_eq!(strip("https://h/v1", Some("https://h"), "/v1/a").as_deref(), Some("/a"));
        assert_eq!(strip("https://h/v1", Some("https://other"), "/v1/a"), None);
        assert_eq!(strip("https://h", None, "/a").as_deref(), Some("/a"));
        for bad in ["", "gateway", "ftp://h", "https://", "/a?b", "/a b"] {
            assert!(Base::parse(bad).is_err(), "{bad:?}");
        }
    }
}
