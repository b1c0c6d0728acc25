//! The only place with SQL, and the only place that knows there are two databases.
//!
//! [`Store::open`] opens SQLite (the default) or PostgreSQL. Organization data is reached through [`OrgStore`] only: every
//! statement there binds the organization that the permit names. What has no permit (sign-in, the token endpoint, the
//! snapshot loader, `apply`) passes a [`SystemTask`].

pub mod apply;
mod approval_request;
mod assertion_issuer;
mod assignment;
mod audit;
pub mod authorization;
mod caller;
mod change;
pub mod client;
mod client_deletion;
mod client_document;
pub mod client_registration;
mod client_secret;
mod column;
mod consent;
mod contract;
mod db;
mod division;
pub mod error;
mod housekeeping;
pub mod interaction;
mod logout_notice;
pub mod organization;
mod password;
pub mod pushed_request;
mod resource_server;
pub mod role;
mod rows;
mod schema;
mod server_secret;
mod session;
mod signing_key;
mod snapshot;
mod store;
pub mod token;
mod touched;
mod transaction;
pub mod tries;
mod usage;
mod used_proof;
pub mod user;
pub mod user_search;

pub use db::{Location, Options, PoolState};
pub use error::StoreError;
pub use snapshot::News;
pub use store::{Listing, OrgStore, Page, Store, SystemStore, SystemTask};
