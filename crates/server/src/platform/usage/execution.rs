//! The id of an execution: the question itself, in few characters. Whoever reads an answer has to be allowed to ask anew, so
//! an id gives nothing away and nothing is kept of it.

use std::fmt;

use countersign_domain::usage::{Day, Granularity, Interval};

use crate::platform::wire::usage::{ApiUsageClientQuery, Dimension, Metric, Period};

const METRICS: [Metric; 6] =
    [Metric::Status200, Metric::Status300, Metric::Status400, Metric::Status500, Metric::Status429, Metric::Requests];
const DIMENSIONS: [Dimension; 4] =
    [Dimension::OAuthClientId, Dimension::OrganizationId, Dimension::TemplateUri, Dimension::HttpMethod];
/// With its letter.
const GRANULARITIES: [(&str, Option<Granularity>); 4] =
    [("d", Some(Granularity::Day)), ("w", Some(Granularity::Week)), ("m", Some(Granularity::Month)), ("a", None)];

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Execution {
    pub(super) interval: Interval,
    /// Nothing: all of it is one period.
    pub(super) granularity: Option<Granularity>,
    /// A bit for each of [`METRICS`].
    metrics: u8,
    /// A bit for each of [`DIMENSIONS`].
    dimensions: u8,
}

impl Execution {
    /// As the query says; without a granularity, by day.
    pub(super) fn of(query: &ApiUsageClientQuery, interval: Interval) -> Self {
        let granularity = match query.granularity {
            None | Some(Period::Day) => Granularity::Day,
            Some(Period::Week) => Granularity::Week,
            Some(Period::Month) => Granularity::Month,
        };
        let metrics = if query.metrics.is_empty() { &METRICS[..] } else { &query.metrics };
        let (metrics, dimensions) = (bits(&METRICS, metrics), bits(&DIMENSIONS, &query.group_by));
        Self { interval, granularity: Some(granularity), metrics, dimensions }
    }

    /// Everything of an interval, by operation.
    pub(super) fn summary(interval: Interval) -> Self {
        let (metrics, dimensions) = (bits(&METRICS, &METRICS), bits(&DIMENSIONS, &DIMENSIONS));
        Self { interval, granularity: None, metrics, dimensions }
    }

    /// Reads an id; nothing where it is none of ours.
    pub(super) fn parse(id: &str) -> Option<Self> {
        let mut parts = id.split('-');
        let (from, to) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let letter = parts.next()?;
        let (_, granularity) = GRANULARITIES.into_iter().find(|(one, _)| *one == letter)?;
        let (metrics, dimensions) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let read = Self { interval: Interval::new(Day(from), Day(to))?, granularity, metrics, dimensions };
        // one spelling for each question
        (read.to_string() == id).then_some(read)
    }

    pub(super) fn shows(&self, metric: Metric) -> bool {
        self.metrics & bits(&METRICS, &[metric]) != 0
    }

    pub(super) fn groups_by(&self, dimension: Dimension) -> bool {
        self.dimensions & bits(&DIMENSIONS, &[dimension]) != 0
    }
}

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interval: Interval { from, to }, granularity, metrics, dimensions } = self;
        let letter = GRANULARITIES.into_iter().find(|(_, one)| one == granularity).map_or("a", |(letter, _)| letter);
        write!(f, "{}-{}-{letter}-{metrics}-{dimensions}", from.0, to.0)
    }
}

fn bits<T: PartialEq>(all: &[T], some: &[T]) -> u8 {
    all.iter().enumerate().filter(|(_, one)| some.contains(one)).fold(0, |bits, (position, _)| bits | 1 << position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_was_asked() {
        let interval = Interval::new(Day(20_758), Day(20_764)).unwrap();
        let asked = Execution {
            interval,
            granularity: Some(Granularity::Week),
            metrics: bits(&METRICS, &[Metric::Status429]),
            dimensions: bits(&DIMENSIONS, &[Dimension::HttpMethod]),
        };
        assert_eq!(Execution::parse(&asked.to_string()), Some(asked));
        assert!(asked.shows(Metric::Status429) && !asked.shows(Metric::Requests));
        assert!(asked.groups_by(Dimension::HttpMethod) && !asked.groups_by(Dimension::TemplateUri));
        let summary = Execution::summary(interval);
        assert_eq!(summary.to_string(), "20758-20764-a-63-15");
        assert_eq!(Execution::parse("20758-20764-a-63-15"), Some(summary));
    }

    #[test]
    fn what_is_no_id_of_ours_asks_nothing() {
        for bad in [
            "",
            "1-2-a-63",
            "2-1-a-63-15",
            "1-2-x-63-15",
            "1-2-a-999-15",
            "1-2-a-63-15-1",
            "+1-2-a-63-15",
            "1-99999-a-63-15",
        ] {
            assert_eq!(Execution::parse(bad), None, "{bad}");
        }
    }
}
