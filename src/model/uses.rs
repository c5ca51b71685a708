//! A node that runs a component: what its contract says of that, and what became of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::component::Reference;
use super::output::OutputFormat;
use super::workflow::{InheritEnv, NodeKind, NodeSpec, Resources, Stdin};
use crate::diag::Span;

/// What begins the name of every variable that holds an argument.
pub const VARIABLE: &str = "ONEX_INPUT_";

/// The argument that names the files for a component that takes files.
pub const FILES: &str = "files";

/// A component that a node runs: `uses: name@range` with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Uses {
    /// The component, as it is named.
    pub reference: Reference,
    /// Where it is named.
    pub span: Span,
    /// Whether it may be one of another runtime, which is not here: `effect_node`.
    pub may_be_elsewhere: bool,
    /// Its arguments, by name.
    pub with: Map<String, Value>,
    /// What the node says of the program.
    pub surroundings: Surroundings,
    /// What the program may take of the machine.
    pub resources: Resources,
    /// Whether the node says its kind.
    pub says_kind: bool,
    /// Whether the node says its timeout.
    pub says_timeout: bool,
    /// The full name of the component, once it is known.
    pub component: Option<String>,
    /// The files that it gets, as places in the list of all; nothing where it gets none, whatever there is.
    pub given: Option<Vec<usize>>,
    /// Whether there is something for it to do: a file, where it takes files.
    pub wanted: bool,
}

/// What a program gets beside its arguments, and what becomes of what it prints; each where it is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// How its output becomes a value.
    pub output: Option<OutputFormat>,
    /// The working directory.
    pub cwd: Option<String>,
    /// Variables added to the environment.
    pub env: BTreeMap<String, String>,
    /// Which variables of `onex` it gets.
    pub inherit_env: Option<InheritEnv>,
    /// What it reads.
    pub stdin: Option<Stdin>,
}

impl Uses {
    /// The component with its version where it is known, otherwise as it is named.
    #[must_use]
    pub fn shown(&self) -> String {
        self.component.clone().unwrap_or_else(|| self.reference.to_string())
    }

    /// The arguments as variables: text as it is, nothing as nothing, everything else as JSON.
    pub fn variables(&self) -> impl Iterator<Item = (String, String)> {
        self.with.iter().map(|(name, value)| (variable(name), as_text(value)))
    }
}

/// The variable that holds an argument: upper case, and `_` for what no variable can be named with.
#[must_use]
pub fn variable(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    VARIABLE.chars().chain(name.chars().map(plain)).collect()
}

/// An argument as a program reads it in a variable.
#[must_use]
pub fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl NodeSpec {
    /// Whether there is something for it to do: there is not where it runs a component for files and has none.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.uses.as_ref().is_none_or(|uses| uses.wanted)
    }

    /// Whether it guards a door: then it is never left out because it was slow or down before.
    #[must_use]
    pub fn guards(&self) -> bool {
        let is_guard = |tag: &String| ["required", "security"].iter().any(|w| tag.eq_ignore_ascii_case(w));
        self.kind == NodeKind::Validator && self.tags.iter().any(is_guard)
    }
}
