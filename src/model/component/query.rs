//! What is asked of components: `type=validator,lifecycle=canary|stable`, and free words.

use std::collections::BTreeMap;
use std::fmt;

use super::{Component, reference};
use crate::base::text::nearest;

/// What components can be selected by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FilterKey {
    /// `meta_type`.
    Type,
    /// The lifecycle.
    Lifecycle,
    /// One of the tags, or of the stages.
    Tags,
    /// The name, with or without its namespace; `*` stands for anything.
    Name,
    /// The namespace; `*` stands for anything.
    Namespace,
    /// A range that the version is in.
    Version,
    /// The status, or the lifecycle where there is none.
    Status,
    /// One of the capabilities.
    Capability,
}

impl FilterKey {
    /// Every key with its name.
    pub const NAMES: [(&'static str, Self); 8] = [
        ("type", Self::Type),
        ("lifecycle", Self::Lifecycle),
        ("tags", Self::Tags),
        ("name", Self::Name),
        ("namespace", Self::Namespace),
        ("version", Self::Version),
        ("status", Self::Status),
        ("capability", Self::Capability),
    ];

    /// The key as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, key)| *key == self).map_or("", |(name, _)| name)
    }

    /// The key of this name; other spellings of it are understood.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let name = match name {
            "meta_type" => "type",
            "tag" => "tags",
            "capabilities" => "capability",
            other => other,
        };
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, key)| key)
    }

    /// What a component has under this key.
    #[must_use]
    pub fn values(self, component: &Component) -> Vec<String> {
        let some = |value: Option<&str>| value.map(str::to_owned).into_iter().collect();
        match self {
            Self::Type => vec![component.meta_type.clone()],
            Self::Lifecycle => vec![component.lifecycle.to_string()],
            Self::Tags => {
                let stages = component.declared_stages.iter().filter(|stage| !component.tags.contains(stage));
                component.tags.iter().chain(stages).cloned().collect()
            }
            Self::Name => vec![component.name.clone()],
            Self::Namespace => some(component.namespace.as_deref()),
            Self::Version => component.version.iter().map(ToString::to_string).collect(),
            Self::Status => vec![component.status.clone().unwrap_or_else(|| component.lifecycle.to_string())],
            Self::Capability => component.capabilities.clone(),
        }
    }

    /// Checks that a value can stand under this key.
    ///
    /// # Errors
    ///
    /// If it is no range of versions, under the key for those.
    pub fn check(self, value: &str) -> Result<(), QueryError> {
        if self == Self::Version && reference::range(value).is_err() {
            let message = format!("`{value}` is no range of versions, such as `1.2.0`, `^1.2` or `>=1 <2`");
            return Err(QueryError { message, suggestion: None });
        }
        Ok(())
    }

    /// Whether a component has a value.
    fn has(self, component: &Component, value: &str) -> bool {
        match self {
            Self::Version => reference::range(value)
                .is_ok_and(|range| component.version.as_ref().is_some_and(|v| range.matches(v.parsed()))),
            Self::Name => fits(value, &component.name) || fits(value, &component.qualified_name()),
            Self::Namespace => component.namespace.as_deref().is_some_and(|found| fits(value, found)),
            _ => self.values(component).iter().any(|found| found.eq_ignore_ascii_case(value)),
        }
    }
}

impl fmt::Display for FilterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a text is what a pattern says, in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(end)
}

/// A selection of components. Without any condition it selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComponentQuery {
    /// For each key what must hold: of each list one value must fit.
    filters: BTreeMap<FilterKey, Vec<Vec<String>>>,
    /// Words that must all stand in the name, the description or the tags.
    words: Vec<String>,
}

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// What is wrong with it.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

/// The condition that a component does not fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The key; none for a word.
    pub key: Option<FilterKey>,
    /// What was asked for.
    pub wanted: String,
    /// What the component has.
    pub found: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key {
            Some(key) => write!(f, "{key} is {}, not {}", self.found, self.wanted),
            None => write!(f, "it does not say `{}`", self.wanted),
        }
    }
}

/// A value that no component has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The key.
    pub key: FilterKey,
    /// The value.
    pub value: String,
    /// The value of a component that was probably meant.
    pub suggestion: Option<String>,
    /// Some values that there are.
    pub known: Vec<String>,
}

