//! Roles: what permissions people are given together (`/api/v2/authorization/roles`).

use axum::response::Response;
use countersign_decision::{Change, PermissionPolicy, RoleFacts};
use countersign_domain::id::RoleId;
use countersign_domain::role::Role;
use countersign_store::Page as Whole;
use countersign_store::role::{NewRole, RoleChange};

use super::call::{no_content, ok};
use super::fields::Fields;
use super::grantor::{Grantor, Held};
use super::last_holder;
use super::wire::paging::EntityListing;
use super::wire::role::{DomainOrganizationRole, PolicyRequest, RoleRequest};
use crate::http::error::ApiError;
use crate::platform::Call;

/// Most ids that one list may ask for.
const MAX_IDS: usize = 100;
/// Longest name, in characters.
const MAX_NAME: usize = 256;
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 4_000;
/// Most policies of one role.
const MAX_POLICIES: usize = 5_000;

/// `GET /api/v2/authorization/roles`
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let page = call.page()?;
    let with_counts = call.query_flag("userCount", true)?;
    if call.query_list("id").len() > MAX_IDS {
        return Err(ApiError::invalid("max.role.ids", format!("{MAX_IDS} ids can be asked for in one call at most")));
    }

    // an organization has tens of roles: all are read, and the filters that SQL cannot say are applied here
    let mut roles = call.org().roles(None, Whole::new(1, u32::MAX)).await?.items;
    let filter = RoleFilter::read(&call)?;
    roles.retain(|role| filter.admits(role));
    let counts = if with_counts { Some(call.org().role_user_counts().await?) } else { None };

    let shown = roles.iter().map(|role| {
        let mut shown = DomainOrganizationRole::new(role);
        shown.user_count = counts.as_ref().map(|counts| counts.get(&role.id).copied().unwrap_or(0));
        shown
    });
    ok(EntityListing::cut(&call, page, shown.collect()))
}

/// `POST /api/v2/authorization/roles`
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let request: RoleRequest = call.json()?;
    let (name, policies) = whole(&request)?;
    let new = NewRole { name, description: request.description.unwrap_or_default(), policies };

    let grantor = Grantor::read(&call).await?;
    // nobody holds a new role yet: that its maker holds it somewhere is enough, giving it is judged by itself
    must_hold_somewhere(&grantor.held, &new.policies)?;
    let made = grantor.store(&call).create_role(&new).await?;
    ok(with_count(&call, &made).await?)
}

/// `GET /api/v2/authorization/roles/{roleId}`
pub(super) async fn read(call: Call) -> Result<Response, ApiError> {
    let role = find(&call).await?;
    if call.query_flag("userCount", true)? {
        ok(with_count(&call, &role).await?)
    } else {
        ok(DomainOrganizationRole::new(&role))
    }
}

/// `PUT /api/v2/authorization/roles/{roleId}`
pub(super) async fn replace(call: Call) -> Result<Response, ApiError> {
    let request: RoleRequest = call.json()?;
    let (name, policies) = whole(&request)?;
    let description = request.description.clone().unwrap_or_default();
    let change = RoleChange { name: Some(name), description: Some(description), policies: Some(policies) };
    change_role(&call, &request, change).await
}

/// `PATCH /api/v2/authorization/roles/{roleId}`
pub(super) async fn edit(call: Call) -> Result<Response, ApiError> {
    let request: RoleRequest = call.json()?;
    let role = find(&call).await?;
    let mut fields = Fields::default();
    let name = request.name.as_deref().and_then(|name| fields.required_text("name", Some(name), MAX_NAME));
    fields.text("description", request.description.as_deref(), MAX_DESCRIPTION);
    let policies = patched(&mut fields, &role, &request);
    fields.finish()?;
    let change = RoleChange { name, description: request.description.clone(), policies };
    change_role(&call, &request, change).await
}

