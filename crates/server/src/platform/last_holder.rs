//! The last person who can authorize apps is not removed, demoted or locked out through the API (invariant 18).
//!
//! Who can is asked of the engine, as for a call that this person makes from the console. The console's own authorization
//! counts as given: an organization may revoke its console, and then needs another app, not other people.

use countersign_decision::{
    AuthorizationFacts, AuthorizationState, Caller, Change, ClientRef, Contracts, Snapshot, Subject, decide_operation,
};
use countersign_store::client::CONSOLE_CLIENT;
use countersign_store::organization::PLATFORM_ORGANIZATION;

use crate::contracts;
use crate::http::error::ApiError;
use crate::platform::Call;

/// The operation by which apps are authorized.
const AUTHORIZE: &str = "putOauthAuthorization";

/// Refuses a change after which nobody could authorize apps any more, though somebody can before it.
pub(super) fn must_remain(call: &Call, change: Change) -> Result<(), ApiError> {
    let before = call.snapshot().with(&[console_may_everything(&call.contracts)]);
    let after = before.with(&[change]);
    if somebody_can_authorize(&call.contracts, &after) || !somebody_can_authorize(&call.contracts, &before) {
        return Ok(());
    }
    Err(ApiError::conflict_as(
        "last.administrator",
        "nobody in the organization could authorize apps any more; give somebody else a role that can, first",
    ))
}

fn console_may_everything(contracts: &Contracts) -> Change {
    let scopes = contracts.catalogue().scopes().iter().map(|entry| entry.scope.to_string());
    Change::Authorization(AuthorizationFacts {
        client: CONSOLE_CLIENT.to_owned(),
        state: AuthorizationState::Authorized,
        scopes: scopes.collect(),
        roles: vec![],
    })
}

fn somebody_can_authorize(contracts: &Contracts, snapshot: &Snapshot) -> bool {
    snapshot.active_users().any(|user| {
        let caller = from_console(&user);
        let authority = snapshot.authority(&caller);
        decide_operation(contracts::platform(contracts), &authority, AUTHORIZE).is_allowed()
    })
}

fn from_console(user: &str) -> Caller {
    Caller {
        client: ClientRef {
            id: CONSOLE_CLIENT.to_owned(),
            home_organization: PLATFORM_ORGANIZATION.to_owned(),
            active: true,
        },
        subject: Subject::User(user.to_owned()),
        ceiling: None,
        actors: vec![],
    }
}
