//! What every HTTP surface shares: the instant of a request, credentials, forms, refusals.

pub mod accept;
pub mod bearer;
pub mod client_certificate;
pub mod cookies;
pub mod csrf;
pub mod dpop;
pub mod error;
pub mod form;
pub mod host;
pub mod now;
pub mod request_id;
