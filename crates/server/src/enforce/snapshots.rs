//! Compiled organizations, kept while their revision is current, and brought up to date by what changed.
//!
//! The look-up of a token reads its organization's revision in the same query, so a snapshot is never older than the
//! call that it decides: what was revoked is gone on the next call, on every node. What a change touched is read again,
//! not everything (`docs/decisions/0014-incremental-snapshots.md`).

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use countersign_decision::{Contracts, OrganizationFacts, Snapshot};
use countersign_domain::id::OrganizationId;
use countersign_store::{News, StoreError, SystemStore};
use tokio::sync::Mutex;

use crate::telemetry::counting::Counter;

/// Most organizations that are kept compiled; the least recently used go first.
const MAX_ORGANIZATIONS: u64 = 10_000;

/// A bounded cache of compiled organizations.
#[derive(Clone)]
pub struct Snapshots {
    kept: moka::sync::Cache<OrganizationId, Arc<Kept>>,
    loads: Arc<Loads>,
}

/// How organizations were brought up to date.
#[derive(Default)]
struct Loads {
    everything: Counter,
    changes: Counter,
}

/// What is kept of one organization.
#[derive(Default)]
struct Kept {
    compiled: ArcSwapOption<Compiled>,
    /// Held by the one call that loads; the others wait for what it finds.
    loading: Mutex<()>,
}

/// One organization, compiled at one revision against one set of contracts.
struct Compiled {
    revision: i64,
    contracts: Arc<Contracts>,
    snapshot: Arc<Snapshot>,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self { kept: moka::sync::Cache::new(MAX_ORGANIZATIONS), loads: Arc::default() }
    }
}

impl Snapshots {
    /// How many organizations are kept.
    pub fn count(&self) -> u64 {
        self.kept.run_pending_tasks();
        self.kept.entry_count()
    }

    /// How often organizations were brought up to date, by what was read.
    pub fn loads(&self) -> [(&'static str, u64); 2] {
        [("everything", self.loads.everything.count()), ("changes", self.loads.changes.count())]
    }

    /// The organization as it stands at `revision` or later; `None` when there is no such organization.
    pub async fn at_least(
        &self,
        revision: i64,
        organization: &OrganizationId,
        contracts: &Arc<Contracts>,
        store: &SystemStore<'_>,
    ) -> Result<Option<Arc<Snapshot>>, StoreError> {
        let kept = self.kept.get_with_by_ref(organization, Arc::default);
        if let Some(snapshot) = kept.at_least(revision, contracts) {
            return Ok(Some(snapshot));
        }
        let _turn = kept.loading.lock().await;
        // Who had the turn before may have found what is needed, or something older: perhaps it began before this
        // call's revision.
        if let Some(snapshot) = kept.at_least(revision, contracts) {
            return Ok(Some(snapshot));
        }
        let Some(compiled) = kept.load(organization, contracts, store, &self.loads).await? else { return Ok(None) };
        let snapshot = Arc::clone(&compiled.snapshot);
        kept.compiled.store(Some(Arc::new(compiled)));
        Ok(Some(snapshot))
    }
}

impl Kept {
    fn at_least(&self, revision: i64, contracts: &Arc<Contracts>) -> Option<Arc<Snapshot>> {
        let compiled = self.compiled_against(contracts)?;
        (compiled.revision >= revision).then(|| Arc::clone(&compiled.snapshot))
    }

    /// What is kept, unless it was compiled against other contracts.
    fn compiled_against(&self, contracts: &Arc<Contracts>) -> Option<Arc<Compiled>> {
        self.compiled.load_full().filter(|compiled| Arc::ptr_eq(&compiled.contracts, contracts))
    }

    /// The organization as it stands now, from what is kept and what changed since, or from everything.
    async fn load(
        &self,
        organization: &OrganizationId,
        contracts: &Arc<Contracts>,
        store: &SystemStore<'_>,
        loads: &Loads,
    ) -> Result<Option<Compiled>, StoreError> {
        let compile = |facts: &OrganizationFacts| {
            loads.everything.add();
            Snapshot::compile(contracts.catalogue(), facts)
        };
        let loaded = match self.compiled_against(contracts) {
            Some(before) => {
                let news = store.organization_news(organization, before.revision).await?;
                news.map(|(revision, news)| match news {
                    News::Changes(changes) => {
                        loads.changes.add();
                        (revision, before.snapshot.with(&changes))
                    }
                    News::Everything(facts) => (revision, compile(&facts)),
                })
            }
            None => store.organization_facts(organization).await?.map(|(revision, facts)| (revision, compile(&facts))),
        };
        let compiled = |(revision, snapshot)| Compiled {
            revision,
            contracts: Arc::clone(contracts),
            snapshot: Arc::new(snapshot),
        };
        Ok(loaded.map(compiled))
    }
}
