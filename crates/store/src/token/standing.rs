//! What a claim's organization, user and authorization are at the moment of the claim. Read in the claim's own transaction:
//! a claim that waited for a second connection could starve the pool.

use countersign_domain::authorization::ScopeGrant;
use countersign_domain::id::{ClientId, OrganizationId, UserId};
use countersign_domain::organization::Organization;
use countersign_domain::user::User;

use crate::StoreError;
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
    let user = match user {
        Some(user) => find_user(&mut **transaction, organization, user).await?,
        None => None,
    };
    Ok(ClaimStanding { organization: found.ok_or(StoreError::NotFound { what: "organization" })?, grant, user })
}
