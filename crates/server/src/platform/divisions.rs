//! Divisions: the parts of an organization's objects (`/api/v2/authorization/divisions`).

use std::collections::BTreeMap;

use axum::response::Response;

use super::call::ok;
use super::wire::division::AuthzDivision;
use super::wire::paging::EntityListing;
use crate::http::error::ApiError;
use crate::platform::Call;

/// `GET /api/v2/authorization/divisions`
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let page = call.page()?;
    let with_counts = call.query_flag("objectCount", false)?;
    let (ids, name) = (call.query_list("id"), call.query("name")?.map(str::to_lowercase));

    let mut divisions = call.org().divisions().await?;
    divisions.retain(|division| ids.is_empty() || ids.contains(&division.id.as_str()));
    divisions.retain(|division| name.as_ref().is_none_or(|name| division.name.to_lowercase().contains(name)));
    divisions.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let counts = if with_counts { Some(call.org().division_user_counts().await?) } else { None };

    let shown = divisions.iter().map(|division| {
        let mut shown = AuthzDivision::from(division);
        let users = |counts: &BTreeMap<_, i64>| counts.get(&division.id).copied().unwrap_or(0);
        shown.object_counts = counts.as_ref().map(|counts| BTreeMap::from([("USER", users(counts))]));
        shown
    });
    ok(EntityListing::cut(&call, page, shown.collect()))
}

/// `GET /api/v2/authorization/divisions/home`
pub(super) async fn home(call: Call) -> Result<Response, ApiError> {
    ok(AuthzDivision::from(&call.org().home_division().await?))
}
