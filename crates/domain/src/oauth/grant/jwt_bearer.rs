//! The JWT bearer grant (RFC 7523 §2.1, §3) in the one form that is taken here, the Identity Assertion JWT Authorization Grant
//! (draft-ietf-oauth-identity-assertion-authz-grant): a trusted issuer says who a person is, to us, for one client, once.
//!
//! The issuer's word replaces the sign-in and nothing else: the organization's authorization of the app, its roles and the
//! person's consent count as in every other flow, and where somebody would have to be asked, nothing is given.

use countersign_decision::Scope;

use crate::assertion_issuer::{AssertionIssuer, PersonBy};
use crate::client::{Client, GrantType};
use crate::id::{TokenFamilyId, UserId};
use crate::oauth::claims::{CLOCK_SKEW_SECONDS, ClaimError, Claims};
use crate::oauth::client_assertion::{MAX_ASSERTION_SECONDS, MAX_JTI_BYTES};
use crate::oauth::error::{TokenError, quotable};
use crate::oauth::jws::{Jws, JwsAlgorithm, JwsError};
use crate::oauth::next_step::{Situation, Step, Wanted, app_standing, step_of};
use crate::oauth::scopes::{Standing, parse_requested};
use crate::oauth::token::{TokenFamily, TokenSubject};
use crate::oauth::token_request::AssertionRequest;
use crate::oauth::used_proof::UsedProof;
use crate::time::Timestamp;
use crate::user::{Email, User, UserState};

/// RFC 7523 §2.1
pub const JWT_BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// RFC 8725 §3.11: an ID token or a client's assertion of the same issuer is none of these.
pub const ASSERTION_TYP: &str = "oauth-id-jag+jwt";
/// How long an access token lives at most, in seconds: nobody is here who could sign out.
pub const TOKEN_SECONDS: i64 = 3_600;

/// Why an assertion does not count (RFC 7521 §4.1.1: `invalid_grant`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantAssertionError {
    /// Malformed, of an unknown issuer, or not signed by it; which of them is not said.
    #[error("`assertion` is not signed by an issuer that the organization trusts")]
    Untrusted,
    /// RFC 8725 §3.11
    #[error("the `typ` of `assertion` must be `{ASSERTION_TYP}`")]
    Type,
    /// RFC 7523 §3
    #[error("`assertion` does not count: {0}")]
    Claim(#[from] ClaimError),
    /// RFC 7523 §3 rule 7
    #[error("`assertion` was used before: each counts once")]
    Replayed,
    /// RFC 7523 §3 rule 2.A
    #[error("`assertion` names nobody who is active in the organization")]
    Person,
}

/// An assertion that a trusted issuer signed, for us and for this client, now. Its use must still be claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantAssertion {
    /// Its one use.
    pub used: UsedProof,
    /// Whom it is about.
    pub person: NamedPerson,
    /// What it allows at most, where it says so.
    pub scope: Option<String>,
    /// The APIs that it allows, where it says so (RFC 8707).
    pub resources: Vec<String>,
}

/// Somebody, as an issuer names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedPerson {
    /// By e-mail.
    Email(Email),
    /// By a name of its own that the organization listed.
    User(UserId),
}

/// The issuer that an assertion names, before anything is believed: to look its keys up.
pub fn named_issuer(assertion: &str) -> Option<String> {
    let jws = Jws::read(assertion, &JwsAlgorithm::ALL).ok()?;
    jws.unverified_text("iss").map(str::to_owned)
}

/// Whether `client` may use this grant at all.
///
/// # Errors
/// A public client, and one that is not registered for it.
pub fn check_client(client: &Client) -> Result<(), TokenError> {
    // The assertion names the client that may use it, so the client must prove that it is that one.
    if !client.is_confidential {
        return Err(TokenError::PublicClient);
    }
    // RFC 6749 §5.2: unauthorized_client.
    if !client.has_grant(GrantType::JwtBearer) {
        return Err(TokenError::GrantTypeNotRegistered(GrantType::JwtBearer));
    }
    Ok(())
}

