//! The tree: an arena of nodes with byte spans. Aliases share the node that they name.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

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

#[derive(Clone, Debug)]
pub(super) struct Node<'s> {
    pub start: u32,
    pub end: u32,
    pub content: Content<'s>,
}

#[derive(Clone, Debug)]
pub(super) enum Content<'s> {
    Scalar {
        text: Cow<'s, str>,
        plain: bool,
    },
    Sequence(Range<u32>),
    Mapping(Range<u32>),
    /// Another node's content at a place of its own, so that messages point at the use: an alias, or an included file.
    Alias(NodeRef),
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
    pub(super) nodes: Vec<Node<'s>>,
    pub(super) items: Vec<NodeRef>,
    pub(super) entries: Vec<Entry>,
    pub(super) root: NodeRef,
    pub(super) cuts: Vec<Cut>,
    pub(super) lacks_files: bool,
    pub(super) gaps: HashSet<Span>,
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
    fn content(&self, node: NodeRef) -> &Content<'s> {
        let mut content = &self.nodes[node.0 as usize].content;
        // An alias can name an included file, which can be one more file's name.
        while let Content::Alias(target) = content {
            content = &self.nodes[target.0 as usize].content;
        }
        content
    }

    /// Whether a file is not there that was to be included.
    #[must_use]
    pub const fn lacks_files(&self) -> bool {
        self.lacks_files
    }

    /// The places of what should stand for a value, and stands for nothing: files that are not there, bad aliases.
    #[must_use]
    pub const fn gaps(&self) -> &HashSet<Span> {
        &self.gaps
    }

    /// Where texts break off.
    #[must_use]
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
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
        match self.content(node) {
            Content::Scalar { text, plain: false } => Shape::Text(text),
            Content::Scalar { text, plain: true } => resolve_plain(text),
            Content::Sequence(range) => {
                Shape::Sequence(&self.items[range.start as usize..range.end as usize])
            }
            Content::Mapping(range) => {
                Shape::Mapping(&self.entries[range.start as usize..range.end as usize])
            }
            // The content is never an alias.
            Content::Alias(_) => Shape::Null,
        }
    }

    /// The text of a scalar as it is written, whatever its type.
    #[must_use]
    pub fn scalar(&self, node: NodeRef) -> Option<&str> {
        match self.content(node) {
            Content::Scalar { text, .. } => Some(text),
            Content::Sequence(_) | Content::Mapping(_) | Content::Alias(_) => None,
        }
    }

    /// The value of `key` in a mapping; nothing where the node is no mapping.
    #[must_use]
    pub fn get(&self, mapping: NodeRef, key: &str) -> Option<NodeRef> {
        let Shape::Mapping(entries) = self.shape(mapping) else { return None };
        entries.iter().find(|entry| self.scalar(entry.key) == Some(key)).map(|entry| entry.value)
    }

    /// The value of `key` in a mapping; a key without a value is a key that is not there.
    #[must_use]
    pub fn value(&self, mapping: NodeRef, key: &str) -> Option<NodeRef> {
        self.get(mapping, key).filter(|&node| self.shape(node) != Shape::Null)
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
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Shape::Null,
        "true" | "True" | "TRUE" => return Shape::Bool(true),
        "false" | "False" | "FALSE" => return Shape::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Shape::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Shape::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Shape::Float(f64::NEG_INFINITY),
        _ => {}
    }
    // Most scalars are words: look at the first byte before trying to read a number.
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
