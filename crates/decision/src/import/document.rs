//! A YAML or JSON text as a tree in which every node knows its line. JSON is read as the YAML that it also is.
//!
//! Nine tenths of a contract say nothing about who may call what: they are passed over while reading, as the [`Wanted`] of the place says.
//! Absurd input ends in an error: depth, number of nodes and what aliases expand to are limited.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

use super::node::{Entry, Fault, Node, Size, Value, fault};

/// The longest text that is read, in bytes.
pub const MAX_FILE_LENGTH: usize = 64 * 1024 * 1024;
/// The most nodes that are kept of one file, aliases expanded.
const MAX_NODES: usize = 4_000_000;
/// The most bytes that aliases may repeat.
const MAX_REPEATED_BYTES: usize = MAX_FILE_LENGTH;
/// The deepest nesting that is kept.
const MAX_DEPTH: usize = 64;

/// What is wanted of a node.
pub(super) trait Wanted: Copy {
    /// What is wanted of the value of this key; nothing: the value is passed over.
    fn of_key(self, key: &str) -> Option<Self>;
    /// What is wanted of each item of a list here.
    fn of_item(self) -> Option<Self>;
}

/// Reads a text of one document.
pub(super) fn read(text: &str, wanted: impl Wanted) -> Result<Node, Fault> {
    if text.len() > MAX_FILE_LENGTH {
        let message = format!("{} bytes are too many, at most {MAX_FILE_LENGTH} are read", text.len());
        return Err(Fault { line: 1, message });
    }
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        nodes: 0,
        repeated_bytes: 0,
    };
    let root = loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd, line) => return Err(fault(line, "the file is empty")),
            (event, line) => break reader.node(event, line, Some(wanted), 0)?,
        }
    };
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(root),
            (Event::DocumentStart(..), line) => {
                return Err(fault(line, "a second document begins: one file is one document"));
            }
            _ => {}
        }
    }
}

/// Everything under a node.
#[derive(Debug, Clone, Copy)]
struct Whole;

impl Wanted for Whole {
    fn of_key(self, _: &str) -> Option<Self> {
        Some(self)
    }

