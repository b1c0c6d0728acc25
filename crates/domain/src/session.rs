//! A signed-in browser.

use crate::id::{OrganizationId, SessionId, UserId};
use crate::oauth::authentication::Authentication;
use crate::secret::Digest;
use crate::time::Timestamp;

/// Longest time between two requests of one session, in seconds.
pub const SESSION_IDLE_SECONDS: i64 = 30 * 60;
/// Longest life of a session, in seconds.
pub const SESSION_ABSOLUTE_SECONDS: i64 = 12 * 60 * 60;

/// A signed-in browser. The cookie holds the secret; the record its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What clients know it by; stays when the secret changes.
    pub id: SessionId,
    /// Digest of the cookie's secret.
    pub digest: Digest,
    /// The organization signed in to.
    pub organization: OrganizationId,
    /// Who.
    pub user: UserId,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// The last request seen.
    pub last_seen_at: Timestamp,
}

impl Session {
    /// How and when the person proved who they are.
    pub fn authentication(&self) -> Authentication {
        Authentication::by_password(self.authenticated_at)
    }

    /// Whether the session is over at `now`, by idleness or by age.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.last_seen_at.plus_seconds(SESSION_IDLE_SECONDS)
            || now >= self.authenticated_at.plus_seconds(SESSION_ABSOLUTE_SECONDS)
    }
}
