//! The gateway: what goes through, what an upstream hears, and what refused callers are told.

use std::time::Duration;

use countersign_server::enforce::identity;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::fixture::{Fixture, READER, SHOP};
use super::raw;
use super::upstream::Upstream;

/// Headers by which upstreams are told who calls, and from where, in all kinds of installations.
pub const SPOOFED: [&str; 62] = [
    "X-User-Id",
    "x-user-ID",
    "X_User_Id",
    "X-User_Id",
    "X_User-Id",
    "X-Org-Id",
    "X_Org_Id",
    "X-Client-Id",
    "X-Scopes",
    "X_Scopes",
    "X-Countersign-Identity",
    "X_Countersign_Identity",
    "X-Scope-OrgID",
    "X-Remote-User",
    "X-Remote-Group",
    "Remote-User",
    "Remote-Groups",
    "Impersonate-User",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Prefix",
    "X-Forwarded-Client-Cert",
    "X-Forwarded",
    "Forwarded",
    "X-Real-IP",
    "X-Client-IP",
    "Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Cf-Access-Jwt-Assertion",
    "Client-Cert",
    "Ssl-Client-Verify",
    "Ssl-Client-Subject-Dn",
    "X-SSL-Client-DN",
    "X-Original-Host",
    "X-Original-URI",
    "X-Auth-Request-User",
    "X-Authenticated-User",
    "X-Authentik-Username",
    "X-Authelia-Username",
    "X-Webauth-User",
    "X-Vouch-User",
    "X-Consumer-Username",
    "X-Credential-Identifier",
    "X-Token-Subject",
    "X-Userinfo",
    "X-Amzn-Oidc-Data",
    "X-Goog-Iap-Jwt-Assertion",
    "X-Jwt-Assertion",
    "X-Hasura-Role",
    "X-Pomerium-Jwt-Assertion",
    "X-Access-Token",
    "X-Account-Id",
    "X-Email",
    "X-Principal",
    "X-Subject",
    "X-Tenant-Id",
    "X-Role",
    "X-Groups",
    "X-Permissions",
    "Proxy",
];

fn body(reply: &raw::Reply) -> Value {
    let (_, body) = reply.text.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {}", reply.text))
}

#[tokio::test]
async fn an_allowed_call_arrives_with_its_bytes_and_its_caller() {
    let fixture = Fixture::start("prefix = \"/shop\"\nidentity_headers = \"plain\"").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let target = "/shop/books/caf%c3%a9?page=1&x=%2F";
    let reply =
        fixture.call_with("GET", target, &token, &["Accept: */*", "Cookie: a=1", "traceparent: 00-1-2-01"]).await;
    assert!(reply.text.ends_with("\r\n\r\nok") && reply.status() == 200, "{}", reply.text);
    assert!(
        reply.text.contains("inin-correlation-id: ") && reply.text.contains("inin-ratelimit-count: 1"),
        "{}",
        reply.text
    );

    let received = fixture.upstream.take_one();
    assert_eq!(received.line, "GET /books/caf%C3%A9?page=1&x=%2F HTTP/1.1");
    let header = |name| received.header(name);
    assert_eq!(
        (header("x-org-id"), header("x-client-id"), header("x-scopes")),
        (Some("acme"), Some(SHOP), Some("books"))
    );
    assert!(header("x-user-id").is_some());
    assert_eq!(
        (header("cookie"), header("accept"), header("traceparent")),
        (Some("a=1"), Some("*/*"), Some("00-1-2-01"))
    );
    assert_eq!((header("x-forwarded-for"), header("x-forwarded-host")), (Some("127.0.0.1"), Some("api.test")));
    assert_eq!(header("host"), Some(fixture.upstream.address.to_string().as_str()));
    assert_eq!(header("authorization"), None, "the credential is for us");
    assert_eq!(header("x-request-id").unwrap().len(), 32);
}

