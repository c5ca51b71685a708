//! The tree: an arena of nodes with byte spans. Aliases share the node that they name.

use crate::diag::{SourceId, Span};

/// Names one node of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeRef(pub(super) u32);

/// A key with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key; mostly a scalar.
    pub key: NodeRef,
    /// The value.
    pub value: NodeRef,
}

/// A node in twelve bytes: large contracts have a million of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub start: u32,
    pub end: u32,
    content: u32,
}

/// What a node holds. The number of what it holds is below [`MAX_INDEX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A scalar without quotes: the text of its place; [`NOTHING`] where nothing is written.
    Plain,
    /// A scalar in quotes: the text of its place without the first and the last byte.
    Quoted,
    /// A scalar without quotes whose text is not in the source as it is.
    PlainText(u32),
    /// Any other scalar whose text is not in the source as it is.
    QuotedText(u32),
    /// Items, after their number.
    Sequence(u32),
    /// Entries, after their number.
    Mapping(u32),
    /// Another node's content at a place of its own, so that messages point at the use: an alias, or an included file.
    Alias(NodeRef),
}

/// The text of a value that is not written.
pub(super) const NOTHING: &str = "~";

/// One bit that a key sets, by its length and its ends: most mappings are asked for many keys that they do not have.
fn mark(ends: &[u8], length: usize) -> u32 {
    let end = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or_default());
    1 << ((length * 5 + end(ends.first()) + end(ends.last()) * 3) % 32)
}

/// Where the kind of a node begins in its third word.
const KIND_SHIFT: u32 = 29;

/// The bound of all that a node can point to.
pub(super) const MAX_INDEX: usize = 1 << KIND_SHIFT;

impl Node {
    pub(super) const fn new(start: u32, end: u32, content: Content) -> Self {
        let (kind, index) = match content {
            Content::Plain => (0, 0),
            Content::Quoted => (1, 0),
            Content::PlainText(index) => (2, index),
            Content::QuotedText(index) => (3, index),
            Content::Sequence(index) => (4, index),
            Content::Mapping(index) => (5, index),
            Content::Alias(NodeRef(index)) => (6, index),
        };
        Self { start, end, content: kind << KIND_SHIFT | index }
    }

    pub(super) const fn content(self) -> Content {
        let index = self.content & ((1 << KIND_SHIFT) - 1);
        match self.content >> KIND_SHIFT {
            0 => Content::Plain,
            1 => Content::Quoted,
            2 => Content::PlainText(index),
            3 => Content::QuotedText(index),
            4 => Content::Sequence(index),
            5 => Content::Mapping(index),
            _ => Content::Alias(NodeRef(index)),
        }
    }
}

/// What a node is, by the YAML 1.2 core schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape<'t> {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(&'t str),
    /// A list.
    Sequence(&'t [NodeRef]),
    /// A mapping, merge keys resolved.
    Mapping(&'t [Entry]),
}

impl Shape<'_> {
    /// What people call such a value, with its article.
    #[must_use]
    pub const fn noun(&self) -> &'static str {
        match self {
            Shape::Null => "nothing",
            Shape::Bool(_) => "a boolean",
            Shape::Int(_) => "a whole number",
            Shape::Float(_) => "a number",
            Shape::Text(_) => "text",
            Shape::Sequence(_) => "a list",
            Shape::Mapping(_) => "a mapping",
        }
    }
}

/// One document. Borrows the text where no escape had to be resolved.
#[derive(Clone, Debug)]
pub struct Tree<'s> {
    pub(super) source: SourceId,
    /// Where the nodes of another text begin; empty where there is one text only.
    pub(super) parts: Vec<(u32, SourceId)>,
    pub(super) text: &'s str,
    pub(super) nodes: Vec<Node>,
    /// The items of all sequences; before those of each, their number.
    pub(super) items: Vec<NodeRef>,
    /// The entries of all mappings; before those of each, their number and the [`Tree::marks`] of their keys.
    pub(super) entries: Vec<Entry>,
    /// The scalars that the source does not have as they are.
    pub(super) texts: Vec<Box<str>>,
    pub(super) root: NodeRef,
    pub(super) cuts: Vec<Cut>,
    pub(super) lacks_files: bool,
    /// Sorted, once all is read.
    pub(super) gaps: Vec<Span>,
}

