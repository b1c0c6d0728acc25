//! Which assertions count, and what they give.

use std::collections::BTreeMap;

use countersign_decision::{AuthorizationState, Enforcement};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::*;
use crate::authorization::{ConsentMode, ScopeGrant};
use crate::id::ClientId;
use crate::oauth::samples::{ISSUED, Key, acme, ada, client, grant, organization, scopes, user};
use crate::organization::Organization;

const IDP: &str = "https://idp.example";
const SERVER: &str = "https://as.example";

fn bearer_client() -> Client {
    Client { grant_types: vec![GrantType::JwtBearer], ..client() }
}

fn issuer(key: &Key, person_by: PersonBy) -> AssertionIssuer {
    AssertionIssuer {
        organization: acme(),
        issuer: IDP.to_owned().try_into().unwrap(),
        jwks: key.jwks(),
        person_by,
        people: BTreeMap::from([("00u1".to_owned(), ada())]),
    }
}

fn claims() -> Value {
    let now = ISSUED.as_seconds();
    json!({ "iss": IDP, "sub": "00u1", "aud": SERVER, "client_id": "roster", "jti": "one", "iat": now, "exp": now + 300,
            "email": "ada@acme.test" })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name)
    } else {
        members.insert(name.to_owned(), value)
    };
    claims
}

fn read_by(person_by: PersonBy, claims: &Value) -> Result<GrantAssertion, GrantAssertionError> {
    let key = Key::es256();
    let assertion = key.sign_with(json!({ "alg": "ES256", "typ": ASSERTION_TYP }), claims.clone());
    verify(&assertion, &issuer(&key, person_by), &bearer_client(), SERVER, ISSUED)
}

fn read(claims: &Value) -> Result<GrantAssertion, GrantAssertionError> {
    read_by(PersonBy::ExternalId, claims)
}

#[test]
fn c63_a_whole_assertion_counts() {
    let assertion = read(&claims()).unwrap();
    assert_eq!(assertion.person, NamedPerson::User(ada()));
    assert_eq!((assertion.scope, assertion.resources), (None, vec![]));
    assert_ne!(assertion.used, read(&with("jti", json!("two"))).unwrap().used);
    let bounded = read(&with("resource", json!(["https://a.example", "https://b.example"]))).unwrap();
    assert_eq!(bounded.resources.len(), 2);
    assert!(read(&with("aud", json!([SERVER]))).is_ok(), "one audience, as a list");
}

#[test]
fn c63_type_audience_client_times_and_id_must_be_right() {
    let (now, key) = (ISSUED.as_seconds(), Key::es256());
    for typ in [json!("JWT"), json!("client-authentication+jwt"), Value::Null] {
        let mut header = json!({ "alg": "ES256" });
        if !typ.is_null() {
            header["typ"] = typ;
        }
        let assertion = key.sign_with(header.clone(), claims());
        let outcome = verify(&assertion, &issuer(&key, PersonBy::ExternalId), &bearer_client(), SERVER, ISSUED);
        assert_eq!(outcome, Err(GrantAssertionError::Type));
    }
    for (name, values) in [
        ("aud", vec![json!("https://other.example"), json!([SERVER, "https://other.example"]), json!([]), Value::Null]),
        ("client_id", vec![json!("another"), Value::Null, json!(1)]),
        ("exp", vec![json!(now - 61), json!(now + 361), json!("soon"), Value::Null]),
        ("iat", vec![json!(now + 61), json!(now - 400), Value::Null]),
        ("nbf", vec![json!(now + 61)]),
        ("jti", vec![json!(""), json!("x".repeat(257)), Value::Null]),
        ("sub", vec![json!(""), Value::Null]),
        ("resource", vec![json!(1), json!([1])]),
    ] {
        for value in values {
            let outcome = read(&with(name, value.clone()));
            assert!(matches!(outcome, Err(GrantAssertionError::Claim(_))), "{name} = {value}: {outcome:?}");
        }
    }
}

#[test]
fn c63_an_issuer_that_is_not_the_registered_one_is_not_believed() {
    let (key, other) = (Key::es256(), Key::other_es256());
    let header = json!({ "alg": "ES256", "typ": ASSERTION_TYP });
    let outcome = |assertion: &str, issuer: &AssertionIssuer, server: &str| {
        verify(assertion, issuer, &bearer_client(), server, ISSUED)
    };
    let trusted = issuer(&key, PersonBy::ExternalId);
    let untrusted = Err(GrantAssertionError::Untrusted);
    assert_eq!(outcome(&other.sign_with(header.clone(), claims()), &trusted, SERVER), untrusted, "another key");
    let elsewhere = key.sign_with(header.clone(), with("iss", json!("https://idp.example/")));
    assert_eq!(outcome(&elsewhere, &trusted, SERVER), untrusted, "whole strings are compared");
    let ours = key.sign_with(header.clone(), with("aud", json!(IDP)));
    assert_eq!(outcome(&ours, &trusted, IDP), untrusted, "nobody else speaks in our name");
    for text in ["", "a.b.c", "not a token"] {
        assert_eq!(outcome(text, &trusted, SERVER), untrusted);
        assert_eq!(named_issuer(text), None);
    }
    assert_eq!(named_issuer(&key.sign_with(header.clone(), claims())).as_deref(), Some(IDP));
}

