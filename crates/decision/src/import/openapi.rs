//! OpenAPI 3.0 and 3.1 and Swagger 2.0 to operations.

use super::document::Wanted;
use super::node::{Entry, Fault, Node, fault};
use super::security::{self, Schemes};
use super::stated::{Credential, Permissions, Stated, StatedOperation};
use super::{Problems, ScopeLists, limits, step_up};
use crate::operation::{Location, Method};

/// The extension by which a contract states permissions.
const PERMISSIONS: &str = "x-inin-requires-permissions";
/// The extension by which an operation asks for a fresh or a strong sign-in.
const STEP_UP: &str = "x-countersign-step-up";
/// How many `$ref` may lead from one to the next.
const MAX_REFERENCES: usize = 8;

/// A place in a contract file, for what is wanted of it: all the rest is passed over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The root, of whichever format.
    Root,
    /// `components`
    Components,
    /// `paths`, `components.pathItems`
    Paths,
    /// One path.
    PathItem,
    /// One operation.
    Operation,
    /// Something of which everything is wanted.
    Whole,
}

impl Wanted for Place {
    fn of_key(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Whole, _) => Some(Self::Whole),
            (Self::Root, "paths") | (Self::Components, "pathItems") => Some(Self::Paths),
            (Self::Root, "components") => Some(Self::Components),
            (Self::Root, "openapi" | "swagger" | "basePath" | "servers" | "security" | "securityDefinitions")
            | (Self::Root, "x-countersign-permissions" | "columns" | "operations")
            | (Self::Components, "securitySchemes")
            | (Self::PathItem, "$ref" | "servers")
            | (Self::Operation, "$ref" | "operationId" | "tags" | "summary" | "deprecated" | "security" | "servers")
            | (Self::Operation, PERMISSIONS | STEP_UP) => Some(Self::Whole),
            (Self::Paths, _) => Some(Self::PathItem),
            (Self::PathItem, "get" | "head" | "post" | "put" | "patch" | "delete" | "options" | "trace") => {
                Some(Self::Operation)
            }
            _ => None,
        }
    }

    fn of_item(self) -> Option<Self> {
        matches!(self, Self::Whole).then_some(self)
    }
}

/// One file, read.
pub(super) struct OpenApi<'n> {
    pub(super) file: &'n str,
    pub(super) root: &'n Node,
    pub(super) is_swagger: bool,
}

