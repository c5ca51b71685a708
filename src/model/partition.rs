//! A part of what is selected, so that several machines share it: `slice:1/3`, `hash:2/3`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::output::Digest;

/// The most parts.
const MOST_PARTS: u32 = 10_000;

/// One of several parts that together are the whole, and have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "String", extend("pattern" = "^(slice|hash):[1-9][0-9]*/[1-9][0-9]*$")))]
pub struct Partition {
    by: PartitionBy,
    /// From 1.
    part: u32,
    of: u32,
}

/// By what a part is told from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum PartitionBy {
    /// By the place in the order.
    Slice,
    /// By the name.
    Hash,
}

impl Partition {
    /// Whether something is in this part; `place` counts from 0.
    #[must_use]
    pub fn takes(self, place: usize, name: &str) -> bool {
        let number = match self.by {
            PartitionBy::Slice => place as u64,
            PartitionBy::Hash => Digest::of(name.as_bytes()).number(),
        };
        number % u64::from(self.of) == u64::from(self.part - 1)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            PartitionBy::Slice => "slice",
            PartitionBy::Hash => "hash",
        };
        write!(f, "{by}:{}/{}", self.part, self.of)
    }
}

/// Why a text is no partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionError {
    /// It has another form.
    #[error("write `slice:1/3` or `hash:1/3` for the first of three parts")]
    Form,
    /// There is no such part.
    #[error("parts count from 1 to their number: with {0} parts, `1/{0}` to `{0}/{0}`")]
    NoSuchPart(u32),
    /// There are too many, or none.
    #[error("the number of parts is from 1 to {MOST_PARTS}")]
    Number,
}

impl FromStr for Partition {
    type Err = PartitionError;

    fn from_str(text: &str) -> Result<Self, PartitionError> {
        let (by, share) = text.trim().split_once(':').ok_or(PartitionError::Form)?;
        let by = match by {
            "slice" => PartitionBy::Slice,
            "hash" => PartitionBy::Hash,
            _ => return Err(PartitionError::Form),
        };
        let (part, of) = share.split_once('/').ok_or(PartitionError::Form)?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(part) || !is_number(of) {
            return Err(PartitionError::Form);
        }
        let of = of.parse().ok().filter(|of| (1..=MOST_PARTS).contains(of)).ok_or(PartitionError::Number)?;
        let part = part.parse().ok().filter(|part| (1..=of).contains(part));
        Ok(Self { by, part: part.ok_or(PartitionError::NoSuchPart(of))?, of })
    }
}

impl Serialize for Partition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Partition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_part_is_what_it_was_read_from() {
        for text in ["slice:1/1", "hash:3/3", "slice:9999/10000"] {
            assert_eq!(text.parse::<Partition>().unwrap().to_string(), text);
        }
        assert_eq!("slice:01/003".parse::<Partition>().unwrap().to_string(), "slice:1/3");
        let refused = |text: &str| text.parse::<Partition>().unwrap_err();
        for text in
            ["", "1/3", "slice", "slice:", "slice:1", "slice:a/b", "count:1/3", "slice:-1/3", "hash:+1/3"]
        {
            assert_eq!(refused(text), PartitionError::Form, "{text}");
        }
        assert_eq!(refused("slice:0/3"), PartitionError::NoSuchPart(3));
        assert_eq!(refused("hash:4/3"), PartitionError::NoSuchPart(3));
        assert_eq!(refused("hash:99999999999999999999/3"), PartitionError::NoSuchPart(3));
        for text in ["slice:1/0", "slice:1/10001", "hash:1/99999999999999999999"] {
            assert_eq!(refused(text), PartitionError::Number, "{text}");
        }
    }

    /// Machines with other versions share the work: which part a name is in must never change.
    #[test]
    fn the_part_of_a_name_is_fixed_for_ever() {
        let part = |name: &str| {
            (1..=5).find(|n| format!("hash:{n}/5").parse::<Partition>().unwrap().takes(0, name)).unwrap()
        };
        assert_eq!(["a", "b", "lint", "test_unit", "日本"].map(part), [1, 2, 5, 2, 2]);
    }
}
