//! One instant and one correlation id per request; the only file that reads a clock.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use countersign_domain::entropy::{Entropy, random_bytes};
use countersign_domain::time::Timestamp;

use crate::app::App;
use crate::telemetry::traces::Trace;

/// The header of every reply that names its request in our logs (behaviour of the real system).
pub const CORRELATION_HEADER: HeaderName = HeaderName::from_static("inin-correlation-id");

/// A source of instants: the machine's clock in the server, a settable one in tests.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

/// When a request arrived and what it is called: in the request's extensions, for every handler.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The one instant that the whole request is decided at.
    pub now: Timestamp,
    /// `contextId` of error bodies and the correlation header of the reply.
    pub context_id: Arc<str>,
    /// Its trace, where calls are traced and it came to a door.
    pub trace: Option<Arc<Trace>>,
}

impl RequestContext {
    /// Names a request that has just come.
    pub fn new(app: &App) -> Self {
        Self { now: app.clock.now(), context_id: new_context_id(app.entropy.as_ref()).into(), trace: None }
    }
}

/// Middleware: gives the request its instant and its name, and the reply its correlation header.
pub async fn request_context(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let context = RequestContext::new(&app);
    let header = HeaderValue::from_str(&context.context_id).expect("hexadecimal digits are a header value");
    request.extensions_mut().insert(context);
    let mut response = next.run(request).await;
    response.headers_mut().insert(CORRELATION_HEADER, header);
    response
}

fn new_context_id(entropy: &dyn Entropy) -> String {
    format!("{:032x}", u128::from_be_bytes(random_bytes(entropy)))
}
