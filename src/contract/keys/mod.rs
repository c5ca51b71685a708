//! Which keys stand where, what becomes of each, and what may stand under it. Keys from contracts in the wild are known
//! here, too. The parser looks keys up in these tables, and `schema` turns them into a JSON Schema: there is no second
//! list.

mod actions;
mod documents;
mod form;
mod nodes;
mod rules;
mod sandbox;
pub(super) mod words;

pub(super) use actions::{FALLBACK, LATER_ARGUMENTS, STEP_CONFIG, action, actions};
pub(super) use documents::{
    COORDINATION, EDGE, EXECUTION_GRAPH, INPUT, METADATA, ONEX_DOCUMENT, VERSION, WORKFLOW,
    WORKFLOW_COORDINATION, WORKFLOW_DEFINITION, WORKFLOW_DOCUMENT, WORKFLOW_METADATA,
};
pub(super) use form::{Form, Names};
pub(super) use nodes::{DEPENDENCY, ONEX_NODE, RETRY, TASK};
pub(super) use rules::{
    BUDGET, CIRCUIT_BREAKER, ERROR_HANDLING, RESOURCE_CONSTRAINTS, RESOURCES, RETRY_POLICY, RULES,
};
pub(super) use sandbox::{SANDBOX, SANDBOX_PATHS};

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is read and carried out.
    Read,
    /// It describes; nothing has to be done.
    Kept,
    /// It is part of the language, but this version does not carry it out yet. Switched off, it asks for nothing.
    Later,
    /// The same, and its `false` asks for something: `when: false` asks that the node does not run.
    LaterEvenOff,
    /// It asks for something that has no meaning here.
    Meaningless,
    /// It asks for what always holds; only its `false` asks for something else, which has no meaning here.
    Always,
    /// It belongs elsewhere.
    Elsewhere(&'static str),
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub standing: Standing,
    /// What may stand under it. Nothing always may: a key without a value is a key that is not there.
    pub form: Form,
    /// What it means, in a sentence or two; editors show it.
    pub about: &'static str,
    /// What holds where it is not there, as JSON.
    pub default: Option<&'static str>,
}

impl Key {
    /// A key that is read and carried out.
    const fn of(name: &'static str, form: Form, about: &'static str) -> Self {
        Self { name, standing: Standing::Read, form, about, default: None }
    }

    /// A key that describes.
    const fn kept(name: &'static str, about: &'static str) -> Self {
        Self { standing: Standing::Kept, ..Self::of(name, Form::Any, about) }
    }

    /// A key that this version does not carry out yet. `false` asks for nothing.
    const fn later(name: &'static str, about: &'static str) -> Self {
        Self { standing: Standing::Later, ..Self::of(name, Form::Any, about) }
    }

    /// The same, where `false` asks for something, too.
    const fn later_even_off(name: &'static str, about: &'static str) -> Self {
        Self { standing: Standing::LaterEvenOff, ..Self::of(name, Form::Any, about) }
    }

    /// The same key, whose value has a form that is checked already.
    const fn taking(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// A key that has no meaning here.
    const fn meaningless(name: &'static str, about: &'static str) -> Self {
        Self { standing: Standing::Meaningless, ..Self::of(name, Form::Any, about) }
    }

    /// A key that asks for what always holds.
    const fn always(name: &'static str, about: &'static str) -> Self {
        Self { standing: Standing::Always, ..Self::of(name, Form::Any, about) }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }
}

/// The keys of one mapping.
#[derive(Debug)]
pub(super) struct Table {
    /// What the mapping is called in the JSON Schema.
    pub name: &'static str,
    /// What the mapping is, for messages.
    pub place: &'static str,
    /// Whether an unknown key that resembles a known one is an error; otherwise all unknown keys are warnings.
    pub strict: bool,
    /// Whether the JSON Schema refuses unknown keys. It does not where contracts in the wild have keys that `onex` warns
    /// of and runs without.
    pub closed: bool,
    /// In groups, which tables share.
    pub keys: &'static [&'static [Key]],
    /// Keys that belong elsewhere, with where.
    pub elsewhere: &'static [(&'static [&'static [Key]], &'static str)],
    /// Keys of which at least one is there; the first is suggested.
    pub required: &'static [&'static [&'static str]],
    /// Keys that say the same thing, so that only one of them may be there.
    pub rivals: &'static [(&'static str, &'static str)],
}

/// Names of keys that other tools use for one of ours.
const HABITS: [(&str, &[&str]); 11] = [
    ("depends_on", &["needs", "depends", "require", "requires", "after", "deps", "upstream"]),
    ("run", &["command", "cmd", "commands", "exec"]),
    ("env", &["environment", "vars", "variables"]),
    ("cwd", &["working_directory", "working-directory", "workdir", "dir", "directory"]),
    ("retry", &["retries", "max_attempts"]),
    ("tasks", &["steps", "jobs", "nodes"]),
    ("nodes", &["steps", "jobs", "tasks"]),
    ("rules", &["coordination_rules"]),
    ("from_node", &["from", "source"]),
    ("to_node", &["to", "target"]),
    ("error_action", &["on_error", "on_failure", "continue_on_error"]),
];

impl Table {
    const fn of(name: &'static str, place: &'static str, keys: &'static [&'static [Key]]) -> Self {
        Self { name, place, strict: true, closed: true, keys, elsewhere: &[], required: &[], rivals: &[] }
    }

    /// All keys that stand here, whatever becomes of them.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().copied().flatten()
    }

    pub(super) fn key(&self, key: &str) -> Option<&'static Key> {
        self.keys().find(|known| known.name == key)
    }

    pub(super) fn standing(&self, key: &str) -> Option<Standing> {
        let here = self.key(key).map(|known| known.standing);
        here.or_else(|| {
            self.misplaced().find(|(name, _)| *name == key).map(|(_, at)| Standing::Elsewhere(at))
        })
    }

    /// Keys that belong elsewhere, with where.
    pub(super) fn misplaced(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let named = |&(groups, place): &(&'static [&'static [Key]], &'static str)| {
            groups.iter().copied().flatten().map(move |key| (key.name, place))
        };
        self.elsewhere.iter().flat_map(named)
    }

    /// The key that other tools call by this name.
    pub(super) fn habit(&self, key: &str) -> Option<&'static str> {
        self.habits().find(|(name, _)| *name == key).map(|(_, meant)| meant)
    }

    /// Names that other tools have for keys of this table, with the key.
    pub(super) fn habits(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let meant_here = |meant: &str| self.read().any(|name| name == meant);
        let habits = HABITS.iter().filter(move |(meant, _)| meant_here(meant));
        habits.flat_map(|(meant, names)| names.iter().map(move |name| (*name, *meant)))
    }

    /// The keys that may have been meant by an unknown one.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &'static str> {
        let later =
            self.keys().filter(|key| matches!(key.standing, Standing::Later | Standing::LaterEvenOff));
        self.read().chain(later.map(|key| key.name))
    }

    /// The keys that describe, one of which may have been meant as well.
    pub(super) fn descriptions(&self) -> impl Iterator<Item = &'static str> {
        let describes =
            |key: &&Key| matches!(key.standing, Standing::Kept | Standing::Meaningless | Standing::Always);
        self.keys().filter(describes).map(|key| key.name)
    }

    fn read(&self) -> impl Iterator<Item = &'static str> {
        self.keys().filter(|key| key.standing == Standing::Read).map(|key| key.name)
    }
}
