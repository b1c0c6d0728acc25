//! From a canonical target to the one path template it means, and to those that cross it.
//!
//! Leftmost literal first: of all templates that match, the one that has a literal segment at the first place where they differ. The path is chosen
//! before the method. Templates that cross (neither is more specific) are listed beforehand: routers break such ties differently, so a call has to be
//! allowed for each of them.

use std::collections::HashSet;

use crate::contract::{ContractError, Place};
use crate::operation::{Method, Operation};

mod automaton;
mod bad_target;
mod canonical;
mod lookalikes;
mod plain;
mod segment;
mod template;
mod tree;

use automaton::{Automaton, TooManyPlaces};
use tree::Tree;

pub use bad_target::{BadTarget, Fault};
pub use canonical::{Canonical, MAX_SEGMENTS, MAX_TARGET_LENGTH, canonicalise};
pub use template::{Segment, Template, TemplateError};

/// The path templates of one contract.
#[derive(Debug)]
pub(crate) struct Routes {
    automaton: Automaton,
    /// What the automaton's endings mean.
    routes: Vec<Route>,
    /// For each method the operations that cross, by id.
    crossings: Vec<[Box<[u32]>; Method::ALL.len()]>,
    tree: Tree,
    /// For each template of the tree its operations.
    operations: Vec<ByMethod>,
    /// For each operation its template.
    template_of: Vec<u32>,
    /// Every text that a template asks for.
    literals: HashSet<String>,
}

/// The operation of each method, by [`slot`].
type ByMethod = [Option<u32>; Method::ALL.len()];

/// What requests mean that match the same templates. Half a line of memory: of a large contract they stay in the caches.
#[derive(Debug)]
#[repr(align(32))]
pub(crate) struct Route {
    /// Those of the template that is meant, by [`slot`]; [`NONE`] where the method has none.
    operations: [u32; Method::ALL.len()],
    /// The place in [`Routes::crossings`] of the operations that cross; [`NONE`] where none does.
    crossing: u32,
}

const _: () = assert!(size_of::<Route>() == 32, "two of them stand in a line of memory");

/// Neither an operation nor a place: contracts are limited to far fewer of them.
const NONE: u32 = u32::MAX;

impl Routes {
    pub(crate) fn new(operations: &[Operation]) -> Result<Self, ContractError> {
        let mut tree = Tree::new();
        let mut by_template: Vec<ByMethod> = Vec::new();
        let mut template_of = Vec::with_capacity(operations.len());
        let mut literals = HashSet::new();
        for (index, operation) in (0u32..).zip(operations) {
            let parsed = parse(operation)?;
            literals.extend(parsed.segments().iter().filter_map(Segment::literal).map(str::to_owned));
            let template = tree.insert(parsed);
            by_template.resize(tree.len(), ByMethod::default());
            // Templates that differ in parameter names only have come to the same place here.
            if let Some(first) = by_template[template as usize][slot(operation.method)].replace(index) {
                return Err(ContractError::SameRoute {
                    route: format!("{} {}", operation.method, operation.path),
                    first: Place::of(&operations[first as usize]),
                    second: Place::of(operation),
                });
            }
            template_of.push(template);
        }
        let too_many = |_: TooManyPlaces| ContractError::TooManyOverlaps { limit: TooManyPlaces::LIMIT };
        let (automaton, endings) = Automaton::new(&tree).map_err(too_many)?;
        let mut crossings = Vec::new();
        let route = |matching: &Vec<u32>| Route::new(matching, &tree, &by_template, operations, &mut crossings);
        let routes = endings.iter().map(route).collect();
        Ok(Self { automaton, routes, crossings, tree, operations: by_template, template_of, literals })
    }

    /// What a target means. A target that ends in a slash means nothing.
    #[inline]
    pub(crate) fn find(&self, target: &Canonical<'_>) -> Option<&Route> {
        if target.ends_with_slash() {
            return None;
        }
        self.automaton.ending(target.path_bytes()).map(|ending| &self.routes[ending])
    }

    /// The operations of a method that requests of this route match too and that cross the one they mean, by id.
    #[inline]
    pub(crate) fn crossing(&self, route: &Route, method: Method) -> &[u32] {
        self.crossings.get(route.crossing as usize).map_or(&[], |crossing| &crossing[slot(method)])
    }

    /// Whether some template asks for this text as a segment.
    pub(crate) fn has_literal(&self, text: &str) -> bool {
        self.literals.contains(text)
    }

    /// All operations of the same method that cross the given one, by id.
    pub(crate) fn crossing_of(&self, operation: u32, operations: &[Operation]) -> Vec<u32> {
        let method = operations[operation as usize].method;
        let crossing = self.tree.crossing(self.template_of[operation as usize]);
        with_method(method, &crossing, &self.operations, operations)
    }
}

impl Route {
    /// `matching` are the templates that the requests match, the one that is meant first. What crosses is put behind `crossings`.
    fn new(
        matching: &[u32],
        tree: &Tree,
        by_template: &[ByMethod],
        operations: &[Operation],
        crossings: &mut Vec<[Box<[u32]>; Method::ALL.len()]>,
    ) -> Self {
        let chosen = tree.template(matching[0]);
        let others: Vec<u32> = matching[1..]
            .iter()
            .copied()
            .filter(|other| tree.template(*other).has_literal_for_parameter(chosen))
            .collect();
        let own = by_template[matching[0] as usize];
        let crossing = Method::ALL.map(|method| match operation(&own, method) {
            Some(_) => with_method(method, &others, by_template, operations).into_boxed_slice(),
            None => Box::default(),
        });
        let mut made = Self { operations: own.map(|operation| operation.unwrap_or(NONE)), crossing: NONE };
        if crossing.iter().any(|list| !list.is_empty()) {
            made.crossing = u32::try_from(crossings.len()).expect("there are fewer routes than places");
            crossings.push(crossing);
        }
        made
    }

