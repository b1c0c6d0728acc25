//! Enforcement: every door is an adapter of one path, `check::check`, which asks `decision::decide`.

pub mod check;
pub mod presented;
pub mod rate;
pub mod snapshots;
