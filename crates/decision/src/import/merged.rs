//! The operations of all files of a contract, each once.

use std::collections::HashMap;

use super::Problems;
use super::limits::MAX_LIST_LENGTH;
use super::node::fault;
use super::stated::StatedOperation;
use crate::contract::MAX_OPERATIONS;
use crate::operation::Method;
use crate::routes::Template;

/// The same operation in several files or under several tags is one; two that differ are an error that names both places.
pub(super) fn merged(stated: Vec<StatedOperation>, problems: &mut Problems) -> Vec<StatedOperation> {
    let mut operations: Vec<StatedOperation> = Vec::with_capacity(stated.len());
    let mut by_route: HashMap<(Method, String), usize> = HashMap::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for operation in stated {
        let route = match operation.path.parse::<Template>() {
            Ok(template) => (operation.method, template.shape()),
            Err(error) => {
                let message = format!("path `{}`: {error}", operation.path);
                problems.error(&operation.source.file, fault(operation.source.line, message));
                continue;
            }
        };
        let message = match (by_route.get(&route), by_id.get(&operation.id)) {
            (Some(first), _) => match difference(&operations[*first], &operation) {
                None => {
                    if add_tags(&mut operations[*first], &operation) {
                        continue;
                    }
                    format!("`{}` has more than {MAX_LIST_LENGTH} tags in all its places", operation.id)
                }
                Some(what) => format!(
                    "{} {} stands at {} too, with another {what}: one request cannot mean both",
                    operation.method, operation.path, operations[*first].source
                ),
            },
            (None, Some(first)) => {
                let first = &operations[*first];
                format!("`{}` stands at {} too, for {} {}", operation.id, first.source, first.method, first.path)
            }
            (None, None) => {
                by_route.insert(route, operations.len());
                by_id.insert(operation.id.clone(), operations.len());
                operations.push(operation);
                continue;
            }
        };
        problems.error(&operation.source.file, fault(operation.source.line, message));
    }
    if operations.len() > MAX_OPERATIONS {
        let message = format!("{} operations are too many, at most {MAX_OPERATIONS} are read", operations.len());
        problems.error(&operations[MAX_OPERATIONS].source.file, fault(operations[MAX_OPERATIONS].source.line, message));
    }
    operations
}

fn difference(one: &StatedOperation, two: &StatedOperation) -> Option<&'static str> {
    if one.id != two.id {
        Some("id")
    } else if one.path != two.path {
        Some("parameter name")
    } else if !one.requirement.requirement().means_the_same(&two.requirement.requirement()) {
        Some("requirement")
    } else if one.step_up != two.step_up {
        Some("step-up")
    } else {
        None
    }
}

/// Whether there is room for the tags of another place.
fn add_tags(operation: &mut StatedOperation, other: &StatedOperation) -> bool {
    for tag in &other.tags {
        if !operation.tags.contains(tag) {
            operation.tags.push(tag.clone());
        }
    }
    let has_room = operation.tags.len() <= MAX_LIST_LENGTH;
    operation.tags.truncate(MAX_LIST_LENGTH);
    has_room
}
