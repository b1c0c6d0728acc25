//! What a resource server may learn about a token (RFC 7662 §2.2), and in which form (RFC 9701 §5).
//!
//! The answer is about this instant: what the organization took away is gone from it. Why a token is not active is never
//! said; a token of somebody else is like one that never was.

use countersign_decision::Scope;
use serde::Serialize;

use crate::client::{Client, ClientState};
use crate::id::{ClientId, OrganizationId};
use crate::oauth::delegation::{Act, Link};
use crate::oauth::openid::protocol_scope::ProtocolScope;
use crate::oauth::scopes::Standing;
use crate::oauth::thumbprint::Confirmation;
use crate::oauth::token::{TokenFamily, TokenSubject, token_type, told_scope};
use crate::time::Timestamp;

/// The `Accept` and `Content-Type` of a signed answer (RFC 9701 §4, §5).
pub const SIGNED_MEDIA_TYPE: &str = "application/token-introspection+jwt";
/// The `typ` of a signed answer (RFC 9701 §5).
pub const SIGNED_TYP: &str = "token-introspection+jwt";

/// What is kept of an access or refresh token, with what it depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownToken {
    /// Which of the two.
    pub kind: TokenKind,
    /// What it belongs to.
    pub family: TokenFamily,
    /// Whether the family was ended, or one that it came through, or an app on the way is switched off.
    pub is_revoked: bool,
    /// This token's own ceiling.
    pub ceiling: Option<Vec<Scope>>,
    /// What whoever presents it must hold (RFC 7800).
    pub confirmation: Option<Confirmation>,
    /// The APIs that it is for (RFC 8707); empty: all.
    pub audience: Vec<String>,
    /// What this token may be told about the person.
    pub protocol_scopes: Vec<ProtocolScope>,
    /// Whom it acts through, the nearest first (RFC 8693 §4.1).
    pub links: Vec<Link>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The state of its client.
    pub client_state: ClientState,
    /// Whether the organization that registered the client is active.
    pub is_client_home_active: bool,
}

impl KnownToken {
    /// Whether it can be used at `now`: it, its family, its client, and what it acts for and under.
    pub fn is_live(&self, standing: &Standing, now: Timestamp) -> bool {
        !self.is_revoked
            && now < self.expires_at
            && self.kind != TokenKind::Refresh { is_replaced: true }
            && self.client_state == ClientState::Active
            && self.is_client_home_active
            && standing.leaves_something(self.ceiling.as_deref())
    }
}

/// The kinds of token that are introspected and revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// RFC 6749 §1.4
    Access,
    /// RFC 6749 §1.5, and whether a successor replaced it.
    Refresh {
        /// A replaced token is good for a lost answer's repetition only.
        is_replaced: bool,
    },
}

/// The answer (RFC 7662 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Introspection {
    /// Nothing but that.
    Inactive {
        /// `false`.
        active: False,
    },
    /// A live token, for a client that may know.
    Active(Box<ActiveToken>),
}

/// What is said of a live token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveToken {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    client_id: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    exp: i64,
    iat: i64,
    sub: String,
    aud: Vec<String>,
    iss: String,
    /// RFC 8705 §3.2, RFC 9449 §6.2
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    /// RFC 8693 §4.1
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    /// RFC 9470 §6.2: the sign-in, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    /// The organization that the token acts in.
    org: OrganizationId,
}

/// The JSON value `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct False;

impl Serialize for False {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(false)
    }
}

/// The claims of a signed answer (RFC 9701 §5).
#[derive(Debug, Serialize)]
pub struct SignedIntrospection<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    token_introspection: &'a Introspection,
}

impl Introspection {
    /// What every refused question is answered with.
    pub const INACTIVE: Self = Self::Inactive { active: False };

    /// What `caller` may learn of `token` at `now`. `standing` is that of everybody whom it acts through.
    pub fn of(token: &KnownToken, caller: &Client, standing: &Standing, issuer: &str, now: Timestamp) -> Self {
        // RFC 7662 §2.1, §4: not everybody who has a secret may try tokens; docs/decisions/0017.
        let serves = |resource: &String| caller.metadata.resources.iter().any(|own| own.as_str() == resource);
        let may_know = token.family.client == caller.id || token.audience.iter().any(serves);
        // RFC 7662 §2.2: whether the token is active, as a door of ours would find it now.
        if !may_know || !token.is_live(standing, now) {
            return Self::INACTIVE;
        }
        let authentication = token.family.authentication.as_ref();
        Self::Active(Box::new(ActiveToken {
            active: true,
            scope: told_scope(&token.protocol_scopes, standing.effective(token.ceiling.as_deref())),
            client_id: token.family.client.clone(),
            token_type: (token.kind == TokenKind::Access).then(|| token_type(token.confirmation)),
            exp: token.expires_at.as_seconds(),
            iat: token.issued_at.as_seconds(),
            sub: match &token.family.subject {
                TokenSubject::User(user) => user.to_string(),
                TokenSubject::Client => token.family.client.to_string(),
            },
            aud: if token.audience.is_empty() { vec![issuer.to_owned()] } else { token.audience.clone() },
            iss: issuer.to_owned(),
            cnf: token.confirmation,
            act: Act::of(&token.family.client, &token.links),
            auth_time: authentication.map(|authentication| authentication.at.as_seconds()),
            acr: authentication.map(|authentication| authentication.acr.clone()),
            org: token.family.organization.clone(),
        }))
    }

