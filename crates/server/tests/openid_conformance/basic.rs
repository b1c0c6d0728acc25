//! oidcc-basic-certification-test-plan: 38 modules.

mod claims;
mod codes;
mod happy;
mod hints;
mod sessions;
