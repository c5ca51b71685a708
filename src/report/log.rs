//! The structured log: the events of a run under the nine names of the specification, one JSON object a line.
//!
//! Reads the same stream as the report and knows nothing else.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use chrono::SecondsFormat;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::base::{NodeId, text};
use crate::model::event::{AttemptFinished, EventKind, RunEvent, RunStarted};
use crate::model::outcome::{CancelReason, ErrorInfo, FailureReason, SkipReason};
use crate::model::output::Captured;
use crate::model::policy::EnforcementLevel;
use crate::model::report::ReportFold;

/// The names of the specification, in its order.
pub const NAMES: [&str; 9] = [
    "execution_start",
    "execution_end",
    "retry",
    "fallback",
    "error",
    "budget_exceeded",
    "deprecation_warning",
    "policy_violation",
    "resource_usage",
];

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Info,
    Warn,
    Error,
}

/// One line of the log.
#[derive(Serialize)]
struct Record<'a> {
    time: String,
    level: Level,
    event: &'static str,
    correlation_id: String,
    run_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    message: String,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// What an event says, before it is known when and in which run.
struct Said<'a> {
    level: Level,
    event: &'static str,
    node_id: Option<&'a NodeId>,
    attempt: Option<u32>,
    message: String,
    fields: Value,
}

impl<'a> Said<'a> {
    fn new(level: Level, event: &'static str, message: String, fields: Value) -> Self {
        Self { level, event, node_id: None, attempt: None, message, fields }
    }

    fn of(self, node_id: &'a NodeId) -> Self {
        Self { node_id: Some(node_id), ..self }
    }

    fn attempt(self, attempt: u32) -> Self {
        Self { attempt: Some(attempt), ..self }
    }
}

/// Writes the log of one run.
#[derive(Debug, Default)]
pub struct Log {
    attempts: u64,
    output_bytes: u64,
    /// Why the last attempt of a node failed: the record of a repetition says it.
    failures: HashMap<NodeId, String>,
}

impl Log {
    /// Writes what one event says; `so_far` is the report with it. The number of records written.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written.
    pub fn event(&mut self, event: &RunEvent, so_far: &ReportFold, out: &mut dyn Write) -> io::Result<usize> {
        let said = self.said(&event.kind, so_far);
        for said in &said {
            let fields = match &said.fields {
                Value::Object(fields) => fields.clone(),
                _ => Map::new(),
            };
            let record = Record {
                time: event.at.to_rfc3339_opts(SecondsFormat::Millis, true),
                level: said.level,
                event: said.event,
                correlation_id: so_far.report().correlation_id.to_string(),
                run_id: event.run_id.to_string(),
                node_id: said.node_id.map(NodeId::as_str),
                attempt: said.attempt,
                message: said.message.clone(),
                fields,
            };
            super::json::in_line(&record, &mut *out)?;
            out.write_all(b"\n")?;
        }
        Ok(said.len())
    }

