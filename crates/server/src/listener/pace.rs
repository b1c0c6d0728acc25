//! How slow a client may be: its head, its body, the pause between two requests, and how long it may refuse to read.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// From the first byte of a head to its last.
const HEAD: Duration = Duration::from_secs(10);
/// Between two requests of a connection.
const IDLE: Duration = Duration::from_secs(60);
/// What we wait for a body before its rate counts.
const BODY_GRACE: Duration = Duration::from_secs(10);
/// Least rate of a body, while we wait for it.
const BODY_BYTES_PER_SECOND: u64 = 500;
/// How long a client may read nothing of what we send.
const STALL: Duration = Duration::from_secs(60);

/// What is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// The first byte of a request.
    Request,
    /// The rest of a head.
    Head,
    /// More of a body, of which so many bytes have come.
    Body { received: u64 },
}

/// The clock of one connection. Armed only where a read or a write has to wait; the timer is never moved for each request.
#[derive(Default)]
pub(super) struct Pace {
    timer: Option<Pin<Box<Sleep>>>,
    stall: Option<Pin<Box<Sleep>>>,
    wait: Option<(Wait, Instant)>,
    /// How long this body was waited for before the present wait.
    waited: Duration,
}

impl Pace {
    /// Something came. Only the waits for a body add up; a head has one deadline for all of it.
    pub(super) fn progress(&mut self) {
        match self.wait {
            Some((Wait::Body { .. }, since)) => {
                self.waited += since.elapsed();
                self.wait = None;
            }
            Some((Wait::Request, _)) => self.wait = None,
            Some((Wait::Head, _)) | None => {}
        }
    }

    /// A head or a body is complete.
    pub(super) fn complete(&mut self) {
        self.wait = None;
        self.waited = Duration::ZERO;
    }

    /// Ready when what is waited for is overdue.
    pub(super) fn poll_overdue(&mut self, wait: Wait, context: &mut Context<'_>) -> Poll<()> {
        let since = match self.wait {
            Some((known, since)) if std::mem::discriminant(&known) == std::mem::discriminant(&wait) => since,
            _ => Instant::now(),
        };
        self.wait = Some((wait, since));
        let deadline = since + self.allowed(wait);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                self.timer = None;
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    fn allowed(&self, wait: Wait) -> Duration {
        match wait {
            Wait::Request => IDLE,
            Wait::Head => HEAD,
            Wait::Body { received } => {
                let earned = Duration::from_millis(received.saturating_mul(1_000) / BODY_BYTES_PER_SECOND);
                earned.max(BODY_GRACE).saturating_sub(self.waited)
            }
        }
    }

    /// The client took something of what we send.
    pub(super) fn written(&mut self) {
        self.stall = None;
    }

    /// Ready when a client has taken nothing for too long.
    pub(super) fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + STALL)));
        stall.as_mut().poll(context)
    }
}
