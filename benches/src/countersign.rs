//! Countersign itself: one snapshot for each organization, and the two calls that a server makes for each request.

use std::hint::black_box;
use std::sync::Arc;

use countersign_decision::{Contracts, Decision, Snapshot, decide};

use crate::answer::Answer;
use crate::catalog;
use crate::requests::Requests;
use crate::world::World;

/// A contract and the snapshots of all organizations.
#[derive(Debug)]
pub(crate) struct Countersign<'c> {
    contract: &'c countersign_decision::Contract,
    snapshots: Vec<Arc<Snapshot>>,
}

impl<'c> Countersign<'c> {
    pub(crate) fn new(contracts: &'c Contracts, world: &World) -> Self {
        let compile = |organization| Arc::new(Snapshot::compile(contracts.catalogue(), &world.facts(organization)));
        Self {
            contract: catalog::measured(contracts),
            snapshots: (0..world.organizations.len()).map(compile).collect(),
        }
    }

    /// From the handle of the organization over the caller's authority to the decision: all of this is timed.
    #[inline]
    pub(crate) fn decide<'a>(&'a self, requests: &'a Requests, index: usize) -> Decision<'a> {
        let request = &requests.all[index];
        let snapshot = &self.snapshots[request.organization as usize];
        let authority = snapshot.authority(&requests.callers[index]);
        decide(self.contract, &authority, request.method.as_str(), requests.target(index).as_bytes())
    }

    #[inline]
    pub(crate) fn answer(&self, requests: &Requests, index: usize) -> Answer {
        Answer::from(&self.decide(requests, index))
    }

    /// As [`Self::answer`], and a denial says everything that is missing.
    #[inline]
    pub(crate) fn answer_in_full(&self, requests: &Requests, index: usize) -> Answer {
        let decision = self.decide(requests, index);
        if let Some(denial) = decision.denial() {
            let missing = denial.missing();
            black_box(&missing);
        }
        Answer::from(&decision)
    }
}
