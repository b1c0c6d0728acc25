//! The formats of logs. Each file below reads one line, or, for HAR, one document, into entries.
//!
//! | file | format |
//! |---|---|
//! | `format/calls.rs` | `calls`: the lines of `countersign evaluate` |
//! | `format/decisions.rs` | `decisions`: our own decision log |
//! | `format/combined.rs` | `combined`: the common and combined format of Apache and nginx |
//! | `format/json.rs` | `json`: one object a line, as nginx, Caddy, Traefik, Envoy and others write it |
//! | `format/har.rs` | `har`: what browsers export, HAR 1.2 |

mod calls;
mod combined;
mod decisions;
mod har;
mod json;

use std::io::BufRead;

use clap::ValueEnum;

use super::entry::Entry;
use super::log::{Lines, Log};
use crate::cli::failure::Failure;

/// A format of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Told from the beginning of each log
    Auto,
    /// Lines of `countersign evaluate`; what they leave out is taken from the options
    Calls,
    /// The decision log of a server of ours; `--data` or `--database-url` says whose ids stand in it
    Decisions,
    /// Apache's and nginx' common and combined format
    Combined,
    /// One JSON object a line, as nginx, Caddy, Traefik, Envoy and others write it
    Json,
    /// HAR 1.2, as browsers export it
    Har,
}

/// What one line of a log is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A call.
    Call(Entry),
    /// A call that came without a live token.
    OfNoApp,
    /// In the right form, and yet no request.
    NoRequest,
}

/// Reads a log to its end and hands on each line with its number, counted from 1 (for HAR: each entry with its own).
///
/// # Errors
/// The first line that is not in the format, with its place and what would be right; whatever `take` answers.
pub(super) fn read(
    log: Log,
    format: Format,
    mut take: impl FnMut(u64, Line) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let format = if format == Format::Auto { detect(&log.head) } else { format };
    let parse: fn(&[u8]) -> Result<Line, String> = match format {
        Format::Har => return har::read(log, take),
        Format::Combined => combined::parse,
        Format::Json | Format::Auto => json::parse,
        Format::Calls => calls::parse,
        Format::Decisions => decisions::parse,
    };
    let (name, mut lines) = (log.name.clone(), Lines::new(log));
    let (mut has_lines, mut has_calls) = (false, false);
    while let Some((number, line)) = lines.next()? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line = parse(line).map_err(|message| Failure::bad_input(format!("{}: {message}", name.line(number))))?;
        has_lines = true;
        has_calls |= matches!(line, Line::Call(_));
        take(number, line)?;
    }
    if format == Format::Json && has_lines && !has_calls {
        let message = format!("{}: no line tells of a request: {}", name.line(1), json::EXPECTED);
        return Err(Failure::bad_input(message));
    }
    Ok(())
}

/// The format that a log begins in.
fn detect(head: &[u8]) -> Format {
    let head = head.trim_ascii();
    let Some(object) = head.strip_prefix(b"{") else {
        return if head.starts_with(b"[") { Format::Json } else { Format::Combined };
    };
    if object.trim_ascii_start().starts_with(b"\"log\"") {
        return Format::Har;
    }
    match serde_json::from_slice::<serde_json::Value>(head.split(|byte| *byte == b'\n').next().unwrap_or_default()) {
        Ok(line) if decisions::is_one(&line) => Format::Decisions,
        Ok(line) if ["organization", "client", "user", "scopes"].iter().any(|key| line.get(key).is_some()) => {
            let is_call = line.get("path").is_some() && line.get("method").is_some();
            if is_call { Format::Calls } else { Format::Json }
        }
        _ => Format::Json,
    }
}

/// A reader's message without the place that it names itself.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.clone(), |(message, _)| message.to_owned())
}

/// The rest of a document, from its beginning.
fn whole(log: Log) -> impl BufRead {
    std::io::Read::chain(std::io::Cursor::new(log.head), log.rest)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, prop_oneof, proptest};
    use proptest::strategy::{Just, Strategy};

    use super::*;
    use crate::cli::replay::entry::Base;

    /// Bytes, and pieces of what is meant to be there.
    fn lines() -> impl Strategy<Value = Vec<u8>> {
        let pieces = [
            "h - - [t] \"",
            "GET /",
            " HTTP/1.1\"",
            " 200",
            "\\x",
            "\\",
            "{\"request\":",
            "\"",
            "{\"method\":\"GET\",",
            "\"path\":\"/\"",
            "}",
            "{\"log\":{\"entries\":[",
            "]",
            "https://h",
            "\u{feff}",
            "\n",
        ];
        let piece = prop_oneof![
            vec(any::<u8>(), 0..6),
            (0..pieces.len()).prop_map(move |one| pieces[one].as_bytes().to_vec()),
            Just(b"\"status\":".to_vec()),
        ];
        vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_line_of_strangers_ends_the_process(line in lines()) {
            for parse in [calls::parse, decisions::parse, combined::parse, json::parse] {
                let _ = parse(&line);
            }
            detect(&line);
            if let Some(entry) = Entry::new("GET", &line, None) {
                let base = Base::parse("https://h/a").expect("a base");
                let _ = base.strip(entry.origin.as_deref(), &entry.target);
            }
        }
    }

    #[test]
    fn a_format_is_told_from_the_beginning() {
        for (head, format) in [
            ("{\"log\": {\"version\"", Format::Har),
            ("{\n  \"log\": {", Format::Har),
            (r#"{"organization":"acme","method":"GET","path":"/"}"#, Format::Calls),
            (r#"{"user":"ada@acme.test","method":"GET","path":"/"}"#, Format::Calls),
            (
                r#"{"at":"t","context":"c","door":"gateway","contract":"b","organization":"acme","method":"GET","path":"/","decision":"allow"}"#,
                Format::Decisions,
            ),
            (r#"{"method":"GET","path":"/","status":200}"#, Format::Json),
            (r#"{"user":"x","request":"GET / HTTP/1.1"}"#, Format::Json),
            (r#"{"broken"#, Format::Json),
            ("[]", Format::Json),
            ("127.0.0.1 - - [", Format::Combined),
            ("", Format::Combined),
        ] {
            assert_eq!(detect(head.as_bytes()), format, "{head}");
        }
    }
}
