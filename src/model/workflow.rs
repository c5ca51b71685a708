//! A contract after it was read and checked: complete, with defaults filled in and ids resolved to indexes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::inherit_env::InheritEnv;
pub use super::input::{InputSpec, InputType};
pub use super::node_kind::NodeKind;
use super::output::OutputFormat;
pub use super::resources::Resources;
use super::sandbox::Sandbox;
use super::uses::Uses;
pub use super::{rule_places::RulePlaces, worst_case::DEFAULT_TIMEOUT};
use crate::base::NodeId;
use crate::diag::Span;

/// The order among nodes of equal rank where nobody says otherwise; lower first.
pub const DEFAULT_PRIORITY: u32 = 100;

/// What a contract asks for.
#[derive(Clone, Debug, Default)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// Its version, as it is written.
    pub version: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its nodes in the order of their declaration.
    pub nodes: Vec<NodeSpec>,
    /// What holds for all of them.
    pub rules: Rules,
    /// What it wants to be told.
    pub inputs: Vec<InputSpec>,
    /// Where rules stand that findings about nodes speak of.
    pub places: RulePlaces,
}

/// What holds for a whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Whether several nodes may run at once, where the contract says so.
    pub parallel: Option<bool>,
    /// The most nodes that may run at once.
    pub max_parallel: Option<usize>,
    /// Whether the nodes of one parallel group end before the next group begins.
    pub batch: bool,
    /// Whether the run goes on after a node failed.
    pub keep_going: bool,
    /// The longest that the run may take.
    pub timeout: Option<Duration>,
    /// Whether a run in which nodes failed may still count as done in part, and from which share of its nodes on.
    pub partial: Option<Partial>,
    /// Named limits on how many nodes run at once.
    pub groups: Vec<GroupSpec>,
    /// What the run may use up.
    pub budget: Budget,
}

/// When a run with failures is done in part: `allow_partial_completion`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Partial {
    /// The least share of nodes that must be done, in percent.
    pub min_completed_percent: f64,
}

/// A named limit on how many nodes run at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    /// Its name.
    pub name: String,
    /// The most of its nodes at once; at least 1.
    pub limit: usize,
}

/// What a run may use up; nothing where there is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Nodes that are started.
    pub max_steps: Option<u64>,
    /// Attempts of all nodes together.
    pub max_attempts: Option<u64>,
    /// Time from the start of the run.
    pub time: Option<Duration>,
    /// Bytes that all nodes print.
    pub output: Option<u64>,
}

/// One node.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its id.
    pub id: NodeId,
    /// Where its id stands.
    pub span: Span,
    /// What kind of node it is.
    pub kind: NodeKind,
    /// What it is for.
    pub description: Option<String>,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// Whether it takes part.
    pub enabled: bool,
    /// What must have ended before it starts.
    pub depends_on: Vec<Dependency>,
    /// Whether it may be repeated, where the contract says so.
    pub idempotent: Option<bool>,
    /// When it is repeated.
    pub retry: RetrySpec,
    /// The longest that one attempt may take.
    pub timeout: Duration,
    /// Whether the contract says so, and not a default.
    pub says_timeout: bool,
    /// The longest that all attempts with their delays may take.
    pub total_timeout: Option<Duration>,
    /// The node that stands in when this one fails, by its index.
    pub fallback: Option<usize>,
    /// When its attempts are held back because earlier ones failed.
    pub breaker: Option<Box<BreakerSpec>>,
    /// The group whose limit counts it, by its index in [`Rules::groups`].
    pub group: Option<usize>,
    /// Whether the run stops when it fails, where the node itself says so.
    pub error_action: Option<ErrorAction>,
    /// Its place among nodes that are ready at the same time; lower first.
    pub priority: u32,
    /// What its program may touch of the machine; anything where the contract does not say.
    pub sandbox: Option<Box<Sandbox>>,
    /// What it does; nothing where the contract does not say, or this version does not carry it out.
    pub action: Option<Action>,
    /// The key that declares its action.
    pub action_key: Option<&'static str>,
    /// The component that it runs.
    pub uses: Option<Box<Uses>>,
}

