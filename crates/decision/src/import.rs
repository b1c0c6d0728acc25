//! Contract files to operations: OpenAPI 3.0 and 3.1, Swagger 2, and rows files, in YAML or JSON, with file and line for whatever is wrong.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lint::Finding;
use crate::operation::Operation;
use crate::permission::Permission;
use crate::requirement::PermissionMode;
use crate::scope::Scope;

mod document;
mod limits;
mod merged;
mod node;
mod openapi;
mod rows;
mod security;
mod stated;
mod step_up;

use node::{Fault, Node, fault};
use openapi::{OpenApi, Place};
use security::Schemes;
use stated::StatedOperation;

pub use document::MAX_FILE_LENGTH;
pub use limits::MAX_LIST_LENGTH;

use limits::{MAX_ERRORS, MAX_ITEMS, MAX_WARNINGS};
use merged::merged;

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
#[serde(untagged, expecting = "a scope, or a list of scopes that are all needed")]
pub enum ScopeAlternative {
    /// One scope.
    One(Scope),
    /// All of these.
    AllOf(Vec<Scope>),
}

/// The permissions that an operator states: a list of which any suffices, or a list with its mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a list of permissions of which any suffices, or `{ mode = \"ALL\", of = [..] }`")]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The line, counted from 1; 0 where the trouble is not in a contract file but in the operator's overrides.
    pub line: u32,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Reads the files of one contract.
///
/// # Errors
/// Everything that is wrong, with file and line.
pub fn import(files: &[SourceFile<'_>], options: &ImportOptions) -> Result<ContractSource, Vec<ImportError>> {
    let mut problems = Problems::default();
    let documents = read(files, &mut problems);
    let lists = options.scope_lists.unwrap_or_else(|| default_scope_lists(&documents));
    let mut source = ContractSource { name: options.name.clone(), ..ContractSource::default() };
    collect_descriptions(&documents, &mut source, &mut problems);
    let stated = merged(stated_operations(&documents, lists, &mut problems), &mut problems);
    source.operations = finished(stated, &options.overrides, &mut problems);
    if source.operations.is_empty() && problems.errors.is_empty() {
        let file = files.first().map_or("", |file| file.name);
        problems.error(file, fault(1, "no operation is described"));
    }
    source.warnings = problems.warnings;
    if problems.errors.is_empty() { Ok(source) } else { Err(problems.errors) }
}

impl fmt::Display for ImportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.file, self.message),
            line => write!(formatter, "{}:{line}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for ImportError {}

/// What is wrong so far, and what is worth a look.
#[derive(Debug, Default)]
struct Problems {
    errors: Vec<ImportError>,
    warnings: Vec<Finding>,
    /// How many scopes and permissions the operations so far ask for.
    items: usize,
}

impl Problems {
    fn error(&mut self, file: &str, Fault { line, message }: Fault) {
        match self.errors.len().cmp(&MAX_ERRORS) {
            Ordering::Less => {
                self.errors.push(ImportError { file: file.to_owned(), line, message: limits::shown(&message) });
            }
            Ordering::Equal => {
                let message = "more is wrong after this, and not listed".to_owned();
                self.errors.push(ImportError { file: file.to_owned(), line, message });
            }
            Ordering::Greater => {}
        }
    }

    fn warn(&mut self, file: &str, line: u32, rule: &str, message: &str) {
        let message = limits::shown(message);
        push_warning(&mut self.warnings, Finding { file: file.to_owned(), line, rule: rule.to_owned(), message });
    }

    /// Counts what an operation asks for; an error where that is too much for all of them together.
    fn take_items(&mut self, file: &str, operation: &StatedOperation) -> bool {
        let was_within = self.items <= MAX_ITEMS;
        self.items += operation.requirement.items();
        let is_within = self.items <= MAX_ITEMS;
        if was_within && !is_within {
            let message = format!("the operations ask for more than {MAX_ITEMS} scopes and permissions together");
            self.error(file, fault(operation.source.line, message));
        }
        is_within
    }
}

/// Adds a warning; beyond the most that are listed, one that says so.
fn push_warning(warnings: &mut Vec<Finding>, finding: Finding) {
    match warnings.len().cmp(&MAX_WARNINGS) {
        Ordering::Less => warnings.push(finding),
        Ordering::Equal => {
            let message = "more is worth a look after this, and not listed".to_owned();
            warnings.push(Finding { message, ..finding });
        }
        Ordering::Greater => {}
    }
}

/// A file by its format.
struct Document<'f> {
    file: &'f str,
    root: Node,
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    OpenApi3,
    Swagger2,
    Rows,
}

impl Document<'_> {
    fn openapi(&self) -> Option<OpenApi<'_>> {
        let is_swagger = match self.format {
            Format::OpenApi3 => false,
            Format::Swagger2 => true,
            Format::Rows => return None,
        };
        Some(OpenApi { file: self.file, root: &self.root, is_swagger })
    }
}

