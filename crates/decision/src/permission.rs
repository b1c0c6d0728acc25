//! Permissions: what a person may do, and the policies by which roles hold them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::bitset::BitSet;
use crate::contract::Catalogue;

/// The longest permission or policy that is read.
pub const MAX_PERMISSION_LENGTH: usize = 256;

/// One permission: `domain:entity:action`, or a flat name such as `admin`. Case-sensitive. No permission implies another.
///
/// ```
/// use countersign_decision::Permission;
///
/// let permission: Permission = "directory:user:add".parse().unwrap();
/// assert_eq!(permission.label(), "Directory > User > Add");
/// assert!("They are enforced by the backend".parse::<Permission>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Permission(String);

/// What a role holds: one permission, or all that a `*` for the entity or the action covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PermissionPolicy {
    /// `domain:entity:action`; entity and action may be `*`.
    Scoped {
        /// The domain, never `*`.
        domain: String,
        /// The entity, `*` for every entity of the domain.
        entity: String,
        /// The action, `*` for every action.
        action: String,
    },
    /// A flat name such as `admin`.
    Flat(String),
}

/// Why a text is neither a permission nor a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PermissionError {
    /// The text has the wrong form.
    #[error("`{text}` is not a permission: `domain:entity:action` or a flat name of letters, digits and `_` is")]
    Form {
        /// The text that was given.
        text: String,
    },
    /// A `*` where none may stand.
    #[error("`{text}` is not a permission policy: `*` can only stand for a whole entity or a whole action")]
    Wildcard {
        /// The text that was given.
        text: String,
    },
    /// Longer than [`MAX_PERMISSION_LENGTH`].
    #[error("a permission of {length} bytes is too long, at most {MAX_PERMISSION_LENGTH} are read")]
    TooLong {
        /// The length in bytes.
        length: usize,
    },
}

impl Permission {
    /// The permission as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `(domain, entity, action)`, or nothing for a flat name.
    pub fn parts(&self) -> Option<(&str, &str, &str)> {
        let mut parts = self.0.split(':');
        Some((parts.next()?, parts.next()?, parts.next()?))
    }

    /// How people read it: `directory:user:setPassword` is `Directory > User > SetPassword`.
    pub fn label(&self) -> String {
        self.0.split(':').map(capitalised).collect::<Vec<_>>().join(" > ")
    }
}

impl FromStr for Permission {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let segments = segments(text)?;
        if segments.iter().all(|segment| is_name(segment)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PermissionError::Form { text: text.to_owned() })
        }
    }
}

impl PermissionPolicy {
    /// Whether a role with this policy holds everything that one with `other` does, permissions that no contract names yet included.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Flat(name), Self::Flat(other)) => name == other,
            (Self::Scoped { domain, entity, action }, Self::Scoped { domain: of, entity: on, action: what }) => {
                domain == of && (entity == "*" || entity == on) && (action == "*" || action == what)
            }
            (Self::Flat(_), Self::Scoped { .. }) | (Self::Scoped { .. }, Self::Flat(_)) => false,
        }
    }

    /// Whether a role with this policy holds the permission.
    pub fn matches(&self, permission: &Permission) -> bool {
        match (self, permission.parts()) {
            (Self::Flat(name), None) => name == permission.as_str(),
            (Self::Scoped { domain, entity, action }, Some((of_domain, of_entity, of_action))) => {
                domain == of_domain && (entity == "*" || entity == of_entity) && (action == "*" || action == of_action)
            }
            (Self::Flat(_), Some(_)) | (Self::Scoped { .. }, None) => false,
        }
    }
}

impl PermissionPolicy {
    /// What every permission begins with that the policy covers.
    pub(crate) fn up_to_the_first_star(&self) -> String {
        match self {
            Self::Flat(name) => name.clone(),
            Self::Scoped { domain, entity, .. } if entity == "*" => format!("{domain}:"),
            Self::Scoped { domain, entity, action } if action == "*" => format!("{domain}:{entity}:"),
            Self::Scoped { domain, entity, action } => format!("{domain}:{entity}:{action}"),
        }
    }
}

impl FromStr for PermissionPolicy {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let wildcard = || PermissionError::Wildcard { text: text.to_owned() };
        match segments(text)?.as_slice() {
            [name] if is_name(name) => Ok(Self::Flat((*name).to_owned())),
            [domain, entity, action] if is_name(domain) && is_name_or_star(entity) && is_name_or_star(action) => {
                Ok(Self::Scoped {
                    domain: (*domain).to_owned(),
                    entity: (*entity).to_owned(),
                    action: (*action).to_owned(),
                })
            }
            _ if text.contains('*') => Err(wildcard()),
            _ => Err(PermissionError::Form { text: text.to_owned() }),
        }
    }
}

impl From<&Permission> for PermissionPolicy {
    fn from(permission: &Permission) -> Self {
        match permission.parts() {
            Some((domain, entity, action)) => {
                Self::Scoped { domain: domain.to_owned(), entity: entity.to_owned(), action: action.to_owned() }
            }
            None => Self::Flat(permission.0.clone()),
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for PermissionPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scoped { domain, entity, action } => write!(formatter, "{domain}:{entity}:{action}"),
            Self::Flat(name) => formatter.write_str(name),
        }
    }
}

