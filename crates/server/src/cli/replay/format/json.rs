//! One JSON object a line. There is no standard; the keys are those that nginx, Caddy, Traefik, Envoy, Kong, the
//! Elastic Common Schema, Google Cloud, Cloudflare and Node.js loggers write. A line without any of them, such as one
//! about a server's start, is no request.

use serde_json::Value;

use super::{Line, without_place};
use crate::cli::replay::entry::{Entry, request_line, status};

/// What would be right, for messages.
pub(super) const EXPECTED: &str = r#"a line is one JSON object such as {"method":"GET","path":"/orders","status":200} or {"request":{"method":"GET","uri":"/orders"}} or {"request":"GET /orders HTTP/1.1"}"#;

type Key = &'static [&'static str];

/// Within each list the first that is there counts: what the client sent before what the server made of it.
const METHODS: &[Key] = &[
    &["request_method"],
    &["method"],
    &["request", "method"],
    &["req", "method"],
    &["RequestMethod"],
    &["httpRequest", "requestMethod"],
    &["http", "request", "method"],
    &["http.request.method"],
    &["httpMethod"],
    &["ClientRequestMethod"],
    &[":method"],
];
const TARGETS: &[Key] = &[
    &["request_uri"],
    &["request", "uri"],
    &["x_envoy_original_path"],
    &["RequestPath"],
    &["req", "url"],
    &["httpRequest", "requestUrl"],
    &["url", "original"],
    &["url.original"],
    &["request", "url"],
    &["request", "path"],
    &["ClientRequestURI"],
    &["uri"],
    &["path"],
    &[":path"],
    &["url"],
    &["url", "path"],
    &["url.path"],
];
const STATUSES: &[Key] = &[
    &["status"],
    &["status_code"],
    &["response_code"],
    &["DownstreamStatus"],
    &["response", "status"],
    &["res", "statusCode"],
    &["httpRequest", "status"],
    &["http", "response", "status_code"],
    &["http.response.status_code"],
    &["EdgeResponseStatus"],
];

pub(super) fn parse(line: &[u8]) -> Result<Line, String> {
    let object: Value = serde_json::from_slice(line).map_err(|error| {
        let is_nginx_escape = line.windows(2).any(|two| two == b"\\x");
        let hint = if is_nginx_escape { " (nginx writes JSON with `log_format … escape=json`)" } else { "" };
        format!("{} at column {}{hint}: {EXPECTED}", without_place(&error), error.column())
    })?;
    if !object.is_object() {
        return Err(format!("not an object: {EXPECTED}"));
    }
    let answered = STATUSES.iter().find_map(|key| find(&object, key)).and_then(|value| match value {
        Value::Number(number) => status(&number.to_string()),
        Value::String(text) => status(text),
        _ => None,
    });
    if let Some(line) = object.get("request").and_then(Value::as_str) {
        let entry = request_line(line.as_bytes()).and_then(|(method, target)| Entry::new(&method, target, answered));
        return Ok(entry.map_or(Line::NoRequest, Line::Call));
    }
    let text = |keys: &[Key]| keys.iter().find_map(|key| find(&object, key).and_then(Value::as_str));
    match (text(METHODS), text(TARGETS)) {
        (Some(method), Some(target)) => {
            let entry = Entry::new(method, target.as_bytes(), answered);
            Ok(entry.map_or(Line::NoRequest, Line::Call))
        }
        (Some(_), None) => Err(format!("there is a method and no path: {EXPECTED}")),
        (None, _) => Ok(Line::NoRequest),
    }
}

fn find<'v>(object: &'v Value, key: &[&str]) -> Option<&'v Value> {
    key.iter().try_fold(object, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_well_known_servers_are_read() {
        for line in [
            r#"{"time":"x","request_method":"GET","request_uri":"/a?b","uri":"/index","status":"200"}"#,
            r#"{"request":"GET /a?b HTTP/1.1","status":200}"#,
            r#"{"level":"info","request":{"method":"GET","host":"h","uri":"/a?b"},"status":200}"#,
            r#"{"RequestMethod":"GET","RequestPath":"/a?b","DownstreamStatus":200,"OriginStatus":500}"#,
            r#"{"method":"GET","path":"/a?b","response_code":200}"#,
            r#"{"request":{"method":"GET","url":"http://h/a?b"},"response":{"status":200}}"#,
            r#"{"req":{"method":"GET","url":"/a?b"},"res":{"statusCode":200}}"#,
            r#"{"httpRequest":{"requestMethod":"GET","requestUrl":"https://h/a?b","status":200}}"#,
            r#"{"http":{"request":{"method":"GET"},"response":{"status_code":200}},"url":{"original":"/a?b"}}"#,
            r#"{"http.request.method":"GET","url.original":"/a?b","http.response.status_code":200}"#,
            r#"{"ClientRequestMethod":"GET","ClientRequestURI":"/a?b","EdgeResponseStatus":200}"#,
        ] {
            let Ok(Line::Call(entry)) = parse(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(
                (entry.method.as_str(), entry.target.as_slice(), entry.status),
                ("GET", b"/a?b".as_slice(), Some(200)),
                "{line}"
            );
        }
    }

    #[test]
    fn other_lines_are_no_requests_and_broken_ones_are_refused() {
        assert_eq!(parse(br#"{"msg":"started"}"#), Ok(Line::NoRequest));
        assert_eq!(parse(br#"{"request":"-"}"#), Ok(Line::NoRequest));
        for line in ["{", "7", "[]", r#"{"method":"GET"}"#, r#"{"request":"\x16"}"#] {
            let message = parse(line.as_bytes()).expect_err(line);
            assert!(message.contains("a line is one JSON object"), "{message}");
        }
        assert!(parse(br#"{"request":"\x16"}"#).expect_err("not JSON").contains("escape=json"));
    }
}
