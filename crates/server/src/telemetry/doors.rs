//! What is counted and traced at the doors: every call, how long it took, and what was decided.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use countersign_decision::Reason;
use tokio::time::Instant;

use super::counting::{Counter, Durations, Statuses};
use super::exposition::Exposition;
use super::families::{CALL_DURATION, CALLS, DECISIONS};
use super::traces::{Carrier, Trace};
use crate::app::App;
use crate::enforce::check::{Allowed, Refusal};
use crate::enforce::log::Door;
use crate::http::now::RequestContext;

/// The doors, as labels name them.
const DOORS: [(Door, &str); 4] = [
    (Door::Platform, "platform"),
    (Door::Gateway, "gateway"),
    (Door::ForwardAuth, "forward-auth"),
    (Door::ExtAuthz, "ext-authz"),
];

/// Counts of every door.
#[derive(Debug, Default)]
pub struct Doors([Counts; DOORS.len()]);

#[derive(Debug, Default)]
struct Counts {
    statuses: Statuses,
    abandoned: Counter,
    durations: Durations,
    allowed: Counter,
    reported: Counter,
    denied: [Counter; Reason::ALL.len()],
    /// Denied until the person signs in again.
    step_up: Counter,
}

impl Doors {
    /// A call was answered, or its client hung up before.
    pub fn ended(&self, door: Door, status: Option<StatusCode>, took: Duration) {
        let counts = &self.0[door as usize];
        match status {
            Some(status) => counts.statuses.add(status.as_u16()),
            None => counts.abandoned.add(),
        }
        counts.durations.observe(took);
    }

    /// A call was decided.
    pub fn decided(&self, door: Door, answer: Result<&Allowed, &Refusal>) {
        let counts = &self.0[door as usize];
        match answer {
            Ok(Allowed { would_be_missing: None, .. }) => counts.allowed.add(),
            Ok(Allowed { would_be_missing: Some(_), .. }) => counts.reported.add(),
            Err(refusal) if refusal.step_up.is_some() => counts.step_up.add(),
            Err(refusal) => counts.denied[refusal.reason as usize].add(),
        }
    }

    pub(super) fn show(&self, text: &mut Exposition) {
        let mut calls = text.family(&CALLS);
        for (door, counts) in self.named() {
            counts.statuses.counts().for_each(|(status, count)| calls.add(&[door, status], count));
            calls.add(&[door, "abandoned"], counts.abandoned.count());
        }
        let mut durations = text.family(&CALL_DURATION);
        self.named().for_each(|(door, counts)| durations.add_durations(&[door], &counts.durations));
        let mut decisions = text.family(&DECISIONS);
        for (door, counts) in self.named() {
            decisions.add(&[door, "allow", "none"], counts.allowed.count());
            decisions.add(&[door, "allow", "reported"], counts.reported.count());
            for (reason, denied) in Reason::ALL.into_iter().zip(&counts.denied) {
                decisions.add(&[door, "deny", reason.as_str()], denied.count());
            }
            decisions.add(&[door, "deny", Refusal::STEP_UP], counts.step_up.count());
        }
    }

    fn named(&self) -> impl Iterator<Item = (&'static str, &Counts)> {
        DOORS.into_iter().map(|(door, name)| (name, &self.0[door as usize]))
    }
}

/// One call at a door, from the moment it is read.
pub struct Watch<'a> {
    app: &'a App,
    door: Door,
    began: Instant,
    trace: Option<Arc<Trace>>,
    status: Option<StatusCode>,
}

impl<'a> Watch<'a> {
    /// Begins, with the trace that the call's headers speak of, if calls are traced.
    pub fn begin(app: &'a App, door: Door, context: &mut RequestContext, headers: &impl Carrier) -> Self {
        let tracer = app.tracer.as_ref();
        context.trace = tracer.map(|tracer| tracer.begin(context, headers, app.entropy.as_ref()));
        Self { app, door, began: Instant::now(), trace: context.trace.clone(), status: None }
    }

    /// The head of its answer is there.
    pub fn end(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

/// Without an answer: whoever waited for it hung up.
impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.app.metrics.doors.ended(self.door, self.status, self.began.elapsed());
        if let (Some(tracer), Some(trace)) = (&self.app.tracer, &self.trace) {
            tracer.end(trace, DOORS[self.door as usize].1, self.status);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_and_reasons_are_found_by_their_number() {
        assert!(DOORS.iter().enumerate().all(|(number, (door, _))| *door as usize == number));
        assert!(Reason::ALL.into_iter().enumerate().all(|(number, reason)| reason as usize == number));
    }

    #[test]
    fn labels_name_doors_as_the_decision_log_does() {
        for (door, name) in DOORS {
            assert_eq!(serde_json::to_value(door).unwrap(), name);
        }
    }
}
