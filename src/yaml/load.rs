//! Events of the YAML parser to a [`Tree`], within limits that hold before memory is spent.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as YamlSpan};

use super::fast;
use super::tree::{Content, Entry, MAX_INDEX, NOTHING, Node, NodeRef, Shape, Tree};
use crate::diag::{Diagnostic, SourceId, Span, codes};

/// Bounds on what one document may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes of the tree, before aliases are expanded.
    pub nodes: usize,
    /// Nodes that a reader would meet with every alias expanded.
    pub expanded: u64,
    /// Nested collections.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nodes: 8_000_000, expanded: 10_000_000, depth: 64 }
    }
}

/// Entries and items with their numbers are then below [`MAX_INDEX`].
const MAX_NODES: usize = MAX_INDEX / 4;

/// Mappings up to this size are searched for duplicates one by one; larger ones by a table.
const SMALL_MAPPING: usize = 8;

/// Reads one document. Findings that do not stop the reading, such as duplicate keys, go to `diagnostics`.
///
/// # Errors
///
/// The finding that stopped the reading: bad syntax, a breached limit, a bad alias.
pub fn load<'s>(
    text: &'s str,
    source: SourceId,
    limits: Limits,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Tree<'s>, Box<Diagnostic>> {
    match fast::read(text, source, limits) {
        Some(tree) => Ok(tree),
        None => load_any(text, source, limits, diagnostics),
    }
}

/// The same for all of YAML, and for all that is wrong with it.
pub(super) fn load_any<'s>(
    text: &'s str,
    source: SourceId,
    limits: Limits,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Tree<'s>, Box<Diagnostic>> {
    let loader = Loader {
        tree: Tree::new(source, text),
        limits,
        open: Vec::new(),
        pending: Vec::new(),
        sizes: Vec::new(),
        anchors: HashMap::new(),
        diagnostics,
    };
    loader.run(text).map_err(Box::new)
}

/// A collection whose end has not been seen.
struct Open {
    mapping: bool,
    flow: bool,
    anchor: usize,
    start: u32,
    /// Where its children begin in `Loader::pending`.
    first: usize,
}

