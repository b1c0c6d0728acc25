//! What an authorization request says about the person and the sign-in (OpenID Connect Core §3.1.2.1).

use crate::client::Client;
use crate::oauth::authentication::PASSWORD_ACR;
use crate::oauth::error::ErrorCode;
use crate::oauth::openid::claims::ClaimsRequest;
use crate::oauth::parameters::Parameters;

/// The longest `nonce` that is carried, in bytes: a longer one is refused, never cut.
const MAX_NONCE_BYTES: usize = 2_048;

/// The parameters of OpenID Connect, read once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityWish {
    /// Echoed in the ID token.
    pub nonce: Option<String>,
    /// The most seconds since the person last signed in.
    pub max_age: Option<i64>,
    /// What is to be told by name.
    pub claims: ClaimsRequest,
    /// An ID token about the person that the client expects; not yet believed.
    pub id_token_hint: Option<String>,
    /// The ways of signing in that the client takes, the best first (RFC 9470 §4); empty: any.
    pub acr_values: Vec<String>,
    /// Whether the client will take no way of signing in that we have (RFC 9470 §4).
    pub wants_unreachable_acr: bool,
}

impl IdentityWish {
    /// Reads the parameters. `display`, `ui_locales` and `claims_locales` are read by nobody (§3.1.2.1: they cause no error).
    ///
    /// # Errors
    /// When one is malformed.
    pub fn read(parameters: &Parameters, client: &Client) -> Result<Self, (ErrorCode, String)> {
        let nonce = parameters.value("nonce").map(str::to_owned);
        if nonce.as_ref().is_some_and(|nonce| nonce.len() > MAX_NONCE_BYTES) {
            return Err((ErrorCode::InvalidRequest, format!("`nonce` is longer than {MAX_NONCE_BYTES} bytes")));
        }
        let max_age = parameters.value("max_age").map(parse_max_age).transpose()?;
        // OpenID Connect Registration §2: the request's own wins.
        let max_age = max_age.or(client.metadata.default_max_age.map(i64::from));
        let claims = parameters.value("claims").map(ClaimsRequest::parse).transpose()?.unwrap_or_default();
        let acr_values = parameters.value("acr_values").unwrap_or_default();
        let acr_values: Vec<String> =
            acr_values.split(' ').filter(|value| !value.is_empty()).map(str::to_owned).collect();
        let is_unreachable =
            |wanted: &[String]| !wanted.is_empty() && !wanted.iter().any(|value| value == PASSWORD_ACR);
        let wants_unreachable_acr = is_unreachable(&acr_values) || is_unreachable(&claims.essential_acr);
        let id_token_hint = parameters.value("id_token_hint").map(str::to_owned);
        Ok(Self { nonce, max_age, claims, id_token_hint, acr_values, wants_unreachable_acr })
    }
}

fn parse_max_age(text: &str) -> Result<i64, (ErrorCode, String)> {
    let seconds = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds = seconds.and_then(|text| text.parse::<u32>().ok()).map(i64::from);
    let rule = "`max_age` must be a number of seconds, 0 or more";
    seconds.ok_or_else(|| (ErrorCode::InvalidRequest, rule.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientMetadata;
    use crate::oauth::samples::client;

    fn read(name: &str, value: &str) -> Result<IdentityWish, (ErrorCode, String)> {
        IdentityWish::read(&Parameters::from([(name, value)]), &client())
    }

    #[test]
    fn a40_max_age_is_a_number_of_seconds() {
        assert_eq!(read("max_age", "0").unwrap().max_age, Some(0));
        assert_eq!(read("max_age", "10000").unwrap().max_age, Some(10_000));
        for bad in ["-1", "+1", "1.5", "soon", " 1", "99999999999999999999", "0x1"] {
            assert_eq!(read("max_age", bad).unwrap_err().0, ErrorCode::InvalidRequest, "{bad}");
        }
    }

    #[test]
    fn a40_a_client_can_be_registered_with_a_max_age() {
        let metadata = ClientMetadata { default_max_age: Some(60), ..ClientMetadata::default() };
        let strict = Client { metadata, ..client() };
        let read = |value| IdentityWish::read(&Parameters::from([("max_age", value)]), &strict).unwrap().max_age;
        assert_eq!((read(""), read("5")), (Some(60), Some(5)));
    }

    #[test]
    fn a55_an_acr_that_we_cannot_reach_is_known_as_such() {
        let wants = |name: &str, value: &str| read(name, value).unwrap().wants_unreachable_acr;
        assert!(!wants("acr_values", PASSWORD_ACR) && !wants("acr_values", &format!("gold {PASSWORD_ACR}")));
        assert!(wants("acr_values", "gold silver") && !wants("acr_values", ""));
        assert!(wants("claims", r#"{"id_token":{"acr":{"essential":true,"value":"gold"}}}"#));
        assert!(!wants("claims", r#"{"id_token":{"acr":{"value":"gold"}}}"#));
    }

    #[test]
    fn a_nonce_is_carried_whole_or_refused() {
        assert_eq!(read("nonce", &"n".repeat(2_048)).unwrap().nonce.unwrap().len(), 2_048);
        assert!(read("nonce", &"n".repeat(2_049)).is_err());
    }
}
