//! JSON with two spaces for each level, as `serde_json` writes it, in fewer and larger steps.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

use crate::base::text::is_invisible;

/// How much is collected before it is written.
const CHUNK: usize = 64 * 1024;

/// A line break and as many spaces as most lines begin with.
const MARGIN: &[u8] = b"\n                                ";

/// Writes one document and a line break.
pub(super) fn write<T: Serialize>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    let mut chunks = Chunks { buffer: Vec::with_capacity(CHUNK + CHUNK / 4), out };
    let mut serializer = serde_json::Serializer::with_formatter(&mut chunks, Indented::default());
    value.serialize(&mut serializer)?;
    chunks.buffer.push(b'\n');
    chunks.empty()
}

/// Writes one value and no line break, all in one line.
///
/// # Errors
///
/// If it cannot be written.
pub fn in_line<T: Serialize>(value: &T, out: impl Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, InLine);
    Ok(value.serialize(&mut serializer)?)
}

/// The layout of `serde_json`'s own printer.
struct InLine;

impl Formatter for InLine {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        visible(out, text)
    }
}

/// A piece of a text. What a terminal obeys, and what cannot be seen, is escaped wherever JSON allows it.
fn visible<W: Write + ?Sized>(out: &mut W, text: &str) -> io::Result<()> {
    if text.is_ascii() && !text.contains('\u{7f}') {
        return out.write_all(text.as_bytes());
    }
    let mut rest = text;
    while let Some(at) = rest.find(is_invisible) {
        let (plain, tail) = rest.split_at(at);
        out.write_all(plain.as_bytes())?;
        let mut chars = tail.chars();
        for unit in chars.next().into_iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
            write!(out, "\\u{unit:04x}")?;
        }
        rest = chars.as_str();
    }
    out.write_all(rest.as_bytes())
}

/// Collects what is written: the pieces of a document are a few bytes each.
struct Chunks<'o> {
    buffer: Vec<u8>,
    out: &'o mut dyn Write,
}

impl Chunks<'_> {
    #[cold]
    fn empty(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Write for Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > CHUNK {
            self.empty()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.empty()?;
        self.out.flush()
    }
}

/// The layout of `serde_json`'s own pretty printer.
#[derive(Default)]
struct Indented {
    depth: usize,
    /// Whether the collection that was written last holds something.
    filled: bool,
}

impl Indented {
    fn open<W: Write + ?Sized>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        out.write_all(bracket)
    }

    fn close<W: Write + ?Sized>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.filled {
            self.margin(out)?;
        }
        out.write_all(bracket)
    }

    fn next<W: Write + ?Sized>(&self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.margin(out)
    }

    fn margin<W: Write + ?Sized>(&self, out: &mut W) -> io::Result<()> {
        match MARGIN.get(..=2 * self.depth) {
            Some(margin) => out.write_all(margin),
            None => write!(out, "\n{:1$}", "", 2 * self.depth),
        }
    }
}

impl Formatter for Indented {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        visible(out, text)
    }

    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        let value = json!({"a\u{9b}b": "\u{202e}x\u{7f}日\u{200b}\u{e0041}"});
        let mut bytes = Vec::new();
        super::write(&value, &mut bytes).unwrap();
        let written = String::from_utf8(bytes).unwrap();
        assert_eq!(written, "{\n  \"a\\u009bb\": \"\\u202ex\\u007f日\\u200b\\udb40\\udc41\"\n}\n");
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
    }

    #[test]
    fn documents_look_as_they_always_did() {
        let deep = (0..40)
            .fold(json!({"end": []}), |inner, n| json!([n, inner, {}, {"k": "\u{1f}é\n\"", "l": 1.5}]));
        let long: Value = (0..20_000).map(|n| format!("text {n}")).collect();
        let long_text = json!({"text": "x".repeat(200_000), "after": null});
        for value in [json!([]), json!({}), json!("x"), json!([[], {}, [[1]]]), deep, long, long_text] {
            let mut bytes = Vec::new();
            super::write(&value, &mut bytes).unwrap();
            assert_eq!(bytes, format!("{value:#}\n").into_bytes());
        }
    }
}