    /// The operation that decides a method here. A HEAD without its own is decided as the GET of the same path.
    #[inline]
    pub(crate) fn operation(&self, method: Method) -> Option<u32> {
        let of = |method: Method| Some(self.operations[slot(method)]).filter(|operation| *operation != NONE);
        if method == Method::Head { of(method).or_else(|| of(Method::Get)) } else { of(method) }
    }

    /// The methods that a request may use here.
    pub(crate) fn allowed_methods(&self) -> impl Iterator<Item = Method> {
        Method::ALL.into_iter().filter(|method| self.operation(*method).is_some())
    }
}

fn parse(operation: &Operation) -> Result<Template, ContractError> {
    operation.path.parse().map_err(|cause| ContractError::Template {
        path: operation.path.clone(),
        at: Place::of(operation),
        cause,
    })
}

fn operation(by_method: &ByMethod, method: Method) -> Option<u32> {
    let own = by_method[slot(method)];
    if method == Method::Head { own.or(by_method[slot(Method::Get)]) } else { own }
}

/// The operations of one method on these templates, by id.
fn with_method(method: Method, templates: &[u32], by_template: &[ByMethod], operations: &[Operation]) -> Vec<u32> {
    let found = templates.iter().filter_map(|template| operation(&by_template[*template as usize], method));
    let mut found: Vec<u32> = found.collect();
    found.sort_unstable_by_key(|operation| &operations[*operation as usize].id);
    found
}

fn slot(method: Method) -> usize {
    method as usize
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
            step_up: None,
            source: Location { file: "made".into(), line: 1 },
        };
        rows.iter().map(operation).collect()
    }

    /// The ids of the operation that a request means and of those it crosses.
    fn found(rows: &[(&str, Method, &str)], method: Method, target: &str) -> Vec<String> {
        let operations = operations(rows);
        let routes = Routes::new(&operations).unwrap();
        let target = canonicalise(target.as_bytes()).unwrap();
        let Some((route, chosen)) = routes.find(&target).and_then(|route| Some((route, route.operation(method)?)))
        else {
            return Vec::new();
        };
        let all = std::iter::once(chosen).chain(routes.crossing(route, method).iter().copied());
        all.map(|index| operations[index as usize].id.clone()).collect()
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
    fn literals_are_compared_to_their_last_byte() {
        let rows = [
            ("one", Method::Get, "/recordings1"),
            ("two", Method::Get, "/recordings2"),
            ("short", Method::Get, "/recordin"),
            ("any", Method::Get, "/{a}"),
        ];
        for (target, expected) in [
            ("/recordings1", "one"),
            ("/recordings2", "two"),
            ("/recordings3", "any"),
            ("/recording", "any"),
            ("/recordin", "short"),
            ("/recordings11", "any"),
        ] {
            assert_eq!(found(&rows, Method::Get, target), [expected], "{target}");
        }
        // Alone in its place too, and of a length that needs no comparison beyond the head.
        assert_eq!(found(&rows[..1], Method::Get, "/recordings2"), [""; 0]);
        assert_eq!(found(&rows[2..3], Method::Get, "/recordix"), [""; 0]);
    }

    #[test]
    fn a_common_prefix_is_no_part_of_other_paths() {
        let rows = [("a", Method::Get, "/api/v2/a"), ("b", Method::Get, "/api/v2/b/{c}")];
        assert_eq!(found(&rows, Method::Get, "/api/v2/a"), ["a"]);
        assert_eq!(found(&rows, Method::Get, "/api/v2/b/a"), ["b"]);
        for target in ["/api/v2", "/api/v3/a", "/api/a", "/a", "/api/v2a", "/"] {
            assert_eq!(found(&rows, Method::Get, target), [""; 0], "{target}");
        }
        // A literal that ends a path itself is none of the prefix.
        let rows = [("list", Method::Get, "/api/v2"), ("a", Method::Get, "/api/v2/a")];
        assert_eq!(found(&rows, Method::Get, "/api/v2"), ["list"]);
        assert_eq!(found(&rows, Method::Get, "/api/v2/a"), ["a"]);
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
        let find = |target: &str| routes.find(&canonicalise(target.as_bytes()).unwrap()).unwrap();
        assert_eq!(find("/a").allowed_methods().collect::<Vec<_>>(), [Method::Get, Method::Head]);
        assert_eq!(find("/c").allowed_methods().collect::<Vec<_>>(), [Method::Post]);
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
    fn the_list_of_crossing_operations_needs_no_request() {
        let rows = operations(&[
            ("chosen", Method::Get, "/c/emails/{id}"),
            ("z", Method::Get, "/c/{id}/recordings"),
            ("a", Method::Get, "/{x}/emails/recordings"),
            ("other method", Method::Put, "/c/{id}/recordings"),
            ("more general", Method::Get, "/c/{id}/{part}"),
        ]);
        let routes = Routes::new(&rows).unwrap();
        let crossing = |index| {
            let found = routes.crossing_of(index, &rows).into_iter();
            found.map(|other| rows[other as usize].id.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(
            [crossing(0), crossing(1), crossing(2), crossing(4)],
            [vec!["a", "z"], vec!["a"], vec![], vec!["a"]]
        );
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