/// `DELETE /api/v2/authorization/roles/{roleId}`
pub(super) async fn delete(call: Call) -> Result<Response, ApiError> {
    let role = find(&call).await?;
    let grantor = Grantor::read(&call).await?;
    if call.org().limits_an_app(&role.id).await? {
        let why = "the organization limits the use of an app to holders of this role; change that authorization first";
        return Err(ApiError::conflict_as("role.in.use", why));
    }
    last_holder::must_remain(&call, Change::RoleGone(role.id.to_string()))?;
    grantor.store(&call).delete_role(&role.id).await?;
    no_content()
}

/// Which roles a list asks for; all of it must hold.
struct RoleFilter<'c> {
    name: Option<&'c str>,
    ids: Vec<&'c str>,
    permissions: Vec<PermissionPolicy>,
    is_impossible: bool,
}

impl<'c> RoleFilter<'c> {
    fn read(call: &'c Call) -> Result<Self, ApiError> {
        let permissions = call
            .query_list("permission")
            .into_iter()
            .map(|text| text.parse().map_err(|error| ApiError::invalid_field("permission", format!("{error}"))));
        Ok(Self {
            name: call.query("name")?,
            ids: call.query_list("id"),
            permissions: permissions.collect::<Result<_, _>>()?,
            // no role of ours was made from a built-in one
            is_impossible: !call.query_list("defaultRoleId").is_empty(),
        })
    }

    fn admits(&self, role: &Role) -> bool {
        let gives = |wanted: &PermissionPolicy| role.policies.iter().any(|held| held.covers(wanted));
        !self.is_impossible
            && self.name.is_none_or(|pattern| is_like(&role.name, pattern))
            && (self.ids.is_empty() || self.ids.contains(&role.id.as_str()))
            && self.permissions.iter().all(gives)
    }
}

/// Edits the role in the path, if its editor holds what it adds wherever the role is held.
async fn change_role(call: &Call, request: &RoleRequest, change: RoleChange) -> Result<Response, ApiError> {
    if request.id.as_deref().is_some_and(|id| id != call.path("roleId")) {
        return Err(ApiError::invalid_field("id", "is not the id in the path"));
    }
    let (grantor, role) = (Grantor::read(call).await?, find(call).await?);
    if let Some(policies) = &change.policies {
        must_hold_what_is_added(call, &grantor, &role, policies).await?;
        let (id, name) = (role.id.to_string(), role.name.clone());
        last_holder::must_remain(call, Change::Role(RoleFacts { id, name, policies: policies.clone() }))?;
    }
    let changed = grantor.store(call).update_role(&role.id, &change).await?;
    ok(with_count(call, &changed).await?)
}

/// What a role gains, its holders gain wherever they hold it, the editor perhaps among them (invariant 14).
async fn must_hold_what_is_added(
    call: &Call,
    grantor: &Grantor,
    role: &Role,
    policies: &[PermissionPolicy],
) -> Result<(), ApiError> {
    let is_there = |policy: &&PermissionPolicy| role.policies.iter().any(|held| held.covers(policy));
    let added: Vec<PermissionPolicy> = policies.iter().filter(|policy| !is_there(policy)).cloned().collect();
    must_hold_somewhere(&grantor.held, &added)?;
    for division in call.org().divisions_of_role(&role.id).await? {
        grantor.held.must_hold(&added, &division)?;
    }
    Ok(())
}

fn must_hold_somewhere(held: &Held, policies: &[PermissionPolicy]) -> Result<(), ApiError> {
    let lacking = held.lacking_anywhere(policies);
    if lacking.is_empty() { Ok(()) } else { Err(ApiError::gives_too_much(&lacking)) }
}

async fn find(call: &Call) -> Result<Role, ApiError> {
    let unknown = || ApiError::not_found("role");
    let id = RoleId::parse(call.path("roleId")).map_err(|_| unknown())?;
    call.org().role(&id).await?.ok_or_else(unknown)
}

async fn with_count(call: &Call, role: &Role) -> Result<DomainOrganizationRole, ApiError> {
    let counts = call.org().role_user_counts().await?;
    let mut shown = DomainOrganizationRole::new(role);
    shown.user_count = Some(counts.get(&role.id).copied().unwrap_or(0));
    Ok(shown)
}

