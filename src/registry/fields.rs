//! Reads typed values from the metadata of a component, each with its place, and says what is wrong with them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::text::{nearest, parse_duration};
use crate::diag::{Diagnostic, Severity, Span, codes};
use crate::model::component::{Dependency, Reference, Version};
use crate::model::sandbox::Sandbox;
use crate::yaml::{Entry, NodeRef, Shape, Tree};

/// One mapping, what was found in it, and the places of what was read.
pub(super) struct Fields<'t> {
    pub tree: &'t Tree<'t>,
    pub root: NodeRef,
    pub spans: BTreeMap<&'static str, Span>,
    pub diagnostics: Vec<Diagnostic>,
}

impl<'t> Fields<'t> {
    pub(super) fn push(&mut self, finding: Diagnostic) {
        self.diagnostics.push(finding);
    }

    /// The value of a key, whose place is kept.
    pub(super) fn value(&mut self, key: &'static str) -> Option<NodeRef> {
        let found = self.tree.value(self.root, key)?;
        self.spans.insert(key, self.tree.span(found));
        Some(found)
    }

    pub(super) fn wrong_type(&mut self, node: NodeRef, what: &str, expected: &str) {
        let label = format!("this is {}", self.tree.shape(node).noun());
        let finding = Diagnostic::error(codes::WRONG_TYPE, format!("{what} is {expected}"));
        self.push(finding.at(self.tree.span(node), label));
    }

    fn text_of(&mut self, node: NodeRef, what: &str) -> Option<&'t str> {
        match self.tree.shape(node) {
            Shape::Text(text) => Some(text),
            Shape::Bool(_) | Shape::Int(_) | Shape::Float(_) => self.tree.scalar(node),
            Shape::Null | Shape::Sequence(_) | Shape::Mapping(_) => {
                self.wrong_type(node, what, "text");
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let node = self.value(key)?;
        self.text_of(node, &format!("`{key}`")).map(|text| text.trim().to_owned())
    }

    /// A list of texts; one text alone is a list of one.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let node = self.value(key)?;
        Some(self.texts_of(node, &format!("`{key}`")))
    }

    pub(super) fn texts_of(&mut self, node: NodeRef, what: &str) -> Vec<String> {
        let items = match self.tree.shape(node) {
            Shape::Sequence(items) => items.to_vec(),
            Shape::Mapping(_) => {
                self.wrong_type(node, what, "a list of texts");
                return Vec::new();
            }
            _ => vec![node],
        };
        let item = format!("an item of {what}");
        items.into_iter().filter_map(|node| self.text_of(node, &item).map(str::to_owned)).collect()
    }

    /// A list of words, or a mapping whose keys are the words.
    pub(super) fn words(&mut self, key: &'static str) -> Vec<String> {
        let Some(node) = self.value(key) else { return Vec::new() };
        match self.tree.shape(node) {
            Shape::Mapping(entries) => {
                entries.iter().filter_map(|entry| self.tree.scalar(entry.key)).map(str::to_owned).collect()
            }
            _ => self.texts_of(node, &format!("`{key}`")),
        }
    }

    pub(super) fn bool(&mut self, key: &'static str) -> Option<bool> {
        let node = self.value(key)?;
        if let Shape::Bool(value) = self.tree.shape(node) {
            return Some(value);
        }
        self.wrong_type(node, &format!("`{key}`"), "`true` or `false`");
        None
    }

    /// A whole number.
    pub(super) fn whole(&mut self, key: &'static str) -> Option<i64> {
        let node = self.value(key)?;
        if let Shape::Int(value) = self.tree.shape(node) {
            return Some(value);
        }
        self.wrong_type(node, &format!("`{key}`"), "a whole number");
        None
    }

    /// A mapping of names to texts.
    pub(super) fn variables(&mut self, key: &'static str) -> Vec<(String, String)> {
        let Some(node) = self.value(key) else { return Vec::new() };
        let Shape::Mapping(entries) = self.tree.shape(node) else {
            self.wrong_type(node, &format!("`{key}`"), "a mapping of variables");
            return Vec::new();
        };
        let pair = |this: &mut Self, entry: &Entry| {
            let name = this.tree.scalar(entry.key)?.to_owned();
            let value = this.text_of(entry.value, &format!("the variable `{name}`"))?;
            Some((name, value.to_owned()))
        };
        entries.iter().filter_map(|entry| pair(self, entry)).collect()
    }

    /// What the component may touch of the machine.
    pub(super) fn sandbox(&mut self) -> Option<Sandbox> {
        let node = self.value("sandbox")?;
        Sandbox::from_value(&self.tree.to_json(node)).unwrap_or_else(|problem| {
            let finding = Diagnostic::error(codes::BAD_VALUE, problem);
            self.push(finding.at(self.tree.span(node), "not understood"));
            None
        })
    }

