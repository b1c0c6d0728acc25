//! From a canonical target to the one path template it means, and to those that cross it.
//!
//! Leftmost literal first: of all templates that match, the one that has a literal segment at the first place where they differ. The path is chosen
//! before the method. Templates that cross (neither is more specific) are listed beforehand: routers break such ties differently, so a call has to be
//! allowed for each of them.

use std::collections::HashMap;

use crate::contract::{ContractError, Place};
use crate::operation::{Method, Operation};

mod bad_target;
mod canonical;
mod lookalikes;
mod template;

pub use bad_target::{BadTarget, Fault};
pub use canonical::{Canonical, MAX_SEGMENTS, MAX_TARGET_LENGTH, canonicalise};
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

/// How a template stands to another as far as their segments have been compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// No difference yet.
    Same,
    /// It had a literal at the first difference: requests that match both mean it.
    Chosen,
    /// And later a parameter where the other has a literal: neither is the more specific.
    Crossing,
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
        let mut crossing_paths: Vec<Vec<u32>> = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            let mut crossing = Vec::new();
            self.collect_crossing(0, path.template.segments(), Relation::Same, &mut crossing);
            pairs += crossing.len();
            if pairs > MAX_CROSSINGS {
                return Err(ContractError::TooManyCrossings { limit: MAX_CROSSINGS });
            }
            crossing_paths.push(crossing);
        }
        for (index, crossing) in crossing_paths.iter().enumerate() {
            let lists = Method::ALL.map(|method| self.crossing_with(index, method, crossing, operations));
            self.paths[index].crossing = lists;
        }
        Ok(())
    }

    /// Walks every template that can match the same request, and keeps those that the given one is chosen before although they have a literal
    /// where it has a parameter.
    fn collect_crossing(&self, node: u32, rest: &[Segment], relation: Relation, found: &mut Vec<u32>) {
        let node = &self.nodes[node as usize];
        let Some((segment, rest)) = rest.split_first() else {
            found.extend(node.path.filter(|_| relation == Relation::Crossing));
            return;
        };
        let after_parameter = match segment {
            Segment::Parameter(_) => relation,
            Segment::Literal(text) => {
                if let Some(child) = node.literals.get(text.as_str()) {
                    self.collect_crossing(*child, rest, relation, found);
                }
                if relation == Relation::Same { Relation::Chosen } else { relation }
            }
        };
        if let Some(child) = node.parameter {
            self.collect_crossing(child, rest, after_parameter, found);
        }
        // A template with a literal at the first difference is chosen itself and needs no look from here.
        if matches!(segment, Segment::Parameter(_)) && relation != Relation::Same {
            for child in node.literals.values() {
                self.collect_crossing(*child, rest, Relation::Crossing, found);
            }
        }
    }

    /// The operations of one method on the crossing paths, by id.
    fn crossing_with(&self, path: usize, method: Method, crossing: &[u32], operations: &[Operation]) -> Box<[u32]> {
        if self.paths[path].operation(method).is_none() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Location;
    use crate::requirement::Requirement;

    fn operations(rows: &[(&str, Method, &str)]) -> Vec<Operation> {
        let operation = |(id, method, path): &(&str, Method, &str)| Operation {
            id: (*id).into(),
            method: *method,
            path: (*path).into(),
            tags: Vec::new(),
            summary: None,
            deprecated: false,
            requirement: Requirement::Public,
            source: Location { file: "made".into(), line: 1 },
        };
        rows.iter().map(operation).collect()
    }

    /// The ids of the operation that a request means and of those it crosses.
    fn found(rows: &[(&str, Method, &str)], method: Method, target: &str) -> Vec<String> {
        let operations = operations(rows);
        let routes = Routes::new(&operations).unwrap();
        let target = canonicalise(target.as_bytes()).unwrap();
        let Some((path, (_, chosen))) = routes.find(&target).and_then(|path| Some((path, path.operation(method)?)))
        else {
            return Vec::new();
        };
        let crossing = path.crossing(method).iter().copied().filter(|other| routes.matches(*other, &target));
        std::iter::once(chosen).chain(crossing).map(|index| operations[index as usize].id.clone()).collect()
    }

    #[test]
    fn a_literal_wins_over_a_parameter_from_left_to_right() {
        let rows =
            [("me", Method::Get, "/users/me"), ("one", Method::Get, "/users/{id}"), ("any", Method::Get, "/{a}/{b}")];
        assert_eq!(found(&rows, Method::Get, "/users/me"), ["me"]);
        assert_eq!(found(&rows, Method::Get, "/users/you"), ["one"]);
        assert_eq!(found(&rows, Method::Get, "/roles/me"), ["any"]);
    }

    #[test]
    fn a_literal_that_leads_nowhere_is_given_up() {
        let rows = [("rule", Method::Get, "/users/rules/{id}"), ("roles", Method::Get, "/users/{id}/roles/{role}")];
        assert_eq!(found(&rows, Method::Get, "/users/rules/roles/x"), ["roles"]);
        let deep =
            [("a", Method::Get, "/a/b/c/d"), ("b", Method::Get, "/a/{x}/c/e"), ("c", Method::Get, "/{y}/b/{z}/f")];
        assert_eq!(found(&deep, Method::Get, "/a/b/c/e"), ["b"]);
        assert_eq!(found(&deep, Method::Get, "/a/b/c/f"), ["c"]);
        assert_eq!(found(&deep, Method::Get, "/a/b/c/g"), [""; 0]);
    }

    #[test]
    fn the_path_is_chosen_before_the_method() {
        let rows = [("me", Method::Get, "/users/me"), ("remove", Method::Delete, "/users/{id}")];
        assert_eq!(found(&rows, Method::Delete, "/users/me"), [""; 0]);
        assert_eq!(found(&rows, Method::Delete, "/users/you"), ["remove"]);
    }

    #[test]
    fn head_is_decided_as_get_unless_it_has_its_own_operation() {
        let rows = [
            ("get", Method::Get, "/a"),
            ("get b", Method::Get, "/b"),
            ("head b", Method::Head, "/b"),
            ("post", Method::Post, "/c"),
        ];
        assert_eq!(found(&rows, Method::Head, "/a"), ["get"]);
        assert_eq!(found(&rows, Method::Head, "/b"), ["head b"]);
        assert_eq!(found(&rows, Method::Head, "/c"), [""; 0]);
        let routes = Routes::new(&operations(&rows)).unwrap();
        let allowed = |target: &str| routes.find(&canonicalise(target.as_bytes()).unwrap()).unwrap().allowed_methods();
        assert_eq!(allowed("/a"), [Method::Get, Method::Head]);
        assert_eq!(allowed("/c"), [Method::Post]);
    }

    #[test]
    fn crossing_operations_are_those_that_the_request_matches_too_by_id() {
        let rows = [
            ("chosen", Method::Get, "/c/emails/{id}"),
            ("z", Method::Get, "/c/{id}/recordings"),
            ("a", Method::Get, "/{x}/emails/recordings"),
            ("other method", Method::Put, "/c/{id}/recordings"),
            ("more general", Method::Get, "/c/{id}/{part}"),
        ];
        assert_eq!(found(&rows, Method::Get, "/c/emails/recordings"), ["chosen", "a", "z"]);
        assert_eq!(found(&rows, Method::Get, "/c/emails/1"), ["chosen"]);
        assert_eq!(found(&rows, Method::Get, "/c/1/recordings"), ["z"]);
    }

    #[test]
    fn a_head_request_crosses_gets_and_heads() {
        let rows = [
            ("chosen", Method::Get, "/c/emails/{id}"),
            ("get", Method::Get, "/c/{id}/x"),
            ("head", Method::Head, "/{c}/emails/x"),
            ("not asked", Method::Get, "/{c}/emails/x"),
        ];
        assert_eq!(found(&rows, Method::Head, "/c/emails/x"), ["chosen", "get", "head"]);
        assert_eq!(found(&rows, Method::Get, "/c/emails/x"), ["chosen", "get", "not asked"]);
    }

    #[test]
    fn a_final_slash_matches_nothing_but_the_root_is_a_path() {
        let rows = [("root", Method::Get, "/"), ("one", Method::Get, "/{a}"), ("two", Method::Get, "/a/{b}")];
        assert_eq!(found(&rows, Method::Get, "/"), ["root"]);
        assert_eq!(found(&rows, Method::Get, "/a/"), [""; 0]);
        assert_eq!(found(&rows, Method::Get, "/a"), ["one"]);
    }
}
