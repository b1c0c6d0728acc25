//! What is kept of access and refresh tokens (RFC 6749 §1.4, §1.5). The token itself is kept nowhere.

use countersign_decision::Scope;
use serde::Serialize;

use crate::client::Client;
use crate::entropy::Entropy;
use crate::id::{ClientId, OrganizationId, SessionId, TokenFamilyId, UserId};
use crate::oauth::authentication::Authentication;
use crate::oauth::openid::identity::Identity;
use crate::oauth::openid::protocol_scope::ProtocolScope;
use crate::oauth::scopes::{Standing, join};
use crate::oauth::thumbprint::{Confirmation, Thumbprint};
use crate::secret::{Digest, Secret, SecretKind};
use crate::time::Timestamp;

/// Whom a token acts for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TokenSubject {
    /// A person, through the client.
    User(UserId),
    /// The client itself (RFC 6749 §4.4).
    Client,
}

/// All tokens that descend from one code redemption or one client-credentials call; they die together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFamily {
    /// Made by us.
    pub id: TokenFamilyId,
    /// The organization that the tokens act in.
    pub organization: OrganizationId,
    /// The client that the tokens were issued to.
    pub client: ClientId,
    /// Whom they act for.
    pub subject: TokenSubject,
    /// The most that the tokens may ask for; `None`: they follow the authorization as it changes.
    pub ceiling: Option<Vec<Scope>>,
    /// RFC 8707: the APIs that its tokens can be for; empty: all.
    pub resources: Vec<String>,
    /// RFC 9449 §5: the key that a public client's refresh tokens are bound to.
    pub dpop_key: Option<Thumbprint>,
    /// The sign-in that they came from; they die with it. `None` where nobody signed in.
    pub session: Option<SessionId>,
    /// What was granted about the person; `None` where nothing was asked.
    pub identity: Option<Identity>,
    /// How and when the person proved who they are; `None` where nobody signed in here.
    pub authentication: Option<Authentication>,
    /// When the first token was issued.
    pub created_at: Timestamp,
}

impl TokenFamily {
    /// Everything that the family was granted.
    pub fn extent(&self) -> Extent {
        let protocol = self.identity.as_ref().map(|identity| identity.scopes.clone()).unwrap_or_default();
        Extent { ceiling: self.ceiling.clone(), protocol }
    }
}

/// What one access token may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extent {
    /// The most that it may ask of operations; `None`: it follows the authorization as it changes.
    pub ceiling: Option<Vec<Scope>>,
    /// What it may be told about the person.
    pub protocol: Vec<ProtocolScope>,
}

/// What is kept of an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Digest of the token.
    pub digest: Digest,
    /// The family it dies with.
    pub family: TokenFamilyId,
    /// This token's own ceiling: the family's or less.
    pub ceiling: Option<Vec<Scope>>,
    /// What whoever presents it must hold; `None`: a bearer token.
    pub confirmation: Option<Confirmation>,
    /// RFC 8707: the APIs that it is for; empty: all.
    pub audience: Vec<String>,
    /// What it may be told about the person.
    pub protocol_scopes: Vec<ProtocolScope>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a new access token may do, for whom and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenTerms {
    /// The family's or less.
    pub extent: Extent,
    /// What whoever presents it must hold.
    pub confirmation: Option<Confirmation>,
    /// The APIs that it is for; empty: all.
    pub audience: Vec<String>,
    /// When it ends at the latest; `None`: as the client registered.
    pub ends_by: Option<Timestamp>,
}

/// What is kept of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Digest of the token.
    pub digest: Digest,
    /// The family it dies with.
    pub family: TokenFamilyId,
    /// 0 for the first of the family, one more with each rotation.
    pub generation: i64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it was first used and replaced by a successor; `None` while it is the newest.
    pub rotated_at: Option<Timestamp>,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
}

