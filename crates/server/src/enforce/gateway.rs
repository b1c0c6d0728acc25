//! The gateway: a reverse proxy that decides every call before it forwards one.
//!
//! | file | holds |
//! |---|---|
//! | `names.rs` | header names that a client cannot send through |
//! | `headers.rs` | what is refused, what goes on, what comes back |
//! | `cors.rs` | pages in browsers |
//! | `address.rs` | an address of an upstream |
//! | `client.rs` | which address a call goes to, and what is sent again |
//! | `lines.rs` | connections to an address |
//! | `health.rs` | whether an address is up |
//! | `held.rs` | answers on their way, with their place and their connection |
//! | `lent.rs` | bodies that come back from connections that were never made |
//! | `shares.rs` | the calls that an upstream has at a time, and whose they are |
//! | `websocket.rs` | tunnels, and their end when their token dies |
//!
//! One canonical target is read, matched, decided and forwarded. Whatever cannot be decided is not forwarded.

mod address;
mod client;
mod cors;
mod headers;
mod health;
mod held;
mod lent;
mod lines;
mod names;
mod shares;
mod websocket;

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body_util::Limited;
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;

use crate::app::App;
use crate::config::Upstream;
use crate::enforce::check::{Ask, Asker};
use crate::enforce::doors::Doors;
use crate::enforce::identity::Identity;
use crate::enforce::log::Door;
use crate::enforce::presented::Presented;
use crate::enforce::rate::RateStanding;
use crate::enforce::upstreams::{self, Place};
use crate::enforce::visit::Visit;
use crate::http::dpop::Called;
use crate::http::error::{ApiError, Reader};
use crate::http::now::{CORRELATION_HEADER, RequestContext};
use crate::listener::Answer;
use crate::load::{Kind, Turn};
use crate::telemetry::doors::Watch;
pub(super) use client::Connections;
pub(crate) use client::tls;
use client::{Outgoing, Unanswered};
use headers::{Head, Via};
pub(super) use headers::{check_fields, check_method_overrides, check_path_overrides};
use held::Held;
use lent::Lender;
use lines::Failed;
pub(super) use names::stays_with_proxy;
use websocket::Opened;
pub(super) use websocket::{check_operation, upgrades_to_websocket};

/// The gateway's side of a running server.
#[derive(Clone)]
pub struct Gateway {
    app: App,
    /// Whether clients speak TLS with us.
    is_https: bool,
}

/// One request as it came, but for its body.
struct Received<'r> {
    parts: &'r Parts,
    peer: SocketAddr,
    doors: &'r Doors,
    host: &'r str,
    origin: String,
    /// The canonical path outside.
    path: &'r str,
}

impl Gateway {
    /// A gateway before the upstreams of `app` that have an address.
    pub const fn new(app: App, is_https: bool) -> Self {
        Self { app, is_https }
    }

    async fn pass(self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let mut context = RequestContext::new(&self.app);
        let watch = Watch::begin(&self.app, Door::Gateway, &mut context, request.headers());
        let (parts, body) = request.into_parts();
        let asks_to_upgrade = parts.headers.contains_key(header::UPGRADE);
        let answer = self.decide_and_forward((&parts, body), peer, &context).await;
        let reader = Reader::of(&parts.headers, &self.app.origin);
        let mut response = answer.unwrap_or_else(|error| error.respond(&context, reader));
        if let Ok(name) = HeaderValue::from_str(&context.context_id) {
            response.headers_mut().insert(CORRELATION_HEADER, name);
        }
        RateStanding::write_where_absent(&self.app.doors().limits, response.headers_mut());
        // what follows a request to upgrade is no request, whatever came of it
        if asks_to_upgrade && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        watch.end(response.status());
        response
    }

