//! What clients can find out by themselves: authorization server metadata (RFC 8414 §2, RFC 9207 §2.3) and protected
//! resource metadata (RFC 9728 §2). Only what works is listed.

use serde::Serialize;

/// The document at `/.well-known/oauth-authorization-server`.
#[derive(Debug, Serialize)]
pub struct ServerMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    scopes_supported: Vec<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 3],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    code_challenge_methods_supported: [&'static str; 1],
    authorization_response_iss_parameter_supported: bool,
}

impl ServerMetadata {
    /// The metadata of `issuer`, an origin without final slash. `scopes` are those of the loaded contracts.
    pub fn new(issuer: &str, scopes: Vec<String>) -> Self {
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: format!("{issuer}/oauth/authorize"),
            token_endpoint: format!("{issuer}/oauth/token"),
            scopes_supported: scopes,
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
            token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
            code_challenge_methods_supported: ["S256"],
            authorization_response_iss_parameter_supported: true,
        }
    }
}

/// The document at `/.well-known/oauth-protected-resource`.
#[derive(Debug, Serialize)]
pub struct ResourceMetadata {
    resource: String,
    authorization_servers: [String; 1],
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
}

impl ResourceMetadata {
    /// The metadata of the API at `resource`, whose tokens `issuer` gives out.
    pub fn new(resource: &str, issuer: &str, scopes: Vec<String>) -> Self {
        Self {
            resource: resource.to_owned(),
            authorization_servers: [issuer.to_owned()],
            scopes_supported: scopes,
            bearer_methods_supported: ["header"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a24_c06_e03_the_metadata_names_iss_and_s256_and_no_password_grant() {
        let body = serde_json::to_value(ServerMetadata::new("https://as.example", vec!["users".into()])).unwrap();
        assert_eq!(body["issuer"], "https://as.example");
        assert_eq!(body["token_endpoint"], "https://as.example/oauth/token");
        assert_eq!(body["authorization_response_iss_parameter_supported"], true);
        assert_eq!(body["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        assert!(!body.to_string().contains("password") && !body.to_string().contains("implicit"));
    }
}
