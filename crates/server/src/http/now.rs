//! One instant and one correlation id per request; the only file that reads a clock.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderName;
use countersign_domain::entropy::{Entropy, random_bytes};
use countersign_domain::time::Timestamp;

use crate::app::App;
use crate::telemetry::traces::Trace;

/// The header of every reply that names its request in our logs (behaviour of the real system).
pub const CORRELATION_HEADER: HeaderName = HeaderName::from_static("inin-correlation-id");

/// A source of instants: the machine's clock in the server, a settable one in tests.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

/// When a request arrived and what it is called: in the request's extensions, for every handler.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The one instant that the whole request is decided at.
    pub now: Timestamp,
    /// `contextId` of error bodies and the correlation header of the reply.
    pub context_id: Arc<str>,
    /// Its trace, where calls are traced and it came to a door.
    pub trace: Option<Arc<Trace>>,
}

impl RequestContext {
    /// Names a request that has just come.
    pub fn new(app: &App) -> Self {
        Self { now: app.clock.now(), context_id: app.context_ids.next(app.entropy.as_ref()), trace: None }
    }
}

/// Names for requests, drawn many at a time: the system is asked for randomness once in so many requests.
#[derive(Default)]
pub(crate) struct ContextIds(Mutex<Vec<u128>>);

impl ContextIds {
    /// How many are drawn at a time.
    const DRAWN: usize = 64;

    fn next(&self, entropy: &dyn Entropy) -> Arc<str> {
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.is_empty() {
            let bytes: [u8; 16 * Self::DRAWN] = random_bytes(entropy);
            let (ids, _) = bytes.as_chunks();
            drawn.extend(ids.iter().copied().map(u128::from_be_bytes));
        }
        let id = drawn.pop().unwrap_or_default();
        drop(drawn);
        format!("{id:032x}").into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use countersign_domain::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn no_two_requests_are_called_the_same() {
        let (ids, entropy) = (ContextIds::default(), SeededEntropy::new(1));
        let names: HashSet<_> = (0..1_000).map(|_| ids.next(&entropy)).collect();
        assert_eq!(names.len(), 1_000);
        assert!(names.iter().all(|name| name.len() == 32));
    }
}
