//! Reads typed values out of a tree and says what is wrong with them, where.

use super::keys::words::{self, Word};
use super::keys::{self, Form, Key, Standing, Table};
use crate::base::text::nearest;
use crate::diag::{Diagnostic, Findings, Severity, Span, codes};
use crate::yaml::{Entry, NodeRef, Shape, Tree};

/// A tree and what was found in it so far.
pub(super) struct Reader<'t> {
    pub tree: &'t Tree<'t>,
    pub diagnostics: Findings,
    /// Ids that were refused: who depends on one has done nothing wrong.
    pub refused_ids: Vec<String>,
    /// Whether a graph was found where it has no effect: then nobody needs to be told that there is none.
    pub graph_elsewhere: bool,
    /// The agents that are declared, where they are.
    pub agents: Option<Vec<&'t str>>,
    /// Whether what is read belongs to a node that is disabled: what it asks for does not have to be carried out.
    pub disabled: bool,
}

/// Keys that hold a graph, or a part of it.
const GRAPH_KEYS: [&str; 5] = ["execution_graph", "workflow_definition", "nodes", "edges", "tasks"];

impl<'t> Reader<'t> {
    pub(super) const fn of(tree: &'t Tree<'t>, diagnostics: Findings) -> Self {
        Self {
            tree,
            diagnostics,
            refused_ids: Vec::new(),
            graph_elsewhere: false,
            agents: None,
            disabled: false,
        }
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Says that a value has the wrong type.
    pub(super) fn wrong_type(&mut self, node: NodeRef, what: &str, expected: &str) {
        let noun = self.tree.shape(node).noun();
        self.push(
            Diagnostic::error(codes::WRONG_TYPE, format!("{what} is {expected}"))
                .at(self.tree.span(node), format!("this is {noun}")),
        );
    }

    /// Says that a value is none of those that are allowed.
    pub(super) fn bad_value(&mut self, node: NodeRef, what: &str, allowed: &'static [Word]) {
        self.none_of(node, what, &words::names(allowed));
    }

    /// The same for what is allowed beside words.
    pub(super) fn none_of(&mut self, node: NodeRef, what: &str, allowed: &[&str]) {
        let Some(word) = self.tree.scalar(node).map(str::to_owned) else {
            return self.wrong_type(node, what, "one word");
        };
        let list = allowed.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        self.push(
            Diagnostic::error(codes::BAD_VALUE, format!("{what} cannot be `{word}`"))
                .at(self.tree.span(node), format!("one of {list}"))
                .did_you_mean(nearest(&word, allowed.iter().copied())),
        );
    }

    /// Says that a part of the language is not carried out yet.
    pub(super) fn later(&mut self, node: NodeRef, what: &str) {
        let (severity, label) = match self.disabled {
            true => (Severity::Info, "the node is disabled, so nothing has to be done"),
            false => (Severity::Warning, "the contract plans, but does not run"),
        };
        let message = format!("{what} is not carried out yet by this version of onex");
        self.push(Diagnostic::new(severity, codes::NOT_CARRIED_OUT, message).at(self.tree.span(node), label));
    }

    /// Says that there is no graph.
    pub(super) fn no_graph(&mut self, at: NodeRef, help: &str) {
        if self.graph_elsewhere {
            return;
        }
        let at = match self.tree.shape(at) {
            Shape::Mapping([first, ..]) => self.tree.span(first.key),
            _ => self.tree.span(at),
        };
        self.push(
            Diagnostic::warning(
                codes::NO_GRAPH,
                "the contract declares no execution graph, so there is nothing to run",
            )
            .at(at, "")
            .help(help),
        );
    }

    pub(super) fn mapping(&mut self, node: NodeRef, what: &str) -> Option<&'t [Entry]> {
        match self.tree.shape(node) {
            Shape::Mapping(entries) => Some(entries),
            _ => {
                self.wrong_type(node, what, "a mapping");
                None
            }
        }
    }

