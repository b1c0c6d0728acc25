//! The grants (RFC 6749 §4): one file each, each with one `redeem` that checks in the order of its RFC.

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
pub mod jwt_bearer;
pub mod refresh_token;
pub mod token_exchange;
