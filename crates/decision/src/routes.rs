//! From a canonical target to the one path template it means, and to those that cross it.
//!
//! Leftmost literal first: of all templates that match, the one that has a literal segment at the first place where they differ. The path is chosen
//! before the method. Templates that cross (neither is more specific) are listed beforehand: routers break such ties differently, so a call has to be
//! allowed for each of them.

use std::collections::HashMap;

use crate::contract::{ContractError, Place};
use crate::operation::{Method, Operation};

mod canonical;
mod lookalikes;
mod template;

pub use canonical::{BadTarget, Canonical, Fault, MAX_SEGMENTS, MAX_TARGET_LENGTH, canonicalise};
pub use template::{Segment, Template, TemplateError};

/// The most pairs of crossing templates that are kept.
const MAX_CROSSINGS: usize = 1_000_000;

/// The path templates of one contract.
#[derive(Debug)]
pub(crate) struct Routes {
    nodes: Vec<Node>,
    paths: Vec<Path>,
    /// For each operation its path.
    path_of: Vec<u32>,
    /// For each operation its method.
    method_of: Vec<Method>,
}

/// A place in the tree of segments.
#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, u32>,
    parameter: Option<u32>,
    path: Option<u32>,
}

/// One path template with its operations.
#[derive(Debug)]
pub(crate) struct Path {
    template: Template,
    operations: [Option<u32>; Method::ALL.len()],
    /// For each method the operations that cross, by id.
    crossing: [Box<[u32]>; Method::ALL.len()],
}

impl Routes {
    pub(crate) fn new(operations: &[Operation]) -> Result<Self, ContractError> {
        let mut routes = Self {
            nodes: vec![Node::default()],
            paths: Vec::new(),
            path_of: Vec::with_capacity(operations.len()),
            method_of: operations.iter().map(|operation| operation.method).collect(),
        };
        for (index, operation) in (0u32..).zip(operations) {
            routes.add(index, operation, operations)?;
        }
        routes.list_crossings(operations)?;
        Ok(routes)
    }

    /// The path that a target means. A target that ends in a slash means none.
    pub(crate) fn find(&self, target: &Canonical<'_>) -> Option<&Path> {
        if target.ends_with_slash() {
            return None;
        }
        let segments: Vec<&str> = target.segments().collect();
        self.descend(0, &segments).map(|path| &self.paths[path as usize])
    }

    /// Whether the path of an operation matches a target, be it the chosen one or not.
    pub(crate) fn matches(&self, operation: u32, target: &Canonical<'_>) -> bool {
        let template = &self.paths[self.path_of[operation as usize] as usize].template;
        !target.ends_with_slash() && template.matches(target.segments())
    }

    /// All operations of the same method that cross the given one, by id.
    pub(crate) fn crossing_of(&self, operation: u32) -> &[u32] {
        self.paths[self.path_of[operation as usize] as usize].crossing(self.method_of[operation as usize])
    }

    /// Literal child before parameter child, and back where the rest does not fit: greedy descent would miss templates
    /// such as `/users/{id}/roles` beside `/users/rules/{rule}`.
    fn descend(&self, node: u32, rest: &[&str]) -> Option<u32> {
        let node = &self.nodes[node as usize];
        let Some((segment, rest)) = rest.split_first() else {
            return node.path;
        };
        let literal = node.literals.get(*segment).and_then(|child| self.descend(*child, rest));
        literal.or_else(|| node.parameter.and_then(|child| self.descend(child, rest)))
    }

    fn add(&mut self, index: u32, operation: &Operation, operations: &[Operation]) -> Result<(), ContractError> {
        let template: Template = operation.path.parse().map_err(|cause| ContractError::Template {
            path: operation.path.clone(),
            at: Place::of(operation),
            cause,
        })?;
        let node = self.node_for(&template);
        let path = self.nodes[node as usize].path.unwrap_or_else(|| {
            self.paths.push(Path { template, operations: Default::default(), crossing: Default::default() });
            index_of(self.paths.len() - 1)
        });
        self.nodes[node as usize].path = Some(path);
        self.path_of.push(path);
        // Templates that differ in parameter names only have come to the same path here.
        if let Some(first) = self.paths[path as usize].operations[slot(operation.method)].replace(index) {
            return Err(ContractError::SameRoute {
                route: format!("{} {}", operation.method, operation.path),
                first: Place::of(&operations[first as usize]),
                second: Place::of(operation),
            });
        }
        Ok(())
    }