#[tokio::test]
async fn the_signed_identity_verifies_with_the_published_keys_and_is_of_the_caller() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    let received = fixture.upstream.take_one();
    let jwt = received.header("x-countersign-identity").unwrap().to_owned();
    assert_eq!(received.header("x-user-id"), None);
    let claims = fixture.server.app.signing_keys.verified(identity::SIGNED_TYP, &jwt).unwrap();
    assert_eq!(
        (&claims["org"], &claims["client_id"], &claims["scope"]),
        (&json!("acme"), &json!(SHOP), &json!("books"))
    );
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(fixture.server.app.origin.as_str()), &json!("books")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);

    fixture.call("GET", "/books", &token).await;
    assert_eq!(
        fixture.upstream.take_one().header("x-countersign-identity"),
        Some(jwt.as_str()),
        "a signature is used again"
    );
    fixture.server.advance(60);
    fixture.call("GET", "/books", &token).await;
    assert_ne!(fixture.upstream.take_one().header("x-countersign-identity"), Some(jwt.as_str()));
}

#[tokio::test]
async fn a_refused_caller_is_told_every_missing_half_and_nothing_arrives() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(READER, "bob@acme.test").await;
    let reply = fixture.call("POST", "/books", &token).await;
    assert_eq!(reply.status(), 403);
    let body = body(&reply);
    assert_eq!(body["code"], "app.not.authorized.for.scope");
    let missing = json!({"scopes_any_of": [["books"]], "permissions": {"mode": "ANY", "of": ["books:book:add"]}});
    assert_eq!(body["missing"], missing);
    assert!(body["help"]["requestApproval"].as_str().unwrap().contains(READER));
    assert!(reply.text.contains("error=\"insufficient_scope\", scope=\"books\""), "{}", reply.text);

    for (method, target, token, status) in [
        ("GET", "/books", "", 401),
        ("GET", "/books", "cs_at_nonsense", 401),
        ("GET", "/nothing", &token, 404),
        ("DELETE", "/books", &token, 405),
        ("GET", "/books/", &token, 404),
    ] {
        assert_eq!(fixture.call(method, target, token).await.status(), status, "{method} {target}");
    }
    assert_eq!(fixture.call("GET", "/hours", "").await.status(), 200, "a public operation asks for nothing");
    assert_eq!(fixture.upstream.take_one().target(), "/hours");
}

#[tokio::test]
async fn a_revoked_token_is_refused_on_the_next_call() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    fixture.revoke(&token, SHOP).await;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 401);
}

#[tokio::test]
async fn a_node_out_of_touch_with_its_database_decides_for_five_seconds_and_then_refuses() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    fixture.server.app.store.close().await;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200, "what is remembered counts for a while");
    let unknown = fixture.call("GET", "/books", &format!("{}aaaa", &token[..token.len() - 4])).await;
    assert_eq!(unknown.status(), 401, "a text that is no token needs no database");
    tokio::time::sleep(Duration::from_millis(5_200)).await;
    let reply = fixture.call("GET", "/books", &token).await;
    assert_eq!((reply.status(), &body(&reply)["code"]), (503, &json!("service.unavailable")));
    assert_eq!(fixture.call("GET", "/hours", "").await.status(), 200, "public operations ask nobody");
}

#[tokio::test]
async fn bodies_stream_through_in_both_framings() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let head = format!("POST /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n");
    let plain = format!("{head}Content-Length: 5\r\n\r\nhello");
    assert_eq!(raw::send(fixture.doors.gateway, plain.as_bytes()).await.status(), 200);
    let received = fixture.upstream.take_one();
    assert_eq!((received.body.as_slice(), received.header("content-length")), (b"hello".as_slice(), Some("5")));

    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-User-Id: admin\r\n\r\n");
    assert_eq!(raw::send(fixture.doors.gateway, chunked.as_bytes()).await.status(), 200);
    let received = fixture.upstream.take_one();
    assert_eq!(received.body, b"5\r\nhello\r\n0\r\n\r\n", "extensions and trailers stay here");

    // two requests in one write, each decided by itself
    let both = format!("{plain}GET /books/1 HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n");
    let reply = raw::send(fixture.doors.gateway, both.as_bytes()).await;
    assert_eq!(reply.statuses().collect::<Vec<_>>(), [200, 401]);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let fixture = Fixture::start("max_body_bytes = 10").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let head = format!("POST /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n");
    let stated = format!("{head}Content-Length: 11\r\n\r\nhello worlds");
    assert_eq!(raw::send(fixture.doors.gateway, stated.as_bytes()).await.status(), 413);
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n");
    assert_eq!(raw::send(fixture.doors.gateway, chunked.as_bytes()).await.status(), 413);
}

