//! What an app can do, for a person to scan, coloured on a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use countersign_decision::{Reason, Requirement};

use super::{Entry, Surface};
use crate::cli::explain::sentence;
use crate::cli::listing::{BOLD, FAINT, Line, count, count_of, place, reads_and_writes, write_list};

/// Prints a surface to standard output.
pub(super) fn print(surface: &Surface<'_>) -> io::Result<()> {
    let mut text = String::new();
    write(&mut text, surface).expect("writing to a string cannot fail");
    anstream::stdout().lock().write_all(text.as_bytes())
}

fn write(text: &mut String, surface: &Surface<'_>) -> std::fmt::Result {
    let Surface { organization, organization_name, client_name, user, .. } = surface;
    let place = place(organization_name, organization);
    let whom = user.map(|user| format!(" for {user}")).unwrap_or_default();
    let operations = counts(surface, &surface.operations, &whom);
    let people = match user {
        Some(_) => String::new(),
        None => format!("; for {} of {}", count(surface.people_reached), count_of(surface.people, "person", "people")),
    };
    writeln!(text, "{BOLD}{client_name}{BOLD:#} in {place} can call {operations}{people}")?;
    if let Some(reason) = surface.reason {
        write_reason(text, reason)?;
    }
    match user {
        Some(_) => write_list(text, &lines(&surface.operations, None)),
        None => {
            write_list(text, &lines(&surface.operations, Some(surface.people)))?;
            writeln!(text, "{BOLD}On its own behalf{BOLD:#}: {}", counts(surface, &surface.own, ""))?;
            if !surface.gets_own_token {
                writeln!(
                    text,
                    "  {FAINT}it is not registered for client_credentials, so it gets no token for that{FAINT:#}"
                )?;
            }
            write_list(text, &lines(&surface.own, None))
        }
    }
}

/// `3 of 9 operations: 2 read, 1 write, 1 of them public`
fn counts(surface: &Surface<'_>, entries: &[Entry<'_>], whom: &str) -> String {
    let of = count_of(surface.operations_of_contract, "operation", "operations");
    let all = format!("{} of {of}{whom}", count(entries.len()));
    let public = entries.iter().filter(|entry| entry.operation.requirement == Requirement::Public).count();
    let public = if public == 0 { String::new() } else { format!(", {} of them public", count(public)) };
    match entries.len() {
        0 => all,
        _ => format!("{all}: {}{public}", reads_and_writes(entries.iter().map(|entry| entry.operation))),
    }
}

fn write_reason(text: &mut String, reason: Reason) -> std::fmt::Result {
    writeln!(text, "  {FAINT}reason{FAINT:#}  {reason}: {}", sentence(reason))
}

/// `people`: of how many; nothing where nobody counts.
fn lines<'a>(entries: &'a [Entry<'a>], people: Option<usize>) -> Vec<Line<'a>> {
    const PUBLIC: &str = "public";
    let before = |entry: &Entry<'_>| match people {
        None => String::new(),
        Some(_) if entry.operation.requirement == Requirement::Public => PUBLIC.to_owned(),
        Some(_) => count(entry.people),
    };
    let befores: Vec<_> = entries.iter().map(before).collect();
    let width = befores.iter().map(String::len).max().unwrap_or(0);
    let line = |(entry, before): (&'a Entry<'a>, String)| Line {
        tag: entry.tag,
        operation: entry.operation,
        before: format!("{before:>width$}"),
    };
    entries.iter().zip(befores).map(line).collect()
}