    async fn decide_and_forward(
        &self,
        (parts, body): (&Parts, Incoming),
        peer: SocketAddr,
        context: &RequestContext,
    ) -> Result<Response<Body>, ApiError> {
        let doors = self.app.doors();
        let most = doors.limits.calls_at_a_time;
        let turn = self.app.load.take(Kind::Decision, most).ok_or_else(ApiError::overloaded)?;
        let is_http_2 = parts.version == Version::HTTP_2;
        if is_http_2 {
            headers::check_http_2(parts)?;
        }
        let authority = parts.uri.authority().map(Authority::as_str);
        let host = headers::host(&parts.headers, authority, is_http_2)?;
        let origin = format!("{}://{host}", if self.is_https { "https" } else { "http" });
        let raw = raw_target(parts, is_http_2);
        let target = upstreams::read(raw.as_bytes(), host)?;
        let place = doors.upstreams.place(host, &target)?;
        if let Some(answer) = cors::preflight(place.upstream, &parts.method, &parts.headers) {
            return Ok(answer);
        }
        let page = cors::allowed_origin(place.upstream, &parts.headers).cloned();
        let received = Received { parts, peer, doors: &doors, host, origin, path: target.path() };
        let mut answer = match headers::check(&parts.headers) {
            Ok(()) => self.visit(&received, place, (body, turn), context).await,
            Err(error) => Err(error),
        }
        .unwrap_or_else(|error| error.respond(context, Reader::of(&parts.headers, &self.app.origin)));
        if let Some(page) = page {
            cors::expose(page, answer.headers_mut());
        }
        Ok(answer)
    }

    /// Decides the call, and forwards it if it may go through.
    async fn visit(
        &self,
        received: &Received<'_>,
        place: Place<'_, '_>,
        body: (Incoming, Turn),
        context: &RequestContext,
    ) -> Result<Response<Body>, ApiError> {
        let Received { parts, peer, doors, origin, path, .. } = received;
        let called = Called {
            method: parts.method.as_str(),
            origin,
            path,
            headers: &parts.headers,
            shown: parts.extensions.get(),
            now: context.now,
        };
        let presented = Presented::read(&self.app, called, peer.ip());
        let resource = self.app.resource_of(place.upstream);
        let visit = Visit::receive(&self.app, doors, context, presented, (Door::Gateway, resource)).await?;
        let mut answer = match self.admit(&visit, received, place, body).await {
            Ok(answer) => answer,
            Err(error) => error.respond(context, Reader::of(&parts.headers, &self.app.origin)),
        };
        visit.finish(&parts.headers, &mut answer);
        Ok(answer)
    }

    async fn admit(
        &self,
        visit: &Visit<'_>,
        received: &Received<'_>,
        place: Place<'_, '_>,
        (body, turn): (Incoming, Turn),
    ) -> Result<Response<Body>, ApiError> {
        visit.check_rate()?;
        let parts = received.parts;
        let ask = Ask { method: parts.method.as_str(), target: place.target.as_bytes() };
        let allowed = visit.decide_for(place.upstream, ask)?;
        check_path_overrides(&parts.headers)?;

        let is_websocket = websocket::is_asked_for(parts);
        if is_websocket {
            check_operation(place.upstream, &allowed.operation_id)?;
            websocket::check_handshake(&parts.headers, !body.is_end_stream())?;
        }
        let identity = match Identity::of(&visit.asker, allowed.permit.as_ref()) {
            Some(identity) => identity.headers(&self.app, place.upstream, visit.context.now)?,
            None => Vec::new(),
        };
        let via = self.via(received, place.upstream, visit.context);
        let head = Head { sent: &parts.headers, via, identity, is_websocket };
        let body = lent(body, place.upstream.max_body_bytes)?;
        let organization = match &visit.asker {
            Asker::Live(live) => Some(&live.bearer.organization),
            Asker::Missing | Asker::Invalid => None,
        };
        let (method, target, whose) = (&parts.method, place.target, (&self.app, visit.context));
        let outgoing = Outgoing { organization, method, target, head, body, is_websocket, whose };
        // an upstream that takes its time takes none of the others'
        drop(turn);
        let mut response = forward(received.doors, place.upstream, outgoing).await?;
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS if is_websocket => {
                let upstream = hyper::upgrade::on(&mut response);
                let client = parts.extensions.get::<OnUpgrade>().cloned().ok_or_else(ApiError::internal)?;
                headers::from_upstream(response.headers_mut());
                websocket::ask(response.headers_mut());
                let (head, body) = response.into_parts();
                let opened = Opened {
                    _answer: body,
                    app: self.app.clone(),
                    presented: visit.presented(),
                    resource: visit.resource().to_owned(),
                    contract: place.upstream.name.clone(),
                    method: parts.method.to_string(),
                    target: place.target.to_owned(),
                };
                tokio::spawn(websocket::tunnel(client, upstream, opened));
                return Ok(Response::from_parts(head, Body::empty()));
            }
            StatusCode::SWITCHING_PROTOCOLS => return Err(ApiError::bad_gateway()),
            _ => headers::from_upstream(response.headers_mut()),
        }
        *response.version_mut() = Version::HTTP_11;
        Ok(response.map(Body::new))
    }

    fn via<'a>(&self, received: &Received<'a>, upstream: &Upstream, context: &'a RequestContext) -> Via<'a> {
        Via {
            peer: received.peer.ip(),
            host: received.host,
            is_https: self.is_https,
            request_id: &context.context_id,
            forwards_authorization: upstream.forward_authorization,
        }
    }
}