    pub(super) fn sequence(&mut self, node: NodeRef, what: &str) -> Option<&'t [NodeRef]> {
        match self.tree.shape(node) {
            Shape::Sequence(items) => Some(items),
            _ => {
                self.wrong_type(node, what, "a list");
                None
            }
        }
    }

    /// A scalar as text. Numbers and booleans are text here, too: `version: 1.0`, `args: [8080]`.
    pub(super) fn text(&mut self, node: NodeRef, what: &str) -> Option<&'t str> {
        match self.tree.shape(node) {
            Shape::Text(text) => Some(text),
            Shape::Bool(_) | Shape::Int(_) | Shape::Float(_) => self.tree.scalar(node),
            Shape::Null | Shape::Sequence(_) | Shape::Mapping(_) => {
                self.wrong_type(node, what, "text");
                None
            }
        }
    }

    pub(super) fn bool(&mut self, node: NodeRef, what: &str) -> Option<bool> {
        if let Shape::Bool(value) = self.tree.shape(node) {
            return Some(value);
        }
        let noun = self.tree.shape(node).noun();
        let mut finding = Diagnostic::error(codes::WRONG_TYPE, format!("{what} is `true` or `false`"))
            .at(self.tree.span(node), format!("this is {noun}"));
        // YAML 1.1 read these as booleans; YAML 1.2 does not.
        finding = match self.tree.scalar(node).map(str::to_ascii_lowercase).as_deref() {
            Some("yes" | "on" | "y") => finding.help("write `true`").fixed_by(self.tree.span(node), "true"),
            Some("no" | "off" | "n") => finding.help("write `false`").fixed_by(self.tree.span(node), "false"),
            _ => finding,
        };
        self.push(finding);
        None
    }

    /// A whole number of at least `least`.
    pub(super) fn count(&mut self, node: NodeRef, what: &str, least: u32) -> Option<u32> {
        match self.tree.shape(node) {
            Shape::Int(n) if n >= i64::from(least) => match u32::try_from(n) {
                Ok(n) => Some(n),
                Err(_) => {
                    self.out_of_range(node, what, &format!("at most {}", u32::MAX));
                    None
                }
            },
            Shape::Int(_) => {
                self.out_of_range(node, what, &format!("at least {least}"));
                None
            }
            _ => {
                self.wrong_type(node, what, "a whole number");
                None
            }
        }
    }

    /// A number of at least `least`.
    pub(super) fn number(&mut self, node: NodeRef, what: &str, least: f64) -> Option<f64> {
        let value = match self.tree.shape(node) {
            #[expect(clippy::cast_precision_loss, reason = "factors are small")]
            Shape::Int(n) => n as f64,
            Shape::Float(n) => n,
            _ => {
                self.wrong_type(node, what, "a number");
                return None;
            }
        };
        if value.is_finite() && value >= least {
            return Some(value);
        }
        self.out_of_range(node, what, &format!("at least {least}"));
        None
    }

    fn out_of_range(&mut self, node: NodeRef, what: &str, range: &str) {
        let text = self.tree.scalar(node).unwrap_or_default().to_owned();
        self.push(
            Diagnostic::error(codes::BAD_VALUE, format!("{what} cannot be {text}"))
                .at(self.tree.span(node), format!("must be {range}")),
        );
    }

    /// A list of texts; one text alone is a list of one.
    pub(super) fn texts(&mut self, node: NodeRef, what: &str) -> Vec<(&'t str, NodeRef)> {
        match self.tree.shape(node) {
            Shape::Sequence(items) => items
                .iter()
                .filter_map(|&item| Some((self.text(item, &format!("an item of {what}"))?, item)))
                .collect(),
            Shape::Null => Vec::new(),
            Shape::Mapping(_) => {
                self.wrong_type(node, what, "a list");
                Vec::new()
            }
            _ => self.text(node, what).map(|text| vec![(text, node)]).unwrap_or_default(),
        }
    }

    /// The mapping under `key`; says so if there is something else.
    pub(super) fn get_mapping(&mut self, parent: NodeRef, key: &str) -> Option<NodeRef> {
        let node = self.tree.value(parent, key)?;
        match self.tree.shape(node) {
            Shape::Mapping(_) => Some(node),
            _ => self.mapping(node, &format!("`{key}`")).map(|_| node),
        }
    }

    /// The text under `key`; says so if there is something else.
    pub(super) fn get_text(&mut self, parent: NodeRef, key: &str) -> Option<String> {
        let node = self.tree.value(parent, key)?;
        match self.tree.shape(node) {
            Shape::Text(text) => Some(text.to_owned()),
            _ => self.text(node, &format!("`{key}`")).map(str::to_owned),
        }
    }

    /// The text under `key`, which stays as it is; says so if there is something else, or an expression in it.
    pub(super) fn get_plain(&mut self, parent: NodeRef, key: &str) -> Option<String> {
        let text = self.get_text(parent, key)?;
        let node = self.tree.value(parent, key)?;
        self.is_plain(node, &format!("`{key}`"), &text).then_some(text)
    }

    /// Whether a text holds no expression; says so where it does.
    pub(super) fn is_plain(&mut self, node: NodeRef, what: &str, text: &str) -> bool {
        let plain = !text.contains("${{");
        if !plain {
            self.push(
                Diagnostic::error(codes::BAD_VALUE, format!("{what} cannot hold an expression"))
                    .at(self.tree.span(node), "`${{ … }}` would stay here as it is written")
                    .help(
                        "expressions stand in what a program gets: its arguments, `env`, `stdin` and `cwd`",
                    ),
            );
        }
        plain
    }

    /// Says what becomes of every key of a mapping that is not simply read or kept.
    pub(super) fn check_keys(&mut self, mapping: NodeRef, table: &Table) {
        let Shape::Mapping(entries) = self.tree.shape(mapping) else { return };
        let mut meaningless = Vec::new();
        for entry in entries {
            match self.tree.scalar(entry.key).and_then(|key| table.standing(key)) {
                Some(Standing::Meaningless) => meaningless.push(entry.key),
                Some(Standing::Always) if self.tree.shape(entry.value) == Shape::Bool(false) => {
                    meaningless.push(entry.key);
                }
                _ => self.check_key(mapping, *entry, table),
            }
        }
        self.say_meaningless(&meaningless);
    }

    /// One remark on all keys of a mapping that mean nothing here.
    fn say_meaningless(&mut self, keys: &[NodeRef]) {
        if keys.is_empty() {
            return;
        }
        let names: Vec<String> =
            keys.iter().filter_map(|&key| Some(format!("`{}`", self.tree.scalar(key)?))).collect();
        let verbs = if keys.len() == 1 { ["means", "changes"] } else { ["mean", "change"] };
        let message = format!("{} {} nothing to onex and {} nothing", names.join(", "), verbs[0], verbs[1]);
        let finding = Diagnostic::new(Severity::Info, codes::MEANINGLESS_RULE, message);
        self.push(keys.iter().fold(finding, |finding, &key| finding.at(self.tree.span(key), "")));
    }

    /// Checks the value of a key that is not carried out yet, as far as its form is known.
    fn check_later(&mut self, value: NodeRef, key: &Key) {
        let what = format!("`{}`", key.name);
        match key.form {
            Form::Bool => _ = self.bool(value, &what),
            Form::Object => _ = self.mapping(value, &what),
            Form::Word(allowed) if !self.tree.scalar(value).is_some_and(|word| words::has(allowed, word)) => {
                self.bad_value(value, &what, allowed);
            }
            _ => {}
        }
    }

    /// The entry of a node as it would stand in `step_config`, where that is simple: it is alone, and on one line.
    fn in_step_config(&self, mapping: NodeRef, entry: Entry, table: &Table) -> Option<String> {
        let Shape::Mapping(entries) = self.tree.shape(mapping) else { return None };
        let misplaced = |e: &&Entry| {
            let standing = self.tree.scalar(e.key).and_then(|key| table.standing(key));
            matches!(standing, Some(Standing::Elsewhere(_)))
        };
        if self.tree.get(mapping, "step_config").is_some() || entries.iter().filter(misplaced).count() > 1 {
            return None;
        }
        let key = self.tree.scalar(entry.key)?;
        let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/');
        let value = match self.tree.shape(entry.value) {
            Shape::Text(text) if text.starts_with(char::is_alphabetic) && text.chars().all(plain) => {
                text.to_owned()
            }
            _ => self.tree.to_json(entry.value).to_string(),
        };
        Some(format!("step_config: {{{key}: {value}}}"))
    }

    /// Whether a value stands in the place of a mapping and switches off what that would say.
    pub(super) fn is_switched_off(&self, node: NodeRef) -> bool {
        self.is_off(node) && !matches!(self.tree.shape(node), Shape::Mapping(_))
    }

    /// Whether a value switches off what it stands for: then it asks for nothing.
    pub(super) fn is_off(&self, node: NodeRef) -> bool {
        match self.tree.shape(node) {
            Shape::Null | Shape::Bool(false) | Shape::Int(0) => true,
            Shape::Mapping(_) => {
                self.tree.get(node, "enabled").is_some_and(|e| self.tree.shape(e) == Shape::Bool(false))
            }
            _ => false,
        }
    }

    fn check_key(&mut self, mapping: NodeRef, entry: Entry, table: &Table) {
        let span = self.tree.span(entry.key);
        let Some(key) = self.tree.scalar(entry.key) else {
            self.wrong_type(entry.key, "a key", "text");
            return;
        };
        let standing = table.standing(key);
        if matches!(standing, Some(Standing::Read | Standing::Kept)) {
            return;
        }
        // `parallel: true` on a task of `spec/004` is a hint, `parallel: […]` an action.
        let hint = key == "parallel" && matches!(self.tree.shape(entry.value), Shape::Bool(_));
        let shape = self.tree.shape(entry.value);
        match standing {
            Some(Standing::Read | Standing::Kept | Standing::Meaningless | Standing::Always) => {}
            Some(Standing::Later | Standing::LaterEvenOff) if hint || shape == Shape::Null => {}
            Some(Standing::Later) if shape == Shape::Bool(false) => {}
            // What an action would be given is nothing without one, which is said of the node.
            Some(Standing::Later | Standing::LaterEvenOff)
                if keys::LATER_ARGUMENTS.iter().any(|argument| argument.name == key)
                    && !keys::actions().any(|action| self.tree.get(mapping, action.name).is_some()) => {}
            Some(Standing::Later | Standing::LaterEvenOff) => {
                self.later(entry.key, &format!("`{key}`"));
                if let Some(key) = table.key(key) {
                    self.check_later(entry.value, key);
                }
            }
            Some(Standing::Elsewhere(place)) => {
                self.graph_elsewhere |= GRAPH_KEYS.contains(&key);
                let message = format!("`{key}` has no effect in {}", table.place);
                let finding = Diagnostic::error(codes::MISPLACED_KEY, message)
                    .at(span, "misplaced")
                    .help(format!("it belongs in {place}"));
                let value = self.tree.span(entry.value);
                let corrected = (place == "`step_config`" && value.source == span.source)
                    .then(|| self.in_step_config(mapping, entry, table))
                    .flatten();
                self.push(match corrected {
                    Some(text) => finding.fixed_by(Span { end: value.end, ..span }, text),
                    None => finding,
                });
            }
            None => {
                let meant = table.habit(key).or_else(|| nearest(key, table.candidates()));
                let severity =
                    if table.strict && meant.is_some() { Severity::Error } else { Severity::Warning };
                self.graph_elsewhere |=
                    severity == Severity::Error && meant.is_some_and(|key| GRAPH_KEYS.contains(&key));
                let meant = meant.or_else(|| nearest(key, table.descriptions()));
                self.push(
                    Diagnostic::new(
                        severity,
                        codes::UNKNOWN_KEY,
                        format!("{} has no key `{key}`", table.place),
                    )
                    .at(
                        span,
                        if severity == Severity::Error { "unknown key" } else { "unknown key, ignored" },
                    )
                    .did_you_mean(meant),
                );
            }
        }
    }
}
