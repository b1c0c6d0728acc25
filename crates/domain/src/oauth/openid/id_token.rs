//! The ID token (OpenID Connect Core §2, §3.1.3.6, §12.2) and the UserInfo answer (§5.3.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256, Sha512};

use crate::client::Client;
use crate::id::{OrganizationId, SessionId, UserId};
use crate::oauth::openid::claims::PersonClaims;
use crate::oauth::openid::identity::Identity;
use crate::oauth::openid::protocol_scope::ProtocolScope;
use crate::oauth::signing_key::SigningAlgorithm;
use crate::oauth::token::TokenFamily;
use crate::time::Timestamp;
use crate::user::User;

/// The `typ` of an ID token.
pub const ID_TOKEN_TYP: &str = "JWT";
/// How long an ID token is valid, in seconds: it proves a sign-in that just happened.
pub const ID_TOKEN_SECONDS: i64 = 3_600;

/// The claims of an ID token.
#[derive(Debug, Serialize)]
pub struct IdToken {
    iss: String,
    sub: UserId,
    aud: String,
    azp: String,
    exp: i64,
    iat: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    acr: String,
    at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
    /// The organization that the person signed in to.
    org: OrganizationId,
    #[serde(flatten)]
    person: PersonClaims,
}

/// When an ID token is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// At the code's redemption: the request's nonce is echoed (§3.1.3.6).
    Redemption,
    /// At a refresh: §12.2, it SHOULD NOT have a nonce.
    Refresh,
}

/// What an ID token is made of.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenParts<'a> {
    /// Our issuer identifier.
    pub issuer: &'a str,
    /// The only audience.
    pub client: &'a Client,
    /// The family of the access token that comes with it.
    pub family: &'a TokenFamily,
    /// The person.
    pub user: &'a User,
    /// The access token that comes with it.
    pub access_token: &'a str,
}

impl IdToken {
    /// An ID token, to be signed with `algorithm`; `None` where the access token's `scopes` hold no `openid`.
    pub fn new(
        parts: IdTokenParts<'_>,
        scopes: &[ProtocolScope],
        occasion: Occasion,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> Option<Self> {
        let identity = parts.family.identity.as_ref().filter(|_| scopes.contains(&ProtocolScope::OpenId))?;
        Some(Self {
            iss: parts.issuer.to_owned(),
            sub: parts.user.id.clone(),
            aud: parts.client.id.to_string(),
            azp: parts.client.id.to_string(),
            exp: now.plus_seconds(ID_TOKEN_SECONDS).as_seconds(),
            iat: now.as_seconds(),
            auth_time: identity.auth_time,
            nonce: identity.nonce.clone().filter(|_| occasion == Occasion::Redemption),
            acr: identity.acr.clone(),
            at_hash: at_hash(parts.access_token, algorithm),
            sid: parts.family.session.clone(),
            org: parts.family.organization.clone(),
            person: PersonClaims::of(parts.user, &identity.id_token_claims),
        })
    }
}

/// The UserInfo answer.
#[derive(Debug, Serialize)]
pub struct UserInfo {
    /// §5.3.2: always there, and the ID token's.
    sub: UserId,
    /// The organization that the person signed in to.
    org: OrganizationId,
    #[serde(flatten)]
    person: PersonClaims,
}

impl UserInfo {
    /// What a token that holds `scopes` of `identity` may be told about `user`.
    pub fn new(identity: &Identity, scopes: &[ProtocolScope], user: &User) -> Self {
        let person = PersonClaims::of(user, &identity.userinfo(scopes));
        Self { sub: user.id.clone(), org: user.organization.clone(), person }
    }
}

/// §3.1.3.6: the left half of the hash that the signature uses; Ed25519 uses SHA-512.
fn at_hash(access_token: &str, algorithm: SigningAlgorithm) -> String {
    match algorithm {
        SigningAlgorithm::Es256 | SigningAlgorithm::Rs256 => {
            URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token.as_bytes())[..16])
        }
        SigningAlgorithm::EdDsa => URL_SAFE_NO_PAD.encode(&Sha512::digest(access_token.as_bytes())[..32]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::openid::claims::ClaimName;
    use crate::oauth::samples::{ISSUED, client, family, identity, user};
    use serde_json::{Value, json};

    fn made(family: &TokenFamily, scopes: &[ProtocolScope], occasion: Occasion) -> Option<Value> {
        let (client, user) = (client(), user());
        let issuer = "https://as.example";
        let parts = IdTokenParts { issuer, client: &client, family, user: &user, access_token: "cs_at_x" };
        let token = IdToken::new(parts, scopes, occasion, SigningAlgorithm::Es256, ISSUED.plus_seconds(10))?;
        Some(serde_json::to_value(token).unwrap())
    }

    fn with_identity() -> TokenFamily {
        TokenFamily { identity: Some(identity()), ..family() }
    }

    #[test]
    fn e26_an_id_token_names_issuer_person_client_and_sign_in() {
        let made = made(&with_identity(), &[ProtocolScope::OpenId], Occasion::Redemption).unwrap();
        let expected = json!({
            "iss": "https://as.example", "sub": "ada", "aud": "roster", "azp": "roster", "iat": 1_000_010,
            "exp": 1_003_610, "auth_time": 1_000_000, "nonce": "n", "acr": "urn:countersign:acr:password",
            "at_hash": at_hash("cs_at_x", SigningAlgorithm::Es256), "sid": "session", "org": "acme",
        });
        assert_eq!(made, expected);
    }

    #[test]
    fn e26_a_refresh_gives_one_without_nonce_and_with_the_first_auth_time() {
        let made = made(&with_identity(), &[ProtocolScope::OpenId], Occasion::Refresh).unwrap();
        assert_eq!((made.get("nonce"), &made["auth_time"]), (None, &json!(1_000_000)));
    }

    #[test]
    fn without_openid_there_is_none() {
        assert_eq!(made(&with_identity(), &[ProtocolScope::Profile], Occasion::Redemption), None);
        assert_eq!(made(&family(), &[ProtocolScope::OpenId], Occasion::Redemption), None);
    }

    #[test]
    fn e26_at_hash_is_half_the_hash_of_the_signatures_algorithm() {
        // OpenID Connect Core appendix A.3
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(at_hash(token, SigningAlgorithm::Rs256), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(at_hash(token, SigningAlgorithm::EdDsa).len(), 43);
    }

    #[test]
    fn e24_userinfo_tells_what_the_scopes_allow_and_what_was_named() {
        let told = |identity: &Identity, scopes: &[ProtocolScope]| {
            serde_json::to_value(UserInfo::new(identity, scopes, &user())).unwrap()
        };
        assert_eq!(told(&identity(), &[ProtocolScope::OpenId]), json!({ "sub": "ada", "org": "acme" }));
        let all = told(&identity(), &ProtocolScope::ALL);
        assert_eq!(
            all,
            json!({
                "sub": "ada", "org": "acme", "name": "Ada Lovelace", "updated_at": 1_000_000,
                "email": "ada@acme.test", "email_verified": false,
            })
        );
        let named = Identity { userinfo_claims: vec![ClaimName::Name], ..identity() };
        assert_eq!(told(&named, &[ProtocolScope::OpenId])["name"], "Ada Lovelace");
    }
}
