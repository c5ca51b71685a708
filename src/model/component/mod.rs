//! Components: what a stage or a `uses:` node runs, as its metadata says it.

mod lifecycle;
mod listing;
mod query;
mod reference;
#[cfg(test)]
mod tests;

pub use lifecycle::{Deprecation, Lifecycle};
pub use listing::{ComponentInfo, Counts, EntryInfo, Listing, RegistryListing};
pub use query::{ComponentQuery, FilterKey, QueryError, Refusal, Unmatched};
pub use reference::{Reference, Version};

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::output::Digest;
use super::sandbox::Sandbox;
use crate::diag::Span;

/// The stages that there are: a tag of such a name puts a component into the stage.
pub const STAGES: [&str; 5] = ["pre-commit", "ci", "test", "pipeline", "registry"];

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The metadata of something that runs.
    #[default]
    Component,
    /// A contract that declares a workflow.
    Workflow,
    /// The contract of another kind of node: an effect, a computation, a reducer.
    Node,
    /// A text for people that carries metadata. It is listed, and never run.
    Document,
}

impl Kind {
    /// The kind as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Workflow => "workflow",
            Self::Node => "node",
            Self::Document => "document",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the metadata is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A file of the name `contract.yaml`.
    #[default]
    Contract,
    /// A file whose name ends in `.onex.yaml`.
    File,
    /// A block of comments in another file.
    Block,
}

/// Who carries an entry point out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A program with its arguments, without a shell.
    Command,
    /// A file by the interpreter for Python, with its arguments.
    Python,
    /// A file by its own interpreter, with its arguments.
    Script,
    /// A request to a URL.
    Http,
    /// A task for an agent.
    Agent,
}

impl EntryKind {
    /// Every kind with its name.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("command", Self::Command),
        ("python", Self::Python),
        ("script", Self::Script),
        ("http", Self::Http),
        ("agent", Self::Agent),
    ];

    /// The kind as one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// What is run: its kind and the words that belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrypoint {
    /// Who carries it out.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// A program, a file or a URL, and its arguments; never empty.
    pub target: Vec<String>,
}

/// A component that another one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// What is needed.
    pub on: Reference,
    /// Where that is said.
    pub span: Span,
}

/// Where a component is declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file, relative to the project root.
    pub path: PathBuf,
    /// How it is written there.
    pub form: Form,
    /// The digest of the whole file.
    pub digest: Option<Digest>,
    /// Whether `onex.registry.yaml` has it.
    pub registered: bool,
}

/// What is known of one component. Plain values; [`Component::span_of`] tells where each is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Component {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What tells it from others of its name.
    pub namespace: Option<String>,
    /// Its version; `0.0.0` stands for one that does not say.
    pub version: Option<Version>,
    /// `validator`, `tool`, `test`, `agent`, `plan`, or any other word, in lower case.
    pub meta_type: String,
    /// How far it is in its life.
    pub lifecycle: Lifecycle,
    /// A second word about that, where there is one.
    pub status: Option<String>,
    /// Words to select by.
    pub tags: Vec<String>,
    /// The stages that it names; [`Component::stages`] adds those that its tags name.
    pub declared_stages: Vec<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Whether it may be repeated, where that is said.
    pub idempotent: Option<bool>,
    /// What is run.
    pub entrypoint: Option<Entrypoint>,
    /// Globs of the files that it gets as arguments. Without them it runs once, without files.
    pub files: Option<Vec<String>>,
    /// Types of files, such as `python` or `text`, all of which a file must have.
    pub types: Vec<String>,
    /// Types of files of which a file must have one.
    pub types_or: Vec<String>,
    /// Types of files of which a file must have none.
    pub exclude_types: Vec<String>,
    /// Globs of files that it does not get.
    pub exclude: Vec<String>,
    /// Whether it gets its files as arguments, or they only decide whether it runs; it does where nothing is said.
    pub pass_filenames: Option<bool>,
    /// Whether it runs where there are no files for it, too.
    pub always_run: bool,
    /// Its turn among those that cannot run at the same time: lower runs first.
    pub priority: i64,
    /// Globs of what it reads.
    pub reads: Vec<String>,
    /// Globs of what it writes.
    pub writes: Vec<String>,
    /// Variables that it gets.
    pub env: Vec<(String, String)>,
    /// The time for one attempt.
    pub timeout: Option<Duration>,
    /// What it may touch of the machine; anything where it does not say.
    pub sandbox: Option<Sandbox>,
    /// What it can do, for those who select by that.
    pub capabilities: Vec<String>,
    /// The components that it needs.
    pub dependencies: Vec<Dependency>,
    /// What is to be known where it is deprecated.
    pub deprecation: Deprecation,
    /// Every other key, as it is written: `uuid`, `hash`, `metadata_version`, `protocol_version` and so on.
    pub other: Map<String, Value>,
    /// Where it is declared.
    pub origin: Origin,
    /// Where each key stands.
    pub spans: BTreeMap<&'static str, Span>,
    /// Where the metadata begins.
    pub span: Span,
}

impl Component {
    /// The place of the value under a key, or of the whole where the key is not given.
    #[must_use]
    pub fn span_of(&self, key: &str) -> Span {
        self.spans.get(key).copied().unwrap_or(self.span)
    }

    /// The name with its namespace.
    #[must_use]
    pub fn qualified_name(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// `namespace.name@version`: what tells it from all others.
    #[must_use]
    pub fn full_name(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.qualified_name()),
            None => self.qualified_name(),
        }
    }

    /// Whether this is a name of it, with or without its namespace.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        if self.name == name {
            return true;
        }
        let rest = self.namespace.as_deref().and_then(|namespace| name.strip_prefix(namespace));
        rest.and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| rest == self.name)
    }

    /// The stages that it belongs to: those that it names, and those of its tags.
    #[must_use]
    pub fn stages(&self) -> Vec<&str> {
        let tags = self.tags.iter().filter(|tag| STAGES.contains(&tag.as_str()));
        let mut stages: Vec<&str> = Vec::new();
        for stage in self.declared_stages.iter().chain(tags) {
            if !stages.contains(&stage.as_str()) {
                stages.push(stage);
            }
        }
        stages
    }

    /// Whether there is something to run.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        match self.kind {
            Kind::Workflow => true,
            Kind::Component | Kind::Node => self.entrypoint.is_some(),
            Kind::Document => false,
        }
    }

    /// The file that its entry point names, relative to the project root: that of a script, of Python, or of a program
    /// with a slash in its name. Such names are relative to the folder of the file that declares the component.
    #[must_use]
    pub fn entry_file(&self) -> Option<PathBuf> {
        let entrypoint = self.entrypoint.as_ref()?;
        let target = entrypoint.target.first()?;
        let is_file = match entrypoint.kind {
            EntryKind::Python => {
                target.contains('/') || Path::new(target).extension().is_some_and(|e| e == "py")
            }
            EntryKind::Script => true,
            EntryKind::Command => target.contains('/'),
            EntryKind::Http | EntryKind::Agent => false,
        };
        is_file.then(|| self.origin.path.parent().unwrap_or(Path::new("")).join(target))
    }

    /// What orders components: name, namespace, then version, the highest last.
    #[must_use]
    pub fn sort_key(&self) -> (&str, Option<&str>, Option<&Version>, &Path) {
        (&self.name, self.namespace.as_deref(), self.version.as_ref(), &self.origin.path)
    }
}
