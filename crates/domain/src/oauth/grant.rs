//! The grants (RFC 6749 §4): one file each.

pub mod authorization_code;
