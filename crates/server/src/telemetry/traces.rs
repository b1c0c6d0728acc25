//! Traces: a span for each call at a door, and one for what the gateway sends on (W3C Trace Context, OpenTelemetry's
//! conventions for HTTP).
//!
//! Attributes hold no token, no query, no header, no person, and of the path only the contract's template: they go to a system
//! that more people read than the decision log.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use countersign_decision::Contract;
use countersign_domain::entropy::{Entropy, random_bytes};
use countersign_domain::time::Timestamp;
use countersign_domain::trace_context::{SpanId, TraceId, TraceParent, trace_state};
use tokio::time::Instant;

use super::connections::Unanswered;
use super::decided::{Decided, known_method};
use super::exchange::Callee;
use super::messages::{CLIENT, ERROR, HAS_IS_REMOTE, IS_REMOTE, KeyValue, SERVER, Span, Status, number, text};
use super::otlp::Destination;
use super::outbox::{Outbox, Unsent};
use crate::config::Telemetry;
use crate::enforce::check::{Allowed, Ask, Refusal};
use crate::enforce::visit::Visit;
use crate::http::now::RequestContext;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What makes traces.
#[derive(Debug, Clone)]
pub struct Tracer {
    outbox: Outbox<Span>,
    one_in: u64,
    follows_callers: bool,
}

/// One call in its trace.
#[derive(Debug)]
pub struct Trace {
    /// Our span, as an upstream hears of it.
    own: TraceParent,
    /// The caller's.
    parent: Option<SpanId>,
    state: Option<String>,
    began: Instant,
    began_at: Timestamp,
    context_id: Arc<str>,
    decided: Mutex<Option<Decided>>,
}

/// Where the headers of a call are looked up.
pub trait Carrier {
    /// All values of one header.
    fn values<'c>(&'c self, name: &'c HeaderName) -> impl Iterator<Item = &'c str>;
}

impl Carrier for HeaderMap {
    fn values<'c>(&'c self, name: &'c HeaderName) -> impl Iterator<Item = &'c str> {
        // what is not ASCII is malformed, and must count as such
        self.get_all(name).iter().map(|value| value.to_str().unwrap_or("?"))
    }
}

/// As Envoy describes a call.
impl Carrier for std::collections::HashMap<String, String> {
    fn values<'c>(&'c self, name: &'c HeaderName) -> impl Iterator<Item = &'c str> {
        self.get(name.as_str()).map(String::as_str).into_iter()
    }
}

impl Tracer {
    /// A tracer as it is configured, and what sends its spans; `None` where no call is traced.
    ///
    /// # Errors
    /// When the file of certificates cannot be used.
    pub fn open(config: &Telemetry) -> anyhow::Result<Option<(Self, Unsent<Span>)>> {
        let Some(destination) = Destination::of::<Span>(config)?.filter(|_| config.has_traces()) else {
            return Ok(None);
        };
        let (outbox, unsent) = Outbox::new(destination);
        let tracer = Self { outbox, one_in: config.traces_one_in, follows_callers: config.follow_callers };
        Ok(Some((tracer, unsent)))
    }

    /// Where spans wait.
    pub const fn outbox(&self) -> &Outbox<Span> {
        &self.outbox
    }

    /// Begins the trace of a call, or goes on with its caller's. A new trace is called like the request in our logs.
    pub fn begin(&self, context: &RequestContext, headers: &impl Carrier, entropy: &dyn Entropy) -> Arc<Trace> {
        let sent = TraceParent::only(headers.values(&TRACEPARENT));
        let span = SpanId(random_bytes(entropy));
        let is_sampled = match sent {
            Some(parent) if self.follows_callers => parent.is_sampled,
            // by the span: whoever calls can choose the trace
            _ => is_one_in(self.one_in, span),
        };
        let trace = sent.map_or_else(|| named_like(&context.context_id), |parent| parent.trace);
        Arc::new(Trace {
            own: TraceParent { trace, span, is_sampled },
            parent: sent.map(|parent| parent.span),
            // W3C Trace Context §3.3: without a `traceparent` a `tracestate` means nothing
            state: sent.and_then(|_| trace_state(headers.values(&TRACESTATE))),
            began: Instant::now(),
            began_at: context.now,
            context_id: Arc::clone(&context.context_id),
            decided: Mutex::default(),
        })
    }

    /// The call is answered, or its client hung up before.
    pub fn end(&self, trace: &Trace, door: &'static str, status: Option<StatusCode>) {
        if !trace.own.is_sampled {
            return;
        }
        let decided = trace.decided.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut attributes = vec![text("countersign.door", door), text("countersign.context", &*trace.context_id)];
        attributes.extend(status.map(|status| number("http.response.status_code", status.as_u16().into())));
        attributes.extend(decided.iter().flat_map(Decided::attributes));
        let name = decided.as_ref().map_or_else(|| door.to_owned(), Decided::name);
        let failure = match status {
            Some(status) => status.is_server_error().then(|| status.as_u16().to_string()),
            None => Some(Unanswered::Abandoned.as_str().to_owned()),
        };
        let span = trace.span(trace.own.span, SERVER, name, trace.began);
        self.outbox.put(finish(span, attributes, failure));
    }