/// A role stated whole: what is not sent is empty.
fn whole(request: &RoleRequest) -> Result<(String, Vec<PermissionPolicy>), ApiError> {
    let mut fields = Fields::default();
    let name = fields.required_text("name", request.name.as_deref(), MAX_NAME);
    fields.text("description", request.description.as_deref(), MAX_DESCRIPTION);
    let mut policies = flat(&mut fields, request.permissions.as_deref().unwrap_or_default());
    policies.extend(scoped(&mut fields, request.permission_policies.as_deref().unwrap_or_default()));
    if policies.len() > MAX_POLICIES {
        fields.refuse("permissionPolicies", format!("a role holds {MAX_POLICIES} permissions at most"));
    }
    fields.finish()?;
    Ok((name.ok_or_else(ApiError::internal)?, policies))
}

/// The policies after a change of parts: of `permissions` and `permissionPolicies`, what is not sent stays.
fn patched(fields: &mut Fields, role: &Role, request: &RoleRequest) -> Option<Vec<PermissionPolicy>> {
    if request.permissions.is_none() && request.permission_policies.is_none() {
        return None;
    }
    let is_flat = |policy: &&PermissionPolicy| matches!(policy, PermissionPolicy::Flat(_));
    let mut policies = match &request.permissions {
        Some(names) => flat(fields, names),
        None => role.policies.iter().filter(is_flat).cloned().collect(),
    };
    policies.extend(match &request.permission_policies {
        Some(given) => scoped(fields, given),
        None => role.policies.iter().filter(|policy| !is_flat(policy)).cloned().collect(),
    });
    Some(policies)
}

/// Permissions without domain, such as `admin`.
fn flat(fields: &mut Fields, names: &[String]) -> Vec<PermissionPolicy> {
    let mut policies = Vec::with_capacity(names.len());
    for (position, name) in names.iter().enumerate() {
        match name.parse::<PermissionPolicy>() {
            Ok(policy) if policies.contains(&policy) => {}
            Ok(policy) => policies.push(policy),
            Err(error) => fields.refuse(format!("permissions[{position}]"), error.to_string()),
        }
    }
    policies
}

/// One policy for each action of each entity.
fn scoped(fields: &mut Fields, given: &[PolicyRequest]) -> Vec<PermissionPolicy> {
    let mut policies = Vec::new();
    for (position, policy) in given.iter().enumerate() {
        let at = |name: &str| format!("permissionPolicies[{position}].{name}");
        if policy.named_resources.is_some() {
            fields.refuse(at("namedResources"), "permissions cannot be limited to named resources");
        }
        if policy.resource_condition_node.is_some() {
            fields.refuse(
                at("resourceConditionNode"),
                "conditions are not supported, and without it the role would allow more",
            );
        }
        let (domain, entity) = (policy.domain.as_deref(), policy.entity_name.as_deref());
        let actions = policy.action_set.as_deref().unwrap_or_default();
        let (Some(domain), Some(entity), false) = (domain, entity, actions.is_empty()) else {
            fields
                .refuse(format!("permissionPolicies[{position}]"), "must have `domain`, `entityName` and `actionSet`");
            continue;
        };
        for action in actions {
            match format!("{domain}:{entity}:{action}").parse::<PermissionPolicy>() {
                Ok(policy) if policies.contains(&policy) => {}
                Ok(policy) => policies.push(policy),
                Err(error) => fields.refuse(at("actionSet"), error.to_string()),
            }
        }
    }
    policies
}

/// Whether `name` is `pattern`, in which `*` stands for any characters at either end; without regard to letter case.
fn is_like(name: &str, pattern: &str) -> bool {
    let (name, pattern) = (name.to_lowercase(), pattern.to_lowercase());
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(_), Some(_)) => name.contains(pattern.trim_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(beginning)) => name.starts_with(beginning),
        (None, None) => name == pattern,
    }
}
