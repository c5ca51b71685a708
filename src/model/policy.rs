//! What an organisation, a user or a project lets run: the specification's `ExecutionPolicy`, and what it is held
//! against.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::output::Digest;
use super::report::DiagnosticInfo;
use super::sandbox::Sandbox;
use crate::base::NodeId;
use crate::diag::Span;

/// One rule about what may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionPolicy {
    /// Its name, for those who are told of it.
    pub name: String,
    /// What it is about.
    pub scope: Scope,
    /// Whether a breach keeps the run from its start.
    pub enforcement_level: EnforcementLevel,
    /// What it asks for; its variant is the type of the policy.
    pub payload: Payload,
    /// Where it is written down; nothing for what was asked for on the command line.
    pub origin: Option<Span>,
}

/// Whether a breach keeps the run from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum EnforcementLevel {
    /// It is told of, and the run goes on.
    Soft,
    /// Nothing runs.
    #[default]
    Strict,
}

impl EnforcementLevel {
    /// Every level with its name.
    pub const NAMES: [(&'static str, Self); 2] = [("soft", Self::Soft), ("strict", Self::Strict)];
}

/// What a policy asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Contracts and components are pinned in a file of trust.
    Trust,
    /// Programs that nodes name.
    Program(Patterns),
    /// Variables that contracts set, or inherit by their names.
    Environment(Patterns),
    /// The lifecycles of what runs.
    Lifecycle(Vec<String>),
    /// What a run may ask for.
    Limit(Limits),
    /// The files of contracts and components.
    Contract(Patterns),
    /// How confined nodes are.
    Sandbox(Confinement),
}

impl Payload {
    /// The type of the policy.
    #[must_use]
    pub const fn policy_type(&self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Program(_) => "program",
            Self::Environment(_) => "environment",
            Self::Lifecycle(_) => "lifecycle",
            Self::Limit(_) => "limit",
            Self::Contract(_) => "contract",
            Self::Sandbox(_) => "sandbox",
        }
    }
}

/// What is allowed, and what is not: where both are given, both hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Nothing else is allowed, where this is given.
    pub allow: Option<Vec<Pattern>>,
    /// None of these is allowed.
    pub deny: Vec<Pattern>,
}

/// The most that a run may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The time for the whole run.
    pub timeout: Option<Duration>,
    /// Nodes at once.
    pub jobs: Option<usize>,
    /// Nodes altogether.
    pub nodes: Option<usize>,
    /// Attempts of one node.
    pub attempts: Option<u32>,
}

/// How confined nodes must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// The sandbox that is at least asked for.
    pub least: Sandbox,
    /// Whether nodes that ask for less get it.
    pub impose: bool,
}

/// What a policy is about. All that is given must hold; what is not given holds for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Names of stages.
    pub stage: Vec<String>,
    /// Files of contracts and components.
    pub contract: Vec<Pattern>,
    /// Ids of nodes.
    pub node: Vec<Pattern>,
    /// Kinds of nodes.
    pub kind: Vec<String>,
}

/// A pattern of names: `*` stands for any text without a slash, `**` for any text.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("an empty pattern matches nothing".to_owned());
        }
        if text.trim() != text {
            return Err("a pattern with a blank at its end matches nothing".to_owned());
        }
        // A path has one spelling here, and that one is matched.
        let plain = text.strip_prefix("./").unwrap_or(text);
        if plain.split('/').any(|part| part == "..") {
            return Err("a pattern with `..` matches nothing".to_owned());
        }
        let glob = GlobBuilder::new(plain).literal_separator(true).backslash_escape(true).build();
        let matcher = glob.map_err(|error| error.kind().to_string())?.compile_matcher();
        Ok(Self { text: text.to_owned(), matcher })
    }

    /// The pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is about paths, and not about names.
    #[must_use]
    pub fn is_path(&self) -> bool {
        self.text.contains('/')
    }

    /// Whether it matches a text.
    #[must_use]
    pub fn matches(&self, text: impl AsRef<Path>) -> bool {
        self.matcher.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a node starts, as far as its contract says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Starts {
    /// The programs, in the order in which one starts the other.
    pub programs: Vec<StartedProgram>,
    /// Variables that are set on the way: `env NAME=VALUE program`.
    pub variables: Vec<String>,
    /// A program whose arguments do not tell what it starts, and why.
    pub unclear: Option<String>,
}

/// A program, as it is named and as it is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartedProgram {
    /// Its name as the contract has it.
    pub written: String,
    /// The file that this means, from the top, without `.` and `..`; nothing where there is none.
    pub found: Option<ProgramFile>,
    /// The same without symbolic links.
    pub real: Option<ProgramFile>,
    /// Why it is looked at.
    pub role: Role,
}

/// The file of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramFile {
    /// Its path, from the top.
    pub path: PathBuf,
    /// Whether it is in a folder that `onex` itself looks for programs in, so that its name says what it is.
    pub is_installed: bool,
}

/// Why a program is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// It is started: it needs to be allowed, where only some programs are.
    #[default]
    Started,
    /// A program that was started, and needs to be allowed, runs it: it must not be denied.
    Within,
}

/// A file as it was, or is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The file, from the top.
    pub path: PathBuf,
    /// The digest of its content; nothing where it cannot be read.
    pub digest: Option<Digest>,
}

/// A contract or component that somebody trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Its own file, from the top, without symbolic links.
    pub path: PathBuf,
    /// The project root that it was trusted for.
    pub root: PathBuf,
    /// All its files as they were, its own among them.
    pub files: Vec<Pin>,
}

/// What became of trust, or what is trusted: the document of `onex trust`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrustListing {
    /// What is trusted: all of it for `--list`, otherwise what is new.
    pub trusted: Vec<TrustInfo>,
    /// What is trusted no longer.
    pub removed: Vec<TrustInfo>,
    /// Why nothing was done.
    pub error: Option<String>,
    /// What was found that keeps something from being trusted.
    pub diagnostics: Vec<DiagnosticInfo>,
}

/// One thing that is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustInfo {
    /// The contract's or component's own file.
    pub path: String,
    /// The project root that it is trusted for.
    pub root: String,
    /// The file that says so.
    pub trust_file: String,
    /// Whether all its files are still as they were.
    pub unchanged: bool,
    /// Its files with their digests.
    pub files: BTreeMap<String, Option<Digest>>,
}

/// A breach of a policy, as events and reports have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyViolation {
    /// The name of the policy.
    pub policy: String,
    /// Its type.
    pub policy_type: String,
    /// Whether it kept the run from its start.
    pub enforcement_level: EnforcementLevel,
    /// The nodes that break it; none where the run as a whole does.
    pub node_ids: Vec<NodeId>,
    /// What is said of it.
    pub finding: DiagnosticInfo,
}
