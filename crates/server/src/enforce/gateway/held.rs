//! An upstream's answer: it holds a place among its calls, and the connection that it comes on, until all of it has gone on.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::address::Address;
use super::lines::Line;
use super::shares::Share;

/// The body of an answer with its place and its connection.
pub(super) struct Held {
    body: Incoming,
    /// The connection, to be driven, and whose it is; absent where it has a task of its own.
    line: Option<(Line, Arc<Address>)>,
    is_over: bool,
    _share: Share,
}

impl Held {
    pub(super) const fn new(body: Incoming, line: Option<(Line, Arc<Address>)>, share: Share) -> Self {
        Self { body, line, is_over: false, _share: share }
    }
}

/// A connection whose answer has come whole can bring another.
impl Drop for Held {
    fn drop(&mut self) {
        if (self.is_over || self.body.is_end_stream())
            && let Some((line, address)) = self.line.take()
        {
            address.take_back(line);
        }
    }
}

impl Body for Held {
    type Data = <Incoming as Body>::Data;
    type Error = <Incoming as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_pending()
            && let Some((line, _)) = &mut self.line
        {
            line.drive(context);
            frame = Pin::new(&mut self.body).poll_frame(context);
        }
        self.is_over |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
