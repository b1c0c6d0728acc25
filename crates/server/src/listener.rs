//! Accepting connections: HTTP/1.1 and HTTP/2, with or without TLS, everything bounded, nothing read in two ways.

mod certificates;
mod chunks;
mod fields;
mod frames;
mod head;
mod pace;
mod reader;
mod strict;
mod tls;

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::{Request, Response, Version};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::http::error::ApiError;
use crate::telemetry::listeners::ListenerCounts;
pub use certificates::Shown;
pub(crate) use head::{MAX_FIELD, MAX_FIELDS, Malformed};
use reader::Read;
use strict::Strict;
pub(crate) use strict::Unread;
pub use tls::{Asks, Tls, TlsError};

/// How long requests under way may take when the server stops.
const DRAIN: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long accepting rests when the system has no descriptor left.
const NO_DESCRIPTOR: Duration = Duration::from_millis(50);
/// Requests of one HTTP/2 connection at a time.
const HTTP_2_STREAMS: u32 = 128;
/// Streams that a client resets before we began with them (CVE-2023-44487), and those that we reset for it (CVE-2025-8671).
const HTTP_2_RESETS: usize = 32;
/// How often a silent HTTP/2 client is asked whether it lives, and how long it may think.
const HTTP_2_PING: Duration = Duration::from_secs(20);
/// What is kept of one HTTP/2 body before it is read, in bytes.
const HTTP_2_WINDOW: u32 = 256 * 1_024;

/// What answers requests: a function of a request and its peer.
pub trait Answer: Clone + Send + 'static {
    /// What it answers with.
    type Body: Body<Data = bytes::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static;

    /// Answers one request.
    fn answer(
        self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static;

    /// Tells the sender of a request that was not read why.
    fn refuse(self, why: ApiError) -> Response<Self::Body>;
}

/// A bound socket, and under which limits connections to it are taken.
pub struct Listener {
    socket: TcpListener,
    tls: Option<Tls>,
    connections_per_address: Arc<AtomicUsize>,
    counts: Arc<ListenerCounts>,
}

impl Listener {
    /// Binds. The limit may change while it is listened on.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Tls>,
        connections_per_address: Arc<AtomicUsize>,
        counts: Arc<ListenerCounts>,
    ) -> io::Result<Self> {
        Ok(Self { socket: TcpListener::bind(address).await?, tls, connections_per_address, counts })
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("INVARIANT: a bound listener has an address")
    }

    /// Certificate and key, where TLS is spoken; to read them again.
    pub fn tls(&self) -> Option<Tls> {
        self.tls.clone()
    }

    /// Serves until `stop` resolves, then lets the requests under way end.
    pub async fn serve(self, service: impl Answer, stop: impl Future<Output = ()> + Send) {
        let connections = Connections::new(self.connections_per_address, self.counts);
        let draining = GracefulShutdown::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    // over the limit a connection is closed unread: whoever floods gets nothing out of it
                    let Some(place) = connections.take(peer.ip()) else { continue };
                    tokio::spawn(connection(
                        (stream, peer),
                        self.tls.clone(),
                        service.clone(),
                        draining.watcher(),
                        place,
                    ));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(NO_DESCRIPTOR).await;
                }
            }
        }
        drop(self.socket);
        if tokio::time::timeout(DRAIN, draining.shutdown()).await.is_err() {
            tracing::warn!("connections were still open after {} s, and are cut", DRAIN.as_secs());
        }
    }
}

async fn connection(
    (stream, peer): (TcpStream, SocketAddr),
    tls: Option<Tls>,
    service: impl Answer,
    watcher: Watcher,
    place: Place,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "no TCP_NODELAY");
    }
    match tls {
        None => speak((stream, peer), None, service, watcher, place.counts()).await,
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => {
                let shown = tls.shown(&stream);
                speak((stream, peer), shown, service, watcher, place.counts()).await;
            }
            Ok(Err(error)) => {
                place.counts().tls.add();
                tracing::debug!(%peer, %error, "a TLS handshake failed");
            }
            Err(_) => {
                place.counts().tls.add();
                tracing::debug!(%peer, "a TLS handshake took too long");
            }
        },
    }
}

async fn speak(
    (stream, peer): (impl AsyncRead + AsyncWrite + Send + Unpin + 'static, SocketAddr),
    shown: Option<Shown>,
    service: impl Answer,
    watcher: Watcher,
    counts: &Arc<ListenerCounts>,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    // slowness is watched where the bytes come in, over heads and bodies alike
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_headers(128).max_buf_size(128 * 1_024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP_2_STREAMS)
        .max_pending_accept_reset_streams(HTTP_2_RESETS)
        .max_local_error_reset_streams(HTTP_2_RESETS)
        .max_header_list_size(64 * 1_024)
        .initial_stream_window_size(HTTP_2_WINDOW)
        .initial_connection_window_size(4 * HTTP_2_WINDOW)
        .keep_alive_interval(HTTP_2_PING)
        .keep_alive_timeout(HTTP_2_PING);
    let refused = Arc::new(OnceLock::new());
    let strict = Strict::new(stream, peer, Arc::clone(counts), Arc::clone(&refused));
    let respond = service_fn(move |mut request: Request<Incoming>| {
        if let Some(shown) = &shown {
            request.extensions_mut().insert(shown.clone());
        }
        let service = service.clone();
        let is_http_2 = Request::version(&request) == Version::HTTP_2;
        // once a request was refused, nothing comes but what stands in its place
        let answer = match refused.get() {
            Some(why) => Err(service.refuse(ApiError::unread(why))),
            None => Ok(service.answer(request, peer)),
        };
        async move {
            let answer = match answer {
                Ok(answer) => answer.await,
                Err(refusal) => refusal,
            };
            Ok::<_, Infallible>(answer.map(|body| Read::new(body, is_http_2)))
        }
    });
    let stream = TokioIo::new(strict);
    let connection = builder.serve_connection_with_upgrades(stream, respond);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%peer, error = &*error, "a connection ended early");
    }
}

/// How many connections each address has.
#[derive(Clone)]
struct Connections {
    most: Arc<AtomicUsize>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    counts: Arc<ListenerCounts>,
}

/// One connection's place; given back when it ends.
struct Place {
    connections: Connections,
    address: IpAddr,
}

impl Connections {
    fn new(most: Arc<AtomicUsize>, counts: Arc<ListenerCounts>) -> Self {
        Self { most, open: Arc::default(), counts }
    }

    fn take(&self, address: IpAddr) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.most.load(Ordering::Relaxed) {
            self.counts.over_limit.add();
            return None;
        }
        *count += 1;
        self.counts.accepted.add();
        self.counts.open.enter();
        Some(Place { connections: self.clone(), address })
    }
}

impl Place {
    fn counts(&self) -> &Arc<ListenerCounts> {
        &self.connections.counts
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.counts.open.leave();
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_connections_and_others_have_theirs() {
        let counts = Arc::<ListenerCounts>::default();
        let connections = Connections::new(Arc::new(AtomicUsize::new(2)), Arc::clone(&counts));
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first = connections.take(one);
        let _second = connections.take(one);
        assert!(connections.take(one).is_none());
        assert!(connections.take(other).is_some());
        drop(first);
        assert!(connections.take(one).is_some());
        assert_eq!(connections.open.lock().unwrap().len(), 1, "who has none is forgotten");
        assert_eq!((counts.accepted.count(), counts.open.count(), counts.over_limit.count()), (4, 1, 1));
    }
}
