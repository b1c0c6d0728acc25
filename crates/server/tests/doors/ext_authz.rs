//! Envoy's external authorization, asked with Envoy's own messages over gRPC.

use std::collections::HashMap;

use envoy_types::ext_authz::v3::pb::{CheckRequest, CheckResponse, HttpResponse};
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use tonic::transport::Channel;

use super::fixture::{Fixture, READER, SHOP};

pub async fn connect(address: std::net::SocketAddr) -> AuthorizationClient<Channel> {
    AuthorizationClient::connect(format!("http://{address}")).await.unwrap()
}

/// A check as Envoy sends it.
pub fn check(method: &str, path: &str, host: &str, headers: &[(&str, &str)]) -> CheckRequest {
    let pairs = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let pseudo = [(":method", method), (":path", path), (":authority", host)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers: HashMap<String, String> = pseudo.into_iter().chain(pairs).collect();
    let (method, path, host, scheme) = (method.to_owned(), path.to_owned(), host.to_owned(), "https".to_owned());
    let http = Some(HttpRequest { method, path, host, scheme, headers, ..HttpRequest::default() });
    let request = Some(Request { http, ..Request::default() });
    CheckRequest { attributes: Some(AttributeContext { request, ..AttributeContext::default() }) }
}

/// The status for Envoy's client; 200 lets it through.
pub fn status(response: &CheckResponse) -> u16 {
    let code = response.status.as_ref().unwrap().code;
    match response.http_response.as_ref() {
        Some(HttpResponse::OkResponse(_)) => {
            assert_eq!(code, 0);
            200
        }
        Some(HttpResponse::DeniedResponse(denied)) => {
            assert_ne!(code, 0);
            u16::try_from(denied.status.as_ref().unwrap().code).unwrap()
        }
        Some(other) => panic!("{other:?}"),
        None => {
            assert_ne!(code, 0, "an answer without a decision is a denial");
            403
        }
    }
}

#[tokio::test]
async fn an_allow_tells_envoy_who_calls_and_what_to_forget() {
    let fixture = Fixture::start("identity_headers = \"plain\"").await;
    let mut envoy = connect(fixture.doors.ext_authz).await;
    let bearer = format!("Bearer {}", fixture.token(SHOP, "ada@acme.test").await);
    let sent = [
        ("authorization", bearer.as_str()),
        ("x-user-id", "admin"),
        ("x_user_id", "admin"),
        ("X-Groups", "admin"),
        ("x-roles", "admin"),
        ("accept", "*/*"),
    ];
    let response = envoy.check(check("POST", "/books", "api.test", &sent)).await.unwrap().into_inner();
    assert_eq!(status(&response), 200);
    let Some(HttpResponse::OkResponse(ok)) = response.http_response else { panic!("{response:?}") };
    let header = |name: &str| {
        let mut found =
            ok.headers.iter().filter_map(|option| option.header.as_ref()).filter(|header| header.key == name);
        found.next().map(|header| header.value.as_str())
    };
    assert_eq!(
        (header("x-org-id"), header("x-client-id"), header("x-scopes")),
        (Some("acme"), Some(SHOP), Some("books"))
    );
    assert!(header("x-user-id").is_some_and(|user| user != "admin"));
    let mut forgotten = ok.headers_to_remove.clone();
    forgotten.sort();
    assert_eq!(forgotten, ["X-Groups", "x-roles", "x_user_id"]);
}

#[tokio::test]
async fn a_denial_has_status_challenge_and_everything_that_is_missing() {
    let fixture = Fixture::start("").await;
    let mut envoy = connect(fixture.doors.ext_authz).await;
    let bearer = format!("Bearer {}", fixture.token(READER, "bob@acme.test").await);
    let request = check("POST", "/books", "api.test", &[("authorization", &bearer)]);
    let response = envoy.check(request).await.unwrap().into_inner();
    assert_eq!(status(&response), 403);
    let Some(HttpResponse::DeniedResponse(denied)) = response.http_response else { panic!("{response:?}") };
    let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
    assert!(body["missing"]["permissions"].is_object() && body["missing"]["scopes_any_of"].is_array(), "{body}");
    assert!(
        denied
            .headers
            .iter()
            .any(|option| option.header.as_ref().is_some_and(|header| header.key == "www-authenticate"))
    );

    for (method, path, headers, expected) in [
        ("GET", "/books", vec![], 401),
        ("GET", "/books", vec![("authorization", "Bearer a,Bearer b")], 401),
        ("GET", "/%62ooks", vec![], 400),
        ("GET", "/books/../hours", vec![], 400),
        ("GET", "/nothing", vec![], 404),
        ("GET", "/hours", vec![("x-bin", "\u{ff}\u{fe}")], 200),
        ("", "/hours", vec![], 400),
        ("GET", "", vec![], 400),
    ] {
        let response = envoy.check(check(method, path, "api.test", &headers)).await.unwrap().into_inner();
        assert_eq!(status(&response), expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_check_without_a_request_or_from_a_stranger_is_denied() {
    let fixture = Fixture::start("").await;
    let mut envoy = connect(fixture.doors.ext_authz).await;
    let response = envoy.check(CheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(status(&response), 403);

    let wary = Fixture::trusting("192.0.2.1").await;
    let mut stranger = connect(wary.doors.ext_authz).await;
    let response = stranger.check(check("GET", "/hours", "api.test", &[])).await.unwrap().into_inner();
    assert_eq!(status(&response), 403);
}

#[tokio::test]
async fn attributes_that_say_two_things_are_refused() {
    let fixture = Fixture::start("websockets = [\"listenToNews\"]").await;
    let mut envoy = connect(fixture.doors.ext_authz).await;
    let bearer = format!("Bearer {}", fixture.token(SHOP, "ada@acme.test").await);
    let token = ("authorization", bearer.as_str());
    let changed = |path: &str, more: &[(&str, &str)], change: &dyn Fn(&mut HttpRequest)| {
        let mut check = check("GET", path, "api.test", &[&[token], more].concat());
        change(check.attributes.as_mut().unwrap().request.as_mut().unwrap().http.as_mut().unwrap());
        check
    };
    let same = |_: &mut HttpRequest| {};
    let line =
        |name: &str, value: &str| HeaderValue { key: name.into(), raw_value: value.into(), ..HeaderValue::default() };
    let raw = |more: Vec<HeaderValue>| {
        let bearer = bearer.clone();
        move |http: &mut HttpRequest| {
            http.headers.clear();
            let headers = [vec![line(":path", "/books"), line("authorization", &bearer)], more.clone()].concat();
            http.header_map = Some(HeaderMap { headers });
        }
    };
    for (name, request, expected) in [
        ("as Envoy says it", changed("/books", &[(":scheme", "https")], &same), 200),
        ("another path", changed("/books", &[(":path", "/hours")], &same), 400),
        ("another method", changed("/books", &[(":method", "DELETE")], &same), 400),
        ("another host", changed("/books", &[(":authority", "other.test")], &same), 400),
        ("another scheme", changed("/books", &[(":scheme", "http")], &same), 400),
        ("a query beside the path", changed("/books", &[], &|http| http.query = "a=b".into()), 400),
        ("a fragment beside the path", changed("/books", &[], &|http| http.fragment = "a".into()), 400),
        (
            "a host with a path",
            changed("/books", &[], &|http| {
                http.headers.remove(":authority");
                http.host = "api.test/x".into();
            }),
            400,
        ),
        ("an override", changed("/books", &[("x-http-method-override", "DELETE")], &same), 400),
        ("another path for the API", changed("/books", &[("x-original-url", "/hours")], &same), 400),
        ("a tunnel", changed("/books", &[("upgrade", "websocket")], &same), 400),
        ("a tunnel where there may be one", changed("/news", &[("upgrade", "websocket")], &same), 200),
        ("raw headers", changed("/books", &[], &raw(vec![])), 200),
        ("raw bytes", changed("/books", &[], &raw(vec![HeaderValue { raw_value: vec![0xFF], ..line("x", "") }])), 200),
        ("two credentials", changed("/books", &[], &raw(vec![line("authorization", "Bearer b")])), 401),
        ("two paths", changed("/books", &[], &raw(vec![line(":path", "/hours")])), 400),
        ("a line in a line", changed("/books", &[], &raw(vec![line("x", "a\r\nb: c")])), 400),
        ("headers in both forms", changed("/books", &[], &|http| http.header_map = Some(HeaderMap::default())), 400),
    ] {
        let response = envoy.check(request).await.unwrap().into_inner();
        assert_eq!(status(&response), expected, "{name}: {response:?}");
    }
}
