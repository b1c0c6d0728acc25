//! Which days a question about usage is about, and into which periods they are cut.

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use super::Day;
use crate::time::Timestamp;

/// Days from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
}

/// Periods that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// Every day of its own.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
}

/// Not an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an interval is two times in ISO 8601, the later one behind a slash: `2026-11-01T00:00:00/2026-11-08T00:00:00`"
)]
pub struct InvalidInterval;

impl Interval {
    /// The most days of one question.
    pub const MOST_DAYS: i64 = 3_660;

    /// Reads `start/end`, each an ISO 8601 date or time, in UTC unless it says otherwise. The end is not part of it.
    ///
    /// # Errors
    /// Anything else, an end that is not after the start, and more than [`Self::MOST_DAYS`].
    pub fn parse(text: &str) -> Result<Self, InvalidInterval> {
        let (start, end) = text.split_once('/').ok_or(InvalidInterval)?;
        let (start, end) = (instant(start)?, instant(end)?);
        if end <= start {
            return Err(InvalidInterval);
        }
        let (from, to) = (Day::of(start), Day::of(Timestamp::from_micros(end.as_micros() - 1)));
        Self::new(from, to).ok_or(InvalidInterval)
    }

    /// The days from one to another; nothing where they are in the wrong order or too many.
    pub fn new(from: Day, to: Day) -> Option<Self> {
        let days = to.0.checked_sub(from.0)?;
        (0..Self::MOST_DAYS).contains(&days).then_some(Self { from, to })
    }

    /// The last so many days before the end of today.
    pub const fn last(days: u16, now: Timestamp) -> Self {
        let to = Day::of(now);
        let before = if days == 0 { 0 } else { days as i64 - 1 };
        Self { from: to.minus(before), to }
    }
}

impl Granularity {
    /// The first day of the period that a day is in.
    pub fn start_of(self, day: Day) -> Day {
        let instant = jiff::Timestamp::from_second(day.start().as_seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let date = Offset::UTC.to_datetime(instant).date();
        match self {
            Self::Day => day,
            Self::Week => day.minus(i64::from(date.weekday().to_monday_zero_offset())),
            Self::Month => day.minus(i64::from(date.day()) - 1),
        }
    }
}

fn instant(text: &str) -> Result<Timestamp, InvalidInterval> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_micros(instant.as_microsecond()));
    }
    // `YYYY-MM-DD` alone is a date, and no zone means UTC
    let time = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from));
    let instant = time.and_then(|time| Offset::UTC.to_timestamp(time)).map_err(|_| InvalidInterval)?;
    Ok(Timestamp::from_micros(instant.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(text: &str) -> Result<(i64, i64), InvalidInterval> {
        Interval::parse(text).map(|interval| (interval.from.0, interval.to.0))
    }

    #[test]
    fn an_interval_is_read_in_every_form_of_iso_8601_that_sdks_write() {
        for text in [
            "2026-11-01T00:00:00/2026-11-08T00:00:00",
            "2026-11-01T00:00:00.000Z/2026-11-07T23:59:59.999Z",
            "2026-11-01/2026-11-08",
            "2026-11-01T02:00:00+02:00/2026-11-07T12:00:00Z",
        ] {
            assert_eq!(days(text), Ok((20_758, 20_764)), "{text}");
        }
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for text in [
            "",
            "/",
            "2026-11-01",
            "2026-11-08/2026-11-01",
            "2026-11-01/2026-11-01",
            "a/b",
            "2026-13-01/2026-14-01",
            "2000-01-01/2026-01-01",
            "2026-11-01/2026-11-02/2026-11-03",
            "-009999-01-01/9999-12-31",
        ] {
            assert_eq!(days(text), Err(InvalidInterval), "{text}");
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        // 25 November 2026 is a Wednesday
        let day = Interval::parse("2026-11-25/2026-11-26").unwrap().from;
        assert_eq!(Granularity::Day.start_of(day), day);
        assert_eq!(Granularity::Week.start_of(day), day.minus(2));
        assert_eq!(Granularity::Month.start_of(day), day.minus(24));
        assert_eq!(Interval::last(7, day.start()), Interval { from: day.minus(6), to: day });
    }
}
