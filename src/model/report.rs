//! The report of a run: a fold over its events, live and replayed alike.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::context::{ContractInfo, Mode, is_false};
use super::event::{AttemptFailure, EventKind, RunEvent, RunStarted};
use super::exit::ExitCode;
use super::last_lines::last_lines;
use super::outcome::{CancelReason, ErrorInfo, NodeStatus, RunStatus};
use super::output::{OutputFormat, Outputs, Text};
use super::partition::Partition;
use super::policy::EnforcementLevel;
use super::profile::Profile;
use super::repetition::Repeated;
use super::sandbox::SandboxReport;
use super::stamp;
use crate::base::{CorrelationId, NodeId, RunId};
use crate::diag::Severity;

/// The version of the report's form.
pub const SCHEMA_VERSION: u32 = 1;

/// The most failed attempts of one node of which more is kept than their number.
const MOST_ATTEMPTS: usize = 10;

/// How many of the last lines of a failed attempt are kept.
const LAST_LINES: usize = 50;

/// The most bytes that are kept of what all failed attempts printed that were repeated.
const MOST_KEPT: usize = 16 * 1024 * 1024;

/// What came of a run, or of the wish to start one. The order of the fields is stable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunReport {
    /// The version of the report's form.
    pub schema_version: u32,
    /// The run.
    pub run_id: RunId,
    /// Ties the run to the work that asked for it.
    pub correlation_id: CorrelationId,
    /// The run that started this one.
    pub parent_run_id: Option<RunId>,
    /// The contract, where one could be read.
    pub contract: Option<ContractInfo>,
    /// The stage, where one was named.
    pub stage: Option<String>,
    /// The part of what is selected that the run was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// How the run went about its nodes.
    pub mode: Mode,
    /// How it ended.
    pub status: RunStatus,
    /// The exit code of the process.
    pub exit_code: ExitCode,
    /// When it began.
    #[serde(with = "stamp")]
    #[cfg_attr(test, schemars(schema_with = "stamp::schema"))]
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(with = "stamp::optional")]
    #[cfg_attr(test, schemars(schema_with = "stamp::optional::schema"))]
    pub completed_at: Option<DateTime<Utc>>,
    /// How long it took in milliseconds.
    pub execution_time_ms: u64,
    /// Numbers of nodes.
    pub summary: Summary,
    /// One entry for each planned node, in the order of the plan.
    pub results: Vec<NodeResult>,
    /// How long everything took, in profile mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// What was found in the contract.
    pub diagnostics: Vec<DiagnosticInfo>,
    /// What kept the run from its end, or from its start.
    pub error: Option<ErrorInfo>,
}

/// Numbers of nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// All planned nodes.
    pub total: u64,
    /// Those that are done.
    pub completed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that did not start.
    pub skipped: u64,
    /// Those that are done with a warning.
    pub warned: u64,
    /// Tests that failed and passed.
    pub flaky: u64,
    /// Attempts beyond the first of each node.
    pub retries: u64,
    /// Failed nodes for which another stood in; they count as failed, too.
    pub recovered: u64,
}

/// What came of one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NodeResult {
    /// The node; absent only in a default value.
    pub node_id: Option<NodeId>,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it ended.
    pub status: NodeStatus,
    /// Why, where it failed or was skipped.
    pub reason: Option<String>,
    /// The node that kept it from starting.
    pub culprit: Option<NodeId>,
    /// How many attempts were made.
    pub attempts: u32,
    /// When its first attempt started.
    #[serde(with = "stamp::optional")]
    #[cfg_attr(test, schemars(schema_with = "stamp::optional::schema"))]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(with = "stamp::optional")]
    #[cfg_attr(test, schemars(schema_with = "stamp::optional::schema"))]
    pub completed_at: Option<DateTime<Utc>>,
    /// Milliseconds from its first start to its end, delays between attempts included.
    pub execution_time_ms: u64,
    /// Milliseconds that it was ready and waited for a free slot.
    pub queue_time_ms: u64,
    /// The code that its last program ended with.
    pub return_code: Option<i32>,
    /// The signal that ended its last program.
    pub signal: Option<i32>,
    /// What it gave.
    pub value: Value,
    /// What it wrote to `$ONEX_NODE_OUTPUT`.
    pub outputs: Map<String, Value>,
    /// What its last attempt printed.
    pub stdout: Text,
    /// What its last attempt printed beside that.
    pub stderr: Text,
    /// Whether more was printed than is kept.
    pub truncated: bool,
    /// Whether a process that it left behind still held its output when it ended.
    pub leaked: bool,
    /// Why it failed.
    pub error: Option<ErrorInfo>,
    /// The node that stood in for it.
    pub fallback: Option<NodeId>,
    /// The node for which it stood in.
    pub stands_in_for: Option<NodeId>,
    /// Whether the one that stood in is done, so that this failure is none of the run.
    pub recovered: bool,
    /// What its program was confined to, where a sandbox was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxReport>,
    /// Whether it is a test that failed and passed, in two attempts or in two repetitions.
    #[serde(default, skip_serializing_if = "is_false")]
    pub flaky: bool,
    /// Whether an attempt took longer than a node should.
    #[serde(default, skip_serializing_if = "is_false")]
    pub slow: bool,
    /// Attempts that failed and were repeated; at most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_attempts: Vec<FailedAttempt>,
    /// How often it passed, where the run was repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Repeated>,
}

