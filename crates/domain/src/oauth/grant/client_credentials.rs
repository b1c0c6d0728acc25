//! The client credentials grant (RFC 6749 §4.4): the client acts for itself, in its own organization.
//!
//! A token may be had before the organization authorized the app: every call is decided live and answers 403 until then.

use crate::client::{Client, GrantType};
use crate::id::TokenFamilyId;
use crate::oauth::error::{TokenError, quotable};
use crate::oauth::scopes::{Standing, parse_requested};
use crate::oauth::token::{TokenFamily, TokenSubject};
use crate::oauth::token_request::ClientCredentialsRequest;
use crate::time::Timestamp;
use countersign_decision::Scope;

/// The family of one access token for the authenticated `client`; there is no refresh token (RFC 6749 §4.4.3).
///
/// # Errors
/// When the client cannot use this grant, or asks for a scope that it cannot have: nobody can be asked here.
pub fn redeem(
    family: TokenFamilyId,
    request: &ClientCredentialsRequest,
    client: &Client,
    standing: &Standing,
    is_known: &dyn Fn(&Scope) -> bool,
    now: Timestamp,
) -> Result<TokenFamily, TokenError> {
    // RFC 6749 §4.4: MUST only be used by confidential clients.
    if !client.is_confidential {
        return Err(TokenError::PublicClient);
    }
    // RFC 6749 §5.2: unauthorized_client.
    if !client.has_grant(GrantType::ClientCredentials) {
        return Err(TokenError::GrantTypeNotRegistered(GrantType::ClientCredentials));
    }
    if !standing.is_organization_active {
        return Err(TokenError::NoLongerAuthorized);
    }
    // RFC 6749 §4.4.2, §3.3
    let ceiling = request.scope.as_deref().map(|text| parse_requested(text, is_known)).transpose()?;
    if let Some(scope) = standing.unauthorized(ceiling.as_deref().unwrap_or_default()) {
        return Err(TokenError::UnauthorizedScope(quotable(scope.as_str())));
    }
    Ok(TokenFamily {
        id: family,
        organization: client.organization.clone(),
        client: client.id.clone(),
        subject: TokenSubject::Client,
        ceiling,
        resources: Vec::new(),
        dpop_key: None,
        session: None,
        identity: None,
        authentication: None,
        created_at: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::samples::{ISSUED, acme, client, public_client, scopes, standing};
    use crate::oauth::scopes::AppStanding;

    fn redeem_as(client: &Client, scope: Option<&str>, app: AppStanding) -> Result<TokenFamily, TokenError> {
        let request = ClientCredentialsRequest { scope: scope.map(str::to_owned) };
        let known = |scope: &Scope| ["users", "users:readonly"].contains(&scope.as_str());
        redeem(TokenFamilyId::parse("f").unwrap(), &request, client, &standing(app), &known, ISSUED)
    }

    #[test]
    fn c29_a_public_client_is_refused() {
        let refused = redeem_as(&public_client(), None, AppStanding::Unbounded).unwrap_err();
        assert_eq!(refused.code().as_str(), "unauthorized_client");
    }

    #[test]
    fn c05_a_client_that_is_not_registered_for_the_grant_is_refused() {
        let other = Client { grant_types: vec![GrantType::AuthorizationCode], ..client() };
        let refused = redeem_as(&other, None, AppStanding::Unbounded).unwrap_err();
        assert_eq!(refused.code().as_str(), "unauthorized_client");
    }

    #[test]
    fn c30_a_scope_that_the_organization_has_not_authorized_is_refused() {
        let readonly = || AppStanding::Authorized(scopes(&["users:readonly"]));
        let refused = redeem_as(&client(), Some("users"), readonly());
        assert_eq!(refused, Err(TokenError::UnauthorizedScope("users".into())));
        let given = redeem_as(&client(), Some("users:readonly"), readonly()).unwrap();
        assert_eq!(given.ceiling, Some(scopes(&["users:readonly"])));
        assert!(redeem_as(&client(), Some("users"), AppStanding::NotAuthorized).is_err());
    }

    #[test]
    fn a18_an_unregistered_scope_is_refused_even_where_nothing_is_enforced() {
        assert_eq!(
            redeem_as(&client(), Some("userz"), AppStanding::Unbounded),
            Err(TokenError::UnknownScope("userz".into()))
        );
        assert!(redeem_as(&client(), Some("users"), AppStanding::Unbounded).is_ok());
    }

    #[test]
    fn c31_without_scope_a_token_comes_before_any_authorization_in_the_clients_own_organization() {
        for app in [AppStanding::NotAuthorized, AppStanding::Refused, AppStanding::Unbounded] {
            let family = redeem_as(&client(), None, app).unwrap();
            assert_eq!((family.organization, family.subject, family.ceiling), (acme(), TokenSubject::Client, None));
        }
    }
}
