//! How many calls a token, an app and an organization may make in a minute, told at every door.

use envoy_types::ext_authz::v3::pb::{HeaderValueOption, HttpResponse};

use super::ext_authz::{check, connect, status};
use super::fixture::{Fixture, READER, SHOP, token};

const LIMITS: &str = "[limits]\ncalls_per_token_per_minute = 4\ncalls_per_client_per_minute = 6\ncalls_per_organization_per_minute = 9\n";

/// Where the caller stands, as one door tells it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: u16,
    count: String,
    allowed: String,
    reset: String,
    retry_after: String,
}

impl Told {
    fn new<'a>(status: u16, header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let text = |name: &str| header(name).unwrap_or_default().to_owned();
        Self {
            status,
            count: text("inin-ratelimit-count"),
            allowed: text("inin-ratelimit-allowed"),
            reset: text("inin-ratelimit-reset"),
            retry_after: text("retry-after"),
        }
    }

    fn is(status: u16, count: u32, allowed: u32) -> Self {
        let retry_after = if status == 429 { "60".to_owned() } else { String::new() };
        Self { status, count: count.to_string(), allowed: allowed.to_string(), reset: "60".to_owned(), retry_after }
    }
}

#[derive(Debug, Clone, Copy)]
enum Door {
    Gateway,
    ForwardAuth,
    ExtAuthz,
}

async fn ask(fixture: &Fixture, door: Door, target: &str, token: &str) -> Told {
    let bearer = format!("Bearer {token}");
    match door {
        Door::Gateway => {
            let reply = fixture.call("GET", target, token).await;
            let header = |name: &str| {
                let lines = reply.text.split("\r\n").filter_map(|line| line.split_once(": "));
                lines.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
            };
            Told::new(reply.status(), header)
        }
        Door::ForwardAuth => {
            let headers = [
                ("x-forwarded-method", "GET"),
                ("x-forwarded-uri", target),
                ("x-forwarded-host", "api.test"),
                ("x-forwarded-proto", "https"),
                ("authorization", bearer.as_str()),
            ];
            let answer = fixture.server.send("GET", "/enforce/forward-auth", &headers, "").await;
            Told::new(answer.status, |name| Some(answer.header(name)))
        }
        Door::ExtAuthz => {
            let mut envoy = connect(fixture.doors.ext_authz).await;
            let request = check("GET", target, "api.test", &[("authorization", &bearer)]);
            let response = envoy.check(request).await.unwrap().into_inner();
            let status = status(&response);
            let told: Vec<HeaderValueOption> = match response.http_response.unwrap() {
                HttpResponse::OkResponse(ok) => {
                    assert!(!ok.headers.iter().any(|option| name(option).starts_with("inin-")), "not for the upstream");
                    ok.response_headers_to_add
                }
                HttpResponse::DeniedResponse(denied) => denied.headers,
                HttpResponse::ErrorResponse(error) => panic!("{error:?}"),
            };
            let header = |wanted: &str| {
                let mut found = told.iter().filter(|option| name(option) == wanted);
                found.next().map(|option| option.header.as_ref().unwrap().value.as_str())
            };
            Told::new(status, header)
        }
    }
}

fn name(option: &HeaderValueOption) -> &str {
    option.header.as_ref().map_or("", |header| header.key.as_str())
}

async fn limits_hold(door: Door) {
    let fixture = Fixture::start(LIMITS).await;
    let ada = fixture.token(SHOP, "ada@acme.test").await;
    for count in 1..=4 {
        assert_eq!(ask(&fixture, door, "/books", &ada).await, Told::is(200, count, 4), "{door:?}");
    }
    assert_eq!(ask(&fixture, door, "/books", &ada).await, Told::is(429, 5, 4), "{door:?}: the token");

    let bob = fixture.token(SHOP, "bob@acme.test").await;
    assert_eq!(
        ask(&fixture, door, "/books", &bob).await,
        Told::is(200, 5, 6),
        "{door:?}: the app is nearer to its end"
    );
    assert_eq!(ask(&fixture, door, "/books", &bob).await, Told::is(200, 6, 6), "{door:?}");
    assert_eq!(ask(&fixture, door, "/books", &bob).await, Told::is(429, 7, 6), "{door:?}: the app");

    let reader = fixture.token(READER, "ada@acme.test").await;
    for count in 7..=9 {
        assert_eq!(ask(&fixture, door, "/books", &reader).await, Told::is(200, count, 9), "{door:?}");
    }
    assert_eq!(ask(&fixture, door, "/books", &reader).await, Told::is(429, 10, 9), "{door:?}: the organization");

    let gus = token(&fixture.server, "globex", SHOP, Some("gus@globex.test"), None).await;
    assert_eq!(
        ask(&fixture, door, "/books", &gus).await,
        Told::is(200, 1, 4),
        "{door:?}: another tenant of the same app"
    );
    fixture.server.advance(60);
    assert_eq!(ask(&fixture, door, "/books", &ada).await, Told::is(200, 1, 4), "{door:?}: the minute is over");
}

#[tokio::test]
async fn the_gateway_holds_tokens_apps_and_organizations_to_their_limits() {
    limits_hold(Door::Gateway).await;
}

#[tokio::test]
async fn forward_auth_holds_tokens_apps_and_organizations_to_their_limits() {
    limits_hold(Door::ForwardAuth).await;
}

#[tokio::test]
async fn envoy_holds_tokens_apps_and_organizations_to_their_limits() {
    limits_hold(Door::ExtAuthz).await;
}

#[tokio::test]
async fn every_reply_tells_where_the_caller_stands() {
    let fixture = Fixture::start(LIMITS).await;
    for door in [Door::Gateway, Door::ForwardAuth, Door::ExtAuthz] {
        for (target, token, status) in [
            ("/books/../hours", "", 400),
            ("/nothing", "", 404),
            ("/books", "", 401),
            ("/books", "cs_at_nonsense", 401),
            ("/hours", "", 200),
        ] {
            assert_eq!(ask(&fixture, door, target, token).await, Told::is(status, 0, 4), "{door:?} {target}");
        }
    }
}
