//! `countersign probe`: requests that two programs could read differently, sent to an upstream as raw bytes. Whatever it serves
//! like the plain request is a way past a decision that was made about another target.
//!
//! | file | does |
//! |---|---|
//! | `probe/cases.rs` | what is sent |
//! | `probe/wire.rs` | bytes there and an answer back |
//! | `probe/text.rs` | what came of it, for a person to read |

mod cases;
mod text;
mod wire;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_decision::canonicalise;
use serde::Serialize;

use super::failure::Failure;
use crate::config::UpstreamUrl;
use cases::{Case, Expects, Known};
use wire::{Answer, Upstream};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The upstream, without a path: http://127.0.0.1:9000
    #[arg(value_name = "URL")]
    url: String,
    /// A path that it answers with 2xx and always the same body, and unlike others
    #[arg(long, value_name = "PATH")]
    path: String,
    /// A header of every request, such as `Authorization: Bearer …`; may be given several times
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// The `Host` of every request; default: that of the URL
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// PEM file of the authorities that the upstream is trusted by; default: the public ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What a probe showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// It was served as if it were the plain request, or a header changed what was served.
    Confused,
    /// It was answered 4xx or 5xx, or not at all.
    Refused,
    /// What must not count did not.
    Ignored,
    /// It was answered otherwise than the plain request.
    Different,
}

/// All that was found. Serializes as `--json` shows it.
#[derive(Debug, Serialize)]
struct Report<'a> {
    upstream: &'a str,
    path: &'a str,
    /// Whether any probe confused it.
    is_confused: bool,
    probes: Vec<Probed>,
}

#[derive(Debug, Serialize)]
struct Probed {
    name: &'static str,
    /// What of the request is unusual.
    sent: String,
    verdict: Verdict,
    /// `null` where the connection was closed without an answer.
    status: Option<u16>,
    why: &'static str,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let url = UpstreamUrl::try_from(arguments.url.clone())
        .map_err(|rule| Failure::bad_input(format!("`{}`: {rule}", arguments.url)))?;
    let known = known(arguments, &url)?;
    let upstream = Upstream::new(&url, arguments.ca.as_deref())?;
    let (plain, absent) = baseline(&known, &upstream, arguments)?;
    let probes: Vec<_> = cases::all(&known)
        .into_iter()
        .map(|case| {
            let answer = upstream.ask(&case.bytes);
            let verdict = verdict(case.expects, answer.as_ref(), &plain, &absent);
            let Case { name, sent, why, .. } = case;
            Probed { name, sent, verdict, status: answer.map(|answer| answer.status), why }
        })
        .collect();
    let is_confused = probes.iter().any(|probe| probe.verdict == Verdict::Confused);
    let report = Report { upstream: &arguments.url, path: &arguments.path, is_confused, probes };
    if arguments.json {
        let mut line = serde_json::to_vec(&report).map_err(std::io::Error::from)?;
        line.push(b'\n');
        std::io::stdout().lock().write_all(&line)?;
    } else {
        text::print(&report)?;
    }
    if is_confused { Err(Failure::AnsweredNo) } else { Ok(()) }
}

fn known(arguments: &Arguments, url: &UpstreamUrl) -> Result<Known, Failure> {
    let path = &arguments.path;
    let is_plain = canonicalise(path.as_bytes()).is_ok_and(|target| {
        !target.is_rewritten() && target.origin_form() == path && target.path() == path && !target.ends_with_slash()
    });
    if !is_plain || !path.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        let rule =
            "a path in canonical form with a letter in it, without a query and without `/` at its end: `/books/1`";
        return Err(Failure::bad_input(format!("`--path {path}`: {rule}")));
    }
    for header in &arguments.header {
        let is_token = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let is_header = header.split_once(": ").is_some_and(|(name, value)| {
            is_token(name) && !value.is_empty() && value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        });
        if !is_header {
            return Err(Failure::bad_input(format!("`--header {header}`: `Name: value` in ASCII is needed")));
        }
    }
    let host = arguments.host.clone().unwrap_or_else(|| url.authority.clone());
    if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::bad_input(format!("`--host {host}`: a host name is needed, with or without a port")));
    }
    Ok(Known { path: path.clone(), host, headers: arguments.header.clone() })
}

/// What the plain request is answered with, and a path that nobody serves.
fn baseline(known: &Known, upstream: &Upstream, arguments: &Arguments) -> Result<(Answer, Answer), Failure> {
    let ask = |target: &str| {
        let answer = upstream.try_ask(&known.plain("GET", target));
        answer.map_err(|error| Failure::bad_input(format!("`{}`: {error}", arguments.url)))
    };
    let bad = |what: String| Err(Failure::bad_input(format!("`--path {}`: {what}", arguments.path)));
    let (plain, again, absent) = (ask(&known.path)?, ask(&known.path)?, ask(&known.absent())?);
    if !(200..300).contains(&plain.status) {
        return bad(format!(
            "it is answered {}: name a path that is answered 2xx, and `--header` if it needs one",
            plain.status
        ));
    }
    if plain != again {
        return bad("two requests are answered differently: name a path whose body stays the same".to_owned());
    }
    if plain == absent {
        return bad("a path that does not exist is answered alike: name a path whose answer is its own".to_owned());
    }
    Ok((plain, absent))
}

fn verdict(expects: Expects, answer: Option<&Answer>, plain: &Answer, absent: &Answer) -> Verdict {
    let Some(answer) = answer else { return Verdict::Refused };
    let is_refused = answer.status >= 400;
    match expects {
        Expects::Another if answer == plain => Verdict::Confused,
        Expects::Absent if answer == plain => Verdict::Confused,
        Expects::Absent if answer == absent => Verdict::Ignored,
        Expects::Same if answer == plain => Verdict::Ignored,
        // another method was served, or looked for in vain
        Expects::Same if !is_refused || matches!(answer.status, 405 | 501) => Verdict::Confused,
        _ if is_refused => Verdict::Refused,
        _ => Verdict::Different,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_like_the_plain_request_is_confused() {
        let answer = |status, body: &str| Answer::new(status, body.as_bytes());
        let (plain, absent) = (answer(200, "book"), answer(404, ""));
        for (expects, answer, expected) in [
            (Expects::Another, Some(answer(200, "book")), Verdict::Confused),
            (Expects::Another, Some(answer(200, "list")), Verdict::Different),
            (Expects::Another, Some(answer(400, "")), Verdict::Refused),
            (Expects::Another, None, Verdict::Refused),
            (Expects::Absent, Some(answer(200, "book")), Verdict::Confused),
            (Expects::Absent, Some(answer(404, "")), Verdict::Ignored),
            (Expects::Absent, Some(answer(400, "")), Verdict::Refused),
            (Expects::Same, Some(answer(200, "book")), Verdict::Ignored),
            (Expects::Same, Some(answer(405, "")), Verdict::Confused),
            (Expects::Same, Some(answer(204, "")), Verdict::Confused),
            (Expects::Same, Some(answer(404, "")), Verdict::Refused),
            (Expects::Same, Some(answer(400, "")), Verdict::Refused),
        ] {
            assert_eq!(verdict(expects, answer.as_ref(), &plain, &absent), expected, "{expects:?} {answer:?}");
        }
    }
}
