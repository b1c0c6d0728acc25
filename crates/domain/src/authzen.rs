//! Questions about decisions, as the AuthZEN Authorization API 1.0 asks them. Reading only: what is right is for the engine.

mod batch;
mod json;
mod page;
mod question;

pub use batch::{Batch, MAX_EVALUATIONS, Semantic};
pub use json::OneReading;
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, PageRequest};
pub use question::{Misfit, Question, Resource, Search, Sought, Subject};

use serde::Serialize;

/// Policy decision point metadata (§9.1), at `/.well-known/authzen-configuration`.
#[derive(Debug, Serialize)]
pub struct DecisionPointMetadata {
    policy_decision_point: String,
    access_evaluation_endpoint: String,
    access_evaluations_endpoint: String,
    search_subject_endpoint: String,
    search_resource_endpoint: String,
    search_action_endpoint: String,
}

impl DecisionPointMetadata {
    /// Of the server that is called `origin`: configuration says so, never a request.
    pub fn new(origin: &str) -> Self {
        let at = |path: &str| format!("{origin}/access/v1/{path}");
        Self {
            policy_decision_point: origin.to_owned(),
            access_evaluation_endpoint: at("evaluation"),
            access_evaluations_endpoint: at("evaluations"),
            search_subject_endpoint: at("search/subject"),
            search_resource_endpoint: at("search/resource"),
            search_action_endpoint: at("search/action"),
        }
    }
}
