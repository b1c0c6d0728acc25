//! What the operations listener shows of calls that were made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countersign_server::app::Application;
use countersign_server::config::Config;
use countersign_server::telemetry::families::{ALL, Kind};

use tokio::io::AsyncWriteExt;

use super::ext_authz;
use super::fixture::{Fixture, READER, SHOP};
use super::upstream::Upstream;

/// A text in Prometheus' format, every rule of which is held to.
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    pub async fn of(fixture: &Fixture) -> Self {
        let answer = reqwest::get(format!("http://{}/metrics", fixture.doors.operations)).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        Self::parse(&answer.text().await.unwrap())
    }

    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n') && !text.contains("\n\n"));
        let (mut samples, mut kinds, mut open) = (BTreeMap::new(), BTreeMap::new(), String::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, meaning) = help.split_once(' ').unwrap();
                assert!(!meaning.is_empty() && !kinds.contains_key(name), "{line}");
                name.clone_into(&mut open);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(name == open && ["counter", "gauge", "histogram"].contains(&kind), "{line}");
                kinds.insert(name.to_owned(), kind.to_owned());
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap();
                let suffix = name.strip_prefix(open.as_str()).unwrap_or_else(|| panic!("{line} stands under {open}"));
                let is_histogram = kinds[&open] == "histogram";
                assert_eq!(is_histogram, ["_bucket", "_sum", "_count"].contains(&suffix), "{line}");
                assert!(is_histogram || suffix.is_empty(), "{line}");
                labels(series);
                let value: f64 = value.parse().unwrap();
                assert!(value.is_finite() && value >= 0.0, "{line}");
                assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
            }
        }
        Self(samples)
    }

    /// Every series of one name, by its labels.
    pub fn series(&self, name: &str) -> Vec<Vec<(String, String)>> {
        let named = self.0.keys().filter(|series| series.split('{').next() == Some(name));
        named.map(|series| labels(series)).collect()
    }

    /// The value of a series, written as it is shown.
    #[track_caller]
    fn value(&self, series: &str) -> f64 {
        *self.0.get(series).unwrap_or_else(|| panic!("no {series} in {:#?}", self.0.keys()))
    }

    /// Several of them.
    #[track_caller]
    fn assert_are(&self, expected: &[(&str, f64)]) {
        let found: Vec<(&str, f64)> = expected.iter().map(|(series, _)| (*series, self.value(series))).collect();
        assert_eq!(found, expected);
    }
}

