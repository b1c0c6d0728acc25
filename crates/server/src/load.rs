//! How much is worked on at a time, and how long it may wait for the processor. What is more is refused at once and told to come
//! back: a queue that grows serves nobody in time. Decisions go before pages, which get half of the places and are turned away
//! first: whoever signs in can wait, calls of other people's systems cannot.

mod delay;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::Request;
use axum::response::Response;

use crate::app::App;
use crate::http::error::{ApiError, Reader};
use crate::http::now::RequestContext;
use crate::telemetry::counting::Counter;
use crate::web::trouble;
use crate::web::visit::Visit;

/// What is worked on.
#[derive(Debug, Clone, Default)]
pub struct Load(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    taken: AtomicUsize,
    /// As [`delay::Queue`] says it.
    pressure: AtomicU32,
    delay_micros: AtomicU64,
    /// Requests of each kind that came while the pressure was high: of them, as many as it says are turned away.
    came: [AtomicU32; Kind::ALL.len()],
    refused: [Counter; Kind::ALL.len()],
}

/// A place among it; given back when it is dropped.
#[derive(Debug)]
pub struct Turn(Load);

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A call that somebody's system waits for: at a door, or about a token or a decision.
    Decision,
    /// Everything else: pages, tokens, administration.
    Page,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Decision, Self::Page];

    /// As metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Page => "page",
        }
    }
}

impl Load {
    /// A place for one more, of `most` at a time.
    pub fn take(&self, kind: Kind, most: NonZeroUsize) -> Option<Turn> {
        let most = match kind {
            Kind::Decision => most.get(),
            Kind::Page => most.get().div_ceil(2),
        };
        let one_more = |taken: usize| (taken < most).then_some(taken + 1);
        let may_come =
            !self.turns_away(kind) && self.0.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok();
        if !may_come {
            self.0.refused[kind as usize].add();
        }
        may_come.then(|| Turn(self.clone()))
    }

    /// Measures how long work waits for the processor, for as long as it is polled.
    pub async fn watch(self) {
        if let Err(error) = delay::watch(|queue| self.set(queue)).await {
            tracing::warn!(%error, "nobody measures how long work waits for the processor: nothing is turned away for it");
        }
    }

    fn set(&self, queue: delay::Queue) {
        let before = self.0.pressure.swap(queue.pressure, Ordering::Relaxed);
        let micros = u64::try_from(queue.delay.as_micros()).unwrap_or(u64::MAX);
        self.0.delay_micros.store(micros, Ordering::Relaxed);
        if before == 0 && queue.pressure > 0 {
            tracing::warn!(delay = ?queue.delay, "work waits too long for the processor: some is turned away, pages first");
        }
    }

    /// How long work waits for the processor.
    pub fn delay(&self) -> Duration {
        Duration::from_micros(self.0.delay_micros.load(Ordering::Relaxed))
    }

    /// Requests of each kind that were turned away since the start.
    pub fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Kind::ALL.into_iter().map(|kind| (kind.as_str(), self.0.refused[kind as usize].count()))
    }

    /// Whether the processor has no time for this one.
    fn turns_away(&self, kind: Kind) -> bool {
        let pressure = self.0.pressure.load(Ordering::Relaxed);
        let of_a_hundred = match kind {
            Kind::Page => pressure.min(delay::STEPS),
            Kind::Decision => pressure.saturating_sub(delay::STEPS),
        };
        if of_a_hundred == 0 {
            return false;
        }
        // evenly, not in runs: the next of a hundred that completes another share
        let number = self.0.came[kind as usize].fetch_add(1, Ordering::Relaxed) % delay::STEPS;
        (number + 1) * of_a_hundred / delay::STEPS > number * of_a_hundred / delay::STEPS
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a path of the main listener is for; `None` for what is answered at any time: whether the process lives.
fn kind(path: &str) -> Option<Kind> {
    match path {
        "/healthz" | "/readyz" => None,
        "/oauth/introspect" | "/oauth/jwks" => Some(Kind::Decision),
        _ if path.starts_with("/enforce/") || path.starts_with("/access/") => Some(Kind::Decision),
        _ => Some(Kind::Page),
    }
}

/// A place for a request of the main listener, where it needs one.
///
/// # Errors
/// The answer where there is none.
pub fn admit<B>(
    app: &App,
    context: &RequestContext,
    (request, peer): (&Request<B>, IpAddr),
) -> Result<Option<Turn>, Box<Response>> {
    let path = request.uri().path();
    let Some(kind) = kind(path) else { return Ok(None) };
    match app.load.take(kind, app.doors().limits.calls_at_a_time) {
        Some(turn) => Ok(Some(turn)),
        None if kind == Kind::Decision || path.starts_with("/api/") => {
            Err(Box::new(ApiError::overloaded().respond(context, Reader::program(&app.origin))))
        }
        None => {
            let visit = Visit::new(app, context.clone(), peer, request.headers());
            Err(Box::new(trouble::overloaded(&visit)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_find_places_where_pages_do_not() {
        let (load, most) = (Load::default(), NonZeroUsize::new(4).unwrap());
        let pages: Vec<_> = std::iter::from_fn(|| load.take(Kind::Page, most)).collect();
        assert_eq!(pages.len(), 2);
        let decisions: Vec<_> = std::iter::from_fn(|| load.take(Kind::Decision, most)).collect();
        assert_eq!(decisions.len(), 2);
        drop(pages);
        assert!(load.take(Kind::Page, most).is_none(), "decisions fill more than half");
        assert!(load.take(Kind::Decision, most).is_some());
        drop(decisions);
        assert!(load.take(Kind::Page, most).is_some());
        assert!(load.take(Kind::Page, NonZeroUsize::MIN).is_some(), "there is one in any case");
        assert_eq!(load.refused().map(|(_, count)| count).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn under_pressure_pages_are_turned_away_first_and_never_all_decisions() {
        let (load, most) = (Load::default(), NonZeroUsize::MAX);
        let served = |pressure: u32, kind: Kind| {
            load.set(delay::Queue { pressure, ..delay::Queue::default() });
            (0..200).filter(|_| load.take(kind, most).is_some()).count()
        };
        for (pressure, decisions, pages) in
            [(0, 200, 200), (10, 200, 180), (50, 200, 100), (100, 200, 0), (150, 100, 0), (195, 10, 0), (0, 200, 200)]
        {
            assert_eq!(
                (served(pressure, Kind::Decision), served(pressure, Kind::Page)),
                (decisions, pages),
                "{pressure}"
            );
        }
        load.set(delay::Queue { pressure: 150, ..delay::Queue::default() });
        let run = (0..20).map(|_| load.take(Kind::Decision, most).is_some()).collect::<Vec<_>>();
        assert!(run.windows(2).all(|pair| pair[0] != pair[1]), "every other one: {run:?}");
    }
}
