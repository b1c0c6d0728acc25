//! The documentation against what it speaks of.
//!
//! `docs/reference/commands.md` is what `countersign --help` says, of every command, `docs/reference/metrics.md` the table of
//! metrics in the code, and the tables of `docs/reference/configuration.md` what the configuration's structs say. After a change
//! of any of them: `COUNTERSIGN_WRITE_REFERENCE=1 cargo test --test reference`, and look at the difference.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "reference/configuration.rs"]
mod configuration;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign_server::telemetry::counting::BOUNDS_MICROS;
use countersign_server::telemetry::families::{ALL, Family};

#[test]
fn the_page_of_metrics_is_the_table_in_the_code() {
    let page = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/metrics.md"));
    let bounds = BOUNDS_MICROS.map(|micros| (micros as f64 / 1e6).to_string()).join(", ");
    let mut generated = format!(
        "# Metrics\n\n\
         What `/metrics` shows on the operations listener (`operations.listen`), in Prometheus' text format. Each node counts for itself, from its start. Labels \
         have few values, and none of them is a person, an app, an organization, a path or anything that a caller sends. \
         [The guide](../guides/observe.md) says what to look at.\n\n\
         Histograms have buckets up to {bounds} seconds.\n\n\
         | metric | kind | labels | |\n|---|---|---|---|\n",
    );
    for Family { name, kind, labels, meaning } in ALL {
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        writeln!(generated, "| `{name}` | {} | {labels} | {meaning} |", kind.as_str()).expect("memory");
    }
    if std::env::var_os("COUNTERSIGN_WRITE_REFERENCE").is_some() {
        std::fs::write(page, &generated).expect("the page");
    }
    let written = std::fs::read_to_string(page).expect("the page");
    assert!(written == generated, "docs/reference/metrics.md is not the table in the code: see the head of this file");
}

#[test]
fn the_page_of_commands_is_what_the_commands_say_of_themselves() {
    let page = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/commands.md"));
    let mut generated = String::from(
        "# Commands\n\n\
         What `--help` says of each. Exit status: 0 done, 2 bad input (with file, line and what would be right), 1 anything else.\n",
    );
    describe(&[], &mut generated);
    compare(page, &generated);
}

#[test]
fn the_page_of_the_configuration_has_every_key_its_words_and_its_default() {
    const BEGIN: &str = "<!-- generated from crates/server/src/config: see crates/server/tests/reference.rs -->\n";
    const END: &str = "\n<!-- end of what is generated -->";
    let page = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md"));
    let written = std::fs::read_to_string(page).expect("the page");
    let (before, rest) = written.split_once(BEGIN).expect("the beginning of what is generated");
    let (_, after) = rest.split_once(END).expect("its end");
    compare(page, &format!("{before}{BEGIN}{}{END}{after}", configuration::page(&help(&["serve"]))));
}

/// Writes the page where that is asked for; it must be what was generated.
fn compare(page: &Path, generated: &str) {
    if std::env::var_os("COUNTERSIGN_WRITE_REFERENCE").is_some() {
        std::fs::write(page, generated).expect("the page");
    }
    let written = std::fs::read_to_string(page).expect("the page");
    assert!(written == generated, "{} is not what the code says: see the head of this file", page.display());
}

fn help(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(command)
        .arg("--help")
        .env_clear() // The help shows what the environment sets.
        .env("COLUMNS", "110")
        .output()
        .expect("the binary");
    assert!(output.status.success(), "`{command:?} --help` fails");
    String::from_utf8(output.stdout).expect("text")
}

/// The help of a command, then that of the commands below it.
fn describe(command: &[&str], page: &mut String) {
    let help = help(command);
    let title = ["countersign"].iter().chain(command).copied().collect::<Vec<_>>().join(" ");
    let lines = help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    write!(page, "\n## {title}\n\n```text\n{}\n```\n", lines.trim_end()).expect("memory");

    for name in commands_below(&help) {
        describe(&[command, &[name]].concat(), page);
    }
}

/// The names in the list under `Commands:`.
fn commands_below(help: &str) -> impl Iterator<Item = &str> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut broken = Vec::new();
    for page in pages(root) {
        let text = std::fs::read_to_string(&page).expect("the page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().expect("a folder").join(file) };
            let leads = if heading.is_empty() { target.exists() } else { has_heading(&target, heading) };
            if !leads {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
}

/// The Markdown pages at the root and below `docs`.
fn pages(root: &Path) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![root.join("docs")], Vec::new());
    let mut take = |folder: &Path, folders: &mut Vec<PathBuf>, goes_deeper: bool| {
        for entry in std::fs::read_dir(folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            } else if goes_deeper && path.is_dir() {
                folders.push(path);
            }
        }
    };
    take(root, &mut folders, false);
    while let Some(folder) = folders.pop() {
        take(&folder, &mut folders, true);
    }
    found
}

/// Whether a page has a heading that is linked to by this fragment.
fn has_heading(page: &Path, fragment: &str) -> bool {
    let text = std::fs::read_to_string(page).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
        .any(|heading| {
            let kept = heading.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != ' ' && c != '-', "");
            kept.replace(' ', "-") == fragment
        })
}