    /// A duration in seconds or with a unit under `timeout`, or in milliseconds under `timeout_ms`.
    pub(super) fn timeout(&mut self) -> Option<Duration> {
        let (plain, millis) = (self.value("timeout"), self.value("timeout_ms"));
        if let (Some(plain), Some(millis)) = (plain, millis) {
            let (plain, millis) = (self.tree.span(plain), self.tree.span(millis));
            let finding = Diagnostic::error(
                codes::CONFLICTING_KEYS,
                "`timeout` and `timeout_ms` say the same thing twice",
            );
            self.push(
                finding.at(millis, "milliseconds here").at(plain, "seconds here").help("keep one of them"),
            );
            return None;
        }
        let node = plain.or(millis)?;
        let parsed = match self.tree.shape(node) {
            Shape::Int(n) if plain.is_none() => u64::try_from(n).ok().map(Duration::from_millis),
            Shape::Int(_) | Shape::Float(_) | Shape::Text(_) if plain.is_some() => {
                self.tree.scalar(node).and_then(parse_duration)
            }
            _ => None,
        };
        let parsed = parsed.filter(|duration| !duration.is_zero());
        if parsed.is_none() {
            let (key, help) = if plain.is_some() {
                ("timeout", "write seconds as a number, or text such as `30s`, `2m`")
            } else {
                ("timeout_ms", "keys that end in `_ms` take whole milliseconds, such as `30000`")
            };
            let text = self.tree.scalar(node).unwrap_or("this").to_owned();
            let finding = Diagnostic::error(codes::BAD_DURATION, format!("`{key}` cannot be `{text}`"));
            self.push(finding.at(self.tree.span(node), "not a duration").help(help));
        }
        parsed
    }

    /// A version: text, a number, or `{major, minor, patch}`.
    pub(super) fn version(&mut self, node: NodeRef, severity: Severity) -> Option<Version> {
        let written = if let Shape::Mapping(_) = self.tree.shape(node) {
            let part =
                |key| self.tree.value(node, key).and_then(|part| self.tree.scalar(part)).unwrap_or("0");
            format!("{}.{}.{}", part("major"), part("minor"), part("patch"))
        } else {
            self.text_of(node, "a version")?.to_owned()
        };
        match written.parse() {
            Ok(version) => Some(version),
            Err(error) => {
                let finding =
                    Diagnostic::new(severity, codes::BAD_VERSION, format!("`{written}` is no version"));
                self.push(finding.at(self.tree.span(node), error.to_string()).help("write `1.2.0`"));
                None
            }
        }
    }

    /// Components that are needed: `name`, `name@range`, or `{name, version}`.
    pub(super) fn dependencies(&mut self) -> Vec<Dependency> {
        let Some(node) = self.value("dependencies") else { return Vec::new() };
        let items = match self.tree.shape(node) {
            Shape::Sequence(items) => items.to_vec(),
            Shape::Mapping(_) => {
                self.wrong_type(node, "`dependencies`", "a list of names");
                return Vec::new();
            }
            _ => vec![node],
        };
        items.into_iter().filter_map(|item| self.dependency(item)).collect()
    }

    fn dependency(&mut self, item: NodeRef) -> Option<Dependency> {
        let written = if let Shape::Mapping(_) = self.tree.shape(item) {
            let Some(name) = self.tree.value(item, "name") else {
                let finding = Diagnostic::error(codes::MISSING_KEY, "a dependency needs a `name`");
                self.push(finding.at(self.tree.span(item), "names nothing"));
                return None;
            };
            let name = self.text_of(name, "the name of a dependency")?;
            let version = self.tree.value(item, "version").and_then(|node| self.tree.scalar(node));
            version.map_or_else(|| name.to_owned(), |version| format!("{name}@{version}"))
        } else {
            self.text_of(item, "a dependency")?.to_owned()
        };
        let span = self.tree.span(item);
        match written.parse::<Reference>() {
            Ok(on) => Some(Dependency { on, span }),
            Err(error) => {
                let finding =
                    Diagnostic::error(codes::BAD_RANGE, format!("`{written}` has no range of versions"));
                self.push(
                    finding
                        .at(span, error.to_string())
                        .help("write `name@1.2.0`, `name@^1.2` or `name@>=1 <2`"),
                );
                None
            }
        }
    }

    /// Says of every key that is none what may be meant. Keys that begin with `x-` or `x_` are the user's own.
    pub(super) fn check_keys(&mut self, mapping: NodeRef, place: &str, known: &[&[&'static str]]) {
        let Shape::Mapping(entries) = self.tree.shape(mapping) else { return };
        for entry in entries {
            let Some(key) = self.tree.scalar(entry.key) else { continue };
            let all = || known.iter().copied().flatten().copied();
            if all().any(|known| known == key) || key.starts_with("x-") || key.starts_with("x_") {
                continue;
            }
            let finding = Diagnostic::warning(codes::UNKNOWN_KEY, format!("{place} has no key `{key}`"))
                .at(self.tree.span(entry.key), "unknown key, ignored")
                .did_you_mean(nearest(key, all()));
            self.diagnostics.push(finding);
        }
    }
}
