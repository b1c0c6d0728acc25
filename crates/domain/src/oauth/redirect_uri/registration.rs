//! Which addresses can be registered: redirect URIs (RFC 6749 §3.1.2, RFC 9700 §2.1, RFC 8252 §7) and pages (RFC 7591 §2).

use url::{Host, Url};

/// The longest redirect URI that can be registered, in bytes.
pub const MAX_REDIRECT_URI_BYTES: usize = 2_000;

/// Why a text cannot be registered as an address: what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` cannot be {noun}: {rule}")]
pub struct InvalidUri {
    given: String,
    noun: &'static str,
    rule: &'static str,
}

impl InvalidUri {
    fn new(text: &str, noun: &'static str, rule: &'static str) -> Self {
        Self { given: text.chars().take(200).collect(), noun, rule }
    }

    /// The rule that was broken, without the given text.
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

/// Checks a redirect URI for registration: `https`, `http` on a loopback host, or a private-use scheme with a dot; no
/// fragment, no user info, no script scheme.
///
/// ```
/// use countersign_domain::oauth::redirect_uri::validate_registered;
///
/// assert!(validate_registered("https://app.example/callback").is_ok());
/// assert!(validate_registered("http://127.0.0.1/callback").is_ok());
/// assert!(validate_registered("com.example.app:/callback").is_ok());
/// assert!(validate_registered("http://app.example/callback").is_err());
/// ```
///
/// # Errors
/// The first rule that is broken.
pub fn validate_registered(text: &str) -> Result<(), InvalidUri> {
    match broken_rule(text).or_else(|| speaks_as_response(text)) {
        Some(rule) => Err(InvalidUri::new(text, "a redirect URI", rule)),
        None => Ok(()),
    }
}

/// Checks the address of a page or endpoint of the client (A06): `https`, or `http` on a loopback host; as a redirect URI
/// otherwise.
///
/// # Errors
/// The first rule that is broken.
pub fn validate_page(text: &str) -> Result<(), InvalidUri> {
    let is_page = text.starts_with("https:") || text.starts_with("http:");
    match broken_rule(text) {
        Some(rule) => Err(InvalidUri::new(text, "the address of a page", rule)),
        None if !is_page => Err(InvalidUri::new(text, "the address of a page", "it must begin with `https://`")),
        None => Ok(()),
    }
}

/// Doubled in the response, these would let the registration speak in our name.
fn speaks_as_response(text: &str) -> Option<&'static str> {
    let url = Url::parse(text).ok()?;
    let is_ours = url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref()));
    is_ours.then_some("its query must not use a name of the response: `code`, `state`, `iss`, `error`…")
}

fn broken_rule(text: &str) -> Option<&'static str> {
    if text.is_empty() || text.len() > MAX_REDIRECT_URI_BYTES {
        return Some("it must have 1 to 2,000 characters");
    }
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    // CVE-2026-9086 class: a script scheme would run in the page that links or redirects to it.
    if ["javascript", "data", "vbscript", "file", "blob", "about", "view-source"].contains(&scheme.as_str()) {
        return Some("a scheme that browsers run or read files with is never allowed");
    }
    // RFC 6749 §3.1.2: the endpoint URI MUST NOT include a fragment component.
    if text.contains('#') {
        return Some("it must not have a fragment (`#…`)");
    }
    if !is_rfc_3986_text(text) {
        return Some("it must be an absolute URI (RFC 3986): printable ASCII, anything else percent-encoded");
    }
    let Ok(url) = Url::parse(text) else {
        return Some("it must be an absolute URI, such as `https://app.example/callback`");
    };
    if authority(text).contains('@') {
        return Some("it must not have user info (`name@`)");
    }
    if authority(text).contains('*') {
        return Some("wildcards are not expanded: register each address by itself");
    }
    if has_dot_segment(text) {
        return Some("it must not have `.` or `..` segments: browsers rewrite them");
    }
    match (url.scheme(), url.host()) {
        // Browsers read `https:app.example` and `https:///app.example` as a host; whole strings say it one way.
        ("https" | "http", _) if !text[scheme.len()..].starts_with("://") || authority(text).is_empty() => {
            Some("a host must follow the scheme and `//`")
        }
        ("https", Some(_)) => None,
        // RFC 9700 §2.1: plain http only where nothing leaves the machine.
        ("http", Some(host)) if is_loopback(&host) => None,
        ("http", _) => Some("`http` is only for 127.0.0.1, [::1] and localhost: use `https`"),
        // RFC 8252 §7.1: reverse domain name, so that two apps do not choose the same.
        (private, _) if private.contains('.') => None,
        _ => {
            Some("a private-use scheme must be a reversed domain name with a dot, such as `com.example.app:/callback`")
        }
    }
}

/// RFC 6749 §4.1.2 and §4.1.2.1, RFC 9207 §2.
const RESPONSE_PARAMETERS: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.octets() == [127, 0, 0, 1],
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// RFC 3986 §2: reserved and unreserved characters and whole percent triplets.
fn is_rfc_3986_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    })
}

/// What stands between `//` and the path, as written.
fn authority(text: &str) -> &str {
    let after = text.split_once("//").map_or("", |(_, after)| after);
    &after[..after.find(['/', '?']).unwrap_or(after.len())]
}

fn has_dot_segment(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a04_a_fragment_is_refused_at_registration() {
        assert!(validate_registered("https://app.example/cb#x").is_err());
        assert!(validate_registered("https://app.example/cb#").is_err());
    }

    #[test]
    fn a05_plain_http_is_refused_outside_loopback() {
        for good in ["http://127.0.0.1/cb", "http://[::1]:8080/cb", "http://localhost:3000/cb"] {
            assert_eq!(validate_registered(good), Ok(()), "{good}");
        }
        for bad in ["http://app.example/cb", "http://127.0.0.1.evil.example/cb", "http://localhost.evil.example/"] {
            let rule = validate_registered(bad).unwrap_err().rule();
            assert_eq!(rule, "`http` is only for 127.0.0.1, [::1] and localhost: use `https`", "{bad}");
        }
    }

    #[test]
    fn a06_script_schemes_are_refused_in_any_case() {
        for bad in
            ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "VBScript:x", "file:///etc/passwd"]
        {
            let rule = validate_registered(bad).unwrap_err().rule();
            assert_eq!(rule, "a scheme that browsers run or read files with is never allowed", "{bad}");
        }
    }

    #[test]
    fn a49_a_private_use_scheme_needs_a_dot() {
        assert_eq!(validate_registered("com.example.app:/callback"), Ok(()));
        assert!(validate_registered("myapp:/callback").is_err());
        assert!(validate_registered("myapp://call.back/").is_err());
    }

    #[test]
    fn what_is_not_a_plain_absolute_uri_cannot_be_registered() {
        for bad in [
            "",
            "/callback",
            "app.example/cb",
            "https:///cb",
            "https:app.example/cb",
            "https://user@app.example/cb",
            "https://user:pass@app.example/cb",
            "https://*.app.example/cb",
            "https://app.example/a/../cb",
            "https://app.example/a/%2E%2e/cb",
            "https://app.example\\cb",
            "https://app.example/a b",
            "https://app.example/%zz",
            "https://bücher.example/",
            "https://app.example/cb\r\n",
            "https://app.example/cb?state=mine",
            "com.example.app://user@host/cb",
        ] {
            assert!(validate_registered(bad).is_err(), "{bad}");
        }
        assert!(validate_registered(&format!("https://app.example/{}", "a".repeat(2_000))).is_err());
    }
}
