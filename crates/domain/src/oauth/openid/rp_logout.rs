//! What a request to sign out leads to (OpenID Connect RP-Initiated Logout §2, §3, §4).
//!
//! Anybody can send a browser here. So only an ID token of ours about the person who is signed in ends the session at once;
//! else the person is asked. And only an address that the app registered is gone to, and none where anything is wrong.

use crate::client::Client;
use crate::oauth::openid::id_token_hint::HintedSignIn;
use crate::oauth::redirect_uri::with_query;
use crate::session::Session;

/// What came in `id_token_hint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoutHint {
    /// Nothing.
    Absent,
    /// Something that we did not give to this client.
    Invalid,
    /// An ID token of ours, for this client.
    About(HintedSignIn),
}

/// A request to sign out.
#[derive(Debug, Clone, Copy)]
pub struct LogoutRequest<'a> {
    /// Whom the app means.
    pub hint: &'a LogoutHint,
    /// The app that `client_id` or the hint names.
    pub client: Option<&'a Client>,
    /// Where the app wants the person back.
    pub return_uri: Option<&'a str>,
    /// Echoed there.
    pub state: Option<&'a str>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logout {
    /// End the session, if there is one, and go there or show a page.
    Now {
        /// An address of the app.
        return_to: Option<String>,
    },
    /// Ask the person; then the same.
    Confirm {
        /// An address of the app.
        return_to: Option<String>,
    },
}

/// What comes of `request` where `session` is this browser's.
pub fn logout(request: LogoutRequest<'_>, session: Option<&Session>) -> Logout {
    let return_to = return_address(request);
    // §3.1: the value MUST have been previously registered; §4: errors show no redirect.
    let is_wrong = *request.hint == LogoutHint::Invalid || (request.return_uri.is_some() && return_to.is_none());
    match (session, request.hint) {
        _ if is_wrong && session.is_some() => Logout::Confirm { return_to: None },
        (None, LogoutHint::About(_)) => Logout::Now { return_to },
        // Nobody is signed in, and nobody can tell who sent the browser.
        (None, _) => Logout::Now { return_to: None },
        // §2: the hint's person is the one who is signed in.
        (Some(session), LogoutHint::About(hinted)) if hinted.user == session.user => Logout::Now { return_to },
        // §2: the OP SHOULD ask whether to log out.
        (Some(_), _) => Logout::Confirm { return_to },
    }
}

/// The address that the app registered, with `state`; compared as a whole string.
pub fn return_address(request: LogoutRequest<'_>) -> Option<String> {
    let (client, uri) = (request.client?, request.return_uri?);
    let is_registered = client.metadata.post_logout_redirect_uris.iter().any(|known| known.as_str() == uri);
    let state: Vec<(&str, &str)> = request.state.map(|state| ("state", state)).into_iter().collect();
    (is_registered && *request.hint != LogoutHint::Invalid).then(|| with_query(uri, &state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientMetadata;
    use crate::id::UserId;
    use crate::oauth::samples::{ada, client, session};

    const BYE: &str = "https://app.example/bye";

    fn app() -> Client {
        let uris = vec![BYE.to_owned().try_into().unwrap()];
        Client { metadata: ClientMetadata { post_logout_redirect_uris: uris, ..ClientMetadata::default() }, ..client() }
    }

    fn about(user: UserId) -> LogoutHint {
        LogoutHint::About(HintedSignIn { user, session: None })
    }

    fn asked(hint: &LogoutHint, uri: Option<&str>, session: Option<&Session>) -> Logout {
        let app = app();
        logout(LogoutRequest { hint, client: Some(&app), return_uri: uri, state: Some("s&t") }, session)
    }

    #[test]
    fn e22_an_id_token_about_the_person_signs_out_and_leads_back_with_the_state() {
        let back = Some(format!("{BYE}?state=s%26t"));
        for session in [Some(&session()), None] {
            assert_eq!(asked(&about(ada()), Some(BYE), session), Logout::Now { return_to: back.clone() });
        }
        assert_eq!(asked(&about(ada()), None, Some(&session())), Logout::Now { return_to: None });
    }

    #[test]
    fn e22_anything_wrong_is_a_question_and_leads_nowhere() {
        let nowhere = Logout::Confirm { return_to: None };
        for uri in ["https://app.example/bye?x=1", "https://app.example/by", "https://evil.example/", "javascript:1"] {
            assert_eq!(asked(&about(ada()), Some(uri), Some(&session())), nowhere, "{uri}");
        }
        assert_eq!(asked(&LogoutHint::Invalid, Some(BYE), Some(&session())), nowhere);
        assert_eq!(asked(&LogoutHint::Absent, None, Some(&session())), nowhere);
        assert_eq!(asked(&LogoutHint::Invalid, Some(BYE), None), Logout::Now { return_to: None });
    }

    #[test]
    fn e22_without_a_hint_or_about_somebody_else_the_person_is_asked() {
        let back = Logout::Confirm { return_to: Some(format!("{BYE}?state=s%26t")) };
        assert_eq!(asked(&LogoutHint::Absent, Some(BYE), Some(&session())), back);
        assert_eq!(asked(&about(UserId::parse("grace").unwrap()), Some(BYE), Some(&session())), back);
        assert_eq!(asked(&LogoutHint::Absent, Some(BYE), None), Logout::Now { return_to: None });
    }
}
