//! Keeps what a stream says, within bounds: its beginning and its end.

use std::collections::VecDeque;

/// The most bytes that are kept of one stream.
pub(super) const LIMIT: usize = 1024 * 1024;

/// How much of the limit the beginning gets. The end says why a program failed, so it gets the most.
const HEAD: usize = LIMIT / 4;
const TAIL: usize = LIMIT - HEAD;

/// What was kept of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The bytes; where something is left out in the middle, a line says how much.
    pub bytes: Vec<u8>,
    /// Whether something is left out.
    pub truncated: bool,
    /// How many bytes there were in all.
    pub len: u64,
}

#[derive(Debug, Default)]
pub(super) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Capture {
    /// Takes what was read.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len());
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        bytes = rest;
        let kept = &bytes[bytes.len().saturating_sub(TAIL)..];
        let excess = (self.tail.len() + kept.len()).saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.tail.extend(kept);
        self.left_out += (excess + bytes.len() - kept.len()) as u64;
    }

    pub(super) fn finish(self) -> Stream {
        let mut bytes = self.head;
        let truncated = self.left_out > 0;
        let len = bytes.len() as u64 + self.tail.len() as u64 + self.left_out;
        let mut tail = Vec::from(self.tail);
        if truncated {
            // Neither half is to begin or end inside a character.
            bytes.truncate(complete_prefix(&bytes));
            let start = tail.iter().take(4).position(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
            tail.drain(..start);
            bytes.extend(format!("\n… {} bytes left out …\n", self.left_out).bytes());
        }
        bytes.append(&mut tail);
        Stream { bytes, truncated, len }
    }
}

/// The length without the beginning of a UTF-8 character that is cut at the end.
fn complete_prefix(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    for at in (from..bytes.len()).rev() {
        let needed = match bytes[at] {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            0x80..=0xbf => continue,
            _ => return bytes.len(),
        };
        return if at + needed > bytes.len() { at } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(chunks: impl IntoIterator<Item = Vec<u8>>) -> Stream {
        let mut capture = Capture::default();
        chunks.into_iter().for_each(|chunk| capture.push(&chunk));
        assert!(capture.tail.capacity() <= 2 * LIMIT);
        capture.finish()
    }

    #[test]
    fn short_streams_are_kept_whole() {
        let bytes: Vec<u8> = (0..LIMIT).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let stream = captured(bytes.chunks(1000).map(<[u8]>::to_vec));
        assert_eq!((stream.bytes == bytes, stream.truncated), (true, false));
        assert_eq!(captured([]), Stream::default());
    }

    #[test]
    fn floods_keep_their_beginning_and_their_end() {
        for chunk in [1000, 70_000, 3 * LIMIT] {
            let line = |n: usize| format!("line {n:07}\n").into_bytes();
            let all: Vec<u8> = (0..400_000).flat_map(line).collect();
            let stream = captured(all.chunks(chunk).map(<[u8]>::to_vec));
            let text = String::from_utf8(stream.bytes).unwrap();
            assert!(stream.truncated && text.len() < LIMIT + 100);
            assert!(text.starts_with("line 0000000\n") && text.ends_with("line 0399999\n"), "{chunk}");
            assert!(text.contains(&format!("… {} bytes left out …", all.len() - LIMIT)));
        }
    }

    #[test]
    fn no_character_is_cut() {
        for shift in 0..4 {
            let all = "x".repeat(shift) + &"日本€é".repeat(LIMIT / 4);
            let stream = captured([all.into_bytes()]);
            assert!(stream.truncated && String::from_utf8(stream.bytes).is_ok(), "{shift}");
        }
    }
}
