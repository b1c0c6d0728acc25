//! Compiled organizations, kept while their revision is current.
//!
//! The look-up of a token reads its organization's revision in the same query, so a snapshot is never older than the
//! call that it decides: what was revoked is gone on the next call, on every node.

use std::sync::Arc;

use countersign_decision::{Contracts, Snapshot};
use countersign_domain::id::OrganizationId;
use countersign_store::{StoreError, SystemStore};

/// Most organizations that are kept compiled; the least recently used go first.
const MAX_ORGANIZATIONS: u64 = 10_000;

/// A bounded cache of compiled organizations.
#[derive(Clone)]
pub struct Snapshots(moka::sync::Cache<OrganizationId, Arc<Compiled>>);

/// One organization, compiled at one revision against one set of contracts.
struct Compiled {
    revision: i64,
    contracts: Arc<Contracts>,
    snapshot: Arc<Snapshot>,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self(moka::sync::Cache::new(MAX_ORGANIZATIONS))
    }
}

impl Snapshots {
    /// The organization as it stands at `revision` or later; `None` when there is no such organization.
    pub async fn at_least(
        &self,
        revision: i64,
        organization: &OrganizationId,
        contracts: &Arc<Contracts>,
        store: &SystemStore<'_>,
    ) -> Result<Option<Arc<Snapshot>>, StoreError> {
        if let Some(compiled) = self.0.get(organization)
            && compiled.revision >= revision
            && Arc::ptr_eq(&compiled.contracts, contracts)
        {
            return Ok(Some(Arc::clone(&compiled.snapshot)));
        }
        let Some((revision, facts)) = store.organization_facts(organization).await? else { return Ok(None) };
        let snapshot = Arc::new(Snapshot::compile(contracts.catalogue(), &facts));
        let compiled = Compiled { revision, contracts: Arc::clone(contracts), snapshot: Arc::clone(&snapshot) };
        self.0.insert(organization.clone(), Arc::new(compiled));
        Ok(Some(snapshot))
    }
}
