//! A fast reader for the YAML that people write: block and flow collections, plain and quoted scalars of one line,
//! block scalars, comments.
//!
//! It gives up on everything else, and on everything that is wrong or only unusual; then the reader of all of YAML
//! reads the whole text again and says what there is to say. What is read here is read as it is there, places
//! included, which `tests` compares over many thousand documents.

mod block;
mod scalar;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::load::{Limits, size_of_scalar};
use super::tree::{Content, Entry, MAX_INDEX, Node, NodeRef, Tree};
use crate::diag::SourceId;

/// Mappings up to this size are searched for duplicates one by one; larger ones by a table.
const SMALL_MAPPING: usize = 16;

/// The longest key with what stands between it and its colon: YAML's own limit is 1024 characters.
const MAX_KEY: usize = 1000;

/// The deepest nesting that is read here, as this reader calls itself.
const MAX_DEPTH: usize = 100;

/// Reads a document; nothing where it is not that simple.
pub(super) fn read(text: &str, source: SourceId, limits: Limits) -> Option<Tree<'_>> {
    if !is_harmless(text) || u32::try_from(text.len()).is_err() {
        return None;
    }
    let reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
        line: 0,
        tree: Tree::new(source, text),
        pending: Vec::new(),
        depth: 0,
        max_depth: limits.depth.min(MAX_DEPTH),
        max_nodes: limits.nodes.min(MAX_INDEX / 4),
        size: 0,
    };
    reader.document(limits.expanded)
}

/// Whether a text holds only characters that YAML allows everywhere.
fn is_harmless(text: &str) -> bool {
    let odd = |byte: u8| (byte < b' ' && byte != b'\n' && byte != b'\t') || byte >= 0x7f;
    // No early end: this way whole registers are looked at at once.
    if !text.as_bytes().chunks(4096).any(|chunk| chunk.iter().fold(false, |found, &byte| found | odd(byte))) {
        return true;
    }
    text.chars().all(|c| {
        matches!(c, '\t' | '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}')
            || matches!(c, '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
    })
}

/// A place in the text, and what was read before it. Every method gives nothing where it gives up.
struct Reader<'s> {
    bytes: &'s [u8],
    at: usize,
    /// Where the current line starts.
    line: usize,
    tree: Tree<'s>,
    /// Nodes that no collection has taken in yet.
    pending: Vec<NodeRef>,
    depth: usize,
    max_depth: usize,
    max_nodes: usize,
    /// How much all nodes weigh.
    size: u64,
}

