//! Redirect URIs in requests: which one an answer goes to (RFC 6749 §3.1.2, RFC 9700 §2.1, RFC 8252 §7.3).
//!
//! [`VerifiedRedirectUri`] is the only thing that an authorization response can be sent to. It is made here alone, by
//! comparing with what the client registered, so an error cannot be redirected to an address that nobody checked.

mod registration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::client::Client;

pub use registration::{InvalidUri, MAX_REDIRECT_URI_BYTES, validate_page, validate_registered};

/// Why a request's redirect URI is not used. Answered with a page, never by redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnverifiedRedirectUri {
    /// The client registered none.
    #[error("the app has no redirect URI registered")]
    NoneRegistered,
    /// The request names none and the client registered several.
    #[error("`redirect_uri` is missing, and the app has several registered")]
    Ambiguous,
    /// The request names one that is not registered.
    #[error("`redirect_uri` is not one of those that the app has registered, character for character")]
    NotRegistered,
}

/// A redirect URI that the client has registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRedirectUri {
    uri: String,
    was_sent: bool,
}

impl VerifiedRedirectUri {
    /// The redirect URI to answer to: the one `requested`, if the client registered it, or its only one.
    ///
    /// # Errors
    /// When nothing registered fits.
    pub fn of(client: &Client, requested: Option<&str>) -> Result<Self, UnverifiedRedirectUri> {
        match (requested, client.redirect_uris.as_slice()) {
            (_, []) => Err(UnverifiedRedirectUri::NoneRegistered),
            (None, [only]) => Ok(Self { uri: only.clone(), was_sent: false }),
            (None, _) => Err(UnverifiedRedirectUri::Ambiguous),
            (Some(requested), registered) if registered.iter().any(|uri| is_same(uri, requested)) => {
                Ok(Self { uri: requested.to_owned(), was_sent: true })
            }
            (Some(_), _) => Err(UnverifiedRedirectUri::NotRegistered),
        }
    }

    /// The URI, byte for byte as the request sent it (or as registered, when the request left it out).
    pub fn as_str(&self) -> &str {
        &self.uri
    }

    /// The value of the request's `redirect_uri` parameter; `None` when it was left out.
    pub fn sent(&self) -> Option<&str> {
        self.was_sent.then_some(self.uri.as_str())
    }

    /// Whether the operator of the host is proven by TLS: only then can a public client be recognized (RFC 8252 §8.6).
    pub fn is_claimed_https(&self) -> bool {
        self.uri.starts_with("https://")
    }

    /// The same, in parts: for what people are shown of it and for what a page's policy allows.
    pub fn to_url(&self) -> Option<Url> {
        Url::parse(&self.uri).ok()
    }

    /// The address of an authorization response: `parameters` added to the query, which is kept (RFC 6749 §3.1.2).
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> String {
        with_query(&self.uri, parameters)
    }
}

/// `parameters` added to the query of an address that was registered.
pub fn with_query(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut location = uri.to_owned();
    let mut separator = if uri.contains('?') { '&' } else { '?' };
    for (name, value) in parameters {
        location.push(separator);
        location.push_str(name);
        location.push('=');
        location.extend(utf8_percent_encode(value, QUERY_VALUE));
        separator = '&';
    }
    location
}

/// Everything but unreserved characters is encoded, the blank as `%20`: some clients read `+` as itself.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// RFC 9700 §4.1.3: whole strings are compared. RFC 8252 §7.3: only the port of a loopback address may differ.
fn is_same(registered: &str, requested: &str) -> bool {
    registered == requested
        || LOOPBACK_ADDRESSES.iter().any(|address| {
            let rest_of = |uri| str::strip_prefix(uri, *address).and_then(without_port);
            rest_of(registered).is_some_and(|rest| rest_of(requested) == Some(rest))
        })
}

/// RFC 8252 §8.3: addresses only; the name `localhost` can be pointed elsewhere and keeps its port.
const LOOPBACK_ADDRESSES: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// What follows host and port; `None` when something else than a port stands there.
fn without_port(after_host: &str) -> Option<&str> {
    let Some(after_colon) = after_host.strip_prefix(':') else { return begins_path(after_host).then_some(after_host) };
    let digits = after_colon.bytes().take_while(u8::is_ascii_digit).count();
    let (port, rest) = after_colon.split_at(digits);
    let is_port = !port.starts_with('0') && port.parse::<u16>().is_ok();
    (is_port && begins_path(rest)).then_some(rest)
}