struct Loader<'s, 'd> {
    tree: Tree<'s>,
    limits: Limits,
    open: Vec<Open>,
    pending: Vec<NodeRef>,
    /// Per node, how many nodes it stands for with every alias expanded.
    sizes: Vec<u64>,
    anchors: HashMap<usize, NodeRef>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'s> Loader<'s, '_> {
    fn run(mut self, text: &'s str) -> Result<Tree<'s>, Diagnostic> {
        let options = granit_parser::options! {
            emit_unresolved_aliases: true,
            flow_nesting_limit: self.limits.depth + 1,
            block_nesting_limit: self.limits.depth + 1,
        };
        let mut documents = 0;
        let mut root = None;
        let mut parser = Parser::new_from_str_with_options(text, options);
        while let Some(event) = parser.next_event() {
            let (event, at) = event.map_err(|error| self.syntax_error(&error))?;
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(Diagnostic::error(
                            codes::SEVERAL_DOCUMENTS,
                            "a contract is one YAML document",
                        )
                        .at(self.place(&at), "a second document starts here"));
                    }
                }
                Event::Scalar(value, style, anchor, tag) => {
                    let plain = style == ScalarStyle::Plain && tag.is_none();
                    if let Some(tag) = tag.as_deref().filter(|tag| !tag.is_yaml_core_schema()) {
                        return Err(self.unknown_tag(&tag.original(), &at));
                    }
                    let size = size_of_scalar(&value);
                    let content = self.scalar(&at, &value, plain);
                    let node = self.push(&at, content, size)?;
                    self.anchor(anchor, node);
                }
                Event::SequenceStart(style, anchor, tag) => {
                    let flow = style == granit_parser::StructureStyle::Flow;
                    self.open(&at, false, flow, anchor)?;
                    if let Some(tag) = tag.as_deref().filter(|tag| !tag.is_yaml_core_schema()) {
                        return Err(self.unknown_tag(&tag.original(), &at));
                    }
                }
                Event::MappingStart(style, anchor, tag) => {
                    let flow = style == granit_parser::StructureStyle::Flow;
                    self.open(&at, true, flow, anchor)?;
                    if let Some(tag) = tag.as_deref().filter(|tag| !tag.is_yaml_core_schema()) {
                        return Err(self.unknown_tag(&tag.original(), &at));
                    }
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(&at)?,
                Event::Alias(anchor) => match self.anchors.get(&anchor) {
                    Some(&target) => {
                        let size = self.sizes[target.0 as usize];
                        self.push(&at, Content::Alias(target), size)?;
                    }
                    None => {
                        return Err(Diagnostic::error(
                            codes::BAD_ALIAS,
                            "an alias cannot stand inside its own anchor",
                        )
                        .at(self.place(&at), "this value would contain itself"));
                    }
                },
                Event::UnresolvedAlias(name) => {
                    return Err(Diagnostic::error(
                        codes::BAD_ALIAS,
                        format!("no anchor `&{name}` stands before this alias"),
                    )
                    .at(self.place(&at), "not anchored"));
                }
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                _ => {}
            }
            if self.open.is_empty()
                && let Some(node) = self.pending.pop()
            {
                root = Some(node);
            }
        }
        self.tree.root = match root {
            Some(root) => root,
            None => {
                let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
                self.node(end, end, Content::Plain, 1)?
            }
        };
        Ok(self.tree)
    }

    fn place(&self, at: &YamlSpan) -> Span {
        let (start, end) = bytes(at);
        Span { source: self.tree.source, start, end }
    }

    fn syntax_error(&self, error: &ScanError) -> Diagnostic {
        let start = error.marker().byte_offset().and_then(|b| u32::try_from(b).ok()).unwrap_or_default();
        let span = Span { source: self.tree.source, start, end: start };
        if matches!(error.kind(), granit_parser::ErrorKind::RecursionLimitExceeded)
            || error.info().contains("nesting")
        {
            return self.too_deep(span);
        }
        Diagnostic::error(codes::SYNTAX, "this is not valid YAML").at(span, error.info())
    }

    fn too_deep(&self, span: Span) -> Diagnostic {
        Diagnostic::error(codes::TOO_DEEP, format!("values are nested more than {} deep", self.limits.depth))
            .at(span, "one level too many")
    }

    fn unknown_tag(&self, tag: &str, at: &YamlSpan) -> Diagnostic {
        let place = at.tag_span().map_or_else(|| self.place(at), |tag| self.place(&tag));
        let finding = if tag == "!include" {
            Diagnostic::error(
                codes::NOT_CARRIED_OUT,
                "`!include` is not carried out yet by this version of onex",
            )
        } else {
            Diagnostic::error(codes::UNKNOWN_TAG, format!("`{tag}` is no tag that contracts have"))
        };
        finding.at(place, "this tag")
    }

    fn anchor(&mut self, anchor: usize, node: NodeRef) {
        if anchor != 0 {
            self.anchors.insert(anchor, node);
        }
    }

    fn open(&mut self, at: &YamlSpan, mapping: bool, flow: bool, anchor: usize) -> Result<(), Diagnostic> {
        if self.open.len() >= self.limits.depth {
            return Err(self.too_deep(self.place(at)));
        }
        let (start, _) = bytes(at);
        self.open.push(Open { mapping, flow, anchor, start, first: self.pending.len() });
        Ok(())
    }

    fn close(&mut self, at: &YamlSpan) -> Result<(), Diagnostic> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let children = self.pending.split_off(open.first);
        // A block collection ends where its last child does; the parser reports the next token.
        let end = match children.last() {
            Some(last) if !open.flow => self.tree.nodes[last.0 as usize].end,
            _ => bytes(at).1,
        };
        let size = children.iter().fold(1u64, |sum, child| sum.saturating_add(self.sizes[child.0 as usize]));
        let content = if open.mapping { self.mapping(&children)? } else { self.sequence(&children) };
        let node = self.node(open.start, end, content, size)?;
        self.anchor(open.anchor, node);
        self.pending.push(node);
        Ok(())
    }

    /// A scalar that is in the text as it is takes no memory of its own.
    fn scalar(&mut self, at: &YamlSpan, value: &str, plain: bool) -> Content {
        let (start, end) = bytes(at);
        let (start, end) = (start as usize, end as usize);
        let nothing = start == end && value == NOTHING;
        if plain && (nothing || self.tree.text.get(start..end) == Some(value)) {
            return Content::Plain;
        }
        if !plain && end - start >= 2 && self.tree.text.get(start + 1..end - 1) == Some(value) {
            return Content::Quoted;
        }
        let index = index(self.tree.texts.len());
        self.tree.texts.push(value.into());
        if plain { Content::PlainText(index) } else { Content::QuotedText(index) }
    }

    fn sequence(&mut self, children: &[NodeRef]) -> Content {
        let start = index(self.tree.items.len());
        self.tree.items.push(NodeRef(index(children.len())));
        self.tree.items.extend(children);
        Content::Sequence(start)
    }

    fn mapping(&mut self, children: &[NodeRef]) -> Result<Content, Diagnostic> {
        let number = self.tree.entries.len();
        self.tree.entries.push(Entry { key: NodeRef(0), value: NodeRef(0) });
        let start = number + 1;
        let mut merges = Vec::new();
        for pair in children.chunks_exact(2) {
            let entry = Entry { key: pair[0], value: pair[1] };
            if self.tree.is_merge_key(entry.key) {
                merges.push(entry.value);
            } else {
                self.tree.entries.push(entry);
            }
        }
        self.find_duplicates(start);
        if !merges.is_empty() {
            let merged = self.merged(start, &merges)?;
            self.tree.entries.extend(merged);
            // Merged entries are stored once for each merge, so they count against the limit of stored nodes.
            if self.tree.entries.len() > self.limits.nodes.min(MAX_NODES) {
                return Err(self.too_many());
            }
        }
        let count = NodeRef(index(self.tree.entries.len() - start));
        self.tree.entries[number] = Entry { key: count, value: self.tree.marks(start) };
        Ok(Content::Mapping(index(number)))
    }

    fn find_duplicates(&mut self, start: usize) {
        let entries = &self.tree.entries[start..];
        let mut found = Vec::new();
        if entries.len() <= SMALL_MAPPING {
            for (at, entry) in entries.iter().enumerate() {
                let key = self.tree.scalar(entry.key);
                if let Some(first) =
                    entries[..at].iter().find(|e| key.is_some() && self.tree.scalar(e.key) == key)
                {
                    found.push((first.key, entry.key));
                }
            }
        } else {
            let mut seen = HashMap::with_capacity(entries.len());
            for entry in entries {
                if let Some(key) = self.tree.scalar(entry.key)
                    && let Some(&first) = seen.get(key)
                {
                    found.push((first, entry.key));
                } else if let Some(key) = self.tree.scalar(entry.key) {
                    seen.insert(key, entry.key);
                }
            }
        }
        for (first, second) in found {
            let key = self.tree.scalar(second).unwrap_or_default();
            self.diagnostics.push(
                Diagnostic::error(
                    codes::DUPLICATE_KEY,
                    format!("the key `{key}` stands twice in one mapping"),
                )
                .at(self.tree.span(second), "again here")
                .at(self.tree.span(first), "first here"),
            );
        }
    }

    /// The entries of the merged mappings whose keys are not there yet.
    fn merged(&self, start: usize, merges: &[NodeRef]) -> Result<Vec<Entry>, Diagnostic> {
        let mut known: HashSet<&str> =
            self.tree.entries[start..].iter().filter_map(|entry| self.tree.scalar(entry.key)).collect();
        let mut added = Vec::new();
        for &value in merges {
            let sources = match self.tree.shape(value) {
                Shape::Sequence(items) => items,
                _ => &[value],
            };
            for &source in sources {
                let Shape::Mapping(entries) = self.tree.shape(source) else {
                    let noun = self.tree.shape(source).noun();
                    return Err(Diagnostic::error(codes::BAD_MERGE, "`<<` merges mappings only")
                        .at(self.tree.span(source), format!("this is {noun}")));
                };
                let fresh = |entry: &&Entry| self.tree.scalar(entry.key).is_none_or(|key| known.insert(key));
                added.extend(entries.iter().filter(fresh).copied());
                if added.len() > self.limits.nodes {
                    return Err(self.too_many());
                }
            }
        }
        Ok(added)
    }

    fn push(&mut self, at: &YamlSpan, content: Content, size: u64) -> Result<NodeRef, Diagnostic> {
        let (start, end) = bytes(at);
        let node = self.node(start, end, content, size)?;
        self.pending.push(node);
        Ok(node)
    }

    fn node(&mut self, start: u32, end: u32, content: Content, size: u64) -> Result<NodeRef, Diagnostic> {
        if self.tree.nodes.len() >= self.limits.nodes.min(MAX_NODES) {
            return Err(self.too_many());
        }
        if size > self.limits.expanded {
            let span = Span { source: self.tree.source, start, end };
            return Err(Diagnostic::error(
                codes::ALIAS_EXPANSION,
                format!("aliases expand to more than {} values", self.limits.expanded),
            )
            .at(span, "expanded here"));
        }
        let node = NodeRef(index(self.tree.nodes.len()));
        self.tree.nodes.push(Node::new(start, end, content));
        self.sizes.push(size);
        Ok(node)
    }

    fn too_many(&self) -> Diagnostic {
        Diagnostic::error(
            codes::TOO_MANY_NODES,
            format!("the file holds more than {} values", self.limits.nodes),
        )
    }
}

/// How much a scalar weighs. Long texts weigh more: an alias repeats all of it.
pub(super) const fn size_of_scalar(text: &str) -> u64 {
    1 + text.len() as u64 / 32
}

/// The bytes of a place. The parser counts them for every text that it borrows.
fn bytes(at: &YamlSpan) -> (u32, u32) {
    let byte = |marker: &granit_parser::Marker| {
        marker.byte_offset().and_then(|b| u32::try_from(b).ok()).unwrap_or_default()
    };
    let (start, end) = (byte(&at.start), byte(&at.end));
    (start, end.max(start))
}

/// Sizes are bounded by [`Limits::nodes`], far below `u32::MAX`.
fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