    fn of_item(self) -> Option<Self> {
        Some(self)
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// Anchored nodes, always whole: who refers to them may want other parts. With their sizes.
    anchors: HashMap<usize, (Node, Size)>,
    nodes: usize,
    repeated_bytes: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, u32), Fault> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, line_number(span.start.line()))),
            Some(Err(error)) => Err(syntax_fault(&error)),
            None => Err(fault(1, "the file ends too early")),
        }
    }

    fn node(&mut self, event: Event<'t>, line: u32, wanted: Option<impl Wanted>, depth: usize) -> Result<Node, Fault> {
        let anchor = event.anchor_id().filter(|anchor| *anchor != 0);
        if let Some(anchor) = anchor {
            let node = self.fresh_node(event, line, Some(Whole), depth)?;
            let size = node.size();
            self.count(size.nodes, line)?;
            self.anchors.insert(anchor, (node.clone(), size));
            return Ok(node);
        }
        self.fresh_node(event, line, wanted, depth)
    }

    fn fresh_node(
        &mut self,
        event: Event<'t>,
        line: u32,
        wanted: Option<impl Wanted>,
        depth: usize,
    ) -> Result<Node, Fault> {
        let Some(wanted) = wanted else {
            return self.pass_over(event, line, depth);
        };
        if depth > MAX_DEPTH {
            return Err(fault(line, format!("nested more than {MAX_DEPTH} deep")));
        }
        self.count(1, line)?;
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                Value::Scalar { text: text.into_owned(), is_plain: style == ScalarStyle::Plain && tag.is_none() }
            }
            Event::SequenceStart(..) => self.list(wanted, depth)?,
            Event::MappingStart(..) => self.map(wanted, depth)?,
            Event::Alias(anchor) => return self.alias(anchor, line),
            _ => return Err(fault(line, "a value is expected here")),
        };
        Ok(Node { line, value })
    }

    fn list(&mut self, wanted: impl Wanted, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, line) => items.push(self.node(event, line, wanted.of_item(), depth + 1)?),
            }
        }
    }

    fn map(&mut self, wanted: impl Wanted, depth: usize) -> Result<Value, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines: HashMap<String, u32> = HashMap::new();
        let mut merged: Vec<Entry> = Vec::new();
        loop {
            let (event, line) = self.next()?;
            let (key, is_merge) = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, 0, None) => (text.into_owned(), style == ScalarStyle::Plain),
                Event::Scalar(text, _, anchor, _) => (self.anchored_key(text, anchor, line)?, false),
                _ => return Err(fault(line, "a key is a text")),
            };
            let (event, value_line) = self.next()?;
            if is_merge && key == "<<" {
                let node = self.node(event, value_line, Some(Whole), depth + 1)?;
                merge(node, &mut merged)?;
                continue;
            }
            if let Some(first) = lines.insert(key.clone(), line) {
                return Err(fault(line, format!("`{key}` stands twice in one mapping, first on line {first}")));
            }
            let node = self.node(event, value_line, wanted.of_key(&key), depth + 1)?;
            entries.push(Entry { key, line, node });
        }
        // What stands in the mapping itself wins over what is merged into it.
        for entry in merged {
            if !lines.contains_key(&entry.key) {
                lines.insert(entry.key.clone(), entry.line);
                entries.push(entry);
            }
        }
        Ok(Value::Map(entries))
    }

    fn anchored_key(&mut self, text: Cow<'_, str>, anchor: usize, line: u32) -> Result<String, Fault> {
        self.count(1, line)?;
        let value = Value::Scalar { text: text.to_string(), is_plain: true };
        self.anchors.insert(anchor, (Node { line, value }, Size { nodes: 1, bytes: text.len() }));
        Ok(text.into_owned())
    }

    fn alias(&mut self, anchor: usize, line: u32) -> Result<Node, Fault> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(fault(line, "an alias stands inside of what it refers to"));
        };
        // Billion laughs: an alias counts as everything it stands for.
        let Size { nodes, bytes } = *size;
        if self.nodes + nodes > MAX_NODES {
            return Err(too_many_nodes(line));
        }
        if self.repeated_bytes + bytes > MAX_REPEATED_BYTES {
            return Err(fault(line, format!("aliases repeat more than {MAX_REPEATED_BYTES} bytes of text")));
        }
        self.nodes += nodes;
        self.repeated_bytes += bytes;
        Ok(node.clone())
    }

    /// Reads to the end of a node without keeping it, but for anchored nodes inside: somebody may refer to them.
    fn pass_over(&mut self, event: Event<'t>, line: u32, depth: usize) -> Result<Node, Fault> {
        let mut open = 0usize;
        let mut event = event;
        let mut at = line;
        let mut is_first = true;
        loop {
            let is_anchored = !is_first && event.anchor_id().is_some_and(|anchor| anchor != 0);
            match event {
                _ if is_anchored => {
                    self.node(event, at, Some(Whole), depth)?;
                }
                Event::SequenceStart(..) | Event::MappingStart(..) => open += 1,
                Event::SequenceEnd | Event::MappingEnd => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return Ok(Node { line, value: Value::PassedOver });
            }
            is_first = false;
            (event, at) = self.next()?;
        }
    }

    fn count(&mut self, more: usize, line: u32) -> Result<(), Fault> {
        self.nodes += more;
        if self.nodes > MAX_NODES { Err(too_many_nodes(line)) } else { Ok(()) }
    }
}

/// `<<` takes a mapping or a list of mappings, of which the earlier wins.
fn merge(node: Node, into: &mut Vec<Entry>) -> Result<(), Fault> {
    match node.value {
        Value::Map(entries) => into.extend(entries),
        Value::List(items) => {
            for item in items {
                match item.value {
                    Value::Map(entries) => into.extend(entries),
                    _ => return Err(fault(item.line, "`<<` merges mappings")),
                }
            }
        }
        _ => return Err(fault(node.line, "`<<` merges mappings")),
    }
    Ok(())
}

