//! What nodes print: kept in part inside events, in full beside them, and turned into values.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The most bytes of a stream that an event carries itself.
pub const INLINE_LIMIT: usize = 64 * 1024;

/// What is left of a stream when the run has printed more than is kept of it.
const SCRAP: usize = 1024;

/// The SHA-256 digest of some bytes, written `sha256:…`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Digest(
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^sha256:[0-9a-f]{64}$")))] [u8; 32],
);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Its first eight bytes as a number, the highest first.
    #[must_use]
    pub const fn number(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// The digest of all that a reader gives.
    ///
    /// # Errors
    ///
    /// If it cannot be read to its end.
    pub fn of_reader(reader: &mut dyn Read) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(Self(hasher.finalize().into())),
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bad = || D::Error::custom(format!("`{text}` is no sha256 digest"));
        let hex =
            text.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.is_ascii()).ok_or_else(bad)?;
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

/// Bytes on the wire: a string where they are UTF-8, otherwise `{"base64": …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(untagged))]
pub enum Text {
    /// They are UTF-8.
    Utf8(String),
    /// They are not.
    Bytes(#[cfg_attr(test, schemars(with = "Base64Form"))] Vec<u8>),
}

impl Text {
    /// Takes the bytes as they are.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Bytes(error.into_bytes()), Self::Utf8)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Utf8(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The text, with replacement characters where it is not UTF-8.
    #[must_use]
    pub fn to_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Utf8(String::new())
    }
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Base64Form {
    /// The bytes in base 64.
    base64: String,
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Utf8(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => Base64Form { base64: BASE64.encode(bytes) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Utf8(text)),
            other => {
                let form: Base64Form = serde_json::from_value(other).map_err(D::Error::custom)?;
                BASE64.decode(form.base64).map(Self::Bytes).map_err(D::Error::custom)
            }
        }
    }
}

/// The two streams that a program prints to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum StreamName {
    /// Its output.
    Stdout,
    /// What it prints beside that.
    Stderr,
}

/// Names bytes that are kept elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OutputRef {
    /// Their digest.
    pub digest: Digest,
    /// Their number.
    pub len: u64,
}

/// One captured stream inside an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Captured {
    /// The first bytes, at most 64 KiB.
    pub head: Text,
    /// Where all captured bytes are, if there are more than `head` holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<OutputRef>,
    /// Whether the stream was longer than what was captured of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

impl Captured {
    /// Splits captured bytes into what an event carries and what `outputs` keeps. Where `outputs` is full,
    /// the rest is dropped and the stream is marked truncated.
    pub fn new(mut bytes: Vec<u8>, truncated: bool, outputs: &mut MemoryOutputs) -> Self {
        let inline = bytes.len().min(INLINE_LIMIT);
        if bytes.len() > inline && outputs.has_room_for(bytes.len()) {
            let head = Text::from_bytes(bytes[..char_floor(&bytes, inline)].to_vec());
            bytes.shrink_to_fit();
            return Self { head, rest: Some(outputs.keep(bytes)), truncated };
        }
        let limit = if outputs.charge(inline) { inline } else { SCRAP.min(inline) };
        let cut = limit < bytes.len();
        if cut {
            bytes.truncate(char_floor(&bytes, limit));
        }
        Self { head: Text::from_bytes(bytes), rest: None, truncated: truncated || cut }
    }

    /// All that was captured, as far as `outputs` still has it.
    #[must_use]
    pub fn resolve(&self, outputs: &dyn Outputs) -> (Text, bool) {
        match self.rest {
            None => (self.head.clone(), self.truncated),
            Some(rest) => match outputs.get(&rest.digest) {
                Some(bytes) => (Text::from_bytes(bytes.to_vec()), self.truncated),
                None => (self.head.clone(), true),
            },
        }
    }
}

/// The greatest length up to `limit` that does not cut a UTF-8 character.
fn char_floor(bytes: &[u8], limit: usize) -> usize {
    // A character has at most three continuation bytes.
    (limit.saturating_sub(3)..=limit).rev().find(|&at| bytes[at] & 0xc0 != 0x80).unwrap_or(limit)
}

/// Where the bytes of large outputs are.
pub trait Outputs {
    /// The bytes with this digest, if they are still kept.
    fn get(&self, digest: &Digest) -> Option<&[u8]>;
}

/// No bytes at all: large outputs stay cut at what events carry.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutputs;

impl Outputs for NoOutputs {
    fn get(&self, _: &Digest) -> Option<&[u8]> {
        None
    }
}

/// Outputs in memory, up to a bound.
#[derive(Debug, Default)]
pub struct MemoryOutputs {
    kept: HashMap<Digest, Vec<u8>>,
    used: usize,
}

/// Bytes that one attempt takes of what a run keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share(usize);

impl MemoryOutputs {
    /// The most bytes that one run keeps.
    pub const LIMIT: usize = 64 * 1024 * 1024;

    /// Forgets the bytes beside the events, which the report holds by now. They still count.
    pub fn hand_over(&mut self) {
        self.kept.clear();
    }

    /// What is taken in all.
    #[must_use]
    pub const fn taken(&self) -> Share {
        Share(self.used)
    }

    /// What was taken since `before`.
    #[must_use]
    pub const fn taken_since(&self, before: Share) -> Share {
        Share(self.used.saturating_sub(before.0))
    }