impl<'n> OpenApi<'n> {
    /// The node that defines the security schemes.
    pub(super) fn scheme_definitions(&self) -> Option<&'n Node> {
        if self.is_swagger {
            self.root.get("securityDefinitions")
        } else {
            self.root.get("components")?.get("securitySchemes")
        }
    }

    /// Whether an operation states permissions, by which the contract shows how it reads lists of scopes.
    pub(super) fn states_permissions(&self) -> bool {
        let items = |node: &'n Node| node.entries().unwrap_or_default().iter().map(|entry| &entry.node);
        let shared = self.root.get("components").and_then(|components| components.get("pathItems"));
        let paths = self.root.get("paths").into_iter().chain(shared).flat_map(items);
        paths.flat_map(items).any(|operation| operation.get(PERMISSIONS).is_some())
    }

    /// The operations of the file; what is wrong goes to `problems`.
    pub(super) fn operations(
        &self,
        schemes: &Schemes,
        lists: ScopeLists,
        problems: &mut Problems,
    ) -> Vec<StatedOperation> {
        let mut operations = Vec::new();
        let Some(paths) = self.root.get("paths") else {
            return operations;
        };
        let Some(entries) = paths.entries() else {
            problems.error(self.file, fault(paths.line, format!("`paths` is a mapping, not {}", paths.kind())));
            return operations;
        };
        let security = self.root.get("security");
        let inherited = security.map(|security| security::credential(security, schemes, lists)).transpose();
        let reading = Reading { schemes, lists, inherited };
        for Entry { key: path, line, node } in entries {
            if path.starts_with("x-") {
                continue;
            }
            let item = match self.resolved(node) {
                Ok(item) if path.starts_with('/') => item,
                Ok(_) => {
                    problems.error(self.file, fault(*line, format!("path `{path}` does not begin with `/`")));
                    continue;
                }
                Err(fault) => {
                    problems.error(self.file, fault);
                    continue;
                }
            };
            for Entry { key, line, node } in item {
                if let Some(method) = self.method(key, *line, problems) {
                    let at = At { path, item, method, line: *line };
                    match self.operation(&at, node, &reading) {
                        Ok(operation) if problems.take_items(self.file, &operation) => operations.push(operation),
                        Ok(_) => return operations,
                        Err(fault) => problems.error(self.file, fault),
                    }
                }
            }
        }
        operations
    }

    fn operation(&self, at: &At<'_>, node: &Node, reading: &Reading<'_>) -> Result<StatedOperation, Fault> {
        if node.entries().is_none() {
            return Err(fault(at.line, format!("an operation is a mapping, not {}", node.kind())));
        }
        if let Some(reference) = node.get("$ref") {
            return Err(fault(reference.line, "an operation cannot be a `$ref`: a whole path can"));
        }
        let path = format!("{}{}", self.prefix(at, node)?, limits::name(at.path, "a path", at.line)?);
        limits::name(&path, "a path", at.line)?;
        let id = match node.get("operationId") {
            Some(id) => {
                id.text().ok_or_else(|| fault(id.line, format!("`operationId` is a text, not {}", id.kind())))?
            }
            None => &format!("{} {path}", at.method),
        };
        let tags = node.get("tags").map(|tags| security::texts(tags, "`tags`")).transpose()?.unwrap_or_default();
        Ok(StatedOperation {
            id: limits::name(id, "`operationId`", at.line)?.to_owned(),
            method: at.method,
            path,
            tags: tags.into_iter().map(limits::shown).collect(),
            summary: node.get("summary").and_then(Node::text).map(limits::shown),
            deprecated: node.get("deprecated").and_then(Node::truth).unwrap_or(false),
            source: Location { file: self.file.to_owned(), line: at.line },
            requirement: self.requirement(at, node, reading)?,
            step_up: node.get(STEP_UP).map(step_up::read).transpose()?,
        })
    }

    fn requirement(&self, at: &At<'_>, node: &Node, reading: &Reading<'_>) -> Result<Stated, Fault> {
        let Reading { schemes, lists, inherited } = reading;
        // OpenAPI 3.1 §4.8.10: an operation's own `security`, even an empty one, replaces that of the whole contract.
        let own = node.get("security");
        let credential = match own {
            Some(security) => Some(security::credential(security, schemes, *lists)?),
            None => inherited.clone()?,
        };
        let security = own.or_else(|| self.root.get("security"));
        let stated = node.get(PERMISSIONS);
        let permissions = stated.map(security::permissions).transpose()?;
        Ok(Stated {
            credential: credential.unwrap_or(Credential::Nothing),
            credential_line: security.map_or(at.line, |security| security.line),
            permissions: permissions.unwrap_or(Permissions::None),
            permissions_line: stated.map_or(at.line, |stated| stated.line),
        })
    }

    /// The methods of a path; anything that is not one and should not be there is a warning.
    fn method(&self, key: &str, line: u32, problems: &mut Problems) -> Option<Method> {
        let method = match key {
            "get" => Method::Get,
            "head" => Method::Head,
            "post" => Method::Post,
            "put" => Method::Put,
            "patch" => Method::Patch,
            "delete" => Method::Delete,
            "options" => Method::Options,
            "trace" => {
                problems.warn(self.file, line, "trace-left-out", "TRACE is never forwarded: the operation is left out");
                return None;
            }
            "summary" | "description" | "servers" | "parameters" | "$ref" => return None,
            _ if key.starts_with("x-") => return None,
            _ => {
                problems.warn(
                    self.file,
                    line,
                    "unknown-key",
                    &format!("`{key}` is no method in small letters: it is left out"),
                );
                return None;
            }
        };
        Some(method)
    }

    /// The entries of a path, behind its `$ref` where it has one.
    fn resolved(&self, node: &'n Node) -> Result<&'n [Entry], Fault> {
        let mut node = node;
        for _ in 0..MAX_REFERENCES {
            let entries =
                node.entries().ok_or_else(|| fault(node.line, format!("a path is a mapping, not {}", node.kind())))?;
            let Some(reference) = node.get("$ref") else {
                return Ok(entries);
            };
            if entries
                .iter()
                .any(|entry| Place::PathItem.of_key(&entry.key).is_some_and(|place| matches!(place, Place::Operation)))
            {
                return Err(fault(
                    reference.line,
                    "`$ref` and operations stand in one path: which of them counts is not defined",
                ));
            }
            node = self.follow(reference)?;
        }
        Err(fault(node.line, format!("more than {MAX_REFERENCES} `$ref` lead from one to the next")))
    }

    /// RFC 6901 pointers into `#/paths` and `#/components/pathItems` of the same file.
    fn follow(&self, reference: &Node) -> Result<&'n Node, Fault> {
        let text = reference.text().unwrap_or_default();
        let not_found = || {
            let message = format!(
                "`$ref: {text}` is not followed: only paths under `#/paths` and `#/components/pathItems` of the same file are"
            );
            fault(reference.line, message)
        };
        let (start, name) = match text.strip_prefix("#/paths/") {
            Some(name) => (self.root.get("paths"), name),
            None => {
                let name = text.strip_prefix("#/components/pathItems/").ok_or_else(not_found)?;
                (self.root.get("components").and_then(|components| components.get("pathItems")), name)
            }
        };
        let name = name.replace("%7B", "{").replace("%7D", "}").replace("~1", "/").replace("~0", "~");
        start.and_then(|start| start.get(&name)).ok_or_else(not_found)
    }

    /// What stands before every path: `basePath`, or the path of `servers`, the nearest of operation, path and contract.
    fn prefix(&self, at: &At<'_>, operation: &Node) -> Result<String, Fault> {
        if self.is_swagger {
            return match self.root.get("basePath") {
                None => Ok(String::new()),
                Some(node) => match node.text() {
                    Some(text) if text.starts_with('/') => {
                        Ok(limits::name(text, "`basePath`", node.line)?.trim_end_matches('/').to_owned())
                    }
                    _ => Err(fault(node.line, "`basePath` begins with `/`")),
                },
            };
        }
        let of_path = at.item.iter().find(|entry| entry.key == "servers").map(|entry| &entry.node);
        let Some(servers) = operation.get("servers").or(of_path).or_else(|| self.root.get("servers")) else {
            return Ok(String::new());
        };
        let mut prefixes = security::list(servers, "`servers`")?.iter().map(server_path);
        let Some(first) = prefixes.next().transpose()? else {
            return Ok(String::new());
        };
        for other in prefixes {
            let other = other?;
            if other != first {
                let message = format!(
                    "servers differ in their path (`{first}`, `{other}`): requests could not be told apart, keep one"
                );
                return Err(fault(servers.line, message));
            }
        }
        Ok(first)
    }
}

