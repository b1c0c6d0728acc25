//! What an app called, for whoever decides about it: from the counts that the platform API answers with, too.

use std::cmp::Reverse;

use countersign_decision::AuthorizationState;
use countersign_domain::time::Timestamp;
use countersign_domain::usage::{Interval, OperationUse, UsageReport};

use crate::oauth::front_channel::Here;
use crate::platform::usage::report;
use crate::web::pages::{Used, UsedOperation};
use crate::web::trouble::PageError;

/// How far the page looks back.
const DAYS: u16 = 90;
/// Most operations that it shows.
const MOST: usize = 50;

/// What the app of this page called; nothing where nothing is counted.
///
/// # Errors
/// When the store cannot be asked.
pub async fn used(here: &Here<'_>) -> Result<Option<Used>, PageError> {
    let Here { visit, asked, facts, .. } = here;
    if !visit.app.usage.is_enabled() {
        return Ok(None);
    }
    visit.app.usage.flush().await;
    let Interval { from, to } = Interval::last(DAYS, visit.context.now);
    let counts = visit.org(&facts.organization.id).usage(&asked.client.id, from, to).await?;
    let granted = facts.grant.as_ref().filter(|grant| grant.state == AuthorizationState::Authorized);
    let granted = granted.map(|grant| grant.scopes.clone()).unwrap_or_default();
    Ok(Some(shown(report(&visit.app.contracts(), counts, granted).await)))
}

fn shown(report: UsageReport) -> Used {
    let UsageReport { mut operations, last, scopes, .. } = report;
    operations.sort_by_key(|one| Reverse(one.calls()));
    let sum = |of: fn(&OperationUse) -> u64| operations.iter().map(of).sum();
    let unneeded = scopes.unneeded.into_iter().filter(|scope| !scopes.unused.contains(scope));
    Used {
        days: DAYS,
        allowed: sum(|one| one.allowed),
        would_be_denied: sum(|one| one.would_be_denied),
        denied: sum(|one| one.calls() - one.allowed) + report.too_many,
        last: last.map(Timestamp::day),
        more: operations.len().saturating_sub(MOST),
        unneeded: unneeded.collect(),
        operations: operations.into_iter().take(MOST).map(operation).collect(),
        unused: scopes.unused,
    }
}

fn operation(used: OperationUse) -> UsedOperation {
    UsedOperation {
        denied: used.calls() - used.allowed,
        name: used.route.map(|(method, path)| format!("{method} {path}")).or(used.id),
        allowed: used.allowed,
        would_be_denied: used.would_be_denied,
        last: used.last.day(),
    }
}
