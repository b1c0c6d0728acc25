//! One request that the gateway sends on: counted for its upstream, and a span in its call's trace.

use axum::http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::connections::{Unanswered, UpstreamCounts};
use super::traces::Sent;
use crate::app::App;
use crate::http::now::RequestContext;

/// An upstream, as it is told of.
#[derive(Clone, Copy)]
pub struct Callee<'a> {
    /// Its counts.
    pub counts: &'a UpstreamCounts,
    /// Its name.
    pub name: &'a str,
    /// `host[:port]`.
    pub authority: &'a str,
}

/// One request that is about to be sent on.
pub struct Exchange<'a> {
    app: &'a App,
    counts: &'a UpstreamCounts,
    began: Instant,
    sent: Option<Sent>,
    outcome: Result<StatusCode, Unanswered>,
}

impl<'a> Exchange<'a> {
    /// Begins; the request's headers say which trace it belongs to.
    pub fn begin(
        app: &'a App,
        context: &RequestContext,
        callee: Callee<'a>,
        method: &str,
        headers: &mut HeaderMap,
    ) -> Self {
        let send_on = |trace| Sent::new(trace, callee, method, headers, app.entropy.as_ref());
        let sent = context.trace.as_ref().and_then(send_on);
        Self { app, counts: callee.counts, began: Instant::now(), sent, outcome: Err(Unanswered::Abandoned) }
    }

    /// The head of an answer is there.
    pub fn answered(mut self, status: StatusCode) {
        self.outcome = Ok(status);
    }

    /// There is no answer.
    pub fn unanswered(mut self, why: Unanswered) {
        self.outcome = Err(why);
    }
}

/// Whoever waits for the answer may hang up before anything comes.
impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        match self.outcome {
            Ok(status) => self.counts.answered(status, self.began.elapsed()),
            Err(why) => self.counts.unanswered(why),
        }
        if let (Some(tracer), Some(sent)) = (&self.app.tracer, &self.sent) {
            tracer.end_sent(sent, self.began, self.outcome);
        }
    }
}
