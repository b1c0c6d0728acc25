//! How long work waits for the processor, and how much of it is turned away for that.
//!
//! A thread of its own writes into a socket what time it is, and a task of the runtime reads it: as a request does, what is
//! written waits until the runtime looks at its sockets, and then behind everything that is ready. What it comes too late by is
//! what a request waits that comes now. Half of what came within a window waited longer than its median: a burst, or one long
//! piece of work, leaves that short; a queue that stands does not (as CoDel looks at the least, RFC 8289 §3.1; here a few are
//! served out of turn).

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::Instant;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(5);
/// Over how long the median is taken.
const WINDOW: Duration = Duration::from_millis(200);
/// The median that is too long. A request waits several times: when it comes, when it is read, and for the database.
pub(super) const TARGET: Duration = Duration::from_millis(40);
/// Windows in a row that are too long before anything is turned away: a machine that is busy with something else for a moment is
/// no overload.
const PATIENCE: u32 = 10;

/// Steps from turning nothing away to all pages, and as many more to decisions.
pub(super) const STEPS: u32 = 100;
/// Of decisions, so many of a hundred are made in any case.
const DECIDED: u32 = 5;
/// The highest pressure.
const MOST: u32 = 2 * STEPS - DECIDED;

/// The median delay of a window, and the pressure that follows from those before.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Queue {
    /// The median of the window that ended last.
    pub(super) delay: Duration,
    /// 0: nothing is turned away; up to [`STEPS`]: so many of a hundred pages; beyond: all pages, and so many decisions.
    pub(super) pressure: u32,
    /// Windows in a row that were too long.
    pub(super) too_long: u32,
}

impl Queue {
    /// A window ended, of which `delay` was the median.
    pub(super) fn after(self, delay: Duration) -> Self {
        if delay <= TARGET {
            return Self { delay, pressure: self.pressure * 3 / 4, too_long: 0 };
        }
        let too_long = self.too_long.saturating_add(1);
        if too_long < PATIENCE {
            return Self { delay, too_long, ..self };
        }
        // the longer the queue, the larger the step
        let times = u32::try_from(delay.as_millis() / TARGET.as_millis()).unwrap_or(u32::MAX).clamp(1, 5);
        Self { delay, pressure: (self.pressure + 10 * times).min(MOST), too_long }
    }
}

/// Looks for ever, and tells of every window.
///
/// # Errors
/// When there is no socket or no thread for it.
pub(super) async fn watch(tell: impl Fn(Queue)) -> std::io::Result<()> {
    let (mut writing, reading) = UnixStream::pair()?;
    reading.set_nonblocking(true)?;
    let mut reading = tokio::net::UnixStream::from_std(reading)?;
    let started = Instant::now();
    // ends when nobody reads any more
    std::thread::Builder::new().name("delay".to_owned()).spawn(move || {
        while writing.write_all(&micros(started.elapsed()).to_be_bytes()).is_ok() {
            std::thread::sleep(LOOK);
        }
    })?;
    let (mut queue, mut began, mut delays) = (Queue::default(), 0, Vec::new());
    loop {
        let written = reading.read_u64().await?;
        delays.push(micros(started.elapsed()).saturating_sub(written));
        // by when they were written: after a pause many are read at once
        if written.saturating_sub(began) >= micros(WINDOW) {
            let middle = delays.len() / 2;
            let (_, median, _) = delays.select_nth_unstable(middle);
            queue = queue.after(Duration::from_micros(*median));
            tell(queue);
            began = written;
            delays.clear();
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(queue: Queue, delays: &[u64]) -> Queue {
        delays.iter().fold(queue, |queue, millis| queue.after(Duration::from_millis(*millis)))
    }

    #[test]
    fn a_queue_that_stands_raises_the_pressure_and_a_short_one_takes_it_away() {
        let start = Queue::default();
        assert_eq!(after(start, &[40; 9]).pressure, 0, "short enough");
        assert_eq!(after(start, &[900, 10, 900, 10, 900, 10]).pressure, 0, "a burst is none that stands");
        assert_eq!((after(start, &[50; 9]).pressure, after(start, &[50; 11]).pressure), (0, 20));
        assert_eq!(after(start, &[400; 10]).pressure, 50, "a long one raises it faster");
        let most = after(start, &[400; 20]);
        assert_eq!(most.pressure, MOST, "some decisions are made in any case");
        assert_eq!(after(most, &[0]).pressure, MOST * 3 / 4);
        assert_eq!(after(most, &[0; 20]).pressure, 0);
    }

    #[tokio::test]
    async fn what_waits_behind_other_work_is_seen() {
        let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
        let watching = tokio::spawn(watch(move |queue| sender.send(queue).unwrap()));
        let at_rest = told.recv().await.unwrap();
        let busy = tokio::spawn(async {
            loop {
                std::thread::sleep(10 * TARGET);
                tokio::task::yield_now().await;
            }
        });
        let mut seen = at_rest;
        for _ in 0..20 {
            seen = told.recv().await.unwrap();
        }
        busy.abort();
        watching.abort();
        assert!(seen.delay > TARGET && seen.pressure > 0, "{seen:?}");
    }
}