impl ComponentQuery {
    /// Reads `key=value,key=value|value`: all must hold, and `|` separates values of which one must fit. A part
    /// without `=` is words to search for.
    ///
    /// # Errors
    ///
    /// If a key is not known, a value is missing, or a range of versions is none.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut query = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                // `version=>=1.2` has its operator after the first sign.
                Some((key, values)) => query.add(key.trim(), values)?,
                None => query.words.extend(part.split_whitespace().map(str::to_lowercase)),
            }
        }
        Ok(query)
    }

    /// The same where every part is a condition.
    ///
    /// # Errors
    ///
    /// As `parse`, and if there is a part without `=`.
    pub fn parse_filters(text: &str) -> Result<Self, QueryError> {
        let query = Self::parse(text)?;
        match query.words.first() {
            Some(word) => Err(QueryError {
                message: format!("`{word}` is no filter: a filter is `key=value`"),
                suggestion: None,
            }),
            None => Ok(query),
        }
    }

    fn add(&mut self, key: &str, values: &str) -> Result<(), QueryError> {
        let Some(found) = FilterKey::find(key) else {
            let names = FilterKey::NAMES.iter().map(|(name, _)| *name);
            let list = names.clone().collect::<Vec<_>>().join(", ");
            return Err(QueryError {
                message: format!("there is no filter `{key}`; there are {list}"),
                suggestion: nearest(key, names).map(str::to_owned),
            });
        };
        let values: Vec<String> =
            values.split('|').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect();
        if values.is_empty() {
            return Err(QueryError { message: format!("the filter `{key}` has no value"), suggestion: None });
        }
        values.iter().try_for_each(|value| found.check(value))?;
        self.filters.entry(found).or_default().push(values);
        Ok(())
    }

    /// The query with one more condition: one of the values must fit.
    #[must_use]
    pub fn with<V: Into<String>>(mut self, key: FilterKey, values: impl IntoIterator<Item = V>) -> Self {
        self.filters.entry(key).or_default().push(values.into_iter().map(Into::into).collect());
        self
    }

    /// The query with the defaults for all keys that it says nothing about: an explicit filter replaces the default
    /// for its own key only.
    #[must_use]
    pub fn with_defaults(mut self, defaults: &Self) -> Self {
        for (key, conditions) in &defaults.filters {
            self.filters.entry(*key).or_insert_with(|| conditions.clone());
        }
        self
    }

    /// The query without any condition on a key.
    #[must_use]
    pub fn without(mut self, key: FilterKey) -> Self {
        self.filters.remove(&key);
        self
    }

    /// The query with the conditions of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (key, conditions) in other.filters {
            self.filters.entry(key).or_default().extend(conditions);
        }
        self.words.extend(other.words);
        self
    }

    /// Whether it says something about a key.
    #[must_use]
    pub fn names(&self, key: FilterKey) -> bool {
        self.filters.contains_key(&key)
    }

    /// Whether it selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.words.is_empty()
    }

    /// Whether it selects a component.
    #[must_use]
    pub fn selects(&self, component: &Component) -> bool {
        self.refusal(component).is_none()
    }

    /// The first condition that a component does not fulfil.
    #[must_use]
    pub fn refusal(&self, component: &Component) -> Option<Refusal> {
        for (&key, conditions) in &self.filters {
            let unmet =
                conditions.iter().find(|values| !values.iter().any(|value| key.has(component, value)));
            if let Some(values) = unmet {
                let found = key.values(component).join(", ");
                let found = if found.is_empty() { "not given".to_owned() } else { found };
                return Some(Refusal { key: Some(key), wanted: values.join(" or "), found });
            }
        }
        let unsaid = self.words.iter().find(|word| !mentions(component, word))?;
        Some(Refusal { key: None, wanted: unsaid.clone(), found: String::new() })
    }

    /// The values that not one of the components has: mostly they are misspelt.
    #[must_use]
    pub fn unmatched(&self, components: &[&Component]) -> Vec<Unmatched> {
        let mut found = Vec::new();
        for (&key, conditions) in &self.filters {
            for value in conditions.iter().flatten() {
                if components.iter().any(|component| key.has(component, value)) {
                    continue;
                }
                let mut known: Vec<String> =
                    components.iter().flat_map(|component| key.values(component)).collect();
                known.sort();
                known.dedup();
                let suggestion = nearest(value, known.iter().map(String::as_str)).map(str::to_owned);
                found.push(Unmatched { key, value: value.clone(), suggestion, known });
            }
        }
        found
    }
}

/// Whether a word stands somewhere where people look for it.
fn mentions(component: &Component, word: &str) -> bool {
    let places =
        [Some(component.qualified_name()), component.description.clone(), Some(component.meta_type.clone())];
    places.iter().flatten().chain(&component.tags).any(|text| text.to_lowercase().contains(word))
}
