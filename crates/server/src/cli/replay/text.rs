//! A report for a person to read, coloured on a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::report::{Report, SubjectUse, Used};
use super::tally::Example;
use super::verdict::{Changes, Why};
use crate::cli::missing::missing_in_words;

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const DENIED: Style = AnsiColor::Red.on_default().bold();
const ALLOWED: Style = AnsiColor::Green.on_default().bold();

/// The most lines of a list; `--json` has all of it.
const MAX_LINES: usize = 12;
/// The most names on a line.
const MAX_NAMES: usize = 12;

/// Prints a report to standard output.
pub(super) fn print(report: &Report<'_>) -> io::Result<()> {
    let mut text = String::new();
    write(&mut text, report).expect("writing to a string cannot fail");
    anstream::stdout().lock().write_all(text.as_bytes())
}

fn write(text: &mut String, report: &Report<'_>) -> std::fmt::Result {
    let Report { organization, organization_name, client, calls, now, .. } = report;
    let whose = report.user.map(|user| format!(" for {user}")).unwrap_or_default();
    let read = calls_in_words(calls.read);
    writeln!(text, "{BOLD}{client}{BOLD:#} in {organization_name} ({organization}){whose}: {read}")?;
    line(text, "now", &format!("{} allowed, {} denied", now.allowed, now.denied))?;
    if calls.counted < calls.read {
        let statuses = calls.not_counted_by_status.iter();
        let statuses: Vec<_> = statuses.map(|(status, calls)| format!("{status} ({calls})")).collect();
        let not_counted = calls.read - calls.counted;
        line(text, "not counted", &format!("{not_counted}, answered {}", statuses.join(", ")))?;
    }
    let skipped = &calls.skipped;
    for (count, what) in [
        (skipped.other_organization, "of other organizations"),
        (skipped.other_client, "of other apps"),
        (skipped.not_below_base, "of something else than `--base`"),
        (skipped.no_request, "no request"),
        (skipped.of_no_app, "without a live token"),
        (skipped.other_contract, "of other contracts"),
    ] {
        if count > 0 {
            line(text, "passed over", &format!("{count} {what}"))?;
        }
    }

    heading(text, &format!("Operations used: {}", report.operations.len()))?;
    write_operations(text, &report.operations)?;
    if !report.operations_not_counted.is_empty() {
        heading(text, &format!("Never counted, so not covered: {}", report.operations_not_counted.len()))?;
        write_operations(text, &report.operations_not_counted)?;
    }
    write_scopes(text, report)?;
    write_permissions(text, report)?;
    if !report.unmatched.is_empty() {
        let calls: u64 = report.unmatched.iter().map(|one| one.calls).sum();
        heading(text, &format!("No scope and no permission opens: {}", calls_in_words(calls)))?;
        for one in &report.unmatched {
            writeln!(text, "  {:>8}  {}", one.calls, one.reason)?;
            one.examples.iter().try_for_each(|example| writeln!(text, "            {}", in_words(example)))?;
        }
    }
    report.proposal.as_ref().map_or(Ok(()), |changes| write_changes(text, changes))
}

