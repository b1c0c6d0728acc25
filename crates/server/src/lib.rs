//! The Countersign server: the only place with sockets, templates, configuration and an async runtime.

pub mod app;
pub mod cli;
pub mod client_authorities;
pub mod config;
pub mod contracts;
pub mod enforce;
pub mod fetch;
pub mod hashing;
pub mod http;
pub mod keys;
pub mod listener;
pub mod load;
pub mod oauth;
pub mod operations;
pub mod platform;
pub mod reload;
pub mod router;
pub mod telemetry;
pub mod tls;
pub mod web;
