//! Forward-auth: nginx, Caddy, Traefik and HAProxy ask by sub-request whether they may forward a call.
//!
//! | proxy | says |
//! |---|---|
//! | Caddy, Traefik, HAProxy | `X-Forwarded-Method`, `X-Forwarded-Uri`, `X-Forwarded-Host`, `X-Forwarded-Proto` |
//! | nginx | `X-Original-Method`, `X-Original-URI` or `X-Original-URL`, and the same `X-Forwarded-Host`, `X-Forwarded-Proto` |
//!
//! nginx shows 401 and 403 only, and no body: it gets both in headers, for an `error_page`. The others pass on the body, which
//! is a page where the client would rather have one.
//!
//! Whoever says both must say the same twice.

use std::net::SocketAddr;

use axum::Extension;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

use crate::app::App;
use crate::enforce::doors::Doors;
use crate::enforce::forwarded::Forwarded;
use crate::enforce::log::Door;
use crate::enforce::rate::RateStanding;
use crate::http::error::{ApiError, Reader};
use crate::http::form::Form;
use crate::http::now::RequestContext;
use crate::telemetry::doors::Watch;

/// What proxies say of a request of theirs; looked for with every call, so not by a text that would be read each time.
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const ORIGINAL_HOST: HeaderName = HeaderName::from_static("x-original-host");
const ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const ORIGINAL_URI: HeaderName = HeaderName::from_static("x-original-uri");
const ORIGINAL_URL: HeaderName = HeaderName::from_static("x-original-url");
/// What nginx, which knows only 401 and 403, would have been answered otherwise.
const STATUS: HeaderName = HeaderName::from_static("x-countersign-status");
/// The refusal's body, which nginx throws away: a header can be shown.
const BODY: HeaderName = HeaderName::from_static("x-countersign-body");
/// Longer ones are not repeated in a header: nginx would make 500 of the answer.
const MAX_BODY: usize = 8 * 1024;

/// The sub-request of a proxy.
#[derive(Debug, PartialEq, Eq)]
struct SubRequest<'h> {
    method: &'h str,
    target: &'h str,
    host: &'h str,
    is_https: bool,
}

/// `/enforce/forward-auth`: 200 with an empty body, or the refusal. `?upstream=NAME` says whose target it is.
pub async fn forward_auth(
    State(app): State<App>,
    Extension(mut context): Extension<RequestContext>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (doors, headers, query) = (app.doors(), request.headers(), request.uri().query());
    let watch = Watch::begin(&app, Door::ForwardAuth, &mut context, headers);
    let mut answer = answer((&app, &doors), &context, peer, headers, query).await;
    RateStanding::write_where_absent(&doors.limits, answer.headers_mut());
    watch.end(answer.status());
    as_nginx_needs(is_nginx(headers), answer).await
}

async fn answer(
    (app, doors): (&App, &Doors),
    context: &RequestContext,
    peer: SocketAddr,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Response {
    let proxy = peer.ip().to_canonical();
    if !doors.trusted_proxies.contains(&proxy) {
        tracing::warn!(%peer, "forward-auth was asked by a proxy that is not in forward_auth.trusted_proxies");
        return ApiError::not_authorized("only proxies that the configuration names may ask here")
            .respond(context, Reader::program(&app.origin));
    }
    let asked = read(headers).and_then(|asked| Ok((asked, upstream(query)?)));
    let (asked, upstream) = match asked {
        Ok(asked) => asked,
        Err(error) => return error.respond(context, Reader::program(&app.origin)),
    };
    let SubRequest { method, target, host, is_https } = asked;
    let (door, upstream) = (Door::ForwardAuth, upstream.as_deref());
    let reads_pages = !is_nginx(headers);
    let forwarded = Forwarded { method, target, host, is_https, headers, reads_pages, proxy, door, upstream };
    forwarded.answer(app, doors, context).await
}

fn upstream(query: Option<&str>) -> Result<Option<String>, ApiError> {
    let query =
        Form::parse(query.unwrap_or_default().as_bytes()).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let name = query.one("upstream").map_err(|error| ApiError::bad_request(error.to_string()))?;
    Ok(name.map(str::to_owned))
}

/// nginx makes 500 of every refusal that is not 401 or 403.
fn is_nginx(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGINAL_URI) || headers.contains_key(ORIGINAL_URL)
}

