//! An ID token of ours that a client sends back to say whom it means (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).
//!
//! It is only a hint, so its age does not matter; but only the client that it was made for may send it.

use serde_json::Value;

use crate::client::Client;
use crate::id::{SessionId, UserId};

/// Whom an ID token is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintedSignIn {
    /// The person.
    pub user: UserId,
    /// The sign-in.
    pub session: Option<SessionId>,
}

impl HintedSignIn {
    /// Reads the claims of an ID token whose signature is ours; `None` when it was not made for `client`.
    pub fn read(claims: &Value, client: &Client, issuer: &str) -> Option<Self> {
        let is_for_client = claims["iss"] == issuer && claims["aud"] == client.id.as_str();
        let user = claims["sub"].as_str().and_then(|text| UserId::parse(text).ok()).filter(|_| is_for_client)?;
        let session = claims["sid"].as_str().and_then(|text| SessionId::parse(text).ok());
        Some(Self { user, session })
    }
}

/// The client that an ID token of ours was made for, where the request names none.
pub fn audience(claims: &Value) -> Option<&str> {
    claims["aud"].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::samples::{ada, client, session};
    use serde_json::json;

    const ISSUER: &str = "https://as.example";

    #[test]
    fn a_hint_names_person_and_sign_in_for_the_client_it_was_made_for() {
        let claims = json!({ "iss": ISSUER, "aud": "roster", "sub": "ada", "sid": "session", "exp": 1 });
        let expected = HintedSignIn { user: ada(), session: Some(session().id) };
        assert_eq!(HintedSignIn::read(&claims, &client(), ISSUER), Some(expected));
        assert_eq!(audience(&claims), Some("roster"));
    }

    #[test]
    fn a_hint_of_another_client_or_issuer_or_person_is_none() {
        for (member, value) in
            [("aud", json!("other")), ("aud", json!(["roster"])), ("iss", json!("x")), ("sub", json!(1))]
        {
            let mut claims = json!({ "iss": ISSUER, "aud": "roster", "sub": "ada" });
            claims[member] = value;
            assert_eq!(HintedSignIn::read(&claims, &client(), ISSUER), None, "{claims}");
        }
    }
}