/// An attempt that failed and did not decide the matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailedAttempt {
    /// The attempt's number, from 1; of a run that was repeated, that of the repetition.
    pub attempt: u32,
    /// Why it failed.
    pub reason: String,
    /// The name of its error.
    pub kind: String,
    /// The same for people.
    pub message: String,
    /// The last lines that it printed.
    pub printed: String,
}

impl NodeResult {
    /// The node's id as text.
    #[must_use]
    pub fn id(&self) -> &str {
        self.node_id.as_ref().map_or("", NodeId::as_str)
    }

    /// Whether it is done, by itself or by another that stood in, but not without a warning.
    #[must_use]
    pub fn is_warned(&self) -> bool {
        (self.status == NodeStatus::Completed && self.leaked) || self.recovered
    }

    /// Whether it failed, and nothing stood in for it.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.status == NodeStatus::Failed && !self.recovered
    }

    /// Keeps a failure that did not decide the matter: the first ones, and the last.
    pub(super) fn keep(&mut self, failed: FailedAttempt) {
        self.failed_attempts.truncate(MOST_ATTEMPTS - 1);
        self.failed_attempts.push(failed);
    }
}

/// A diagnostic on the wire. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiagnosticInfo {
    /// The stable code.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence without a period at its end.
    pub message: String,
    /// The file.
    pub path: Option<String>,
    /// Where it begins.
    pub line: Option<u32>,
    /// Where it begins.
    pub column: Option<u32>,
    /// Where it ends.
    pub end_line: Option<u32>,
    /// Where it ends, exclusive.
    pub end_column: Option<u32>,
    /// What the author can do about it.
    pub help: Vec<String>,
    /// Every place that it names.
    pub labels: Vec<LabelInfo>,
}

/// A labelled place on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LabelInfo {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// What is to be said about it.
    pub text: String,
    /// The file, where it is another than that of the finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Folds events into a report.
#[derive(Clone, Debug)]
pub struct ReportFold {
    report: RunReport,
    index: HashMap<NodeId, usize>,
    formats: Vec<OutputFormat>,
    started_ms: Vec<u64>,
    ready_ms: Vec<u64>,
    /// For each node that stands in for another, the other.
    stands_in_for: HashMap<usize, usize>,
    /// What is to be said of a run that its budget ends.
    budget_error: Option<ErrorInfo>,
    /// Why the last attempt of each node failed.
    failures: HashMap<usize, AttemptFailure>,
    /// The bytes that are kept of what failed attempts printed.
    kept: usize,
}

impl ReportFold {
    /// A fold that has seen no event of this run.
    #[must_use]
    pub fn new(run_id: RunId) -> Self {
        Self {
            report: RunReport {
                schema_version: SCHEMA_VERSION,
                run_id,
                correlation_id: CorrelationId::from_text(""),
                parent_run_id: None,
                contract: None,
                stage: None,
                partition: None,
                mode: Mode::default(),
                status: RunStatus::Running,
                exit_code: ExitCode::Success,
                started_at: DateTime::UNIX_EPOCH,
                completed_at: None,
                execution_time_ms: 0,
                summary: Summary::default(),
                results: Vec::new(),
                profile: None,
                diagnostics: Vec::new(),
                error: None,
            },
            index: HashMap::new(),
            formats: Vec::new(),
            started_ms: Vec::new(),
            ready_ms: Vec::new(),
            stands_in_for: HashMap::new(),
            budget_error: None,
            failures: HashMap::new(),
            kept: 0,
        }
    }

