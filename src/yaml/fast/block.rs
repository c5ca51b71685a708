//! What is told by indentation: block mappings and sequences.

use super::{MAX_KEY, Reader, is_end};

impl Reader<'_> {
    /// Reads the node that begins here, and goes to the token after it. `nests`: whether it may be a block
    /// collection, which has to begin on a line of its own or after a dash.
    pub(super) fn block_node(&mut self, nests: bool) -> Option<()> {
        match self.peek() {
            b'-' if nests && self.at_entry() => self.block_sequence(None),
            b'[' | b'{' => {
                self.flow()?;
                self.end_value()
            }
            _ => {
                let (start, column) = (self.at, self.column());
                self.scalar(false)?;
                self.skip_spaces();
                if self.peek() != b':' {
                    self.end_value()
                } else if nests {
                    self.block_mapping(start, column)
                } else {
                    None
                }
            }
        }
    }

    /// Whether the dash that stands here begins an item.
    fn at_entry(&self) -> bool {
        let next = self.byte(self.at + 1);
        self.peek() == b'-' && (next == b' ' || is_end(next))
    }

    /// Reads a sequence whose first dash stands here. `parent`: the column of the mapping whose value it is, where it
    /// is not indented more than its key.
    fn block_sequence(&mut self, parent: Option<usize>) -> Option<()> {
        let (mut start, column) = (self.at, self.column());
        let first = self.open()?;
        loop {
            self.at += 1;
            let ended = self.skip_to_end_of_line()?;
            let after_dash = self.at;
            if parent.is_some() && self.pending.len() == first {
                start = after_dash;
            }
            if ended {
                self.skip_to_token()?;
                if self.peek() == b'\0' || self.column() <= column {
                    self.null(after_dash)?;
                } else {
                    self.nested(column)?;
                }
            } else {
                self.nested(column)?;
            }
            if self.peek() == b'\0' || self.column() < column {
                break;
            }
            if self.column() > column {
                return None;
            }
            if !self.at_entry() {
                parent?;
                break;
            }
        }
        let end = self.end_of_last()?;
        self.close((start, end), first, false)
    }

    /// Reads a node that may be of any kind, inside of a collection at `column`.
    fn nested(&mut self, column: usize) -> Option<()> {
        match self.peek() {
            b'|' | b'>' => self.block_scalar(column),
            _ => self.block_node(true),
        }
    }

    /// Reads a mapping whose first key is pending and whose first colon stands here.
    fn block_mapping(&mut self, start: usize, column: usize) -> Option<()> {
        self.depth += 1;
        if self.depth > self.max_depth {
            return None;
        }
        let first = self.pending.len() - 1;
        let mut key = start;
        loop {
            self.no_merge_key()?;
            let next = self.byte(self.at + 1);
            if self.peek() != b':' || self.at - key > MAX_KEY || !(next == b' ' || is_end(next)) {
                return None;
            }
            self.block_value(column)?;
            if self.peek() == b'\0' || self.column() < column {
                break;
            }
            if self.column() > column {
                return None;
            }
            key = self.at;
            self.scalar(false)?;
            self.skip_spaces();
        }
        let end = self.end_of_last()?;
        self.close((start, end), first, true)
    }

    /// Reads what follows the colon that stands here, of a mapping at `column`.
    fn block_value(&mut self, column: usize) -> Option<()> {
        let colon = self.at;
        self.at += 1;
        if !self.skip_to_end_of_line()? {
            return match self.peek() {
                b'|' | b'>' => self.block_scalar(column),
                _ => self.block_node(false),
            };
        }
        self.skip_to_token()?;
        if self.peek() == b'\0' || self.column() < column {
            self.null(colon)
        } else if self.column() > column {
            self.nested(column)
        } else if self.at_entry() {
            self.block_sequence(Some(column))
        } else {
            self.null(colon)
        }
    }

    /// A block collection ends where its last child does.
    fn end_of_last(&self) -> Option<usize> {
        self.pending.last().map(|last| self.tree.nodes[last.0 as usize].end as usize)
    }
}
