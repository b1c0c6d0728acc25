//! What can go wrong between the store and its database. Causes only: statuses and bodies are made elsewhere.

use std::fmt;

/// Why the store did not do what was asked. Never holds a secret, a connection URL or SQL text.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is too busy, or failed; trying again later can help.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] DatabaseFailure),
    /// Something that must be unique exists already, or the thing changed since the caller read it.
    #[error("{what}")]
    Conflict {
        /// A sentence for people: `another user has this e-mail address`.
        what: &'static str,
    },
    /// There is no such thing in this organization (or, for system tasks, at all).
    #[error("there is no such {what}")]
    NotFound {
        /// The noun: `user`, `role`, `division`, `client`, `authorization`, `organization`.
        what: &'static str,
    },
    /// The organization changed since the revision that the write was judged on; judged again it may succeed.
    #[error("the organization was changed at the same moment")]
    Moved,
    /// The value cannot be kept.
    #[error("{what}")]
    Invalid {
        /// A sentence for people.
        what: String,
    },
    /// What is kept is damaged, or was not written by Countersign.
    #[error("the database is damaged or not Countersign's: {what}")]
    Corrupt {
        /// A sentence for operators.
        what: String,
    },
    /// A newer Countersign has used this database.
    #[error("the database has schema {found}, this binary knows schemas up to {known}: use the newer binary")]
    TooNew {
        /// The newest schema that the database has.
        found: i64,
        /// The newest schema that this binary has.
        known: i64,
    },
}

/// A driver's failure, without connection URLs.
#[derive(Debug)]
pub struct DatabaseFailure {
    pub(crate) message: String,
    /// The transaction was rolled back because another one was faster: the same again can succeed.
    pub(crate) is_lost_race: bool,
}

impl StoreError {
    /// A failure of many requests, for one of them.
    pub(crate) fn for_one_of_many(&self) -> Self {
        match self {
            Self::Unavailable(failure) => {
                let DatabaseFailure { message, is_lost_race } = failure;
                Self::Unavailable(DatabaseFailure { message: message.clone(), is_lost_race: *is_lost_race })
            }
            other => Self::Corrupt { what: other.to_string() },
        }
    }
}

impl fmt::Display for DatabaseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DatabaseFailure {}

/// Names the thing that must be unique, where the database found that it is not.
pub(crate) fn conflict(what: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| match StoreError::from(error) {
        StoreError::Conflict { .. } => StoreError::Conflict { what },
        error => error,
    }
}
