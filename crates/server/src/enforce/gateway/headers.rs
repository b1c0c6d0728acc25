//! Request and response headers on their way through the gateway.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::names::{overrides_method, overrides_url, stays_here};
use super::websocket;
use crate::http::error::ApiError;
use crate::listener::{MAX_FIELD, MAX_FIELDS};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What an upstream says of its connection to us (RFC 9110 §7.6.1).
const OF_A_CONNECTION: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// About as many headers as we add to those of a client.
const ADDED: usize = 9;

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

/// Refuses more fields, or longer ones, than HTTP/1.1 brings here.
///
/// # Errors
/// 431.
pub(in crate::enforce) fn check_fields(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_long = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() > MAX_FIELD;
    if headers.len() > MAX_FIELDS || headers.iter().any(is_long) {
        return Err(ApiError::too_many_fields(MAX_FIELDS, MAX_FIELD));
    }
    Ok(())
}

/// Holds a request of HTTP/2 to what its bytes would be held to in HTTP/1.1.
///
/// # Errors
/// 400, or 431 for too many fields.
pub(super) fn check_http_2(parts: &Parts) -> Result<(), ApiError> {
    check_fields(&parts.headers)?;
    if parts.headers.get_all(header::CONTENT_LENGTH).iter().count() > 1 {
        return Err(ApiError::bad_request("a request has one Content-Length"));
    }
    // RFC 9113 §8.3.1: what we serve has one of two schemes
    match parts.uri.scheme_str() {
        None | Some("http" | "https") => Ok(()),
        Some(_) => Err(ApiError::bad_request(":scheme is `http` or `https` here")),
    }
}

/// Refuses what would change how the request is read by others.
///
/// # Errors
/// 400, or 417 for an expectation that nobody meets.
pub(super) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    check_method_overrides(headers)?;
    let mut options = connection_options(headers);
    if let Some(name) = options.find(|name| ["host", "content-length", "transfer-encoding"].contains(&name.as_str())) {
        return Err(ApiError::bad_request(format!("`{name}` is not of the connection: it cannot stand in Connection")));
    }
    let is_met = |expectation: &HeaderValue| expectation.as_bytes().eq_ignore_ascii_case(b"100-continue");
    match headers.get_all(header::EXPECT).iter().all(is_met) {
        true => Ok(()),
        false => Err(ApiError::expectation_failed()),
    }
}

/// Refuses a call that asks whoever comes next for another method.
///
/// # Errors
/// 400.
pub(in crate::enforce) fn check_method_overrides(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.keys().find(|name| overrides_method(name.as_str())) {
        Some(name) => Err(ApiError::bad_request(format!(
            "`{name}` is not accepted: send the request with the method that is meant"
        ))),
        None => Ok(()),
    }
}

/// Refuses a call that may go through, but asks whoever comes next for another path.
///
/// # Errors
/// 400.
pub(in crate::enforce) fn check_path_overrides(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.keys().find(|name| overrides_url(name.as_str())) {
        Some(name) => {
            Err(ApiError::bad_request(format!("`{name}` is not accepted: send the request to the path that is meant")))
        }
        None => Ok(()),
    }
}

/// The head of a request that goes on; made for each time that it is sent.
pub(super) struct Head<'a> {
    /// As the client sent it.
    pub(super) sent: &'a HeaderMap,
    /// What is said of its connection.
    pub(super) via: Via<'a>,
    /// What is said of its caller.
    pub(super) identity: Vec<(HeaderName, HeaderValue)>,
    /// Whether it asks for a WebSocket.
    pub(super) is_websocket: bool,
}

impl Head<'_> {
    /// Its headers but for Host. Identity is set last, behind everything that a client can name.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = to_upstream(self.sent, &self.via);
        if self.is_websocket {
            websocket::ask(&mut headers);
        }
        for (name, value) in &self.identity {
            headers.insert(name.clone(), value.clone());
        }
        headers
    }
}

/// What a client said that goes on, and what we say of its connection.
fn to_upstream(sent: &HeaderMap, via: &Via<'_>) -> HeaderMap {
    let options: Vec<String> = connection_options(sent).collect();
    let goes_on = |name: &str| {
        !stays_here(name)
            && !matches!(name, "host" | "content-length" | "expect")
            && (name != "authorization" || via.forwards_authorization)
            && !options.iter().any(|option| option == name)
    };
    let mut headers = HeaderMap::with_capacity(sent.len() + ADDED);
    for (name, value) in sent.iter().filter(|(name, _)| goes_on(name.as_str())) {
        headers.append(name.clone(), value.clone());
    }
    join_cookies(&mut headers);
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(FORWARDED_FOR, &via.peer.to_canonical().to_string());
    set(FORWARDED_HOST, via.host);
    set(REQUEST_ID, via.request_id);
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(if via.is_https { "https" } else { "http" }));
    headers
}

/// RFC 9113 §8.2.3: HTTP/2 may send cookies one by one, HTTP/1.1 knows one list of them.
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    if let (Some(first), Some(second)) = (cookies.next(), cookies.next()) {
        let parts: Vec<&[u8]> = [first, second].into_iter().chain(cookies).map(HeaderValue::as_bytes).collect();
        if let Ok(all) = HeaderValue::from_bytes(&parts.join(&b"; "[..])) {
            headers.insert(header::COOKIE, all);
        }
    }
}

/// Takes from an upstream's answer what is of its connection to us.
pub(super) fn from_upstream(headers: &mut HeaderMap) {
    let options: Vec<String> = connection_options(headers).collect();
    for name in &OF_A_CONNECTION {
        headers.remove(name);
    }
    for option in options {
        headers.remove(option);
    }
}

/// The names that `Connection` lists, in small letters. What is no text among them names nothing.
pub(super) fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let options =
        headers.get_all(header::CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    options
        .filter_map(|option| str::from_utf8(option).ok())
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
        let went = to_upstream(&sent, &via(false));
        let mut names: Vec<_> = went.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["accept", "cookie", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"]
        );
        assert_eq!(went[FORWARDED_FOR], "192.0.2.7");
        assert!(to_upstream(&sent, &via(true)).contains_key(header::AUTHORIZATION));
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
            assert!(
                check(&headers(&[("expect", "100-continue"), ("connection", "close"), bad])).is_err(),
                "{bad:?} behind another"
            );
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
