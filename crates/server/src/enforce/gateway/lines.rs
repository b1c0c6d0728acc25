//! Connections to one address of an upstream.
//!
//! A connection has no task of its own: the call that uses it drives it, so that a request, its answer and both bodies pass
//! within one task, and nobody is woken for another (`docs/decisions/0035-a-call-drives-its-connection.md`). Between two calls
//! it waits in a list. Nobody listens to it there: whether it still lives is looked at when it is taken.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::BoxError;
use axum::http::{Request, Response, Uri};
use bytes::Bytes;
use http_body_util::{Either, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower::ServiceExt;

use super::lent::Lent;
use crate::telemetry::connections::{Counted, CountedConnector};

/// How long an idle connection is kept: shorter than most servers do.
pub(super) const IDLE: Duration = Duration::from_secs(30);
/// Most idle connections to one address.
const MAX_IDLE: usize = 256;

/// The body of a request on its way to an upstream.
pub(super) type Sent = Either<Empty<Bytes>, Lent<Limited<Incoming>>>;
/// What makes connections.
pub(super) type Connector = HttpsConnector<CountedConnector<HttpConnector>>;
type Stream = MaybeHttpsStream<Counted<TokioIo<TcpStream>>>;

/// Connections to one address.
pub(super) struct Lines {
    connector: Connector,
    /// Scheme and authority.
    to: Uri,
    /// The last is the one that was used last.
    idle: Mutex<Vec<(Line, Instant)>>,
}

/// One connection, for one request at a time.
pub(super) struct Line {
    sender: SendRequest<Sent>,
    /// Absent once it is over. Boxed, for it is large, and goes from hand to hand.
    connection: Option<Box<Connection<Stream, Sent>>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// No connection could be made: nobody has heard of the request.
    #[error("no connection: {0}")]
    Unreachable(#[source] BoxError),
    /// A connection ended before an answer began, or what came is none.
    #[error("no answer: {0}")]
    Unanswered(#[source] hyper::Error),
}

impl Lines {
    /// None yet.
    pub(super) const fn new(connector: Connector, to: Uri) -> Self {
        Self { connector, to, idle: Mutex::new(Vec::new()) }
    }

    /// Sends a request, and waits until its answer begins. The rest of it comes while the connection is driven.
    ///
    /// # Errors
    /// When none begins. A connection that had ended before anything of the request went out is none: another one is taken.
    pub(super) async fn send(&self, mut request: Request<Sent>) -> Result<(Response<Incoming>, Line), Failed> {
        while let Some(mut line) = self.take() {
            match line.send(request).await {
                Ok(response) => return Ok((response, line)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Failed::Unanswered(error.into_error())),
                },
            }
        }
        // boxed: large, and seldom needed, while every call carries its future about
        let mut line = Box::pin(self.open()).await?;
        let response = line.send(request).await.map_err(|error| Failed::Unanswered(error.into_error()))?;
        Ok((response, line))
    }

    /// The same for a request after which the connection may speak another protocol: one of its own, with its own task.
    ///
    /// # Errors
    /// When no answer begins.
    pub(super) async fn send_to_upgrade(&self, request: Request<Sent>) -> Result<Response<Incoming>, Failed> {
        let Line { mut sender, connection } = self.open().await?;
        if let Some(connection) = connection {
            tokio::spawn(async move {
                if let Err(error) = connection.with_upgrades().await {
                    tracing::debug!(%error, "a connection to an upstream ended early");
                }
            });
        }
        sender.send_request(request).await.map_err(Failed::Unanswered)
    }

    async fn open(&self) -> Result<Line, Failed> {
        let stream = self.connector.clone().oneshot(self.to.clone()).await.map_err(Failed::Unreachable)?;
        let (sender, connection) = handshake(stream).await.map_err(Failed::Unanswered)?;
        Ok(Line { sender, connection: Some(Box::new(connection)) })
    }

    /// An idle connection that lives.
    fn take(&self) -> Option<Line> {
        loop {
            let (mut line, since) = self.idle().pop()?;
            if since.elapsed() < IDLE && line.is_ready() {
                return Some(line);
            }
        }
    }

    /// Keeps a connection whose exchange is over, if there can be another.
    pub(super) fn keep(&self, mut line: Line) {
        if line.is_ready() {
            let mut idle = self.idle();
            if idle.len() < MAX_IDLE {
                idle.push((line, Instant::now()));
            }
        }
    }

    /// Closes what has been idle for too long.
    pub(super) fn close_idle(&self) {
        let old: Vec<_> = {
            let mut idle = self.idle();
            let young = idle.partition_point(|(_, since)| since.elapsed() >= IDLE);
            idle.drain(..young).collect()
        };
        // closed without the lock
        drop(old);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Line, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    async fn send(&mut self, request: Request<Sent>) -> Result<Response<Incoming>, TrySendError<Request<Sent>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        std::future::poll_fn(|context| {
            self.drive(context);
            answer.as_mut().poll(context)
        })
        .await
    }

    /// Reads and writes what can be read and written now.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        let Some(driven) = &mut self.connection else { return };
        if let Poll::Ready(ended) = driven.poll_without_shutdown(context) {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection to an upstream ended early");
            }
            // whoever waits for something of it hears that it is gone
            self.connection = None;
        }
    }

    /// Whether another request can be sent. Nobody is woken when that changes, nor by what was asked before.
    fn is_ready(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.connection.is_some() && self.sender.is_ready()
    }
}
