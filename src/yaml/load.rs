//! Events of the YAML parser to a [`Tree`], within limits that hold before memory is spent.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as YamlSpan};

use super::fast;
use super::include::{self, Included};
use super::tree::{Content, Cut, Entry, MAX_INDEX, NOTHING, Node, NodeRef, Shape, Tree};
use crate::diag::{Diagnostic, Findings, SourceId, Span, codes};

/// Bounds on what one document may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes of the tree, before aliases are expanded.
    pub nodes: usize,
    /// Nodes that a reader would meet with every alias expanded.
    pub expanded: u64,
    /// Nested collections.
    pub depth: usize,
    /// Bytes of text, with that of included files as often as it is included.
    pub bytes: u64,
    /// Files that include each other, one inside the other.
    pub includes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nodes: 8_000_000, expanded: 10_000_000, depth: 64, bytes: 32 * 1024 * 1024, includes: 10 }
    }
}

/// Entries and items with their numbers are then below [`MAX_INDEX`].
const MAX_NODES: usize = MAX_INDEX / 4;

/// Mappings up to this size are searched for duplicates one by one; larger ones by a table.
const SMALL_MAPPING: usize = 8;

/// Reads one document. Findings that do not stop the reading, such as duplicate keys, go to `diagnostics`. Of a text
/// that breaks off, what was complete is read: [`Tree::cuts`] says where it ends.
///
/// # Errors
///
/// The finding that stopped the reading: a breached limit.
pub fn load<'s>(
    text: &'s str,
    source: SourceId,
    limits: Limits,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Tree<'s>, Box<Diagnostic>> {
    let mut findings = Findings::default();
    let tree = load_with(text, (source, &Included::default()), limits, &mut findings);
    diagnostics.extend(findings.into_vec());
    tree
}

/// Reads one document with the files that it includes.
///
/// # Errors
///
/// The finding that stopped the reading: a breached limit.
pub fn load_with<'s>(
    text: &'s str,
    (source, included): (SourceId, &Included<'s>),
    limits: Limits,
    diagnostics: &mut Findings,
) -> Result<Tree<'s>, Box<Diagnostic>> {
    match fast::read(text, source, limits) {
        Some(tree) => Ok(tree),
        None => load_any(text, (source, included), limits, diagnostics),
    }
}

/// The same for all of YAML, and for all that is wrong with it.
pub(super) fn load_any<'s>(
    text: &'s str,
    (source, included): (SourceId, &Included<'s>),
    limits: Limits,
    diagnostics: &mut Findings,
) -> Result<Tree<'s>, Box<Diagnostic>> {
    let loader = Loader {
        tree: Tree::new(source, text),
        limits,
        source,
        included,
        including: Vec::new(),
        bytes: 0,
        open: Vec::new(),
        pending: Vec::new(),
        sizes: Vec::new(),
        anchors: HashMap::new(),
        nothing: None,
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
    /// The text that is read now.
    source: SourceId,
    included: &'d Included<'s>,
    /// The texts around it, outermost first, each with the place that includes the next.
    including: Vec<(SourceId, Span)>,
    /// The bytes of all texts that were begun.
    bytes: u64,
    open: Vec<Open>,
    pending: Vec<NodeRef>,
    /// Per node, how many nodes it stands for with every alias expanded.
    sizes: Vec<u64>,
    anchors: HashMap<usize, NodeRef>,
    /// The text of all that stands for nothing in the place of something.
    nothing: Option<u32>,
    diagnostics: &'d mut Findings,
}