/// Where a text breaks off: it is not YAML from there on.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The text.
    pub source: SourceId,
    /// The first byte of the last thing that was read; more may have belonged to it.
    pub from: u32,
    /// The first bytes of the collections that were not complete, and of what they begin with.
    pub open: Vec<u32>,
}

impl<'s> Tree<'s> {
    pub(super) fn new(source: SourceId, text: &'s str) -> Self {
        Self {
            source,
            parts: Vec::new(),
            text,
            nodes: Vec::new(),
            items: Vec::new(),
            entries: Vec::new(),
            texts: Vec::new(),
            root: NodeRef(0),
            cuts: Vec::new(),
            lacks_files: false,
            gaps: Vec::new(),
        }
    }

    /// Whether a file is not there that was to be included.
    #[must_use]
    pub const fn lacks_files(&self) -> bool {
        self.lacks_files
    }

    /// Whether a place is that of what should stand for a value, and stands for nothing: a file that is not there, a
    /// bad alias.
    #[must_use]
    pub fn is_gap(&self, place: Span) -> bool {
        self.gaps.binary_search(&place).is_ok()
    }

    /// Where texts break off.
    #[must_use]
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    /// A node with what it stands for.
    fn resolved(&self, node: NodeRef) -> Node {
        let mut found = self.nodes[node.0 as usize];
        // An alias can name an included file, which can be one more file's name.
        while let Content::Alias(target) = found.content() {
            found = self.nodes[target.0 as usize];
        }
        found
    }

    /// The text of a scalar, and whether it stands there without quotes.
    fn written(&self, node: Node) -> Option<(&str, bool)> {
        let (start, end) = (node.start as usize, node.end as usize);
        match node.content() {
            Content::Plain if start == end => Some((NOTHING, true)),
            Content::Plain => Some((&self.text[start..end], true)),
            Content::Quoted => Some((&self.text[start + 1..end - 1], false)),
            Content::PlainText(index) => Some((&self.texts[index as usize], true)),
            Content::QuotedText(index) => Some((&self.texts[index as usize], false)),
            Content::Sequence(_) | Content::Mapping(_) | Content::Alias(_) => None,
        }
    }

    /// Whether a key merges other mappings into its own.
    pub(super) fn is_merge_key(&self, key: NodeRef) -> bool {
        self.written(self.nodes[key.0 as usize]) == Some(("<<", true))
    }

    /// The root; an empty document's root is null.
    #[must_use]
    pub const fn root(&self) -> NodeRef {
        self.root
    }

    /// The place of a node.
    #[must_use]
    pub fn span(&self, node: NodeRef) -> Span {
        let source = match self.parts.partition_point(|&(first, _)| first <= node.0) {
            0 => self.source,
            after => self.parts[after - 1].1,
        };
        let node = &self.nodes[node.0 as usize];
        Span { source, start: node.start, end: node.end }
    }