    /// Gives back what an attempt took that a later one replaces.
    pub const fn give_back(&mut self, share: Share) {
        self.used = self.used.saturating_sub(share.0);
    }

    /// Counts bytes that the report holds; false where there is no room for them.
    pub const fn take(&mut self, bytes: usize) -> bool {
        self.charge(bytes)
    }

    const fn has_room_for(&self, bytes: usize) -> bool {
        self.used + bytes <= Self::LIMIT
    }

    /// Counts bytes that are kept, here or in events; false where there is no room for them.
    const fn charge(&mut self, bytes: usize) -> bool {
        let fits = self.has_room_for(bytes);
        if fits {
            self.used += bytes;
        }
        fits
    }

    fn keep(&mut self, bytes: Vec<u8>) -> OutputRef {
        self.used += bytes.len();
        let rest = OutputRef { digest: Digest::of(&bytes), len: bytes.len() as u64 };
        self.kept.entry(rest.digest).or_insert(bytes);
        rest
    }
}

impl Outputs for MemoryOutputs {
    fn get(&self, digest: &Digest) -> Option<&[u8]> {
        self.kept.get(digest).map(Vec::as_slice)
    }
}

/// How what a node prints becomes its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// The text without the line break at its end.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// A list of lines.
    Lines,
    /// There is no value.
    None,
}

impl OutputFormat {
    /// Whether the value of a part says nothing about the value of the whole.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Json | Self::Lines)
    }

    /// The value of a standard output.
    ///
    /// # Errors
    ///
    /// If the format is JSON and the output is not; says where.
    pub fn value(self, stdout: &Text) -> Result<Value, serde_json::Error> {
        match self {
            Self::None => Ok(Value::Null),
            Self::Json => serde_json::from_slice(stdout.as_bytes()),
            Self::Text => Ok(match stdout {
                Text::Utf8(text) => without_line_break(text).into(),
                Text::Bytes(_) => serde_json::to_value(stdout)?,
            }),
            Self::Lines => Ok(stdout.to_lossy().lines().map(Value::from).collect()),
        }
    }
}

fn without_line_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive_the_wire() {
        for bytes in [b"plain\n".to_vec(), vec![0xff, 0, b'"', 0x1b], Vec::new(), "é\u{0}".into()] {
            let text = Text::from_bytes(bytes.clone());
            let wire = serde_json::to_string(&text).unwrap();
            let back: Text = serde_json::from_str(&wire).unwrap();
            assert_eq!((back.as_bytes(), back == text), (bytes.as_slice(), true));
        }
    }

    #[test]
    fn large_streams_keep_their_head_inline_and_the_whole_beside() {
        let mut outputs = MemoryOutputs::default();
        // A two-byte character lies across the limit.
        let mut bytes = vec![b'a'; INLINE_LIMIT - 1];
        bytes.extend("é tail".as_bytes());
        let captured = Captured::new(bytes.clone(), false, &mut outputs);
        assert_eq!(captured.head.as_bytes().len(), INLINE_LIMIT - 1);
        assert!(matches!(captured.head, Text::Utf8(_)));
        assert_eq!(captured.resolve(&outputs), (Text::from_bytes(bytes), false));
        let (head, truncated) = captured.resolve(&NoOutputs);
        assert_eq!((head.as_bytes().len(), truncated), (INLINE_LIMIT - 1, true));
    }

    #[test]
    fn a_full_store_drops_the_rest_and_says_so() {
        let mut outputs = MemoryOutputs { kept: HashMap::new(), used: MemoryOutputs::LIMIT };
        let captured = Captured::new(vec![b'x'; INLINE_LIMIT + 1], false, &mut outputs);
        assert_eq!((captured.rest, captured.truncated), (None, true));
        // Small streams add up, too: a scrap of each is kept.
        let captured = Captured::new(vec![b'x'; 5000], false, &mut outputs);
        assert_eq!((captured.head.as_bytes().len(), captured.truncated), (SCRAP, true));
        let captured = Captured::new(vec![b'x'; 50], false, &mut outputs);
        assert_eq!((captured.head.as_bytes().len(), captured.truncated), (50, false));
    }

    #[test]
    fn formats_give_values() {
        let text = |s: &str| Text::Utf8(s.to_owned());
        assert_eq!(OutputFormat::Text.value(&text("a\nb\r\n")).unwrap(), "a\nb");
        assert_eq!(OutputFormat::Lines.value(&text("a\nb\n")).unwrap(), serde_json::json!(["a", "b"]));
        assert_eq!(OutputFormat::Json.value(&text(" {\"a\": 1}\n")).unwrap(), serde_json::json!({"a": 1}));
        assert_eq!(OutputFormat::None.value(&text("a")).unwrap(), Value::Null);
        assert!(OutputFormat::Json.value(&text("")).is_err());
    }

    #[test]
    fn digests_survive_the_wire() {
        let digest = Digest::of(b"abc");
        let wire = serde_json::to_string(&digest).unwrap();
        assert_eq!(wire, "\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
        assert_eq!(serde_json::from_str::<Digest>(&wire).unwrap(), digest);
        assert!(serde_json::from_str::<Digest>("\"sha256:12\"").is_err());
    }
}
