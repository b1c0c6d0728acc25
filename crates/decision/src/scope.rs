//! Scopes: what an app may do. A scope is never a permission (RFC 6749 §3.3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::bitset::{BitSet, Bits};
use crate::contract::Catalogue;

/// The longest scope that is read.
pub const MAX_SCOPE_LENGTH: usize = 256;

/// One scope, such as `users` or `users:readonly`: a valid scope-token of RFC 6749 §3.3.
///
/// ```
/// use countersign_decision::Scope;
///
/// assert!("users:readonly".parse::<Scope>().is_ok());
/// assert!("two words".parse::<Scope>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(String);

/// Why a text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// Nothing between the separators.
    #[error("a scope is empty")]
    Empty,
    /// A character outside of RFC 6749 §3.3.
    #[error("`{text}` is not a scope: {character:?} cannot occur in one")]
    Character {
        /// The text that was given.
        text: String,
        /// The first character that cannot stand in a scope.
        character: char,
    },
    /// Longer than [`MAX_SCOPE_LENGTH`].
    #[error("a scope of {length} bytes is too long, at most {MAX_SCOPE_LENGTH} are read")]
    TooLong {
        /// The length in bytes.
        length: usize,
    },
}

impl Scope {
    /// The scope as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name says that the scope only reads (`users:readonly`). A hint for linters, never part of a decision.
    pub fn is_named_read_only(&self) -> bool {
        self.0.ends_with(":readonly")
    }

    /// Parses a space-separated scope list (RFC 6749 §3.3). An empty text is an empty list.
    ///
    /// # Errors
    /// The first part that is not a scope.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ScopeError> {
        text.split(' ').filter(|part| !part.is_empty()).map(str::parse).collect()
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        if text.is_empty() {
            return Err(ScopeError::Empty);
        }
        if text.len() > MAX_SCOPE_LENGTH {
            return Err(ScopeError::TooLong { length: text.len() });
        }
        // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        match text.chars().find(|c| !matches!(c, '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E')) {
            Some(character) => Err(ScopeError::Character { text: text.to_owned(), character }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A set of scopes of one [`Catalogue`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScopeSet(BitSet);

impl ScopeSet {
    /// The scopes among `names` that the catalogue knows. Unknown ones are left out: nothing can ask for them.
    pub fn of<'n>(catalogue: &Catalogue, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut set = BitSet::with_room_for(catalogue.scopes().len());
        for index in names.into_iter().filter_map(|name| catalogue.scope_index(name)) {
            set.insert(index);
        }
        Self(set)
    }

    /// Whether the scope with this catalogue index is in the set.
    pub fn contains(&self, index: u32) -> bool {
        self.0.contains(index)
    }

    #[inline]
    pub(crate) fn bits(&self) -> Bits<'_> {
        self.0.bits()
    }

    /// Catalogue indices in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.bits().iter()
    }

    /// How many scopes are in the set.
    pub fn len(&self) -> usize {
        self.0.bits().len()
    }

    /// Whether no scope is in the set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_tokens_follow_rfc_6749() {
        for good in ["users", "users:readonly", "https://example.test/a", "!", "~"] {
            assert_eq!(good.parse::<Scope>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a\"b", "a\\b", "ü", "a\n", "\x7f"] {
            assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(257).parse::<Scope>().is_err());
    }

    #[test]
    fn the_error_says_which_character_is_wrong() {
        let error = "us\"ers".parse::<Scope>().unwrap_err();
        assert_eq!(error.to_string(), "`us\"ers` is not a scope: '\"' cannot occur in one");
    }

    #[test]
    fn a_list_is_split_at_spaces() {
        let scopes = Scope::parse_list("users  users:readonly").unwrap();
        assert_eq!(scopes.iter().map(Scope::as_str).collect::<Vec<_>>(), ["users", "users:readonly"]);
        assert_eq!(Scope::parse_list("").unwrap(), []);
    }
}
