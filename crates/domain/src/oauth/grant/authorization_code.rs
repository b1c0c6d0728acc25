//! The authorization code grant (RFC 6749 §4.1, RFC 7636).

use countersign_decision::Scope;

use crate::client::{Client, GrantType};
use crate::entropy::Entropy;
use crate::id::{ClientId, OrganizationId, SessionId, TokenFamilyId, UserId};
use crate::oauth::authentication::Authentication;
use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::error::TokenError;
use crate::oauth::openid::identity::Identity;
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::scopes::Standing;
use crate::oauth::thumbprint::Thumbprint;
use crate::oauth::token::{TokenFamily, TokenSubject};
use crate::oauth::token_request::CodeRequest;
use crate::secret::{Digest, Secret, SecretKind};
use crate::session::Session;
use crate::time::Timestamp;

/// Life of a code, in seconds (RFC 6749 §4.1.2: ten minutes at most; FAPI 2.0: 60 seconds).
pub const CODE_TTL_SECONDS: i64 = 60;

/// What is kept of an authorization code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// Digest of the code.
    pub digest: Digest,
    /// The user's organization.
    pub organization: OrganizationId,
    /// The client it was issued to; nobody else can redeem it.
    pub client: ClientId,
    /// Who signed in.
    pub user: UserId,
    /// The family that its tokens will belong to, so that a replay can end them.
    pub family: TokenFamilyId,
    /// The redirect URI of the authorization request, as it was sent; `None` when it was left out.
    pub redirect_uri: Option<String>,
    /// The S256 challenge of the authorization request (RFC 7636 §4.2), 43 characters.
    pub code_challenge: Option<String>,
    /// The APIs that its tokens can be for (RFC 8707); empty: all.
    pub resources: Vec<String>,
    /// The key whose proof must redeem it (RFC 9449 §10).
    pub dpop_key: Option<Thumbprint>,
    /// The ceiling of the tokens; `None`: they follow the authorization as it changes.
    pub ceiling: Option<Vec<Scope>>,
    /// The sign-in that it came from.
    pub session: Option<SessionId>,
    /// What was granted about the person.
    pub identity: Option<Identity>,
    /// How and when the user proved who they are.
    pub authentication: Authentication,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl AuthorizationCode {
    /// A new code for the user of `session`, whose tokens will have this ceiling.
    pub fn issue(
        request: &AuthorizationRequest,
        client: &Client,
        session: &Session,
        ceiling: Option<Vec<Scope>>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> (Secret, Self) {
        let secret = Secret::generate(SecretKind::AuthorizationCode, entropy);
        let record = Self {
            digest: secret.digest(),
            organization: session.organization.clone(),
            client: client.id.clone(),
            user: session.user.clone(),
            family: TokenFamilyId::generate(now, entropy),
            redirect_uri: request.redirect_uri.sent().map(str::to_owned),
            code_challenge: request.code_challenge.as_ref().map(|challenge| challenge.as_str().to_owned()),
            resources: request.resources.clone(),
            dpop_key: request.dpop_jkt,
            ceiling,
            session: Some(session.id.clone()),
            identity: Identity::granted(request, client, session),
            authentication: session.authentication(),
            issued_at: now,
            expires_at: now.plus_seconds(CODE_TTL_SECONDS),
        };
        (secret, record)
    }
}

/// A code as the store claimed it for this client: nobody else can claim it until the claim is saved or dropped.
#[derive(Debug, Clone, Copy)]
pub struct ClaimedCode<'a> {
    /// What was kept of it.
    pub record: &'a AuthorizationCode,
    /// Whether it had been redeemed before.
    pub is_replay: bool,
    /// The key that the token request proved (RFC 9449).
    pub proven_key: Option<Thumbprint>,
}

/// What comes of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redemption {
    /// Tokens of this new family, with a refresh token if asked for.
    Issue {
        /// The family to begin.
        family: Box<TokenFamily>,
        /// Whether a refresh token comes with it.
        with_refresh_token: bool,
    },
    /// RFC 6749 §4.1.2: the code was used before, so somebody else has seen it: every token of its family ends, and the
    /// answer is [`TokenError::UnusableGrant`].
    Replay,
}

