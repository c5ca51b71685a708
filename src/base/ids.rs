//! Identities, each its own type with its own grammar.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Why a text is not an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("an id cannot be empty")]
    Empty,
    /// The text has more than [`NodeId::MAX_LEN`] bytes.
    #[error("an id has at most {} characters", NodeId::MAX_LEN)]
    TooLong,
    /// The first character is no letter and no underscore.
    #[error("an id starts with a letter or `_`, not with `{0}`")]
    BadStart(char),
    /// A later character is outside the grammar.
    #[error("an id holds letters, digits, `_`, `.` and `-`, not `{0}`")]
    BadCharacter(char),
    /// The text is not a run id.
    #[error("a run id has 26 characters of Crockford's base 32")]
    NotARunId,
}

/// The id of a node: `[A-Za-z_][A-Za-z0-9_.-]*`, at most 128 characters. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NodeId(
    #[cfg_attr(test, schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_.-]*$"), length(max = 128)))] Arc<str>,
);

impl NodeId {
    /// The greatest length in characters.
    pub const MAX_LEN: usize = 128;

    /// Checks `text` against the grammar.
    ///
    /// # Errors
    ///
    /// Says which rule of the grammar the text breaks.
    pub fn new(text: &str) -> Result<Self, IdError> {
        let Some(first) = text.chars().next() else { return Err(IdError::Empty) };
        if !(first.is_ascii_alphabetic() || first == '_') {
            return Err(IdError::BadStart(first));
        }
        if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')))
        {
            return Err(IdError::BadCharacter(bad));
        }
        if text.len() > Self::MAX_LEN {
            return Err(IdError::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for NodeId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Crockford's base 32: no I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RUN_ID_LEN: usize = 26;

/// The id of a run: 128 bits that sort by time, written as 26 characters of Crockford's base 32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunId(
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")))] u128,
);

impl RunId {
    /// A fresh id, greater than every id made in an earlier millisecond.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the home of identities")]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7().as_u128())
    }

    /// The id with these bits, for tests and replays.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// A number to seed the run's random draws with.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "both halves take part")]
    pub const fn seed(self) -> u64 {
        (self.0 >> 64) as u64 ^ self.0 as u64
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; RUN_ID_LEN];
        let mut rest = self.0;
        for slot in text.iter_mut().rev() {
            *slot = ALPHABET[(rest & 31) as usize];
            rest >>= 5;
        }
        text.iter().try_for_each(|&c| fmt::Write::write_char(f, char::from(c)))
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RunId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // The first character holds the three highest bits.
        if text.len() != RUN_ID_LEN || !matches!(text.as_bytes()[0], b'0'..=b'7') {
            return Err(IdError::NotARunId);
        }
        text.bytes()
            .try_fold(0u128, |bits, c| {
                let digit = ALPHABET.iter().position(|&a| a == c.to_ascii_uppercase())?;
                Some(bits << 5 | digit as u128)
            })
            .map(Self)
            .ok_or(IdError::NotARunId)
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Ties one run to the work that asked for it, across processes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct CorrelationId(String);

impl CorrelationId {
    /// A fresh random id.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the home of identities")]
    pub fn fresh() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// The id with this text.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_ids_keep_to_their_grammar() {
        for good in ["a", "_x", "lint.fast-2", "A_1", &"n".repeat(128)] {
            assert_eq!(NodeId::new(good).map(|id| id.as_str().to_owned()), Ok(good.to_owned()));
        }
        assert_eq!(NodeId::new(""), Err(IdError::Empty));
        assert_eq!(NodeId::new("1a"), Err(IdError::BadStart('1')));
        assert_eq!(NodeId::new("../x"), Err(IdError::BadStart('.')));
        assert_eq!(NodeId::new("a/b"), Err(IdError::BadCharacter('/')));
        assert_eq!(NodeId::new("é"), Err(IdError::BadStart('é')));
        assert_eq!(NodeId::new(&"n".repeat(129)), Err(IdError::TooLong));
    }

    #[test]
    fn run_ids_survive_their_text_form_and_sort_alike() {
        let bits = [0, 1, 31, 32, u128::from(u64::MAX), u128::MAX - 1, u128::MAX];
        let texts: Vec<String> = bits.iter().map(|&b| RunId::from_bits(b).to_string()).collect();
        for (text, &bits) in texts.iter().zip(&bits) {
            assert_eq!(text.len(), RUN_ID_LEN);
            assert_eq!(text.parse(), Ok(RunId::from_bits(bits)));
        }
        assert!(texts.is_sorted());
        assert_eq!("8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<RunId>(), Err(IdError::NotARunId));
        assert_eq!("0000000000000000000000000U".parse::<RunId>(), Err(IdError::NotARunId));
    }
}