fn too_many_nodes(line: u32) -> Fault {
    fault(line, format!("more than {MAX_NODES} nodes, aliases expanded"))
}

fn syntax_fault(error: &ScanError) -> Fault {
    let marker = error.marker();
    fault(line_number(marker.line()), format!("column {}: {}", marker.col() + 1, error.info()))
}

fn line_number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<Node, Fault> {
        read(text, Whole)
    }

    /// Wants `keep` everywhere and nothing else.
    #[derive(Clone, Copy)]
    struct Keep;

    impl Wanted for Keep {
        fn of_key(self, key: &str) -> Option<Self> {
            (key == "keep").then_some(self)
        }

        fn of_item(self) -> Option<Self> {
            Some(self)
        }
    }

    #[test]
    fn every_node_knows_its_line() {
        let root = whole("# a comment\na:\n  b: [x,\n    y]\n").unwrap();
        let a = &root.entries().unwrap()[0];
        assert_eq!(a.line, 2);
        let b = a.node.get("b").unwrap();
        assert_eq!(b.items().unwrap().iter().map(|item| item.line).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn json_is_read_as_it_is_written() {
        let root = whole(
            "\u{feff}{\n\t\"a\":\"\\ud83d\\ude00\\/\\u00e9\\t\",\"n\":null,\"q\":\"null\",\"t\":true,\n\"l\":[1]}\n",
        )
        .unwrap();
        assert_eq!(root.get("a").unwrap().text(), Some("😀/é\t"));
        assert!(root.get("n").unwrap().is_null());
        assert_eq!(root.get("q").unwrap().text(), Some("null"));
        assert_eq!(root.get("t").unwrap().truth(), Some(true));
        assert_eq!(root.get("l").unwrap().line, 3);
    }

    #[test]
    fn what_is_not_wanted_is_passed_over_but_its_anchors_are_known() {
        let root = read("drop:\n  deep: [{x: &there {keep: 1}}]\nkeep: *there\n", Keep).unwrap();
        assert!(matches!(root.get("drop").unwrap().value, Value::PassedOver));
        assert_eq!(root.get("keep").unwrap().get("keep").unwrap().text(), Some("1"));
    }

    #[test]
    fn an_anchor_on_something_passed_over_is_known_too() {
        let root = read("drop: &there {keep: 1}\nkeep: *there\n", Keep).unwrap();
        assert_eq!(root.get("keep").unwrap().get("keep").unwrap().text(), Some("1"));
    }

    #[test]
    fn merge_keys_add_what_a_mapping_lacks() {
        let root = whole("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nall:\n  <<: [*b, *m]\n  x: 0\n").unwrap();
        let all = root.get("all").unwrap();
        let values: Vec<_> = ["x", "y", "z"].map(|key| all.get(key).unwrap().text().unwrap().to_owned()).into();
        assert_eq!(values, ["0", "2", "4"]);
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_with_both_lines() {
        let fault = whole("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(fault, Fault { line: 3, message: "`a` stands twice in one mapping, first on line 1".into() });
    }

    #[test]
    fn absurd_input_ends_in_an_error() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb += &format!("a{level}: &a{level} [{items}]\n");
        }
        assert!(whole(&bomb).unwrap_err().message.contains("aliases expanded"));
        assert!(whole(&format!("{}{}", "[".repeat(200), "]".repeat(200))).unwrap_err().message.contains("deep"));
        assert!(whole(&"[".repeat(100_000)).is_err());
        assert!(whole(&"- ".repeat(100_000)).is_err());
        assert!(whole("a: &a [*a]\n").is_err());
        assert!(whole("").is_err());
        assert!(whole("a: 1\n---\nb: 2\n").unwrap_err().message.contains("second document"));
        assert!(whole("? [a]\n: b\n").unwrap_err().message.contains("a key is a text"));
    }

    #[test]
    fn syntax_errors_have_line_and_column() {
        let fault = whole("paths:\n  a: b\n c: d\n").unwrap_err();
        assert_eq!(fault.line, 3);
        assert!(fault.message.starts_with("column 2: "), "{}", fault.message);
    }
}
