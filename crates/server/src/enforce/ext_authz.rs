//! Envoy's external authorization (`envoy.service.auth.v3`), over gRPC on a listener of its own.
//!
//! Envoy removes what we tell it to before it adds what we tell it: what stays at the gateway stays there, and no client can say
//! who it is.

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use envoy_types::ext_authz::v3::pb::{
    Authorization, AuthorizationServer, CheckRequest, CheckResponse, DeniedHttpResponse, HeaderAppendAction,
    HeaderValue as EnvoyHeader, HeaderValueOption, HttpResponse, HttpStatus, OkHttpResponse,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use envoy_types::pb::google::rpc;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tonic::{Code, Status};
use tower::ServiceExt;

use crate::app::App;
use crate::enforce::doors::Doors;
use crate::enforce::forwarded::Forwarded;
use crate::enforce::gateway::{check_fields, stays_with_proxy};
use crate::enforce::log::Door;
use crate::enforce::rate::{RateStanding, is_of_standing};
use crate::http::error::{ApiError, Reader};
use crate::http::now::RequestContext;
use crate::listener::Answer;
use crate::load::Kind;
use crate::telemetry::doors::Watch;

/// The gRPC service.
#[derive(Clone)]
pub struct ExtAuthz {
    app: App,
}

/// The Envoy that asks.
#[derive(Clone, Copy)]
struct Proxy(SocketAddr);

impl ExtAuthz {
    /// A service for the Envoys that the configuration names.
    pub const fn new(app: App) -> Self {
        Self { app }
    }

    /// What Envoy's client is to be answered; 200 to let it through.
    async fn answer_to(&self, proxy: SocketAddr, request: &HttpRequest) -> Response<axum::body::Body> {
        let mut context = RequestContext::new(&self.app);
        let watch = Watch::begin(&self.app, Door::ExtAuthz, &mut context, &request.headers);
        let doors = self.app.doors();
        let mut answer = match self.app.load.take(Kind::Decision, doors.limits.calls_at_a_time) {
            Some(_turn) => self.decide(&doors, proxy, request, &context).await,
            None => ApiError::overloaded().respond(&context, Reader::program(&self.app.origin)),
        };
        RateStanding::write_where_absent(&doors.limits, answer.headers_mut());
        watch.end(answer.status());
        answer
    }

    async fn decide(
        &self,
        doors: &Doors,
        proxy: SocketAddr,
        request: &HttpRequest,
        context: &RequestContext,
    ) -> Response<axum::body::Body> {
        let (proxy, program) = (proxy.ip().to_canonical(), Reader::program(&self.app.origin));
        if !doors.trusted_envoys.contains(&proxy) {
            tracing::warn!(%proxy, "ext_authz was asked by a proxy that is not in ext_authz.trusted_proxies");
            return ApiError::not_authorized("only proxies that the configuration names may ask here")
                .respond(context, program);
        }
        let HttpRequest { method, path, host, scheme, .. } = request;
        let headers = match headers(request) {
            Ok(headers) if !method.is_empty() && !path.is_empty() && !host.is_empty() => headers,
            Ok(_) => return ApiError::bad_request("method, path and host are needed").respond(context, program),
            Err(error) => return error.respond(context, program),
        };
        let (is_https, door, headers) = (scheme == "https", Door::ExtAuthz, &headers);
        let forwarded =
            Forwarded { method, target: path, host, is_https, headers, reads_pages: true, proxy, door, upstream: None };
        forwarded.answer(&self.app, doors, context).await
    }
}

#[tonic::async_trait]
impl Authorization for ExtAuthz {
    async fn check(&self, request: tonic::Request<CheckRequest>) -> Result<tonic::Response<CheckResponse>, Status> {
        let proxy = request.extensions().get::<Proxy>().copied();
        let attributes = request.into_inner().attributes.and_then(|attributes| attributes.request);
        // Envoy's own failure mode is for errors; what is missing is a denial
        let (Some(Proxy(proxy)), Some(http)) = (proxy, attributes.and_then(|request| request.http)) else {
            let message = "a check without an HTTP request is denied".to_owned();
            let status = rpc::Status { code: Code::PermissionDenied as i32, message, details: vec![] };
            return Ok(tonic::Response::new(CheckResponse { status: Some(status), ..CheckResponse::default() }));
        };
        let (answer, body) = self.answer_to(proxy, &http).await.into_parts();
        // where the caller stands is for the client, everything else of an allow for the upstream
        let (for_client, headers): (Vec<_>, Vec<_>) =
            answer.headers.iter().partition(|(name, _)| answer.status == StatusCode::OK && is_of_standing(name));
        let [response_headers_to_add, headers] = [for_client, headers]
            .map(|headers| headers.into_iter().filter_map(|(name, value)| option(name, value)).collect::<Vec<_>>());
        let (code, http_response) = if answer.status == StatusCode::OK {
            let is_spoofed =
                |name: &&str| stays_with_proxy(&name.to_ascii_lowercase()) && !answer.headers.contains_key(*name);
            let names = lines(&http).unwrap_or_default().into_iter().map(|(name, _)| name);
            let headers_to_remove = names.filter(is_spoofed).map(str::to_owned).collect();
            (
                Code::Ok,
                HttpResponse::OkResponse(OkHttpResponse {
                    headers,
                    headers_to_remove,
                    response_headers_to_add,
                    ..OkHttpResponse::default()
                }),
            )
        } else {
            let body = body.collect().await.map_err(|_| Status::internal("the answer cannot be read"))?.to_bytes();
            let body = String::from_utf8_lossy(&body).into_owned();
            let status = Some(HttpStatus { code: answer.status.as_u16().into() });
            let code =
                if answer.status == StatusCode::UNAUTHORIZED { Code::Unauthenticated } else { Code::PermissionDenied };
            (code, HttpResponse::DeniedResponse(DeniedHttpResponse { status, headers, body }))
        };
        let status = rpc::Status { code: code as i32, ..rpc::Status::default() };
        let http_response = Some(http_response);
        Ok(tonic::Response::new(CheckResponse { status: Some(status), http_response, ..CheckResponse::default() }))
    }
}

/// The headers of Envoy's client, in one of two forms: values of one name in one text, which makes no credential of two; or
/// every line by itself (`encode_raw_headers`). What they say of the request line must be what the attributes say.
fn headers(request: &HttpRequest) -> Result<HeaderMap, ApiError> {
    if !request.query.is_empty() || !request.fragment.is_empty() {
        return Err(ApiError::bad_request("`query` and `fragment` are empty: the path is the target as it came"));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in lines(request)? {
        if name.starts_with(':') {
            check_pseudo_header(request, name, value)?;
            continue;
        }
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) else {
            return Err(ApiError::bad_request(format!("`{}` is no header", name.escape_debug())));
        };
        headers.append(name, value);
    }
    check_fields(&headers)?;
    Ok(headers)
}

fn lines(request: &HttpRequest) -> Result<Vec<(&str, &[u8])>, ApiError> {
    let raw = request.header_map.iter().flat_map(|map| &map.headers);
    let raw =
        raw.map(|line| (&*line.key, if line.raw_value.is_empty() { line.value.as_bytes() } else { &line.raw_value }));
    match (request.headers.is_empty(), request.header_map.is_some()) {
        (true, _) => Ok(raw.collect()),
        (false, false) => Ok(request.headers.iter().map(|(name, value)| (&**name, value.as_bytes())).collect()),
        (false, true) => Err(ApiError::bad_request("the headers come twice: in `headers` or in `header_map`")),
    }
}

/// RFC 9113 §8.3.1: a name with a colon is of the request line.
fn check_pseudo_header(request: &HttpRequest, name: &str, value: &[u8]) -> Result<(), ApiError> {
    let is_same = match name {
        ":method" => value == request.method.as_bytes(),
        ":path" => value == request.path.as_bytes(),
        ":authority" => value.eq_ignore_ascii_case(request.host.as_bytes()),
        ":scheme" => value == request.scheme.as_bytes(),
        _ => true,
    };
    match is_same {
        true => Ok(()),
        false => {
            Err(ApiError::bad_request(format!("`{}` says something else than the attributes", name.escape_debug())))
        }
    }
}

fn option(name: &HeaderName, value: &HeaderValue) -> Option<HeaderValueOption> {
    let header =
        EnvoyHeader { key: name.as_str().to_owned(), value: value.to_str().ok()?.to_owned(), ..EnvoyHeader::default() };
    // what a client sent under this name is overwritten
    let append_action = HeaderAppendAction::OverwriteIfExistsOrAdd.into();
    Some(HeaderValueOption { header: Some(header), append_action, ..HeaderValueOption::default() })
}

impl Answer for ExtAuthz {
    type Body = tonic::body::Body;

    fn answer(
        self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static {
        request.extensions_mut().insert(Proxy(peer));
        let service = AuthorizationServer::new(self);
        async move { service.oneshot(request).await.unwrap_or_else(|never| match never {}) }
    }

    fn refuse(self, why: ApiError) -> Response<Self::Body> {
        why.respond_unread(&self.app).map(tonic::body::Body::new)
    }
}