impl Answer for Gateway {
    type Body = Body;

    fn answer(
        self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Body>> + Send + 'static {
        self.pass(request, peer)
    }

    fn refuse(self, why: ApiError) -> Response<Body> {
        why.respond_unread(&self.app)
    }
}

/// The target as it was sent, for [`upstreams::read`]. In HTTP/2 the authority is a field of its own (RFC 9113 §8.3.1).
fn raw_target(parts: &Parts, is_http_2: bool) -> std::borrow::Cow<'_, str> {
    match parts.uri.path_and_query() {
        Some(target) if is_http_2 || parts.uri.scheme().is_none() => target.as_str().into(),
        _ => parts.uri.to_string().into(),
    }
}

/// The body as it goes on: bounded, and nothing where there is none.
fn lent(body: Incoming, max_bytes: u64) -> Result<Option<Lender<Limited<Incoming>>>, ApiError> {
    if body.is_end_stream() {
        return Ok(None);
    }
    let most = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    if body.size_hint().lower() > max_bytes {
        return Err(ApiError::too_large(most));
    }
    Ok(Some(Lender::new(Limited::new(body, most))))
}

/// Sends on what was allowed. Nobody forwards what would not arrive as it was decided.
async fn forward(doors: &Doors, upstream: &Upstream, outgoing: Outgoing<'_>) -> Result<Response<Held>, ApiError> {
    let client = doors.connections.to(upstream).ok_or_else(ApiError::bad_gateway)?;
    let deadline = Instant::now() + Duration::from_secs(upstream.timeout_seconds);
    client.send(outgoing, deadline).await.map_err(|why| match why {
        Unanswered::Unsendable => ApiError::bad_gateway(),
        Unanswered::Busy => ApiError::upstream_busy(),
        Unanswered::NoneHealthy => ApiError::no_healthy_upstream(health::REST),
        Unanswered::Overdue => ApiError::gateway_timeout(),
        Unanswered::Failed(error) => failed(&error, upstream),
    })
}

/// Why there is no answer from an upstream: the client's body may be at fault.
fn failed(error: &Failed, upstream: &Upstream) -> ApiError {
    let mut cause = std::error::Error::source(error);
    // below an error of the body that was sent; anything else is of the upstream's connection, TLS included
    let mut is_of_body = false;
    while let Some(inner) = cause {
        is_of_body |= inner.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user);
        if inner.is::<http_body_util::LengthLimitError>() {
            return ApiError::too_large(usize::try_from(upstream.max_body_bytes).unwrap_or(usize::MAX));
        }
        if let Some(io) = inner.downcast_ref::<std::io::Error>().filter(|_| is_of_body) {
            match io.kind() {
                std::io::ErrorKind::InvalidData => {
                    return ApiError::bad_request("the body is not framed as RFC 9112 §7.1 says");
                }
                std::io::ErrorKind::TimedOut => return ApiError::request_timeout(),
                _ => {}
            }
        }
        cause = inner.source();
    }
    tracing::warn!(upstream.name, %error, cause = std::error::Error::source(error), "an upstream did not answer");
    ApiError::bad_gateway()
}