/// Reads an assertion of `issuer` that the authenticated `client` presents to `server`, our issuer identifier.
///
/// # Errors
/// The first rule of RFC 7523 §3 that is broken.
pub fn verify(
    assertion: &str,
    issuer: &AssertionIssuer,
    client: &Client,
    server: &str,
    now: Timestamp,
) -> Result<GrantAssertion, GrantAssertionError> {
    let untrusted = |_: JwsError| GrantAssertionError::Untrusted;
    let jws = Jws::read(assertion, &JwsAlgorithm::ALL).map_err(untrusted)?;
    let jws = jws.typed(&[ASSERTION_TYP]).map_err(|_| GrantAssertionError::Type)?;
    // rule 9
    let claims = jws.verify(&issuer.jwks).map_err(untrusted)?;
    // rule 1. An issuer that calls itself as we do could speak in our name.
    if claims.text("iss")? != issuer.issuer.as_str() || issuer.issuer.as_str() == server {
        return Err(GrantAssertionError::Untrusted);
    }
    // rule 3, and the draft's §4.3: this server alone
    if claims.only_audience() != Some(server) {
        return Err(ClaimError::Wrong("aud").into());
    }
    // the draft's §4.3: for this client, so that no other can use what it found
    if claims.text("client_id")? != client.id.as_str() {
        return Err(ClaimError::Wrong("client_id").into());
    }
    // rules 4, 5 and 6
    claims.instant("iat")?;
    let expires_at = claims.check_times(MAX_ASSERTION_SECONDS, now)?;
    // rule 7
    let jti = claims.text("jti")?;
    if jti.len() > MAX_JTI_BYTES {
        return Err(ClaimError::Wrong("jti").into());
    }
    let until = expires_at.plus_seconds(CLOCK_SKEW_SECONDS);
    Ok(GrantAssertion {
        used: UsedProof::of_grant_assertion(issuer.issuer.as_str(), jti, until),
        person: person(&claims, issuer)?,
        scope: claims.optional_text("scope")?.map(str::to_owned),
        resources: claims.optional_texts("resource")?,
    })
}

/// rule 2.A: the person, as the organization has said that the issuer names people.
fn person(claims: &Claims, issuer: &AssertionIssuer) -> Result<NamedPerson, GrantAssertionError> {
    let subject = claims.text("sub")?;
    let by_email = |text| Email::parse(text).map(NamedPerson::Email).map_err(|_| GrantAssertionError::Person);
    match issuer.person_by {
        PersonBy::SubEmail => by_email(subject),
        PersonBy::ExternalId => {
            issuer.people.get(subject).cloned().map(NamedPerson::User).ok_or(GrantAssertionError::Person)
        }
        // OpenID Connect Core §5.7: an e-mail address that somebody only claims to have is anybody's
        PersonBy::Email if claims.is_false("email_verified") => Err(GrantAssertionError::Person),
        PersonBy::Email => by_email(claims.text("email")?),
    }
}

/// The family of one access token for `user`, whom the assertion named; there is no refresh token, which would outlive the
/// issuer's word.
///
/// # Errors
/// Where the person is not active, the organization has not authorized what is asked for, or somebody would have to be asked.
pub fn redeem(
    family: TokenFamilyId,
    (request, assertion): (&AssertionRequest, &GrantAssertion),
    (client, user): (&Client, &User),
    situation: Situation<'_>,
    is_known: &dyn Fn(&Scope) -> bool,
    now: Timestamp,
) -> Result<TokenFamily, TokenError> {
    if user.state != UserState::Active || !situation.organization.is_active {
        return Err(GrantAssertionError::Person.into());
    }
    let asked = asked(request, assertion, is_known)?;
    let standing = Standing {
        is_organization_active: true,
        is_subject_active: true,
        app: app_standing(situation.organization, situation.grant),
    };
    if let Some(scope) = standing.unauthorized(asked.as_deref().unwrap_or_default()) {
        return Err(TokenError::UnauthorizedScope(quotable(scope.as_str())));
    }
    let wanted = Wanted { scopes: asked.as_deref(), personal: Vec::new(), asks_again: false, is_unproven: false };
    let ceiling = match step_of(&wanted, client, situation) {
        Step::Issue { ceiling } => ceiling,
        Step::Consent { .. } => return Err(TokenError::PersonMustConsent),
        Step::Approval { .. } | Step::Request { .. } | Step::Refused(_) | Step::Answer(..) => {
            return Err(TokenError::NoLongerAuthorized);
        }
    };
    Ok(TokenFamily {
        id: family,
        organization: situation.organization.id.clone(),
        client: client.id.clone(),
        subject: TokenSubject::User(user.id.clone()),
        ceiling,
        resources: assertion.resources.clone(),
        dpop_key: None,
        session: None,
        identity: None,
        // docs/decisions/0022: the issuer's word replaces the sign-in; how and when that was is not told
        authentication: None,
        created_at: now,
    })
}

/// What is asked for: no more than the assertion allows, where it says so. What the issuer allows beyond what is known here is
/// nothing.
fn asked(
    request: &AssertionRequest,
    assertion: &GrantAssertion,
    is_known: &dyn Fn(&Scope) -> bool,
) -> Result<Option<Vec<Scope>>, TokenError> {
    let requested = request.scope.as_deref().map(|text| parse_requested(text, is_known)).transpose()?;
    let Some(allowed) = &assertion.scope else { return Ok(requested) };
    let allowed: Vec<Scope> =
        allowed.split(' ').filter_map(|part| part.parse().ok()).filter(|scope| is_known(scope)).collect();
    match requested {
        Some(requested) => match requested.iter().find(|scope| !allowed.contains(scope)) {
            Some(scope) => Err(TokenError::ScopeWidened(quotable(scope.as_str()))),
            None => Ok(Some(requested)),
        },
        // an empty list would ask for nothing but the person
        None if allowed.is_empty() => Err(TokenError::MalformedScope),
        None => Ok(Some(allowed)),
    }
}

#[cfg(test)]
mod tests;
