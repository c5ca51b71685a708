//! Source texts and places in them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Names one source of a [`SourceMap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A range of bytes in a source: `start` inclusive, `end` exclusive. Sorts by source, then start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// A line and a column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

#[derive(Clone, Debug)]
struct Source {
    path: PathBuf,
    text: Arc<String>,
    /// The first byte of each line, once somebody asks for a position.
    lines: OnceLock<Vec<usize>>,
}

/// The texts that diagnostics point into.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// Adds a text under the path that people know it by.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> SourceId {
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source { path: path.into(), text: Arc::new(text.into()), lines: OnceLock::new() });
        id
    }

    /// The text of a source. It can be held while the map grows.
    #[must_use]
    pub fn text(&self, id: SourceId) -> Arc<String> {
        self.sources.get(id.0 as usize).map_or_else(Arc::default, |source| Arc::clone(&source.text))
    }

    /// The path of a source.
    #[must_use]
    pub fn path(&self, id: SourceId) -> &Path {
        self.sources.get(id.0 as usize).map_or_else(|| Path::new(""), |source| &source.path)
    }

    /// The line and column of a byte.
    #[must_use]
    pub fn position(&self, id: SourceId, byte: u32) -> Position {
        let Some(source) = self.sources.get(id.0 as usize) else { return Position { line: 1, column: 1 } };
        let text = &source.text;
        let mut byte = (byte as usize).min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        let lines = source.lines.get_or_init(|| {
            std::iter::once(0)
                .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1))
                .collect()
        });
        // The first line starts at 0, so there is always one that starts at or before the byte.
        let line = lines.partition_point(|&start| start <= byte);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position { line: count(line), column: count(text[lines[line - 1]..byte].chars().count() + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let mut map = SourceMap::default();
        let id = map.add("x.yaml", "a\nüb: c\n");
        let at = |byte| {
            let p = map.position(id, byte);
            (p.line, p.column)
        };
        assert_eq!([at(0), at(2), at(4), at(5), at(99)], [(1, 1), (2, 1), (2, 2), (2, 3), (3, 1)]);
    }
}
