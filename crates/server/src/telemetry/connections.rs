//! What is counted of the connections that the gateway makes to an upstream.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{StatusCode, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tower::Service;

use super::counting::{Counter, Durations, Gauge, Statuses};

/// Counts of one upstream.
#[derive(Debug, Default)]
pub struct UpstreamCounts {
    /// Answers.
    statuses: Statuses,
    /// Requests without an answer, by the reason.
    unanswered: [Counter; Unanswered::ALL.len()],
    /// How long answers took to begin.
    pub durations: Durations,
    /// Requests that were sent once more.
    pub retries: Counter,
    /// Connections that were made.
    pub connected: Counter,
    /// Connections that are open.
    pub open: Gauge,
}

/// Why there is no answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// No connection, or a broken one.
    Failed,
    /// It did not begin in time.
    TimedOut,
    /// Whoever waited for it hung up.
    Abandoned,
}

impl Unanswered {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Failed, Self::TimedOut, Self::Abandoned];

    /// As metrics and traces name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::TimedOut => "timeout",
            Self::Abandoned => "abandoned",
        }
    }
}

impl UpstreamCounts {
    /// No answer will begin.
    pub fn unanswered(&self, why: Unanswered) {
        self.unanswered[why as usize].add();
    }

    /// Requests by what came of them.
    pub fn requests(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let unanswered = Unanswered::ALL.map(|why| (why.as_str(), self.unanswered[why as usize].count()));
        self.statuses.counts().chain(unanswered)
    }

    /// An answer began.
    pub fn answered(&self, status: StatusCode, took: Duration) {
        self.statuses.add(status.as_u16());
        self.durations.observe(took);
    }
}

/// Makes connections that are counted.
#[derive(Debug, Clone)]
pub struct CountedConnector<C> {
    inner: C,
    counts: Arc<UpstreamCounts>,
}

/// A connection that is counted while it is open.
#[derive(Debug)]
pub struct Counted<S> {
    stream: S,
    _open: Open,
}

#[derive(Debug)]
struct Open(Arc<UpstreamCounts>);

impl Open {
    fn new(counts: Arc<UpstreamCounts>) -> Self {
        counts.connected.add();
        counts.open.enter();
        Self(counts)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.leave();
    }
}

impl<C> CountedConnector<C> {
    /// Counts what `inner` makes.
    pub const fn new(inner: C, counts: Arc<UpstreamCounts>) -> Self {
        Self { inner, counts }
    }
}

impl<C> Service<Uri> for CountedConnector<C>
where
    C: Service<Uri, Future: Send + 'static>,
{
    type Response = Counted<C::Response>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, counts) = (self.inner.call(uri), Arc::clone(&self.counts));
        Box::pin(async move { Ok(Counted { stream: connecting.await?, _open: Open::new(counts) }) })
    }
}

impl<S: Connection> Connection for Counted<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl<S: Read + Unpin> Read for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
