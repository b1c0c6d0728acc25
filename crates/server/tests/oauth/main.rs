//! The authorization server over HTTP, one file for each RFC or capability.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "a test binary exports nothing")]

#[path = "../support/issued.rs"]
mod issued;
#[path = "../support/mod.rs"]
mod support;
mod world;

mod approval;
mod authorization_code;
mod authorization_details;
mod authorization_endpoint;
mod backchannel_logout;
mod client_credentials;
mod client_documents;
mod consent;
mod constant_time;
mod device;
mod dpop;
mod fapi;
mod hostile_text;
mod introspection;
mod jwt;
mod jwt_access_token;
mod jwt_bearer;
mod keys;
mod many_at_once;
mod metadata;
mod mtls;
mod mutual_tls;
mod openid;
mod outage;
mod par;
mod private_key_jwt;
mod refresh_token;
mod registration;
mod request_object;
mod resource_indicators;
mod revocation;
mod rp_logout;
mod sessions;
mod sign_in;
mod sign_out;
mod token_endpoint;
mod token_exchange;
mod userinfo;
