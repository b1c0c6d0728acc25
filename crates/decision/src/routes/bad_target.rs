//! Why a request target is refused, and at which byte.

use std::fmt;

use super::canonical::{MAX_SEGMENTS, MAX_TARGET_LENGTH};

/// A target that is refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct BadTarget {
    /// What is wrong.
    pub what: Fault,
    /// The first byte that is wrong, counted from 0.
    pub at: usize,
}

/// What can be wrong with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Longer than [`MAX_TARGET_LENGTH`].
    TooLong,
    /// More than [`MAX_SEGMENTS`] segments.
    TooManySegments,
    /// Neither a path nor `http(s)://authority/path`.
    NotAPath,
    /// The absolute form where only a path is read.
    AbsoluteForm,
    /// An authority with user information or characters that no host has.
    Authority,
    /// A byte that may not stand raw in a target.
    Byte(u8),
    /// `%` without two hexadecimal digits.
    Triplet,
    /// A triplet for a character that separates: `/ \ % ; ?`.
    EncodedSeparator,
    /// A control or invisible character.
    Invisible,
    /// Bytes that are not UTF-8.
    Utf8,
    /// A character that folds into or looks like a separator.
    Lookalike,
    /// A segment `.` or `..`, however it is written.
    DotSegment,
    /// An empty segment that is not the last.
    EmptySegment,
    /// A fragment.
    Fragment,
    /// A token in the query (RFC 9700 §4.3.2).
    TokenInQuery,
    /// A query in a path template.
    Query,
}

impl BadTarget {
    pub(crate) fn absolute_form() -> Self {
        Self { what: Fault::AbsoluteForm, at: 0 }
    }

    pub(super) fn query_in_template() -> Self {
        Self { what: Fault::Query, at: 0 }
    }

    pub(super) fn moved_by(self, offset: usize) -> Self {
        Self { at: self.at + offset, ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(formatter, "more than {MAX_TARGET_LENGTH} bytes"),
            Self::TooManySegments => write!(formatter, "more than {MAX_SEGMENTS} segments"),
            Self::NotAPath => formatter.write_str("not a path that begins with `/`"),
            Self::AbsoluteForm => formatter.write_str("an absolute target where only a path is read"),
            Self::Authority => formatter.write_str("an authority that is not `host` or `host:port`"),
            Self::Byte(byte) => write!(formatter, "{:?} may not stand in a path", char::from(*byte)),
            Self::Triplet => formatter.write_str("`%` without two hexadecimal digits"),
            Self::EncodedSeparator => formatter.write_str("an encoded `/`, `\\`, `%`, `;` or `?`"),
            Self::Invisible => formatter.write_str("a control or invisible character"),
            Self::Utf8 => formatter.write_str("bytes that are not UTF-8"),
            Self::Lookalike => formatter.write_str("a character that some readers take for a separator"),
            Self::DotSegment => formatter.write_str("a `.` or `..` segment"),
            Self::EmptySegment => formatter.write_str("an empty segment"),
            Self::Fragment => formatter.write_str("a fragment"),
            Self::TokenInQuery => formatter.write_str("an access token in the query"),
            Self::Query => formatter.write_str("a query"),
        }
    }
}
