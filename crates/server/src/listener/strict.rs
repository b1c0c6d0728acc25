//! A connection whose requests are framed as RFC 9112 says, or not read any further.
//!
//! hyper reads what this hands on. It is lenient here and there (bare LF, doubled lengths, a length beside chunks, fragments),
//! so every head is read here first, whole, and every body is followed to its end. In place of a request that breaks a rule
//! hyper gets one that asks for nothing: what is wrong is told behind the answers that are due, and the connection closed.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::chunks::Chunks;
use super::frames::Frames;
use super::head::{self, Body, Malformed};
use super::pace::{Pace, Wait};
use crate::telemetry::listeners::ListenerCounts;

/// RFC 9113 §3.4: a client that begins so speaks HTTP/2, whose frames are checked where they are read; but for one thing.
const HTTP_2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What hyper gets in place of a request that was refused.
const REFUSED: &[u8] = b"GET / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n";
/// What is read at once.
const READ_BYTES: usize = 8 * 1_024;

/// Why a request was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It breaks a rule.
    Malformed(Malformed),
    /// It did not come in time.
    Slow,
}

/// A byte stream from a client.
pub(super) struct Strict<S> {
    stream: S,
    peer: SocketAddr,
    counts: Arc<ListenerCounts>,
    /// What was read and not yet handed on.
    held: BytesMut,
    at: At,
    pace: Pace,
    /// Why nothing more is read, once that is so.
    refused: Arc<OnceLock<Unread>>,
}

/// Where in the conversation the next byte stands.
#[derive(Debug)]
enum At {
    /// Before or in a head, of which so many bytes were searched for its end.
    Head { searched: usize, is_first: bool },
    /// In a head that is in order: so many bytes of it are to be handed on, and this follows.
    Checked { left: usize, head: head::Head },
    /// In a body.
    Length { left: u64, received: u64 },
    /// In a chunked body.
    Chunks { chunks: Chunks, received: u64 },
    /// In frames of HTTP/2.
    Http2(Box<Frames>),
    /// Not HTTP any more.
    Opaque,
    /// A rule was broken: so much of what stands in place of the request was handed on.
    Refused { given: usize },
    /// Nothing more is read.
    Ended,
}

impl<S> Strict<S> {
    pub(super) fn new(
        stream: S,
        peer: SocketAddr,
        counts: Arc<ListenerCounts>,
        refused: Arc<OnceLock<Unread>>,
    ) -> Self {
        let at = At::Head { searched: 0, is_first: true };
        Self { stream, peer, counts, held: BytesMut::new(), at, pace: Pace::default(), refused }
    }

    fn malformed(&self, rule: Malformed) {
        self.counts.malformed.add();
        tracing::info!(peer = %self.peer, %rule, "a request was refused unread");
    }

    fn refuse(&self, why: Unread) -> At {
        self.refused.get_or_init(|| why);
        At::Refused { given: 0 }
    }

    /// Hands on at most `most` of what is held.
    fn give(&mut self, most: usize, buffer: &mut ReadBuf<'_>) -> usize {
        let given = most.min(self.held.len()).min(buffer.remaining());
        buffer.put_slice(&self.held[..given]);
        self.held.advance(given);
        given
    }

    /// What follows a head.
    fn after(head: head::Head) -> At {
        match head.body {
            // what comes behind a request to upgrade is of another protocol, or of nobody: such a connection carries no
            // second request
            _ if head.asks_to_upgrade => At::Opaque,
            Body::Length(0) => At::Head { searched: 0, is_first: false },
            Body::Length(left) => At::Length { left, received: 0 },
            Body::Chunked => At::Chunks { chunks: Chunks::new(), received: 0 },
        }
    }

