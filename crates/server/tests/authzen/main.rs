//! The AuthZEN Authorization API 1.0, by the levels of its certification: one file for each.
//!
//! | file | level |
//! |---|---|
//! | `basic.rs` | Basic: one decision |
//! | `batch.rs` | Batch: several decisions in one message |
//! | `search.rs` | Search: subjects, resources, actions |
//! | `discovery.rs` | Discovery: metadata |
//! | `modules.rs` | all: the modules under their own names |

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "a test binary exports nothing")]

mod basic;
mod batch;
mod discovery;
mod fixture;
#[path = "../support/issued.rs"]
mod issued;
mod modules;
mod search;
#[expect(dead_code, unused_imports, reason = "these tests use a part of it")]
#[path = "../support/mod.rs"]
mod support;
