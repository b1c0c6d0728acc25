//! A token request, read once into a type that cannot be wrong (RFC 6749 §4.1.3, §4.4.2, §6).

use zeroize::Zeroizing;

use crate::client::GrantType;
use crate::oauth::authorization_details::refuse_any;
use crate::oauth::error::{TokenError, quotable};
use crate::oauth::grant::device_code::DEVICE_CODE_GRANT;
use crate::oauth::grant::jwt_bearer::JWT_BEARER_GRANT;
use crate::oauth::grant::token_exchange::TOKEN_EXCHANGE_GRANT;
use crate::oauth::parameters::Parameters;

/// One token request by its grant type.
#[derive(Clone, PartialEq, Eq)]
pub enum TokenRequest {
    /// RFC 6749 §4.1.3
    AuthorizationCode(CodeRequest),
    /// RFC 6749 §6
    RefreshToken(RefreshRequest),
    /// RFC 6749 §4.4.2
    ClientCredentials(ClientCredentialsRequest),
    /// RFC 8693 §2.1
    TokenExchange(ExchangeRequest),
    /// RFC 8628 §3.4
    DeviceCode(DeviceCodeRequest),
    /// RFC 7523 §2.1
    JwtBearer(AssertionRequest),
}

/// RFC 6749 §4.1.3, RFC 7636 §4.5.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeRequest {
    /// The code as it was sent.
    pub code: Zeroizing<String>,
    /// Must be the authorization request's, if sent.
    pub redirect_uri: Option<String>,
    /// The secret behind the code challenge.
    pub code_verifier: Option<Zeroizing<String>>,
}

/// RFC 6749 §6.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshRequest {
    /// The refresh token as it was sent.
    pub refresh_token: Zeroizing<String>,
    /// Less than the grant holds, or absent: all of it.
    pub scope: Option<String>,
}

/// RFC 6749 §4.4.2.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCredentialsRequest {
    /// What the token may do at most; absent: whatever the organization authorizes.
    pub scope: Option<String>,
}

/// RFC 8693 §2.1.
#[derive(Clone, PartialEq, Eq)]
pub struct ExchangeRequest {
    /// The token that the client was handed, as it was sent.
    pub subject_token: Zeroizing<String>,
    /// What it says the token is.
    pub subject_token_type: String,
    /// What it wants; absent: an access token.
    pub requested_token_type: Option<String>,
    /// Whether it names somebody else as the one who acts.
    pub has_actor_token: bool,
    /// Less than the subject token holds, or absent: the same.
    pub scope: Option<String>,
}

/// RFC 8628 §3.4.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCodeRequest {
    /// The device code as it was sent.
    pub device_code: Zeroizing<String>,
}

/// RFC 7523 §2.1.
#[derive(Clone, PartialEq, Eq)]
pub struct AssertionRequest {
    /// The assertion as it was sent.
    pub assertion: Zeroizing<String>,
    /// What the token may do at most; absent: whatever assertion and organization allow.
    pub scope: Option<String>,
    /// The organization that the person is one of (`org`, as at the authorization endpoint); absent: the client's own.
    pub organization: Option<String>,
}

