//! The two clocks: processor time of one thread for loops, and the processor's time stamp for single decisions.

use std::hint::black_box;
use std::ops::Range;
use std::time::Duration;

use quanta::Clock;
use rustix::time::{ClockId, clock_gettime};

use crate::requests::Requests;

/// So many requests are read by the caller before they are timed: few enough to stay in the first-level cache, enough
/// to make reading the clock cheap.
const WINDOW: usize = 128;

/// Processor time that this thread has used. Other threads and programs do not count, so a busy machine disturbs
/// little.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("processor time is not negative");
    let nanos = u32::try_from(time.tv_nsec).expect("less than a second");
    Duration::new(seconds, nanos)
}

/// Processor nanoseconds per decision over a range of requests.
///
/// Requests are read in windows just before they are decided, because a server that decides has just parsed them; the
/// world stays as cold as it is. Reading the clock around each window is measured too, and taken off.
pub(crate) fn per_decision(requests: &Requests, range: Range<usize>, mut decide: impl FnMut(usize) -> u64) -> f64 {
    let count = range.len();
    let spent = in_windows(requests, range.clone(), &mut decide);
    let empty = windows_alone(requests, range);
    spent.saturating_sub(empty).as_nanos() as f64 / count as f64
}

fn in_windows(requests: &Requests, range: Range<usize>, decide: &mut impl FnMut(usize) -> u64) -> Duration {
    let mut spent = Duration::ZERO;
    for start in range.clone().step_by(WINDOW) {
        let window = start..range.end.min(start + WINDOW);
        black_box(requests.touch(window.clone()));
        let before = thread_time();
        let mut sum = 0u64;
        for index in window {
            sum = sum.wrapping_add(decide(index));
        }
        black_box(sum);
        spent += thread_time() - before;
    }
    spent
}

/// What reading the clock costs, from a few windows in which nothing is done.
fn windows_alone(requests: &Requests, range: Range<usize>) -> Duration {
    let windows = range.len().div_ceil(WINDOW);
    let tried = windows.min(64);
    let sample = range.start..range.end.min(range.start + tried * WINDOW);
    let mut spent: Vec<Duration> = Vec::with_capacity(tried);
    for start in sample.clone().step_by(WINDOW) {
        black_box(requests.touch(start..sample.end.min(start + WINDOW)));
        let before = thread_time();
        spent.push(thread_time() - before);
    }
    spent.sort_unstable();
    spent.get(spent.len() / 2).copied().unwrap_or_default() * u32::try_from(windows).expect("few windows")
}

/// Nanoseconds of each decision of a chain in which no decision can begin before the one before it has ended: what
/// one call waits.
///
/// One time stamp is read between two decisions, and what that costs alone is taken off. The stamp does not wait for
/// the decision, but the next decision does, so that the distances between stamps are those between decisions; single
/// ones can be off by what a processor runs ahead, medians cannot.
pub(crate) fn serialized(
    requests: &Requests,
    range: Range<usize>,
    mut decide: impl FnMut(usize) -> u64,
) -> Percentiles {
    let clock = Clock::new();
    // The compiler does not know that this is zero: every index depends on the answer before.
    let none = black_box(0u64);
    let mut nanos: Vec<u32> = Vec::with_capacity(range.len());
    let overhead = stamp_cost(&clock);
    let mut answer = 0u64;
    for start in range.clone().step_by(WINDOW) {
        let window = start..range.end.min(start + WINDOW);
        black_box(requests.touch(window.clone()));
        let mut stamp = clock.raw();
        for index in window {
            let dependent = index + usize::try_from(answer & none).expect("zero");
            answer = black_box(decide(dependent));
            let now = clock.raw();
            let spent = clock.delta_as_nanos(stamp, now).saturating_sub(overhead);
            nanos.push(u32::try_from(spent).unwrap_or(u32::MAX));
            stamp = now;
        }
    }
    Percentiles::of(nanos)
}

fn stamp_cost(clock: &Clock) -> u64 {
    let mut nanos: Vec<u32> = Vec::with_capacity(10_000);
    let mut stamp = clock.raw();
    for _ in 0..10_000 {
        let now = clock.raw();
        nanos.push(u32::try_from(clock.delta_as_nanos(stamp, now)).unwrap_or(u32::MAX));
        stamp = now;
    }
    u64::from(Percentiles::of(nanos).p50)
}

/// What half and what all but one of a hundred stay below.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Percentiles {
    pub(crate) p50: u32,
    pub(crate) p99: u32,
}

impl Percentiles {
    fn of(mut nanos: Vec<u32>) -> Self {
        nanos.sort_unstable();
        let at = |hundredths: usize| nanos.get(nanos.len() * hundredths / 100).copied().unwrap_or_default();
        Self { p50: at(50), p99: at(99) }
    }
}

/// The middle of some measurements.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[length / 2],
        length => f64::midpoint(values[length / 2 - 1], values[length / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn percentiles_are_places_in_the_sorted_list() {
        let all = Percentiles::of((0..1_000).rev().collect());
        assert_eq!((all.p50, all.p99), (500, 990));
    }
}
