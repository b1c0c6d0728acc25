//! The caller's organization and how strictly it holds apps to their scopes (`/api/v2/organizations`).

use axum::response::Response;

use super::call::ok;
use super::wire::organization::{Organization, ScopeEnforcement, ScopeEnforcementUpdate};
use crate::http::error::ApiError;
use crate::platform::Call;

/// `GET /api/v2/organizations/me`
pub(super) async fn read(call: Call) -> Result<Response, ApiError> {
    ok(Organization::from(&call.org().organization().await?))
}

/// `GET /api/v2/organizations/scopeenforcement`
pub(super) async fn enforcement(call: Call) -> Result<Response, ApiError> {
    ok(ScopeEnforcement::from(&call.org().organization().await?))
}

/// `PUT /api/v2/organizations/scopeenforcement`
pub(super) async fn set_enforcement(call: Call) -> Result<Response, ApiError> {
    let request: ScopeEnforcementUpdate = call.json()?;
    let changed = call.org().set_enforcement(request.mode, request.bounds_client_credentials).await?;
    ok(ScopeEnforcement::from(&changed))
}
