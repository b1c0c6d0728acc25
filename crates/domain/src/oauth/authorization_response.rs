//! The authorization response (RFC 6749 §4.1.2): a code or an error, always with `iss` (RFC 9207).

use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::error::ErrorCode;
use crate::oauth::redirect_uri::VerifiedRedirectUri;

/// A refusal that goes back to the client (RFC 6749 §4.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectedError {
    /// Where it goes.
    pub redirect_uri: VerifiedRedirectUri,
    /// Echoed unchanged.
    pub state: Option<String>,
    /// The code.
    pub code: ErrorCode,
    /// For the developer of the client.
    pub description: String,
}

impl AuthorizationRequest {
    /// A refusal of this request that goes back to the client.
    pub fn refuse(&self, code: ErrorCode, description: &str) -> RedirectedError {
        RedirectedError {
            redirect_uri: self.redirect_uri.clone(),
            state: self.state.clone(),
            code,
            description: description.to_owned(),
        }
    }

    /// The address of the successful response (RFC 6749 §4.1.2, RFC 9207 §2).
    pub fn success(&self, code: &str, issuer: &str) -> String {
        respond(&self.redirect_uri, self.state.as_deref(), &[("code", code)], issuer)
    }
}

impl RedirectedError {
    /// The address of the error response (RFC 6749 §4.1.2.1, RFC 9207 §2).
    pub fn location(&self, issuer: &str) -> String {
        let error = [("error", self.code.as_str()), ("error_description", self.description.as_str())];
        respond(&self.redirect_uri, self.state.as_deref(), &error, issuer)
    }
}

/// RFC 9207 §2: `iss` in every authorization response, errors too.
fn respond(to: &VerifiedRedirectUri, state: Option<&str>, answer: &[(&str, &str)], issuer: &str) -> String {
    let mut parameters = answer.to_vec();
    parameters.extend(state.map(|state| ("state", state)));
    parameters.push(("iss", issuer));
    to.with_query(&parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::parameters::Parameters;
    use crate::oauth::samples::{CHALLENGE, client};
    use proptest::prelude::*;

    fn request(state: &str) -> AuthorizationRequest {
        let parameters = Parameters::from([
            ("client_id", "roster"),
            ("response_type", "code"),
            ("state", state),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        AuthorizationRequest::check(&parameters, Some(&client()), &|_| true).unwrap()
    }

    #[test]
    fn a23_iss_and_state_stand_in_every_response() {
        let request = request("s");
        assert_eq!(
            request.success("cs_ac_x", "https://as.example"),
            "https://app.example/cb?code=cs_ac_x&state=s&iss=https%3A%2F%2Fas.example"
        );
        assert_eq!(
            request.refuse(ErrorCode::AccessDenied, "no").location("https://as.example"),
            "https://app.example/cb?error=access_denied&error_description=no&state=s&iss=https%3A%2F%2Fas.example"
        );
    }

    proptest! {
        #[test]
        fn a25_the_state_is_echoed_byte_for_byte(state in ".{1,200}") {
            let request = request(&state);
            for location in [request.success("c", "i"), request.refuse(ErrorCode::AccessDenied, "no").location("i")] {
                let url = url::Url::parse(&location).unwrap();
                let echoed = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
                prop_assert_eq!(&echoed, &state);
            }
        }
    }
}
