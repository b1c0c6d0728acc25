//! Request and response headers on their way through the gateway.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::names::{overrides_method, overrides_url, stays_here};
use crate::http::error::ApiError;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What an upstream is told of the connection.
pub(super) struct Via<'a> {
    /// Who is connected to us.
    pub(super) peer: IpAddr,
    /// The host that was asked for.
    pub(super) host: &'a str,
    /// Whether TLS was spoken.
    pub(super) is_https: bool,
    /// The name of the request in our logs.
    pub(super) request_id: &'a str,
    /// Whether the credential goes on.
    pub(super) forwards_authorization: bool,
}

/// The one host of a request: Host, or the authority of HTTP/2, which must agree where both are there (RFC 9113 §8.3.1).
///
/// # Errors
/// 400 where there is none, or two.
pub(super) fn host<'r>(
    headers: &'r HeaderMap,
    authority: Option<&'r str>,
    is_http_2: bool,
) -> Result<&'r str, ApiError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
        (Some(Ok(host)), None) => Some(host),
        (None, None) => None,
        _ => return Err(ApiError::bad_request("a request has one Host, in ASCII")),
    };
    match (host, authority.filter(|_| is_http_2)) {
        (Some(host), Some(authority)) if !host.eq_ignore_ascii_case(authority) => {
            Err(ApiError::bad_request("Host and :authority differ: send one of them"))
        }
        (host, authority) => authority.or(host).ok_or_else(|| ApiError::bad_request("a request has a Host")),
    }
}

/// Refuses what would change how the request is read by others.
///
/// # Errors
/// 400, or 417 for an expectation that nobody meets.
pub(super) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    if let Some(name) = headers.keys().find(|name| overrides_method(name.as_str())) {
        return Err(ApiError::bad_request(format!(
            "`{name}` is not accepted: send the request with the method that is meant"
        )));
    }
    let mut options = connection_options(headers);
    if let Some(name) = options.find(|name| ["host", "content-length", "transfer-encoding"].contains(&name.as_str())) {
        return Err(ApiError::bad_request(format!("`{name}` is not of the connection: it cannot stand in Connection")));
    }
    match headers.get(header::EXPECT) {
        Some(expectation) if !expectation.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            Err(ApiError::expectation_failed())
        }
        _ => Ok(()),
    }
}

/// Refuses a call that may go through, but asks whoever comes next for another path.
///
/// # Errors
/// 400.
pub(super) fn check_path_overrides(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.keys().find(|name| overrides_url(name.as_str())) {
        Some(name) => {
            Err(ApiError::bad_request(format!("`{name}` is not accepted: send the request to the path that is meant")))
        }
        None => Ok(()),
    }
}

/// The headers that go on to an upstream, without identity: that is set last, behind everything that a client can name.
pub(super) fn to_upstream(mut sent: HeaderMap, via: &Via<'_>) -> HeaderMap {
    let options: Vec<String> = connection_options(&sent).collect();
    let dropped: Vec<HeaderName> = sent
        .keys()
        .filter(|name| {
            let name = name.as_str();
            stays_here(name)
                || matches!(name, "host" | "content-length" | "expect")
                || (name == "authorization" && !via.forwards_authorization)
                || (!options.is_empty() && options.iter().any(|option| option == name))
        })
        .cloned()
        .collect();
    for name in dropped {
        sent.remove(name);
    }
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            sent.insert(name, value);
        }
    };
    set(FORWARDED_FOR, &via.peer.to_canonical().to_string());
    set(FORWARDED_HOST, via.host);
    set(FORWARDED_PROTO, if via.is_https { "https" } else { "http" });
    set(REQUEST_ID, via.request_id);
    sent
}

/// Takes from an upstream's answer what is of its connection to us.
pub(super) fn from_upstream(headers: &mut HeaderMap) {
    let options: Vec<String> = connection_options(headers).collect();
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ] {
        headers.remove(name);
    }
    for option in options {
        headers.remove(option);
    }
}

/// The names that `Connection` lists, in small letters.
fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|option| option.trim().to_ascii_lowercase())
        .filter(|option| !option.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        });
        let mut headers = HeaderMap::new();
        pairs.for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    }

    fn via(forwards_authorization: bool) -> Via<'static> {
        Via {
            peer: IpAddr::from([192, 0, 2, 7]),
            host: "api.test",
            is_https: true,
            request_id: "1",
            forwards_authorization,
        }
    }

    #[test]
    fn an_upstream_hears_of_the_connection_from_us_alone() {
        let sent = headers(&[
            ("accept", "*/*"),
            ("authorization", "Bearer x"),
            ("connection", "close, X-Secret"),
            ("x-secret", "1"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-user-id", "admin"),
            ("host", "api.test"),
            ("x_user_id", "admin"),
            ("cookie", "a=1"),
        ]);
        let went = to_upstream(sent.clone(), &via(false));
        let mut names: Vec<_> = went.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["accept", "cookie", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"]
        );
        assert_eq!(went[FORWARDED_FOR], "192.0.2.7");
        assert!(to_upstream(sent, &via(true)).contains_key(header::AUTHORIZATION));
    }

    #[test]
    fn a_request_with_two_meanings_is_refused() {
        for bad in [
            ("x-http-method-override", "DELETE"),
            ("connection", "close, Host"),
            ("connection", "content-length"),
            ("expect", "cake"),
        ] {
            assert!(check(&headers(&[bad])).is_err(), "{bad:?}");
        }
        assert!(check(&headers(&[("connection", "keep-alive, x-user-id"), ("expect", "100-Continue")])).is_ok());
        assert!(check_path_overrides(&headers(&[("x-original-url", "/")])).is_err());
    }

    #[test]
    fn a_host_is_one_and_the_same() {
        assert_eq!(host(&headers(&[("host", "a")]), None, false).unwrap(), "a");
        assert_eq!(host(&headers(&[]), Some("a"), true).unwrap(), "a");
        assert_eq!(host(&headers(&[("host", "A")]), Some("a"), true).unwrap(), "a");
        assert!(host(&headers(&[("host", "b")]), Some("a"), true).is_err());
        assert!(host(&headers(&[("host", "a"), ("host", "a")]), None, false).is_err());
        assert!(host(&headers(&[]), None, false).is_err());
    }
}
