//! What the bytes of a terminal mean as keys.

/// A key, as far as it means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Enter,
    /// Takes the last character back.
    Back,
    /// Takes all characters back.
    Clear,
    Leave,
    Character(char),
}

const ESCAPE: u8 = 0x1b;

/// Bytes to keys. Those that belong to one key need not come together.
#[derive(Debug, Default)]
pub(super) struct Keys {
    open: Vec<u8>,
}

/// What stands at the beginning of some bytes.
enum Begins {
    /// So many bytes, and the key that they are, if they are one.
    With(usize, Option<Key>),
    /// The beginning of something.
    Unfinished,
}

impl Keys {
    /// The keys that these bytes complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.open.extend_from_slice(bytes);
        let mut keys = Vec::new();
        while !self.open.is_empty() {
            match begins(&self.open) {
                Begins::With(length, key) => {
                    self.open.drain(..length);
                    keys.extend(key);
                }
                Begins::Unfinished => break,
            }
        }
        keys
    }

    /// Whether something has begun and is not complete.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The key that there is when nothing follows: Esc is the beginning of many others.
    pub(super) fn give_up(&mut self) -> Option<Key> {
        let open = std::mem::take(&mut self.open);
        (open == [ESCAPE]).then_some(Key::Leave)
    }
}

fn begins(bytes: &[u8]) -> Begins {
    let one = |key| Begins::With(1, Some(key));
    match bytes {
        [] | [ESCAPE] => Begins::Unfinished,
        [ESCAPE, b'[', rest @ ..] => control_sequence(rest),
        [ESCAPE, b'O'] => Begins::Unfinished,
        [ESCAPE, b'O', last, ..] => Begins::With(3, arrow(*last)),
        [ESCAPE, ESCAPE, ..] => one(Key::Leave),
        // A key with Alt means nothing here.
        [ESCAPE, _, ..] => Begins::With(2, None),
        [b'\r' | b'\n', ..] => one(Key::Enter),
        [0x7f | 0x08, ..] => one(Key::Back),
        // Ctrl-U and Ctrl-W, Ctrl-P and Ctrl-N, Ctrl-D, as in shells.
        [0x15 | 0x17, ..] => one(Key::Clear),
        [0x10, ..] => one(Key::Up),
        [0x0e, ..] => one(Key::Down),
        [0x04, ..] => one(Key::Leave),
        [0..0x20, ..] => Begins::With(1, None),
        _ => character(bytes),
    }
}

/// What follows `ESC [`: numbers, then one letter or `~`.
fn control_sequence(rest: &[u8]) -> Begins {
    let Some(end) = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        // Nothing has so many numbers.
        return if rest.len() > 32 { Begins::With(rest.len() + 2, None) } else { Begins::Unfinished };
    };
    let key = match (rest[end], &rest[..end]) {
        (b'~', b"5") => Some(Key::PageUp),
        (b'~', b"6") => Some(Key::PageDown),
        (b'~', b"1" | b"7") => Some(Key::First),
        (b'~', b"4" | b"8") => Some(Key::Last),
        (last, _) => arrow(last),
    };
    Begins::With(end + 3, key)
}

fn arrow(last: u8) -> Option<Key> {
    match last {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        b'H' => Some(Key::First),
        b'F' => Some(Key::Last),
        _ => None,
    }
}

fn character(bytes: &[u8]) -> Begins {
    let start = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) if error.error_len().is_none() => return Begins::Unfinished,
        Err(_) => return Begins::With(1, None),
    };
    match valid.chars().next() {
        Some(c) if !c.is_control() => Begins::With(c.len_utf8(), Some(Key::Character(c))),
        Some(c) => Begins::With(c.len_utf8(), None),
        None => Begins::With(1, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        Keys::default().feed(bytes)
    }

    #[test]
    fn keys_are_told_from_their_bytes() {
        assert_eq!(keys(b"\x1b[A\x1b[B\x1bOA\x1bOB"), [Key::Up, Key::Down, Key::Up, Key::Down]);
        assert_eq!(
            keys(b"\x1b[5~\x1b[6~\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[1;5A"),
            [Key::PageUp, Key::PageDown, Key::First, Key::Last, Key::First, Key::Last, Key::Up]
        );
        assert_eq!(
            keys(b"\r\x7f\x15\x04\x10\x0e"),
            [Key::Enter, Key::Back, Key::Clear, Key::Leave, Key::Up, Key::Down]
        );
        assert_eq!(keys("aü日".as_bytes()), ['a', 'ü', '日'].map(Key::Character));
        // What means nothing is nothing: a key with Alt, F5, a tab, bytes that are no text.
        assert_eq!(keys(b"\x1bx\x1b[15~\t\xffz"), [Key::Character('z')]);
    }

    #[test]
    fn a_key_may_come_in_pieces_and_esc_alone_leaves() {
        let mut pieces = Keys::default();
        assert_eq!(pieces.feed(b"\x1b"), []);
        assert_eq!(pieces.feed(b"["), []);
        assert!(pieces.is_open());
        assert_eq!(pieces.feed(b"B"), [Key::Down]);
        assert_eq!(pieces.feed(&"ü".as_bytes()[..1]), []);
        assert_eq!(pieces.feed(&"ü".as_bytes()[1..]), [Key::Character('ü')]);
        assert!(!pieces.is_open());
        assert_eq!(pieces.feed(b"\x1b"), []);
        assert_eq!((pieces.give_up(), pieces.is_open()), (Some(Key::Leave), false));
        assert_eq!(pieces.feed(b"\x1b["), []);
        assert_eq!((pieces.give_up(), pieces.is_open()), (None, false));
        assert_eq!(keys(b"\x1b\x1b"), [Key::Leave]);
        assert_eq!(pieces.feed(format!("\x1b[{}", "1;".repeat(99)).as_bytes()), []);
        assert!(!pieces.is_open());
    }
}
