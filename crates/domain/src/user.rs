//! A user: a person in an organization.

use std::fmt;

use crate::id::{DivisionId, OrganizationId, UserId};
use crate::time::Timestamp;

/// A person in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The organization that the person belongs to.
    pub organization: OrganizationId,
    /// Never reused after deletion.
    pub id: UserId,
    /// Unique in the organization, compared without letter case.
    pub email: Email,
    /// Name for people.
    pub name: String,
    /// The division that the user object belongs to.
    pub division: DivisionId,
    /// Free text.
    pub department: Option<String>,
    /// Free text.
    pub title: Option<String>,
    /// Only active users are allowed anything.
    pub state: UserState,
    /// Goes up by one with each edit; an edit names the version it read.
    pub version: i64,
    /// When the user was made.
    pub created_at: Timestamp,
    /// When the user was last edited.
    pub modified_at: Timestamp,
}

/// The life cycle of a user. Deleted users stay as a record, so that ids are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserState {
    /// May sign in and act.
    Active,
    /// May do nothing; can be made active again.
    Inactive,
    /// Gone for good.
    Deleted,
}

impl UserState {
    /// `active`, `inactive` or `deleted`: on the wire and in the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Deleted => "deleted",
        }
    }

    /// The state of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Deleted].into_iter().find(|state| state.as_str() == text)
    }
}

/// An e-mail address: kept as written, compared without letter case.
#[derive(Clone)]
pub struct Email(String);

/// Text that is not an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an e-mail address: it must be `name@host` without blanks, 254 characters at most")]
pub struct InvalidEmail(String);

impl Email {
    /// Reads `name@host`.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let is_plain =
            text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"\\".contains(c));
        match text.split_once('@') {
            Some((name, host)) if is_plain && !name.is_empty() && is_host(host) => Ok(Self(text.to_owned())),
            _ => Err(InvalidEmail(text.to_owned())),
        }
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is unique in an organization and that sign-in looks up: lower case.
    pub fn key(&self) -> String {
        Self::key_of(&self.0)
    }

    /// The key of a text that is looked up, be it an address or not.
    pub fn key_of(text: &str) -> String {
        text.to_lowercase()
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Email {}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && !host.contains('@') && host.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_letter_case() {
        assert_eq!(Email::parse("Ada@Acme.test").unwrap(), Email::parse("ada@acme.TEST").unwrap());
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for bad in ["", "ada", "@acme.test", "ada@", "ada@acme..test", "a b@acme.test", "ada@acme@test", "ada@x\n"] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }
}
