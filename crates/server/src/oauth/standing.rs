//! What an organization says about an app and whom it acts for, as the store read it: for the pure rules of
//! `domain::oauth`.

use std::sync::Arc;

use countersign_domain::id::{ClientId, OrganizationId};
use countersign_domain::oauth::introspection::KnownToken;
use countersign_domain::oauth::next_step::{app_standing, own_standing, within_role_limit};
use countersign_domain::oauth::scopes::Standing;
use countersign_domain::oauth::token::{TokenFamily, TokenSubject};
use countersign_domain::user::UserState;
use countersign_store::token::ClaimStanding;
use countersign_store::{StoreError, SystemStore};

use crate::oauth::back_channel::BackChannel;

/// The standing of `token`: of its own client, and of every client that it came through (RFC 8693 §4.1).
pub async fn standing_of(store: &SystemStore<'_>, token: &KnownToken) -> Result<Standing, StoreError> {
    let TokenFamily { organization, client, subject, .. } = &token.family;
    let mut all = standing(&store.standing_of(organization, client, subject).await?, subject);
    for link in &token.links {
        let theirs = store.standing_of(organization, &link.client, &link.subject).await?;
        let theirs = standing(&theirs, &link.subject);
        all = all.through(&theirs, link.ceiling.as_deref());
    }
    Ok(all)
}

/// Of an app in an organization, whom tokens act for there.
pub type Whom<'a> = (&'a OrganizationId, &'a ClientId, &'a TokenSubject);

/// What this node remembers of an organization, an app and whom it acts for, or what the database says now; and the number
/// that authority had at the latest when it was read.
pub async fn read_standing(
    channel: &BackChannel,
    (organization, client, subject): Whom<'_>,
) -> Result<(Arc<ClaimStanding>, i64), StoreError> {
    let app = &channel.app;
    // known before anything is read: what changes meanwhile makes this too old to be used again
    let number = app.store.authority_number();
    if let Some(known) = app.remembered.standing((organization, client, subject), &app.store) {
        return Ok((known, number));
    }
    let read = Arc::new(channel.store().standing_of(organization, client, subject).await?);
    app.remembered.keep_standing(number, (organization, client, subject), Arc::clone(&read));
    Ok((read, number))
}

/// The standing of tokens that act for `subject`.
pub fn standing(read: &ClaimStanding, subject: &TokenSubject) -> Standing {
    let ClaimStanding { organization, grant, roles, user } = read;
    let is_organization_active = organization.is_active;
    match subject {
        TokenSubject::User(_) => Standing {
            is_organization_active,
            is_subject_active: user.as_ref().is_some_and(|user| user.state == UserState::Active),
            app: within_role_limit(app_standing(organization, grant.as_ref()), grant.as_ref(), roles),
        },
        // The client itself is checked where it proves who it is.
        TokenSubject::Client => Standing {
            is_organization_active,
            is_subject_active: true,
            app: within_role_limit(own_standing(organization, grant.as_ref()), grant.as_ref(), roles),
        },
    }
}
