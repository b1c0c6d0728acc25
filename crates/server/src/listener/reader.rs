//! Answers over HTTP/2 that their client does not read. HTTP/1.1 sees a write that stalls; here the connection goes on and only
//! one stream has no room, for as long as its client likes, and what the answer holds (a place among the calls of an upstream, its
//! connection) would be held.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::AbortHandle;

/// How long a client may take nothing of an answer before the answer is given up; at most twice as long.
const STALL: Duration = Duration::from_secs(60);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// An answer's body.
pub(super) enum Read<B> {
    /// One whose connection says when it stalls, or of which nothing is left.
    Plain(B),
    /// One that is given up when nobody reads it.
    Watched { watched: Arc<Mutex<Watched<B>>>, _watch: Watch },
}

pub(super) struct Watched<B> {
    /// Nothing once it was given up.
    body: Option<B>,
    /// Whether the client has taken what there was: what is missing is still to be made.
    is_waited_for: bool,
    polls: u64,
}

/// Ends with the body.
pub(super) struct Watch(AbortHandle);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<B: Body + Send + 'static> Read<B> {
    /// Watches it if its stream can stall alone.
    pub(super) fn new(body: B, is_http_2: bool) -> Self {
        if is_http_2 && !body.is_end_stream() { Self::watched(body, STALL) } else { Self::Plain(body) }
    }

    fn watched(body: B, stall: Duration) -> Self {
        let watched = Arc::new(Mutex::new(Watched { body: Some(body), is_waited_for: false, polls: 0 }));
        let watch = Watch(tokio::spawn(give_up(Arc::clone(&watched), stall)).abort_handle());
        Self::Watched { watched, _watch: watch }
    }
}

async fn give_up<B>(watched: Arc<Mutex<Watched<B>>>, stall: Duration) {
    let mut seen = None;
    loop {
        {
            let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
            if !watched.is_waited_for && seen == Some(watched.polls) {
                tracing::info!("a client does not read what it asked for over HTTP/2");
                watched.body = None;
                return;
            }
            seen = Some(watched.polls);
        }
        tokio::time::sleep(stall).await;
    }
}

impl<B> Body for Read<B>
where
    B: Body<Data = Bytes, Error: Into<Failure>> + Unpin,
{
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self.get_mut() {
            Self::Plain(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
            Self::Watched { watched, .. } => {
                let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
                let polled = match &mut watched.body {
                    Some(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
                    None => Poll::Ready(Some(Err("the client did not read".into()))),
                };
                watched.polls += 1;
                watched.is_waited_for = polled.is_pending();
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Plain(body) => body.is_end_stream(),
            Self::Watched { watched, .. } => {
                let watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
                watched.body.as_ref().is_some_and(Body::is_end_stream)
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(body) => body.size_hint(),
            Self::Watched { watched, .. } => {
                let watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
                watched.body.as_ref().map(Body::size_hint).unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};
    use tokio::sync::mpsc;

    use super::*;

    const SHORT: Duration = Duration::from_millis(40);

    /// A body that is made frame by frame.
    struct Made(mpsc::UnboundedReceiver<Frame<Bytes>>);

    impl Body for Made {
        type Data = Bytes;
        type Error = Failure;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
            self.0.poll_recv(context).map(|frame| frame.map(Ok))
        }
    }

    fn made() -> (mpsc::UnboundedSender<Frame<Bytes>>, Made) {
        let (sender, frames) = mpsc::unbounded_channel();
        (sender, Made(frames))
    }

    fn frame() -> Frame<Bytes> {
        Frame::data(Bytes::from_static(b"a"))
    }

    #[tokio::test]
    async fn what_nobody_reads_is_given_up_and_what_is_still_to_be_made_is_not() {
        let (sender, body) = made();
        let mut body = Read::watched(body, SHORT);
        sender.send(frame()).unwrap();
        assert!(body.frame().await.unwrap().is_ok());
        // read to the end of what there is, and waiting
        let waiting = tokio::time::timeout(10 * SHORT, body.frame()).await;
        assert!(waiting.is_err() && !sender.is_closed(), "its maker takes its time");
        sender.send(frame()).unwrap();
        assert!(body.frame().await.unwrap().is_ok());
        tokio::time::sleep(10 * SHORT).await;
        assert!(sender.is_closed(), "nobody asked for more");
        assert!(body.frame().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn what_nobody_begins_to_read_is_given_up_but_in_http_1() {
        let ((sender, body), (other, plain)) = (made(), made());
        let (_watched, _plain) = (Read::watched(body, SHORT), Read::new(plain, false));
        tokio::time::sleep(10 * SHORT).await;
        assert!(sender.is_closed() && !other.is_closed());
        let whole = Read::new(Full::new(Bytes::from_static(b"abc")), true);
        assert_eq!(whole.size_hint().exact(), Some(3));
        assert_eq!(whole.collect().await.unwrap().to_bytes(), "abc");
    }
}
