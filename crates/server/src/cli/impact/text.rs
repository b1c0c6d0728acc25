//! What a proposal changes, for a person to scan, coloured on a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{AppImpact, Entry, Impact};
use crate::cli::listing::{BOLD, Line, count, count_of, place, write_list};

/// The most people that are named; `--json` names all.
const MAX_PEOPLE: usize = 10;

/// Prints an impact to standard output.
pub(super) fn print(impact: &Impact<'_>) -> io::Result<()> {
    let mut text = String::new();
    write(&mut text, impact).expect("writing to a string cannot fail");
    anstream::stdout().lock().write_all(text.as_bytes())
}

fn write(text: &mut String, impact: &Impact<'_>) -> std::fmt::Result {
    let place = place(impact.organization_name, impact.organization);
    let apps = impact.apps.len() + impact.apps_without_difference;
    if impact.changes_nothing {
        let looked_at = count_of(apps, "app", "apps");
        return writeln!(
            text,
            "{BOLD}Nothing changes{BOLD:#} in {place}: {looked_at} can call what it was, for whom it was"
        );
    }
    let of = count_of(apps, "app", "apps");
    writeln!(text, "{BOLD}The proposal changes{BOLD:#} what {} of {of} can call in {place}", count(impact.apps.len()))?;
    impact.apps.iter().try_for_each(|app| write_app(text, app))
}

fn write_app(text: &mut String, app: &AppImpact<'_>) -> std::fmt::Result {
    let gained = app.operations.iter().filter(|one| one.gained > 0).count();
    let lost = app.operations.iter().filter(|one| one.lost > 0).count();
    let operations = count_of(gained, "operation", "operations");
    writeln!(
        text,
        "\n{BOLD}{}{BOLD:#}: {operations} gained, {} lost; {}, {}",
        app.name,
        count(lost),
        count_of(app.people_gaining.len(), "person gains", "people gain"),
        count_of(app.people_losing.len(), "loses", "lose"),
    )?;
    write_people(text, "gain", &app.people_gaining)?;
    write_people(text, "lose", &app.people_losing)?;
    write_list(text, &lines(&app.operations))?;
    if app.own.is_empty() {
        return Ok(());
    }
    let (gained, lost) = (app.gained_on_its_own_behalf.len(), app.lost_on_its_own_behalf.len());
    let operations = count_of(gained, "operation", "operations");
    writeln!(text, "{BOLD}On its own behalf{BOLD:#}: {operations} gained, {} lost", count(lost))?;
    let own = app.own.iter().map(|one| {
        let before = if one.is_gained { "+" } else { "-" };
        Line { tag: one.tag, operation: one.operation, before: before.to_owned() }
    });
    write_list(text, &own.collect::<Vec<_>>())
}

fn write_people(text: &mut String, verb: &str, people: &[String]) -> std::fmt::Result {
    if people.is_empty() {
        return Ok(());
    }
    let shown = people[..people.len().min(MAX_PEOPLE)].join(", ");
    match people.len().saturating_sub(MAX_PEOPLE) {
        0 => writeln!(text, "  {verb}  {shown}"),
        more => writeln!(text, "  {verb}  {shown} and {more} more"),
    }
}

/// `12 → 14  +2`: of how many people, and how many of them are new or gone.
fn lines<'a>(entries: &'a [Entry<'a>]) -> Vec<Line<'a>> {
    let signed =
        |sign: char, people: usize| if people == 0 { String::new() } else { format!("{sign}{}", count(people)) };
    let columns = |entry: &Entry<'_>| {
        let Entry { people_before, people_after, gained, lost, .. } = entry;
        [count(*people_before), count(*people_after), signed('+', *gained), signed('-', *lost)]
    };
    let rows: Vec<[String; 4]> = entries.iter().map(columns).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let [a, b, c, d] = [0, 1, 2, 3].map(width);
    let line = |(entry, [before, after, gained, lost]): (&'a Entry<'a>, &[String; 4])| {
        let changes = format!("{before:>a$} → {after:<b$}  {gained:<c$} {lost:<d$}");
        Line { tag: entry.tag, operation: entry.operation, before: changes }
    };
    entries.iter().zip(&rows).map(line).collect()
}
