//! The tests of `platform` once more, on PostgreSQL.

#[path = "platform/main.rs"]
mod platform;
