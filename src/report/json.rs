//! JSON with two spaces for each level, as `serde_json` writes it, in fewer and larger steps.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

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