    /// What a node is.
    #[must_use]
    pub fn shape(&self, node: NodeRef) -> Shape<'_> {
        let node = self.resolved(node);
        match node.content() {
            Content::Sequence(at) => {
                let first = at as usize + 1;
                Shape::Sequence(&self.items[first..first + self.items[at as usize].0 as usize])
            }
            Content::Mapping(at) => {
                let first = at as usize + 1;
                Shape::Mapping(&self.entries[first..first + self.entries[at as usize].key.0 as usize])
            }
            _ => match self.written(node) {
                Some((text, true)) => resolve_plain(text),
                Some((text, false)) => Shape::Text(text),
                // What is resolved is never an alias.
                None => Shape::Null,
            },
        }
    }

    /// The text of a scalar as it is written, whatever its type.
    #[must_use]
    pub fn scalar(&self, node: NodeRef) -> Option<&str> {
        self.written(self.resolved(node)).map(|(text, _)| text)
    }

    /// The value of `key` in a mapping; nothing where the node is no mapping.
    #[must_use]
    pub fn get(&self, mapping: NodeRef, key: &str) -> Option<NodeRef> {
        let entries = self.entries_with(mapping, mark(key.as_bytes(), key.len()))?;
        entries.iter().find(|entry| self.is_scalar(entry.key, key)).map(|entry| entry.value)
    }

    /// The value of a key with a suffix; a key without a value is a key that is not there.
    #[must_use]
    pub fn value_with(&self, mapping: NodeRef, (key, suffix): (&str, &str)) -> Option<NodeRef> {
        let long = [key.as_bytes().first().copied(), suffix.as_bytes().last().copied()]
            .map(Option::unwrap_or_default);
        let entries = self.entries_with(mapping, mark(&long, key.len() + suffix.len()))?;
        let is_meant = |entry: &&Entry| {
            self.scalar(entry.key).is_some_and(|found| found.strip_suffix(suffix) == Some(key))
        };
        let found = entries.iter().find(is_meant)?.value;
        (!matches!(self.shape(found), Shape::Null)).then_some(found)
    }

    /// The entries of a mapping; nothing where none of their keys can have this mark.
    fn entries_with(&self, mapping: NodeRef, mark: u32) -> Option<&[Entry]> {
        let Content::Mapping(at) = self.resolved(mapping).content() else { return None };
        let Entry { key: NodeRef(count), value: NodeRef(marks) } = self.entries[at as usize];
        let first = at as usize + 1;
        (marks & mark != 0).then(|| &self.entries[first..first + count as usize])
    }

    /// The marks of all keys from `first` on.
    pub(super) fn marks(&self, first: usize) -> NodeRef {
        let keys = self.entries[first..].iter().filter_map(|entry| self.scalar(entry.key));
        NodeRef(keys.fold(0, |marks, key| marks | mark(key.as_bytes(), key.len())))
    }

    /// Whether a node is the scalar `text`. Most are not, and their length tells.
    fn is_scalar(&self, node: NodeRef, text: &str) -> bool {
        let found = self.nodes[node.0 as usize];
        let (start, end) = (found.start as usize, found.end as usize);
        match found.content() {
            Content::Plain if start < end => {
                end - start == text.len() && self.text.as_bytes()[start..end] == *text.as_bytes()
            }
            _ => self.scalar(node) == Some(text),
        }
    }

    /// The value of `key` in a mapping; a key without a value is a key that is not there.
    #[must_use]
    pub fn value(&self, mapping: NodeRef, key: &str) -> Option<NodeRef> {
        self.get(mapping, key).filter(|&node| !matches!(self.shape(node), Shape::Null))
    }

    /// The node as a JSON value. Keys that are no scalars are left out.
    #[must_use]
    pub fn to_json(&self, node: NodeRef) -> serde_json::Value {
        use serde_json::Value;
        match self.shape(node) {
            Shape::Null => Value::Null,
            Shape::Bool(b) => b.into(),
            Shape::Int(i) => i.into(),
            Shape::Float(f) => f.into(),
            Shape::Text(text) => text.into(),
            Shape::Sequence(items) => items.iter().map(|&item| self.to_json(item)).collect(),
            Shape::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .filter_map(|e| Some((self.scalar(e.key)?.to_owned(), self.to_json(e.value))))
                    .collect(),
            ),
        }
    }
}

/// YAML 1.2 core schema, 10.3.2: what a plain scalar stands for.
fn resolve_plain(text: &str) -> Shape<'_> {
    // Most scalars are words: look at the first byte before anything else.
    if !matches!(
        text.as_bytes().first(),
        None | Some(b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'.' | b'+' | b'-' | b'0'..=b'9')
    ) {
        return Shape::Text(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Shape::Null,
        "true" | "True" | "TRUE" => return Shape::Bool(true),
        "false" | "False" | "FALSE" => return Shape::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Shape::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Shape::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Shape::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.as_bytes()[0].is_ascii_digit() && !matches!(text.as_bytes()[0], b'+' | b'-' | b'.') {
        return Shape::Text(text);
    }
    let integer = match text.get(..2) {
        Some("0x") => i64::from_str_radix(&text[2..], 16).ok(),
        Some("0o") => i64::from_str_radix(&text[2..], 8).ok(),
        _ => text.parse().ok(),
    };
    if let Some(integer) = integer {
        return Shape::Int(integer);
    }
    let digits = text.bytes().any(|b| b.is_ascii_digit());
    let float = digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    match text.parse() {
        Ok(number) if float => Shape::Float(number),
        _ => Shape::Text(text),
    }
}