impl<'s> Reader<'s> {
    fn document(mut self, max_size: u64) -> Option<Tree<'s>> {
        self.skip_start();
        self.skip_to_token()?;
        self.block_node(true)?;
        let root = self.pending.pop()?;
        // One scalar is no contract.
        let is_collection =
            matches!(self.tree.nodes[root.0 as usize].content(), Content::Sequence(_) | Content::Mapping(_));
        if self.peek() != b'\0' || !is_collection || self.size > max_size {
            return None;
        }
        self.tree.root = root;
        Some(self.tree)
    }

    /// Goes past the marker that a document may begin with, and the comments before it.
    fn skip_start(&mut self) {
        while matches!(self.peek(), b'#' | b'\n') {
            self.skip_line();
        }
        if self.bytes[self.at..].starts_with(b"---\n") {
            self.skip_line();
        }
    }

    /// The next byte; 0 at the end, which no harmless text holds.
    fn peek(&self) -> u8 {
        self.byte(self.at)
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b'\0')
    }

    /// Only spaces and dashes stand before what a column is asked of, so bytes are characters.
    fn column(&self) -> usize {
        self.at - self.line
    }

    fn skip_spaces(&mut self) {
        while self.peek() == b' ' {
            self.at += 1;
        }
    }

    /// Goes to the next token or the end, past comments and line breaks.
    fn skip_to_token(&mut self) -> Option<()> {
        loop {
            match self.peek() {
                b' ' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    self.line = self.at;
                }
                b'#' => self.skip_comment()?,
                b'\t' => return None,
                // What looks like a marker between documents.
                b'-' | b'.'
                    if self.at == self.line
                        && (self.bytes[self.at..].starts_with(b"---")
                            || self.bytes[self.at..].starts_with(b"...")) =>
                {
                    return None;
                }
                _ => return Some(()),
            }
        }
    }

    /// Goes to the end of the line; a comment is set off by a space.
    fn skip_comment(&mut self) -> Option<()> {
        if self.at != self.line && self.bytes[self.at - 1] != b' ' {
            return None;
        }
        self.at = self.end_of_line();
        Some(())
    }

    /// Where the current line ends, which may be here.
    fn end_of_line(&self) -> usize {
        let rest = &self.bytes[self.at..];
        self.at + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
    }

    /// Goes to the start of the next line, or to the end.
    fn skip_line(&mut self) {
        self.at = (self.end_of_line() + 1).min(self.bytes.len());
        self.line = self.at;
    }

    /// Goes past the spaces and the comment at the end of a line. Says whether it is the end.
    fn skip_to_end_of_line(&mut self) -> Option<bool> {
        self.skip_spaces();
        match self.peek() {
            b'#' => self.skip_comment().map(|()| true),
            b'\t' => None,
            byte => Some(is_end(byte)),
        }
    }

    /// Goes from the end of a value to the token after it, which stands on a line of its own.
    fn end_value(&mut self) -> Option<()> {
        if self.skip_to_end_of_line()? { self.skip_to_token() } else { None }
    }

    /// Reads `[…]` or `{…}`.
    fn flow(&mut self) -> Option<()> {
        let (start, first) = (self.at, self.open()?);
        let mapping = self.peek() == b'{';
        let close = if mapping { b'}' } else { b']' };
        self.at += 1;
        self.skip_to_token()?;
        while self.peek() != close {
            if mapping {
                self.flow_entry()?;
            } else {
                self.flow_value()?;
            }
            self.skip_to_token()?;
            if self.peek() == b',' {
                self.at += 1;
                self.skip_to_token()?;
            } else if self.peek() != close {
                return None;
            }
        }
        self.at += 1;
        self.close((start, self.at), first, mapping)
    }

    fn flow_value(&mut self) -> Option<()> {
        match self.peek() {
            b'[' | b'{' => self.flow(),
            _ => self.scalar(true),
        }
    }

    /// Reads `key: value`, `key:` or `key`.
    fn flow_entry(&mut self) -> Option<()> {
        let key = self.at;
        let quoted = matches!(self.peek(), b'\'' | b'"');
        self.scalar(true)?;
        self.no_merge_key()?;
        let end = self.at;
        self.skip_spaces();
        if self.peek() != b':' {
            self.skip_to_token()?;
            return if matches!(self.peek(), b',' | b'}') { self.null(self.at) } else { None };
        }
        let next = self.byte(self.at + 1);
        // As in JSON, a colon right after a quote needs no space.
        let adjacent = quoted && end == self.at;
        if self.at - key > MAX_KEY || !(adjacent || is_end(next) || matches!(next, b' ' | b',' | b'}')) {
            return None;
        }
        let colon = self.at;
        self.at += 1;
        self.skip_to_token()?;
        if matches!(self.peek(), b',' | b'}') { self.null(colon) } else { self.flow_value() }
    }

    /// Begins a collection: gives where its children begin.
    fn open(&mut self) -> Option<usize> {
        if self.depth >= self.max_depth {
            return None;
        }
        self.depth += 1;
        Some(self.pending.len())
    }

    /// Ends a collection, whose children are all that is pending from `first` on.
    fn close(&mut self, (start, end): (usize, usize), first: usize, mapping: bool) -> Option<()> {
        self.depth -= 1;
        let content = if mapping {
            let number = self.tree.entries.len();
            let count = index((self.pending.len() - first) / 2)?;
            self.tree.entries.push(Entry { key: NodeRef(count), value: NodeRef(0) });
            let pairs = self.pending[first..].chunks_exact(2);
            self.tree.entries.extend(pairs.map(|pair| Entry { key: pair[0], value: pair[1] }));
            let marks = self.tree.marks(number + 1);
            // As many marks as keys: no two are the same.
            if marks.0.count_ones() < count && self.has_duplicates(number + 1) {
                return None;
            }
            self.tree.entries[number].value = marks;
            Content::Mapping(index(number)?)
        } else {
            let number = self.tree.items.len();
            self.tree.items.push(NodeRef(index(self.pending.len() - first)?));
            self.tree.items.extend_from_slice(&self.pending[first..]);
            Content::Sequence(index(number)?)
        };
        self.pending.truncate(first);
        self.push((start, end), content, 1)
    }

    fn has_duplicates(&self, first: usize) -> bool {
        let entries = &self.tree.entries[first..];
        let key = |entry: &Entry| self.tree.scalar(entry.key).unwrap_or_default();
        if entries.len() > SMALL_MAPPING {
            let mut seen = HashSet::with_capacity(entries.len());
            return !entries.iter().all(|entry| seen.insert(key(entry)));
        }
        entries.iter().enumerate().any(|(at, entry)| {
            let this = key(entry);
            entries[..at].iter().any(|earlier| key(earlier) == this)
        })
    }

    /// Merge keys are for the other reader.
    fn no_merge_key(&self) -> Option<()> {
        let &key = self.pending.last()?;
        (!self.tree.is_merge_key(key)).then_some(())
    }

    /// A value that is not written.
    fn null(&mut self, at: usize) -> Option<()> {
        self.push((at, at), Content::Plain, 1)
    }

    /// A scalar whose text is not in the source as it is.
    fn text(&mut self, place: (usize, usize), text: String) -> Option<()> {
        let size = size_of_scalar(&text);
        let number = index(self.tree.texts.len())?;
        self.tree.texts.push(text.into_boxed_str());
        self.push(place, Content::QuotedText(number), size)
    }

    fn push(&mut self, (start, end): (usize, usize), content: Content, size: u64) -> Option<()> {
        if self.tree.nodes.len() >= self.max_nodes {
            return None;
        }
        self.size += size;
        self.pending.push(NodeRef(index(self.tree.nodes.len())?));
        self.tree.nodes.push(Node::new(index(start)?, index(end)?, content));
        Some(())
    }
}

const fn is_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\0')
}

fn index(n: usize) -> Option<u32> {
    u32::try_from(n).ok()
}
