//! All path templates of a contract as one tree of segments: what the automaton is made from, and where crossings are found.

use std::collections::BTreeMap;

use super::template::{Segment, Template};

/// The path templates of one contract.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    templates: Vec<Template>,
}

/// A place in the tree.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) literals: BTreeMap<Box<str>, u32>,
    pub(super) parameter: Option<u32>,
    /// The template that ends here.
    pub(super) template: Option<u32>,
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

impl Tree {
    /// The node that every path begins at.
    pub(super) const ROOT: u32 = 0;

    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()], templates: Vec::new() }
    }

    /// Adds a template and gives its index. Templates that differ in parameter names only are one.
    pub(super) fn insert(&mut self, template: Template) -> u32 {
        let node = self.node_for(&template) as usize;
        if let Some(index) = self.nodes[node].template {
            return index;
        }
        let index = index_of(self.templates.len());
        self.templates.push(template);
        self.nodes[node].template = Some(index);
        index
    }

    /// How many templates there are.
    pub(super) fn len(&self) -> usize {
        self.templates.len()
    }

    pub(super) fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    pub(super) fn template(&self, index: u32) -> &Template {
        &self.templates[index as usize]
    }

    /// The templates that some request matches together with this one, which it would mean, although they have a literal segment where this one
    /// has a parameter.
    pub(super) fn crossing(&self, template: u32) -> Vec<u32> {
        let mut crossing = Vec::new();
        self.collect_crossing(Self::ROOT, self.template(template).segments(), Relation::Same, &mut crossing);
        crossing
    }

    fn collect_crossing(&self, node: u32, rest: &[Segment], relation: Relation, found: &mut Vec<u32>) {
        let node = self.node(node);
        let Some((segment, rest)) = rest.split_first() else {
            found.extend(node.template.filter(|_| relation == Relation::Crossing));
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

    fn node_for(&mut self, template: &Template) -> u32 {
        let mut node = Self::ROOT;
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
}

fn index_of(length: usize) -> u32 {
    u32::try_from(length).expect("contracts are limited to far fewer segments")
}