impl<'s> Loader<'s, '_> {
    fn run(mut self, text: &'s str) -> Result<Tree<'s>, Diagnostic> {
        self.tree.root = match self.document(text)? {
            Some(root) => root,
            None => self.nothing(u32::try_from(text.len()).unwrap_or(u32::MAX))?,
        };
        self.tree.gaps.sort_unstable();
        Ok(self.tree)
    }

    /// A node that stands for nothing.
    fn nothing(&mut self, at: u32) -> Result<NodeRef, Diagnostic> {
        self.node(at, at, Content::Plain, 1)
    }

    /// A node that stands for nothing in the place of something.
    fn absent(&mut self, at: &YamlSpan) -> Result<NodeRef, Diagnostic> {
        let nothing = *self.nothing.get_or_insert_with(|| {
            self.tree.texts.push("".into());
            index(self.tree.texts.len() - 1)
        });
        self.push(at, Content::PlainText(nothing), 1)
    }

    /// Reads one text and gives its root. Included files are read in the midst of the one that includes them.
    fn document(&mut self, text: &'s str) -> Result<Option<NodeRef>, Diagnostic> {
        let options = granit_parser::options! {
            emit_unresolved_aliases: true,
            flow_nesting_limit: self.limits.depth + 1,
            block_nesting_limit: self.limits.depth + 1,
        };
        self.bytes = self.bytes.saturating_add(cost(text));
        let (outer, before) = (self.open.len(), self.pending.len());
        let mut documents = 0;
        let mut root = None;
        let mut parser = Parser::new_from_str_with_options(text, options);
        while let Some(event) = parser.next_event() {
            let (event, at) = match event {
                Ok(event) => event,
                Err(error) => {
                    let finding = self.syntax_error(&error);
                    if finding.code != codes::SYNTAX {
                        return Err(finding);
                    }
                    self.diagnostics.push(finding);
                    self.break_off(outer)?;
                    if self.pending.len() > before {
                        root = self.pending.pop();
                    }
                    break;
                }
            };
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        let finding =
                            Diagnostic::error(codes::SEVERAL_DOCUMENTS, "a contract is one YAML document")
                                .at(self.place(&at), "a second document starts here");
                        self.diagnostics.push(finding);
                        break;
                    }
                }
                Event::Scalar(value, style, anchor, tag) => {
                    let plain = style == ScalarStyle::Plain && tag.is_none();
                    let node = if tag.as_deref().is_some_and(|tag| tag.original() == include::TAG) {
                        self.include(&value, &at)?
                    } else {
                        self.check_tag(tag.as_deref(), &at);
                        let size = size_of_scalar(&value);
                        let content = self.scalar(&at, &value, plain);
                        self.push(&at, content, size)?
                    };
                    self.anchor(anchor, node);
                }
                Event::SequenceStart(style, anchor, tag) => {
                    let flow = style == granit_parser::StructureStyle::Flow;
                    self.open(&at, false, flow, anchor)?;
                    self.check_tag(tag.as_deref(), &at);
                }
                Event::MappingStart(style, anchor, tag) => {
                    let flow = style == granit_parser::StructureStyle::Flow;
                    self.open(&at, true, flow, anchor)?;
                    self.check_tag(tag.as_deref(), &at);
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(&at)?,
                Event::Alias(anchor) => match self.anchors.get(&anchor) {
                    Some(&target) => {
                        let size = self.sizes[target.0 as usize];
                        self.push(&at, Content::Alias(target), size)?;
                    }
                    None => {
                        let finding = Diagnostic::error(
                            codes::BAD_ALIAS,
                            "an alias cannot stand inside its own anchor",
                        );
                        self.bad_alias(finding, &at, "this value would contain itself")?;
                    }
                },
                Event::UnresolvedAlias(name) => {
                    let finding = Diagnostic::error(
                        codes::BAD_ALIAS,
                        format!("no anchor `&{name}` stands before this alias"),
                    );
                    self.bad_alias(finding, &at, "not anchored")?;
                }
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                _ => {}
            }
            if self.open.len() == outer && self.pending.len() > before {
                root = self.pending.pop();
            }
        }
        Ok(root)
    }

    fn place(&self, at: &YamlSpan) -> Span {
        let (start, end) = bytes(at);
        Span { source: self.source, start, end }
    }

    fn syntax_error(&self, error: &ScanError) -> Diagnostic {
        let start = error.marker().byte_offset().and_then(|b| u32::try_from(b).ok()).unwrap_or_default();
        let span = Span { source: self.source, start, end: start };
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

    /// Says that a tag is none that contracts have; its value is read as if it had none.
    fn check_tag(&mut self, tag: Option<&granit_parser::Tag>, at: &YamlSpan) {
        let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) else { return };
        let place = at.tag_span().map_or_else(|| self.place(at), |tag| self.place(&tag));
        let tag = tag.original();
        let finding = if tag == include::TAG {
            Diagnostic::error(codes::WRONG_TYPE, "`!include` names a file")
                .at(place, "this includes something else")
                .help("write `key: !include path/of/file.yaml`")
        } else {
            Diagnostic::error(codes::UNKNOWN_TAG, format!("`{tag}` is no tag that contracts have"))
                .at(place, "this tag")
        };
        self.diagnostics.push(finding);
    }

    /// An alias for nothing stands for nothing.
    fn bad_alias(&mut self, finding: Diagnostic, at: &YamlSpan, label: &str) -> Result<(), Diagnostic> {
        let place = self.place(at);
        self.tree.gaps.push(place);
        self.diagnostics.push(finding.at(place, label));
        self.absent(at)?;
        Ok(())
    }

    /// The root of another file, in the place of its name; nothing where it cannot be included.
    fn include(&mut self, path: &str, at: &YamlSpan) -> Result<NodeRef, Diagnostic> {
        let place = self.place(at);
        let (source, text) = match self.included.find(self.source, path) {
            Ok(found) => found,
            Err(refusal) => {
                self.tree.lacks_files = true;
                self.tree.gaps.push(place);
                self.diagnostics.push(refusal.at(place, "included here"));
                return self.absent(at);
            }
        };
        let around = self.including.iter().position(|&(outer, _)| outer == source);
        let refusal = if source == self.source || around.is_some() {
            let mut finding = Diagnostic::error(codes::INCLUDE_CIRCLE, format!("`{path}` includes itself"))
                .at(place, "and so without end");
            for &(_, outer) in &self.including[around.unwrap_or(self.including.len())..] {
                finding = finding.at(outer, "included here");
            }
            Some(finding.help("remove one of these includes"))
        } else if self.including.len() >= self.limits.includes {
            let message = format!("files include each other more than {} deep", self.limits.includes);
            Some(Diagnostic::error(codes::INCLUDE_DEPTH, message).at(place, "one file too many"))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.tree.lacks_files = true;
            self.tree.gaps.push(place);
            self.diagnostics.push(refusal);
            return self.absent(at);
        }
        if self.bytes.saturating_add(cost(text)) > self.limits.bytes {
            let most = self.limits.bytes / 1024 / 1024;
            let message = format!("the contract is larger than {most} MiB with all that it includes");
            return Err(Diagnostic::error(codes::TOO_LARGE, message).at(place, "one file too many"));
        }
        let anchors = std::mem::take(&mut self.anchors);
        let outer = std::mem::replace(&mut self.source, source);
        self.including.push((outer, place));
        self.tree.parts.push((index(self.tree.nodes.len()), source));
        let root = self.document(text)?;
        self.tree.parts.push((index(self.tree.nodes.len()), outer));
        self.including.pop();
        self.source = outer;
        self.anchors = anchors;
        match root {
            Some(root) => self.push(at, Content::Alias(root), self.sizes[root.0 as usize]),
            None => self.absent(at),
        }
    }

    /// Ends what has no end, because the text breaks off.
    fn break_off(&mut self, outer: usize) -> Result<(), Diagnostic> {
        let Some(innermost) = self.open.last().filter(|_| self.open.len() > outer) else {
            let start = self.pending.last().map_or(0, |last| self.tree.nodes[last.0 as usize].start);
            self.tree.cuts.push(Cut { source: self.source, from: start, open: Vec::new() });
            return Ok(());
        };
        let children = &self.pending[innermost.first..];
        let last = match (innermost.mapping, children) {
            (_, []) => None,
            (true, [.., key, _]) if children.len().is_multiple_of(2) => Some(key),
            (_, [.., last]) => Some(last),
        };
        let from = match children.last().map(|last| self.tree.nodes[last.0 as usize]) {
            // A collection has had its end; of a text, nobody knows.
            Some(last) if matches!(last.content(), Content::Sequence(_) | Content::Mapping(_)) => last.end,
            _ => last.map_or(innermost.start, |last| self.tree.nodes[last.0 as usize].start),
        };
        let mut cut = Cut { source: self.source, from, open: Vec::new() };
        while self.open.len() > outer
            && let Some(open) = self.open.pop()
        {
            let mut children = self.pending.split_off(open.first);
            if open.mapping && !children.len().is_multiple_of(2) {
                children.pop();
            }
            let place = |node: &NodeRef| self.tree.nodes[node.0 as usize];
            let end = children.last().map_or(open.start, |last| place(last).end);
            cut.open.push(open.start);
            cut.open.extend(children.first().map(|first| place(first).start));
            let node = self.collection(&open, &children, end)?;
            self.pending.push(node);
        }
        self.tree.cuts.push(cut);
        Ok(())
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
        let node = self.collection(&open, &children, end)?;
        self.anchor(open.anchor, node);
        self.pending.push(node);
        Ok(())
    }

    fn collection(&mut self, open: &Open, children: &[NodeRef], end: u32) -> Result<NodeRef, Diagnostic> {
        let size = children.iter().fold(1u64, |sum, child| sum.saturating_add(self.sizes[child.0 as usize]));
        let content = if open.mapping { self.mapping(children)? } else { self.sequence(children) };
        self.node(open.start, end, content, size)
    }

    /// A scalar that is in the text as it is takes no memory of its own; the tree knows the outermost text only.
    fn scalar(&mut self, at: &YamlSpan, value: &str, plain: bool) -> Content {
        let (start, end) = bytes(at);
        let (start, end) = (start as usize, end as usize);
        let nothing = start == end && value == NOTHING;
        let outermost = self.including.is_empty();
        if plain && (nothing || (outermost && self.tree.text.get(start..end) == Some(value))) {
            return Content::Plain;
        }
        if outermost && !plain && end - start >= 2 && self.tree.text.get(start + 1..end - 1) == Some(value) {
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
    fn merged(&mut self, start: usize, merges: &[NodeRef]) -> Result<Vec<Entry>, Diagnostic> {
        let mut bad = Vec::new();
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
                    bad.push(
                        Diagnostic::error(codes::BAD_MERGE, "`<<` merges mappings only")
                            .at(self.tree.span(source), format!("this is {noun}")),
                    );
                    continue;
                };
                let fresh = |entry: &&Entry| self.tree.scalar(entry.key).is_none_or(|key| known.insert(key));
                added.extend(entries.iter().filter(fresh).copied());
                if added.len() > self.limits.nodes {
                    return Err(self.too_many());
                }
            }
        }
        self.diagnostics.extend(bad);
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
            let span = Span { source: self.source, start, end };
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

/// What a text counts against the limit: a file costs more than its text, however short it is.
fn cost(text: &str) -> u64 {
    (text.len() as u64).max(4096)
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