fn begins_path(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::samples::client;
    use proptest::prelude::*;

    fn client_with(uris: &[&str]) -> Client {
        Client { redirect_uris: uris.iter().map(ToString::to_string).collect(), ..client() }
    }

    fn is_accepted(registered: &str, requested: &str) -> bool {
        VerifiedRedirectUri::of(&client_with(&[registered]), Some(requested)).is_ok()
    }

    #[test]
    fn a01_a_redirect_uri_is_compared_as_a_whole_string() {
        assert!(is_accepted("https://app.example/cb", "https://app.example/cb"));
        assert!(!is_accepted("https://app.example/cb", "https://app.example/c"));
        assert!(!is_accepted("https://app.example/cb", "https://evil.example/cb"));
    }

    #[test]
    fn a02_an_added_query_is_refused() {
        assert!(!is_accepted("https://app.example/cb", "https://app.example/cb?x=1"));
    }

    #[test]
    fn a03_ten_near_misses_are_refused() {
        let registered = "https://app.example/cb/";
        for near in [
            "https://app.example/cb/x",
            "https://app.example/cb//",
            "https://app.example/..;/cb/",
            "https://app.example/%2e/cb/",
            "https://app.example/%63b/",
            "https://App.example/cb/",
            "https://app.example/CB/",
            "https://app.example@evil.example/cb/",
            "https://app.example:443/cb/",
            "https://a.app.example/cb/",
            "https://app.example/cb",
        ] {
            assert!(!is_accepted(registered, near), "{near}");
        }
    }

    #[test]
    fn a04_a_fragment_is_refused_at_request() {
        assert!(!is_accepted("https://app.example/cb", "https://app.example/cb#x"));
    }

    #[test]
    fn a07_an_absent_redirect_uri_is_refused_while_several_are_registered() {
        let several = client_with(&["https://app.example/a", "https://app.example/b"]);
        assert_eq!(VerifiedRedirectUri::of(&several, None), Err(UnverifiedRedirectUri::Ambiguous));
        let only = VerifiedRedirectUri::of(&client_with(&["https://app.example/a"]), None).unwrap();
        assert_eq!((only.as_str(), only.sent()), ("https://app.example/a", None));
        assert_eq!(VerifiedRedirectUri::of(&client_with(&[]), None), Err(UnverifiedRedirectUri::NoneRegistered));
    }

    #[test]
    fn a48_only_the_port_of_a_loopback_address_may_differ() {
        assert!(is_accepted("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"));
        assert!(is_accepted("http://[::1]:1/cb", "http://[::1]:51004/cb"));
        assert!(is_accepted("http://127.0.0.1:1/cb", "http://127.0.0.1/cb"));
        assert!(is_accepted("http://localhost:1/cb", "http://localhost:1/cb"));
        for (registered, requested) in [
            ("http://localhost:1/cb", "http://localhost:2/cb"),
            ("http://127.0.0.1/cb", "http://localhost/cb"),
            ("http://127.0.0.1/cb", "http://[::1]/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.2:80/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80/cb/x"),
            ("http://127.0.0.1", "http://127.0.0.1:80evil.example"),
        ] {
            assert!(!is_accepted(registered, requested), "{registered} {requested}");
        }
    }

    #[test]
    fn a_response_keeps_the_registered_query() {
        let uri = VerifiedRedirectUri::of(&client_with(&["https://app.example/cb?a=1"]), None).unwrap();
        assert_eq!(
            uri.with_query(&[("code", "x y+"), ("state", "ä")]),
            "https://app.example/cb?a=1&code=x%20y%2B&state=%C3%A4"
        );
    }

    proptest! {
        #[test]
        fn a01_nothing_but_the_registered_text_is_accepted_for_https(path in "[ -~]{0,12}", requested in "[ -~]{0,30}") {
            let registered = format!("https://app.example/{path}");
            prop_assert_eq!(is_accepted(&registered, &requested), registered == requested);
        }

        #[test]
        fn a48_whatever_is_accepted_for_a_loopback_address_goes_to_that_address(rest in "[ -~]{0,20}") {
            let requested = format!("http://127.0.0.1{rest}");
            if is_accepted("http://127.0.0.1/cb", &requested) {
                let url = Url::parse(&requested).unwrap();
                prop_assert_eq!((url.host_str(), url.path(), url.query()), (Some("127.0.0.1"), "/cb", None));
            }
        }
    }
}
