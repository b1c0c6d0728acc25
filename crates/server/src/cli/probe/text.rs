//! What came of the probes, for a person to read.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Probed, Report, Verdict};
use crate::cli::listing::{BOLD, FAINT, count_of};

const BAD: Style = AnsiColor::Red.on_default().bold();

pub(super) fn print(report: &Report<'_>) -> io::Result<()> {
    let mut text = String::new();
    write(&mut text, report).expect("writing to a string cannot fail");
    anstream::stdout().lock().write_all(text.as_bytes())
}

fn write(text: &mut String, report: &Report<'_>) -> std::fmt::Result {
    for probe in &report.probes {
        let Probed { name, sent, verdict, status, why } = probe;
        let (word, style) = match verdict {
            Verdict::Confused => ("CONFUSED", BAD),
            Verdict::Refused => ("refused", FAINT),
            Verdict::Ignored => ("ignored", FAINT),
            Verdict::Different => ("different", FAINT),
        };
        let status = status.map_or_else(|| "---".to_owned(), |status| status.to_string());
        writeln!(text, "{style}{word:<9}{style:#}  {status}  {name:<24}  {sent}")?;
        if *verdict == Verdict::Confused {
            writeln!(text, "                {why}")?;
        }
    }
    let confused = report.probes.iter().filter(|probe| probe.verdict == Verdict::Confused).count();
    let of = count_of(report.probes.len(), "probe", "probes");
    writeln!(text, "{BOLD}{confused} of {of} confused {}{BOLD:#}", report.upstream)
}
