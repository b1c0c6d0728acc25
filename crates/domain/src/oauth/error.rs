//! The error codes of OAuth (RFC 6749 §4.1.2.1 and §5.2), and why a token request is refused.
//!
//! Statuses stand in the server's `http/error.rs`. What [`TokenError`] displays is the `error_description`: short, for
//! the developer of the client, without a secret or an internal name.

use crate::client::GrantType;
use crate::oauth::authorization_details::AuthorizationDetailsError;
use crate::oauth::dpop::DpopError;
use crate::oauth::grant::jwt_bearer::GrantAssertionError;
use crate::oauth::resource::ResourceError;

/// What stands in the `error` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A parameter is missing, doubled or malformed.
    InvalidRequest,
    /// Client authentication failed (RFC 6749 §5.2).
    InvalidClient,
    /// Code or refresh token is not usable by this client now (RFC 6749 §5.2).
    InvalidGrant,
    /// The client is not registered for what it asks.
    UnauthorizedClient,
    /// The grant type is not known here (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// Not a kind of token that can be revoked (RFC 7009 §2.2.1).
    UnsupportedTokenType,
    /// A scope is unknown, malformed or more than may be asked for.
    InvalidScope,
    /// The user or the organization said no (RFC 6749 §4.1.2.1).
    AccessDenied,
    /// RFC 6749 §4.1.2.1
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1
    ServerError,
    /// RFC 6749 §4.1.2.1
    TemporarilyUnavailable,
    /// OpenID Connect Core §3.1.2.6
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6
    ConsentRequired,
    /// OpenID Connect Core §3.1.2.6
    InteractionRequired,
    /// OpenID Connect Core §3.1.2.6
    AccountSelectionRequired,
    /// OpenID Connect Unmet Authentication Requirements §2, RFC 9470 §4
    UnmetAuthenticationRequirements,
    /// OpenID Connect Core §6.1
    RequestNotSupported,
    /// OpenID Connect Core §3.1.2.6
    RegistrationNotSupported,
    /// RFC 9101 §7
    InvalidRequestUri,
    /// RFC 9101 §7
    InvalidRequestObject,
    /// RFC 8707 §2
    InvalidTarget,
    /// RFC 9396 §5
    InvalidAuthorizationDetails,
    /// RFC 9449 §5
    InvalidDpopProof,
    /// RFC 9449 §8
    UseDpopNonce,
    /// RFC 7591 §3.2.2
    InvalidRedirectUri,
    /// RFC 7591 §3.2.2
    InvalidClientMetadata,
    /// RFC 6750 §3.1
    InvalidToken,
    /// RFC 8628 §3.5
    AuthorizationPending,
    /// RFC 8628 §3.5
    SlowDown,
    /// RFC 8628 §3.5
    ExpiredToken,
}

impl ErrorCode {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::RequestNotSupported => "request_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidToken => "invalid_token",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
        }
    }
}

