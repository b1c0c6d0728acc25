//! The answer that engines are compared by.

use std::fmt;

use countersign_decision::{Decision, Reason};

/// Allowed, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Allow,
    Deny(Reason),
}

impl Answer {
    pub(crate) fn is_allow(self) -> bool {
        self == Self::Allow
    }

    /// A number that depends on the whole answer, so that no part of the work can be left out.
    pub(crate) fn code(self) -> u64 {
        match self {
            Self::Allow => 0,
            Self::Deny(reason) => 1 + reason as u64,
        }
    }
}

impl From<&Decision<'_>> for Answer {
    fn from(decision: &Decision<'_>) -> Self {
        decision.denial().map_or(Self::Allow, |denial| Self::Deny(denial.reason()))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => formatter.write_str("allow"),
            Self::Deny(reason) => write!(formatter, "deny ({reason})"),
        }
    }
}