/// Redeems a code that the store has claimed for the authenticated `client`.
///
/// # Errors
/// The claim is then dropped, and the code is as if it had not been presented.
pub fn redeem(
    code: ClaimedCode<'_>,
    request: &CodeRequest,
    client: &Client,
    standing: &Standing,
    now: Timestamp,
) -> Result<Redemption, TokenError> {
    let record = code.record;
    // RFC 6749 §5.2: unauthorized_client.
    if !client.has_grant(GrantType::AuthorizationCode) {
        return Err(TokenError::GrantTypeNotRegistered(GrantType::AuthorizationCode));
    }
    // RFC 6749 §4.1.3: ensure that the authorization code was issued to the authenticated client.
    if record.client != client.id {
        return Err(TokenError::UnusableGrant);
    }
    check_redirect_uri(record, request, client)?;
    check_verifier(record, request)?;
    // RFC 9449 §10: the proof MUST be of the key that the authorization request named.
    if record.dpop_key.is_some() && record.dpop_key != code.proven_key {
        return Err(TokenError::KeyDiffers);
    }
    // OAuth 2.1 §7.5.2: only a replay that is otherwise valid ends the tokens; anybody could send any other (C12). It
    // does so after the code's end too: a late thief is a thief.
    if code.is_replay {
        return Ok(Redemption::Replay);
    }
    // RFC 6749 §4.1.2: the code MUST expire shortly after it is issued.
    if now >= record.expires_at {
        return Err(TokenError::UnusableGrant);
    }
    // Model page: user, organization and app are looked at now, not when the code was given.
    if !standing.leaves_something(record.ceiling.as_deref()) {
        return Err(TokenError::NoLongerAuthorized);
    }
    Ok(Redemption::Issue {
        family: Box::new(family_of(code, client, now)),
        with_refresh_token: client.has_grant(GrantType::RefreshToken),
    })
}

fn check_redirect_uri(record: &AuthorizationCode, request: &CodeRequest, client: &Client) -> Result<(), TokenError> {
    let is_same = match (request.redirect_uri.as_deref(), record.redirect_uri.as_deref()) {
        // RFC 6749 §4.1.3: their values MUST be identical.
        (Some(sent), Some(used)) => sent == used,
        // The authorization request left it out: the one registered URI was used.
        (Some(sent), None) => client.redirect_uris.iter().any(|registered| registered == sent),
        (None, None) => true,
        // OAuth 2.1 §10.2 drops the parameter because PKCE does its work; without PKCE it stays REQUIRED.
        (None, Some(_)) => record.code_challenge.is_some(),
    };
    if is_same { Ok(()) } else { Err(TokenError::RedirectUriDiffers) }
}

fn check_verifier(record: &AuthorizationCode, request: &CodeRequest) -> Result<(), TokenError> {
    match (record.code_challenge.as_deref(), request.code_verifier.as_ref()) {
        (None, None) => Ok(()),
        // RFC 9700 §4.8.2: else an attacker strips the challenge from the request and nobody notices.
        (None, Some(_)) => Err(TokenError::VerifierWithoutChallenge),
        (Some(challenge), verifier) => {
            let challenge = CodeChallenge::parse(challenge).ok_or(TokenError::UnusableGrant)?;
            // RFC 7636 §4.6
            let is_met = verifier.is_some_and(|verifier| challenge.is_met_by(verifier));
            if is_met { Ok(()) } else { Err(TokenError::VerifierDiffers) }
        }
    }
}