async fn as_nginx_needs(is_nginx: bool, answer: Response) -> Response {
    let status = answer.status();
    if !is_nginx || !status.is_client_error() {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    // refusals are made in memory: nothing is waited for
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let shown = ascii(&body).and_then(|text| HeaderValue::try_from(text).ok());
    if let Some(text) = shown.filter(|text| text.len() <= MAX_BODY) {
        parts.headers.insert(BODY, text);
    }
    if status != StatusCode::UNAUTHORIZED && status != StatusCode::FORBIDDEN {
        parts.headers.insert(STATUS, HeaderValue::from(status.as_u16()));
        parts.status = StatusCode::FORBIDDEN;
    }
    Response::from_parts(parts, body.into())
}

/// The same JSON in ASCII (RFC 8259 §7).
fn ascii(json: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(json).ok()?;
    let escaped = |character: char| match character {
        '\u{20}'..='\u{7E}' => character.to_string(),
        _ => character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    Some(text.chars().map(escaped).collect())
}

/// Reads what the proxy says of its client's request.
fn read(headers: &HeaderMap) -> Result<SubRequest<'_>, ApiError> {
    let host = same(one(headers, &FORWARDED_HOST)?, one(headers, &ORIGINAL_HOST)?)?;
    let host = host.ok_or_else(|| missing("X-Forwarded-Host"))?;
    let is_https = match one(headers, &FORWARDED_PROTO)? {
        Some("https" | "wss") => true,
        Some("http" | "ws") => false,
        _ => return Err(missing("X-Forwarded-Proto (http or https)")),
    };
    let method = same(one(headers, &FORWARDED_METHOD)?, one(headers, &ORIGINAL_METHOD)?)?;
    let url = one(headers, &ORIGINAL_URL)?.map(|url| path_of(url, is_https, host)).transpose()?;
    let target = same(same(one(headers, &FORWARDED_URI)?, one(headers, &ORIGINAL_URI)?)?, url)?;
    Ok(SubRequest {
        method: method.ok_or_else(|| missing("X-Forwarded-Method or X-Original-Method"))?,
        target: target.ok_or_else(|| missing("X-Forwarded-Uri or X-Original-URI"))?,
        host,
        is_https,
    })
}

fn missing(what: &str) -> ApiError {
    ApiError::bad_request(format!("the proxy must say {what}: see the guide to forward-auth"))
}

fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) if !value.is_empty() => {
            value.to_str().map(Some).map_err(|_| ApiError::bad_request(format!("`{name}` is not ASCII")))
        }
        _ => Err(ApiError::bad_request(format!("`{name}` has no value, or two"))),
    }
}

fn same<'h>(one: Option<&'h str>, other: Option<&'h str>) -> Result<Option<&'h str>, ApiError> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => {
            Err(ApiError::bad_request("the proxy says two things about one request: let it say one, or the same twice"))
        }
        (one, other) => Ok(one.or(other)),
    }
}

/// Path and query of `X-Original-URL`, which must be of the scheme and the host that were asked for.
fn path_of<'h>(url: &'h str, is_https: bool, host: &str) -> Result<&'h str, ApiError> {
    let rest = url.strip_prefix(if is_https { "https://" } else { "http://" }).unwrap_or_default();
    let path = rest.find('/').map(|slash| rest.split_at(slash));
    match path {
        Some((authority, path)) if authority.eq_ignore_ascii_case(host) => Ok(path),
        _ => Err(ApiError::bad_request(
            "X-Original-URL is not `scheme://host/path` of what X-Forwarded-Proto and X-Forwarded-Host say",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static(value));
        }
        headers
    }

    const CLIENT: [(&str, &str); 2] = [("x-forwarded-host", "api.test"), ("x-forwarded-proto", "https")];

    fn reading(pairs: &[(&str, &'static str)]) -> Result<(String, String), ()> {
        let headers = headers(&[&CLIENT, pairs].concat());
        read(&headers).map(|asked| (asked.method.to_owned(), asked.target.to_owned())).map_err(|_| ())
    }

    #[test]
    fn a_refusal_fits_into_a_header() {
        assert_eq!(ascii("{\"name\":\"Zoë 🙂\"}".as_bytes()).unwrap(), r#"{"name":"Zo\u00eb \ud83d\ude42"}"#);
        assert_eq!(ascii(b"\xFF"), None);
    }

    #[test]
    fn every_dialect_says_the_same() {
        let expected = Ok(("GET".to_owned(), "/books?a=b".to_owned()));
        let forwarded = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/books?a=b")];
        let nginx = [("x-original-method", "GET"), ("x-original-uri", "/books?a=b")];
        let url = [("x-original-method", "GET"), ("x-original-url", "https://API.test/books?a=b")];
        for dialects in [&forwarded[..], &nginx, &url, &[forwarded, nginx].concat(), &[forwarded, url].concat()] {
            assert_eq!(reading(dialects), expected, "{dialects:?}");
        }
    }

    #[test]
    fn who_says_two_things_or_not_enough_is_not_understood() {
        let method = ("x-forwarded-method", "GET");
        for bad in [
            &[method][..],
            &[("x-forwarded-uri", "/books")],
            &[method, ("x-forwarded-uri", "")],
            &[method, ("x-forwarded-uri", "/books"), ("x-forwarded-uri", "/books")],
            &[method, ("x-forwarded-uri", "/books"), ("x-original-uri", "/hours")],
            &[method, ("x-forwarded-uri", "/books"), ("x-original-method", "POST")],
            &[method, ("x-forwarded-uri", "/books"), ("x-original-url", "https://other.test/books")],
            &[method, ("x-forwarded-uri", "/books"), ("x-original-url", "/books")],
            &[method, ("x-forwarded-uri", "/books"), ("x-forwarded-proto", "http")],
        ] {
            assert_eq!(reading(bad), Err(()), "{bad:?}");
        }
    }
}
