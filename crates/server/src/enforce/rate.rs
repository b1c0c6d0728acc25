//! How many calls a token, an app within an organization, and an organization may make in a minute, told in every reply.
//!
//! Only calls with a live token are counted, so strangers take no memory. An app's calls are counted for each organization by
//! itself: one tenant's flood leaves the same app's other tenants alone. What is refused for its token counts against no one
//! else.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use countersign_domain::id::{ClientId, OrganizationId};
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;
use moka::policy::EvictionPolicy;

use crate::config::Limits;
use crate::enforce::check::LiveToken;

const WINDOW_SECONDS: i64 = 60;
/// Most windows of each kind; the least recently used are forgotten first, and begin again.
const MAX_WINDOWS: u64 = 100_000;

const COUNT: HeaderName = HeaderName::from_static("inin-ratelimit-count");
const ALLOWED: HeaderName = HeaderName::from_static("inin-ratelimit-allowed");
const RESET: HeaderName = HeaderName::from_static("inin-ratelimit-reset");

/// Counters of fixed one-minute windows.
pub struct RateLimit {
    tokens: Windows<Digest>,
    clients: Windows<(OrganizationId, ClientId)>,
    organizations: Windows<OrganizationId>,
}

/// Whose calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Those with one access token.
    Token,
    /// Those of one app in one organization.
    Client,
    /// Those in one organization.
    Organization,
}

/// Where a caller stands in the window that is nearest to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateStanding {
    /// Whose window.
    pub counted: Counted,
    /// Calls in this window, this one included.
    pub count: u32,
    /// Calls that the window allows.
    pub allowed: u32,
    /// Seconds until the window ends.
    pub reset_seconds: i64,
}

impl Counted {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Token, Self::Client, Self::Organization];

    /// As metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Client => "client",
            Self::Organization => "organization",
        }
    }
}

impl RateStanding {
    /// Where a caller without a live token stands: nothing counted.
    pub const fn uncounted(limits: &Limits) -> Self {
        let allowed = limits.calls_per_token_per_minute;
        Self { counted: Counted::Token, count: 0, allowed, reset_seconds: WINDOW_SECONDS }
    }

    /// Whether this call is one too many.
    pub const fn is_exceeded(self) -> bool {
        self.count > self.allowed
    }

    /// `inin-ratelimit-count`, `-allowed`, `-reset`.
    pub fn write(self, headers: &mut HeaderMap) {
        headers.insert(COUNT, HeaderValue::from(self.count));
        headers.insert(ALLOWED, HeaderValue::from(self.allowed));
        headers.insert(RESET, HeaderValue::from(self.reset_seconds));
    }

    /// The same in an answer that says nothing of it yet: one to a call that was refused before anybody asked who calls.
    pub fn write_where_absent(limits: &Limits, headers: &mut HeaderMap) {
        if !headers.contains_key(COUNT) {
            Self::uncounted(limits).write(headers);
        }
    }

    const fn or_nearer(self, other: Self) -> Self {
        let (left, others) = (self.allowed.saturating_sub(self.count), other.allowed.saturating_sub(other.count));
        if other.is_exceeded() || others < left { other } else { self }
    }
}

/// Whether a header tells where a caller stands.
pub fn is_of_standing(name: &HeaderName) -> bool {
    [COUNT, ALLOWED, RESET].contains(name)
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::remembering(MAX_WINDOWS)
    }
}

impl RateLimit {
    /// With so many windows of each kind.
    fn remembering(most: u64) -> Self {
        Self { tokens: Windows::new(most), clients: Windows::new(most), organizations: Windows::new(most) }
    }

    /// Counts one call, from the narrowest window to the widest, until one is exceeded.
    pub fn count(&self, live: &LiveToken, limits: &Limits, now: Timestamp) -> RateStanding {
        let (organization, client) = (&live.bearer.organization, &live.bearer.client);
        self.count_of(live.digest, (organization, client), limits, now)
    }

    fn count_of(
        &self,
        token: Digest,
        (organization, client): (&OrganizationId, &ClientId),
        limits: &Limits,
        now: Timestamp,
    ) -> RateStanding {
        let mut nearest = self.tokens.count(&token, Counted::Token, limits.calls_per_token_per_minute, now);
        let of_client = limits.calls_per_client_per_minute.map(NonZeroU32::get);
        let of_organization = limits.calls_per_organization_per_minute.map(NonZeroU32::get);
        if let Some(allowed) = of_client.filter(|_| !nearest.is_exceeded()) {
            let key = (organization.clone(), client.clone());
            nearest = nearest.or_nearer(self.clients.count(&key, Counted::Client, allowed, now));
        }
        if let Some(allowed) = of_organization.filter(|_| !nearest.is_exceeded()) {
            nearest = nearest.or_nearer(self.organizations.count(organization, Counted::Organization, allowed, now));
        }
        nearest
    }
}

