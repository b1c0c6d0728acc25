//! Who may decide about apps: asked of the decision point, as if the person called our own API through the console.
//!
//! So a page can do nothing that the API would refuse: it acts with the permit that the decision gave, an organization that
//! takes away the console's authorization closes the approval page too, and no permission is named here.

use std::sync::Arc;

use countersign_decision::{Caller, ClientRef, Contracts, Decision, OwnedPermit, Snapshot, Subject, decide_operation};
use countersign_domain::client::ClientState;
use countersign_domain::id::{ClientId, UserId};
use countersign_domain::organization::Organization;
use countersign_store::SystemTask;
use countersign_store::client::CONSOLE_CLIENT;

use crate::contracts;
use crate::web::impact;
use crate::web::pages::{ApprovalImpact, Approvers};
use crate::web::trouble::PageError;
use crate::web::visit::Visit;

/// Authorize an app, or change what it may do.
pub const AUTHORIZE: &str = "putOauthAuthorization";
/// Refuse an app.
pub const DENY: &str = "postOauthAuthorizationDeny";

/// How many people are named where somebody looks for an approver.
const NAMED_APPROVERS: usize = 3;

/// What people may do through the console in one organization at this moment.
pub struct Console {
    contracts: Arc<Contracts>,
    snapshot: Arc<Snapshot>,
    client: ClientRef,
}

impl Console {
    /// Reads the organization as it stands.
    pub async fn of(visit: &Visit, organization: &Organization) -> Result<Self, PageError> {
        let contracts = visit.app.contracts();
        let store = visit.app.store.system(SystemTask::Enforcement, visit.context.now, visit.app.entropy.as_ref());
        let snapshots = &visit.app.snapshots;
        let snapshot = snapshots.at_least(organization.revision, &organization.id, &contracts, &store).await?;
        let snapshot = snapshot.ok_or(PageError::Internal("an organization has no facts"))?;
        let id = ClientId::parse(CONSOLE_CLIENT).map_err(|_| PageError::Internal("the console has no id"))?;
        let console = visit.store().client(&id).await?.ok_or(PageError::Internal("the console is not registered"))?;
        let client = ClientRef {
            id: console.id.to_string(),
            home_organization: console.organization.to_string(),
            active: console.state == ClientState::Active,
        };
        Ok(Self { contracts, snapshot, client })
    }

    /// The proof that `user` may do `operation`, if so.
    pub fn permit(&self, user: &UserId, operation: &str) -> Option<OwnedPermit> {
        let caller = self.caller(user.as_str());
        let authority = self.snapshot.authority(&caller);
        match decide_operation(contracts::platform(&self.contracts), &authority, operation) {
            Decision::Allow(permit) => permit.detach(),
            Decision::Deny(_) => None,
        }
    }

    /// Everybody who may authorize apps: a few by name, the others counted.
    pub async fn approvers(&self, visit: &Visit, organization: &Organization) -> Result<Approvers, PageError> {
        let mut ids: Vec<UserId> = self.snapshot.active_users().filter_map(|id| UserId::parse(&id).ok()).collect();
        ids.retain(|id| self.permit(id, AUTHORIZE).is_some());
        ids.sort();
        let mut names = Vec::new();
        for id in ids.iter().take(NAMED_APPROVERS) {
            names.extend(visit.org(&organization.id).user(id).await?.map(|user| user.name));
        }
        Ok(Approvers { others: ids.len() - names.len(), names })
    }

    /// What granting these scopes to an app would change for everybody here.
    pub fn impact_of_approval(&self, client: &ClientRef, scopes: Vec<String>, roles: Vec<String>) -> ApprovalImpact {
        impact::of_approval(&self.contracts, &self.snapshot, client, scopes, roles)
    }

    fn caller(&self, user: &str) -> Caller {
        let (client, subject) = (self.client.clone(), Subject::User(user.to_owned()));
        Caller { client, subject, ceiling: None, actors: Vec::new() }
    }
}
