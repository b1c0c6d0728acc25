//! The decision log for a receiver of telemetry: each record is an event of OTLP's logs, with what its line in the file says.

use serde_json::Value;

use super::Record;
use crate::config::{Config, ConfigError};
use crate::telemetry::messages::{INFO, KeyValue, LogRecord, number, text};
use crate::telemetry::otlp::Destination;
use crate::telemetry::outbox::{Outbox, Unsent};

/// What every record is.
const EVENT: &str = "countersign.decision";

/// Where records wait for the receiver, and what sends them; `None` where none is to have them.
///
/// # Errors
/// When it is to have them and is not named, or the file of certificates cannot be used.
pub fn receiver(config: &Config) -> anyhow::Result<Option<(Outbox<LogRecord>, Unsent<LogRecord>)>> {
    if !config.decision_log.otlp {
        return Ok(None);
    }
    let rule = "say where the receiver is, as `telemetry.endpoint`";
    let nowhere = || ConfigError::Invalid { key: "decision_log.otlp", value: "true".to_owned(), rule };
    let destination = Destination::of::<LogRecord>(&config.telemetry)?.ok_or_else(nowhere)?;
    Ok(Some(Outbox::new(destination)))
}

/// The event of a record.
pub(super) fn event(record: &Record) -> LogRecord {
    let at = u64::try_from(record.at.as_micros()).unwrap_or_default().saturating_mul(1_000);
    let (trace_id, span_id) = match record.trace {
        Some(trace) => (trace.trace.0.to_vec(), trace.span.0.to_vec()),
        None => (Vec::new(), Vec::new()),
    };
    let fields = match serde_json::to_value(record) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    LogRecord {
        time_unix_nano: at,
        observed_time_unix_nano: at,
        severity_number: INFO,
        severity_text: "INFO".to_owned(),
        body: Some(sentence(record).into()),
        attributes: fields.into_iter().filter_map(|(name, value)| attribute(&name, value)).collect(),
        flags: u32::from(record.trace.is_some_and(|trace| trace.is_sampled)),
        trace_id,
        span_id,
        event_name: EVENT.to_owned(),
    }
}

/// `deny missing_scope`
fn sentence(record: &Record) -> String {
    match record.reason {
        Some(reason) => format!("{} {reason}", record.decision),
        None => record.decision.to_owned(),
    }
}

/// A field of the line under the name that spans have for it. What has parts is told as JSON.
fn attribute(field: &str, value: Value) -> Option<KeyValue> {
    let name = match field {
        // both have a place of their own
        "at" | "trace" => return None,
        "method" => "http.request.method".to_owned(),
        "path" => "url.path".to_owned(),
        field => format!("countersign.{field}"),
    };
    match value {
        Value::Null => None,
        Value::String(value) => Some(text(name, value)),
        Value::Number(value) => value.as_i64().map(|value| number(name, value)),
        parts => Some(text(name, parts.to_string())),
    }
}
