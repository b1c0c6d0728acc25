//! Whether the person at the browser must prove again who they are (OpenID Connect Core §3.1.2.1, §3.1.2.3, §3.1.2.6).

use crate::id::{OrganizationId, UserId};
use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::error::ErrorCode;
use crate::session::Session;
use crate::time::Timestamp;

/// What to do about the sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// Somebody is signed in who can go on.
    Done,
    /// The page.
    Needed,
    /// Back to the client with an error.
    Refused(ErrorCode, &'static str),
}

/// Whom the client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expected<'a> {
    /// The organization that it named.
    pub organization: Option<&'a OrganizationId>,
    /// The person that an ID token of ours names, or the `claims` parameter.
    pub user: Option<&'a UserId>,
}

/// Decides for the browser's live `session`, where `request` began at `began_at`.
pub fn sign_in(
    request: &AuthorizationRequest,
    session: Option<&Session>,
    expected: Expected<'_>,
    began_at: Timestamp,
    now: Timestamp,
) -> SignIn {
    // RFC 9470 §4, OpenID Connect Unmet Authentication Requirements: never a weaker way in the place of what was asked.
    if request.identity.wants_unreachable_acr {
        let description = "no way of signing in here is among the `acr` values that the app takes";
        return SignIn::Refused(ErrorCode::UnmetAuthenticationRequirements, description);
    }
    let step = match session {
        None => SignIn::Needed,
        Some(session) => of_session(request, session, expected, began_at, now),
    };
    match (step, session) {
        // §3.1.2.6: `prompt=none` turns the page into an error.
        (SignIn::Needed, Some(session)) if request.prompt.none && !is_expected(session, expected) => {
            SignIn::Refused(ErrorCode::AccountSelectionRequired, "somebody else is signed in")
        }
        (SignIn::Needed, _) if request.prompt.none => {
            SignIn::Refused(ErrorCode::LoginRequired, "nobody is signed in, or too long ago")
        }
        (step, _) => step,
    }
}

fn of_session(
    request: &AuthorizationRequest,
    session: &Session,
    expected: Expected<'_>,
    began_at: Timestamp,
    now: Timestamp,
) -> SignIn {
    let has_just_signed_in = session.authenticated_at >= began_at;
    if !is_expected(session, expected) {
        // §3.1.2.2: never an ID token about somebody else than the hint's person, also after a second sign-in.
        let is_other_person = expected.user.is_some_and(|user| *user != session.user);
        return match has_just_signed_in && is_other_person {
            true => SignIn::Refused(ErrorCode::LoginRequired, "another person signed in than the app expected"),
            false => SignIn::Needed,
        };
    }
    // §3.1.2.1: `max_age=0` is the same as `prompt=login`. RFC 9470 §4: what a resource server asked for is asked of the sign-in.
    let wish = &request.identity;
    let is_enough = session.authentication().suffices(&wish.acr_values, wish.max_age, now);
    let asks_again = request.prompt.login || wish.max_age == Some(0) || !is_enough;
    if asks_again && !has_just_signed_in { SignIn::Needed } else { SignIn::Done }
}

fn is_expected(session: &Session, expected: Expected<'_>) -> bool {
    expected.organization.is_none_or(|organization| *organization == session.organization)
        && expected.user.is_none_or(|user| *user == session.user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::parameters::Parameters;
    use crate::oauth::samples::{CHALLENGE, ISSUED, acme, ada, client, session};

    fn request(extra: &[(&str, &str)]) -> AuthorizationRequest {
        let mut pairs = vec![
            ("redirect_uri", "https://app.example/cb"),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        pairs.extend(extra);
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        AuthorizationRequest::check(&Parameters::new(pairs), Some(&client()), &|_| true).unwrap()
    }

    /// The session of the samples is from `ISSUED`; the request begins 100 seconds later.
    fn at(extra: &[(&str, &str)], expected: Expected<'_>) -> SignIn {
        let now = ISSUED.plus_seconds(100);
        sign_in(&request(extra), Some(&session()), expected, now, now)
    }

    /// The same after a sign-in that the request caused.
    fn after(extra: &[(&str, &str)], expected: Expected<'_>) -> SignIn {
        sign_in(&request(extra), Some(&session()), expected, ISSUED, ISSUED.plus_seconds(30))
    }

    const ANYBODY: Expected<'_> = Expected { organization: None, user: None };

    #[test]
    fn a37_prompt_none_answers_or_fails() {
        assert_eq!(at(&[("prompt", "none")], ANYBODY), SignIn::Done);
        let nobody = sign_in(&request(&[("prompt", "none")]), None, ANYBODY, ISSUED, ISSUED);
        assert!(matches!(nobody, SignIn::Refused(ErrorCode::LoginRequired, _)));
        let grace = UserId::parse("grace").unwrap();
        let other = at(&[("prompt", "none")], Expected { user: Some(&grace), ..ANYBODY });
        assert!(matches!(other, SignIn::Refused(ErrorCode::AccountSelectionRequired, _)));
        let too_old = at(&[("prompt", "none"), ("max_age", "99")], ANYBODY);
        assert!(matches!(too_old, SignIn::Refused(ErrorCode::LoginRequired, _)));
    }

    #[test]
    fn a39_prompt_login_and_select_account_ask_once() {
        for prompt in ["login", "select_account"] {
            assert_eq!(at(&[("prompt", prompt)], ANYBODY), SignIn::Needed);
            assert_eq!(after(&[("prompt", prompt)], ANYBODY), SignIn::Done);
        }
        assert_eq!(sign_in(&request(&[]), None, ANYBODY, ISSUED, ISSUED), SignIn::Needed);
    }

    #[test]
    fn a39_a40_max_age_counts_from_the_last_sign_in_and_0_asks_always() {
        for (most, expected) in
            [("99", SignIn::Needed), ("100", SignIn::Done), ("10000", SignIn::Done), ("0", SignIn::Needed)]
        {
            assert_eq!(at(&[("max_age", most)], ANYBODY), expected, "{most}");
        }
        for most in ["0", "1"] {
            assert_eq!(after(&[("max_age", most)], ANYBODY), SignIn::Done, "a sign-in for this request is new enough");
        }
    }

    #[test]
    fn another_person_than_expected_signs_in_again_and_is_refused_then() {
        let (own, grace) = (ada(), UserId::parse("grace").unwrap());
        assert_eq!(at(&[], Expected { user: Some(&own), ..ANYBODY }), SignIn::Done);
        let grace = Expected { user: Some(&grace), ..ANYBODY };
        assert_eq!(at(&[], grace), SignIn::Needed);
        assert!(matches!(after(&[], grace), SignIn::Refused(ErrorCode::LoginRequired, _)));
    }

    #[test]
    fn another_organization_is_signed_in_to() {
        let (here, elsewhere) = (acme(), OrganizationId::parse("globex").unwrap());
        assert_eq!(at(&[], Expected { organization: Some(&here), ..ANYBODY }), SignIn::Done);
        assert_eq!(after(&[], Expected { organization: Some(&elsewhere), ..ANYBODY }), SignIn::Needed);
    }

    #[test]
    fn a55_an_unreachable_acr_is_never_answered_with_a_weaker_one() {
        let refused = at(&[("acr_values", "gold")], ANYBODY);
        assert!(matches!(refused, SignIn::Refused(ErrorCode::UnmetAuthenticationRequirements, _)));
    }
}
