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

/// What `request` of `client` needs next.
pub fn next_step(request: &AuthorizationRequest, client: &Client, now: Situation<'_>) -> Step {
    let step = approval(request.scopes.as_deref(), client, now)
        .or_else(|| role_limit(now))
        .or_else(|| consent(request, client, now))
        .unwrap_or_else(|| Step::Issue { ceiling: ceiling(request, client, now) });
    if request.prompt.none { without_asking(step) } else { step }
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

/// What the app asks for: the request's scopes, or what it was registered with.
pub fn asked_for<'a>(request: &'a AuthorizationRequest, client: &'a Client) -> &'a [Scope] {
    request.scopes.as_deref().unwrap_or(&client.scopes)
}

/// An app that is limited to holders of roles would be refused with every call of anybody else.
fn role_limit(now: Situation<'_>) -> Option<Step> {
    let is_enforced = now.organization.enforcement == Enforcement::Enforce;
    let limit = now.grant.map(|grant| grant.roles.as_slice()).unwrap_or_default();
    let is_held = limit.is_empty() || limit.iter().any(|role| now.user_roles.contains(role));
    (is_enforced && !is_held).then_some(Step::Refused(Refusal::RoleMissing))
}

/// Who has to be asked, once the organization agrees.
fn consent(request: &AuthorizationRequest, client: &Client, now: Situation<'_>) -> Option<Step> {
    let personal = asked_of_the_person(request);
    let mut shown: Vec<Scope> = personal.iter().map(|scope| scope.to_scope()).collect();
    shown.extend(shown_scopes(request, client, now));
    if now.accepted.is_some_and(|accepted| accepted == shown) {
        return None;
    }
    let covers = now.consent.is_some_and(|consent| shown.iter().all(|scope| consent.scopes.contains(scope)));
    let is_asked = request.prompt.consent
        // Model page: where users consent too, what they accepted must cover what is asked.
        || (asks_users(now.grant) && !covers)
        // RFC 8252 §8.6: whoever listens on a loopback port or owns a scheme can claim to be this app, so a session alone
        // never answers it: there is some interaction each time (A47).
        || (is_unproven(request, client, now) && !now.has_just_signed_in)
        // No administrator of this organization has vouched for an app of another one.
        || (is_unvouched(client, now) && !covers)
        // Who somebody is is theirs to tell, unless an administrator vouched for the app.
        || (!personal.is_empty() && !is_vouched(now) && !covers);
    is_asked.then_some(Step::Consent { scopes: shown })
}

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
fn shown_scopes(request: &AuthorizationRequest, client: &Client, now: Situation<'_>) -> Vec<Scope> {
    match app_standing(now.organization, now.grant) {
        AppStanding::Authorized(scopes) => request.scopes.clone().unwrap_or(scopes),
        _ => asked_for(request, client).to_vec(),
    }
}

/// Model page: asked for with `scope`, a token never exceeds it; where users consent too, what they saw is the ceiling.
fn ceiling(request: &AuthorizationRequest, client: &Client, now: Situation<'_>) -> Option<Vec<Scope>> {
    if asks_users(now.grant) { Some(shown_scopes(request, client, now)) } else { request.scopes.clone() }
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
mod tests {
    use super::*;
    use crate::id::OrganizationId;
    use crate::oauth::parameters::Parameters;
    use crate::oauth::samples::ISSUED;
    use crate::oauth::samples::{CHALLENGE, ada, client, grant, organization, public_client, scopes};
    use proptest::prelude::*;

    fn request(client: &Client, extra: &[(&str, &str)]) -> AuthorizationRequest {
        let mut pairs = vec![("client_id", "roster"), ("response_type", "code"), ("code_challenge", CHALLENGE)];
        pairs.push(("code_challenge_method", "S256"));
        pairs.extend(extra);
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        AuthorizationRequest::check(&Parameters::new(pairs), Some(client), &|_| true).unwrap()
    }

    fn situation<'a>(organization: &'a Organization, grant: Option<&'a ScopeGrant>) -> Situation<'a> {
        Situation {
            organization,
            grant,
            consent: None,
            user_roles: &[],
            can_approve: false,
            is_own_origin: false,
            has_just_signed_in: false,
            accepted: None,
        }
    }

    fn consent_to(names: &[&str]) -> Consent {
        let (organization, client) = (organization(Enforcement::Enforce).id, client().id);
        Consent { organization, user: ada(), client, scopes: scopes(names), accepted_at: ISSUED }
    }

    const STATES: [AuthorizationState; 5] = [
        AuthorizationState::Requested,
        AuthorizationState::Authorized,
        AuthorizationState::Denied,
        AuthorizationState::Revoked,
        AuthorizationState::Expired,
    ];

    #[test]
    fn an_authorized_app_gets_a_code_without_ceiling_of_its_own() {
        let (enforce, grant) = (organization(Enforcement::Enforce), grant(&["users"]));
        let step = next_step(&request(&client(), &[]), &client(), situation(&enforce, Some(&grant)));
        assert_eq!(step, Step::Issue { ceiling: None });
        let asked = request(&client(), &[("scope", "users")]);
        let step = next_step(&asked, &client(), situation(&enforce, Some(&grant)));
        assert_eq!(step, Step::Issue { ceiling: Some(scopes(&["users"])) });
    }

    #[test]
    fn a18_an_unauthorized_scope_leads_to_approval_or_request_and_is_never_a_users_choice() {
        let (enforce, grant) = (organization(Enforcement::Enforce), grant(&["users:readonly"]));
        let asked = request(&client(), &[("scope", "users users:readonly")]);
        for grant in [None, Some(&grant)] {
            let now = situation(&enforce, grant);
            let both = scopes(&["users", "users:readonly"]);
            assert_eq!(next_step(&asked, &client(), now), Step::Request { scopes: both.clone() });
            let approver = Situation { can_approve: true, ..now };
            assert_eq!(next_step(&asked, &client(), approver), Step::Approval { scopes: both });
        }
    }

    #[test]
    fn off_and_report_ask_for_no_approval() {
        for enforcement in [Enforcement::Off, Enforcement::Report] {
            let organization = organization(enforcement);
            let asked = request(&client(), &[("scope", "users")]);
            let step = next_step(&asked, &client(), situation(&organization, None));
            assert_eq!(step, Step::Issue { ceiling: Some(scopes(&["users"])) });
        }
    }

    #[test]
    fn an_app_that_was_refused_gets_no_code_in_any_mode() {
        for enforcement in [Enforcement::Off, Enforcement::Report, Enforcement::Enforce] {
            for state in [AuthorizationState::Denied, AuthorizationState::Revoked] {
                let (organization, refused) = (organization(enforcement), ScopeGrant { state, ..grant(&["users"]) });
                let step = next_step(&request(&client(), &[]), &client(), situation(&organization, Some(&refused)));
                assert!(matches!(step, Step::Refused(_)), "{enforcement:?} {state:?}");
            }
        }
    }

    #[test]
    fn an_approver_can_decide_again_where_scopes_are_enforced_and_only_there() {
        let revoked = ScopeGrant { state: AuthorizationState::Revoked, ..grant(&["users"]) };
        for enforcement in [Enforcement::Off, Enforcement::Report, Enforcement::Enforce] {
            let organization = organization(enforcement);
            let now = Situation { can_approve: true, ..situation(&organization, Some(&revoked)) };
            let step = next_step(&request(&client(), &[]), &client(), now);
            assert_eq!(matches!(step, Step::Approval { .. }), enforcement == Enforcement::Enforce);
        }
    }

    #[test]
    fn where_users_consent_too_what_they_saw_is_the_ceiling() {
        let enforce = organization(Enforcement::Enforce);
        let asks_users = ScopeGrant { consent: ConsentMode::User, ..grant(&["users", "oauth"]) };
        let now = situation(&enforce, Some(&asks_users));
        let asked = request(&client(), &[]);
        let shown = scopes(&["users", "oauth"]);
        assert_eq!(next_step(&asked, &client(), now), Step::Consent { scopes: shown.clone() });
        let accepted = Situation { accepted: Some(&shown), ..now };
        assert_eq!(next_step(&asked, &client(), accepted), Step::Issue { ceiling: Some(shown.clone()) });
        let (less, all) = (consent_to(&["users"]), consent_to(&["users", "oauth"]));
        let step = |consent| next_step(&asked, &client(), Situation { consent: Some(consent), ..now });
        assert_eq!(step(&less), Step::Consent { scopes: shown.clone() });
        assert_eq!(step(&all), Step::Issue { ceiling: Some(shown) });
    }

    #[test]
    fn what_was_accepted_counts_only_while_it_is_what_would_be_shown() {
        let enforce = organization(Enforcement::Enforce);
        let asks_users = ScopeGrant { consent: ConsentMode::User, ..grant(&["users", "oauth"]) };
        let before = scopes(&["users"]);
        let now = Situation { accepted: Some(&before), ..situation(&enforce, Some(&asks_users)) };
        let step = next_step(&request(&client(), &[]), &client(), now);
        assert_eq!(step, Step::Consent { scopes: scopes(&["users", "oauth"]) });
    }

    #[test]
    fn a47_a_public_app_without_claimed_https_is_never_approved_silently() {
        let (enforce, grant) = (organization(Enforcement::Enforce), grant(&["users"]));
        let consented = consent_to(&["users"]);
        for (uri, is_asked) in [
            ("https://app.example/cb", false),
            ("http://127.0.0.1:1/cb", true),
            ("http://localhost:1/cb", true),
            ("com.example.app:/cb", true),
        ] {
            let native = Client { redirect_uris: vec![uri.to_owned()], ..public_client() };
            let now = Situation { consent: Some(&consented), ..situation(&enforce, Some(&grant)) };
            let step = next_step(&request(&native, &[]), &native, now);
            assert_eq!(matches!(step, Step::Consent { .. }), is_asked, "{uri}");
            let own = next_step(&request(&native, &[]), &native, Situation { is_own_origin: true, ..now });
            assert_eq!(own, Step::Issue { ceiling: None });
            let signed_in = next_step(&request(&native, &[]), &native, Situation { has_just_signed_in: true, ..now });
            assert_eq!(signed_in, Step::Issue { ceiling: None });
        }
    }

    #[test]
    fn an_app_of_another_organization_that_nobody_vouched_for_asks_the_user_once() {
        let off = organization(Enforcement::Off);
        let foreign = Client { organization: OrganizationId::parse("globex").unwrap(), ..client() };
        let asked = request(&foreign, &[]);
        let now = situation(&off, None);
        assert_eq!(next_step(&asked, &foreign, now), Step::Consent { scopes: scopes(&["users"]) });
        let consented = consent_to(&["users"]);
        let again = Situation { consent: Some(&consented), ..now };
        assert_eq!(next_step(&asked, &foreign, again), Step::Issue { ceiling: None });
    }

    #[test]
    fn a37_prompt_none_turns_every_page_into_an_error() {
        let enforce = organization(Enforcement::Enforce);
        let asked = request(&client(), &[("prompt", "none")]);
        let step = next_step(&asked, &client(), situation(&enforce, None));
        assert!(matches!(step, Step::Answer(ErrorCode::InteractionRequired, _)));
        let asks_users = ScopeGrant { consent: ConsentMode::User, ..grant(&["users"]) };
        let step = next_step(&asked, &client(), situation(&enforce, Some(&asks_users)));
        assert!(matches!(step, Step::Answer(ErrorCode::ConsentRequired, _)));
    }

    #[test]
    fn an_app_limited_to_roles_is_not_for_others() {
        let enforce = organization(Enforcement::Enforce);
        let role = RoleId::parse("admins").unwrap();
        let limited = ScopeGrant { roles: vec![role.clone()], ..grant(&["users"]) };
        let now = situation(&enforce, Some(&limited));
        assert_eq!(next_step(&request(&client(), &[]), &client(), now), Step::Refused(Refusal::RoleMissing));
        let holder = Situation { user_roles: &[role], ..now };
        assert_eq!(next_step(&request(&client(), &[]), &client(), holder), Step::Issue { ceiling: None });
    }

    proptest! {
        /// Nothing leaves in `enforce` but what the organization authorized at that moment.
        #[test]
        fn a18_a_code_is_issued_only_within_the_authorization(
            state in proptest::sample::select(STATES.to_vec()),
            authorized in proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3),
            asked in proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3),
            asks_users in any::<bool>(),
            can_approve in any::<bool>(),
        ) {
            let enforce = organization(Enforcement::Enforce);
            let consent = if asks_users { ConsentMode::User } else { ConsentMode::Administrator };
            let grant = ScopeGrant { state, consent, ..grant(&authorized) };
            let asked = request(&client(), &[("scope", &asked.join(" "))]);
            let accepted = scopes(&authorized);
            let now = Situation { can_approve, accepted: Some(&accepted), ..situation(&enforce, Some(&grant)) };
            if let Step::Issue { ceiling } = next_step(&asked, &client(), now) {
                prop_assert_eq!(state, AuthorizationState::Authorized);
                prop_assert!(ceiling.iter().flatten().all(|scope| grant.scopes.contains(scope)));
            }
        }
    }
}
