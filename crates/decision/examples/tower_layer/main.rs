//! A bookshop that decides each of its calls itself, with what a Countersign server knows. The guide
//! `docs/guides/embed-the-library.md` walks through it.
//!
//! `guard.rs` is the `tower` layer around the service; `organization.rs` keeps what it decides with fresh.
//!
//! ```text
//! CLIENT_SECRET=… cargo run -p countersign-decision --example tower_layer -- \
//!     http://127.0.0.1:8080 CLIENT_ID examples/bookshop.openapi.yaml 127.0.0.1:9000
//! ```

mod guard;
mod organization;

use std::error::Error;
use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Extension, Json, Router};
use countersign_decision::{OwnedPermit, Subject};
use serde_json::{Value, json};

pub(crate) use organization::{Organization, Settings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, client_id, contract, listen] = arguments.try_into().map_err(|_| "SERVER CLIENT_ID CONTRACT LISTEN")?;
    let client_secret = std::env::var_os("CLIENT_SECRET").ok_or("CLIENT_SECRET is not set")?;
    let client_secret = client_secret.into_string().map_err(|_| "CLIENT_SECRET is not text")?;

    let settings = Settings::new(server, client_id, client_secret);
    let organization = Organization::new(settings, &contract, &std::fs::read_to_string(&contract)?)?;
    tokio::spawn(Arc::clone(&organization).follow());
    axum::serve(tokio::net::TcpListener::bind(listen).await?, bookshop(organization)).await?;
    Ok(())
}

/// The service. The layer stands around all of it, so that a route that the contract does not know is refused, too.
pub(crate) fn bookshop(organization: Arc<Organization>) -> Router {
    Router::new()
        .route("/opening-hours", get(async || Json(json!({ "monday": "9-18" }))))
        .route("/orders", get(orders).post(orders))
        .layer(from_fn_with_state(organization, guard::guard))
}

/// What a handler knows of its caller comes from the proof that the call was allowed. Without one, it does not run.
async fn orders(Extension(permit): Extension<OwnedPermit>) -> Json<Value> {
    let caller = match permit.subject() {
        Subject::User(user) => user,
        Subject::Client => permit.client(),
    };
    Json(json!({ "operation": permit.operation_id(), "organization": permit.organization(), "caller": caller }))
}
