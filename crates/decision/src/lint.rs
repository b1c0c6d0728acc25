//! What is worth an operator's look in a contract, each with file and line.

use serde::{Deserialize, Serialize};

use crate::contract::Contract;

/// One thing worth a look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The file as it was named to the importer.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The rule, a stable name.
    pub rule: String,
    /// One sentence for people.
    pub message: String,
}

/// Everything worth a look in a contract: what the importer noticed and what the whole shows.
pub fn lint(contract: &Contract) -> Vec<Finding> {
    contract.warnings().to_vec()
}
