//! What an operation asks of an app (scopes) and of its user (permissions).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::permission::Permission;
use crate::scope::Scope;

/// What a call of one operation needs. Nothing is public by omission: what a contract leaves out is [`Requirement::Unstated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Requirement {
    /// Stated to need nothing (`security: []`).
    Public,
    /// Any live token of an app that the organization authorized (an OAuth scheme with an empty list).
    Authenticated,
    /// A credential that is not ours, such as a guest's JWT: our tokens never open it.
    OtherCredential {
        /// The security scheme as the contract names it.
        scheme: String,
    },
    /// The contract does not say, or says it in a way that cannot be held: denies.
    Unstated {
        /// What is left out.
        why: Unstated,
    },
    /// Scopes, permissions or both.
    Oauth {
        /// Any alternative suffices, each is a set of which every scope is needed. Empty: no scope is needed.
        scopes_any_of: Vec<Vec<Scope>>,
        /// Nothing: no permission is needed.
        permissions: Option<PermissionList>,
    },
}

/// The permissions of a requirement and whether any or all of them are needed. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionList {
    /// Whether one suffices.
    pub mode: PermissionMode,
    /// The list, in the contract's order.
    pub of: Vec<Permission>,
}

/// How many permissions of a list are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PermissionMode {
    /// One of the list suffices.
    Any,
    /// Every one of the list is needed.
    All,
}

/// Why a requirement is unstated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unstated {
    /// No `security` for the operation and none for the whole contract.
    NoSecurity,
    /// A permission that is not one, such as a sentence of prose.
    NotAPermission {
        /// The text in the contract.
        text: String,
    },
    /// A scope that is not one.
    NotAScope {
        /// The text in the contract.
        text: String,
    },
    /// A security scheme that the contract uses but does not define.
    UndefinedScheme {
        /// The name in the contract.
        scheme: String,
    },
    /// Stated as public and at the same time with permissions.
    PublicWithPermissions,
}

impl Requirement {
    /// The word for the kind: `public`, `authenticated`, `other_credential`, `unstated` or `oauth`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Authenticated => "authenticated",
            Self::OtherCredential { .. } => "other_credential",
            Self::Unstated { .. } => "unstated",
            Self::Oauth { .. } => "oauth",
        }
    }

    /// The requirement of our own OAuth credential with these scopes and permissions.
    ///
    /// The one place where empty lists are read: a permission list without permissions needs none, whatever its mode;
    /// no alternative, or one without scopes, needs no scope; and with neither a live token suffices.
    pub fn oauth(scopes_any_of: Vec<Vec<Scope>>, permissions: Option<PermissionList>) -> Self {
        let no_scope_needed = scopes_any_of.iter().any(Vec::is_empty);
        let scopes_any_of = if no_scope_needed { Vec::new() } else { scopes_any_of };
        let permissions = permissions.filter(|list| !list.of.is_empty());
        if scopes_any_of.is_empty() && permissions.is_none() {
            return Self::Authenticated;
        }
        Self::Oauth { scopes_any_of, permissions }
    }

    /// Whether both need the same, whatever the order of their lists.
    pub fn means_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Oauth { .. }, Self::Oauth { .. }) => {
                let scopes = |requirement: &Self| -> BTreeSet<BTreeSet<Scope>> {
                    requirement.scopes_any_of().iter().map(|scopes| scopes.iter().cloned().collect()).collect()
                };
                let permissions = |requirement: &Self| {
                    requirement.permissions().map(|list| (list.mode, list.of.iter().cloned().collect::<BTreeSet<_>>()))
                };
                scopes(self) == scopes(other) && permissions(self) == permissions(other)
            }
            _ => self == other,
        }
    }

    /// The scope alternatives; empty where no scope is needed.
    pub fn scopes_any_of(&self) -> &[Vec<Scope>] {
        match self {
            Self::Oauth { scopes_any_of, .. } => scopes_any_of,
            _ => &[],
        }
    }

    /// The scope alternatives by name.
    pub(crate) fn scope_names(&self) -> Vec<Vec<&str>> {
        self.scopes_any_of().iter().map(|scopes| scopes.iter().map(Scope::as_str).collect()).collect()
    }

    /// The permission list, where one is stated.
    pub fn permissions(&self) -> Option<&PermissionList> {
        match self {
            Self::Oauth { permissions, .. } => permissions.as_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for PermissionMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Any => "ANY",
            Self::All => "ALL",
        })
    }
}

impl fmt::Display for Unstated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSecurity => formatter.write_str("no security is stated"),
            Self::NotAPermission { text } => write!(formatter, "`{text}` is not a permission"),
            Self::NotAScope { text } => write!(formatter, "`{text}` is not a scope"),
            Self::UndefinedScheme { scheme } => write!(formatter, "security scheme `{scheme}` is not defined"),
            Self::PublicWithPermissions => formatter.write_str("stated as public, and yet with permissions"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(mode: PermissionMode, of: &[&str]) -> Option<PermissionList> {
        Some(PermissionList { mode, of: of.iter().map(|text| text.parse().unwrap()).collect() })
    }

    #[test]
    fn any_and_all_of_nothing_need_no_permission() {
        for mode in [PermissionMode::Any, PermissionMode::All] {
            assert_eq!(Requirement::oauth(vec![], list(mode, &[])), Requirement::Authenticated);
        }
    }

    #[test]
    fn an_alternative_without_scopes_needs_none() {
        let scopes = vec![vec!["users".parse().unwrap()], vec![]];
        assert_eq!(Requirement::oauth(scopes, None), Requirement::Authenticated);
    }

    #[test]
    fn the_order_of_lists_means_nothing() {
        let scopes = |order: [&str; 2]| order.map(|scope| vec![scope.parse().unwrap()]).into();
        let one = Requirement::oauth(scopes(["a", "b"]), list(PermissionMode::Any, &["x", "y"]));
        let two = Requirement::oauth(scopes(["b", "a"]), list(PermissionMode::Any, &["y", "x"]));
        assert!(one.means_the_same(&two));
        let all = Requirement::oauth(scopes(["b", "a"]), list(PermissionMode::All, &["y", "x"]));
        assert!(!one.means_the_same(&all));
        assert!(!one.means_the_same(&Requirement::Authenticated));
    }

    #[test]
    fn permissions_alone_are_still_of_kind_oauth() {
        let requirement = Requirement::oauth(vec![], list(PermissionMode::Any, &["admin"]));
        assert_eq!(requirement.kind(), "oauth");
        assert!(requirement.scopes_any_of().is_empty());
    }
}
