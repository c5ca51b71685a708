//! The one vocabulary of a run. A journal row, a line of `--events` and a log record are this same value.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::context::{ContractInfo, ExecutionContext};
use super::exit::ExitCode;
use super::outcome::{
    AttemptClass, BudgetLimit, CancelReason, ErrorInfo, FailureReason, RunStatus, SkipReason,
};
use super::output::{Captured, OutputFormat};
use super::policy::PolicyViolation;
use super::report::DiagnosticInfo;
use super::sandbox::SandboxReport;
use super::stamp;
use crate::base::{CorrelationId, Mono, NodeId, RunId};

/// The version of the vocabulary. It grows when a reader of the version before would misunderstand.
pub const EVENT_VERSION: u32 = 1;

/// One thing that happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunEvent {
    /// The version of the vocabulary of events.
    pub v: u32,
    /// The run.
    pub run_id: RunId,
    /// Its place in the run's stream: 0, 1, 2 and so on.
    pub seq: u64,
    /// When it happened.
    #[serde(with = "stamp")]
    #[cfg_attr(test, schemars(schema_with = "stamp::schema"))]
    pub at: DateTime<Utc>,
    /// Milliseconds since the run's start, by a clock that never goes back.
    pub elapsed_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl RunEvent {
    /// An event at the moment `now` of a run that began at `started_at`. The calendar time comes from the clock
    /// that never goes back, in whole milliseconds: the order of events is the order of their times, and an event
    /// is the same after it was written down.
    #[must_use]
    pub fn at_moment(
        (run_id, seq): (RunId, u64),
        started_at: DateTime<Utc>,
        now: Mono,
        kind: EventKind,
    ) -> Self {
        let elapsed_ms = now.as_millis();
        let millis = started_at.timestamp_millis().saturating_add_unsigned(elapsed_ms);
        let at = DateTime::from_timestamp_millis(millis).unwrap_or(started_at);
        Self { v: EVENT_VERSION, run_id, seq, at, elapsed_ms, kind }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The run began.
    RunStarted(Box<RunStarted>),
    /// Nothing keeps the node from starting but a free slot.
    NodeReady {
        /// The node.
        node_id: NodeId,
    },
    /// An attempt is about to start. Written before it does.
    AttemptStarted {
        /// The node.
        node_id: NodeId,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// An attempt ended.
    AttemptFinished(Box<AttemptFinished>),
    /// An attempt takes longer than a node should.
    NodeSlow {
        /// The node.
        node_id: NodeId,
        /// The attempt's number, from 1.
        attempt: u32,
        /// For how long it has been under way in milliseconds.
        after_ms: u64,
    },
    /// A further attempt will start.
    RetryScheduled {
        /// The node.
        node_id: NodeId,
        /// The number of the attempt that will start.
        attempt: u32,
        /// The time until then in milliseconds.
        delay_ms: u64,
    },
    /// A node failed, and another stands in for it.
    FallbackSelected {
        /// The node that failed.
        node_id: NodeId,
        /// The node that stands in.
        fallback: NodeId,
    },
    /// A circuit opened: attempts are held back from now on.
    CircuitOpened {
        /// The node whose attempt opened it.
        node_id: NodeId,
        /// The circuit.
        circuit: String,
        /// The failures in a row.
        failures: u32,
        /// The time until a probe in milliseconds.
        reset_ms: u64,
    },
    /// A circuit lets a probe through.
    CircuitHalfOpened {
        /// The node whose attempt is the probe.
        node_id: NodeId,
        /// The circuit.
        circuit: String,
    },
    /// A circuit closed: attempts go through again.
    CircuitClosed {
        /// The node whose attempt closed it.
        node_id: NodeId,
        /// The circuit.
        circuit: String,
    },
    /// The run used up its budget, or would have.
    BudgetExceeded {
        /// Of what.
        limit: BudgetLimit,
        /// How much was allowed.
        allowed: u64,
        /// The node at which it was noticed, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node_id: Option<NodeId>,
    },
    /// A policy does not allow what was to run.
    PolicyViolation(Box<PolicyViolation>),
    /// Something runs that is not to be used any more.
    DeprecationWarning {
        /// What is said of it.
        finding: Box<DiagnosticInfo>,
    },
    /// The node is done.
    NodeCompleted {
        /// The node.
        node_id: NodeId,
        /// How many attempts it took.
        attempts: u32,
    },
    /// The node ended without success.
    NodeFailed {
        /// The node.
        node_id: NodeId,
        /// How many attempts were made.
        attempts: u32,
        /// Why it failed.
        reason: FailureReason,
        /// The same for people.
        error: ErrorInfo,
    },
    /// The node will not start.
    NodeSkipped {
        /// The node.
        node_id: NodeId,
        /// Why.
        reason: SkipReason,
        /// The node that is the cause, if one is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        culprit: Option<NodeId>,
    },
    /// The run stops before its plan is done.
    CancelRequested {
        /// Why.
        reason: CancelReason,
    },
    /// The run ended. Nothing follows.
    RunFinished {
        /// How.
        status: RunStatus,
        /// The exit code that belongs to it.
        exit_code: ExitCode,
    },
}

/// All that a reader of a recording needs to know of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunStarted {
    /// Ties the run to the work that asked for it.
    pub correlation_id: CorrelationId,
    /// The run that started this one.
    pub parent_run_id: Option<RunId>,
    /// The contract.
    pub contract: ContractInfo,
    /// What was asked for.
    pub context: ExecutionContext,
    /// The nodes in the order of the plan.
    pub plan: Vec<PlannedNode>,
}

/// A node of the plan, as recordings know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlannedNode {
    /// Its id.
    pub node_id: NodeId,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// The nodes that it depends on.
    pub depends_on: Vec<NodeId>,
    /// How its output becomes a value.
    pub output: OutputFormat,
    /// The node that stands in for it when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<NodeId>,
    /// What its program is confined to, where a sandbox was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxReport>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AttemptFinished {
    /// The node.
    pub node_id: NodeId,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// Why it failed; nothing if it succeeded.
    pub failure: Option<AttemptFailure>,
    /// The code that its program ended with.
    pub return_code: Option<i32>,
    /// The signal that ended its program.
    pub signal: Option<i32>,
    /// What it printed.
    pub stdout: Captured,
    /// What it printed beside that.
    pub stderr: Captured,
    /// What it wrote to `$ONEX_NODE_OUTPUT`.
    pub outputs: Map<String, Value>,
    /// Whether a process that it left behind still held its output when it ended.
    pub leaked: bool,
    /// How long it took in microseconds, from its start to the end of all that was looked after.
    #[serde(default)]
    pub duration_us: u64,
    /// What it used of the machine, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// What an attempt used of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Usage {
    /// Processor time of its program and of all children that it waited for, in microseconds.
    pub cpu_us: u64,
    /// The most memory that one of these processes held in KiB, where that is known.
    pub max_rss_kib: Option<u64>,
    /// What it printed in bytes, kept or not.
    pub output_bytes: u64,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AttemptFailure {
    /// Why.
    pub reason: FailureReason,
    /// What is known of its effect.
    pub class: AttemptClass,
    /// The name of its error, where it gave one of its own: `ValueError`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The same for people.
    pub message: String,
}

impl AttemptFailure {
    /// A failure without a name of its own.
    #[must_use]
    pub fn new(reason: FailureReason, class: AttemptClass, message: impl Into<String>) -> Self {
        Self { reason, class, kind: None, message: message.into() }
    }

    /// The name of its error.
    #[must_use]
    pub fn error_kind(&self) -> &str {
        self.kind.as_deref().unwrap_or_else(|| self.reason.error_kind())
    }
}