fn write_operations(text: &mut String, operations: &[Used<'_>]) -> std::fmt::Result {
    for one in operations.iter().take(MAX_LINES) {
        writeln!(text, "  {:>8}  {}  {FAINT}{} {}{FAINT:#}", one.calls, one.id, one.method, one.path)?;
    }
    more(text, operations.len())
}

fn write_scopes(text: &mut String, report: &Report<'_>) -> std::fmt::Result {
    let scopes = &report.scopes;
    heading(text, "Scopes of the app")?;
    line(text, "smallest set", &with_proof(&scopes.smallest, scopes.is_minimal))?;
    line(text, "granted", &names(&scopes.granted))?;
    if !scopes.is_authorized && !scopes.granted.is_empty() {
        line(text, "", "the organization's authorization is not in force")?;
    }
    line(text, "not needed", &names(&scopes.unneeded))?;
    line(text, "never used", &names(&scopes.unused))?;
    if !scopes.unknown_to_contract.is_empty() {
        let unknown = names(&scopes.unknown_to_contract);
        line(text, "", &format!("not of this contract, so these calls say nothing about them: {unknown}"))?;
    }
    write_missing(text, &scopes.missing)
}

fn write_permissions(text: &mut String, report: &Report<'_>) -> std::fmt::Result {
    heading(text, "Permissions")?;
    let permissions = &report.permissions;
    line(text, "smallest set", &with_proof(&permissions.smallest, permissions.is_minimal))?;
    for subject in report.subjects.iter().take(MAX_LINES) {
        write_subject(text, subject, report.subjects.len() > 1)?;
    }
    more(text, report.subjects.len())
}

fn write_subject(text: &mut String, subject: &SubjectUse<'_>, is_one_of_several: bool) -> std::fmt::Result {
    let who = subject.user.unwrap_or("the app itself");
    line(text, "who", &format!("{BOLD}{who}{BOLD:#}, {}", calls_in_words(subject.calls)))?;
    if is_one_of_several {
        line(text, "smallest set", &with_proof(&subject.smallest, subject.is_minimal))?;
    }
    line(text, "roles", &quoted(&subject.roles))?;
    if !subject.unneeded_roles.is_empty() {
        line(text, "not needed", &quoted(&subject.unneeded_roles))?;
    }
    let held = subject.needed.len() + subject.unneeded.len();
    let counts =
        format!("{held} permissions, {} not needed, {} never used", subject.unneeded.len(), subject.unused.len());
    line(text, "held", &counts)?;
    if !subject.unneeded.is_empty() {
        line(text, "not needed", &names(&subject.unneeded))?;
    }
    write_missing(text, &subject.missing)
}

fn write_missing(text: &mut String, missing: &[Vec<Vec<String>>]) -> std::fmt::Result {
    for alternatives in missing.iter().take(MAX_LINES) {
        let alternatives: Vec<_> = alternatives.iter().map(|names| names.join(" and ")).collect();
        line(text, "missing", &alternatives.join(" or "))?;
    }
    more(text, missing.len())
}

fn write_changes(text: &mut String, changes: &Changes<'_>) -> std::fmt::Result {
    heading(text, "Under the proposal")?;
    line(text, "allowed", &format!("{}, {} of them denied now", changes.allowed, changes.newly_allowed))?;
    line(text, "denied", &format!("{}, {} of them allowed now", changes.denied, changes.newly_denied))?;
    for (reason, calls) in &changes.denied_by_reason {
        writeln!(text, "  {calls:>8}  {reason}")?;
    }
    for one in changes.denials.iter().take(MAX_LINES) {
        let word = if one.is_new { "NEWLY DENIED" } else { "STILL DENIED" };
        let why = why_in_words(&one.why);
        writeln!(text, "{DENIED}{word}{DENIED:#}  {} ×  {}: {why}", one.calls, one.operation)?;
        one.examples.iter().take(1).try_for_each(|example| writeln!(text, "            {}", in_words(example)))?;
    }
    more(text, changes.denials.len())?;
    for one in changes.allowances.iter().take(MAX_LINES) {
        let why = why_in_words(&one.denied_now);
        writeln!(text, "{ALLOWED}NEWLY ALLOWED{ALLOWED:#}  {} ×  {}: now {why}", one.calls, one.operation)?;
        one.examples.iter().take(1).try_for_each(|example| writeln!(text, "            {}", in_words(example)))?;
    }
    more(text, changes.allowances.len())
}

/// `missing_scope, lacks scope orders, and permission orders:order:add`
fn why_in_words(why: &Why) -> String {
    let by = why.decided_by.as_ref().map(|id| format!(", by {id}, which the request matches too")).unwrap_or_default();
    let missing = why.missing.as_ref().map(missing_in_words).filter(|words| !words.is_empty());
    format!("{}{}{by}", why.reason, missing.map(|words| format!(", lacks {words}")).unwrap_or_default())
}

fn heading(text: &mut String, title: &str) -> std::fmt::Result {
    writeln!(text, "{BOLD}{title}{BOLD:#}")
}

fn line(text: &mut String, label: &str, value: &str) -> std::fmt::Result {
    writeln!(text, "  {FAINT}{label:<13}{FAINT:#} {value}")
}

fn more(text: &mut String, all: usize) -> std::fmt::Result {
    match all.saturating_sub(MAX_LINES) {
        0 => Ok(()),
        more => writeln!(text, "  … and {more} more, which `--json` names"),
    }
}

fn names(all: &[&str]) -> String {
    let shown = all.iter().take(MAX_NAMES).copied().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(MAX_NAMES) {
        _ if all.is_empty() => "none".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn quoted(roles: &[&str]) -> String {
    let roles: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
    names(&roles.iter().map(String::as_str).collect::<Vec<_>>())
}

fn with_proof(all: &[&str], is_minimal: bool) -> String {
    let doubt = if is_minimal { "" } else { " (the search was cut short: a smaller set may exist)" };
    match all.len() {
        0 => "none".to_owned(),
        count if count > MAX_NAMES => format!("{count}: {}{doubt}", names(all)),
        _ => format!("{}{doubt}", names(all)),
    }
}

fn calls_in_words(calls: u64) -> String {
    if calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") }
}

fn in_words(example: &Example) -> String {
    format!("{FAINT}{}{FAINT:#}  {} {}", example.at, example.method, example.path)
}