fn family_of(code: ClaimedCode<'_>, client: &Client, now: Timestamp) -> TokenFamily {
    let record = code.record;
    TokenFamily {
        id: record.family.clone(),
        organization: record.organization.clone(),
        client: record.client.clone(),
        subject: TokenSubject::User(record.user.clone()),
        ceiling: record.ceiling.clone(),
        resources: record.resources.clone(),
        // RFC 9449 §5: refresh tokens of public clients are bound; a confidential client's are bound by how it authenticates.
        dpop_key: code.proven_key.filter(|_| !client.is_confidential),
        session: record.session.clone(),
        identity: record.identity.clone(),
        authentication: Some(record.authentication.clone()),
        created_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::oauth::parameters::Parameters;
    use crate::oauth::samples::{CHALLENGE, ISSUED, VERIFIER, client, code, public_client, scopes, session, standing};
    use crate::oauth::scopes::AppStanding;
    use zeroize::Zeroizing;

    fn request(redirect_uri: Option<&str>, verifier: Option<&str>) -> CodeRequest {
        CodeRequest {
            code: Zeroizing::new("code".to_owned()),
            redirect_uri: redirect_uri.map(str::to_owned),
            code_verifier: verifier.map(|verifier| Zeroizing::new(verifier.to_owned())),
        }
    }

    fn right_request() -> CodeRequest {
        request(Some("https://app.example/cb"), Some(VERIFIER))
    }

    fn redeem_at(seconds: i64, record: &AuthorizationCode, request: &CodeRequest) -> Result<Redemption, TokenError> {
        let code = ClaimedCode { record, is_replay: false, proven_key: None };
        redeem(code, request, &client(), &standing(AppStanding::Unbounded), ISSUED.plus_seconds(seconds))
    }

    #[test]
    fn a_right_request_begins_the_codes_family_with_its_ceiling() {
        let record = AuthorizationCode { ceiling: Some(scopes(&["users"])), ..code() };
        let Ok(Redemption::Issue { family, with_refresh_token }) = redeem_at(1, &record, &right_request()) else {
            panic!("the code is good")
        };
        assert_eq!((family.id, family.ceiling), (record.family, Some(scopes(&["users"]))));
        assert!(with_refresh_token);
    }

    #[test]
    fn a_refresh_token_comes_exactly_when_the_client_has_that_grant() {
        let only_code = Client { grant_types: vec![GrantType::AuthorizationCode], ..client() };
        let record = code();
        let code = ClaimedCode { record: &record, is_replay: false, proven_key: None };
        let issued = redeem(code, &right_request(), &only_code, &standing(AppStanding::Unbounded), ISSUED);
        assert!(matches!(issued, Ok(Redemption::Issue { with_refresh_token: false, .. })));
    }

    #[test]
    fn c05_a_client_without_the_code_grant_is_unauthorized() {
        let other = Client { grant_types: vec![GrantType::ClientCredentials], ..client() };
        let record = code();
        let code = ClaimedCode { record: &record, is_replay: false, proven_key: None };
        let refused = redeem(code, &right_request(), &other, &standing(AppStanding::Unbounded), ISSUED);
        assert_eq!(refused, Err(TokenError::GrantTypeNotRegistered(GrantType::AuthorizationCode)));
    }

    #[test]
    fn c09_a_code_of_another_client_is_refused() {
        let record = AuthorizationCode { client: ClientId::parse("other").unwrap(), ..code() };
        assert_eq!(redeem_at(1, &record, &right_request()), Err(TokenError::UnusableGrant));
    }

    #[test]
    fn c10_a_different_redirect_uri_is_refused() {
        let other = request(Some("https://app.example/other"), Some(VERIFIER));
        assert_eq!(redeem_at(1, &code(), &other), Err(TokenError::RedirectUriDiffers));
        let left_out_before = AuthorizationCode { redirect_uri: None, ..code() };
        assert_eq!(redeem_at(1, &left_out_before, &other), Err(TokenError::RedirectUriDiffers));
        assert!(redeem_at(1, &left_out_before, &right_request()).is_ok());
    }

    #[test]
    fn c10_without_pkce_the_redirect_uri_must_be_sent_again() {
        let without_pkce = AuthorizationCode { code_challenge: None, ..code() };
        assert_eq!(redeem_at(1, &without_pkce, &request(None, None)), Err(TokenError::RedirectUriDiffers));
        assert!(redeem_at(1, &without_pkce, &request(Some("https://app.example/cb"), None)).is_ok());
        assert!(redeem_at(1, &code(), &request(None, Some(VERIFIER))).is_ok());
    }

    #[test]
    fn c60_a_code_that_named_a_key_is_redeemed_with_that_key_only() {
        let (named, other) = (Thumbprint::of(b"named"), Thumbprint::of(b"other"));
        let record = AuthorizationCode { dpop_key: Some(named), ..code() };
        let redeem_with = |proven_key, is_replay| {
            let code = ClaimedCode { record: &record, is_replay, proven_key };
            redeem(code, &right_request(), &public_client(), &standing(AppStanding::Unbounded), ISSUED)
        };
        for (wrong, is_replay) in [(None, false), (Some(other), false), (None, true)] {
            assert_eq!(redeem_with(wrong, is_replay), Err(TokenError::KeyDiffers));
        }
        let Ok(Redemption::Issue { family, .. }) = redeem_with(Some(named), false) else { panic!("the key is right") };
        assert_eq!(family.dpop_key, Some(named), "c59: a public client's refresh tokens are bound");
    }

    #[test]
    fn c11_a_valid_replay_is_an_outcome_that_ends_the_family() {
        let record = code();
        for seconds in [1, 59, 60, 3_600] {
            let code = ClaimedCode { record: &record, is_replay: true, proven_key: None };
            let now = ISSUED.plus_seconds(seconds);
            let outcome = redeem(code, &right_request(), &client(), &standing(AppStanding::Refused), now);
            assert_eq!(outcome, Ok(Redemption::Replay));
        }
    }

    #[test]
    fn c12_a_replay_with_wrong_verifier_redirect_uri_or_client_ends_nothing() {
        let record = code();
        let code = ClaimedCode { record: &record, is_replay: true, proven_key: None };
        let other_client = Client { id: ClientId::parse("other").unwrap(), ..client() };
        let standing = standing(AppStanding::Unbounded);
        let wrong_verifier = request(Some("https://app.example/cb"), Some(&"a".repeat(43)));
        let wrong_uri = request(Some("https://app.example/"), Some(VERIFIER));
        assert!(redeem(code, &wrong_verifier, &client(), &standing, ISSUED).is_err());
        assert!(redeem(code, &wrong_uri, &client(), &standing, ISSUED).is_err());
        assert!(redeem(code, &right_request(), &other_client, &standing, ISSUED).is_err());
    }

    #[test]
    fn a27_c13_a_new_code_has_256_bits_lives_a_minute_and_remembers_its_request() {
        let parameters = Parameters::from([
            ("redirect_uri", "https://app.example/cb"),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let request = AuthorizationRequest::check(&parameters, Some(&client()), &|_| true).unwrap();
        let entropy = SeededEntropy::new(1);
        let (secret, record) = AuthorizationCode::issue(&request, &client(), &session(), None, ISSUED, &entropy);
        let expected = AuthorizationCode { digest: secret.digest(), family: record.family.clone(), ..code() };
        assert_eq!(record, expected);
        assert_eq!(secret.expose().len(), "cs_ac_".len() + 43 + 6);
    }

    #[test]
    fn c13_a_code_lives_for_60_seconds() {
        assert!(redeem_at(59, &code(), &right_request()).is_ok());
        assert_eq!(redeem_at(60, &code(), &right_request()), Err(TokenError::UnusableGrant));
        assert_eq!(redeem_at(61, &code(), &right_request()), Err(TokenError::UnusableGrant));
    }

    #[test]
    fn c15_a_wrong_missing_short_or_long_verifier_is_refused() {
        let long = "a".repeat(129);
        for verifier in [None, Some(&VERIFIER[..42]), Some(long.as_str()), Some(&long[..43])] {
            let refused = redeem_at(1, &code(), &request(Some("https://app.example/cb"), verifier));
            assert_eq!(refused, Err(TokenError::VerifierDiffers), "{verifier:?}");
        }
    }

    #[test]
    fn c16_a_verifier_without_a_challenge_is_refused() {
        let without_pkce = AuthorizationCode { code_challenge: None, ..code() };
        assert_eq!(redeem_at(1, &without_pkce, &right_request()), Err(TokenError::VerifierWithoutChallenge));
    }

    #[test]
    fn what_was_taken_away_since_the_code_was_given_counts() {
        let record = AuthorizationCode { ceiling: Some(scopes(&["users"])), ..code() };
        let code = ClaimedCode { record: &record, is_replay: false, proven_key: None };
        for app in [AppStanding::Refused, AppStanding::NotAuthorized, AppStanding::Authorized(scopes(&["oauth"]))] {
            let refused = redeem(code, &right_request(), &client(), &standing(app), ISSUED);
            assert_eq!(refused, Err(TokenError::NoLongerAuthorized));
        }
        let gone = Standing { is_subject_active: false, ..standing(AppStanding::Unbounded) };
        assert_eq!(redeem(code, &right_request(), &client(), &gone, ISSUED), Err(TokenError::NoLongerAuthorized));
    }
}
