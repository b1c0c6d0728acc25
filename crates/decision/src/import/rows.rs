//! The rows file: `columns` names the fields of each row of `operations`.

use super::node::{Fault, Node, fault};
use super::security;
use super::stated::{self, Credential, Permissions, Stated, StatedOperation};
use super::{Problems, ScopeLists, limits};
use crate::operation::{Location, Method};
use crate::requirement::PermissionMode;

/// Where each known column stands in a row.
#[derive(Debug, Default)]
struct Columns {
    id: Option<usize>,
    method: Option<usize>,
    path: Option<usize>,
    tag: Option<usize>,
    summary: Option<usize>,
    scopes: Option<usize>,
    permissions: Option<usize>,
    deprecated: Option<usize>,
    auth: Option<usize>,
}

/// The operations of a rows file; what is wrong goes to `problems`.
pub(super) fn operations(file: &str, root: &Node, lists: ScopeLists, problems: &mut Problems) -> Vec<StatedOperation> {
    let mut operations = Vec::new();
    let columns = match columns(root) {
        Ok(columns) => columns,
        Err(fault) => {
            problems.error(file, fault);
            return operations;
        }
    };
    let Some(rows) = root.get("operations").and_then(Node::items) else {
        problems.error(file, fault(root.line, "`operations` is the list of rows"));
        return operations;
    };
    for row in rows {
        match operation(file, row, &columns, lists) {
            Ok(operation) if problems.take_items(file, &operation) => operations.push(operation),
            Ok(_) => break,
            Err(fault) => problems.error(file, fault),
        }
    }
    operations
}

fn columns(root: &Node) -> Result<Columns, Fault> {
    let node = root.get("columns").ok_or_else(|| fault(root.line, "`columns` names the fields of a row"))?;
    let mut columns = Columns::default();
    for (index, name) in security::texts(node, "`columns`")?.into_iter().enumerate() {
        let column = match name {
            "id" => &mut columns.id,
            "method" => &mut columns.method,
            "path" => &mut columns.path,
            "tag" => &mut columns.tag,
            "summary" => &mut columns.summary,
            "scopes" => &mut columns.scopes,
            "permissions" => &mut columns.permissions,
            "deprecated" => &mut columns.deprecated,
            "auth" => &mut columns.auth,
            _ => {
                let known = "id, method, path, tag, summary, scopes, permissions, deprecated and auth";
                return Err(fault(node.line, format!("column `{name}` is not known: {known} are")));
            }
        };
        if column.replace(index).is_some() {
            return Err(fault(node.line, format!("column `{name}` stands twice")));
        }
    }
    for (name, column) in [("id", columns.id), ("method", columns.method), ("path", columns.path)] {
        if column.is_none() {
            return Err(fault(node.line, format!("column `{name}` is missing")));
        }
    }
    Ok(columns)
}

fn operation(file: &str, row: &Node, columns: &Columns, lists: ScopeLists) -> Result<StatedOperation, Fault> {
    let cells = row.items().ok_or_else(|| fault(row.line, format!("a row is a list, not {}", row.kind())))?;
    let cell = |column: Option<usize>| column.and_then(|index| cells.get(index)).filter(|cell| !cell.is_null());
    let text = |column, name| {
        let cell = cell(column).ok_or_else(|| fault(row.line, format!("the row has no {name}")))?;
        cell.text().ok_or_else(|| fault(cell.line, format!("the {name} is a text, not {}", cell.kind())))
    };
    let method = text(columns.method, "method")?;
    let method: Method = method.parse().map_err(|error| fault(row.line, format!("{error}")))?;
    let tags = match cell(columns.tag) {
        None => Vec::new(),
        Some(tag) => match tag.text() {
            Some(tag) => vec![tag],
            None => security::texts(tag, "the tag, which is a text or a list,")?,
        },
    };
    let deprecated = match cell(columns.deprecated) {
        None => false,
        Some(cell) => cell.truth().ok_or_else(|| fault(cell.line, "`deprecated` is 0 or 1"))?,
    };
    let credential = match cell(columns.auth).map(|auth| (auth, auth.text())) {
        // The file's own word for an operation without `security`: nothing is stated, which is not public.
        Some((_, Some("none"))) => Credential::Nothing,
        Some((_, Some(scheme))) => Credential::Other { scheme: limits::shown(scheme) },
        Some((auth, None)) => return Err(fault(auth.line, format!("`auth` is a text, not {}", auth.kind()))),
        None => match cell(columns.scopes) {
            None => Credential::Nothing,
            Some(scopes) => stated::alternatives(&security::texts(scopes, "the scope list")?, lists)
                .map_or_else(|not_a_scope| not_a_scope, Credential::Oauth),
        },
    };
    let permissions = cell(columns.permissions).map(permissions).transpose()?.unwrap_or(Permissions::None);
    Ok(StatedOperation {
        id: limits::name(text(columns.id, "id")?, "an id", row.line)?.to_owned(),
        method,
        path: limits::name(text(columns.path, "path")?, "a path", row.line)?.to_owned(),
        tags: tags.into_iter().map(limits::shown).collect(),
        summary: cell(columns.summary).and_then(Node::text).map(limits::shown),
        deprecated,
        source: Location { file: file.to_owned(), line: row.line },
        requirement: Stated { credential, credential_line: row.line, permissions, permissions_line: row.line },
        step_up: None,
    })
}

/// `["ANY", ["a:b:c"]]`
fn permissions(cell: &Node) -> Result<Permissions, Fault> {
    let right = || fault(cell.line, "permissions are null, `[\"ANY\", [..]]` or `[\"ALL\", [..]]`");
    let Some([mode, list]) = cell.items() else {
        return Err(right());
    };
    let mode = match mode.text() {
        Some("ANY") => PermissionMode::Any,
        Some("ALL") => PermissionMode::All,
        _ => return Err(right()),
    };
    Ok(stated::permissions(mode, &security::texts(list, "the permission list")?))
}
