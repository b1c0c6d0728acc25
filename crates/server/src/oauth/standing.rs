//! What an organization says about an app and whom it acts for, as the store read it: for the pure rules of
//! `domain::oauth`.

use countersign_domain::oauth::introspection::KnownToken;
use countersign_domain::oauth::next_step::{app_standing, own_standing, within_role_limit};
use countersign_domain::oauth::scopes::Standing;
use countersign_domain::oauth::token::{TokenFamily, TokenSubject};
use countersign_domain::user::UserState;
use countersign_store::token::ClaimStanding;
use countersign_store::{StoreError, SystemStore};

/// The standing of `token`: of its own client, and of every client that it came through (RFC 8693 §4.1).
pub async fn standing_of(store: &SystemStore<'_>, token: &KnownToken) -> Result<Standing, StoreError> {
    let mut all = standing(&store.standing_of(&token.family).await?, &token.family.subject);
    for link in &token.links {
        let (client, subject) = (link.client.clone(), link.subject.clone());
        let through = TokenFamily { client, subject, ..token.family.clone() };
        let theirs = standing(&store.standing_of(&through).await?, &through.subject);
        all = all.through(&theirs, link.ceiling.as_deref());
    }
    Ok(all)
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