    /// The one place that gives events their names. It names every kind, so that a new one cannot be forgotten.
    fn said<'e>(&mut self, kind: &'e EventKind, so_far: &ReportFold) -> Vec<Said<'e>> {
        match kind {
            EventKind::RunStarted(started) => vec![run_started(started)],
            // Neither has one of the nine names.
            EventKind::NodeReady { .. } | EventKind::NodeSlow { .. } => Vec::new(),
            EventKind::AttemptStarted { node_id, attempt } => {
                self.attempts += 1;
                let message = format!("attempt {attempt} of `{node_id}` starts");
                let said = Said::new(Level::Info, "execution_start", message, Value::Null);
                vec![said.of(node_id).attempt(*attempt)]
            }
            EventKind::AttemptFinished(finished) => {
                self.attempt_finished(finished);
                attempt_used(finished).into_iter().collect()
            }
            EventKind::RetryScheduled { node_id, attempt, delay_ms } => {
                let why = self.failures.remove(node_id).unwrap_or_default();
                let wait = text::duration(Duration::from_millis(*delay_ms));
                let message = format!("`{node_id}` is repeated in {wait}: {why}");
                let fields = json!({ "delay_ms": delay_ms, "reason": why });
                vec![Said::new(Level::Warn, "retry", message, fields).of(node_id).attempt(*attempt)]
            }
            EventKind::NodeCompleted { node_id, attempts } => {
                self.failures.remove(node_id);
                let leaked = so_far.node(node_id).is_some_and(|result| result.leaked);
                let level = if leaked { Level::Warn } else { Level::Info };
                vec![node_ended(level, node_id, "completed", so_far).attempt(*attempts)]
            }
            EventKind::NodeFailed { node_id, attempts, reason, error } => {
                self.failures.remove(node_id);
                let message = format!("`{node_id}` failed: {}", error.message);
                let fields = json!({ "kind": error.kind, "reason": reason.as_str() });
                let failed = Said::new(Level::Error, "error", message, fields);
                let denied = (*reason == FailureReason::Policy).then(|| {
                    let message = format!("`{node_id}` was denied: {}", error.message);
                    Said::new(Level::Error, "policy_violation", message, Value::Null).of(node_id)
                });
                denied
                    .into_iter()
                    .chain([
                        failed.of(node_id).attempt(*attempts),
                        node_ended(Level::Error, node_id, "failed", so_far).attempt(*attempts),
                    ])
                    .collect()
            }
            EventKind::FallbackSelected { node_id, fallback } => {
                let message = format!("`{fallback}` stands in for `{node_id}`");
                vec![Said::new(Level::Warn, "fallback", message, json!({ "fallback": fallback })).of(node_id)]
            }
            EventKind::CircuitOpened { node_id, circuit, failures, reset_ms } => {
                let failed = text::count(usize::try_from(*failures).unwrap_or(usize::MAX), "failure");
                let message = format!("the circuit `{circuit}` is open after {failed} in a row");
                let fields = json!({ "kind": "CircuitOpenError", "circuit": circuit, "failures": failures, "reset_ms": reset_ms });
                vec![Said::new(Level::Warn, "error", message, fields).of(node_id)]
            }
            // A circuit that recovers is none of the nine names.
            EventKind::CircuitHalfOpened { .. } | EventKind::CircuitClosed { .. } => Vec::new(),
            EventKind::BudgetExceeded { limit, allowed, node_id } => {
                let message = format!("the run's budget of {} is used up", limit.amount(*allowed));
                let fields = json!({ "limit": limit, "allowed": allowed });
                let said = Said::new(Level::Error, "budget_exceeded", message, fields);
                vec![Said { node_id: node_id.as_ref(), ..said }]
            }
            EventKind::PolicyViolation(violation) => {
                let level = match violation.enforcement_level {
                    EnforcementLevel::Soft => Level::Warn,
                    EnforcementLevel::Strict => Level::Error,
                };
                let finding = &violation.finding;
                let fields = json!({
                    "policy": violation.policy,
                    "policy_type": violation.policy_type,
                    "enforcement_level": violation.enforcement_level,
                    "node_ids": violation.node_ids,
                    "path": finding.path,
                    "line": finding.line,
                });
                vec![Said::new(level, "policy_violation", finding.message.clone(), fields)]
            }
            EventKind::DeprecationWarning { finding } => {
                let fields = json!({ "code": finding.code, "path": finding.path, "line": finding.line });
                vec![Said::new(Level::Warn, "deprecation_warning", finding.message.clone(), fields)]
            }
            EventKind::NodeSkipped { node_id, reason, .. } => {
                let level = match reason {
                    SkipReason::DependencyFailed | SkipReason::Cancelled => Level::Warn,
                    SkipReason::Condition
                    | SkipReason::UpstreamSkipped
                    | SkipReason::Disabled
                    | SkipReason::Excluded
                    | SkipReason::NotSelected
                    | SkipReason::NoFiles
                    | SkipReason::DryRun
                    | SkipReason::FallbackUnused => Level::Info,
                };
                vec![node_ended(level, node_id, "skipped", so_far)]
            }
            EventKind::CancelRequested { reason } => {
                // The failure that fail_fast answers has a record of its own.
                let level = if *reason == CancelReason::FailFast { Level::Warn } else { Level::Error };
                let error: Option<&ErrorInfo> = so_far.report().error.as_ref();
                let message =
                    error.map_or("a node failed, so the run stops".to_owned(), |error| error.message.clone());
                let fields =
                    json!({ "kind": error.map(|error| error.kind.as_str()), "reason": json!(reason) });
                vec![Said::new(level, "error", message, fields)]
            }
            EventKind::RunFinished { .. } => vec![self.used(so_far), run_ended(so_far)],
        }
    }

    fn attempt_finished(&mut self, finished: &AttemptFinished) {
        let len =
            |stream: &Captured| stream.rest.map_or(stream.head.as_bytes().len() as u64, |rest| rest.len);
        self.output_bytes += len(&finished.stdout) + len(&finished.stderr);
        if let Some(failure) = &finished.failure {
            self.failures.insert(finished.node_id.clone(), failure.message.clone());
        }
    }

    fn used(&self, so_far: &ReportFold) -> Said<'static> {
        let fields = json!({
            "execution_time_ms": so_far.report().execution_time_ms,
            "attempts": self.attempts,
            "output_bytes": self.output_bytes,
        });
        let attempts = usize::try_from(self.attempts).unwrap_or(usize::MAX);
        let message = format!("{}, {} bytes of output", text::count(attempts, "attempt"), self.output_bytes);
        Said::new(Level::Info, "resource_usage", message, fields)
    }
}

