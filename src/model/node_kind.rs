//! What kinds of nodes there are.

use std::borrow::Cow;
use std::fmt;

/// What kind of node it is. Kinds without a meaning here are kept as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// Changes something outside.
    #[default]
    Effect,
    /// Computes, without an effect.
    Compute,
    /// Turns state and an event into intents, without an effect.
    Reducer,
    /// Runs another workflow.
    Orchestrator,
    /// Gives a verdict.
    Validator,
    /// Gives a verdict that may be flaky.
    Test,
    /// Any other word.
    Other(String),
}

impl NodeKind {
    /// The kind that a contract's word names: any case, with or without `_GENERIC`.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        let lower = word.to_ascii_lowercase();
        match lower.strip_suffix("_generic").unwrap_or(&lower) {
            "effect" => Self::Effect,
            "compute" => Self::Compute,
            "reducer" => Self::Reducer,
            "orchestrator" | "workflow" => Self::Orchestrator,
            "validator" => Self::Validator,
            "test" => Self::Test,
            _ => Self::Other(word.to_owned()),
        }
    }

    /// The kind as reports write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(word) => word,
            known => known.word(),
        }
    }

    /// The same, for those who keep it.
    #[must_use]
    pub fn to_text(&self) -> Cow<'static, str> {
        match self {
            Self::Other(word) => Cow::Owned(word.clone()),
            known => Cow::Borrowed(known.word()),
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Effect => "effect",
            Self::Compute => "compute",
            Self::Reducer => "reducer",
            Self::Orchestrator => "orchestrator",
            Self::Validator => "validator",
            Self::Test => "test",
            Self::Other(_) => "other",
        }
    }

    /// Whether its plain failure is a verdict and not a fault.
    #[must_use]
    pub const fn gives_verdict(&self) -> bool {
        matches!(self, Self::Validator | Self::Test)
    }

    /// Whether repeating it can do no harm, whatever came of an earlier attempt.
    #[must_use]
    pub const fn repeats_safely(&self) -> bool {
        matches!(self, Self::Compute | Self::Reducer | Self::Validator | Self::Test)
    }
}

impl fmt::Display for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
