//! Token exchange (RFC 8693): a client that was handed a token gets one of its own for the same person, to call on.
//!
//! The acting party is always the client that asks, so there is no `actor_token`. The result never exceeds the token that it was made of: not in
//! scope, life, organization or audience; and each client on the way must be allowed at each call (model page, "The rule").

use countersign_decision::Scope;

use crate::client::{Client, GrantType};
use crate::id::TokenFamilyId;
use crate::oauth::delegation::{Link, MAX_LINKS};
use crate::oauth::error::{TokenError, quotable};
use crate::oauth::introspection::{KnownToken, TokenKind};
use crate::oauth::scopes::{Standing, parse_requested};
use crate::oauth::thumbprint::Possession;
use crate::oauth::token::TokenFamily;
use crate::oauth::token_request::ExchangeRequest;
use crate::time::Timestamp;

/// RFC 8693 §2.1
pub const TOKEN_EXCHANGE_GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// RFC 8693 §3
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The token that a client presents, as it is kept, and how things stand in its organization.
#[derive(Debug, Clone, Copy)]
pub struct SubjectToken<'a> {
    /// What is kept of it.
    pub token: &'a KnownToken,
    /// How things stand for the client that the token was issued to, and for those that it came through.
    pub standing: &'a Standing,
    /// What it decided about the client that presents it.
    pub of_client: &'a Standing,
}

/// What an exchange gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The family of the one access token: there is no refresh token, which would outlive what was presented.
    pub family: TokenFamily,
    /// Whom it acts through, the nearest first.
    pub links: Vec<Link>,
    /// The latest end of the access token.
    pub expires_at: Timestamp,
}