impl NodeSpec {
    /// A node of which nothing is said but its id.
    #[must_use]
    pub fn new(id: NodeId) -> Self {
        Self::at(id, Span::default())
    }

    /// The same, with the place of its id.
    #[must_use]
    pub fn at(id: NodeId, span: Span) -> Self {
        Self {
            id,
            span,
            kind: NodeKind::default(),
            description: None,
            tags: Vec::new(),
            enabled: true,
            depends_on: Vec::new(),
            idempotent: None,
            retry: RetrySpec::default(),
            timeout: DEFAULT_TIMEOUT,
            says_timeout: false,
            total_timeout: None,
            fallback: None,
            breaker: None,
            group: None,
            error_action: None,
            priority: DEFAULT_PRIORITY,
            sandbox: None,
            action: None,
            action_key: None,
            uses: None,
        }
    }

    /// Whether nothing else may run beside it: it has the terminal.
    #[must_use]
    pub fn runs_alone(&self) -> bool {
        matches!(&self.action, Some(Action::Command(command)) if command.stdin == Stdin::Inherit)
    }
}

/// One edge, seen from the node that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The index of the node that is waited for.
    pub node: usize,
    /// How it must end.
    pub on: EdgeCondition,
    /// Where the edge is declared.
    pub span: Span,
}

/// How a dependency must end for its dependent to start.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EdgeCondition {
    /// It completed.
    #[default]
    Success,
    /// It failed.
    Failure,
    /// It ran to an end of either kind.
    Finished,
    /// It failed, and its dependent stands in for it.
    #[serde(skip)]
    Fallback,
}

/// What a failed node does to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorAction {
    /// Nothing more is started.
    Stop,
    /// What does not depend on it still runs.
    Continue,
}

/// When a node is repeated: `execution.md`, "Two tiers".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetrySpec {
    /// Attempts in quick succession, with back-off between them.
    pub inner: Option<Box<Backoff>>,
    /// Whether the inner tier is the node's own and not inherited.
    pub own: bool,
    /// Repetitions of the inner tier.
    pub outer: OuterRetry,
}

impl RetrySpec {
    /// The most attempts that this allows, whatever the failures are.
    #[must_use]
    pub fn max_attempts(&self) -> u32 {
        let inner = self.inner.as_ref().map_or(1, |inner| inner.max_attempts);
        inner.saturating_mul(self.outer.max_retries.saturating_add(1))
    }
}

/// Attempts with growing delays between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    /// The most attempts, the first included.
    pub max_attempts: u32,
    /// The delay after the first attempt.
    pub initial_delay: Duration,
    /// The longest delay.
    pub max_delay: Duration,
    /// What each delay is multiplied with to give the next.
    pub exponential_base: f64,
    /// How chance changes the delays.
    pub jitter: Jitter,
    /// Which failures are repeated.
    pub retry_on: Vec<RetryOn>,
}

impl Default for Backoff {
    /// The defaults of `RetryPolicy` in `spec/002`.
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(60),
            exponential_base: 2.0,
            jitter: Jitter::None,
            retry_on: vec![RetryOn::Any],
        }
    }
}

/// How chance changes a delay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Jitter {
    /// Not at all.
    #[default]
    None,
    /// Anything from nothing to the whole delay.
    Full,
}

/// A failure that is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RetryOn {
    /// Every failure.
    Any,
    /// A timeout.
    Timeout,
    /// An end by a signal.
    Signal,
    /// A program that could not be started.
    Spawn,
    /// A connection that could not be made.
    Connect,
    /// An exit code.
    Exit(i32),
    /// A kind of error by its name.
    Kind(String),
}

