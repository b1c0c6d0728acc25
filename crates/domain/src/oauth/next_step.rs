//! What an authorization request needs next: somebody to sign in, an administrator's approval, the user's consent, or
//! nothing more. One pipeline, pure: the pages and the endpoint only carry out what it says.

use countersign_decision::{AuthorizationState, Enforcement, Scope};

use crate::authorization::{ConsentMode, ScopeGrant};
use crate::client::Client;
use crate::consent::Consent;
use crate::id::RoleId;
use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::error::ErrorCode;
use crate::oauth::openid::identity::asked_of_the_person;
use crate::oauth::openid::protocol_scope::ProtocolScope;
use crate::oauth::scopes::AppStanding;
use crate::organization::Organization;

/// What is known about the signed-in user and the organization, all from one moment.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The organization that the user is signed in to.
    pub organization: &'a Organization,
    /// What it decided about the app.
    pub grant: Option<&'a ScopeGrant>,
    /// What the user accepted before.
    pub consent: Option<&'a Consent>,
    /// The user's roles: the organization may limit an app to holders of some.
    pub user_roles: &'a [RoleId],
    /// Whether the decision point allows this user to decide about apps.
    pub can_approve: bool,
    /// Whether the redirect URI leads back to this server: then it is our own console.
    pub is_own_origin: bool,
    /// Whether the user signed in for this request, on a page that named the app and where it answers.
    pub has_just_signed_in: bool,
    /// What the user accepted on the page just now.
    pub accepted: Option<&'a [Scope]>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing more: a code whose tokens have this ceiling.
    Issue {
        /// The most that the tokens may ask for; `None`: they follow the authorization.
        ceiling: Option<Vec<Scope>>,
    },
    /// The user is asked.
    Consent {
        /// What is shown: exactly this is accepted.
        scopes: Vec<Scope>,
    },
    /// The user may decide for the organization: the approval page.
    Approval {
        /// What the app asks for.
        scopes: Vec<Scope>,
    },
    /// Somebody else must decide: the request page.
    Request {
        /// What the app asks for.
        scopes: Vec<Scope>,
    },
    /// Nobody here gets further.
    Refused(Refusal),
    /// Back to the client with an error: nothing may be shown.
    Answer(ErrorCode, &'static str),
}

/// Why nobody here gets further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// An administrator denied the app.
    Denied,
    /// An administrator took the authorization back.
    Revoked,
    /// The organization limits the app to roles that the user does not hold.
    RoleMissing,
}

/// What is asked of the person and the organization, by whatever way it came.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Of operations; `None`: whatever the organization authorizes.
    pub scopes: Option<&'a [Scope]>,
    /// About the person.
    pub personal: Vec<ProtocolScope>,
    /// Whether the person is to be asked even where they accepted before (`prompt=consent`).
    pub asks_again: bool,
    /// Whether the answer goes where any program could take it, and nothing yet has shown that the person means this app.
    pub is_unproven: bool,
}

/// What `request` of `client` needs next.
pub fn next_step(request: &AuthorizationRequest, client: &Client, now: Situation<'_>) -> Step {
    let wanted = Wanted {
        scopes: request.scopes.as_deref(),
        personal: asked_of_the_person(request),
        asks_again: request.prompt.consent,
        is_unproven: is_unproven(request, client, now),
    };
    let step = step_of(&wanted, client, now);
    if request.prompt.none { without_asking(step) } else { step }
}

/// What anything that is `wanted` by `client` needs next, without regard to the way that it came.
pub fn step_of(wanted: &Wanted<'_>, client: &Client, now: Situation<'_>) -> Step {
    approval(wanted.scopes, client, now)
        .or_else(|| role_limit(now))
        .or_else(|| consent(wanted, client, now))
        .unwrap_or_else(|| Step::Issue { ceiling: ceiling(wanted, client, now) })
}

/// Whether the organization must still decide about `client` before it can use the scopes `asked` for (`None`: those it
/// is registered with).
///
/// Model page: in `enforce` the code flow answers a registered but unauthorized scope with the approval page for who may
/// approve, and the request page for others. Elsewhere only an app that was refused is turned away.
pub fn approval(asked: Option<&[Scope]>, client: &Client, now: Situation<'_>) -> Option<Step> {
    let is_enough = match app_standing(now.organization, now.grant) {
        AppStanding::Unbounded => true,
        AppStanding::Authorized(authorized) => asked.iter().copied().flatten().all(|scope| authorized.contains(scope)),
        // Who asks for nothing but who the person is needs the person only.
        AppStanding::NotAuthorized => asked.is_some_and(<[Scope]>::is_empty),
        AppStanding::Refused => false,
    };
    let is_enforced = now.organization.enforcement == Enforcement::Enforce;
    let scopes = || asked.unwrap_or(&client.scopes).to_vec();
    match (is_enough, now.can_approve && is_enforced, now.grant.map(|grant| grant.state)) {
        (true, ..) => None,
        (false, true, _) => Some(Step::Approval { scopes: scopes() }),
        (false, false, Some(AuthorizationState::Denied)) => Some(Step::Refused(Refusal::Denied)),
        (false, false, Some(AuthorizationState::Revoked)) => Some(Step::Refused(Refusal::Revoked)),
        (false, false, _) => Some(Step::Request { scopes: scopes() }),
    }
}

