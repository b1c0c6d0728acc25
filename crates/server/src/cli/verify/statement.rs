//! Statements, and what each selects. Names are checked by [`read`](super::read) beforehand.

use countersign_decision::AuthorizationState;
use countersign_decision::surface::Selection;
use countersign_domain::user::UserState;
use countersign_domain::world::{AuthorizationEntry, OrganizationEntry, UserEntry};
use serde::Serialize;

use super::world::App;

/// One statement about a whole world.
pub(super) struct Statement<'c> {
    pub(super) kind: Kind,
    /// In the author's words.
    pub(super) sentence: String,
    pub(super) line: u32,
    /// Nothing: every organization.
    pub(super) organizations: Option<Vec<String>>,
    pub(super) apps: Apps,
    pub(super) users: Users,
    pub(super) operations: Selection<'c>,
    /// Whether a statement that selects nothing passes.
    pub(super) may_be_empty: bool,
}

/// What a statement says of all that it selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// No call can go through.
    Never,
    /// Every call can go through.
    Always,
}

/// Apps, as an organization knows them. Each key that is given narrows.
#[derive(Default)]
pub(super) struct Apps {
    /// Names and ids are one list: an app is in it by either.
    pub(super) names: Option<Vec<String>>,
    pub(super) ids: Option<Vec<String>>,
    /// All of them granted, and the authorization in force.
    pub(super) with_scopes: Vec<String>,
    /// None of them granted, or the authorization not in force.
    pub(super) without_scopes: Vec<String>,
    /// Nothing in the list: the organization has not decided about the app.
    pub(super) states: Option<Vec<Option<AuthorizationState>>>,
    /// Registered by the organization itself, or by another.
    pub(super) own: Option<bool>,
}

/// Active users, and the app itself. Each key that is given narrows the users.
pub(super) struct Users {
    /// As keys: in lower case.
    pub(super) emails: Option<Vec<String>>,
    /// One of them held.
    pub(super) in_roles: Option<Vec<String>>,
    /// None of them held.
    pub(super) outside_roles: Option<Vec<String>>,
    /// Whether the app on its own behalf is selected, too.
    pub(super) itself: bool,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Always => "always",
        }
    }
}

impl Statement<'_> {
    pub(super) fn is_about(&self, organization: &OrganizationEntry) -> bool {
        let is_named = |ids: &Vec<String>| ids.iter().any(|id| id == organization.id.as_str());
        self.organizations.as_ref().is_none_or(is_named)
    }
}

impl Apps {
    pub(super) fn select(
        &self,
        app: &App<'_>,
        organization: &OrganizationEntry,
        authorization: Option<&AuthorizationEntry>,
    ) -> bool {
        let is_among = |texts: &Option<Vec<String>>, text: Option<&str>| {
            texts.as_ref().is_some_and(|texts| texts.iter().any(|one| Some(one.as_str()) == text))
        };
        let is_named = is_among(&self.names, app.name()) || is_among(&self.ids, app.id());
        let is_anybody = self.names.is_none() && self.ids.is_none();
        let in_force = authorization.filter(|one| one.state == AuthorizationState::Authorized);
        let holds =
            |scope: &String| in_force.is_some_and(|one| one.scopes.iter().any(|granted| granted.as_str() == scope));
        let is_in_state = |states: &Vec<_>| states.contains(&authorization.map(|one| one.state));
        let is_own = app.registered_by() == Some(organization.id.as_str());
        (is_anybody || is_named)
            && self.with_scopes.iter().all(holds)
            && !self.without_scopes.iter().any(holds)
            && self.states.as_ref().is_none_or(is_in_state)
            && self.own.is_none_or(|own| own == is_own)
    }
}

impl Users {
    pub(super) fn select(&self, user: &UserEntry) -> bool {
        let holds = |role: &String| user.roles.iter().any(|assignment| assignment.role == *role);
        let is_active = user.state.unwrap_or(UserState::Active) == UserState::Active;
        is_active
            && self.emails.as_ref().is_none_or(|emails| emails.contains(&user.email.key()))
            && self.in_roles.as_ref().is_none_or(|roles| roles.iter().any(holds))
            && !self.outside_roles.iter().flatten().any(holds)
    }
}