impl TryFrom<String> for Permission {
    type Error = PermissionError;

    fn try_from(text: String) -> Result<Self, PermissionError> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.0
    }
}

impl TryFrom<String> for PermissionPolicy {
    type Error = PermissionError;

    fn try_from(text: String) -> Result<Self, PermissionError> {
        text.parse()
    }
}

impl From<PermissionPolicy> for String {
    fn from(policy: PermissionPolicy) -> Self {
        policy.to_string()
    }
}

/// A set of permissions of one [`Catalogue`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PermissionSet(BitSet);

impl PermissionSet {
    /// No permission of the catalogue.
    pub fn none(catalogue: &Catalogue) -> Self {
        Self(BitSet::with_room_for(catalogue.permissions().len()))
    }

    /// Every permission of the catalogue that one of the policies covers.
    pub fn of<'p>(catalogue: &Catalogue, policies: impl IntoIterator<Item = &'p PermissionPolicy>) -> Self {
        let mut set = Self::none(catalogue);
        for policy in policies {
            for index in catalogue.permissions_matching(policy) {
                set.0.insert(index);
            }
        }
        set
    }

    /// Whether the permission with this catalogue index is in the set.
    pub fn contains(&self, index: u32) -> bool {
        self.0.contains(index)
    }

    /// Catalogue indices in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.bits().iter()
    }

    /// How many permissions are in the set.
    pub fn len(&self) -> usize {
        self.0.bits().len()
    }

    /// Whether no permission is in the set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn unite(&mut self, other: &Self) {
        self.0.unite(other.0.bits());
    }

    pub(crate) fn as_set(&self) -> &BitSet {
        &self.0
    }
}

fn segments(text: &str) -> Result<Vec<&str>, PermissionError> {
    if text.len() > MAX_PERMISSION_LENGTH {
        return Err(PermissionError::TooLong { length: text.len() });
    }
    let segments: Vec<_> = text.split(':').collect();
    match segments.len() {
        1 | 3 => Ok(segments),
        _ => Err(PermissionError::Form { text: text.to_owned() }),
    }
}

fn is_name(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_name_or_star(segment: &str) -> bool {
    segment == "*" || is_name(segment)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(policy: &str, permission: &str) -> bool {
        policy.parse::<PermissionPolicy>().unwrap().matches(&permission.parse().unwrap())
    }

    #[test]
    fn permissions_have_three_segments_or_are_flat_names() {
        for good in ["directory:user:add", "admin", "content_management_user", "a:B:c1"] {
            assert_eq!(good.parse::<Permission>().unwrap().to_string(), good);
        }
        for bad in ["", "a:b", "a:b:c:d", "a::c", "a:b:*", "*", "They are enforced by the backend", "a b:c:d", " a:b:c"]
        {
            assert!(bad.parse::<Permission>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_star_stands_for_a_whole_entity_or_a_whole_action() {
        assert!(matches("directory:user:*", "directory:user:add"));
        assert!(matches("directory:*:view", "directory:group:view"));
        assert!(matches("directory:*:*", "directory:group:view"));
        assert!(!matches("directory:user:*", "directory:group:view"));
        assert!(!matches("directory:*:view", "directory:group:add"));
        assert!(!matches("directory:*:*", "routing:queue:view"));
    }

    #[test]
    fn a_star_anywhere_else_is_refused() {
        for bad in ["*", "*:*:*", "*:user:add", "directory:us*:add", "directory:user:a*", "directory:*"] {
            assert!(bad.parse::<PermissionPolicy>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_permission_implies_another() {
        assert!(!matches("admin", "directory:user:add"));
        assert!(!matches("directory:user:edit", "directory:user:view"));
        assert!(!matches("directory:*:*", "admin"));
        assert!(!matches("directory:user:Add", "directory:user:add"));
    }

    #[test]
    fn a_policy_covers_what_it_holds_now_and_later() {
        let covers =
            |held: &str, other: &str| held.parse::<PermissionPolicy>().unwrap().covers(&other.parse().unwrap());
        for (held, other) in [
            ("directory:user:add", "directory:user:add"),
            ("directory:user:*", "directory:user:add"),
            ("directory:*:*", "directory:user:*"),
            ("directory:*:view", "directory:user:view"),
            ("admin", "admin"),
        ] {
            assert!(covers(held, other), "{held} covers {other}");
        }
        for (held, other) in [
            ("directory:user:add", "directory:user:*"),
            ("directory:*:view", "directory:user:*"),
            ("directory:user:*", "directory:*:view"),
            ("directory:user:add", "directory:user:Add"),
            ("admin", "admin:admin:admin"),
            ("directory:*:*", "oauth:client:view"),
        ] {
            assert!(!covers(held, other), "{held} does not cover {other}");
        }
    }
}
