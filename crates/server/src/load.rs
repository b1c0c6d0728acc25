//! How much is worked on at a time. What is more is refused at once and told to come back: a queue that grows serves nobody in
//! time. Decisions go before pages, which get half: whoever signs in can wait, calls of other people's systems cannot.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::http::error::{ApiError, Reader};
use crate::web::trouble;
use crate::web::visit::Visit;

/// What is worked on.
#[derive(Debug, Clone, Default)]
pub struct Load(Arc<AtomicUsize>);

/// A place among it; given back when it is dropped.
#[derive(Debug)]
pub struct Turn(Load);

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A call that somebody's system waits for: at a door, or about a token or a decision.
    Decision,
    /// Everything else: pages, tokens, administration.
    Page,
}

impl Load {
    /// A place for one more, of `most` at a time.
    pub fn take(&self, kind: Kind, most: NonZeroUsize) -> Option<Turn> {
        let most = match kind {
            Kind::Decision => most.get(),
            Kind::Page => most.get().div_ceil(2),
        };
        let one_more = |taken: usize| (taken < most).then_some(taken + 1);
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.is_ok().then(|| Turn(self.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a path of the main listener is for; `None` for what is answered at any time: whether the process lives.
fn kind(path: &str) -> Option<Kind> {
    match path {
        "/healthz" | "/readyz" => None,
        "/oauth/introspect" | "/oauth/jwks" => Some(Kind::Decision),
        _ if path.starts_with("/enforce/") || path.starts_with("/access/") => Some(Kind::Decision),
        _ => Some(Kind::Page),
    }
}

/// Middleware: lets a request in if there is a place for it.
pub async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(kind) = kind(request.uri().path()) else { return next.run(request).await };
    let turn = app.load.take(kind, app.doors().limits.calls_at_a_time);
    if turn.is_some() {
        return next.run(request).await;
    }
    let is_api = kind == Kind::Decision || request.uri().path().starts_with("/api/");
    let (mut parts, _) = request.into_parts();
    let visit = Visit::from_request_parts(&mut parts, &app).await.unwrap_or_else(|never| match never {});
    if is_api {
        ApiError::overloaded().respond(&visit.context, Reader::program(&app.origin))
    } else {
        trouble::overloaded(&visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_find_places_where_pages_do_not() {
        let (load, most) = (Load::default(), NonZeroUsize::new(4).unwrap());
        let pages: Vec<_> = std::iter::from_fn(|| load.take(Kind::Page, most)).collect();
        assert_eq!(pages.len(), 2);
        let decisions: Vec<_> = std::iter::from_fn(|| load.take(Kind::Decision, most)).collect();
        assert_eq!(decisions.len(), 2);
        drop(pages);
        assert!(load.take(Kind::Page, most).is_none(), "decisions fill more than half");
        assert!(load.take(Kind::Decision, most).is_some());
        drop(decisions);
        assert!(load.take(Kind::Page, most).is_some());
        assert!(load.take(Kind::Page, NonZeroUsize::MIN).is_some(), "there is one in any case");
    }
}
