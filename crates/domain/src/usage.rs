//! What apps called, counted: by day and by what was answered, without a word about people.

mod interval;
mod report;

use crate::id::{ClientId, OrganizationId};
use crate::time::Timestamp;
pub use interval::{Granularity, Interval, InvalidInterval};
pub use report::{OperationUse, ScopeUse, UsageReport};

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// A day in UTC, counted since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// The day of an instant.
    pub const fn of(instant: Timestamp) -> Self {
        Self(instant.as_seconds().div_euclid(SECONDS_OF_A_DAY))
    }

    /// Its first instant.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_seconds(self.0.saturating_mul(SECONDS_OF_A_DAY))
    }

    /// The day so many days before.
    pub const fn minus(self, days: i64) -> Self {
        Self(self.0.saturating_sub(days))
    }
}

/// What calls have in common that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageKey {
    /// Where.
    pub organization: OrganizationId,
    /// Which app.
    pub client: ClientId,
    /// When.
    pub day: Day,
    /// The name of the contract.
    pub contract: String,
    /// The operation that was meant; nothing where there was none.
    pub operation: Option<String>,
    /// The operations that an allowed call crossed, by id: they had to allow it too.
    pub crosses: Vec<String>,
    /// What was answered.
    pub outcome: Outcome,
    /// Allowed, and enforcement would have denied it: the organization only reports.
    pub would_be_denied: bool,
}

/// What a call was answered, as it is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It went through.
    Allowed,
    /// There were too many in one minute.
    TooMany,
    /// Denied, for the reason of this name.
    Denied(String),
}

/// How many calls, and when the last of them came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageCount {
    /// What they have in common.
    pub key: UsageKey,
    /// How many.
    pub calls: u64,
    /// When the last one came.
    pub last: Timestamp,
}

const ALLOWED: &str = "allow";
const TOO_MANY: &str = "too_many_requests";

impl Outcome {
    /// The outcome of this name.
    pub fn named(name: &str) -> Self {
        match name {
            ALLOWED => Self::Allowed,
            TOO_MANY => Self::TooMany,
            reason => Self::Denied(reason.to_owned()),
        }
    }

    /// Its name: `allow`, `too_many_requests`, or the reason.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Allowed => ALLOWED,
            Self::TooMany => TOO_MANY,
            Self::Denied(reason) => reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_utc() {
        let day = Day::of(Timestamp::from_seconds(SECONDS_OF_A_DAY - 1));
        assert_eq!((day, day.start(), day.minus(1)), (Day(0), Timestamp::from_seconds(0), Day(-1)));
        assert_eq!(Day::of(Timestamp::from_seconds(SECONDS_OF_A_DAY)), Day(1));
        assert_eq!(Day::of(Timestamp::from_seconds(-1)), Day(-1));
    }

    #[test]
    fn an_outcome_has_one_name() {
        for outcome in [Outcome::Allowed, Outcome::TooMany, Outcome::Denied("missing_scope".to_owned())] {
            assert_eq!(Outcome::named(outcome.as_str()), outcome);
        }
    }
}
