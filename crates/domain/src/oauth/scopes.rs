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
        fn no_scope_is_refused_exactly_when_every_asked_scope_is_effective(app in any_standing(), asked in any_scopes()) {
            let now = standing(app);
            prop_assert_eq!(now.unauthorized(&asked).is_none(), now.effective(Some(&asked)).unwrap() == asked);
        }
    }
}
