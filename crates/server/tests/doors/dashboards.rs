//! The dashboard and the alerts in `deploy/`: every query names what a running server shows.

use std::path::Path;

use countersign_server::telemetry::families::{ALL, Family, Kind};
use serde_json::Value;

use super::fixture::Fixture;
use super::metrics::Scrape;

/// What Prometheus adds to every series.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

fn read(file: &str) -> String {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every text under a key of this name.
fn texts_of<'v>(key: &str, value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(key).and_then(Value::as_str));
            members.values().for_each(|member| texts_of(key, member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| texts_of(key, item, found)),
        _ => {}
    }
}

/// One metric in a query.
#[derive(Debug)]
struct Used<'q> {
    name: &'q str,
    /// What stands before it: `rate`, `max` and so on.
    function: &'q str,
    /// `name`, and the values that are asked for, where they are not negated.
    matchers: Vec<(&'q str, Vec<&'q str>)>,
}

fn used(query: &str) -> Vec<Used<'_>> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut found = Vec::new();
    for (at, _) in query.match_indices("countersign_").chain(query.match_indices("process_")) {
        if query[..at].ends_with(is_word) {
            continue;
        }
        let name = query[at..].split(|character| !is_word(character)).next().unwrap();
        let before = query[..at].strip_suffix('(').unwrap_or_default();
        let function = before.rsplit(|character| !is_word(character)).next().unwrap();
        let rest = &query[at + name.len()..];
        let inside = rest.strip_prefix('{').map_or("", |rest| rest.split('}').next().unwrap());
        let matchers = inside.split_terminator(',').map(|matcher| {
            let (label, value) = matcher.split_once('=').unwrap();
            let values = value.trim_start_matches('~').trim_matches('"');
            let is_open = label.ends_with('!') || values.starts_with('$');
            (label.trim_end_matches('!'), if is_open { Vec::new() } else { values.split('|').collect() })
        });
        found.push(Used { name, function, matchers: matchers.collect() });
    }
    found
}

/// The family of a name, which for a histogram has a suffix.
fn family_of(name: &str) -> Option<&'static Family> {
    let suffixes = ["_bucket", "_sum", "_count"];
    ALL.iter().copied().find(|family| match family.kind {
        Kind::Histogram => name.strip_prefix(family.name).is_some_and(|suffix| suffixes.contains(&suffix)),
        Kind::Counter | Kind::Gauge => family.name == name,
    })
}

/// What is wrong with a query.
fn check(query: &str, scrape: &Scrape) -> Result<(), String> {
    let used = used(query);
    let mut labels: Vec<&str> = OF_PROMETHEUS.into();
    for Used { name, function, matchers } in &used {
        let family = family_of(name).ok_or(format!("there is no `{name}`"))?;
        if matches!(*function, "rate" | "increase") == (family.kind == Kind::Gauge) {
            return Err(format!("`{name}` is a {}, and stands in `{function}`", family.kind.as_str()));
        }
        labels.extend(family.labels);
        labels.extend((family.kind == Kind::Histogram).then_some("le"));
        let series = scrape.series(name);
        for (label, values) in matchers.iter().filter(|(label, _)| !OF_PROMETHEUS.contains(label)) {
            let is_shown = |value: &str| series.iter().flatten().any(|(name, shown)| name == label && shown == value);
            if let Some(value) = values.iter().find(|value| !is_shown(value)) {
                return Err(format!("no `{name}` has `{label}=\"{value}\"`"));
            }
            if !family.labels.contains(label) {
                return Err(format!("`{name}` has no label `{label}`"));
            }
        }
    }
    let grouped = ["by (", "on ("].into_iter().flat_map(|word| query.split(word).skip(1));
    let grouped = grouped.filter_map(|rest| rest.split(')').next()).flat_map(|list| list.split(", "));
    for label in grouped {
        if !labels.contains(&label) {
            return Err(format!("nothing there has the label `{label}`"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_query_of_the_dashboard_and_the_alerts_names_what_a_server_shows() {
    let scrape = Scrape::of(&Fixture::start("").await).await;
    let dashboard: Value = serde_json::from_str(&read("grafana/countersign.json")).unwrap();
    let alerts: Value = serde_saphyr::from_str(&read("prometheus/alerts.yaml")).unwrap();
    let (mut queries, mut alerting) = (Vec::new(), Vec::new());
    texts_of("expr", &dashboard, &mut queries);
    texts_of("expr", &alerts, &mut alerting);
    assert!(queries.len() > 20 && alerting.len() > 5);
    queries.extend(&alerting);
    let wrong: Vec<String> =
        queries.iter().filter_map(|query| Some(format!("{query}: {}", check(query, &scrape).err()?))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let asked: Vec<&str> = queries.iter().flat_map(|query| used(query)).map(|used| used.name).collect();
    let is_asked = |family: &&Family| asked.iter().any(|name| family_of(name) == Some(*family));
    let unasked: Vec<&str> = ALL.iter().filter(|family| !is_asked(family)).map(|family| family.name).collect();
    assert_eq!(unasked, ["countersign_listener_connections_total", "process_open_fds", "process_start_time_seconds"]);
}

#[tokio::test]
async fn a_query_of_something_else_is_found() {
    let scrape = Scrape::of(&Fixture::start("").await).await;
    for (query, expected) in [
        ("rate(countersign_call_total[5m])", "there is no `countersign_call_total`"),
        ("countersign_calls_total", "is a counter"),
        ("rate(countersign_snapshots[5m])", "is a gauge"),
        ("rate(countersign_call_duration_seconds[5m])", "there is no"),
        ("rate(countersign_calls_total{door=\"window\"}[5m])", "door=\"window\""),
        ("sum by (door, user) (rate(countersign_calls_total[5m]))", "the label `user`"),
    ] {
        let error = check(query, &scrape).unwrap_err();
        assert!(error.contains(expected), "{query}: {error}");
    }
}

#[test]
fn prometheus_scrapes_the_address_that_the_guide_names() {
    let config: Value = serde_saphyr::from_str(&read("prometheus/prometheus.yaml")).unwrap();
    assert_eq!(config["scrape_configs"][0]["static_configs"][0]["targets"][0], "127.0.0.1:9464");
    assert!(read("../docs/guides/observe.md").contains("listen = \"127.0.0.1:9464\""));
}
