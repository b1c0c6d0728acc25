//! What a code and the tokens that come from it remember of the person's sign-in (OpenID Connect Core §2, §12.2).

use serde::{Deserialize, Serialize};

use crate::client::{Client, GrantType};
use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::openid::claims::ClaimName;
use crate::oauth::openid::protocol_scope::ProtocolScope;
use crate::session::Session;

/// What was granted about the person, kept with the code and then with the family of its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The protocol scopes.
    pub scopes: Vec<ProtocolScope>,
    /// The authorization request's, for the first ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// When the person proved who they are, in seconds since 1970.
    pub auth_time: i64,
    /// How.
    pub acr: String,
    /// What the ID token tells by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token_claims: Vec<ClaimName>,
    /// What UserInfo tells by name, besides what the scopes allow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo_claims: Vec<ClaimName>,
}

impl Identity {
    /// What `request` is granted about the person of `session`; `None` where it asked for nothing of it.
    pub fn granted(request: &AuthorizationRequest, client: &Client, session: &Session) -> Option<Self> {
        Self::of_scopes(&request.protocol_scopes, client, session).map(|identity| Self {
            nonce: request.identity.nonce.clone(),
            id_token_claims: request.identity.claims.id_token.clone(),
            userinfo_claims: request.identity.claims.userinfo.clone(),
            ..identity
        })
    }

    /// What a request of `client` that has nothing but protocol scopes is granted; `None` where it has none.
    pub fn of_scopes(requested: &[ProtocolScope], client: &Client, session: &Session) -> Option<Self> {
        let can_be_offline = client.has_grant(GrantType::RefreshToken);
        let is_granted = |scope: &ProtocolScope| *scope != ProtocolScope::OfflineAccess || can_be_offline;
        let scopes: Vec<ProtocolScope> = requested.iter().copied().filter(is_granted).collect();
        let authentication = session.authentication();
        (!scopes.is_empty()).then(|| Self {
            scopes,
            nonce: None,
            auth_time: authentication.at.as_seconds(),
            acr: authentication.acr,
            id_token_claims: Vec::new(),
            userinfo_claims: Vec::new(),
        })
    }

    /// What UserInfo may tell to a token that holds `scopes` of this (OpenID Connect Core §5.4, §5.5).
    pub fn userinfo(&self, scopes: &[ProtocolScope]) -> Vec<ClaimName> {
        let by_scope = scopes.iter().flat_map(|scope| scope.claims());
        by_scope.chain(&self.userinfo_claims).copied().collect()
    }
}

/// What the person is asked for: the protocol scopes, and the scopes of what is asked for by name.
pub fn asked_of_the_person(request: &AuthorizationRequest) -> Vec<ProtocolScope> {
    let mut asked = request.protocol_scopes.clone();
    let claims = &request.identity.claims;
    if asked.contains(&ProtocolScope::OpenId) {
        let named = claims.userinfo.iter().chain(&claims.id_token).map(|name| name.scope());
        for scope in named {
            if !asked.contains(&scope) {
                asked.push(scope);
            }
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::parameters::Parameters;
    use crate::oauth::samples::{CHALLENGE, client, session};

    fn request(scope: &str, claims: &str) -> AuthorizationRequest {
        let parameters = Parameters::from([
            ("redirect_uri", "https://app.example/cb"),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("scope", scope),
            ("nonce", "n"),
            ("claims", claims),
        ]);
        AuthorizationRequest::check(&parameters, Some(&client()), &|scope| scope.as_str() == "users").unwrap()
    }

    #[test]
    fn what_was_granted_is_read_back_as_it_was_kept() {
        let granted = Identity::granted(&request("openid email users", ""), &client(), &session()).unwrap();
        assert_eq!(granted.scopes, [ProtocolScope::OpenId, ProtocolScope::Email]);
        assert_eq!((granted.nonce.as_deref(), granted.auth_time), (Some("n"), 1_000_000));
        let kept = serde_json::to_string(&granted).unwrap();
        assert_eq!(serde_json::from_str::<Identity>(&kept).unwrap(), granted);
        assert_eq!(Identity::granted(&request("users", ""), &client(), &session()), None);
    }

    #[test]
    fn offline_access_is_granted_to_clients_with_refresh_tokens_only() {
        let asked = request("openid offline_access", "");
        let short_lived = Client { grant_types: vec![GrantType::AuthorizationCode], ..client() };
        assert_eq!(Identity::granted(&asked, &short_lived, &session()).unwrap().scopes, [ProtocolScope::OpenId]);
        assert_eq!(Identity::granted(&asked, &client(), &session()).unwrap().scopes.len(), 2);
    }

    #[test]
    fn a_claim_that_is_named_is_told_and_the_person_is_asked_for_its_scope() {
        let asked = request("openid", r#"{"userinfo":{"email":null}}"#);
        assert_eq!(asked_of_the_person(&asked), [ProtocolScope::OpenId, ProtocolScope::Email]);
        let granted = Identity::granted(&asked, &client(), &session()).unwrap();
        assert_eq!(granted.userinfo(&granted.scopes), [ClaimName::Email]);
        let by_scope = Identity::granted(&request("openid profile", ""), &client(), &session()).unwrap();
        assert_eq!(by_scope.userinfo(&by_scope.scopes), [ClaimName::Name, ClaimName::UpdatedAt]);
    }
}
