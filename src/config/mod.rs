//! Settings from files: TOML text to values, each with its place. Knows no files: `app::settings` reads them.
//!
//! [`read`] turns one text into [`Settings`] and reports all that is wrong with it. Texts are read weakest first, and
//! each is laid [`Settings::over`] those before it, key by key. Which settings there are stands in `keys.rs` and nowhere
//! else.

pub mod keys;
mod policies;
mod reader;
mod schema;
#[cfg(test)]
mod tests;

pub use keys::{Form, Key, Section};
pub use reader::read;
pub use schema::schema;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::base::text;
use crate::diag::Span;
use crate::model::component::FilterKey;
use crate::model::policy::ExecutionPolicy;

/// The name of a setting, such as `stage.ci.jobs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The table.
    pub section: Section,
    /// The key in it.
    pub key: &'static str,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.section, self.key)
    }
}

/// What a setting is set to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// How many.
    Count(u32),
    /// How long.
    Time(Duration),
    /// One of the words that the key allows.
    Word(&'static str),
    /// What components are selected by; of an empty list, everything fits.
    AnyOf(FilterKey, Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Time(time) => f.write_str(&text::duration(*time)),
            Self::Word(word) => f.write_str(word),
            Self::AnyOf(_, values) if values.is_empty() => f.write_str("any"),
            Self::AnyOf(_, values) => f.write_str(&values.join("|")),
        }
    }
}

/// A value, and where it stands. The source of the place says which file won.
#[derive(Clone, Debug, PartialEq)]
pub struct Set<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: Span,
}

/// What files set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    values: BTreeMap<Name, Set<Value>>,
    /// The policies: all of them hold, whichever file says them.
    pub policies: Vec<ExecutionPolicy>,
}

impl Settings {
    /// These settings, and below them what only weaker ones say.
    #[must_use]
    pub fn over(mut self, weaker: Self) -> Self {
        for (name, value) in weaker.values {
            self.values.entry(name).or_insert(value);
        }
        // A stronger file adds to what a weaker one asks for, and takes nothing back.
        self.policies.splice(0..0, weaker.policies);
        self
    }

    /// All that is set, table by table.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &Set<Value>)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.policies.is_empty()
    }

    fn set(&mut self, name: Name, value: Value, at: Span) {
        self.values.insert(name, Set { value, at });
    }

    /// One setting.
    #[must_use]
    pub fn get(&self, section: Section, key: &'static str) -> Option<&Set<Value>> {
        self.values.get(&Name { section, key })
    }

    /// A setting of a run: what is set for its stage, else what is set for all runs.
    #[must_use]
    pub fn of_run(&self, stage: Option<&'static str>, key: &'static str) -> Option<&Set<Value>> {
        stage.and_then(|stage| self.get(Section::Stage(stage), key)).or_else(|| self.get(Section::Run, key))
    }

    /// What components of a stage must be like: for each key that is set, the values of which one must fit.
    pub fn selection(&self, stage: &'static str) -> impl Iterator<Item = (FilterKey, &[String], Span)> {
        let of_stage = self.values.iter().filter(move |(name, _)| name.section == Section::Stage(stage));
        of_stage.filter_map(|(_, set)| match &set.value {
            Value::AnyOf(key, values) => Some((*key, values.as_slice(), set.at)),
            Value::Flag(_) | Value::Count(_) | Value::Time(_) | Value::Word(_) => None,
        })
    }
}

impl Set<Value> {
    /// The same as yes or no, where it is that.
    #[must_use]
    pub const fn flag(&self) -> Option<bool> {
        if let Value::Flag(flag) = self.value { Some(flag) } else { None }
    }

    /// The same as a number, where it is one.
    #[must_use]
    pub const fn count(&self) -> Option<u32> {
        if let Value::Count(count) = self.value { Some(count) } else { None }
    }

    /// The same as a time, where it is one.
    #[must_use]
    pub const fn time(&self) -> Option<Duration> {
        if let Value::Time(time) = self.value { Some(time) } else { None }
    }

    /// The same as a word, where it is one.
    #[must_use]
    pub const fn word(&self) -> Option<&'static str> {
        if let Value::Word(word) = self.value { Some(word) } else { None }
    }
}
