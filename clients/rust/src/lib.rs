//! Nothing is built here: `tests/openid.rs` is a client of Countersign.