    fn node_for(&mut self, template: &Template) -> u32 {
        let mut node = 0;
        for segment in template.segments() {
            let fresh = index_of(self.nodes.len());
            let here = &mut self.nodes[node as usize];
            let child = match segment {
                Segment::Literal(text) => *here.literals.entry(text.as_str().into()).or_insert(fresh),
                Segment::Parameter(_) => *here.parameter.get_or_insert(fresh),
            };
            if child == fresh {
                self.nodes.push(Node::default());
            }
            node = child;
        }
        node
    }

    fn list_crossings(&mut self, operations: &[Operation]) -> Result<(), ContractError> {
        let mut pairs = 0;
        let mut lists = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            let mut crossing = Vec::new();
            self.collect_crossing(0, path.template.segments(), false, &mut crossing);
            pairs += crossing.len();
            if pairs > MAX_CROSSINGS {
                return Err(ContractError::TooManyCrossings { limit: MAX_CROSSINGS });
            }
            lists.push(Method::ALL.map(|method| self.crossing_with(path, method, &crossing, operations)));
        }
        for (path, list) in self.paths.iter_mut().zip(lists) {
            path.crossing = list;
        }
        Ok(())
    }

    /// Walks every template that can match the same request, and keeps those with a literal where the given one has a parameter.
    fn collect_crossing(&self, node: u32, rest: &[Segment], is_narrower: bool, found: &mut Vec<u32>) {
        let node = &self.nodes[node as usize];
        let Some((segment, rest)) = rest.split_first() else {
            found.extend(node.path.filter(|_| is_narrower));
            return;
        };
        match segment {
            Segment::Literal(text) => {
                if let Some(child) = node.literals.get(text.as_str()) {
                    self.collect_crossing(*child, rest, is_narrower, found);
                }
            }
            Segment::Parameter(_) => {
                for child in node.literals.values() {
                    self.collect_crossing(*child, rest, true, found);
                }
            }
        }
        if let Some(child) = node.parameter {
            self.collect_crossing(child, rest, is_narrower, found);
        }
    }

    /// The operations of one method on the crossing paths, by id. A template that is narrower throughout is not among them when the two are matched
    /// against a request: it would have been chosen itself.
    fn crossing_with(&self, path: &Path, method: Method, crossing: &[u32], operations: &[Operation]) -> Box<[u32]> {
        if path.operation(method).is_none() {
            return Box::default();
        }
        let others = crossing.iter().filter_map(|other| self.paths[*other as usize].operation(method));
        let mut others: Vec<u32> = others.map(|(_, operation)| operation).collect();
        others.sort_unstable_by_key(|operation| &operations[*operation as usize].id);
        others.into_boxed_slice()
    }
}

impl Path {
    /// The operation that decides a method here. A HEAD without its own is decided as the GET of the same path.
    pub(crate) fn operation(&self, method: Method) -> Option<(Method, u32)> {
        let own = self.operations[slot(method)];
        let found = if method == Method::Head { own.or(self.operations[slot(Method::Get)]) } else { own };
        found.map(|operation| (method, operation))
    }

    /// The operations that cross this path for a method, by id.
    pub(crate) fn crossing(&self, method: Method) -> &[u32] {
        &self.crossing[slot(method)]
    }

    /// The methods that a request may use here.
    pub(crate) fn allowed_methods(&self) -> Vec<Method> {
        Method::ALL.into_iter().filter(|method| self.operation(*method).is_some()).collect()
    }
}

fn slot(method: Method) -> usize {
    method as usize
}

fn index_of(length: usize) -> u32 {
    u32::try_from(length).expect("contracts are limited to far fewer operations")
}
