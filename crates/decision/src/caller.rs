//! Who asks: a client, for a user or for itself, as a token says it.

use serde::{Deserialize, Serialize};

/// Who asks, as a token or a line of `evaluate` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The client.
    pub client: ClientRef,
    /// For whom it acts.
    pub subject: Subject,
    /// The scopes that the token explicitly asked for: a ceiling, never a grant. Nothing: no ceiling of its own.
    pub ceiling: Option<Vec<String>>,
    /// The further links of a delegation chain (`act`, RFC 8693 §4.1): each of them must be allowed too.
    pub actors: Vec<Caller>,
}

/// A client, with what its home organization says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRef {
    /// The id.
    pub id: String,
    /// The organization that registered it.
    pub home_organization: String,
    /// Whether it is switched on.
    pub active: bool,
}

/// For whom a client acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A user, by id.
    User(String),
    /// Itself (client credentials).
    Client,
}
