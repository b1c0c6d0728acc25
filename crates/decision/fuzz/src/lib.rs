//! The engine against a naive model. The model is that of the laws, the same file; worlds and calls are made here, fast
//! and from a seed, or from the bytes of a coverage-guided fuzzer.

#[path = "../../tests/laws/call.rs"]
mod call;
mod choices;
pub mod compare;
#[path = "../../tests/laws/naive_model.rs"]
mod naive_model;
#[path = "../../tests/laws/naive_target.rs"]
mod naive_target;
mod requests;
pub mod routes;
pub mod target;
mod world;

pub use choices::Choices;
pub use world::{Real, World};