#[test]
fn people_are_found_as_the_organization_said_that_the_issuer_names_them() {
    let by_email = NamedPerson::Email(Email::parse("ada@acme.test").unwrap());
    assert_eq!(read_by(PersonBy::Email, &claims()).unwrap().person, by_email);
    assert_eq!(read_by(PersonBy::SubEmail, &with("sub", json!("ada@acme.test"))).unwrap().person, by_email);
    let unknown = Err(GrantAssertionError::Person);
    assert_eq!(read(&with("sub", json!("00u2"))), unknown);
    assert_eq!(read_by(PersonBy::SubEmail, &claims()), unknown, "no e-mail address");
    assert_eq!(read_by(PersonBy::Email, &with("email_verified", json!(false))), unknown);
    assert!(read_by(PersonBy::Email, &with("email_verified", json!(true))).is_ok());
    assert!(read_by(PersonBy::Email, &with("email_verified", json!("true"))).is_err(), "only a truth value is one");
    assert!(read_by(PersonBy::Email, &with("email", Value::Null)).is_err());
}

fn request(scope: Option<&str>) -> AssertionRequest {
    let scope = scope.map(str::to_owned);
    AssertionRequest { assertion: Zeroizing::new(String::new()), scope, organization: None }
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

fn redeem_with(
    scope: Option<&str>,
    allowed: Option<&str>,
    situation: Situation<'_>,
) -> Result<Option<Vec<Scope>>, TokenError> {
    let assertion = GrantAssertion { scope: allowed.map(str::to_owned), ..read(&claims()).unwrap() };
    let family = TokenFamilyId::parse("f").unwrap();
    let is_known = |scope: &Scope| ["users", "users:readonly"].contains(&scope.as_str());
    let (client, user) = (bearer_client(), user());
    let family = redeem(family, (&request(scope), &assertion), (&client, &user), situation, &is_known, ISSUED)?;
    assert_eq!((family.organization, family.subject), (acme(), TokenSubject::User(ada())));
    Ok(family.ceiling)
}

#[test]
fn what_the_issuer_allows_is_a_ceiling_and_gives_nothing_by_itself() {
    let (enforce, grant) = (organization(Enforcement::Enforce), grant(&["users", "users:readonly"]));
    let now = situation(&enforce, Some(&grant));
    assert_eq!(redeem_with(None, None, now), Ok(None));
    assert_eq!(redeem_with(Some("users"), None, now), Ok(Some(scopes(&["users"]))));
    assert_eq!(redeem_with(None, Some("users:readonly openid magic"), now), Ok(Some(scopes(&["users:readonly"]))));
    let wider = redeem_with(Some("users"), Some("users:readonly"), now).unwrap_err();
    assert_eq!(wider.code().as_str(), "invalid_scope");
    assert_eq!(redeem_with(None, Some("magic"), now).unwrap_err().code().as_str(), "invalid_scope");
    assert_eq!(
        redeem_with(Some("openid"), None, now).unwrap_err().code().as_str(),
        "invalid_scope",
        "nobody signed in"
    );
    let refused = redeem_with(Some("users"), Some("users"), situation(&enforce, None)).unwrap_err();
    assert_eq!(refused.code().as_str(), "invalid_scope", "c30");
}

#[test]
fn where_somebody_would_have_to_be_asked_nothing_is_given() {
    let (enforce, off) = (organization(Enforcement::Enforce), organization(Enforcement::Off));
    let error = |situation: Situation<'_>| redeem_with(None, None, situation).unwrap_err().code().as_str();
    assert_eq!(error(situation(&enforce, None)), "invalid_grant", "no decision");
    for state in [AuthorizationState::Denied, AuthorizationState::Revoked] {
        let refused = ScopeGrant { state, ..grant(&["users"]) };
        assert_eq!(error(situation(&off, Some(&refused))), "invalid_grant");
    }
    let each_user = ScopeGrant { consent: ConsentMode::User, ..grant(&["users"]) };
    assert_eq!(redeem_with(None, None, situation(&enforce, Some(&each_user))), Err(TokenError::PersonMustConsent));
    let limited = ScopeGrant { roles: vec![crate::id::RoleId::parse("admin").unwrap()], ..grant(&["users"]) };
    assert_eq!(error(situation(&enforce, Some(&limited))), "invalid_grant");
    let inactive = Organization { is_active: false, ..enforce.clone() };
    assert_eq!(error(situation(&inactive, Some(&grant(&["users"])))), "invalid_grant");
}

#[test]
fn c29_only_clients_that_prove_who_they_are_and_registered_the_grant_may_use_it() {
    assert_eq!(check_client(&bearer_client()), Ok(()));
    let public = Client { is_confidential: false, ..bearer_client() };
    for client in [public, client()] {
        assert_eq!(check_client(&client).unwrap_err().code().as_str(), "unauthorized_client");
    }
    assert_eq!(ClientId::parse("roster").unwrap(), bearer_client().id);
}