/// What one attempt used, where that is known.
fn attempt_used(finished: &AttemptFinished) -> Option<Said<'_>> {
    let usage = finished.usage?;
    let duration = text::duration(Duration::from_micros(finished.duration_us));
    let cpu = text::duration(Duration::from_micros(usage.cpu_us));
    let message = format!("`{}` took {duration}, {cpu} of it computing", finished.node_id);
    let fields = json!({
        "duration_us": finished.duration_us,
        "cpu_us": usage.cpu_us,
        "max_rss_kib": usage.max_rss_kib,
        "output_bytes": usage.output_bytes,
    });
    Some(
        Said::new(Level::Info, "resource_usage", message, fields)
            .of(&finished.node_id)
            .attempt(finished.attempt),
    )
}

fn run_started(started: &RunStarted) -> Said<'static> {
    let context = &started.context;
    let fields = json!({
        "contract": started.contract.name,
        "version": started.contract.version,
        "path": started.contract.path,
        "digest": started.contract.digest,
        "parent_run_id": started.parent_run_id,
        "mode": context.mode,
        "jobs": context.jobs,
        "nodes": started.plan.len(),
    });
    let message = format!(
        "the run of `{}` starts with {}",
        started.contract.name,
        text::count(started.plan.len(), "node")
    );
    Said::new(Level::Info, "execution_start", message, fields)
}

fn node_ended<'e>(level: Level, node_id: &'e NodeId, status: &'static str, so_far: &ReportFold) -> Said<'e> {
    let result = so_far.node(node_id);
    let time = result.map_or(0, |result| result.execution_time_ms);
    let mut fields = json!({ "status": status });
    if let (Value::Object(fields), Some(result)) = (&mut fields, result) {
        if status != "skipped" {
            fields.insert("execution_time_ms".to_owned(), time.into());
            fields.insert("return_code".to_owned(), json!(result.return_code));
        }
        for (name, value) in [("reason", json!(result.reason)), ("culprit", json!(result.culprit))] {
            if !value.is_null() {
                fields.insert(name.to_owned(), value);
            }
        }
    }
    let message = match status {
        "skipped" => format!("`{node_id}` is skipped"),
        _ => format!("`{node_id}` {status} after {}", text::duration(Duration::from_millis(time))),
    };
    Said::new(level, "execution_end", message, fields).of(node_id)
}

fn run_ended(so_far: &ReportFold) -> Said<'static> {
    let report = so_far.report();
    let level = if u8::from(report.exit_code) == 0 { Level::Info } else { Level::Error };
    let fields = json!({
        "status": report.status,
        "exit_code": report.exit_code,
        "execution_time_ms": report.execution_time_ms,
        "summary": report.summary,
    });
    let time = text::duration(Duration::from_millis(report.execution_time_ms));
    let status = fields["status"].as_str().unwrap_or_default().replace('_', " ");
    let message = format!("the run ended after {time}: {status}, exit code {}", report.exit_code);
    Said::new(level, "execution_end", message, fields)
}
