//! Every mount of the main listener on one page.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::handler::Handler;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use hyper::body::Incoming;
use tower::ServiceExt;
use tower_http::cors::{Any, CorsLayer};

use crate::app::App;
use crate::contracts::PLATFORM_YAML;
use crate::enforce::forward_auth;
use crate::http::dpop::{DPOP, DPOP_NONCE};
use crate::http::error::ApiError;
use crate::http::now::{CORRELATION_HEADER, RequestContext};
use crate::http::request_id;
use crate::listener::Answer;
use crate::load;
use crate::oauth::{
    authorize, device as device_endpoint, introspect, jwks, metadata, par, register, revoke, token, userinfo,
};
use crate::platform;
use crate::web::{approval, assets, consent, device, home, request, sessions, sign_in, sign_out, trouble};

/// What other proxies ask before they forward a call.
const FORWARD_AUTH: &str = "/enforce/forward-auth";
/// What APIs ask about the tokens that they are shown.
const INTROSPECTION: &str = "/oauth/introspect";

/// What a listener serves.
#[derive(Clone)]
pub struct Mounts {
    app: App,
    router: Router,
    /// Whether other proxies may ask here.
    has_forward_auth: bool,
}

impl Mounts {
    /// The main listener: everything.
    pub fn all(app: App) -> Self {
        Self { router: all().fallback(trouble::not_found).with_state(app.clone()), app, has_forward_auth: true }
    }

    /// The listener where apps show certificates (RFC 8705 §5): what they call, and no page, so that no browser comes.
    pub fn for_certificates(app: App) -> Self {
        Self { router: for_apps().fallback(trouble::not_found).with_state(app.clone()), app, has_forward_auth: false }
    }

    /// What is asked with every call of an API has no time to be looked for among all mounts.
    async fn route(self, request: Request<Body>) -> Response {
        match (request.method(), request.uri().path()) {
            (_, FORWARD_AUTH) if self.has_forward_auth => forward_auth::forward_auth.call(request, self.app).await,
            (&Method::POST, INTROSPECTION) => introspect::introspect.call(request, self.app).await,
            _ => self.router.oneshot(request).await.unwrap_or_else(|never| match never {}),
        }
    }
}

impl Answer for Mounts {
    type Body = Body;

    async fn answer(self, mut request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let context = RequestContext::new(&self.app);
        request.extensions_mut().insert(context.clone());
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut response = match load::admit(&self.app, &context, (&request, peer.ip())) {
            Ok(_turn) => self.route(request.map(Body::new)).await,
            Err(overloaded) => *overloaded,
        };
        if let Ok(name) = HeaderValue::from_str(&context.context_id) {
            response.headers_mut().insert(CORRELATION_HEADER, name);
        }
        response
    }

    fn refuse(self, why: ApiError) -> Response<Body> {
        why.respond_unread(&self.app)
    }
}

/// All of the main listener.
fn all() -> Router<App> {
    for_apps()
        // the aliases are what older SDKs call
        .route("/oauth/authorize", get(authorize::request).post(authorize::posted_request))
        .route("/authorize", get(authorize::request).post(authorize::posted_request))
        .route("//oauth/token", post(token::doubled_slash))
        .route("/oauth/jwks", get(jwks::jwks).layer(cors_for_apps()))
        .route("/.well-known/oauth-authorization-server", get(metadata::authorization_server).layer(cors_for_apps()))
        .route("/.well-known/openid-configuration", get(metadata::authorization_server).layer(cors_for_apps()))
        .route("/.well-known/oauth-protected-resource", get(metadata::protected_resource).layer(cors_for_apps()))
        .route("/.well-known/authzen-configuration", get(metadata::decision_point).layer(cors_for_apps()))
        // what other proxies ask before they forward a call
        .route(FORWARD_AUTH, any(forward_auth::forward_auth))
        .merge(forms())
        .route("/", get(home::page))
        .route("/openapi.yaml", get(openapi))
        .route("/static/{*name}", get(assets::serve))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
}

/// What apps call themselves.
fn for_apps() -> Router<App> {
    Router::new()
        // our own API: anything below /api and /access is decided by the contract, unknown paths included
        .route("/api/{*path}", any(platform::door).layer(cors_for_apps()))
        .route("/access/v1/{*path}", any(platform::door).layer(from_fn(request_id::echo)))
        .route("/oauth/token", post(token::token).layer(cors_for_apps()))
        .route("/token", post(token::token).layer(cors_for_apps()))
        .route("/oauth/par", post(par::par).layer(cors_for_apps()))
        .route("/oauth/device", post(device_endpoint::device).layer(cors_for_apps()))
        .route("/oauth/register", post(register::register).layer(cors_for_apps()))
        .route(
            "/oauth/register/{client_id}",
            get(register::read).put(register::replace).delete(register::delete).layer(cors_for_apps()),
        )
        .route(INTROSPECTION, post(introspect::introspect))
        .route("/oauth/revoke", post(revoke::revoke).layer(cors_for_apps()))
        .route("/oauth/userinfo", get(userinfo::userinfo).post(userinfo::userinfo).layer(cors_for_apps()))
}

/// The pages of a sign-in: most addresses only take forms, and a browser that comes without one gets a page.
fn forms() -> Router<App> {
    Router::new()
        .route("/oauth/continue", get(authorize::resume))
        .route("/oauth/sign-in", post(sign_in::submit))
        .route("/oauth/consent", post(consent::submit))
        .route("/oauth/approval", get(approval::link).post(approval::submit))
        .route("/oauth/request", post(request::submit))
        .route("/device", get(device::link).post(device::submit))
        .route("/device/confirm", post(device::confirm))
        .route("/logout", get(sign_out::link).post(sign_out::submit))
        .route("/sessions/end", post(sessions::end))
        .method_not_allowed_fallback(trouble::wrong_method)
}

/// E27: apps in browsers may call the API and the token endpoint with a token they hold; cookies never count there.
pub fn cors_for_apps() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            HeaderName::from_static("genesys-app"),
            DPOP,
        ])
        .expose_headers([
            CORRELATION_HEADER,
            DPOP_NONCE,
            header::WWW_AUTHENTICATE,
            header::RETRY_AFTER,
            HeaderName::from_static("inin-ratelimit-count"),
            HeaderName::from_static("inin-ratelimit-allowed"),
            HeaderName::from_static("inin-ratelimit-reset"),
        ])
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], PLATFORM_YAML).into_response()
}

async fn ready(State(app): State<App>) -> Response {
    readiness(&app).await
}

/// Whether calls can be decided.
pub(crate) async fn readiness(app: &App) -> Response {
    match app.store.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(error = %error, "not ready");
            not_ready("the database does not answer\n")
        }
    }
}

/// Whoever sends calls here should send them elsewhere.
pub(crate) fn not_ready(why: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}
