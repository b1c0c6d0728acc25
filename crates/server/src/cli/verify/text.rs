//! Verdicts, for a person to read, coloured on a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::Verdicts;
use super::verdict::{Counterexample, Verdict};
use crate::cli::listing::{BOLD, FAINT, count, count_of};

const HOLDS: Style = AnsiColor::Green.on_default().bold();
const FAILS: Style = AnsiColor::Red.on_default().bold();

/// Prints verdicts to standard output. `file` is the name of the statements file.
pub(super) fn print(file: &str, verdicts: &Verdicts) -> io::Result<()> {
    let mut text = String::new();
    write(&mut text, file, verdicts).expect("writing to a string cannot fail");
    anstream::stdout().lock().write_all(text.as_bytes())
}

fn write(text: &mut String, file: &str, verdicts: &Verdicts) -> std::fmt::Result {
    verdicts.statements.iter().try_for_each(|verdict| write_verdict(text, file, verdict))?;
    let passed = verdicts.statements.iter().filter(|one| one.passes).count();
    let all = count_of(verdicts.statements.len(), "statement", "statements");
    writeln!(text, "{BOLD}{} of {all}{BOLD:#} passed", count(passed))
}

fn write_verdict(text: &mut String, file: &str, verdict: &Verdict) -> std::fmt::Result {
    let (style, word) = if verdict.passes { (HOLDS, "HOLDS") } else { (FAILS, "FAILS") };
    let kind = verdict.kind.as_str();
    let calls = usize::try_from(verdict.calls).unwrap_or(usize::MAX);
    let calls = count_of(calls, "call", "calls");
    let Verdict { statement, line, .. } = verdict;
    writeln!(text, "{style}{word}{style:#}  {kind}: {statement}  {FAINT}{file}:{line}, {calls}{FAINT:#}")?;
    if let Some(what) = verdict.selects_nothing {
        let rule = if verdict.passes { "as `may_be_empty` allows" } else { "a check that cannot fail is none" };
        writeln!(text, "       selects nothing, no {what}: {rule}")?;
    }
    let Some(example) = &verdict.counterexample else { return Ok(()) };
    let Counterexample { organization, client, operation, method, path, user, .. } = example;
    let can = if example.reason.is_some() { "cannot" } else { "can" };
    let whom = user.as_ref().map_or_else(|| "on its own behalf".to_owned(), |user| format!("for {user}"));
    writeln!(text, "       {client} in {organization} {can} call {operation} {whom}  {FAINT}{method} {path}{FAINT:#}")?;
    example.why.iter().try_for_each(|why| writeln!(text, "         {why}"))?;
    match verdict.against {
        1 => writeln!(text, "       it is the only such call"),
        against => writeln!(text, "       {} such calls in all", number(against)),
    }
}

fn number(calls: u64) -> String {
    count(usize::try_from(calls).unwrap_or(usize::MAX))
}