    /// Looks at what is held of a head.
    fn look(&mut self, searched: usize, is_first: bool) -> At {
        if is_first && self.held.len() < HTTP_2_PREFACE.len() && HTTP_2_PREFACE.starts_with(&self.held) {
            return At::Head { searched: 0, is_first };
        }
        if is_first && self.held.starts_with(HTTP_2_PREFACE) {
            return At::Http2(Box::new(Frames::new(HTTP_2_PREFACE.len())));
        }
        // RFC 9112 §2.2: an empty line that an old client sent behind its last request
        if searched == 0 && self.held.starts_with(b"\r\n") {
            self.held.advance(2);
        }
        let read = match head::end(&self.held, searched) {
            Ok(Some(end)) => head::read(&self.held[..end]).map(|head| Some((end, head))),
            Ok(None) => Ok(None),
            Err(rule) => Err(rule),
        };
        match read {
            Ok(None) => At::Head { searched: self.held.len(), is_first },
            Ok(Some((left, head))) => At::Checked { left, head },
            Err(rule) => {
                self.malformed(rule);
                self.refuse(Unread::Malformed(rule))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> Strict<S> {
    /// Reads more; `false` at the end of the stream.
    fn poll_fill(&mut self, wait: Wait, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        self.held.reserve(READ_BYTES);
        match poll_read_buf(Pin::new(&mut self.stream), context, &mut self.held) {
            Poll::Ready(read) => {
                self.pace.progress();
                Poll::Ready(read.map(|bytes| bytes > 0))
            }
            Poll::Pending => self.poll_overdue(wait, context).map(Err),
        }
    }

    fn poll_overdue(&mut self, wait: Wait, context: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.pace.poll_overdue(wait, context));
        // who sends nothing on an idle connection is not slow, but done
        if wait != Wait::Request {
            self.counts.slow.add();
        }
        tracing::info!(peer = %self.peer, ?wait, "a client was too slow");
        Poll::Ready(io::Error::new(ErrorKind::TimedOut, "the client was too slow"))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.at, At::Ended) {
                At::Head { searched, is_first } => {
                    if this.held.len() > searched {
                        this.at = this.look(searched, is_first);
                        if !matches!(this.at, At::Head { .. }) {
                            continue;
                        }
                    } else {
                        this.at = At::Head { searched, is_first };
                    }
                    let wait = if this.held.is_empty() { Wait::Request } else { Wait::Head };
                    match ready!(this.poll_fill(wait, context)) {
                        Ok(true) => {}
                        Ok(false) => this.at = At::Ended,
                        // an idle connection is closed without a word
                        Err(error) if error.kind() == ErrorKind::TimedOut && wait == Wait::Request => {
                            this.at = At::Ended;
                        }
                        Err(error) if error.kind() == ErrorKind::TimedOut => this.at = this.refuse(Unread::Slow),
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
                At::Checked { left, head } => {
                    let left = left - this.give(left, buffer);
                    this.at = if left == 0 { Self::after(head) } else { At::Checked { left, head } };
                    if left == 0 {
                        this.pace.complete();
                    }
                    return Poll::Ready(Ok(()));
                }
                At::Length { left, received } => {
                    this.at = At::Length { left, received };
                    if this.held.is_empty() && !ready!(this.poll_fill(Wait::Body { received }, context))? {
                        this.at = At::Ended;
                        return Poll::Ready(Ok(()));
                    }
                    let given = this.give(usize::try_from(left).unwrap_or(usize::MAX), buffer) as u64;
                    this.at = At::Length { left: left - given, received: received + given };
                    if left == given {
                        this.pace.complete();
                        this.at = At::Head { searched: 0, is_first: false };
                    }
                    return Poll::Ready(Ok(()));
                }
                At::Chunks { mut chunks, received } => {
                    if this.held.is_empty() {
                        let filled = this.poll_fill(Wait::Body { received }, context);
                        this.at = At::Chunks { chunks, received };
                        if !ready!(filled)? {
                            this.at = At::Ended;
                            return Poll::Ready(Ok(()));
                        }
                        continue;
                    }
                    let most = this.held.len().min(buffer.remaining());
                    match chunks.follow(&this.held[..most]) {
                        Ok(used) => {
                            let is_over = chunks.is_over();
                            this.give(used, buffer);
                            this.at = At::Chunks { chunks, received: received + used as u64 };
                            if is_over {
                                this.pace.complete();
                                this.at = At::Head { searched: 0, is_first: false };
                            }
                        }
                        // whoever reads the body learns that it is none
                        Err(rule) => {
                            this.malformed(rule);
                            return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, rule)));
                        }
                    }
                    return Poll::Ready(Ok(()));
                }
                At::Http2(mut frames) => {
                    let before = buffer.filled().len();
                    if this.held.is_empty() {
                        match Pin::new(&mut this.stream).poll_read(context, buffer) {
                            Poll::Ready(read) => read?,
                            Poll::Pending => {
                                this.at = At::Http2(frames);
                                return Poll::Pending;
                            }
                        }
                    } else {
                        this.give(usize::MAX, buffer);
                    }
                    if let Err(rule) = frames.follow(&mut buffer.filled_mut()[before..]) {
                        this.malformed(rule);
                        return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, rule)));
                    }
                    this.at = At::Http2(frames);
                    return Poll::Ready(Ok(()));
                }
                At::Opaque => {
                    this.at = At::Opaque;
                    if this.held.is_empty() {
                        return Pin::new(&mut this.stream).poll_read(context, buffer);
                    }
                    this.give(usize::MAX, buffer);
                    return Poll::Ready(Ok(()));
                }
                At::Refused { given } => {
                    let part = &REFUSED[given..(given + buffer.remaining()).min(REFUSED.len())];
                    this.at = At::Refused { given: given + part.len() };
                    if part.is_empty() {
                        // an end would be taken for a client that left; the answer closes the connection
                        return Poll::Pending;
                    }
                    buffer.put_slice(part);
                    return Poll::Ready(Ok(()));
                }
                At::Ended => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Strict<S> {
    fn poll_stalled<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.pace.written();
            return written;
        }
        ready!(self.pace.poll_stalled(context));
        self.counts.slow.add();
        tracing::info!(peer = %self.peer, "a client does not read what it asked for");
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.poll_stalled(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.poll_stalled(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
