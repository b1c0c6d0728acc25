//! The nouns of Countersign and the protocol rules that hold between them.
//!
//! Values in, value out: nothing here is `async`, speaks SQL or HTTP, or reads a clock. Time, ids and randomness are
//! arguments, so that every rule can be tested in microseconds.

pub mod assertion_issuer;
pub mod audit;
pub mod authorization;
pub mod authzen;
pub mod client;
pub mod client_registration;
pub mod consent;
pub mod entropy;
pub mod id;
pub mod name_digest;
pub mod oauth;
pub mod organization;
pub mod outgoing;
pub mod role;
pub mod secret;
pub mod session;
pub mod time;
pub mod trace_context;
pub mod usage;
pub mod user;
pub mod world;
pub mod yaml;