/// How the security of an operation is read.
struct Reading<'n> {
    schemes: &'n Schemes,
    lists: ScopeLists,
    /// What the whole contract says, read once: each operation without its own takes it.
    inherited: Result<Option<Credential>, Fault>,
}

/// Where an operation stands.
struct At<'n> {
    path: &'n str,
    item: &'n [Entry],
    method: Method,
    line: u32,
}

/// The path of a server's URL, variables at their defaults, without final slash.
fn server_path(server: &Node) -> Result<String, Fault> {
    let url = server.get("url").and_then(Node::text);
    let mut url = url.ok_or_else(|| fault(server.line, "a server has a `url`"))?.to_owned();
    for Entry { key, node, .. } in server.get("variables").and_then(Node::entries).unwrap_or_default() {
        let default = node.get("default").and_then(Node::text).unwrap_or_default();
        let default = limits::name(default, "the default of a server variable", node.line)?;
        url = limits::name(&url, "a server's `url`", server.line)?.replace(&format!("{{{key}}}"), default);
    }
    limits::name(&url, "a server's `url`", server.line)?;
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
        None => &url,
    };
    let path = path.trim_end_matches('/');
    if path.is_empty() || path.starts_with('/') {
        Ok(path.to_owned())
    } else {
        Err(fault(server.line, format!("server `{url}` has no path that begins with `/`")))
    }
}