fn read<'f>(files: &[SourceFile<'f>], problems: &mut Problems) -> Vec<Document<'f>> {
    let mut documents = Vec::with_capacity(files.len());
    for SourceFile { name, text } in files {
        let document = document::read(text, Place::Root).and_then(|root| {
            let format = format(&root)?;
            Ok(Document { file: name, root, format })
        });
        match document {
            Ok(document) => documents.push(document),
            Err(fault) => problems.error(name, fault),
        }
    }
    documents
}

fn format(root: &Node) -> Result<Format, Fault> {
    let version = |key| root.get(key).map(|node| (node.line, node.text().unwrap_or_default()));
    let is_minor = |version: &str, minor| {
        version == minor || version.strip_prefix(minor).is_some_and(|rest| rest.starts_with('.'))
    };
    for (line, text) in [version("openapi"), version("swagger")].into_iter().flatten() {
        limits::name(text, "a version", line)?;
    }
    match (version("openapi"), version("swagger"), root.get("columns")) {
        (Some((_, version)), None, None) if is_minor(version, "3.0") || is_minor(version, "3.1") => {
            Ok(Format::OpenApi3)
        }
        (Some((line, version)), None, None) => {
            Err(fault(line, format!("OpenAPI `{version}` is not read: 3.0 and 3.1 are")))
        }
        (None, Some((_, "2.0")), None) => Ok(Format::Swagger2),
        (None, Some((line, version)), None) => Err(fault(line, format!("Swagger `{version}` is not read: 2.0 is"))),
        (None, None, Some(_)) => Ok(Format::Rows),
        _ => Err(fault(
            root.line,
            "not a contract: one key of `openapi`, `swagger` and `columns` says which kind of file it is",
        )),
    }
}

/// Genesys' lists are any-of, and `x-inin-requires-permissions` is their mark; OpenAPI says all-of. A rows file is Genesys' in short.
fn default_scope_lists(documents: &[Document<'_>]) -> ScopeLists {
    let is_any = |document: &Document<'_>| document.openapi().is_none_or(|openapi| openapi.states_permissions());
    if documents.iter().any(is_any) { ScopeLists::Any } else { ScopeLists::All }
}

fn collect_descriptions(documents: &[Document<'_>], source: &mut ContractSource, problems: &mut Problems) {
    for document in documents {
        let definitions = document.openapi().and_then(|openapi| openapi.scheme_definitions());
        for entry in definitions.into_iter().flat_map(security::described_scopes) {
            let description = entry.node.text().unwrap_or_default().to_owned();
            match entry.key.parse() {
                Ok(scope) => _ = source.scopes.entry(scope).or_insert(description),
                Err(error) => problems.warn(document.file, entry.line, "not-a-scope", &format!("{error}")),
            }
        }
        for entry in document.root.get("x-countersign-permissions").and_then(Node::entries).unwrap_or_default() {
            let description = entry.node.text().unwrap_or_default().to_owned();
            match entry.key.parse() {
                Ok(permission) => _ = source.permissions.entry(permission).or_insert(description),
                Err(error) => problems.warn(document.file, entry.line, "not-a-permission", &format!("{error}")),
            }
        }
    }
}

fn stated_operations(documents: &[Document<'_>], lists: ScopeLists, problems: &mut Problems) -> Vec<StatedOperation> {
    let schemes: Vec<Schemes> = documents.iter().map(|document| schemes_of(document, problems)).collect();
    let mut of_all = Schemes::default();
    schemes.iter().for_each(|schemes| of_all.add(schemes));

    let mut operations = Vec::new();
    for (document, mut schemes) in documents.iter().zip(schemes) {
        schemes.add(&of_all);
        operations.extend(match document.openapi() {
            Some(openapi) => openapi.operations(&schemes, lists, problems),
            None => rows::operations(document.file, &document.root, lists, problems),
        });
    }
    operations
}

fn schemes_of(document: &Document<'_>, problems: &mut Problems) -> Schemes {
    let definitions = document.openapi().and_then(|openapi| openapi.scheme_definitions());
    match definitions.map(Schemes::read).transpose() {
        Ok(schemes) => schemes.unwrap_or_default(),
        Err(fault) => {
            problems.error(document.file, fault);
            Schemes::default()
        }
    }
}

fn finished(
    stated: Vec<StatedOperation>,
    overrides: &BTreeMap<String, Override>,
    problems: &mut Problems,
) -> Vec<Operation> {
    for id in overrides.keys() {
        if !stated.iter().any(|operation| operation.id == *id) {
            let message = "no file of the contract has this operation".to_owned();
            problems.error(&format!("[contract.operations.{id}]"), Fault { line: 0, message });
        }
    }
    let mut operations = Vec::with_capacity(stated.len());
    for operation in stated {
        let id = operation.id.clone();
        match operation.finish(overrides.get(&id), &mut problems.warnings) {
            Ok(operation) => operations.push(operation),
            Err(message) => problems.error(&format!("[contract.operations.{id}]"), Fault { line: 0, message }),
        }
    }
    operations
}
