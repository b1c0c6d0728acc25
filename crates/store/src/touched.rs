//! What changes of authority touched: the things that a snapshot from before them must read again.
//!
//! A change row carries them. They are taken from the events that the change records, and from the role assignments
//! that a deletion takes along, so that no writer has to think of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::column::json_text;

/// Most things that one change, or the changes since a snapshot, may touch. Beyond it, reading everything is cheaper.
pub(crate) const MAX_THINGS: usize = 1_000;

/// What changes touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touched {
    Things(Things),
    /// Too much to tell, or not known.
    Everything,
}

/// What decisions depend on, by ids as the facts name it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Things {
    /// The organization itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) settings: bool,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) roles: BTreeSet<String>,
    /// With their roles.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) users: BTreeSet<String>,
    /// The organization's own clients, with their roles.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) clients: BTreeSet<String>,
    /// Clients that the organization decided about.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) authorizations: BTreeSet<String>,
}

impl Touched {
    pub(crate) fn nothing() -> Self {
        Self::Things(Things::default())
    }

    /// Adds one thing; `kind` is as the audit names it.
    pub(crate) fn add(&mut self, kind: &str, id: &str) {
        let Self::Things(things) = self else { return };
        match kind {
            "organization" => things.settings = true,
            "role" => drop(things.roles.insert(id.to_owned())),
            "user" => drop(things.users.insert(id.to_owned())),
            "client" => drop(things.clients.insert(id.to_owned())),
            "authorization" => drop(things.authorizations.insert(id.to_owned())),
            // No decision depends on a division. Whose roles end with one is added where they end.
            "division" => {}
            // INVARIANT: what this table does not know is read with everything else.
            _ => *self = Self::Everything,
        }
        self.limit();
    }

    /// Adds what another change touched.
    pub(crate) fn add_all(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Things(things), Self::Things(others)) => {
                things.settings |= others.settings;
                things.roles.extend(others.roles);
                things.users.extend(others.users);
                things.clients.extend(others.clients);
                things.authorizations.extend(others.authorizations);
                self.limit();
            }
            (all, _) => *all = Self::Everything,
        }
    }

    /// The text in the change row; none for everything.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Things(things) => Some(json_text(things)),
            Self::Everything => None,
        }
    }

    /// What a change row says. A newer binary's text may name what this one does not know: everything.
    pub(crate) fn read(text: Option<&str>) -> Self {
        let things = text.and_then(|text| serde_json::from_str(text).ok());
        things.map_or(Self::Everything, Self::Things)
    }

    fn limit(&mut self) {
        if matches!(self, Self::Things(things) if things.len() > MAX_THINGS) {
            *self = Self::Everything;
        }
    }
}

impl Things {
    fn len(&self) -> usize {
        let Self { settings, roles, users, clients, authorizations } = self;
        usize::from(*settings) + roles.len() + users.len() + clients.len() + authorizations.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_tells_is_read_back() {
        let mut touched = Touched::nothing();
        assert_eq!(touched.text().as_deref(), Some("{}"));
        for (kind, id) in [("organization", "acme"), ("role", "r"), ("user", "u"), ("user", "u"), ("division", "d")] {
            touched.add(kind, id);
        }
        touched.add("client", "c");
        touched.add("authorization", "c");
        let text = touched.text();
        let expected = r#"{"settings":true,"roles":["r"],"users":["u"],"clients":["c"],"authorizations":["c"]}"#;
        assert_eq!(text.as_deref(), Some(expected));
        assert_eq!(Touched::read(text.as_deref()), touched);
    }

    #[test]
    fn what_is_not_told_is_everything() {
        for text in [None, Some(""), Some("7"), Some(r#"{"groups":["g"]}"#), Some(r#"{"users":"u"}"#)] {
            assert_eq!(Touched::read(text), Touched::Everything, "{text:?}");
        }
        assert_eq!(Touched::Everything.text(), None);
    }

    #[test]
    fn what_nobody_named_yet_is_everything() {
        let mut touched = Touched::nothing();
        touched.add("group", "g");
        assert_eq!(touched, Touched::Everything);
    }

    #[test]
    fn too_much_to_tell_is_everything() {
        let some = |first: usize, count: usize| {
            let mut touched = Touched::nothing();
            (first..first + count).for_each(|number| touched.add("user", &number.to_string()));
            touched
        };
        assert!(matches!(some(0, MAX_THINGS), Touched::Things(_)));
        assert_eq!(some(0, MAX_THINGS + 1), Touched::Everything);

        let mut sum = some(0, MAX_THINGS);
        sum.add_all(some(0, MAX_THINGS));
        assert!(matches!(sum, Touched::Things(_)), "the same things count once");
        sum.add_all(some(MAX_THINGS, 1));
        assert_eq!(sum, Touched::Everything);
        sum.add("user", "0");
        assert_eq!(sum, Touched::Everything, "and stays everything");
    }
}
