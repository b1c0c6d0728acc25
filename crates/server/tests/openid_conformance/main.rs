//! The modules of the OpenID Foundation's certification plans, re-created under their own names, so that an official run
//! maps one to one. Where the suite takes a screenshot, the page is looked at.
//!
//! | file | plan |
//! |---|---|
//! | `basic.rs` `basic/` | oidcc-basic-certification-test-plan |
//! | `config.rs` | oidcc-config-certification-test-plan |
//! | `fapi.rs` `fapi/` | fapi2-security-profile-final-test-plan, fapi2-message-signing-final-test-plan |
//! | `rp_logout.rs` | oidcc-rp-initiated-logout-certification-test-plan |

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "a test binary exports nothing")]
#![expect(dead_code, reason = "support is shared with other test binaries")]

#[path = "../oauth/jwt.rs"]
mod jwt;
#[path = "../support/mod.rs"]
mod support;
#[path = "../oauth/world.rs"]
mod world;

mod basic;
mod config;
mod fapi;
mod relying_party;
mod rp_logout;
