//! OAuth 2.0: one file per concern, each named after what the RFCs call it.
//!
//! | file | standard |
//! |---|---|
//! | `parameters.rs` | queries and forms before anything is believed (RFC 6749 §3.1, §3.2) |
//! | `error.rs` | the error codes and their causes (RFC 6749 §4.1.2.1, §5.2) |
//! | `authorize.rs` | the authorization request (RFC 6749 §4.1.1) |
//! | `authentication.rs` | how and when a person proved who they are, and whether that is enough (RFC 9470) |
//! | `authorization_details.rs` | RFC 9396 |
//! | `authorization_response.rs` | what goes back to the client (RFC 6749 §4.1.2, RFC 9207) |
//! | `pushed_request.rs` | RFC 9126 |
//! | `request_object.rs` | RFC 9101 |
//! | `dynamic_registration.rs` | RFC 7591, RFC 7592 |
//! | `resource.rs` | RFC 8707 |
//! | `redirect_uri.rs` | RFC 6749 §3.1.2, RFC 9700 §2.1, RFC 8252 §7 |
//! | `pkce.rs` | RFC 7636 |
//! | `next_step.rs` | sign-in, approval, consent or code: what a request needs next |
//! | `scopes.rs` | what a token may hold (RFC 6749 §3.3, model page) |
//! | `client_authentication.rs` | RFC 6749 §2.3 |
//! | `client_assertion.rs` | RFC 7521 §4.2, RFC 7523 §3 |
//! | `client_certificate.rs`, `distinguished_name.rs` | RFC 8705, RFC 4514 |
//! | `dpop.rs`, `dpop_nonce.rs`, `sender_constraint.rs` | RFC 9449, RFC 8705 §3 |
//! | `thumbprint.rs` | RFC 7638, RFC 7800, RFC 8705 §3.1 |
//! | `used_proof.rs` | what can be used once |
//! | `token_request.rs` | the token request (RFC 6749 §4.1.3, §4.4.2, §6) |
//! | `token.rs` | the tokens, and the answer that hands them out (RFC 6749 §1.4, §1.5, §5.1) |
//! | `grant/authorization_code.rs` | RFC 6749 §4.1, RFC 7636 |
//! | `grant/refresh_token.rs` | RFC 6749 §6, RFC 9700 §4.14.2 |
//! | `grant/client_credentials.rs` | RFC 6749 §4.4 |
//! | `device_authorization.rs`, `user_code.rs` | RFC 8628 §3.1, §3.2, §6.1 |
//! | `grant/device_code.rs` | RFC 8628 §3.4, §3.5 |
//! | `grant/jwt_bearer.rs` | RFC 7523 §2.1, Identity Assertion JWT Authorization Grant |
//! | `grant/token_exchange.rs`, `delegation.rs` | RFC 8693 |
//! | `jwt_access_token.rs` | RFC 9068 |
//! | `jws.rs` | RFC 7515, RFC 7518 §3 |
//! | `claims.rs`, `strict_json.rs` | RFC 7519 §4 |
//! | `jwk.rs` | RFC 7517, RFC 7518 §6, RFC 7638 |
//! | `presented_token.rs` | a token that somebody asks about or gives back (RFC 7662 §2.1, RFC 7009 §2.1) |
//! | `introspection.rs` | what a resource server may learn (RFC 7662 §2.2, RFC 9701) |
//! | `openid.rs` | OpenID Connect Core |
//! | `signing_key.rs` | the keys that sign, and when each is used (OpenID Connect Core §10.1.1, RFC 7517) |
//! | `metadata.rs` | RFC 8414, RFC 9728 |

pub mod authentication;
pub mod authorization_details;
pub mod authorization_response;
pub mod authorize;
pub mod claims;
pub mod client_assertion;
pub mod client_authentication;
pub mod client_certificate;
pub mod delegation;
pub mod device_authorization;
pub(crate) mod distinguished_name;
pub mod dpop;
pub mod dpop_nonce;
pub mod dynamic_registration;
pub mod error;
pub mod grant;
pub mod introspection;
pub mod jwk;
pub mod jws;
pub mod jwt_access_token;
pub mod metadata;
pub mod next_step;
pub mod openid;
pub mod parameters;
pub mod pkce;
pub mod presented_token;
pub mod pushed_request;
pub mod redirect_uri;
pub mod request_object;
pub mod resource;
#[cfg(test)]
pub(crate) mod samples;
pub mod scopes;
pub mod sender_constraint;
pub mod signing_key;
pub(crate) mod strict_json;
pub mod thumbprint;
pub mod token;
pub mod token_request;
pub mod used_proof;
pub mod user_code;
