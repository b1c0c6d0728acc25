//! The platform API over HTTP: whole answers, refusals and what no requirement can say, one file for each noun.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod authorizations;
mod catalogues;
mod clients;
mod contract;
mod door;
#[path = "../support/issued.rs"]
mod issued;
mod last_holder;
mod organization;
#[path = "../support/postgres.rs"]
mod postgres;
mod registration_tokens;
mod roles;
mod schema;
mod server;
mod snapshot;
mod subjects;
mod tokens;
mod usage;
mod user_search;
mod users;
mod walk_every_operation;
mod world;
