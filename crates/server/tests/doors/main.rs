//! The doors before other people's APIs: the gateway, and what other proxies ask.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "a test binary exports nothing")]

mod corpus;
mod dashboards;
mod decision_log;
mod ext_authz;
mod fixture;
mod forward_auth;
mod front_proxies;
mod gateway;
mod http_2;
#[path = "../support/issued.rs"]
mod issued;
mod metrics;
mod overload;
mod rate;
mod raw;
mod refusal_pages;
mod reload;
mod same_answer;
mod step_up;
#[expect(dead_code, unused_imports, reason = "these tests use a part of it")]
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod traces;
mod upstream;
mod upstream_connections;
mod upstream_health;
mod upstream_tls;
mod usage;
mod websocket;
