//! What apps can ask for: every scope of the united catalogue (`/api/v2/oauth/scopes`).

use axum::response::Response;
use countersign_decision::{Catalogue, Scope};

use super::call::ok;
use super::wire::paging::WholeListing;
use super::wire::scope::OAuthScope;
use crate::http::error::ApiError;
use crate::platform::Call;

/// `GET /api/v2/oauth/scopes`
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let scopes = call.contracts.catalogue().scopes().iter().map(OAuthScope::from).collect();
    ok(WholeListing::new(&call, scopes))
}

/// `GET /api/v2/oauth/scopes/{scopeId}`
pub(super) async fn read(call: Call) -> Result<Response, ApiError> {
    let scopes = call.contracts.catalogue().scopes();
    let found = scopes.iter().find(|entry| entry.scope.as_str() == call.path("scopeId"));
    ok(OAuthScope::from(found.ok_or_else(|| ApiError::not_found("scope"))?))
}

/// Scopes as a request names them, each once; every one must be known to a loaded contract.
pub(super) fn known(catalogue: &Catalogue, names: &[String]) -> Result<Vec<Scope>, ApiError> {
    let mut scopes: Vec<Scope> = Vec::with_capacity(names.len());
    for name in names {
        let known = name.parse::<Scope>().ok().filter(|scope| catalogue.scope_index(scope.as_str()).is_some());
        let scope = known.ok_or_else(|| {
            let name: String = name.chars().take(64).collect();
            ApiError::invalid("auth.invalid.scope", format!("`{name}` is not a scope that a loaded contract names"))
        })?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}