/// What `grant` means for tokens of an app that acts for users in `organization`.
pub fn app_standing(organization: &Organization, grant: Option<&ScopeGrant>) -> AppStanding {
    match (grant.map(|grant| grant.state), grant, organization.enforcement) {
        (Some(AuthorizationState::Denied | AuthorizationState::Revoked), ..) => AppStanding::Refused,
        (_, _, Enforcement::Off | Enforcement::Report) => AppStanding::Unbounded,
        (Some(AuthorizationState::Authorized), Some(grant), _) => AppStanding::Authorized(grant.scopes.clone()),
        _ => AppStanding::NotAuthorized,
    }
}

/// The same for tokens of an app that acts for itself in its own organization.
///
/// Model page: beyond Genesys the authorization bounds these tokens too; an organization can turn that off.
pub fn own_standing(organization: &Organization, grant: Option<&ScopeGrant>) -> AppStanding {
    match app_standing(organization, grant) {
        AppStanding::Authorized(_) | AppStanding::NotAuthorized if !organization.bounds_client_credentials => {
            AppStanding::Unbounded
        }
        app => app,
    }
}

/// The same for somebody who holds `roles`: an app that is limited to holders of others may do nothing for them.
pub fn within_role_limit(app: AppStanding, grant: Option<&ScopeGrant>, roles: &[RoleId]) -> AppStanding {
    match app {
        AppStanding::Authorized(_) if !is_within_limit(grant, roles) => AppStanding::NotAuthorized,
        app => app,
    }
}

fn is_within_limit(grant: Option<&ScopeGrant>, roles: &[RoleId]) -> bool {
    let limit = grant.map(|grant| grant.roles.as_slice()).unwrap_or_default();
    limit.is_empty() || limit.iter().any(|role| roles.contains(role))
}

/// An app that is limited to holders of roles would be refused with every call of anybody else.
fn role_limit(now: Situation<'_>) -> Option<Step> {
    let is_enforced = now.organization.enforcement == Enforcement::Enforce;
    (is_enforced && !is_within_limit(now.grant, now.user_roles)).then_some(Step::Refused(Refusal::RoleMissing))
}

/// Who has to be asked, once the organization agrees.
fn consent(wanted: &Wanted<'_>, client: &Client, now: Situation<'_>) -> Option<Step> {
    let mut shown: Vec<Scope> = wanted.personal.iter().map(|scope| scope.to_scope()).collect();
    shown.extend(shown_scopes(wanted, client, now));
    if now.accepted.is_some_and(|accepted| accepted == shown) {
        return None;
    }
    let covers = now.consent.is_some_and(|consent| shown.iter().all(|scope| consent.scopes.contains(scope)));
    let is_asked = wanted.asks_again
        // Model page: where users consent too, what they accepted must cover what is asked.
        || (asks_users(now.grant) && !covers)
        // A session alone never answers an app that cannot prove itself: there is some interaction each time (A47).
        || (wanted.is_unproven && !now.has_just_signed_in)
        // No administrator of this organization has vouched for an app of another one.
        || (is_unvouched(client, now) && !covers)
        // Who somebody is is theirs to tell, unless an administrator vouched for the app.
        || (!wanted.personal.is_empty() && !is_vouched(now) && !covers);
    is_asked.then_some(Step::Consent { scopes: shown })
}

/// RFC 8252 §8.6: whoever listens on a loopback port or owns a scheme can claim to be this app.
fn is_unproven(request: &AuthorizationRequest, client: &Client, now: Situation<'_>) -> bool {
    !client.is_confidential && !request.redirect_uri.is_claimed_https() && !now.is_own_origin
}

fn is_unvouched(client: &Client, now: Situation<'_>) -> bool {
    let is_authorized = now.grant.is_some_and(|grant| grant.state == AuthorizationState::Authorized);
    client.organization != now.organization.id && !is_authorized
}

/// Whether an administrator authorized the app for everybody, without asking each person.
fn is_vouched(now: Situation<'_>) -> bool {
    let is_authorized = now.grant.is_some_and(|grant| grant.state == AuthorizationState::Authorized);
    is_authorized && !asks_users(now.grant)
}

fn asks_users(grant: Option<&ScopeGrant>) -> bool {
    grant.is_some_and(|grant| grant.consent == ConsentMode::User)
}

/// What the token could use: only authorized scopes are shown to a user, never others as a choice (A18).
pub fn shown_scopes(wanted: &Wanted<'_>, client: &Client, now: Situation<'_>) -> Vec<Scope> {
    match (wanted.scopes, app_standing(now.organization, now.grant)) {
        (Some(scopes), _) => scopes.to_vec(),
        (None, AppStanding::Authorized(scopes)) => scopes,
        (None, _) => client.scopes.clone(),
    }
}

/// Model page: asked for with `scope`, a token never exceeds it; where users consent too, what they saw is the ceiling.
fn ceiling(wanted: &Wanted<'_>, client: &Client, now: Situation<'_>) -> Option<Vec<Scope>> {
    if asks_users(now.grant) { Some(shown_scopes(wanted, client, now)) } else { wanted.scopes.map(<[Scope]>::to_vec) }
}

/// OpenID Connect Core §3.1.2.6: `prompt=none` turns every page into an error.
fn without_asking(step: Step) -> Step {
    match step {
        Step::Consent { .. } => Step::Answer(ErrorCode::ConsentRequired, "the user has to consent"),
        Step::Approval { .. } | Step::Request { .. } => {
            Step::Answer(ErrorCode::InteractionRequired, "the organization has not authorized this app for the user")
        }
        Step::Refused(_) => {
            Step::Answer(ErrorCode::AccessDenied, "the organization does not allow this app for the user")
        }
        step => step,
    }
}

#[cfg(test)]
mod tests;
