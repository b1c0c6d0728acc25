//! Telling apps that somebody signed out (OpenID Connect Back-Channel Logout 1.0): the notice that is kept until it is delivered, and the token that is sent.

use serde::Serialize;
use serde_json::{Value, json};

use crate::client::uri::PageUri;
use crate::client::{Client, ClientState};
use crate::id::{ClientId, NoticeId, OrganizationId, SessionId, UserId};
use crate::time::Timestamp;

/// §2.4: explicit typing, so that it never passes for an ID token.
pub const LOGOUT_TOKEN_TYP: &str = "logout+jwt";
/// §2.4: the one event.
pub const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// §2.4: two minutes are recommended.
pub const LOGOUT_TOKEN_SECONDS: i64 = 120;
/// How long one try may keep others from trying, in seconds.
pub const LEASE_SECONDS: i64 = 60;
/// Seconds until the next try, after each that failed. Then it is given up: the app's own session has ended by itself, or never will.
const WAITS: [i64; 7] = [5, 30, 120, 600, 3_600, 4 * 3_600, 12 * 3_600];

/// Somebody signed out, and an app has yet to hear of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutNotice {
    /// The `jti` of every try, so that an app that heard twice can tell.
    pub id: NoticeId,
    /// Where the person was signed in.
    pub organization: OrganizationId,
    /// Who has to hear.
    pub client: ClientId,
    /// Who signed out.
    pub user: UserId,
    /// The sign-in that ended.
    pub session: SessionId,
    /// How often it was tried before.
    pub tries: i64,
}

/// The claims of a logout token (§2.4). Never a `nonce`.
#[derive(Debug, Serialize)]
pub struct LogoutToken {
    iss: String,
    sub: UserId,
    aud: ClientId,
    iat: i64,
    exp: i64,
    jti: NoticeId,
    sid: SessionId,
    events: Value,
}

impl LogoutToken {
    /// What `notice` says at `now`.
    #[must_use]
    pub fn new(notice: &LogoutNotice, issuer: &str, now: Timestamp) -> Self {
        Self {
            iss: issuer.to_owned(),
            sub: notice.user.clone(),
            aud: notice.client.clone(),
            iat: now.as_seconds(),
            exp: now.plus_seconds(LOGOUT_TOKEN_SECONDS).as_seconds(),
            jti: notice.id.clone(),
            sid: notice.session.clone(),
            events: json!({ LOGOUT_EVENT: {} }),
        }
    }
}

/// Where a client hears that somebody signed out (§2.2), if it wants to and is active.
#[must_use]
pub fn listener(client: &Client) -> Option<&str> {
    let uri = client.metadata.backchannel_logout_uri.as_ref().filter(|_| client.state == ClientState::Active);
    uri.map(PageUri::as_str)
}

/// What comes after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The app has heard, or cannot use what it heard.
    Done,
    /// Again, then.
    TryAt(Timestamp),
    /// Never again.
    GivenUp,
}

/// What follows from the answer to a try, an HTTP status; `None`: there was none.
#[must_use]
pub fn after(tries_before: i64, status: Option<u16>, now: Timestamp) -> Next {
    match status {
        // §2.8: 200; 204 is common.
        Some(200 | 204) => Next::Done,
        // §2.8: the request was invalid, or the logout failed: it would be the same again.
        Some(400) => Next::GivenUp,
        _ => match usize::try_from(tries_before).ok().and_then(|tries| WAITS.get(tries)) {
            Some(seconds) => Next::TryAt(now.plus_seconds(*seconds)),
            None => Next::GivenUp,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::samples::{ISSUED, acme, ada, client};

    fn notice() -> LogoutNotice {
        LogoutNotice {
            id: NoticeId::parse("n1").unwrap(),
            organization: acme(),
            client: client().id,
            user: ada(),
            session: SessionId::parse("s1").unwrap(),
            tries: 0,
        }
    }

    #[test]
    fn e23_a_logout_token_has_what_it_must_and_no_nonce() {
        let claims = serde_json::to_value(LogoutToken::new(&notice(), "https://as.example", ISSUED)).unwrap();
        let expected = json!({
            "iss": "https://as.example", "sub": "ada", "aud": "roster", "iat": 1_000_000, "exp": 1_000_120, "jti": "n1",
            "sid": "s1", "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn e23_a_try_that_failed_is_repeated_ever_later_and_given_up_in_the_end() {
        assert_eq!((after(0, Some(200), ISSUED), after(3, Some(204), ISSUED)), (Next::Done, Next::Done));
        assert_eq!(after(0, Some(400), ISSUED), Next::GivenUp);
        for status in [None, Some(302), Some(404), Some(500), Some(503)] {
            assert_eq!(after(0, status, ISSUED), Next::TryAt(ISSUED.plus_seconds(5)), "{status:?}");
        }
        assert_eq!(after(6, None, ISSUED), Next::TryAt(ISSUED.plus_seconds(12 * 3_600)));
        for tries in [7, 1_000, -1] {
            assert_eq!(after(tries, None, ISSUED), Next::GivenUp, "{tries}");
        }
    }

    #[test]
    fn only_an_active_client_that_asked_for_it_hears() {
        let mut client = client();
        assert_eq!(listener(&client), None);
        let uri: Result<PageUri, _> = "https://app.example/out".to_owned().try_into();
        client.metadata.backchannel_logout_uri = Some(uri.unwrap());
        assert_eq!(listener(&client), Some("https://app.example/out"));
        client.state = ClientState::Disabled;
        assert_eq!(listener(&client), None);
    }
}
