//! Which scopes a token may hold in one organization at this moment (model page, "The rule"; RFC 6749 §3.3).

use countersign_decision::Scope;

use crate::oauth::error::{TokenError, quotable};

/// What an organization has decided about an app, as far as tokens are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppStanding {
    /// Scopes are not enforced here (`off`, `report`, or client credentials that the organization leaves unbounded).
    Unbounded,
    /// Enforced, and the organization authorized these.
    Authorized(Vec<Scope>),
    /// Enforced, and the organization has not decided yet, or its decision has expired.
    NotAuthorized,
    /// Denied or revoked: blocks in every enforcement mode.
    Refused,
}

/// Who and what must be active for tokens to be given, read in the same instant as the grant is redeemed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether the organization is active.
    pub is_organization_active: bool,
    /// Whether the user is active; true for client credentials, whose client is checked by itself.
    pub is_subject_active: bool,
    /// What the organization decided about the app.
    pub app: AppStanding,
}

impl Standing {
    /// What a token with this ceiling could use now; `None` where nothing bounds it.
    pub fn effective(&self, ceiling: Option<&[Scope]>) -> Option<Vec<Scope>> {
        match (&self.app, ceiling) {
            (AppStanding::Refused | AppStanding::NotAuthorized, _) => Some(Vec::new()),
            (AppStanding::Unbounded, ceiling) => ceiling.map(<[Scope]>::to_vec),
            (AppStanding::Authorized(scopes), None) => Some(scopes.clone()),
            (AppStanding::Authorized(scopes), Some(ceiling)) => {
                Some(ceiling.iter().filter(|scope| scopes.contains(scope)).cloned().collect())
            }
        }
    }

    /// Whether a token that acts for a user could still do anything: nothing is given out for an app that the
    /// organization refused, or that lost every scope the user's grant held (C40).
    pub fn leaves_something(&self, ceiling: Option<&[Scope]>) -> bool {
        let is_active = self.is_organization_active && self.is_subject_active;
        let app_may = match &self.app {
            AppStanding::Unbounded => true,
            AppStanding::Refused => false,
            // What is about the person only needs no decision of the organization.
            AppStanding::NotAuthorized => ceiling.is_some_and(<[Scope]>::is_empty),
            AppStanding::Authorized(scopes) => {
                ceiling.is_none_or(|ceiling| ceiling.is_empty() || ceiling.iter().any(|scope| scopes.contains(scope)))
            }
        };
        is_active && app_may
    }

    /// How things stand for a token of this standing that came through one of standing `other` with that `ceiling` (RFC 8693
    /// §4.1): it can use only what both may.
    #[must_use]
    pub fn through(self, other: &Self, ceiling: Option<&[Scope]>) -> Self {
        let app = match (self.app, other.effective(ceiling)) {
            (AppStanding::Refused, _) => AppStanding::Refused,
            _ if other.app == AppStanding::Refused => AppStanding::Refused,
            (AppStanding::NotAuthorized, _) => AppStanding::NotAuthorized,
            _ if !other.leaves_something(ceiling) => AppStanding::NotAuthorized,
            (app, None) => app,
            (AppStanding::Unbounded, Some(theirs)) => AppStanding::Authorized(theirs),
            (AppStanding::Authorized(own), Some(theirs)) => {
                let had_some = !own.is_empty() && !theirs.is_empty();
                let both: Vec<Scope> = own.into_iter().filter(|scope| theirs.contains(scope)).collect();
                if had_some && both.is_empty() { AppStanding::NotAuthorized } else { AppStanding::Authorized(both) }
            }
        };
        Self {
            is_organization_active: self.is_organization_active && other.is_organization_active,
            is_subject_active: self.is_subject_active && other.is_subject_active,
            app,
        }
    }

    /// The first of `scopes` that the organization has not authorized. No scope is refused where none is enforced.
    pub fn unauthorized<'s>(&self, scopes: &'s [Scope]) -> Option<&'s Scope> {
        match &self.app {
            AppStanding::Unbounded => None,
            AppStanding::Authorized(authorized) => scopes.iter().find(|scope| !authorized.contains(scope)),
            AppStanding::NotAuthorized | AppStanding::Refused => scopes.first(),
        }
    }
}

