//! Forward-auth: the sub-requests of nginx, Caddy, Traefik and HAProxy.

use serde_json::Value;

use super::corpus::{Arena, HOST, accepted, corpus, is_allowed, satisfies};
use super::fixture::{Fixture, READER, SHOP};
use super::support::Answer;

const DOOR: &str = "/enforce/forward-auth";

/// What Caddy and Traefik say.
fn said<'a>(method: &'a str, target: &'a str, authorization: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("x-forwarded-method", method),
        ("x-forwarded-uri", target),
        ("x-forwarded-host", "api.test"),
        ("x-forwarded-proto", "https"),
        ("authorization", authorization),
    ]
}

async fn ask(fixture: &Fixture, method: &str, target: &str, authorization: &str) -> Answer {
    fixture.server.send("GET", DOOR, &said(method, target, authorization), "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_corpus_is_answered_as_it_demands() {
    let (Some(trusting), Some(corpus)) = (Arena::start("").await, corpus()) else { return };
    let Some(wary) = Arena::start("[forward_auth]\ntrusted_proxies = [\"192.0.2.1\"]").await else { return };
    let cases: Vec<_> = corpus.iter().filter(|case| case["protocol"] == "forward-auth").collect();
    assert!(cases.len() >= 15, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let arena = if case["peer_trusted"] == true { &trusting } else { &wary };
        let mut request =
            format!("GET {DOOR} HTTP/1.1\r\nHost: here.test\r\nAuthorization: Bearer {}\r\n", arena.token("LOW"));
        for header in case["headers"].as_array().unwrap() {
            request += &format!("{}: {}\r\n", header[0].as_str().unwrap(), header[1].as_str().unwrap());
        }
        let address = arena.server.address().strip_prefix("http://").unwrap().parse().unwrap();
        let reply = super::raw::send(address, &arena.bytes(&format!("{request}\r\n"))).await;
        // X-Original-URL is of nginx, who is answered 403 beside the status that is meant
        let meant = reply.text.split("x-countersign-status: ").nth(1).and_then(|rest| rest.get(..3)?.parse().ok());
        let status = meant.unwrap_or(reply.status());
        if !satisfies(status, &accepted(case), &is_allowed) {
            wrong.push(format!("{}: {status} instead of {:?}: {}", case["id"], accepted(case), case["why"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Cases of method and target, as a proxy would hand them on that forwards whatever it is sent.
#[tokio::test(flavor = "multi_thread")]
async fn targets_that_a_front_proxy_lets_through_are_refused_here() {
    let (Some(arena), Some(corpus)) = (Arena::start("").await, corpus()) else { return };
    let is_target_only = |case: &&Value| {
        case["protocol"] == "h1"
            && case["raw"].is_null()
            && case["headers"].as_array().is_some_and(Vec::is_empty)
            && case["no_default_auth"].is_null()
            && case["class"] != "limit"
            && case["raw_request_target"]
                .as_str()
                .is_some_and(|target| target.bytes().all(|byte| matches!(byte, 0x20..0x7F)))
    };
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in corpus.iter().filter(is_target_only) {
        let authorization = format!("Bearer {}", arena.token(case["token"].as_str().unwrap_or("LOW")));
        let target = String::from_utf8(arena.bytes(case["raw_request_target"].as_str().unwrap())).unwrap();
        if target.is_empty() {
            continue;
        }
        let headers = [
            ("x-forwarded-method", case["method"].as_str().unwrap()),
            ("x-forwarded-uri", &target),
            ("x-forwarded-host", HOST),
            ("x-forwarded-proto", "https"),
            ("authorization", &authorization),
        ];
        let answer = arena.server.send("GET", DOOR, &headers, "").await;
        let mut accepted = accepted(case);
        if matches!(case["class"].as_str(), Some("encoded-unreserved" | "target-form")) {
            // rule 10: what the gateway would write in canonical form is refused here, where nobody can
            accepted.push("reject-400");
        }
        count += 1;
        if !satisfies(answer.status, &accepted, &is_allowed) {
            wrong.push(format!("{} {target}: {} instead of {accepted:?}: {}", case["id"], answer.status, case["why"]));
        }
    }
    assert!(count > 120, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_allow_has_an_empty_body_and_the_callers_identity() {
    let fixture = Fixture::start("identity_headers = \"plain\"").await;
    let bearer = format!("Bearer {}", fixture.token(SHOP, "ada@acme.test").await);
    let answer = ask(&fixture, "POST", "/books", &bearer).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(
        (answer.header("x-org-id"), answer.header("x-client-id"), answer.header("x-scopes")),
        ("acme", SHOP, "books")
    );
    assert!(!answer.header("x-user-id").is_empty() && answer.header("inin-ratelimit-count") == "1");

    let refused =
        ask(&fixture, "POST", "/books", &format!("Bearer {}", fixture.token(READER, "bob@acme.test").await)).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (403, Some("app.not.authorized.for.scope")));
    assert!(refused.body["missing"]["permissions"].is_object() && refused.body["missing"]["scopes_any_of"].is_array());
    assert_eq!(ask(&fixture, "GET", "/books", "").await.status, 401);
    assert_eq!(ask(&fixture, "GET", "/nothing", &bearer).await.status, 404);
    assert_eq!(ask(&fixture, "GET", "/%62ooks", &bearer).await.status, 400, "it would be forwarded as it is");
    assert_eq!(ask(&fixture, "GET", "/hours", "").await.status, 200);
}

#[tokio::test]
async fn nginx_is_answered_with_the_statuses_that_it_knows() {
    let fixture = Fixture::start("").await;
    let bearer = format!("Bearer {}", fixture.token(SHOP, "ada@acme.test").await);
    for (method, target, status, meant) in [
        ("GET", "/books", 200, ""),
        ("GET", "/nothing", 403, "404"),
        ("PUT", "/books", 403, "405"),
        ("GET", "//books", 403, "400"),
    ] {
        let headers = [
            ("x-original-method", method),
            ("x-original-uri", target),
            ("x-forwarded-host", "api.test"),
            ("x-forwarded-proto", "https"),
            ("authorization", &bearer),
        ];
        let answer = fixture.server.send("GET", DOOR, &headers, "").await;
        assert_eq!((answer.status, answer.header("x-countersign-status")), (status, meant), "{method} {target}");
    }
}

#[tokio::test]
async fn a_proxy_may_name_the_upstream_and_hand_on_its_own_targets() {
    let fixture = Fixture::start("prefix = \"/shop\"").await;
    let bearer = format!("Bearer {}", fixture.token(SHOP, "ada@acme.test").await);
    for (target, query, status) in [
        ("/shop/books", "", 200),
        ("/books", "", 404),
        ("/books", "?upstream=books", 200),
        ("/books", "?upstream=nothing", 404),
        ("/books", "?upstream=platform", 404),
        ("/books", "?upstream=books&upstream=books", 400),
    ] {
        let answer = fixture.server.send("GET", &format!("{DOOR}{query}"), &said("GET", target, &bearer), "").await;
        assert_eq!(answer.status, status, "{target} {query}");
    }
}

#[tokio::test]
async fn what_the_gateway_refuses_is_refused_here_too() {
    let fixture = Fixture::start("websockets = [\"listenToNews\"]").await;
    let bearer = format!("Bearer {}", fixture.token(SHOP, "ada@acme.test").await);
    let asked = |host: &'static str, target: &'static str| {
        let pairs = [
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", target),
            ("x-forwarded-host", host),
            ("x-forwarded-proto", "https"),
        ];
        [&pairs[..], &[("authorization", bearer.as_str())]].concat()
    };
    for host in
        ["api.test/books", "user@api.test", "api.test, other.test", "a b", "api.test:port", "[::1", "api.test?x", ".."]
    {
        assert_eq!(fixture.server.send("GET", DOOR, &asked(host, "/books"), "").await.status, 400, "{host}");
    }
    for (target, more, status) in [
        ("/books", ("x-http-method-override", "DELETE"), 400),
        ("/books", ("x-method-override", "DELETE"), 400),
        ("/books", ("x_http_method", "DELETE"), 400),
        ("/books", ("x-original-host", "other.test"), 400),
        ("/books", ("x-original-host", "api.test"), 200),
        ("/books", ("x-original-url", "http://api.test/books"), 403),
        ("/books", ("x-original-url", "https://api.test/books"), 200),
        ("/books", ("upgrade", "websocket"), 400),
        ("/books", ("upgrade", "h2c, WebSocket"), 400),
        ("/news", ("upgrade", "websocket"), 200),
    ] {
        let answer = fixture.server.send("GET", DOOR, &[&asked("api.test", target)[..], &[more]].concat(), "").await;
        assert_eq!(answer.status, status, "{target} {more:?}: {}", answer.text);
    }
}