    /// What is known so far.
    #[must_use]
    pub const fn report(&self) -> &RunReport {
        &self.report
    }

    /// What is known of one node so far.
    #[must_use]
    pub fn node(&self, id: &NodeId) -> Option<&NodeResult> {
        self.report.results.get(*self.index.get(id)?)
    }

    /// The report.
    #[must_use]
    pub fn into_report(self) -> RunReport {
        self.report
    }

    /// Takes one more event, in order. `outputs` gives the bytes that the event only names.
    pub fn apply(&mut self, event: &RunEvent, outputs: &dyn Outputs) {
        let (at, elapsed) = (event.at, event.elapsed_ms);
        match &event.kind {
            EventKind::RunStarted(started) => self.start(started, at),
            EventKind::NodeReady { node_id } => {
                if let Some(&node) = self.index.get(node_id) {
                    self.ready_ms[node] = elapsed;
                }
            }
            EventKind::AttemptStarted { node_id, attempt } => {
                let Some(&node) = self.index.get(node_id) else { return };
                self.keep_failure(node);
                let result = &mut self.report.results[node];
                result.status = NodeStatus::Running;
                result.attempts = *attempt;
                if *attempt == 1 {
                    result.started_at = Some(at);
                    result.queue_time_ms = elapsed.saturating_sub(self.ready_ms[node]);
                    self.started_ms[node] = elapsed;
                } else {
                    self.report.summary.retries += 1;
                }
            }
            EventKind::AttemptFinished(attempt) => {
                let Some(&node) = self.index.get(&attempt.node_id) else { return };
                let result = &mut self.report.results[node];
                result.return_code = attempt.return_code;
                result.signal = attempt.signal;
                result.outputs.clone_from(&attempt.outputs);
                result.leaked = attempt.leaked;
                let (stdout, stdout_cut) = attempt.stdout.resolve(outputs);
                let (stderr, stderr_cut) = attempt.stderr.resolve(outputs);
                (result.stdout, result.stderr, result.truncated) = (stdout, stderr, stdout_cut || stderr_cut);
                if let Some(failure) = &attempt.failure {
                    self.failures.insert(node, failure.clone());
                }
            }
            EventKind::NodeSlow { node_id, .. } => {
                if let Some(&node) = self.index.get(node_id) {
                    self.report.results[node].slow = true;
                }
            }
            EventKind::RetryScheduled { node_id, .. } => {
                if let Some(&node) = self.index.get(node_id) {
                    self.report.results[node].status = NodeStatus::Retrying;
                }
            }
            EventKind::NodeCompleted { node_id, attempts } => {
                let Some(node) = self.end(node_id, NodeStatus::Completed, at, elapsed) else { return };
                let result = &mut self.report.results[node];
                result.attempts = *attempts;
                // The executor has already refused what its format does not allow.
                result.value = self.formats[node].value(&result.stdout).unwrap_or_default();
                self.report.summary.completed += 1;
                self.report.summary.warned += u64::from(result.is_warned());
                result.flaky = *attempts > 1 && result.kind == "test";
                self.report.summary.flaky += u64::from(result.flaky);
                self.recover(node);
            }
            EventKind::NodeFailed { node_id, attempts, reason, error } => {
                let Some(node) = self.end(node_id, NodeStatus::Failed, at, elapsed) else { return };
                let result = &mut self.report.results[node];
                result.attempts = *attempts;
                result.reason = Some(reason.as_str().to_owned());
                result.error = Some(error.clone());
                self.report.summary.failed += 1;
            }
            EventKind::NodeSkipped { node_id, reason, culprit } => {
                let Some(node) = self.end(node_id, NodeStatus::Skipped, at, elapsed) else { return };
                let result = &mut self.report.results[node];
                result.reason = Some(reason.as_str().to_owned());
                result.culprit.clone_from(culprit);
                self.report.summary.skipped += 1;
            }
            EventKind::FallbackSelected { node_id, fallback } => {
                let (Some(&node), Some(&other)) = (self.index.get(node_id), self.index.get(fallback)) else {
                    return;
                };
                self.report.results[node].fallback = Some(fallback.clone());
                self.report.results[other].stands_in_for = Some(node_id.clone());
                self.stands_in_for.insert(other, node);
            }
            EventKind::BudgetExceeded { limit, allowed, .. } => {
                let message = format!("the run's budget of {} is used up", limit.amount(*allowed));
                self.budget_error = Some(ErrorInfo::new("BudgetExceededError", message));
            }
            EventKind::PolicyViolation(violation) => {
                if violation.enforcement_level == EnforcementLevel::Strict {
                    let message = violation.finding.message.clone();
                    self.report.error.get_or_insert_with(|| ErrorInfo::new("PolicyError", message));
                }
                self.report.diagnostics.push(violation.finding.clone());
            }
            EventKind::DeprecationWarning { finding } => self.report.diagnostics.push((**finding).clone()),
            EventKind::CircuitOpened { .. }
            | EventKind::CircuitHalfOpened { .. }
            | EventKind::CircuitClosed { .. } => {}
            EventKind::CancelRequested { reason } => {
                self.report.error = match reason {
                    CancelReason::Budget => self.budget_error.clone(),
                    _ => cancel_error(*reason),
                };
            }
            EventKind::RunFinished { status, exit_code } => {
                self.report.status = *status;
                self.report.exit_code = *exit_code;
                self.report.completed_at = Some(at);
                self.report.execution_time_ms = elapsed;
            }
        }
    }