/// The labels of a series, with their values.
#[track_caller]
fn labels(series: &str) -> Vec<(String, String)> {
    let Some((_, rest)) = series.split_once('{') else { return Vec::new() };
    let mut rest = rest.strip_suffix('}').unwrap_or_else(|| panic!("{series}"));
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (name, quoted) = rest.split_once("=\"").unwrap_or_else(|| panic!("{series}"));
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(!name.is_empty() && name.bytes().all(is_name), "{series}");
        let end = quoted.find('"').unwrap_or_else(|| panic!("{series}"));
        found.push((name.to_owned(), quoted[..end].to_owned()));
        rest = &quoted[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    found
}

#[tokio::test]
async fn calls_at_every_door_are_counted_by_what_was_decided() {
    let fixture = Fixture::start("").await;
    let (shop, reader) = (fixture.token(SHOP, "ada@acme.test").await, fixture.token(READER, "bob@acme.test").await);
    for _ in 0..2 {
        fixture.call("GET", "/books", &shop).await;
    }
    fixture.call("POST", "/books", &reader).await;
    fixture.call("GET", "/books", "").await;
    let said = |authorization| {
        [
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", "/books"),
            ("x-forwarded-host", "api.test"),
            ("x-forwarded-proto", "https"),
            ("authorization", authorization),
        ]
    };
    let bearer = format!("Bearer {shop}");
    for authorization in [bearer.as_str(), "Bearer wrong"] {
        fixture.server.send("GET", "/enforce/forward-auth", &said(authorization), "").await;
    }
    let headers = [("authorization", bearer.as_str())];
    let check = ext_authz::check("GET", "/nothing", "api.test", &headers);
    ext_authz::connect(fixture.doors.ext_authz).await.check(check).await.unwrap();
    fixture.server.api("GET", "/api/v2/users/me", &shop).await;

    let scrape = Scrape::of(&fixture).await;
    scrape.assert_are(&[
        ("countersign_decisions_total{door=\"gateway\",result=\"allow\",reason=\"none\"}", 2.0),
        ("countersign_decisions_total{door=\"gateway\",result=\"deny\",reason=\"missing_scope\"}", 1.0),
        ("countersign_decisions_total{door=\"gateway\",result=\"deny\",reason=\"missing_credentials\"}", 1.0),
        ("countersign_decisions_total{door=\"forward-auth\",result=\"allow\",reason=\"none\"}", 1.0),
        ("countersign_decisions_total{door=\"forward-auth\",result=\"deny\",reason=\"invalid_credentials\"}", 1.0),
        ("countersign_decisions_total{door=\"ext-authz\",result=\"deny\",reason=\"no_such_operation\"}", 1.0),
        ("countersign_calls_total{door=\"gateway\",status=\"2xx\"}", 2.0),
        ("countersign_calls_total{door=\"gateway\",status=\"4xx\"}", 2.0),
        ("countersign_calls_total{door=\"ext-authz\",status=\"4xx\"}", 1.0),
        ("countersign_calls_total{door=\"platform\",status=\"4xx\"}", 1.0),
        ("countersign_call_duration_seconds_count{door=\"gateway\"}", 4.0),
        ("countersign_call_duration_seconds_bucket{door=\"gateway\",le=\"+Inf\"}", 4.0),
        ("countersign_upstream_requests_total{upstream=\"books\",status=\"2xx\"}", 2.0),
        ("countersign_upstream_duration_seconds_count{upstream=\"books\"}", 2.0),
        ("countersign_remembered_token_lookups_total{result=\"miss\"}", 2.0),
        ("countersign_remembered_token_lookups_total{result=\"hit\"}", 4.0),
        ("countersign_remembered_tokens", 2.0),
        ("countersign_snapshots", 1.0),
        ("countersign_snapshot_loads_total{kind=\"everything\"}", 1.0),
        ("countersign_listener_open_connections{listener=\"operations\"}", 1.0),
        ("countersign_decision_log_lost_total", 0.0),
        ("countersign_database_connections_max{pool=\"write\"}", 1.0),
    ]);
    assert!(scrape.value("countersign_upstream_connections_total{upstream=\"books\"}") >= 1.0);
    assert!(scrape.value("countersign_listener_connections_total{listener=\"gateway\"}") >= 4.0);
    assert!(scrape.value("countersign_snapshot_age_seconds") < 5.0);
    assert!(scrape.value("countersign_call_duration_seconds_sum{door=\"gateway\"}") > 0.0);
    assert!(scrape.value("process_resident_memory_bytes") > 1e6);
}

#[tokio::test]
async fn f09_nothing_that_a_caller_sends_and_nobodys_name_is_shown() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    fixture.call("GET", "/books/a-path?code=a-query", &token).await;
    fixture.call_with("A-METHOD", "/books", &token, &["A-Header: a-header", "Host: a-host"]).await;
    let form = [("grant_type", "a-grant"), ("client_id", SHOP), ("client_secret", "a-secret")];
    fixture.server.token("", &form).await;
    fixture.server.token(&format!("{SHOP}:a-secret"), &[("grant_type", "client_credentials")]).await;
    let shown =
        reqwest::get(format!("http://{}/metrics", fixture.doors.operations)).await.unwrap().text().await.unwrap();
    let shown = shown.to_lowercase();
    let secrets =
        ["a-path", "a-query", "a-method", "a-header", "a-host", "a-grant", "a-secret", "ada", "acme", SHOP, &token];
    for secret in secrets {
        assert!(!shown.contains(&secret.to_lowercase()), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn what_never_reaches_a_decision_is_counted_where_it_ends() {
    let fixture = Fixture::start("").await;
    let gateway = fixture.doors.gateway;
    super::raw::send(gateway, b"GET / HTTP/1.1\nHost: a\n\n").await;
    super::raw::send(gateway, b"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n").await;
    fixture.upstream.stop();
    let token = fixture.token(SHOP, "ada@acme.test").await;
    fixture.call("GET", "/books", &token).await;

    Scrape::of(&fixture).await.assert_are(&[
        ("countersign_listener_refusals_total{listener=\"gateway\",reason=\"malformed\"}", 1.0),
        ("countersign_calls_total{door=\"gateway\",status=\"4xx\"}", 1.0),
        ("countersign_calls_total{door=\"gateway\",status=\"5xx\"}", 1.0),
        ("countersign_upstream_requests_total{upstream=\"books\",status=\"failed\"}", 1.0),
        ("countersign_upstream_open_connections{upstream=\"books\"}", 0.0),
    ]);
}

#[tokio::test]
async fn clients_that_hang_up_before_an_answer_are_counted_too() {
    let silent = Upstream::answering("").await;
    let fixture = Fixture::before(silent, "").await;
    let mut client = tokio::net::TcpStream::connect(fixture.doors.gateway).await.unwrap();
    client.write_all(b"GET /hours HTTP/1.1\r\nHost: api.test\r\n\r\n").await.unwrap();
    while fixture.upstream.take().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(client);
    let abandoned = "countersign_calls_total{door=\"gateway\",status=\"abandoned\"}";
    let open = "countersign_upstream_open_connections{upstream=\"books\"}";
    let mut scrape = Scrape::of(&fixture).await;
    while scrape.value(abandoned) < 1.0 || scrape.value(open) > 0.0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        scrape = Scrape::of(&fixture).await;
    }
    scrape.assert_are(&[
        ("countersign_upstream_requests_total{upstream=\"books\",status=\"abandoned\"}", 1.0),
        ("countersign_call_duration_seconds_count{door=\"gateway\"}", 1.0),
    ]);
}

#[tokio::test]
async fn a_server_that_stops_is_not_ready_and_still_shows_how_it_ends() {
    let data = tempfile::tempdir().unwrap();
    let mut config = Config::from_toml("[operations]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.server.data = data.path().to_owned();
    let application = Application::start(&config).await.unwrap();
    let (main, operations) = (application.address(), application.operations_address().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(application.run(async { drop(stopped.await) }));
    let ready = async || reqwest::get(format!("http://{operations}/readyz")).await.unwrap().status().as_u16();
    assert_eq!(ready().await, 200);

    let mut under_way = tokio::net::TcpStream::connect(main).await.unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9";
    let request = format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\n{form}\r\n\r\n");
    under_way.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.send(()).unwrap();
    while ready().await == 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(ready().await, 503);
    let shown = reqwest::get(format!("http://{operations}/metrics")).await.unwrap().text().await.unwrap();
    assert!(shown.contains("countersign_listener_open_connections{listener=\"main\"} 1\n"), "{shown}");
    under_way.write_all(b"a=1&b=2&c").await.unwrap();
    let reply = super::raw::read(&mut under_way, Duration::from_millis(60)).await;
    assert_eq!(reply.status(), 400, "what was under way is answered");
    running.await.unwrap();
}

#[tokio::test]
async fn the_token_endpoint_counts_its_answers_by_grant_and_error() {
    let fixture = Fixture::start("").await;
    let code = [("grant_type", "authorization_code"), ("code", "x"), ("client_id", SHOP)];
    fixture.server.token("", &code).await;
    fixture.server.token("", &[("grant_type", "password")]).await;
    let scrape = Scrape::of(&fixture).await;
    scrape.assert_are(&[
        ("countersign_token_answers_total{grant=\"authorization_code\",error=\"invalid_grant\"}", 1.0),
        ("countersign_token_answers_total{grant=\"authorization_code\",error=\"none\"}", 0.0),
        ("countersign_token_answers_total{grant=\"unknown\",error=\"unsupported_grant_type\"}", 1.0),
    ]);
}

#[tokio::test]
async fn every_metric_of_the_table_is_shown_with_its_labels_and_no_other() {
    let fixture = Fixture::before(Upstream::start().await, "").await;
    fixture.server.token("", &[("grant_type", "password")]).await;
    let scrape = Scrape::of(&fixture).await;
    let mut shown = BTreeMap::new();
    for series in scrape.0.keys() {
        let name = series.split('{').next().unwrap();
        let bare = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        let names = labels(series).into_iter().map(|(name, _)| name).filter(|name| name != "le");
        shown.entry(bare.to_owned()).or_insert_with(BTreeSet::new).extend(names);
    }
    let table: BTreeMap<String, BTreeSet<String>> = ALL
        .iter()
        .map(|family| (family.name.to_owned(), family.labels.iter().map(|label| (*label).to_owned()).collect()))
        .collect();
    assert_eq!(shown, table);
    assert!(ALL.iter().any(|family| family.kind == Kind::Histogram));
}

#[tokio::test]
async fn f09_operators_find_nothing_else_on_their_listener_and_nobody_finds_it_elsewhere() {
    let fixture = Fixture::start("").await;
    let status = async |target: &str| {
        let address = format!("http://{}{target}", fixture.doors.operations);
        reqwest::get(address).await.unwrap().status().as_u16()
    };
    assert_eq!((status("/livez").await, status("/readyz").await), (200, 200));
    for target in ["/", "/healthz", "/oauth/token", "/api/v2/users/me", "/metrics/", "/static/style.css"] {
        assert_eq!(status(target).await, 404, "{target}");
    }
    assert_eq!(fixture.server.get("/metrics").await.status, 404);
    assert_eq!(fixture.call("GET", "/metrics", "").await.status(), 404);
}
