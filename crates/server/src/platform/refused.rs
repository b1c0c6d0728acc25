//! Refused attempts to change something are remembered in the audit of the organization (invariant 43).

use countersign_decision::Method;

use crate::enforce::check::{Ask, Asker, attempt_store};
use crate::enforce::visit::Visit;
use crate::http::error::ApiError;

/// Longest path that is remembered, in characters.
const MAX_PATH: usize = 256;

/// Writes an audit record if a live token tried to change something and was refused for want of scope or permission.
pub(super) async fn remember(visit: &Visit<'_>, operation_id: Option<&str>, ask: Ask<'_>, error: &ApiError) {
    let is_attempt = error.is_forbidden() && ask.method.parse().is_ok_and(Method::is_mutating);
    let (Some(operation_id), Asker::Live(live), true) = (operation_id, &visit.asker, is_attempt) else { return };
    let path = String::from_utf8_lossy(ask.target);
    let path: String = path.split('?').next().unwrap_or_default().chars().take(MAX_PATH).collect();
    let store = attempt_store(visit.app, live, visit.context.now);
    if let Err(failure) = store.record_refused(operation_id, "call", &path, &error.summary()).await {
        // the attempt is refused all the same: an audit that cannot be written must not open a door
        tracing::error!(error = %failure, operation.id = operation_id, "a refused attempt could not be recorded");
    }
}
