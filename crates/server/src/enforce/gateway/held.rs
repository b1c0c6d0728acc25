//! An upstream's answer, which holds a place among its calls until all of it has gone on.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::shares::Share;

/// The body of an answer with its place.
pub(super) struct Held {
    body: Incoming,
    share: Share,
}

impl Held {
    pub(super) const fn new(body: Incoming, share: Share) -> Self {
        Self { body, share }
    }

    /// The place: a tunnel that follows the answer holds it on.
    pub(super) fn into_share(self) -> Share {
        self.share
    }
}

impl Body for Held {
    type Data = <Incoming as Body>::Data;
    type Error = <Incoming as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
