//! JWT access tokens (RFC 9068), for apps whose resource servers verify offline.
//!
//! Only the text differs: a row is kept of each by its digest, as of an opaque token, and our own doors look that up. So a
//! token ends when it is revoked, and nothing that was changed in it, nor any other JWT, is found.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::client::Client;
use crate::id::OrganizationId;
use crate::oauth::delegation::{Act, Link};
use crate::oauth::scopes::Standing;
use crate::oauth::thumbprint::Confirmation;
use crate::oauth::token::{AccessToken, TokenFamily, TokenSubject, told_scope};

/// RFC 9068 §2.1
pub const JWT_ACCESS_TOKEN_TYP: &str = "at+jwt";

/// The claims (RFC 9068 §2.2). Permissions are never among them: they are looked up at each call.
#[derive(Debug, Serialize)]
pub struct JwtAccessToken {
    iss: String,
    exp: i64,
    aud: Vec<String>,
    sub: String,
    client_id: String,
    iat: i64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    /// RFC 8693 §4.1
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    /// The organization that the token acts in.
    org: OrganizationId,
}

impl JwtAccessToken {
    /// The claims of `token`, a new opaque one of `family` that `client` will get as a JWT instead: its digest becomes `jti`.
    pub fn new(
        token: &AccessToken,
        (family, links): (&TokenFamily, &[Link]),
        client: &Client,
        standing: &Standing,
        issuer: &str,
    ) -> Self {
        let authentication = family.authentication.as_ref();
        Self {
            iss: issuer.to_owned(),
            exp: token.expires_at.as_seconds(),
            aud: if token.audience.is_empty() { vec![issuer.to_owned()] } else { token.audience.clone() },
            sub: match &family.subject {
                TokenSubject::User(user) => user.to_string(),
                TokenSubject::Client => client.id.to_string(),
            },
            client_id: client.id.to_string(),
            iat: token.issued_at.as_seconds(),
            jti: URL_SAFE_NO_PAD.encode(token.digest.as_bytes()),
            // §2.2.1: about the sign-in, where there was one
            auth_time: authentication.map(|authentication| authentication.at.as_seconds()),
            acr: authentication.map(|authentication| authentication.acr.clone()),
            scope: told_scope(&token.protocol_scopes, standing.effective(token.ceiling.as_deref())),
            cnf: token.confirmation,
            act: Act::of(&client.id, links),
            org: family.organization.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::oauth::openid::protocol_scope::ProtocolScope;
    use crate::oauth::samples::{ISSUED, client, family, identity, scopes, standing};
    use crate::oauth::scopes::AppStanding;
    use crate::oauth::token::{Extent, TokenTerms};
    use serde_json::{Value, json};

    fn claims(family: &TokenFamily, terms: TokenTerms) -> Value {
        let (_, token) = AccessToken::issue(&family.id, terms, &client(), ISSUED, &SeededEntropy::new(1));
        let standing = standing(AppStanding::Authorized(scopes(&["users"])));
        serde_json::to_value(JwtAccessToken::new(&token, (family, &[]), &client(), &standing, "https://as.example"))
            .unwrap()
    }

    #[test]
    fn d01_the_claims_say_who_what_where_and_how_long() {
        let extent = Extent { ceiling: Some(scopes(&["users", "oauth"])), protocol: vec![ProtocolScope::OpenId] };
        let family = TokenFamily { identity: Some(identity()), ..family() };
        let mut claims = claims(&family, TokenTerms { extent, ..TokenTerms::default() });
        let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
        assert_eq!(jti.as_str().unwrap().len(), 43);
        let expected = json!({
            "iss": "https://as.example", "aud": ["https://as.example"], "sub": "ada", "client_id": "roster",
            "iat": 1_000_000, "exp": 1_086_400, "auth_time": 1_000_000, "acr": "urn:countersign:acr:password",
            "scope": "openid users", "org": "acme",
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn d01_a_client_for_itself_is_its_own_subject_and_a_resource_the_audience() {
        let family = TokenFamily { subject: TokenSubject::Client, authentication: None, ..family() };
        let audience = vec!["https://api.example".to_owned()];
        let claims = claims(&family, TokenTerms { audience, ..TokenTerms::default() });
        assert_eq!((&claims["sub"], &claims["aud"]), (&json!("roster"), &json!(["https://api.example"])));
        assert_eq!((claims.get("auth_time"), claims.get("acr"), claims.get("cnf")), (None, None, None));
    }
}
