//! A refusal is a page for browsers and JSON for everybody else, at every door: the same status, the same missing halves, the
//! same help.

use serde_json::Value;

use super::fixture::{Fixture, READER, SHOP};
use super::raw::Reply;
use super::support::Answer;

/// What a browser sends.
const BROWSER: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const ANYTHING: &str = "Accept: */*";

/// A refused call at the gateway, by a browser and by a program.
async fn both(fixture: &Fixture, method: &str, target: &str, token: &str) -> (Reply, Reply) {
    let page = fixture.call_with(method, target, token, &[BROWSER]).await;
    let json = fixture.call_with(method, target, token, &[ANYTHING]).await;
    (page, json)
}

fn body(reply: &Reply) -> &str {
    reply.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    let head = reply.text.split("\r\n\r\n").next().unwrap();
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn json(reply: &Reply) -> Value {
    let (start, end) = (reply.text.find('{').unwrap(), reply.text.rfind('}').unwrap());
    serde_json::from_str(&reply.text[start..=end]).unwrap_or_else(|error| panic!("{error}: {}", reply.text))
}

#[tokio::test]
async fn every_status_is_a_page_for_browsers_and_json_for_everybody_else() {
    let fixture = Fixture::start("").await;
    let (ada, bob) = (fixture.token(SHOP, "ada@acme.test").await, fixture.token(SHOP, "bob@acme.test").await);
    let reader = fixture.token(READER, "ada@acme.test").await;
    for (method, target, token, status, heading) in [
        ("GET", "/books", "", 401, "This call needs an access token"),
        ("GET", "/books", "not-a-token", 401, "This call needs an access token"),
        ("POST", "/books", reader.as_str(), 403, "This call is not allowed"),
        ("POST", "/books", bob.as_str(), 403, "This call is not allowed"),
        ("GET", "/ledger", ada.as_str(), 404, "There is nothing here"),
        ("DELETE", "/books", ada.as_str(), 405, "That is not possible here"),
        ("GET", "/books/%2e%2e", ada.as_str(), 400, "This call cannot be understood"),
    ] {
        let (page, program) = both(&fixture, method, target, token).await;
        assert_eq!((page.status(), program.status()), (status, status), "{method} {target}");
        for reply in [&page, &program] {
            assert!(header(reply, "vary").is_some_and(|vary| vary.contains("accept")), "{}", reply.text);
            assert_eq!(header(reply, "allow"), (status == 405).then_some("GET, HEAD, POST"), "{}", reply.text);
            assert_eq!(header(reply, "www-authenticate").is_some(), header(&page, "www-authenticate").is_some());
        }
        assert_eq!(header(&page, "content-type"), Some("text/html; charset=utf-8"), "{}", page.text);
        assert_eq!(header(&program, "content-type"), Some("application/json"));
        assert!(body(&page).contains(&format!("<h1>{heading}</h1>")), "{}", page.text);
        let told = json(&program);
        assert_eq!(told["status"], status);
        assert!(body(&page).contains(&format!("{status} <code>{}</code>", told["code"].as_str().unwrap())));
        let reference = header(&page, "inin-correlation-id").unwrap();
        assert!(body(&page).contains(&format!("Reference <code>{reference}</code>")), "{}", page.text);
    }
}

#[tokio::test]
async fn the_page_names_every_missing_half_and_leads_to_who_can_help() {
    let fixture = Fixture::start("").await;
    let reader = fixture.token(READER, "bob@acme.test").await;
    let (page, program) = both(&fixture, "POST", "/books", &reader).await;
    let told = json(&program);
    assert_eq!(told["missing"]["scopes_any_of"][0][0], "books");
    assert_eq!(told["missing"]["permissions"]["of"][0], "books:book:add");
    for shown in [
        "<strong>The app</strong> has not been granted <code><bdi>books</bdi></code>.",
        "<strong>The user</strong> does not hold <code><bdi>books:book:add</bdi></code>.",
    ] {
        assert!(page.text.contains(shown), "{shown}\n{}", page.text);
    }
    let ask = told["help"]["requestApproval"].as_str().unwrap().replace('&', "&#38;");
    assert!(page.text.contains(&format!("<a href=\"{ask}\">Ask for approval of the app</a>")), "{ask}\n{}", page.text);

    // the stylesheet is at our own origin, which the gateway is not, and nothing else is asked for
    let origin = fixture.server.app.origin.as_str();
    assert!(page.text.contains(&format!("href=\"{origin}/static/countersign.css?v=")), "{}", page.text);
    let policy = header(&page, "content-security-policy").unwrap();
    assert!(policy.starts_with(&format!("default-src 'none'; style-src {origin};")), "{policy}");
    assert_eq!(header(&page, "cache-control"), Some("no-store"));
}

#[tokio::test]
async fn one_call_too_many_is_a_page_too_and_says_when_to_try_again() {
    let fixture = Fixture::start("[limits]\ncalls_per_token_per_minute = 1").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    fixture.call("GET", "/books", &token).await;
    let (page, program) = both(&fixture, "GET", "/books", &token).await;
    assert_eq!((page.status(), program.status()), (429, 429));
    assert!(page.text.contains("<h1>Too many calls</h1>"), "{}", page.text);
    assert!(header(&page, "retry-after").is_some() && header(&program, "retry-after").is_some());
    assert_eq!(json(&program)["code"], "too.many.requests");
}

#[tokio::test]
async fn what_goes_through_is_the_upstreams_and_says_nothing_of_accept() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let through = fixture.call_with("GET", "/books", &token, &[BROWSER]).await;
    assert_eq!((through.status(), header(&through, "vary")), (200, None));
}

