//! A request's body on loan: it comes back untouched from a connection that was never made, and can go to another.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};

/// Whose body it is.
pub(super) struct Lender<B>(Arc<Mutex<Option<B>>>);

/// The body on loan. Dropped, it goes back, unless something of it was asked for.
pub(super) struct Lent<B> {
    body: Option<B>,
    lender: Arc<Mutex<Option<B>>>,
    is_touched: bool,
}

impl<B> Lender<B> {
    pub(super) fn new(body: B) -> Self {
        Self(Arc::new(Mutex::new(Some(body))))
    }

    /// The body, if it is here, and whole.
    pub(super) fn lend(&self) -> Option<Lent<B>> {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Lent { body: Some(body), lender: Arc::clone(&self.0), is_touched: false })
    }
}

impl<B> Drop for Lent<B> {
    fn drop(&mut self) {
        if !self.is_touched {
            *self.lender.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
        }
    }
}

impl<B: Body + Unpin> Body for Lent<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.is_touched = true;
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[tokio::test]
    async fn an_untouched_body_comes_back_and_no_other() {
        let lender = Lender::new(Full::new(bytes::Bytes::from_static(b"hello")));
        let lent = lender.lend().unwrap();
        assert!(lender.lend().is_none(), "there is one");
        assert_eq!(lent.size_hint().exact(), Some(5));
        drop(lent);
        let mut lent = lender.lend().unwrap();
        assert_eq!(lent.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
        drop(lent);
        assert!(lender.lend().is_none(), "something of it is gone");
    }
}
