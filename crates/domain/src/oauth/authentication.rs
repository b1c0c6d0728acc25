//! How and when a person proved who they are, and whether that is enough (RFC 9470, OpenID Connect Core §2 `acr` and `auth_time`).

use crate::time::Timestamp;

/// How people sign in here: with a password (OpenID Connect Core §2 `acr`).
pub const PASSWORD_ACR: &str = "urn:countersign:acr:password";

/// One proof of a person: what a session, and the tokens that come from it, remember of the sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    /// When.
    pub at: Timestamp,
    /// How: an authentication context class reference.
    pub acr: String,
}

impl Authentication {
    /// A password was right at this instant.
    pub fn by_password(at: Timestamp) -> Self {
        Self { at, acr: PASSWORD_ACR.to_owned() }
    }

    /// Whether it is strong enough for who takes these `acr_values` (none: any), and at `now` no older than `max_age` seconds.
    ///
    /// RFC 9470 §3, §4: the only place that says so, to the authorization endpoint and to every door.
    pub fn suffices(&self, acr_values: &[String], max_age: Option<i64>, now: Timestamp) -> bool {
        let is_strong_enough = acr_values.is_empty() || acr_values.contains(&self.acr);
        is_strong_enough && max_age.is_none_or(|most| now <= self.at.plus_seconds(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d17_a_sign_in_suffices_while_it_is_fresh_and_as_strong_as_one_of_the_values() {
        let at = Timestamp::from_seconds(1_000);
        let suffices = |values: &[&str], most, later| {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            Authentication::by_password(at).suffices(&values, most, at.plus_seconds(later))
        };
        assert!(suffices(&[], None, 1_000_000) && suffices(&["gold", PASSWORD_ACR], None, 1));
        assert!(!suffices(&["gold"], None, 0) && !suffices(&["gold"], Some(60), 0));
        assert!(suffices(&[], Some(60), 60) && !suffices(&[], Some(60), 61));
        assert!(suffices(&[PASSWORD_ACR], Some(60), 60) && !suffices(&[PASSWORD_ACR], Some(60), 61));
    }
}