    fn start(&mut self, started: &RunStarted, at: DateTime<Utc>) {
        let report = &mut self.report;
        report.started_at = at;
        report.correlation_id = started.correlation_id.clone();
        report.parent_run_id = started.parent_run_id;
        report.contract = Some(started.contract.clone());
        report.stage.clone_from(&started.context.stage);
        report.partition = started.context.partition;
        report.mode = started.context.mode;
        report.summary.total = started.plan.len() as u64;
        self.index = started.plan.iter().enumerate().map(|(at, node)| (node.node_id.clone(), at)).collect();
        self.formats = started.plan.iter().map(|node| node.output).collect();
        self.started_ms = vec![0; started.plan.len()];
        self.ready_ms = vec![0; started.plan.len()];
        report.results = started
            .plan
            .iter()
            .map(|node| NodeResult {
                node_id: Some(node.node_id.clone()),
                kind: node.kind.clone(),
                sandbox: node.sandbox.clone(),
                ..NodeResult::default()
            })
            .collect();
    }

    /// Another attempt replaces what the last one printed: of one that failed, its end is kept.
    fn keep_failure(&mut self, node: usize) {
        let Some(failure) = self.failures.remove(&node) else { return };
        let result = &mut self.report.results[node];
        let printed = if self.kept < MOST_KEPT { last_lines(result, LAST_LINES) } else { String::new() };
        self.kept += printed.len();
        let kind = failure.error_kind().to_owned();
        let AttemptFailure { reason, message, .. } = failure;
        let reason = reason.as_str().to_owned();
        result.keep(FailedAttempt { attempt: result.attempts, reason, kind, message, printed });
    }

    /// The node is done: so is every one that it stands in for, directly or not.
    fn recover(&mut self, node: usize) {
        let mut next = self.stands_in_for.get(&node);
        while let Some(&node) = next {
            let result = &mut self.report.results[node];
            result.recovered = true;
            self.report.summary.recovered += 1;
            self.report.summary.warned += u64::from(result.is_warned());
            next = self.stands_in_for.get(&node);
        }
    }

    fn end(&mut self, id: &NodeId, status: NodeStatus, at: DateTime<Utc>, elapsed: u64) -> Option<usize> {
        let &node = self.index.get(id)?;
        let result = &mut self.report.results[node];
        result.status = status;
        result.completed_at = Some(at);
        if result.started_at.is_some() {
            result.execution_time_ms = elapsed.saturating_sub(self.started_ms[node]);
        }
        Some(node)
    }
}

/// What a cancelled run's report says of the cause.
fn cancel_error(reason: CancelReason) -> Option<ErrorInfo> {
    match reason {
        // A failed node speaks for itself, and a budget has said what it is.
        CancelReason::FailFast | CancelReason::Budget => None,
        CancelReason::Timeout => {
            Some(ErrorInfo::new("OrchestratorTimeoutError", "the run took longer than it may"))
        }
        CancelReason::SinkFailed => Some(ErrorInfo::new("StateError", "what must be recorded could not be")),
        CancelReason::Signal => Some(ErrorInfo::new("CancelledError", "the run was cancelled by a signal")),
        CancelReason::Kill => Some(ErrorInfo::new("CancelledError", "the run was killed by a second signal")),
    }
}