    /// The claims of the signed form, for `caller` only.
    pub fn signed<'a>(&'a self, caller: &'a Client, issuer: &'a str, now: Timestamp) -> SignedIntrospection<'a> {
        SignedIntrospection { iss: issuer, aud: caller.id.as_str(), iat: now.as_seconds(), token_introspection: self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::samples::{ISSUED, client, family, known_token, scopes, standing};
    use crate::oauth::scopes::AppStanding;

    fn token() -> KnownToken {
        KnownToken { protocol_scopes: vec![ProtocolScope::OpenId], ..known_token() }
    }

    fn asked_by(caller: &Client, token: &KnownToken, standing: &Standing) -> Introspection {
        Introspection::of(token, caller, standing, "https://as.example", ISSUED.plus_seconds(1))
    }

    #[test]
    fn d24_an_active_token_is_told_with_its_effective_scope_and_organization() {
        let standing = standing(AppStanding::Authorized(scopes(&["users"])));
        let told = serde_json::to_value(asked_by(&client(), &token(), &standing)).unwrap();
        let expected = serde_json::json!({
            "active": true, "scope": "openid users", "client_id": "roster", "token_type": "bearer", "exp": 1_003_600,
            "iat": 1_000_000, "sub": "ada", "aud": ["https://as.example"], "iss": "https://as.example", "org": "acme",
            "auth_time": 1_000_000, "acr": "urn:countersign:acr:password",
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn d24_a_clients_own_token_names_the_client_as_its_subject() {
        let own = KnownToken {
            family: TokenFamily { subject: TokenSubject::Client, authentication: None, ..family() },
            ..token()
        };
        let told = serde_json::to_value(asked_by(&client(), &own, &standing(AppStanding::Unbounded))).unwrap();
        assert_eq!((&told["sub"], told.get("auth_time"), told.get("acr")), (&serde_json::json!("roster"), None, None));
    }

    #[test]
    fn d23_whatever_is_wrong_the_answer_is_the_same() {
        let (live, good) = (token(), standing(AppStanding::Unbounded));
        assert_ne!(asked_by(&client(), &live, &good), Introspection::INACTIVE);
        let stranger = Client { id: ClientId::parse("other").unwrap(), ..client() };
        assert_eq!(asked_by(&stranger, &live, &good), Introspection::INACTIVE);
        for dead in [
            KnownToken { is_revoked: true, ..token() },
            KnownToken { expires_at: ISSUED.plus_seconds(1), ..token() },
            KnownToken { kind: TokenKind::Refresh { is_replaced: true }, ..token() },
            KnownToken { client_state: ClientState::Disabled, ..token() },
            KnownToken { is_client_home_active: false, ..token() },
        ] {
            assert_eq!(asked_by(&client(), &dead, &good), Introspection::INACTIVE, "{dead:?}");
        }
        for gone in [
            Standing { is_organization_active: false, ..good.clone() },
            Standing { is_subject_active: false, ..good.clone() },
            standing(AppStanding::Refused),
            standing(AppStanding::NotAuthorized),
            standing(AppStanding::Authorized(scopes(&["users:readonly"]))),
        ] {
            assert_eq!(asked_by(&client(), &live, &gone), Introspection::INACTIVE, "{gone:?}");
        }
        assert_eq!(serde_json::to_string(&Introspection::INACTIVE).unwrap(), r#"{"active":false}"#);
    }

    #[test]
    fn d27_a_signed_answer_is_for_its_caller() {
        let told = Introspection::INACTIVE;
        let claims = serde_json::to_value(told.signed(&client(), "https://as.example", ISSUED)).unwrap();
        let expected = serde_json::json!({
            "iss": "https://as.example", "aud": "roster", "iat": 1_000_000, "token_introspection": { "active": false },
        });
        assert_eq!(claims, expected);
    }
}
