//! Prometheus' text format 0.0.4, which every collector of metrics reads.

use std::fmt::{Display, Write};
use std::time::Duration;

use super::counting::{BOUNDS_MICROS, Durations};
use super::families::{Family, Kind};

/// The media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text that grows family by family.
#[derive(Debug, Default)]
pub struct Exposition(String);

/// One family of the text, to which samples are added.
pub struct Samples<'t> {
    text: &'t mut String,
    family: &'static Family,
}

impl Exposition {
    /// Begins a family; all its samples stand together, behind what it means.
    pub fn family(&mut self, family: &'static Family) -> Samples<'_> {
        let Family { name, kind, meaning, .. } = family;
        put(&mut self.0, format_args!("# HELP {name} {meaning}\n# TYPE {name} {}\n", kind.as_str()));
        Samples { text: &mut self.0, family }
    }

    /// The whole text.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl Samples<'_> {
    /// Adds one sample; `labels` are the values of the family's labels, in its order.
    pub fn add(&mut self, labels: &[&str], value: impl Display) {
        self.line("", labels, None, value);
    }

    /// Adds the samples of one histogram.
    pub fn add_durations(&mut self, labels: &[&str], durations: &Durations) {
        debug_assert_eq!(self.family.kind, Kind::Histogram);
        let cumulative = durations.cumulative();
        for (micros, count) in BOUNDS_MICROS.into_iter().zip(cumulative) {
            self.line("_bucket", labels, Some(&seconds(Duration::from_micros(micros))), count);
        }
        let all = cumulative[BOUNDS_MICROS.len()];
        self.line("_bucket", labels, Some("+Inf"), all);
        self.line("_sum", labels, None, durations.sum().as_secs_f64());
        self.line("_count", labels, None, all);
    }

    fn line(&mut self, suffix: &str, labels: &[&str], bound: Option<&str>, value: impl Display) {
        debug_assert_eq!(labels.len(), self.family.labels.len(), "{}", self.family.name);
        let named = self.family.labels.iter().copied().zip(labels.iter().copied());
        let pairs: Vec<String> =
            named.chain(bound.map(|bound| ("le", bound))).map(|(name, value)| pair(name, value)).collect();
        put(self.text, format_args!("{}{suffix}", self.family.name));
        if !pairs.is_empty() {
            put(self.text, format_args!("{{{}}}", pairs.join(",")));
        }
        put(self.text, format_args!(" {value}\n"));
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("INVARIANT: memory takes every text");
}

fn pair(name: &str, value: &str) -> String {
    let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
    format!("{name}=\"{value}\"")
}

fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    static CALLS: Family = Family { name: "calls_total", kind: Kind::Counter, labels: &["door"], meaning: "Calls." };
    static TOOK: Family = Family { name: "took_seconds", kind: Kind::Histogram, labels: &[], meaning: "How long." };

    #[test]
    fn a_family_is_its_meaning_its_kind_and_its_samples() {
        let mut text = Exposition::default();
        let mut samples = text.family(&CALLS);
        samples.add(&["gateway"], 3);
        samples.add(&["a \"b\" \\ \n"], 0);
        let expected = "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{door=\"gateway\"} 3\n\
                        calls_total{door=\"a \\\"b\\\" \\\\ \\n\"} 0\n";
        assert_eq!(text.into_text(), expected);
    }

    #[test]
    fn a_histogram_ends_with_infinity_sum_and_count() {
        let (mut text, durations) = (Exposition::default(), Durations::default());
        durations.observe(Duration::from_micros(75));
        durations.observe(Duration::from_secs(20));
        text.family(&TOOK).add_durations(&[], &durations);
        let text = text.into_text();
        for line in [
            "took_seconds_bucket{le=\"0.00005\"} 0\n",
            "took_seconds_bucket{le=\"0.0001\"} 1\n",
            "took_seconds_bucket{le=\"10\"} 1\n",
            "took_seconds_bucket{le=\"+Inf\"} 2\ntook_seconds_sum 20.000075\ntook_seconds_count 2\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
