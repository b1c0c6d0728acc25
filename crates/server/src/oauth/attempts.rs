//! How often somebody may guess (checklist C27, F03, F04): consecutive failures, counted apart for each address.
//!
//! A failure is counted before the secret is verified and forgiven after a success, so that parallel guesses count too. The
//! right person from another address is not locked out.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;

/// Most keys that are counted; the least recently used are forgotten first.
const MAX_KEYS: u64 = 100_000;

/// Consecutive failures per key and address.
#[derive(Clone)]
pub struct Attempts {
    allowed: u32,
    wait_seconds: i64,
    failures: moka::sync::Cache<Digest, Arc<Mutex<Failures>>>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last_at: Timestamp,
}

/// One guess that was counted; forgive it when it was right.
#[must_use = "a guess that was right must be forgiven"]
#[derive(Debug)]
pub struct Attempt(Digest);

/// Too many failures; seconds until the next try counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyAttempts {
    /// At least 1.
    pub wait_seconds: i64,
}

impl Attempts {
    /// `allowed` failures in a row; then `wait_seconds` without a try.
    pub fn new(allowed: u32, wait_seconds: i64) -> Self {
        Self { allowed, wait_seconds, failures: moka::sync::Cache::new(MAX_KEYS) }
    }

    /// Counts a guess at `key` (an e-mail in its one form, a client id) from `address`.
    pub fn begin(&self, key: &str, address: IpAddr, now: Timestamp) -> Result<Attempt, TooManyAttempts> {
        self.count(&format!("{} {key}", neighbourhood(address)), now)
    }

    fn count(&self, counted: &str, now: Timestamp) -> Result<Attempt, TooManyAttempts> {
        let digest = Digest::of(counted.as_bytes());
        let fresh = || Arc::new(Mutex::new(Failures { count: 0, last_at: now }));
        let failures = self.failures.get_with(digest, fresh);
        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = now.seconds_since(failures.last_at);
        if waited >= self.wait_seconds {
            failures.count = 0;
        }
        if failures.count >= self.allowed {
            return Err(TooManyAttempts { wait_seconds: (self.wait_seconds - waited).clamp(1, self.wait_seconds) });
        }
        *failures = Failures { count: failures.count + 1, last_at: now };
        Ok(Attempt(digest))
    }

    /// The guess was right: nothing is held against the next one.
    pub fn forgive(&self, attempt: &Attempt) {
        self.failures.invalidate(&attempt.0);
    }
}

/// One IPv4 address; of IPv6 the /64, which one subscriber has to choose from.
pub(super) fn neighbourhood(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x?}", &address.segments()[..4]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000 + seconds)
    }

    fn with_failures(count: u32) -> Attempts {
        let attempts = Attempts::new(10, 900);
        for _ in 0..count {
            let _failed = attempts.begin("ada@acme.test", HERE, at(0)).unwrap();
        }
        attempts
    }

    #[test]
    fn f03_the_eleventh_try_after_ten_failures_waits() {
        let attempts = with_failures(10);
        let refused = attempts.begin("ada@acme.test", HERE, at(60)).unwrap_err();
        assert_eq!(refused, TooManyAttempts { wait_seconds: 840 });
        assert!(attempts.begin("ada@acme.test", HERE, at(900)).is_ok());
    }

    #[test]
    fn f03_a_success_forgives_what_failed_before() {
        let attempts = with_failures(9);
        let right = attempts.begin("ada@acme.test", HERE, at(1)).unwrap();
        attempts.forgive(&right);
        assert!(attempts.begin("ada@acme.test", HERE, at(2)).is_ok());
    }

    #[test]
    fn c27_the_right_one_from_elsewhere_is_not_locked_out() {
        let attempts = with_failures(10);
        assert!(attempts.begin("ada@acme.test", "192.0.2.7".parse().unwrap(), at(1)).is_ok());
        assert!(attempts.begin("bob@acme.test", HERE, at(1)).is_ok());
    }

    #[test]
    fn an_ipv6_subscriber_has_one_address() {
        let attempts = Attempts::new(1, 60);
        let _failed = attempts.begin("a", "2001:db8:1:2::1".parse().unwrap(), at(0)).unwrap();
        assert!(attempts.begin("a", "2001:db8:1:2:ffff::9".parse().unwrap(), at(0)).is_err());
        assert!(attempts.begin("a", "2001:db8:1:3::1".parse().unwrap(), at(0)).is_ok());
    }
}
