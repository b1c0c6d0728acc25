//! The calls that an upstream has at a time, and who has how many of them: whoever is slow to send or to read holds a place for
//! long, and must not hold them all.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_domain::id::OrganizationId;

/// So many times as many places as are free may be of one organization: one that takes what it can leaves an eighth to others.
const SHARE: usize = 7;

/// Places among the calls of one upstream.
#[derive(Default)]
pub(super) struct Shares(Arc<Mutex<Taken>>);

/// What is taken, by whom; nobody for public operations without a token. As many entries at most as there are places.
#[derive(Default)]
struct Taken {
    of_all: usize,
    of_each: HashMap<Option<OrganizationId>, usize>,
}

/// One place; given back when it is dropped.
pub(super) struct Share {
    shares: Arc<Mutex<Taken>>,
    organization: Option<OrganizationId>,
}

impl Shares {
    /// A place for one more call, of `most` at a time.
    pub(super) fn take(&self, organization: Option<&OrganizationId>, most: NonZeroUsize) -> Option<Share> {
        let organization = organization.cloned();
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = most.get().saturating_sub(taken.of_all);
        let own = taken.of_each.get(&organization).copied().unwrap_or_default();
        if own >= free.saturating_mul(SHARE) {
            return None;
        }
        taken.of_all += 1;
        taken.of_each.insert(organization.clone(), own + 1);
        Some(Share { shares: Arc::clone(&self.0), organization })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        taken.of_all -= 1;
        if let Some(own) = taken.of_each.get_mut(&self.organization) {
            *own -= 1;
            if *own == 0 {
                taken.of_each.remove(&self.organization);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tenant_that_takes_what_it_can_leaves_places_to_others() {
        let (shares, most) = (Shares::default(), NonZeroUsize::new(80).unwrap());
        let organization = |name: &str| Some(OrganizationId::parse(name).unwrap());
        let all_of =
            |of: &Option<OrganizationId>| -> Vec<_> { std::iter::from_fn(|| shares.take(of.as_ref(), most)).collect() };
        let greedy = all_of(&organization("acme"));
        assert_eq!(greedy.len(), 70);
        let other = all_of(&organization("globex"));
        assert_eq!(other.len(), 9, "and leaves some, too");
        assert!(shares.take(None, most).is_some());
        drop((greedy, other));
        assert_eq!(shares.0.lock().unwrap().of_all, 0);
        assert!(shares.0.lock().unwrap().of_each.is_empty(), "who has none is forgotten");
    }

    #[test]
    fn a_few_places_are_there_for_whoever_comes() {
        let (shares, most) = (Shares::default(), NonZeroUsize::new(3).unwrap());
        let taken: Vec<_> = std::iter::from_fn(|| shares.take(None, most)).collect();
        assert_eq!(taken.len(), 3);
    }
}