/// Why the token endpoint refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// RFC 6749 §5.2
    #[error("`{0}` is missing")]
    MissingParameter(&'static str),
    /// RFC 6749 §3.2: parameters MUST NOT be included more than once.
    #[error("`{0}` occurs more than once")]
    DoubledParameter(String),
    /// RFC 6749 §2.3: not more than one method of client authentication.
    #[error("the client authenticates in two ways: use the Authorization header or the body, not both")]
    TwoCredentials,
    /// The Authorization header is not `Basic` with `id:secret`.
    #[error("the Authorization header is not `Basic` with base64 of `id:secret`")]
    MalformedBasic,
    /// RFC 7521 §4.2
    #[error("`client_assertion_type` is not one of ours: use `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`")]
    AssertionType,
    /// RFC 6749 §5.2; the same text whether the client is unknown, disabled, or the secret is wrong (C28).
    #[error("authentication failed")]
    ClientAuthenticationFailed,
    /// RFC 6749 §5.2
    #[error("this grant type is not supported: the server's metadata lists those that are")]
    UnsupportedGrantType,
    /// RFC 6749 §5.2
    #[error("the app is not registered for the grant type {}", .0.as_str())]
    GrantTypeNotRegistered(GrantType),
    /// RFC 6749 §4.4: client credentials MUST only be used by confidential clients; RFC 8693 §2.1.
    #[error("an app that cannot prove who it is cannot use this grant type")]
    PublicClient,
    /// RFC 7009 §2.2.1
    #[error("this is no access or refresh token: nothing else can be revoked")]
    UnsupportedTokenType,
    /// RFC 6749 §5.2: unknown, expired, used or another client's; which of them is not said.
    #[error("the code or refresh token is unknown, expired, revoked or not this app's")]
    UnusableGrant,
    /// RFC 6749 §4.1.3
    #[error("`redirect_uri` is not the one of the authorization request")]
    RedirectUriDiffers,
    /// RFC 7636 §4.6
    #[error("`code_verifier` does not fit the code challenge")]
    VerifierDiffers,
    /// RFC 9449 §10
    #[error("the DPoP proof is of another key than the authorization request named")]
    KeyDiffers,
    /// RFC 9449 §5
    #[error(transparent)]
    Dpop(#[from] DpopError),
    /// RFC 8707 §2.2
    #[error(transparent)]
    Resource(#[from] ResourceError),
    /// RFC 9396 §6
    #[error(transparent)]
    AuthorizationDetails(#[from] AuthorizationDetailsError),
    /// RFC 8705 §3.4
    #[error("this app's tokens are bound to its certificate, and the connection has none")]
    CertificateMissing,
    /// RFC 9700 §2.1.1: a verifier without a challenge is the mark of a downgrade.
    #[error("`code_verifier` is sent, but the authorization request had no code challenge")]
    VerifierWithoutChallenge,
    /// The organization, its user or its authorization of the app is gone or inactive.
    #[error("the user, the organization or its authorization of the app is no longer active")]
    NoLongerAuthorized,
    /// RFC 6749 §5.2
    #[error("`scope` is malformed: scopes are separated by one blank and hold no quote and no backslash")]
    MalformedScope,
    /// No loaded contract knows it.
    #[error("no operation uses the scope `{0}`")]
    UnknownScope(String),
    /// The organization has not authorized it; nobody can be asked without a browser.
    #[error("the organization has not authorized the scope `{0}` for this app")]
    UnauthorizedScope(String),
    /// RFC 6749 §6: a refresh must not include any scope that was not originally granted.
    #[error("the scope `{0}` is more than the token holds")]
    ScopeWidened(String),
    /// RFC 8693 §3
    #[error("`{0}` must be `urn:ietf:params:oauth:token-type:access_token`")]
    TokenType(&'static str),
    /// RFC 8693 §2.1: who acts is the client itself.
    #[error("`actor_token` is not taken: the app that asks is the one that acts")]
    ActorToken,
    /// RFC 8693 §2.2.2; which of them is not said.
    #[error("`subject_token` is unknown, expired, revoked, bound to somebody else, or no access token")]
    UnusableSubject,
    /// RFC 8693 §4.1
    #[error("the token has come through too many apps")]
    ChainTooLong,
    /// RFC 7521 §4.1.1
    #[error(transparent)]
    Assertion(#[from] GrantAssertionError),
    /// Nobody can be asked without a browser.
    #[error("the person must accept this app first: send them through the authorization endpoint once")]
    PersonMustConsent,
    /// RFC 8628 §3.5
    #[error("nobody has answered yet: ask again after the interval")]
    AuthorizationPending,
    /// RFC 8628 §3.5
    #[error("asked too soon: wait 5 seconds longer between requests from now on")]
    SlowDown,
    /// RFC 8628 §3.5
    #[error("the request of the device was denied")]
    DeviceDenied,
    /// RFC 8628 §3.5
    #[error("the device code has expired: begin again with a new one")]
    DeviceCodeExpired,
}

impl TokenError {
    /// The code on the wire.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Dpop(error) => error.code(),
            Self::Resource(error) => error.code(),
            Self::AuthorizationDetails(error) => error.code(),
            Self::MissingParameter(_)
            | Self::DoubledParameter(_)
            | Self::TwoCredentials
            | Self::CertificateMissing
            | Self::TokenType(_)
            | Self::ActorToken
            | Self::UnusableSubject
            | Self::ChainTooLong => ErrorCode::InvalidRequest,
            Self::MalformedBasic | Self::AssertionType | Self::ClientAuthenticationFailed => ErrorCode::InvalidClient,
            Self::AuthorizationPending => ErrorCode::AuthorizationPending,
            Self::SlowDown => ErrorCode::SlowDown,
            Self::DeviceDenied => ErrorCode::AccessDenied,
            Self::DeviceCodeExpired => ErrorCode::ExpiredToken,
            Self::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            Self::UnsupportedTokenType => ErrorCode::UnsupportedTokenType,
            Self::GrantTypeNotRegistered(_) | Self::PublicClient => ErrorCode::UnauthorizedClient,
            Self::UnusableGrant
            | Self::RedirectUriDiffers
            | Self::VerifierDiffers
            | Self::KeyDiffers
            | Self::VerifierWithoutChallenge
            | Self::NoLongerAuthorized
            | Self::Assertion(_)
            | Self::PersonMustConsent => ErrorCode::InvalidGrant,
            Self::MalformedScope | Self::UnknownScope(_) | Self::UnauthorizedScope(_) | Self::ScopeWidened(_) => {
                ErrorCode::InvalidScope
            }
        }
    }
}

/// Text that may stand in `error_description` (RFC 6749 §5.2: printable ASCII without quote and backslash), 64 at most.
pub fn quotable(text: &str) -> String {
    text.chars().take(64).map(|c| if matches!(c, ' '..='~') && !"\"\\`".contains(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_sent_is_quoted_only_in_the_alphabet_of_a_description() {
        assert_eq!(quotable("<a href=\"x\">\\ä`\r\n"), "<a href=?x?>?????");
        assert_eq!(quotable(&"x".repeat(100)).len(), 64);
    }

    #[test]
    fn c28_an_unknown_client_and_a_wrong_secret_have_one_text() {
        let error = TokenError::ClientAuthenticationFailed;
        assert_eq!((error.code().as_str(), error.to_string().as_str()), ("invalid_client", "authentication failed"));
    }
}
