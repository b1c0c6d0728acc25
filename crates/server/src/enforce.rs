//! Enforcement: every door is an adapter of one path, `check::check`, which asks `decision::decide`.

pub mod check;
pub mod doors;
pub mod ext_authz;
pub mod forward_auth;
pub mod forwarded;
pub mod gateway;
pub mod identity;
pub mod log;
pub mod presented;
pub mod rate;
pub mod remembered;
pub mod snapshots;
pub mod upstreams;
pub mod usage;
pub mod visit;
