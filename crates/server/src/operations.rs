//! The operations listener: metrics and the state of the process, for whoever runs it. Nothing else is served here, and
//! nobody is asked who they are: it belongs on an address that only monitoring reaches.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::body::Incoming;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::app::App;
use crate::http::error::ApiError;
use crate::listener::Answer;
use crate::router;
use crate::telemetry::exposition::CONTENT_TYPE;

/// What is served there.
#[derive(Clone)]
pub struct Operations {
    router: Router,
    app: App,
}

#[derive(Clone)]
struct Process {
    app: App,
    stopping: watch::Receiver<bool>,
}

impl Operations {
    /// Shows `app`; not ready any more once it is `stopping`.
    pub fn new(app: App, stopping: watch::Receiver<bool>) -> Self {
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .with_state(Process { app: app.clone(), stopping });
        Self { router, app }
    }
}

async fn metrics(State(Process { app, .. }): State<Process>) -> axum::response::Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], app.metrics.show(&app)).into_response()
}

/// A load balancer sends nothing more to a server that is stopping, while what is under way is answered.
async fn ready(State(Process { app, stopping }): State<Process>) -> axum::response::Response {
    let is_stopping = *stopping.borrow();
    if is_stopping { router::not_ready("the server is stopping\n") } else { router::readiness(&app).await }
}

impl Answer for Operations {
    type Body = Body;

    async fn answer(self, request: Request<Incoming>, _: SocketAddr) -> Response<Body> {
        self.router.oneshot(request).await.unwrap_or_else(|never| match never {})
    }

    fn refuse(self, why: ApiError) -> Response<Body> {
        why.respond_unread(&self.app)
    }
}
