//! What clients can find out by themselves: authorization server metadata (RFC 8414 §2, RFC 9207 §2.3, OpenID Connect
//! Discovery §3) and protected resource metadata (RFC 9728 §2). Only what works is listed.

use serde::Serialize;

use crate::client::AuthMethod;
use crate::oauth::authentication::PASSWORD_ACR;
use crate::oauth::authorization_response::ResponseMode;
use crate::oauth::grant::device_code::DEVICE_CODE_GRANT;
use crate::oauth::grant::jwt_bearer::JWT_BEARER_GRANT;
use crate::oauth::jws::JwsAlgorithm;
use crate::oauth::openid::claims::ClaimName;
use crate::oauth::openid::protocol_scope::ProtocolScope;
use crate::oauth::signing_key::SigningAlgorithm;

/// The document at `/.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`: one, so that they
/// never differ (RFC 8414 §5 allows members of other specifications).
#[derive(Debug, Serialize)]
pub struct ServerMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    pushed_authorization_request_endpoint: String,
    device_authorization_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    userinfo_endpoint: String,
    end_session_endpoint: String,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    introspection_endpoint: String,
    revocation_endpoint: String,
    jwks_uri: String,
    scopes_supported: Vec<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: Vec<&'static str>,
    grant_types_supported: [&'static str; 6],
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 5],
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 5],
    introspection_signing_alg_values_supported: [&'static str; 1],
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 5],
    code_challenge_methods_supported: [&'static str; 1],
    dpop_signing_alg_values_supported: [&'static str; 5],
    tls_client_certificate_bound_access_tokens: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    request_object_signing_alg_values_supported: [&'static str; 5],
    authorization_response_iss_parameter_supported: bool,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    acr_values_supported: [&'static str; 1],
    prompt_values_supported: [&'static str; 4],
    claim_types_supported: [&'static str; 1],
    claims_supported: Vec<&'static str>,
    claims_parameter_supported: bool,
    client_id_metadata_document_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtls_endpoint_aliases: Option<EndpointAliases>,
}

/// RFC 8705 §5: where a client that shows a certificate calls instead.
#[derive(Debug, Serialize)]
struct EndpointAliases {
    token_endpoint: String,
    pushed_authorization_request_endpoint: String,
    device_authorization_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    userinfo_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
}

impl EndpointAliases {
    fn at(origin: &str) -> Self {
        let at = |path: &str| format!("{origin}{path}");
        Self {
            token_endpoint: at(TOKEN),
            pushed_authorization_request_endpoint: at(PAR),
            device_authorization_endpoint: at(DEVICE),
            registration_endpoint: None,
            userinfo_endpoint: at(USERINFO),
            introspection_endpoint: at(INTROSPECT),
            revocation_endpoint: at(REVOKE),
        }
    }
}

const TOKEN: &str = "/oauth/token";
const PAR: &str = "/oauth/par";
const DEVICE: &str = "/oauth/device";
const REGISTER: &str = "/oauth/register";
const USERINFO: &str = "/oauth/userinfo";
const INTROSPECT: &str = "/oauth/introspect";
const REVOKE: &str = "/oauth/revoke";

/// What is offered only where it is configured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offered<'a> {
    /// Clients can show certificates.
    pub with_certificates: bool,
    /// An authority is known that vouches for the names in them.
    pub with_certified_names: bool,
    /// The origin where clients show certificates to ourselves (RFC 8705 §5).
    pub mutual_tls_origin: Option<&'a str>,
    /// Clients can be known by a document (client id metadata documents §5).
    pub takes_documents: bool,
}

impl ServerMetadata {
    /// The metadata of `issuer`, an origin without final slash. `scopes` are those of the loaded contracts.
    pub fn new(issuer: &str, scopes: Vec<String>, options: Offered<'_>) -> Self {
        let with_certificates = options.with_certificates;
        let can_be_proven = |method: &AuthMethod| match method {
            AuthMethod::TlsClientAuth => options.with_certified_names,
            method => with_certificates || !method.is_by_certificate(),
        };
        let methods: Vec<_> = AuthMethod::ALL.into_iter().filter(can_be_proven).collect();
        let with_credentials: Vec<_> = methods.iter().copied().filter(|method| *method != AuthMethod::None).collect();
        let names = |methods: &[AuthMethod]| methods.iter().copied().map(AuthMethod::as_str).collect();
        let at = |path: &str| format!("{issuer}{path}");
        let mut scopes_supported: Vec<String> = ProtocolScope::ALL.map(|scope| scope.as_str().to_owned()).into();
        scopes_supported.extend(scopes.into_iter().filter(|scope| ProtocolScope::parse(scope).is_none()));
        let always = ["sub", "iss", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "at_hash", "sid", "org"];
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: at("/oauth/authorize"),
            token_endpoint: at(TOKEN),
            pushed_authorization_request_endpoint: at(PAR),
            device_authorization_endpoint: at(DEVICE),
            registration_endpoint: None,
            userinfo_endpoint: at(USERINFO),
            end_session_endpoint: at("/logout"),
            // Back-Channel Logout §2.1: logout tokens always name the session
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            introspection_endpoint: at(INTROSPECT),
            revocation_endpoint: at(REVOKE),
            jwks_uri: at("/oauth/jwks"),
            scopes_supported,
            response_types_supported: ["code"],
            response_modes_supported: ResponseMode::ALL.map(ResponseMode::as_str).into(),
            grant_types_supported: [
                "authorization_code",
                "refresh_token",
                "client_credentials",
                "urn:ietf:params:oauth:grant-type:token-exchange",
                DEVICE_CODE_GRANT,
                JWT_BEARER_GRANT,
            ],
            token_endpoint_auth_methods_supported: names(&methods),
            token_endpoint_auth_signing_alg_values_supported: JwsAlgorithm::ALL.map(JwsAlgorithm::as_str),
            introspection_endpoint_auth_methods_supported: names(&with_credentials),
            introspection_endpoint_auth_signing_alg_values_supported: JwsAlgorithm::ALL.map(JwsAlgorithm::as_str),
            introspection_signing_alg_values_supported: [SigningAlgorithm::Es256.as_str()],
            revocation_endpoint_auth_methods_supported: names(&methods),
            revocation_endpoint_auth_signing_alg_values_supported: JwsAlgorithm::ALL.map(JwsAlgorithm::as_str),
            code_challenge_methods_supported: ["S256"],
            dpop_signing_alg_values_supported: JwsAlgorithm::ALL.map(JwsAlgorithm::as_str),
            tls_client_certificate_bound_access_tokens: with_certificates,
            request_parameter_supported: true,
            // OpenID Connect Discovery §3: absent means that we would fetch what it points to (A44)
            request_uri_parameter_supported: false,
            request_object_signing_alg_values_supported: JwsAlgorithm::ALL.map(JwsAlgorithm::as_str),
            authorization_response_iss_parameter_supported: true,
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: SigningAlgorithm::ALL.map(SigningAlgorithm::as_str).into(),
            acr_values_supported: [PASSWORD_ACR],
            prompt_values_supported: ["none", "login", "consent", "select_account"],
            claim_types_supported: ["normal"],
            claims_supported: always.into_iter().chain(ClaimName::ALL.map(ClaimName::as_str)).collect(),
            claims_parameter_supported: true,
            client_id_metadata_document_supported: options.takes_documents,
            mtls_endpoint_aliases: options.mutual_tls_origin.map(EndpointAliases::at),
        }
    }
}

impl ServerMetadata {
    /// The same where apps can register themselves (RFC 7591 §3).
    pub fn with_registration(self) -> Self {
        let registration_endpoint = Some(format!("{}{REGISTER}", self.issuer));
        let aliases = self.mtls_endpoint_aliases.map(|aliases| {
            let origin = aliases.token_endpoint.strip_suffix(TOKEN);
            EndpointAliases { registration_endpoint: origin.map(|origin| format!("{origin}{REGISTER}")), ..aliases }
        });
        Self { registration_endpoint, mtls_endpoint_aliases: aliases, ..self }
    }
}

/// The document at `/.well-known/oauth-protected-resource`.
#[derive(Debug, Serialize)]
pub struct ResourceMetadata {
    resource: String,
    authorization_servers: [String; 1],
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    dpop_signing_alg_values_supported: [&'static str; 5],
}

impl ResourceMetadata {
    /// The metadata of the API at `resource`, whose tokens `issuer` gives out.
    pub fn new(resource: &str, issuer: &str, scopes: Vec<String>) -> Self {
        Self {
            resource: resource.to_owned(),
            authorization_servers: [issuer.to_owned()],
            scopes_supported: scopes,
            bearer_methods_supported: ["header"],
            dpop_signing_alg_values_supported: JwsAlgorithm::ALL.map(JwsAlgorithm::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a24_c06_e03_the_metadata_names_iss_and_s256_and_no_password_grant() {
        let body =
            serde_json::to_value(ServerMetadata::new("https://as.example", vec!["users".into()], Offered::default()))
                .unwrap();
        assert_eq!(body["issuer"], "https://as.example");
        assert_eq!(body["token_endpoint"], "https://as.example/oauth/token");
        assert_eq!(body["authorization_response_iss_parameter_supported"], true);
        assert_eq!(body["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        assert!(!body.to_string().contains("tls_client_auth"), "e04: nobody hands certificates on");
        assert!(
            !body["grant_types_supported"].to_string().contains("password") && !body.to_string().contains("implicit")
        );
    }

    #[test]
    fn e04_who_shows_certificates_to_ourselves_is_told_where() {
        let offered = Offered {
            with_certificates: true,
            mutual_tls_origin: Some("https://mtls.as.example"),
            ..Offered::default()
        };
        let metadata = ServerMetadata::new("https://as.example", Vec::new(), offered).with_registration();
        let body = serde_json::to_value(metadata).unwrap();
        let aliases = &body["mtls_endpoint_aliases"];
        assert_eq!(aliases["token_endpoint"], "https://mtls.as.example/oauth/token");
        assert_eq!(aliases["registration_endpoint"], "https://mtls.as.example/oauth/register");
        assert_eq!(aliases.get("authorization_endpoint"), None, "no browser is asked for a certificate");
        let methods = body["token_endpoint_auth_methods_supported"].to_string();
        assert!(methods.contains("self_signed_tls_client_auth") && !methods.contains("\"tls_client_auth"), "{methods}");
    }

    #[test]
    fn e05_a_scope_that_a_contract_shares_with_the_protocol_is_listed_once() {
        let scopes = vec!["email".to_owned(), "users".to_owned()];
        let body = serde_json::to_value(ServerMetadata::new("https://as.example", scopes, Offered::default())).unwrap();
        let expected = serde_json::json!(["openid", "profile", "email", "offline_access", "users"]);
        assert_eq!(body["scopes_supported"], expected);
    }
}
