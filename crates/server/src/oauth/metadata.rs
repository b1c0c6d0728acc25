//! The well-known documents (RFC 8414 §3, OpenID Connect Discovery §4, RFC 9728 §3, AuthZEN §9). The issuer comes from configuration, never from a request (E06).

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use countersign_domain::authzen::DecisionPointMetadata;
use countersign_domain::oauth::metadata::{Offered, ResourceMetadata, ServerMetadata};
use serde::Serialize;

use crate::app::App;
use crate::config::PublicOrigin;

/// `GET /.well-known/oauth-authorization-server` and `GET /.well-known/openid-configuration`
pub async fn authorization_server(State(app): State<App>) -> Response {
    let offered = Offered {
        with_certificates: app.mutual_tls_origin.is_some() || !app.certificate_sources.proxies.is_empty(),
        with_certified_names: app.certificate_sources.vouch_for_names(),
        mutual_tls_origin: app.mutual_tls_origin.as_ref().map(PublicOrigin::as_str),
        takes_documents: app.client_sources.takes_documents(),
    };
    let metadata = ServerMetadata::new(app.origin.as_str(), scopes(&app), offered);
    document(&if app.registers_clients { metadata.with_registration() } else { metadata })
}

/// `GET /.well-known/oauth-protected-resource`
pub async fn protected_resource(State(app): State<App>) -> Response {
    document(&ResourceMetadata::new(app.origin.as_str(), app.origin.as_str(), scopes(&app)))
}

/// `GET /.well-known/authzen-configuration`
pub async fn decision_point(State(app): State<App>) -> Response {
    document(&DecisionPointMetadata::new(app.origin.as_str()))
}

fn scopes(app: &App) -> Vec<String> {
    app.contracts().catalogue().scopes().iter().map(|entry| entry.scope.to_string()).collect()
}

fn document(body: &impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(body)).into_response()
}
