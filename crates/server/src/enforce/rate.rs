//! How many platform API calls one access token may make in a minute, told in every reply.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;

use crate::config::Limits;

const WINDOW_SECONDS: i64 = 60;
/// Most tokens that are counted; the least recently used are forgotten first.
const MAX_TOKENS: u64 = 100_000;

/// Counters of fixed one-minute windows, one per token.
#[derive(Clone)]
pub struct RateLimit {
    windows: moka::sync::Cache<Digest, Arc<Mutex<Window>>>,
}

#[derive(Debug)]
struct Window {
    started_at: Timestamp,
    count: u32,
}

/// Where a token stands in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateStanding {
    /// Calls in this window, this one included.
    pub count: u32,
    /// Calls that the window allows.
    pub allowed: u32,
    /// Seconds until the window ends.
    pub reset_seconds: i64,
}

impl RateStanding {
    /// Whether this call is one too many.
    pub const fn is_exceeded(self) -> bool {
        self.count > self.allowed
    }

    /// `inin-ratelimit-count`, `-allowed`, `-reset`.
    pub fn write(self, headers: &mut HeaderMap) {
        headers.insert(HeaderName::from_static("inin-ratelimit-count"), HeaderValue::from(self.count));
        headers.insert(HeaderName::from_static("inin-ratelimit-allowed"), HeaderValue::from(self.allowed));
        headers.insert(HeaderName::from_static("inin-ratelimit-reset"), HeaderValue::from(self.reset_seconds));
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { windows: moka::sync::Cache::new(MAX_TOKENS) }
    }
}

impl RateLimit {
    /// Where a caller without a live token stands: nothing counted.
    pub const fn uncounted(limits: &Limits) -> RateStanding {
        RateStanding { count: 0, allowed: limits.calls_per_token_per_minute, reset_seconds: WINDOW_SECONDS }
    }

    /// Counts one call of the token.
    pub fn count(&self, token: Digest, limits: &Limits, now: Timestamp) -> RateStanding {
        let window = self.windows.get_with(token, || Arc::new(Mutex::new(Window { started_at: now, count: 0 })));
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.seconds_since(window.started_at) >= WINDOW_SECONDS {
            *window = Window { started_at: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        let reset_seconds = WINDOW_SECONDS - now.seconds_since(window.started_at).clamp(0, WINDOW_SECONDS);
        RateStanding { count: window.count, allowed: limits.calls_per_token_per_minute, reset_seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(calls_per_token_per_minute: u32) -> Limits {
        Limits { calls_per_token_per_minute, ..Limits::default() }
    }

    #[test]
    fn the_call_after_the_last_allowed_one_is_one_too_many_until_the_window_ends() {
        let (limit, token) = (RateLimit::default(), Digest::of(b"token"));
        let at = |seconds| limit.count(token, &limits(2), Timestamp::from_seconds(seconds));
        assert!(!at(0).is_exceeded() && !at(1).is_exceeded());
        assert_eq!(at(20), RateStanding { count: 3, allowed: 2, reset_seconds: 40 });
        assert!(at(20).is_exceeded() && !at(60).is_exceeded());
    }

    #[test]
    fn tokens_are_counted_apart() {
        let limit = RateLimit::default();
        assert!(!limit.count(Digest::of(b"a"), &limits(1), Timestamp::default()).is_exceeded());
        assert!(!limit.count(Digest::of(b"b"), &limits(1), Timestamp::default()).is_exceeded());
    }
}