    /// A request that was sent on is answered with a status, or not.
    pub(super) fn end_sent(&self, sent: &Sent, began: Instant, outcome: Result<StatusCode, Unanswered>) {
        let Sent { trace, span, upstream, authority, method } = sent;
        let mut attributes =
            vec![text("countersign.upstream", upstream), text("http.request.method", known_method(method))];
        let (host, port) = match authority.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
            Some((host, Ok(port))) => (host, Some(port)),
            _ => (authority.as_str(), None),
        };
        attributes.push(text("server.address", host));
        attributes.extend(port.map(|port| number("server.port", port)));
        let failure = match outcome {
            Ok(status) => {
                attributes.push(number("http.response.status_code", status.as_u16().into()));
                // a client's span is an error with 4xx, too
                (status.as_u16() >= 400).then(|| status.as_u16().to_string())
            }
            Err(why) => Some(why.as_str().to_owned()),
        };
        let mut made = trace.span(*span, CLIENT, known_method(method).to_owned(), began);
        made.parent_span_id = trace.own.span.0.to_vec();
        made.flags = u32::from(trace.own.is_sampled) | HAS_IS_REMOTE;
        self.outbox.put(finish(made, attributes, failure));
    }
}

/// A request that was sent on, in its call's trace.
#[derive(Debug)]
pub struct Sent {
    trace: Arc<Trace>,
    span: SpanId,
    upstream: String,
    authority: String,
    method: String,
}

impl Trace {
    /// The call's span, where it is recorded.
    pub fn recorded(&self) -> Option<TraceParent> {
        self.own.is_sampled.then_some(self.own)
    }

    /// What was decided of the call; the last time counts, where it is decided again.
    pub fn decided(&self, visit: &Visit<'_>, contract: &Contract, ask: Ask<'_>, answer: Result<&Allowed, &Refusal>) {
        if self.own.is_sampled {
            let decided = Decided::new(visit, contract, ask, answer);
            *self.decided.lock().unwrap_or_else(PoisonError::into_inner) = Some(decided);
        }
    }

    fn span(&self, id: SpanId, kind: i32, name: String, began: Instant) -> Span {
        let is_remote = if self.parent.is_some() { IS_REMOTE } else { 0 };
        Span {
            trace_id: self.own.trace.0.to_vec(),
            span_id: id.0.to_vec(),
            trace_state: self.state.clone().unwrap_or_default(),
            parent_span_id: self.parent.map(|parent| parent.0.to_vec()).unwrap_or_default(),
            flags: u32::from(self.own.is_sampled) | HAS_IS_REMOTE | is_remote,
            name,
            kind,
            start_time_unix_nano: self.nanos_after(began.duration_since(self.began)),
            end_time_unix_nano: self.nanos_after(self.began.elapsed()),
            attributes: Vec::new(),
            status: None,
        }
    }

    /// An instant of this call, by the clock that it began on.
    fn nanos_after(&self, elapsed: Duration) -> u64 {
        let began = Duration::from_micros(u64::try_from(self.began_at.as_micros()).unwrap_or_default());
        u64::try_from((began + elapsed).as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Sent {
    /// Writes the trace into the headers of a request that goes on; remembered where the call is sampled.
    pub(super) fn new(
        trace: &Arc<Trace>,
        callee: Callee<'_>,
        method: &str,
        headers: &mut HeaderMap,
        entropy: &dyn Entropy,
    ) -> Option<Self> {
        let sent = trace.own.is_sampled.then(|| Self {
            trace: Arc::clone(trace),
            span: SpanId(random_bytes(entropy)),
            upstream: callee.name.to_owned(),
            authority: callee.authority.to_owned(),
            method: method.to_owned(),
        });
        let span = sent.as_ref().map_or(trace.own.span, |sent| sent.span);
        set(headers, TRACEPARENT, Some(&TraceParent { span, ..trace.own }.to_string()));
        set(headers, TRACESTATE, trace.state.as_deref());
        sent
    }
}

fn finish(mut span: Span, attributes: Vec<KeyValue>, failure: Option<String>) -> Span {
    span.attributes = attributes;
    if let Some(failure) = failure {
        span.attributes.push(text("error.type", failure));
        span.status = Some(Status { code: ERROR });
    }
    span
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    match value.and_then(|value| HeaderValue::from_str(value).ok()) {
        Some(value) => headers.insert(name, value),
        None => headers.remove(name),
    };
}

/// Whether a span is among those that are recorded.
fn is_one_in(one_in: u64, span: SpanId) -> bool {
    u64::MAX.checked_div(one_in).is_some_and(|most| u64::from_be_bytes(span.0) <= most)
}

/// The trace whose id is the request's name, 32 hexadecimal digits.
fn named_like(context_id: &str) -> TraceId {
    TraceId(u128::from_str_radix(context_id, 16).unwrap_or(1).max(1).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_so_many_is_recorded() {
        let count = |one_in| {
            let spans = (0..10_000_u64).map(|number| SpanId((number * (u64::MAX / 10_000)).to_be_bytes()));
            spans.filter(|span| is_one_in(one_in, *span)).count()
        };
        assert_eq!((count(0), count(1)), (0, 10_000));
        assert!((990..=1_010).contains(&count(10)), "{}", count(10));
    }

    #[test]
    fn a_new_trace_is_called_like_the_request() {
        let trace = named_like("4bf92f3577b34da6a3ce929d0e0e4736");
        let own = TraceParent { trace, span: SpanId([1; 8]), is_sampled: true };
        assert_eq!(own.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0101010101010101-01");
    }
}