/// Windows of one kind, by whom they are of.
struct Windows<K>(moka::sync::Cache<K, Arc<Mutex<Window>>>);

#[derive(Debug)]
struct Window {
    started_at: Timestamp,
    count: u32,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Windows<K> {
    /// By recency alone: whoever comes new is counted, however many come.
    fn new(most: u64) -> Self {
        Self(moka::sync::Cache::builder().max_capacity(most).eviction_policy(EvictionPolicy::lru()).build())
    }

    fn count(&self, key: &K, counted: Counted, allowed: u32, now: Timestamp) -> RateStanding {
        let window = self.0.get_with_by_ref(key, || Arc::new(Mutex::new(Window { started_at: now, count: 0 })));
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.seconds_since(window.started_at) >= WINDOW_SECONDS {
            *window = Window { started_at: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        let reset_seconds = WINDOW_SECONDS - now.seconds_since(window.started_at).clamp(0, WINDOW_SECONDS);
        RateStanding { counted, count: window.count, allowed, reset_seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(token: u32, client: u32, organization: u32) -> Limits {
        Limits {
            calls_per_token_per_minute: token,
            calls_per_client_per_minute: NonZeroU32::new(client),
            calls_per_organization_per_minute: NonZeroU32::new(organization),
            ..Limits::default()
        }
    }

    /// One call at second 0: whose window is nearest to its end, calls in it, and whether that is too many.
    fn call(
        limit: &RateLimit,
        limits: &Limits,
        (organization, client, token): (&str, &str, u32),
    ) -> (Counted, u32, bool) {
        let (organization, client) = (OrganizationId::parse(organization).unwrap(), ClientId::parse(client).unwrap());
        let token = Digest::of(&token.to_be_bytes());
        let standing = limit.count_of(token, (&organization, &client), limits, Timestamp::default());
        (standing.counted, standing.count, standing.is_exceeded())
    }

    #[test]
    fn the_call_after_the_last_allowed_one_is_one_too_many_until_the_window_ends() {
        let (windows, token) = (Windows::new(10), Digest::of(b"token"));
        let at = |seconds| windows.count(&token, Counted::Token, 2, Timestamp::from_seconds(seconds));
        assert!(!at(0).is_exceeded() && !at(1).is_exceeded());
        assert_eq!(at(20), RateStanding { counted: Counted::Token, count: 3, allowed: 2, reset_seconds: 40 });
        assert!(at(20).is_exceeded() && !at(60).is_exceeded());
    }

    #[test]
    fn one_tenants_flood_leaves_the_same_apps_other_tenants_alone() {
        let (limit, limits) = (RateLimit::default(), limits(100, 5, 8));
        for token in 0..5 {
            assert!(!call(&limit, &limits, ("acme", "shop", token)).2);
        }
        assert_eq!(call(&limit, &limits, ("acme", "shop", 5)), (Counted::Client, 6, true));
        for token in 0..3 {
            assert!(!call(&limit, &limits, ("acme", "till", token)).2);
        }
        assert_eq!(call(&limit, &limits, ("acme", "till", 3)), (Counted::Organization, 9, true));
        assert_eq!(call(&limit, &limits, ("globex", "shop", 9)), (Counted::Client, 1, false));
    }

    #[test]
    fn what_is_refused_for_its_token_counts_against_nobody_else() {
        let (limit, limits) = (RateLimit::default(), limits(1, 3, 3));
        assert_eq!(call(&limit, &limits, ("acme", "shop", 1)), (Counted::Token, 1, false));
        for _ in 0..9 {
            assert_eq!(call(&limit, &limits, ("acme", "shop", 1)).0, Counted::Token);
        }
        assert!(!call(&limit, &limits, ("acme", "shop", 2)).2);
    }

    #[test]
    fn a_flood_of_tokens_takes_no_more_room_and_is_counted() {
        let (limit, limits) = (RateLimit::remembering(100), limits(10, 0, 5_000));
        let refused = (0..20_000).filter(|token| call(&limit, &limits, ("acme", "shop", *token)).2).count();
        assert_eq!(refused, 15_000);
        limit.tokens.0.run_pending_tasks();
        assert!(limit.tokens.0.entry_count() <= 100);
        for count in 1..5 {
            assert_eq!(
                call(&limit, &limits, ("globex", "shop", 7)),
                (Counted::Token, count, false),
                "the newest are counted"
            );
        }
    }
}