/// Reads a `scope` parameter: each scope once, in the order of the request.
///
/// # Errors
/// When a part is not a scope-token (RFC 6749 §3.3), or no loaded contract knows it.
pub fn parse_requested(text: &str, is_known: &dyn Fn(&Scope) -> bool) -> Result<Vec<Scope>, TokenError> {
    let mut scopes: Vec<Scope> = Vec::new();
    for part in text.split(' ').filter(|part| !part.is_empty()) {
        let scope: Scope = part.parse().map_err(|_| TokenError::MalformedScope)?;
        if !is_known(&scope) {
            return Err(TokenError::UnknownScope(quotable(scope.as_str())));
        }
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() { Err(TokenError::MalformedScope) } else { Ok(scopes) }
}

/// Scopes as they stand in `scope` parameters: separated by blanks (RFC 6749 §3.3).
pub fn join(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::samples::{scopes, standing};
    use proptest::prelude::*;

    fn any_standing() -> impl Strategy<Value = AppStanding> {
        prop_oneof![
            Just(AppStanding::Unbounded),
            Just(AppStanding::NotAuthorized),
            Just(AppStanding::Refused),
            any_scopes().prop_map(AppStanding::Authorized),
        ]
    }

    fn any_scopes() -> impl Strategy<Value = Vec<Scope>> {
        proptest::sample::subsequence(vec!["a", "b", "c", "d"], 0..=4).prop_map(|names| scopes(&names))
    }

    #[test]
    fn a16_a_malformed_or_unknown_scope_is_refused_by_name() {
        let known = |scope: &Scope| scope.as_str() == "users";
        assert_eq!(parse_requested("users users", &known), Ok(scopes(&["users"])));
        assert_eq!(parse_requested("users userz", &known), Err(TokenError::UnknownScope("userz".into())));
        for bad in ["us\"ers", "us\\ers", "üsers", " ", "users\tusers"] {
            assert_eq!(parse_requested(bad, &known), Err(TokenError::MalformedScope), "{bad}");
        }
    }

    #[test]
    fn c40_nothing_is_left_when_every_scope_of_the_grant_was_taken_away() {
        let now = standing(AppStanding::Authorized(scopes(&["a"])));
        assert!(now.leaves_something(Some(&scopes(&["a", "b"]))));
        assert!(now.leaves_something(None));
        assert!(!now.leaves_something(Some(&scopes(&["b"]))));
        assert!(!standing(AppStanding::NotAuthorized).leaves_something(None));
        for ceiling in [None, Some(&[][..])] {
            assert!(!standing(AppStanding::Refused).leaves_something(ceiling));
        }
        assert!(standing(AppStanding::NotAuthorized).leaves_something(Some(&[])), "there was nothing to take away");
    }

    #[test]
    fn two_apps_that_have_no_scope_in_common_leave_nothing() {
        let authorized = |names| standing(AppStanding::Authorized(scopes(names)));
        let both = authorized(&["a", "b"]).through(&authorized(&["b", "c"]), None);
        assert_eq!(both, authorized(&["b"]));
        assert!(!authorized(&["a"]).through(&authorized(&["b"]), None).leaves_something(None));
        let gone = Standing { is_subject_active: false, ..authorized(&["a"]) };
        assert!(!authorized(&["a"]).through(&gone, None).leaves_something(None));
    }

    proptest! {
        #[test]
        fn a_ceiling_only_ever_takes_away(app in any_standing(), ceiling in any_scopes()) {
            let now = standing(app);
            let with = now.effective(Some(&ceiling)).unwrap();
            prop_assert!(with.iter().all(|scope| ceiling.contains(scope)));
            if let Some(without) = now.effective(None) {
                prop_assert!(with.iter().all(|scope| without.contains(scope)));
            }
        }

        #[test]
        fn c51_whoever_a_token_came_through_only_ever_takes_away(
            own in any_standing(),
            theirs in any_standing(),
            ceilings in (proptest::option::of(any_scopes()), proptest::option::of(any_scopes())),
        ) {
            let (own, theirs) = (standing(own), standing(theirs));
            let (ceiling, their_ceiling) = (ceilings.0.as_deref(), ceilings.1.as_deref());
            let both = own.clone().through(&theirs, their_ceiling);
            prop_assert!(!both.leaves_something(ceiling) || own.leaves_something(ceiling));
            prop_assert!(!both.leaves_something(None) || theirs.leaves_something(their_ceiling));
            for (effective, whose) in [(own.effective(ceiling), "own"), (theirs.effective(their_ceiling), "theirs")] {
                let Some(bound) = effective else { continue };
                let left = both.effective(ceiling);
                prop_assert!(left.is_some_and(|left| left.iter().all(|scope| bound.contains(scope))), "{}", whose);
            }
        }

        #[test]
        fn no_scope_is_refused_exactly_when_every_asked_scope_is_effective(app in any_standing(), asked in any_scopes()) {
            let now = standing(app);
            prop_assert_eq!(now.unauthorized(&asked).is_none(), now.effective(Some(&asked)).unwrap() == asked);
        }
    }
}