impl TokenRequest {
    /// Reads a form. Unknown parameters are ignored (RFC 6749 §3.2).
    ///
    /// # Errors
    /// When a parameter is doubled or missing, or the grant type is not one of ours.
    pub fn parse(form: &Parameters) -> Result<Self, TokenError> {
        if let Some(name) = form.doubled() {
            return Err(TokenError::DoubledParameter(quotable(name)));
        }
        let required = |name| form.value(name).ok_or(TokenError::MissingParameter(name));
        let secret = |text: &str| Zeroizing::new(text.to_owned());
        let scope = form.value("scope").map(str::to_owned);
        let grant_type = required("grant_type")?;
        // RFC 9396 §6: no detail was granted, so any is more than was
        refuse_any(form)?;
        match grant_type {
            "authorization_code" => Ok(Self::AuthorizationCode(CodeRequest {
                code: secret(required("code")?),
                redirect_uri: form.value("redirect_uri").map(str::to_owned),
                code_verifier: form.value("code_verifier").map(secret),
            })),
            "refresh_token" => {
                Ok(Self::RefreshToken(RefreshRequest { refresh_token: secret(required("refresh_token")?), scope }))
            }
            "client_credentials" => Ok(Self::ClientCredentials(ClientCredentialsRequest { scope })),
            TOKEN_EXCHANGE_GRANT => Ok(Self::TokenExchange(ExchangeRequest {
                subject_token: secret(required("subject_token")?),
                subject_token_type: required("subject_token_type")?.to_owned(),
                requested_token_type: form.value("requested_token_type").map(str::to_owned),
                has_actor_token: form.value("actor_token").is_some() || form.value("actor_token_type").is_some(),
                scope,
            })),
            DEVICE_CODE_GRANT => {
                Ok(Self::DeviceCode(DeviceCodeRequest { device_code: secret(required("device_code")?) }))
            }
            JWT_BEARER_GRANT => Ok(Self::JwtBearer(AssertionRequest {
                assertion: secret(required("assertion")?),
                scope,
                organization: form.value("org").map(str::to_owned),
            })),
            // RFC 9700 §2.4: `password` is among the unknown ones and stays there.
            _ => Err(TokenError::UnsupportedGrantType),
        }
    }

    /// The grant type that the client must be registered for.
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode(_) => GrantType::AuthorizationCode,
            Self::RefreshToken(_) => GrantType::RefreshToken,
            Self::ClientCredentials(_) => GrantType::ClientCredentials,
            Self::TokenExchange(_) => GrantType::TokenExchange,
            Self::DeviceCode(_) => GrantType::DeviceCode,
            Self::JwtBearer(_) => GrantType::JwtBearer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error<const N: usize>(form: [(&str, &str); N]) -> TokenError {
        TokenRequest::parse(&Parameters::from(form)).err().unwrap()
    }

    #[test]
    fn c03_every_doubled_parameter_is_refused_by_name() {
        for name in ["grant_type", "code", "client_id", "refresh_token", "scope", "something_else"] {
            let doubled = error([("grant_type", "client_credentials"), (name, "a"), (name, "a")]);
            assert_eq!(doubled, TokenError::DoubledParameter(name.to_owned()));
        }
    }

    #[test]
    fn c05_a_missing_and_an_unknown_grant_type_are_told_apart() {
        assert_eq!(error([("code", "x")]), TokenError::MissingParameter("grant_type"));
        assert_eq!(error([("grant_type", "")]), TokenError::MissingParameter("grant_type"));
        assert_eq!(error([("grant_type", "magic")]), TokenError::UnsupportedGrantType);
    }

    #[test]
    fn c06_the_password_grant_is_unsupported() {
        let refused = error([("grant_type", "password"), ("username", "ada"), ("password", "x")]);
        assert_eq!(refused.code().as_str(), "unsupported_grant_type");
    }

    #[test]
    fn a_grant_without_its_code_or_token_names_the_parameter() {
        assert_eq!(error([("grant_type", "authorization_code")]), TokenError::MissingParameter("code"));
        assert_eq!(error([("grant_type", "refresh_token")]), TokenError::MissingParameter("refresh_token"));
        assert_eq!(error([("grant_type", DEVICE_CODE_GRANT)]), TokenError::MissingParameter("device_code"));
        assert_eq!(error([("grant_type", JWT_BEARER_GRANT)]), TokenError::MissingParameter("assertion"));
    }

    #[test]
    fn unknown_parameters_are_ignored() {
        let form = Parameters::from([("grant_type", "client_credentials"), ("magic", "1")]);
        assert_eq!(TokenRequest::parse(&form).unwrap().grant_type(), GrantType::ClientCredentials);
    }

    #[test]
    fn c50_an_exchange_names_its_token_and_its_type() {
        const EXCHANGE: (&str, &str) = ("grant_type", TOKEN_EXCHANGE_GRANT);
        assert_eq!(error([EXCHANGE]), TokenError::MissingParameter("subject_token"));
        assert_eq!(error([EXCHANGE, ("subject_token", "x")]), TokenError::MissingParameter("subject_token_type"));
    }
}