/// Repetitions of a whole node: `coordination_rules.max_retries`.
#[derive(Clone, Debug, PartialEq)]
pub struct OuterRetry {
    /// The most repetitions.
    pub max_retries: u32,
    /// The delay before the first repetition.
    pub delay: Duration,
    /// What each delay is multiplied with to give the next.
    pub multiplier: f64,
}

impl Default for OuterRetry {
    fn default() -> Self {
        Self { max_retries: 0, delay: Duration::ZERO, multiplier: 1.0 }
    }
}

/// When attempts are held back: `execution.md`, "Circuit breaker".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerSpec {
    /// Failures in a row that open the circuit; at least 1.
    pub failure_threshold: u32,
    /// How long it stays open before a probe.
    pub reset_timeout: Duration,
    /// Probes in a row, one at a time, that must succeed to close it; at least 1.
    pub half_open_max_calls: u32,
    /// Which failures count.
    pub count: CountedFailures,
    /// The name of what is protected, shared by all nodes that give it; without it the node alone is protected.
    pub destination: Option<String>,
}

impl Default for BreakerSpec {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            reset_timeout: Duration::from_secs(60),
            half_open_max_calls: 1,
            count: CountedFailures::All,
            destination: None,
        }
    }
}

/// Which failed attempts a circuit breaker counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CountedFailures {
    /// Every failed attempt.
    #[default]
    All,
    /// Those that are no verdict: a program that cannot be started, a timeout, a signal, a broken protocol.
    Infrastructure,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Runs a program.
    Command(CommandSpec),
}

impl Action {
    /// How its output becomes a value.
    #[must_use]
    pub const fn output(&self) -> OutputFormat {
        match self {
            Self::Command(command) => command.output,
        }
    }
}

/// A program to run.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandSpec {
    /// What is run.
    pub program: ProgramSpec,
    /// The names of files, which follow its arguments; they need be no text.
    pub files: Vec<OsString>,
    /// Variables added to the environment.
    pub env: BTreeMap<String, String>,
    /// Which variables of its own environment `onex` passes on.
    pub inherit_env: InheritEnv,
    /// The working directory, relative to the project root.
    pub cwd: Option<String>,
    /// What the program reads.
    pub stdin: Stdin,
    /// How its output becomes a value.
    pub output: OutputFormat,
    /// What it may take of the machine.
    pub resources: Resources,
}

impl CommandSpec {
    /// A command of which nothing is said but what it runs.
    #[must_use]
    pub fn new(program: ProgramSpec) -> Self {
        Self {
            program,
            files: Vec::new(),
            env: BTreeMap::new(),
            inherit_env: InheritEnv::default(),
            cwd: None,
            stdin: Stdin::default(),
            output: OutputFormat::default(),
            resources: Resources::default(),
        }
    }
}

/// What is run, and how it is found.
#[derive(Clone, Debug, PartialEq)]
pub enum ProgramSpec {
    /// A program and its arguments; at least one element.
    Argv(Vec<String>),
    /// A text for `sh -eu -c`.
    Shell(String),
    /// A file of the project, run by its interpreter.
    Script {
        /// The file, relative to the project root.
        file: String,
        /// Its arguments.
        args: Vec<String>,
    },
    /// A Python module, run as a program.
    Module {
        /// The module.
        module: String,
        /// Its arguments.
        args: Vec<String>,
    },
    /// A Python function.
    Python {
        /// The module.
        module: String,
        /// The function in it.
        function: String,
        /// Its arguments by position.
        args: Vec<Value>,
        /// Its arguments by name.
        kwargs: Box<serde_json::Map<String, Value>>,
    },
}

/// What a program reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing.
    #[default]
    Empty,
    /// This text.
    Text(String),
    /// What nodes that it waits for have printed, one after the other, byte for byte.
    Printed(Vec<NodeId>),
    /// What `onex` itself would read: a terminal, for example. The node then runs alone.
    Inherit,
}
