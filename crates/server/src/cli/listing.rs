//! Many operations as a person scans them: under the contract's tags, what reads apart from what writes.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::Style;
use countersign_decision::{Contract, Operation};
use serde::Serialize;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();

/// Whether calling an operation is meant to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Access {
    /// GET, HEAD and OPTIONS.
    Read,
    /// Everything else.
    Write,
}

/// Under which heading each operation of a contract stands.
pub(super) struct Headings {
    /// How many segments all paths of the contract have in common: they tell nothing apart.
    common: usize,
}

/// One line of a list: an operation, and what is said of it before its name.
pub(super) struct Line<'a> {
    pub(super) tag: &'a str,
    pub(super) operation: &'a Operation,
    /// Of the same width on every line of a list, as it is seen.
    pub(super) before: String,
}

impl Access {
    pub(super) fn of(operation: &Operation) -> Self {
        if operation.method.is_mutating() { Self::Write } else { Self::Read }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl Headings {
    pub(super) fn new(contract: &Contract) -> Self {
        let mut paths = contract.operations().iter().map(|one| segments(&one.path).collect::<Vec<_>>());
        let mut common = paths.next().unwrap_or_default();
        for path in paths {
            let alike = common.iter().zip(&path).take_while(|(one, other)| one == other).count();
            common.truncate(alike);
        }
        Self { common: common.len() }
    }

    /// An operation's first tag; where it has none, the first segment of its path that tells it from others.
    pub(super) fn of<'a>(&self, operation: &'a Operation) -> &'a str {
        let segment = || segments(&operation.path).nth(self.common).filter(|segment| !segment.starts_with('{'));
        operation.tags.first().map(String::as_str).or_else(segment).unwrap_or("untagged")
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Writes a list: tags in alphabetical order, within each what reads before what writes, in the contract's order.
pub(super) fn write_list(text: &mut String, lines: &[Line<'_>]) -> std::fmt::Result {
    let mut by_tag: BTreeMap<&str, BTreeMap<Access, Vec<&Line<'_>>>> = BTreeMap::new();
    for line in lines {
        by_tag.entry(line.tag).or_default().entry(Access::of(line.operation)).or_default().push(line);
    }
    let width = lines.iter().map(|line| line.operation.id.chars().count()).max().unwrap_or(0).min(MAX_ID_WIDTH);
    for (tag, by_access) in by_tag {
        let counts = by_access.iter().map(|(access, lines)| format!("{} {}", count(lines.len()), access.as_str()));
        writeln!(text, "{BOLD}{tag}{BOLD:#}: {}", counts.collect::<Vec<_>>().join(", "))?;
        for (access, lines) in by_access {
            writeln!(text, "  {FAINT}{}{FAINT:#}", access.as_str())?;
            for Line { operation, before, .. } in lines {
                let Operation { id, method, path, .. } = operation;
                writeln!(text, "  {before}  {id:<width$}  {FAINT}{:<6} {path}{FAINT:#}", method.as_str())?;
            }
        }
    }
    Ok(())
}

/// A longer id pushes the path on its own line only.
const MAX_ID_WIDTH: usize = 60;

/// `90 read, 30 write`
pub(super) fn reads_and_writes<'a>(operations: impl Iterator<Item = &'a Operation>) -> String {
    let mut counts = [0_usize; 2];
    operations.for_each(|operation| counts[usize::from(Access::of(operation) == Access::Write)] += 1);
    format!("{} read, {} write", count(counts[0]), count(counts[1]))
}

/// An organization for people: `Acme Corp (acme)`
pub(super) fn place(name: &str, id: &str) -> String {
    if name == id { id.to_owned() } else { format!("{name} ({id})") }
}

/// `3,180`
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 operation`, `3,180 operations`
pub(super) fn count_of(number: usize, one: &str, many: &str) -> String {
    let mut text = count(number);
    write!(text, " {}", if number == 1 { one } else { many }).expect("writing to a string cannot fail");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_groups_of_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (3_180, "3,180"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!((count_of(1, "app", "apps"), count_of(0, "app", "apps")), ("1 app".to_owned(), "0 apps".to_owned()));
    }
}
