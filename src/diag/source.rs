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
    /// The position at which each block of the text starts, once somebody asks for a position.
    blocks: OnceLock<Vec<Position>>,
}

/// The bytes of a block: so many are looked at for each position, however long the lines are.
const BLOCK: usize = 4096;

/// The texts that diagnostics point into.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// Adds a text under the path that people know it by.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> SourceId {
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source { path: path.into(), text: Arc::new(text.into()), blocks: OnceLock::new() });
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

    /// The paths of all sources.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().map(|source| source.path.as_path())
    }

    /// The line and column of a byte.
    #[must_use]
    pub fn position(&self, id: SourceId, byte: u32) -> Position {
        let Some(source) = self.sources.get(id.0 as usize) else { return Position { line: 1, column: 1 } };
        let text = source.text.as_bytes();
        let blocks = source.blocks.get_or_init(|| {
            let start = Position { line: 1, column: 1 };
            let ends = text.chunks(BLOCK).scan(start, |at, block| {
                *at = after(*at, block);
                Some(*at)
            });
            std::iter::once(start).chain(ends).collect()
        });
        let byte = source.text.floor_char_boundary((byte as usize).min(text.len()));
        let block = byte / BLOCK;
        after(blocks[block], &text[block * BLOCK..byte])
    }
}

/// The position after some bytes of UTF-8, of which a character counts where it begins.
fn after(at: Position, bytes: &[u8]) -> Position {
    bytes.iter().fold(at, |at, &byte| match byte {
        b'\n' => Position { line: at.line + 1, column: 1 },
        0x80..0xc0 => at,
        _ => Position { column: at.column + 1, ..at },
    })
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

    #[test]
    fn positions_are_the_same_wherever_blocks_begin() {
        for text in ["aü\n日\n".repeat(3000), "ü".repeat(9000), "\n".repeat(9000), "x".repeat(2 * BLOCK)] {
            let mut map = SourceMap::default();
            let id = map.add("x.yaml", text.as_str());
            for (byte, _) in text.char_indices().step_by(7).chain([(text.len(), ' ')]) {
                let before = &text[..byte];
                let line = before.rfind('\n').map_or(0, |at| at + 1);
                let expected = (before.matches('\n').count() + 1, before[line..].chars().count() + 1);
                let found = map.position(id, u32::try_from(byte).unwrap());
                assert_eq!((found.line as usize, found.column as usize), expected, "byte {byte}");
            }
        }
    }
}
