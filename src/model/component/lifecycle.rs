//! The life of a component: the words for it, and what each means for a run.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How far a component is in its life. A word that is not known is kept, and runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lifecycle(String);

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new("active")
    }
}

impl Lifecycle {
    /// The words that are known: those of the specification, of the registry's policy, and of batches.
    pub const KNOWN: [&'static str; 12] = [
        "draft",
        "review",
        "canary",
        "experimental",
        "active",
        "stable",
        "deprecated",
        "archived",
        "frozen",
        "legacy",
        "pending",
        "batch-complete",
    ];

    /// The lifecycle of this name, in any case.
    #[must_use]
    pub fn new(word: &str) -> Self {
        Self(word.trim().to_lowercase())
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the word is one of those that are known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        Self::KNOWN.contains(&self.as_str())
    }

    /// Whether it runs although nobody named it: all but drafts and what is archived.
    #[must_use]
    pub fn runs_unnamed(&self) -> bool {
        !matches!(self.as_str(), "draft" | "archived")
    }

    /// Whether it runs with a warning.
    #[must_use]
    pub fn is_deprecated(&self) -> bool {
        self.as_str() == "deprecated"
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is to be known of a component that is deprecated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deprecation {
    /// The version or date from which on it is deprecated.
    pub since: Option<String>,
    /// The day from which on it may be gone.
    pub sunset: Option<NaiveDate>,
    /// What to use in its place.
    pub replacement: Option<String>,
}

impl Deprecation {
    /// Whether anything is said that only something deprecated says.
    #[must_use]
    pub const fn is_announced(&self) -> bool {
        self.since.is_some() || self.sunset.is_some()
    }

    /// The warning about `what`, seen from a day: `is deprecated since 1.2.0, …; use … instead`.
    #[must_use]
    pub fn warning(&self, what: &str, today: NaiveDate) -> String {
        let mut text = format!("`{what}` is deprecated");
        if let Some(since) = &self.since {
            text.push_str(&format!(" since {since}"));
        }
        match self.sunset {
            Some(sunset) if sunset <= today => text.push_str(&format!(", and was to be gone on {sunset}")),
            Some(sunset) => text.push_str(&format!(", and will be gone on {sunset}")),
            None => {}
        }
        if let Some(replacement) = &self.replacement {
            text.push_str(&format!("; use `{replacement}` instead"));
        }
        text
    }
}