fn kind(answer: &Answer) -> &str {
    answer.headers["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn our_own_api_and_forward_auth_do_the_same_but_nginx_gets_json() {
    let fixture = Fixture::start("").await;
    let server = &fixture.server;
    let accept = ("accept", "text/html");
    let token = format!("Bearer {}", fixture.token(SHOP, "ada@acme.test").await);
    let authorization = ("authorization", token.as_str());
    for (method, target, headers, status) in [
        ("GET", "/api/v2/users", vec![accept], 401),
        ("GET", "/api/v2/users", vec![accept, authorization], 403),
        ("GET", "/api/v2/nothing", vec![accept, authorization], 404),
        ("DELETE", "/api/v2/users", vec![accept, authorization], 405),
    ] {
        let page = server.send(method, target, &headers, "").await;
        assert_eq!((page.status, kind(&page)), (status, "text/html; charset=utf-8"), "{}", page.text);
        let varies = page.headers.get_all("vary").iter().any(|vary| vary == "accept");
        assert!(varies && page.text.contains("<h1>"), "{:?}", page.headers);
        let program = server.send(method, target, &headers[1..], "").await;
        assert_eq!((program.status, kind(&program)), (status, "application/json"));
        assert!(program.headers.get_all("vary").iter().any(|vary| vary == "accept"));
    }

    let asked = |dialect: &'static [&'static str; 2]| {
        vec![
            (dialect[0], "POST"),
            (dialect[1], "/books"),
            ("x-forwarded-host", "api.test"),
            ("x-forwarded-proto", "https"),
            accept,
        ]
    };
    let door = "/enforce/forward-auth";
    let caddy = server.send("GET", door, &asked(&["x-forwarded-method", "x-forwarded-uri"]), "").await;
    assert_eq!((caddy.status, kind(&caddy)), (401, "text/html; charset=utf-8"), "{}", caddy.text);
    let nginx = server.send("GET", door, &asked(&["x-original-method", "x-original-uri"]), "").await;
    assert_eq!((nginx.status, kind(&nginx)), (401, "application/json"), "{}", nginx.text);
    assert!(nginx.headers["x-countersign-body"].to_str().unwrap().starts_with('{'));
}
