//! The permission catalogue: everything that a loaded contract names (`/api/v2/authorization/permissions`).

use std::collections::BTreeMap;

use axum::response::Response;
use countersign_decision::Permission;

use super::call::ok;
use super::wire::paging::EntityListing;
use super::wire::permission::{DomainPermission, DomainPermissionCollection};
use crate::contracts;
use crate::http::error::ApiError;
use crate::platform::Call;

/// The domain that flat permissions such as `admin` are listed under, as their labels say: *General > Admin*.
const FLAT_DOMAIN: &str = "general";

/// `GET /api/v2/authorization/permissions`
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let page = call.page()?;
    let wanted = Wanted::read(&call)?;
    let mut domains: BTreeMap<String, DomainPermissionCollection> = BTreeMap::new();
    for entry in call.contracts.catalogue().permissions() {
        let shown = shown(&entry.permission);
        if wanted.admits(&entry.permission, &shown.domain) {
            let domain = domains.entry(shown.domain.clone());
            domain.or_insert_with(|| DomainPermissionCollection::new(&shown.domain)).add(shown);
        }
    }
    ok(EntityListing::cut(&call, page, domains.into_values().collect()))
}

/// Which permissions a list asks for.
enum Wanted<'c> {
    All,
    Domains(Vec<&'c str>),
    Permissions(Vec<&'c str>),
}

impl<'c> Wanted<'c> {
    fn read(call: &'c Call) -> Result<Self, ApiError> {
        let query = call.query_list("query");
        match call.query("queryType")? {
            None if query.is_empty() => Ok(Self::All),
            None => Err(ApiError::invalid_field("queryType", "must be given where `query` is")),
            Some("domain" | "permission") if query.is_empty() => Ok(Self::All),
            Some("domain") => Ok(Self::Domains(query)),
            Some("permission") => Ok(Self::Permissions(query)),
            Some(other) => Err(ApiError::invalid_query("queryType", other, &["domain", "permission"])),
        }
    }

    fn admits(&self, permission: &Permission, domain: &str) -> bool {
        match self {
            Self::All => true,
            Self::Domains(domains) => domains.contains(&domain),
            Self::Permissions(permissions) => permissions.contains(&permission.as_str()),
        }
    }
}

fn shown(permission: &Permission) -> DomainPermission {
    let (domain, entity, action) = permission.parts().unwrap_or((FLAT_DOMAIN, FLAT_DOMAIN, permission.as_str()));
    DomainPermission {
        domain: domain.to_owned(),
        entity_type: entity.to_owned(),
        action: action.to_owned(),
        label: contracts::permission_label(permission),
        allows_conditions: false,
        division_aware: contracts::is_division_aware(permission.as_str()),
    }
}