/// The exchange that `client`, which holds `possession`, asks for. `subject` is `None` for an unknown token.
///
/// # Errors
/// The first thing that is wrong, in the order of RFC 8693 §2.1 and §2.2.2.
pub fn redeem(
    family: TokenFamilyId,
    request: &ExchangeRequest,
    subject: Option<SubjectToken<'_>>,
    (client, possession): (&Client, Possession),
    is_known: &dyn Fn(&Scope) -> bool,
    now: Timestamp,
) -> Result<Exchange, TokenError> {
    // §2.1: without authentication anybody who finds a token could make more of it.
    if !client.is_confidential {
        return Err(TokenError::PublicClient);
    }
    // RFC 6749 §5.2: unauthorized_client.
    if !client.has_grant(GrantType::TokenExchange) {
        return Err(TokenError::GrantTypeNotRegistered(GrantType::TokenExchange));
    }
    // §2.1, §3
    if request.subject_token_type != ACCESS_TOKEN_TYPE {
        return Err(TokenError::TokenType("subject_token_type"));
    }
    if request.requested_token_type.as_ref().is_some_and(|wanted| wanted != ACCESS_TOKEN_TYPE) {
        return Err(TokenError::TokenType("requested_token_type"));
    }
    if request.has_actor_token {
        return Err(TokenError::ActorToken);
    }
    // §2.2.2: an invalid subject token is invalid_request.
    let SubjectToken { token, standing, of_client } = subject
        .filter(|subject| subject.token.kind == TokenKind::Access && subject.token.is_live(subject.standing, now))
        .filter(|subject| possession.meets(subject.token.confirmation))
        .ok_or(TokenError::UnusableSubject)?;
    // §4.1: the chain is kept.
    let mut links = vec![Link {
        family: token.family.id.clone(),
        client: token.family.client.clone(),
        subject: token.family.subject.clone(),
        ceiling: token.ceiling.clone(),
    }];
    links.extend(token.links.iter().cloned());
    if links.len() >= MAX_LINKS {
        return Err(TokenError::ChainTooLong);
    }
    // §2.1: no wider scope than the subject token's, nor than this client's own.
    let asked = request.scope.as_deref().map(|text| parse_requested(text, is_known)).transpose()?;
    let held = standing.effective(token.ceiling.as_deref());
    let exceeding = asked.iter().flatten().find(|scope| held.as_ref().is_some_and(|held| !held.contains(scope)));
    if let Some(scope) = exceeding {
        return Err(TokenError::ScopeWidened(quotable(scope.as_str())));
    }
    if let Some(scope) = of_client.unauthorized(asked.as_deref().unwrap_or_default()) {
        return Err(TokenError::UnauthorizedScope(quotable(scope.as_str())));
    }
    let ceiling = asked.or_else(|| token.ceiling.clone());
    if !of_client.leaves_something(ceiling.as_deref()) {
        return Err(TokenError::NoLongerAuthorized);
    }
    Ok(Exchange {
        family: TokenFamily {
            id: family,
            organization: token.family.organization.clone(),
            client: client.id.clone(),
            subject: token.family.subject.clone(),
            ceiling,
            resources: token.audience.clone(),
            dpop_key: None,
            session: token.family.session.clone(),
            identity: None,
            authentication: token.family.authentication.clone(),
            created_at: now,
        },
        links,
        expires_at: token.expires_at.min(now.plus_seconds(client.token_ttl_seconds)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientState;
    use crate::id::ClientId;
    use crate::oauth::error::ErrorCode;
    use crate::oauth::samples::{ISSUED, client, family, known_token, public_client, scopes, standing};
    use crate::oauth::scopes::AppStanding;
    use crate::oauth::thumbprint::{Confirmation, Thumbprint};
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    fn agent() -> Client {
        let id = ClientId::parse("agent").unwrap();
        Client { id, grant_types: vec![GrantType::TokenExchange], token_ttl_seconds: 3_600, ..client() }
    }

    fn token() -> KnownToken {
        KnownToken { expires_at: ISSUED.plus_seconds(600), ..known_token() }
    }

    fn request() -> ExchangeRequest {
        ExchangeRequest {
            subject_token: Zeroizing::new("cs_at_x".to_owned()),
            subject_token_type: ACCESS_TOKEN_TYPE.to_owned(),
            requested_token_type: None,
            has_actor_token: false,
            scope: None,
        }
    }

    fn exchange(token: &KnownToken, request: &ExchangeRequest, client: &Client) -> Result<Exchange, TokenError> {
        let enforced = standing(AppStanding::Authorized(scopes(&["users", "oauth", "roles"])));
        let of_client = standing(AppStanding::Authorized(scopes(&["users"])));
        let subject = SubjectToken { token, standing: &enforced, of_client: &of_client };
        let id = TokenFamilyId::parse("new").unwrap();
        redeem(id, request, Some(subject), (client, Possession::default()), &|_| true, ISSUED.plus_seconds(1))
    }

    #[test]
    fn the_client_acts_for_the_same_person_through_the_one_that_handed_the_token_on() {
        let exchange = exchange(&token(), &request(), &agent()).unwrap();
        assert_eq!((exchange.family.client, exchange.family.subject), (agent().id, family().subject));
        assert_eq!(exchange.links.len(), 1);
        assert_eq!((&exchange.links[0].client, &exchange.links[0].ceiling), (&client().id, &token().ceiling));
        assert_eq!(exchange.expires_at, ISSUED.plus_seconds(600), "no longer than the subject token");
    }

    #[test]
    fn c50_what_is_no_live_access_token_of_ours_is_refused() {
        let key = Some(Confirmation::Key(Thumbprint::parse(&"A".repeat(43)).unwrap()));
        for bad in [
            KnownToken { kind: TokenKind::Refresh { is_replaced: false }, ..token() },
            KnownToken { is_revoked: true, ..token() },
            KnownToken { expires_at: ISSUED, ..token() },
            KnownToken { client_state: ClientState::Disabled, ..token() },
            KnownToken { is_client_home_active: false, ..token() },
            KnownToken { confirmation: key, ..token() },
        ] {
            assert_eq!(exchange(&bad, &request(), &agent()), Err(TokenError::UnusableSubject), "{bad:?}");
        }
        assert_eq!(TokenError::UnusableSubject.code(), ErrorCode::InvalidRequest);
    }

    #[test]
    fn c50_other_types_of_token_and_an_actor_token_are_refused() {
        let id_token = "urn:ietf:params:oauth:token-type:id_token".to_owned();
        for (bad, expected) in [
            (
                ExchangeRequest { subject_token_type: id_token.clone(), ..request() },
                TokenError::TokenType("subject_token_type"),
            ),
            (
                ExchangeRequest { requested_token_type: Some(id_token), ..request() },
                TokenError::TokenType("requested_token_type"),
            ),
            (ExchangeRequest { has_actor_token: true, ..request() }, TokenError::ActorToken),
        ] {
            assert_eq!(exchange(&token(), &bad, &agent()), Err(expected));
        }
    }

    #[test]
    fn c50_a_client_without_credentials_registration_or_rights_is_refused() {
        let public = Client { grant_types: agent().grant_types, ..public_client() };
        assert_eq!(exchange(&token(), &request(), &public), Err(TokenError::PublicClient));
        let code = exchange(&token(), &request(), &client()).unwrap_err().code();
        assert_eq!(code, ErrorCode::UnauthorizedClient);
        let other = KnownToken { ceiling: Some(scopes(&["oauth"])), ..token() };
        assert_eq!(exchange(&other, &request(), &agent()), Err(TokenError::NoLongerAuthorized));
    }

    #[test]
    fn c52_a_chain_of_four_is_kept_and_a_longer_one_refused() {
        let link = exchange(&token(), &request(), &agent()).unwrap().links.remove(0);
        let long = |links: usize| KnownToken { links: vec![link.clone(); links], ..token() };
        assert_eq!(exchange(&long(2), &request(), &agent()).unwrap().links.len(), 3);
        assert_eq!(exchange(&long(3), &request(), &agent()), Err(TokenError::ChainTooLong));
        assert_eq!(TokenError::ChainTooLong.code(), ErrorCode::InvalidRequest);
    }

    fn some_scopes() -> impl Strategy<Value = Vec<Scope>> {
        proptest::sample::subsequence(vec!["users", "oauth", "roles"], 1..=3).prop_map(|names| scopes(&names))
    }

    proptest! {
        #[test]
        fn c51_the_result_never_exceeds_the_subject_token(
            ceiling in proptest::option::of(some_scopes()),
            asked in proptest::option::of(some_scopes()),
            life in 2..100_000_i64,
            audience in proptest::collection::vec("[a-c]", 0..3),
        ) {
            let token = KnownToken { ceiling, audience, expires_at: ISSUED.plus_seconds(life), ..token() };
            let scope = asked.as_ref().map(|scopes| crate::oauth::scopes::join(scopes));
            if let Ok(made) = exchange(&token, &ExchangeRequest { scope, ..request() }, &agent()) {
                let within = |scope: &Scope| token.ceiling.as_ref().is_none_or(|held| held.contains(scope));
                prop_assert!(made.family.ceiling.iter().flatten().all(within));
                prop_assert!(token.ceiling.is_none() || made.family.ceiling.is_some());
                prop_assert!(made.expires_at <= token.expires_at);
                prop_assert_eq!(&made.family.organization, &token.family.organization);
                prop_assert_eq!(&made.family.resources, &token.audience);
            }
        }
    }
}
