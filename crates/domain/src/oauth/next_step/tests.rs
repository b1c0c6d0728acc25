//! Which step follows from which situation.

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

#[test]
fn d23_an_app_that_is_limited_to_holders_of_roles_may_do_nothing_for_others() {
    let role = |id: &str| RoleId::parse(id).unwrap();
    let unlimited = grant(&["users"]);
    let limited = ScopeGrant { roles: vec![role("clerk"), role("auditor")], ..unlimited.clone() };
    let authorized = || AppStanding::Authorized(scopes(&["users"]));
    let within = |app, grant, roles: &[RoleId]| within_role_limit(app, Some(grant), roles);
    assert_eq!(within(authorized(), &limited, &[role("auditor")]), authorized());
    assert_eq!(within(authorized(), &limited, &[role("admin")]), AppStanding::NotAuthorized);
    assert_eq!(within(authorized(), &unlimited, &[]), authorized());
    assert_eq!(within(AppStanding::Unbounded, &limited, &[]), AppStanding::Unbounded, "where nothing is enforced");
}
