//! The tree of a contract file: every node knows its line.

/// A node and the line on which it begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: u32,
    pub(super) value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A scalar; `is_plain` where neither quotes nor a tag make it a text.
    Scalar { text: String, is_plain: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file, keys once each.
    Map(Vec<Entry>),
    /// A node that nobody wanted.
    PassedOver,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: u32,
    pub(super) node: Node,
}

/// A message and the line it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: u32,
    pub(super) message: String,
}

impl Node {
    /// The value of a key, where the node is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The entries, where the node is a mapping.
    pub(super) fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, where the node is a sequence.
    pub(super) fn items(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text, where the node is a scalar other than null.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// The truth value, where the node is one (or 0 or 1, as rows have it).
    pub(super) fn truth(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar { text, is_plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" | "1" => Some(true),
                "false" | "False" | "FALSE" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the node is null (YAML 1.2 §10.3.2).
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, is_plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What the node is, in a word for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            Value::Scalar { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::PassedOver => "something else",
        }
    }

    /// How large it is, itself included.
    pub(super) fn size(&self) -> Size {
        let sum = |sizes: &mut dyn Iterator<Item = Size>| {
            sizes.fold(Size { nodes: 1, bytes: 0 }, |sum, one| Size {
                nodes: sum.nodes + one.nodes,
                bytes: sum.bytes + one.bytes,
            })
        };
        match &self.value {
            Value::Scalar { text, .. } => Size { nodes: 1, bytes: text.len() },
            Value::PassedOver => Size { nodes: 1, bytes: 0 },
            Value::List(items) => sum(&mut items.iter().map(Self::size)),
            Value::Map(entries) => sum(&mut entries.iter().map(|entry| {
                let Size { nodes, bytes } = entry.node.size();
                Size { nodes, bytes: bytes + entry.key.len() }
            })),
        }
    }
}

/// How much memory a node takes, roughly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// It and all below it.
    pub(super) nodes: usize,
    /// Its texts and keys.
    pub(super) bytes: usize,
}

/// A message about a line.
pub(super) fn fault(line: u32, message: impl Into<String>) -> Fault {
    Fault { line, message: message.into() }
}
