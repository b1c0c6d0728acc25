//! What an operation asks of the sign-in behind a call (RFC 9470): one that is fresh, or of a certain strength.
//!
//! It is no half of a decision. Permissions and scopes are what an organization decided; how long ago somebody signed in is a
//! property of the token, and who has no better one can get it. Whoever reads tokens looks at [`Permit::step_ups`](crate::Permit::step_ups).

use serde::{Deserialize, Serialize};

/// What is asked of a sign-in. At least one of the two is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepUp {
    /// Authentication context class references of which one is needed, the best first; empty: any will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// The most seconds since the person signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}
