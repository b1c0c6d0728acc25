//! A call that another proxy has before it, and asks us about. We cannot rewrite its bytes, so what is not in canonical form
//! already is refused; and we believe only proxies that the configuration names.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use countersign_decision::Canonical;

use crate::app::App;
use crate::enforce::check::Ask;
use crate::enforce::doors::Doors;
use crate::enforce::gateway;
use crate::enforce::identity::Identity;
use crate::enforce::log::Door;
use crate::enforce::presented::Presented;
use crate::enforce::upstreams::{self, Place, Unplaced};
use crate::enforce::visit::Visit;
use crate::http::dpop::Called;
use crate::http::error::{ApiError, Reader};
use crate::http::now::RequestContext;

/// A call as a proxy describes it.
#[derive(Debug, Clone, Copy)]
pub struct Forwarded<'a> {
    /// The method of its client.
    pub method: &'a str,
    /// The target as its client sent it.
    pub target: &'a str,
    /// The host that its client asked for.
    pub host: &'a str,
    /// Whether its client spoke TLS.
    pub is_https: bool,
    /// The headers of its client.
    pub headers: &'a HeaderMap,
    /// Whether its client may get a page: some proxies pass on no body.
    pub reads_pages: bool,
    /// The proxy.
    pub proxy: IpAddr,
    /// Where it asks.
    pub door: Door,
    /// The upstream, where the proxy names it: then the target is one of that upstream, without prefix.
    pub upstream: Option<&'a str>,
}

impl Forwarded<'_> {
    /// The answer to the proxy: 200 without a body and with the caller's identity in headers, or the refusal for its client.
    pub async fn answer(&self, app: &App, doors: &Doors, context: &RequestContext) -> Response {
        match self.decide(app, doors, context).await {
            Ok(answer) => answer,
            Err(error) => error.respond(context, self.reader(app)),
        }
    }

    fn reader<'r>(&'r self, app: &'r App) -> Reader<'r> {
        if self.reads_pages { Reader::of(self.headers, &app.origin) } else { Reader::program(&app.origin) }
    }

    async fn decide(&self, app: &App, doors: &Doors, context: &RequestContext) -> Result<Response, ApiError> {
        gateway::check_method_overrides(self.headers)?;
        let target = upstreams::read(self.target.as_bytes(), self.host)?;
        if target.is_rewritten() {
            return Err(ApiError::bad_request(
                "the request target is not in canonical form; send it as it is written in the contract",
            ));
        }
        let place = self.place(doors, &target)?;
        let origin = format!("{}://{}", if self.is_https { "https" } else { "http" }, self.host);
        let called = Called {
            method: self.method,
            origin: &origin,
            path: target.path(),
            headers: self.headers,
            shown: None,
            now: context.now,
        };
        let presented = Presented::read(app, called, self.proxy);
        let resource = app.resource_of(place.upstream);
        let visit = Visit::receive(app, doors, context, presented, (self.door, resource)).await?;
        let mut answer = match self.admit(&visit, place) {
            Ok(headers) => (StatusCode::OK, headers).into_response(),
            Err(error) => error.respond(context, self.reader(app)),
        };
        visit.finish(self.headers, &mut answer);
        Ok(answer)
    }

    fn place<'u, 't>(&self, doors: &'u Doors, target: &'t Canonical<'_>) -> Result<Place<'u, 't>, Unplaced> {
        let Some(name) = self.upstream else { return doors.upstreams.place(self.host, target) };
        let upstream = doors.upstreams.iter().find(|upstream| upstream.name == name).ok_or(Unplaced::NoUpstream)?;
        Ok(Place { upstream, target: target.origin_form() })
    }

    /// The identity of the caller, if the call may go through.
    fn admit(&self, visit: &Visit<'_>, place: Place<'_, '_>) -> Result<HeaderMap, ApiError> {
        visit.check_rate()?;
        let allowed = visit.decide_for(place.upstream, Ask { method: self.method, target: place.target.as_bytes() })?;
        // of forward-auth, one of these names is the proxy's own
        if self.door == Door::ExtAuthz {
            gateway::check_path_overrides(self.headers)?;
        }
        if gateway::upgrades_to_websocket(self.headers) {
            gateway::check_operation(place.upstream, &allowed.operation_id)?;
        }
        match Identity::of(&visit.asker, allowed.permit.as_ref()) {
            Some(identity) => Ok(identity.headers(visit.app, place.upstream, visit.context.now)?.into_iter().collect()),
            None => Ok(HeaderMap::new()),
        }
    }
}