impl AccessToken {
    /// A new access token of `family` that lives as long as `client` is registered for.
    pub fn issue(
        family: &TokenFamilyId,
        terms: TokenTerms,
        client: &Client,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> (Secret, Self) {
        let secret = Secret::generate(SecretKind::AccessToken, entropy);
        let registered_end = now.plus_seconds(client.token_ttl_seconds);
        let record = Self {
            digest: secret.digest(),
            family: family.clone(),
            ceiling: terms.extent.ceiling,
            protocol_scopes: terms.extent.protocol,
            confirmation: terms.confirmation,
            audience: terms.audience,
            issued_at: now,
            expires_at: terms.ends_by.map_or(registered_end, |end| end.min(registered_end)),
        };
        (secret, record)
    }
}

impl RefreshToken {
    /// A new refresh token of `family`.
    pub fn issue(
        family: &TokenFamilyId,
        generation: i64,
        expires_at: Timestamp,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> (Secret, Self) {
        let secret = Secret::generate(SecretKind::RefreshToken, entropy);
        let digest = secret.digest();
        let record = Self { digest, family: family.clone(), generation, issued_at: now, rotated_at: None, expires_at };
        (secret, record)
    }
}

/// How a token is presented: RFC 6750, or RFC 9449 §5 where it is bound to a key.
pub fn token_type(confirmation: Option<Confirmation>) -> &'static str {
    if matches!(confirmation, Some(Confirmation::Key(_))) { "DPoP" } else { "bearer" }
}

/// The token endpoint's successful answer (RFC 6749 §5.1).
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

impl TokenResponse {
    /// The answer that hands out `access_token` and, where there is one, `refresh_token`.
    pub fn new(access_token: &str, record: &AccessToken, refresh_token: Option<&str>, standing: &Standing) -> Self {
        // RFC 6749 §5.1: `scope` is REQUIRED where it is not what was requested; an empty one is not a scope.
        let scope = told_scope(&record.protocol_scopes, standing.effective(record.ceiling.as_deref()));
        Self {
            access_token: access_token.to_owned(),
            // RFC 9449 §5; a token that is bound to a certificate is still used as Bearer (RFC 8705 §3)
            token_type: token_type(record.confirmation),
            expires_in: record.expires_at.seconds_since(record.issued_at),
            refresh_token: refresh_token.map(str::to_owned),
            issued_token_type: None,
            id_token: None,
            scope,
        }
    }

    /// The same as the answer to an exchange, which names what it gives (RFC 8693 §2.2.1).
    pub fn of_type(self, issued_token_type: &'static str) -> Self {
        Self { issued_token_type: Some(issued_token_type), ..self }
    }

    /// The same with an ID token, if there is one (OpenID Connect Core §3.1.3.3).
    pub fn with_id_token(self, id_token: Option<String>) -> Self {
        Self { id_token, ..self }
    }
}

/// A `scope` member: the protocol's scopes, then what operations may be asked for as far as anything bounds it.
pub fn told_scope(protocol: &[ProtocolScope], effective: Option<Vec<Scope>>) -> Option<String> {
    let mut scopes: Vec<Scope> = protocol.iter().map(|scope| scope.to_scope()).collect();
    scopes.extend(effective.unwrap_or_default());
    (!scopes.is_empty()).then(|| join(&scopes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::oauth::samples::{ISSUED, client, family, scopes, standing};
    use crate::oauth::scopes::AppStanding;

    #[test]
    fn c08_the_answer_names_type_lifetime_and_effective_scope() {
        let entropy = SeededEntropy::new(1);
        let extent = Extent { ceiling: Some(scopes(&["users", "oauth"])), protocol: vec![ProtocolScope::OpenId] };
        let terms = TokenTerms { extent, ..TokenTerms::default() };
        let (secret, record) = AccessToken::issue(&family().id, terms, &client(), ISSUED, &entropy);
        let standing = standing(AppStanding::Authorized(scopes(&["users"])));
        let body =
            serde_json::to_value(TokenResponse::new(secret.expose(), &record, Some("cs_rt_x"), &standing)).unwrap();
        let expected = serde_json::json!({
            "access_token": secret.expose(), "token_type": "bearer", "expires_in": 86_400,
            "refresh_token": "cs_rt_x", "scope": "openid users",
        });
        assert_eq!(body, expected);
        assert_eq!(record.digest, secret.digest());
    }

    #[test]
    fn c08_without_a_bound_or_a_refresh_token_neither_member_stands() {
        let (secret, record) =
            AccessToken::issue(&family().id, TokenTerms::default(), &client(), ISSUED, &SeededEntropy::new(1));
        let answer = TokenResponse::new(secret.expose(), &record, None, &standing(AppStanding::Unbounded));
        let body = serde_json::to_value(answer).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 3);
    }
}
