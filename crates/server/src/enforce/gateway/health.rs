//! Which addresses of an upstream are up: as calls show, and as a path of its own says where one is configured.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::config::UpstreamUrl;

/// Failures in a row, of calls, after which an address rests.
const FAILED_CALLS: u32 = 3;
/// How long it rests before one call tries it again.
pub(super) const REST: Duration = Duration::from_secs(2);
/// Failures in a row of its own path, after which nothing is sent to an address.
const FAILED_CHECKS: u32 = 2;
/// How one address of an upstream does.
pub(super) struct Health {
    url: UpstreamUrl,
    failed_calls: AtomicU32,
    /// In milliseconds of the upstream's clock; 0 where it does not rest.
    rests_until: AtomicU64,
    failed_checks: AtomicU32,
}

impl Health {
    /// Of one that nothing bad is known of.
    pub(super) const fn new(url: UpstreamUrl) -> Self {
        Self { url, failed_calls: AtomicU32::new(0), rests_until: AtomicU64::new(0), failed_checks: AtomicU32::new(0) }
    }

    /// Whether a call may go there. Of those that come when a rest is over, one may.
    pub(super) fn may_be_tried(&self, now: Duration) -> bool {
        if self.failed_checks.load(Ordering::Relaxed) >= FAILED_CHECKS {
            return false;
        }
        let until = self.rests_until.load(Ordering::Relaxed);
        until == 0 || (millis(now) >= until && self.rest(until, now))
    }

    /// Whether nothing bad is known of it now.
    pub(super) fn is_up(&self) -> bool {
        self.failed_checks.load(Ordering::Relaxed) < FAILED_CHECKS && self.rests_until.load(Ordering::Relaxed) == 0
    }

    /// An answer came.
    pub(super) fn works(&self) {
        // most of the time there is nothing to write, and a written line of memory is one that other cores must fetch
        if self.failed_calls.load(Ordering::Relaxed) > 0 {
            self.failed_calls.store(0, Ordering::Relaxed);
            if self.rests_until.swap(0, Ordering::Relaxed) > 0 {
                tracing::info!(upstream.url = %self.url, "an upstream answers again");
            }
        }
    }

    /// None came, and the call was not at fault.
    pub(super) fn fails(&self, now: Duration) {
        let failed = self.failed_calls.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failed >= FAILED_CALLS && self.rest(0, now) {
            tracing::warn!(upstream.url = %self.url, failed, "an upstream does not answer, and is left alone for a while");
        }
    }

    /// Rests from now on, if nobody said so before.
    fn rest(&self, before: u64, now: Duration) -> bool {
        let until = millis(now + REST);
        self.rests_until.compare_exchange(before, until, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// What its own path said.
    pub(super) fn checked(&self, is_healthy: bool) {
        let before = match is_healthy {
            true => self.failed_checks.swap(0, Ordering::Relaxed),
            false => self.failed_checks.fetch_add(1, Ordering::Relaxed),
        };
        match is_healthy {
            true if before >= FAILED_CHECKS => {
                tracing::info!(upstream.url = %self.url, "an upstream says that it is healthy again");
            }
            false if before + 1 == FAILED_CHECKS => {
                tracing::warn!(upstream.url = %self.url, "an upstream does not say that it is healthy: nothing is sent to it");
            }
            _ => {}
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Health {
        Health::new(UpstreamUrl::try_from("http://127.0.0.1:9000".to_owned()).unwrap())
    }

    #[test]
    fn an_address_rests_after_three_failures_in_a_row_and_one_call_tries_it_again() {
        let (address, start) = (address(), Duration::ZERO);
        address.fails(start);
        address.fails(start);
        address.works();
        address.fails(start);
        address.fails(start);
        assert!(address.may_be_tried(start), "two in a row");
        address.fails(start);
        assert!(!address.may_be_tried(start) && !address.is_up());
        assert!(address.may_be_tried(REST) && !address.may_be_tried(REST), "one tries");
        address.fails(REST);
        assert!(!address.may_be_tried(REST));
        assert!(address.may_be_tried(2 * REST));
        address.works();
        assert!(address.may_be_tried(2 * REST) && address.may_be_tried(2 * REST));
    }

    #[test]
    fn what_says_twice_that_it_is_not_healthy_gets_nothing_until_it_says_otherwise() {
        let (address, start) = (address(), Duration::ZERO);
        address.checked(false);
        assert!(address.may_be_tried(start));
        address.checked(false);
        address.works();
        assert!(!address.may_be_tried(start));
        address.checked(true);
        assert!(address.may_be_tried(start));
    }
}
