//! What a claim's organization, user and authorization are at the moment of the claim. Read in the claim's own transaction:
//! a claim that waited for a second connection could starve the pool.

use countersign_domain::authorization::ScopeGrant;
use countersign_domain::id::{ClientId, OrganizationId, RoleId, UserId};
use countersign_domain::organization::Organization;
use countersign_domain::role::Assignee;
use countersign_domain::user::User;

use crate::StoreError;
use crate::assignment::find_assignments;
use crate::authorization::find_authorization;
use crate::db::Transaction;
use crate::organization::find_organization;
use crate::user::find_user;

/// Who and what a token would act for and under, at the moment of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimStanding {
    /// The organization that the tokens act in.
    pub organization: Organization,
    /// What it decided about the client; `None` where it has not.
    pub grant: Option<ScopeGrant>,
    /// The roles of whom the tokens act for; read only where the organization limits the app to holders of some.
    pub roles: Vec<RoleId>,
    /// The user; `None` for an unknown one, or where nobody but the client acts.
    pub user: Option<User>,
}

pub(crate) async fn read_standing(
    transaction: &mut Transaction,
    organization: &OrganizationId,
    client: &ClientId,
    user: Option<&UserId>,
) -> Result<ClaimStanding, StoreError> {
    let found = find_organization(&mut **transaction, organization).await?;
    let grant = find_authorization(&mut **transaction, organization, client).await?.map(|(grant, _)| grant);
    let is_limited = grant.as_ref().is_some_and(|grant| !grant.roles.is_empty());
    let assignee = user.map_or_else(|| Assignee::Client(client.clone()), |user| Assignee::User(user.clone()));
    let assignments = match is_limited {
        true => find_assignments(&mut **transaction, organization, &assignee).await?,
        false => Vec::new(),
    };
    let roles = assignments.into_iter().map(|assignment| assignment.role).collect();
    let user = match user {
        Some(user) => find_user(&mut **transaction, organization, user).await?,
        None => None,
    };
    Ok(ClaimStanding { organization: found.ok_or(StoreError::NotFound { what: "organization" })?, grant, roles, user })
}
