//! The authorization response (RFC 6749 §4.1.2): a code or an error, always with `iss` (RFC 9207), in the query of a
//! redirect or in a form that the browser posts (OAuth 2.0 Form Post Response Mode).

use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::error::ErrorCode;
use crate::oauth::parameters::Parameters;
use crate::oauth::redirect_uri::VerifiedRedirectUri;

/// How the answer travels (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseMode {
    /// In the query of a redirect.
    #[default]
    Query,
    /// In a form that the browser posts.
    FormPost,
}

impl ResponseMode {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Query, Self::FormPost];

    /// The name in `response_mode`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }

    /// The mode that a request asks for; `None` for one that is not ours.
    pub fn read(parameters: &Parameters) -> Option<Self> {
        match parameters.value("response_mode") {
            None => Some(Self::default()),
            Some(name) => Self::ALL.into_iter().find(|mode| mode.as_str() == name),
        }
    }
}

/// An answer, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationResponse {
    /// A redirect to this address.
    Redirect(String),
    /// A form that is posted to `action`.
    Form {
        /// The redirect URI.
        action: String,
        /// Names and values.
        fields: Vec<(String, String)>,
    },
}

/// A refusal that goes back to the client (RFC 6749 §4.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectedError {
    /// Where it goes.
    pub redirect_uri: VerifiedRedirectUri,
    /// How it travels.
    pub response_mode: ResponseMode,
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
            response_mode: self.response_mode,
            state: self.state.clone(),
            code,
            description: description.to_owned(),
        }
    }

    /// The successful response (RFC 6749 §4.1.2, RFC 9207 §2).
    pub fn success(&self, code: &str, issuer: &str) -> AuthorizationResponse {
        respond((&self.redirect_uri, self.response_mode), self.state.as_deref(), &[("code", code)], issuer)
    }
}

impl RedirectedError {
    /// The error response (RFC 6749 §4.1.2.1, RFC 9207 §2).
    pub fn response(&self, issuer: &str) -> AuthorizationResponse {
        let error = [("error", self.code.as_str()), ("error_description", self.description.as_str())];
        respond((&self.redirect_uri, self.response_mode), self.state.as_deref(), &error, issuer)
    }
}

/// RFC 9207 §2: `iss` in every authorization response, errors too.
fn respond(
    (to, mode): (&VerifiedRedirectUri, ResponseMode),
    state: Option<&str>,
    answer: &[(&str, &str)],
    issuer: &str,
) -> AuthorizationResponse {
    let mut parameters = answer.to_vec();
    parameters.extend(state.map(|state| ("state", state)));
    parameters.push(("iss", issuer));
    match mode {
        ResponseMode::Query => AuthorizationResponse::Redirect(to.with_query(&parameters)),
        ResponseMode::FormPost => AuthorizationResponse::Form {
            action: to.as_str().to_owned(),
            fields: parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            redirect("https://app.example/cb?code=cs_ac_x&state=s&iss=https%3A%2F%2Fas.example")
        );
        assert_eq!(
            request.refuse(ErrorCode::AccessDenied, "no").response("https://as.example"),
            redirect(
                "https://app.example/cb?error=access_denied&error_description=no&state=s&iss=https%3A%2F%2Fas.example"
            )
        );
    }

    #[test]
    fn a23_in_a_form_the_same_parameters_go_to_the_same_address() {
        let request = AuthorizationRequest { response_mode: ResponseMode::FormPost, ..request("s") };
        let AuthorizationResponse::Form { action, fields } = request.success("cs_ac_x", "https://as.example") else {
            panic!("a form was asked for")
        };
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(action, "https://app.example/cb");
        assert_eq!(fields, [("code", "cs_ac_x"), ("state", "s"), ("iss", "https://as.example")]);
    }

    fn redirect(location: &str) -> AuthorizationResponse {
        AuthorizationResponse::Redirect(location.to_owned())
    }

    proptest! {
        #[test]
        fn a25_the_state_is_echoed_byte_for_byte(state in ".{1,200}") {
            let request = request(&state);
            for response in [request.success("c", "i"), request.refuse(ErrorCode::AccessDenied, "no").response("i")] {
                let AuthorizationResponse::Redirect(location) = response else { panic!("a redirect is the default") };
                let url = url::Url::parse(&location).unwrap();
                let echoed = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
                prop_assert_eq!(&echoed, &state);
            }
        }
    }
}