#[tokio::test]
async fn a_page_is_answered_its_preflight_here() {
    let fixture = Fixture::start("cors_origins = [\"https://app.test\"]").await;
    let preflight = |origin: &'static str| {
        let fixture = &fixture;
        async move {
            let headers =
                [origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization"];
            fixture.call_with("OPTIONS", "/books", "", &headers).await
        }
    };
    let known = preflight("Origin: https://app.test").await;
    assert_eq!(known.status(), 204);
    assert!(known.text.contains("access-control-allow-origin: https://app.test"), "{}", known.text);
    assert!(known.text.contains("access-control-allow-headers: authorization"));
    let unknown = preflight("Origin: https://evil.test").await;
    assert!(unknown.status() == 204 && !unknown.text.contains("access-control-allow"), "{}", unknown.text);
    assert!(fixture.upstream.take().is_empty());

    let token = fixture.token(SHOP, "ada@acme.test").await;
    let answer = fixture.call_with("GET", "/books", &token, &["Origin: https://app.test"]).await;
    assert!(answer.text.contains("access-control-allow-origin: https://app.test"), "{}", answer.text);
    let refused = fixture.call_with("GET", "/books", "", &["Origin: https://app.test"]).await;
    assert!(refused.status() == 401 && refused.text.contains("access-control-allow-origin"), "{}", refused.text);
}

#[tokio::test]
async fn an_upstream_that_is_gone_or_slow_or_wrong_gets_its_own_answer() {
    let fixture = Fixture::start("timeout_seconds = 1").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let silent = Fixture::before(Upstream::answering("").await, "timeout_seconds = 1").await;
    let silent_token = silent.token(SHOP, "ada@acme.test").await;
    let request = format!("GET /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {silent_token}\r\n\r\n");
    let reply = raw::send_and_wait(silent.doors.gateway, request.as_bytes(), Duration::from_secs(1)).await;
    assert_eq!((reply.status(), &body(&reply)["code"]), (504, &json!("gateway.timeout")));

    let wrong =
        Fixture::before(Upstream::answering("HTTP/1.1 200 OK\nContent-Length: nonsense\r\n\r\n").await, "").await;
    let wrong_token = wrong.token(SHOP, "ada@acme.test").await;
    assert_eq!(wrong.call("GET", "/books", &wrong_token).await.status(), 502);

    let Fixture { doors, upstream, .. } = &fixture;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    upstream.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let request = format!("GET /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    let reply = raw::send(doors.gateway, request.as_bytes()).await;
    assert_eq!((reply.status(), &body(&reply)["code"]), (502, &json!("bad.gateway")), "{}", reply.text);
}

#[tokio::test]
async fn events_reach_the_client_as_they_come() {
    let events =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n";
    let fixture = Fixture::before(Upstream::answering(events).await, "").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let mut stream = TcpStream::connect(fixture.doors.gateway).await.unwrap();
    let request = format!("GET /news HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let reply = raw::read(&mut stream, Duration::from_millis(200)).await;
    assert!(reply.text.contains("data: 1") && !reply.is_closed, "{}", reply.text);
}

#[tokio::test]
async fn a_call_over_the_limit_of_its_token_waits() {
    let fixture = Fixture::start("[limits]\ncalls_per_token_per_minute = 1").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    let reply = fixture.call("GET", "/books", &token).await;
    assert!(reply.status() == 429 && reply.text.contains("retry-after: 60"), "{}", reply.text);
    assert_eq!(fixture.upstream.take().len(), 1);
}

#[tokio::test]
async fn a_body_of_unknown_length_arrives_with_every_method() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    for method in ["GET", "POST", "DELETE"] {
        let target = if method == "DELETE" { "/books/rare" } else { "/books" };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n\
             5\r\nhello\r\n0\r\n\r\n"
        );
        let reply = raw::send(fixture.doors.gateway, request.as_bytes()).await;
        if reply.status() == 200 {
            let received = fixture.upstream.take_one();
            assert_eq!(received.body, b"5\r\nhello\r\n0\r\n\r\n", "{method}");
        }
        assert!(method == "DELETE" || reply.status() == 200, "{}", reply.text);
    }
}

