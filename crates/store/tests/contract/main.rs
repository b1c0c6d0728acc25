//! What the store promises, on both databases: each test is written once and runs on SQLite and on PostgreSQL.
//!
//! PostgreSQL is used where `COUNTERSIGN_TEST_POSTGRES_URL` names a database in which schemas may be made; each test makes
//! its own. Without the variable its half is skipped, loudly.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[macro_use]
mod fixture;

mod apply;
mod assertion_issuers;
mod authorizations;
mod bearers;
mod changes;
mod client_documents;
mod client_registrations;
mod clients;
mod codes;
mod contracts;
mod delegations;
mod device_codes;
mod housekeeping;
mod interactions;
mod issues;
mod known_tokens;
mod logout_notices;
mod news;
mod opening;
mod organizations;
mod pushed_requests;
mod refreshes;
mod resource_servers;
mod roles;
mod secrets;
mod server_secrets;
mod sessions;
mod signing_keys;
mod snapshots;
mod tries;
mod usage;
mod used_proofs;
mod user_search;
mod users;
mod wall;
