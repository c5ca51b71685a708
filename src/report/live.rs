//! What nodes print, line by line as it comes: each line with the id of its node, and nothing that moves the cursor.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use super::look::Look;
use crate::base::{NodeId, text};
use crate::model::output::StreamName;

/// A line that is longer than this is shown in pieces: programs that never end a line do not fill the memory.
const LONGEST: usize = 16 * 1024;

/// Makes lines of what nodes print.
#[derive(Debug)]
pub struct LiveLines {
    look: Look,
    id_width: usize,
    /// Lines whose end has not come.
    open: BTreeMap<(NodeId, StreamName), Vec<u8>>,
    /// The nodes that something was shown of, with their place in the order in which they began to print.
    shown: HashMap<NodeId, usize>,
}

impl LiveLines {
    /// Lines that look like this.
    #[must_use]
    pub fn new(look: Look) -> Self {
        Self { look, id_width: 0, open: BTreeMap::new(), shown: HashMap::new() }
    }

    /// Lines up under the widest of these ids.
    pub fn align<'a>(&mut self, ids: impl Iterator<Item = &'a NodeId>) {
        self.id_width = self.look.id_width(ids);
    }

    /// Shows the lines that these bytes complete.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written.
    pub fn live(
        &mut self,
        (node_id, stream): (&NodeId, StreamName),
        bytes: &[u8],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut line = self.open.remove(&(node_id.clone(), stream)).unwrap_or_default();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || line.len() >= LONGEST {
                self.show(node_id, &line, out)?;
                line.clear();
            }
        }
        if !line.is_empty() {
            self.open.insert((node_id.clone(), stream), line);
        }
        Ok(())
    }

    /// Shows what a node printed last and did not end with a line break.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written.
    pub fn ended(&mut self, node_id: &NodeId, out: &mut dyn Write) -> io::Result<()> {
        for stream in [StreamName::Stdout, StreamName::Stderr] {
            if let Some(line) = self.open.remove(&(node_id.clone(), stream)) {
                self.show(node_id, &line, out)?;
            }
        }
        Ok(())
    }

    /// Whether lines of this node were shown.
    #[must_use]
    pub fn has_shown(&self, node_id: &NodeId) -> bool {
        self.shown.contains_key(node_id)
    }

    fn show(&mut self, node_id: &NodeId, line: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let nth = self.shown.len();
        let nth = *self.shown.entry(node_id.clone()).or_insert(nth);
        let width = self.id_width.max(self.look.id_width(std::iter::once(node_id)));
        let id = text::pad(&self.look.clip(node_id.as_str(), width), width);
        let prefix = self.look.prefix(&id, nth);
        let line = String::from_utf8_lossy(line);
        // A program that writes over its own line means the last of what it wrote.
        let line = line.trim_end_matches(['\n', '\r']).rsplit('\r').next().unwrap_or_default();
        let clean = text::without_controls(line);
        for piece in text::wrap(clean.trim_end(), self.look.width.saturating_sub(width + 3)) {
            writeln!(out, "{}", format!("{prefix} {piece}").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: &str) -> NodeId {
        NodeId::new(id).unwrap()
    }

    #[test]
    fn lines_are_shown_when_they_are_complete() {
        use StreamName::{Stderr, Stdout};
        let mut lines = LiveLines::new(Look::default());
        let (a, long) = (id("a"), id("long"));
        lines.align([&a, &long].into_iter());
        let mut out = Vec::new();
        lines.live((&a, Stdout), b"on", &mut out).unwrap();
        assert!(out.is_empty() && !lines.has_shown(&a));
        lines.live((&a, Stderr), b"beside\n", &mut out).unwrap();
        lines.live((&long, Stdout), b"x\ny\n\nrest", &mut out).unwrap();
        lines.live((&a, Stdout), b"e\r\n10%\r20%\n", &mut out).unwrap();
        lines.ended(&long, &mut out).unwrap();
        lines.ended(&a, &mut out).unwrap();
        let expected = "a    │ beside\nlong │ x\nlong │ y\nlong │\na    │ one\na    │ 20%\nlong │ rest\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert!(lines.has_shown(&a));
    }

    #[test]
    fn what_a_program_prints_does_nothing_to_the_terminal() {
        let mut lines = LiveLines::new(Look { ascii: true, ..Look::default() });
        let mut out = Vec::new();
        let hostile = "\u{1b}[2J\u{1b}]0;t\u{7}red\u{1b}[31m \u{9b}1Aé\u{202e}\n".as_bytes();
        // In pieces that cut characters and sequences.
        for byte in hostile {
            lines.live((&id("n"), StreamName::Stdout), &[*byte], &mut out).unwrap();
        }
        lines.live((&id("n"), StreamName::Stdout), b"\xff\n", &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "n | red é\nn | \u{fffd}\n");
    }

    #[test]
    fn lines_without_end_are_shown_in_pieces_that_fit() {
        let mut lines = LiveLines::new(Look::default());
        let node = id(&"n".repeat(60));
        let mut out = Vec::new();
        for _ in 0..LONGEST {
            lines.live((&node, StreamName::Stdout), "日".as_bytes(), &mut out).unwrap();
        }
        assert!(lines.open.values().all(|line| line.len() < LONGEST));
        let shown = String::from_utf8(out).unwrap();
        assert!(shown.lines().count() > 100 && shown.lines().all(|line| text::cells(line) <= 100));
    }

    #[test]
    fn ids_have_colours_of_their_own() {
        let mut lines = LiveLines::new(Look { color: true, ..Look::default() });
        let mut out = Vec::new();
        lines.live((&id("a"), StreamName::Stdout), b"x\n", &mut out).unwrap();
        lines.live((&id("b"), StreamName::Stdout), b"x\n", &mut out).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert!(
            shown.contains("\u{1b}[36ma\u{1b}[0m") && shown.contains("\u{1b}[35mb\u{1b}[0m"),
            "{shown:?}"
        );
    }
}
