//! What is counted while calls run: one atomic write each, without a lock, a label or a look-up.
//!
//! Every other thing about a metric (its name, its labels, how it is shown) stands in `families.rs` and `metrics.rs`, where
//! only somebody who scrapes pays for it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of every duration, in microseconds: what a decision costs, up to what an upstream may take.
pub const BOUNDS_MICROS: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// What only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.add_many(1);
    }

    /// So many more.
    pub fn add_many(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Since the start.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What there is now: it comes and goes.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// One came.
    pub fn enter(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One of those that came went.
    pub fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, in buckets of [`BOUNDS_MICROS`].
#[derive(Debug, Default)]
pub struct Durations {
    /// Not cumulative; the last is for what took longer than every bound.
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

impl Durations {
    /// One took so long.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS_MICROS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many took at most each bound, and how many there were.
    pub fn cumulative(&self) -> [u64; BOUNDS_MICROS.len() + 1] {
        let mut so_far = 0;
        std::array::from_fn(|bucket| {
            so_far += self.buckets[bucket].load(Ordering::Relaxed);
            so_far
        })
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_micros.load(Ordering::Relaxed))
    }
}

/// Answers by the class of their status.
#[derive(Debug, Default)]
pub struct Statuses([Counter; 5]);

impl Statuses {
    /// The classes, as they are shown.
    pub const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

    /// One answer had this status.
    pub fn add(&self, status: u16) {
        let class = usize::from(status / 100).clamp(1, Self::CLASSES.len());
        self.0[class - 1].add();
    }

    /// Each class with its count.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Self::CLASSES.into_iter().zip(&self.0).map(|(class, counter)| (class, counter.count()))
    }
}

/// Counts by keys of a small set that is not known beforehand; behind a lock, so not for what happens with every call.
#[derive(Debug)]
pub struct Tally<K>(Mutex<BTreeMap<K, u64>>);

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Copy> Tally<K> {
    /// One more of this key.
    pub fn add(&self, key: K) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    /// Each key that was ever added, with its count.
    pub fn counts(&self) -> Vec<(K, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(key, count)| (*key, *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let durations = Durations::default();
        for micros in [0, 50, 51, 10_000_000, 10_000_001] {
            durations.observe(Duration::from_micros(micros));
        }
        let cumulative = durations.cumulative();
        assert_eq!((cumulative[0], cumulative[1]), (2, 3));
        assert_eq!((cumulative[15], cumulative[16]), (4, 5), "longer than every bound counts, and is in no bucket");
        assert_eq!(durations.sum(), Duration::from_micros(20_000_102));
    }

    #[test]
    fn a_status_counts_in_its_class() {
        let statuses = Statuses::default();
        for status in [101, 200, 204, 429, 503, 999] {
            statuses.add(status);
        }
        let counts: Vec<_> = statuses.counts().collect();
        assert_eq!(counts, [("1xx", 1), ("2xx", 2), ("3xx", 0), ("4xx", 1), ("5xx", 2)]);
    }
}