#[tokio::test]
async fn nobody_but_us_says_who_calls_or_where_a_request_came_from() {
    let fixture = Fixture::start("identity_headers = \"plain\"").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let spoofed: Vec<String> = SPOOFED.iter().map(|name| format!("{name}: forged")).collect();
    for chunk in spoofed.chunks(60) {
        let headers: Vec<&str> = chunk.iter().map(String::as_str).collect();
        assert_eq!(fixture.call_with("GET", "/books", &token, &headers).await.status(), 200);
        let received = fixture.upstream.take_one();
        let forged: Vec<_> = received.headers.iter().filter(|(_, value)| value == "forged").collect();
        assert!(forged.is_empty(), "{forged:?}");
    }
}

#[tokio::test]
async fn what_is_not_read_is_told_why_behind_the_answers_that_are_due() {
    let fixture = Fixture::start("").await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: api.test\r\n\r\n", "a".repeat(33_000));
    let many = format!("GET /hours HTTP/1.1\r\nHost: api.test\r\n{}\r\n", "X: y\r\n".repeat(100));
    let first = "GET /hours HTTP/1.1\r\nHost: api.test\r\n\r\n";
    let main: std::net::SocketAddr = fixture.server.address().strip_prefix("http://").unwrap().parse().unwrap();
    for address in [fixture.doors.gateway, main, fixture.doors.operations, fixture.doors.ext_authz] {
        for (request, status, why) in [
            ("GET /hours HTTP/1.1\r\n\r\n", 400, "not exactly one Host"),
            ("GET /hours HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "not exactly one Host"),
            ("GET /hours HTTP/1.1\nHost: a\n\n", 400, "does not end in CR LF"),
            ("GET /hours#top HTTP/1.1\r\nHost: a\r\n\r\n", 400, "no target has"),
            ("GET /hours?\"a\" HTTP/1.1\r\nHost: a\r\n\r\n", 400, "no target has"),
            (
                "POST /hours HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                400,
                "Transfer-Encoding",
            ),
            (&long, 414, "the target has more than"),
            (&many, 431, "more than 100 fields"),
        ] {
            let reply = raw::send(address, request.as_bytes()).await;
            assert_eq!((reply.status(), reply.is_closed), (status, true), "{address} {request:?}: {}", reply.text);
            let body = body(&reply);
            assert!(body["message"].as_str().unwrap().contains(why), "{body}");
            assert!(
                reply.text.contains("connection: close\r\n") && reply.text.contains("inin-correlation-id: "),
                "{}",
                reply.text
            );
        }
    }
    let behind =
        raw::send(fixture.doors.gateway, format!("{first}{first}GET /a b HTTP/1.1\r\n\r\n{first}").as_bytes()).await;
    assert_eq!(behind.statuses().collect::<Vec<_>>(), [200, 200, 400], "{}", behind.text);
    assert!(behind.is_closed && behind.text.contains("not `method target HTTP/1.1`"), "{}", behind.text);
}
