//! What becomes of a run whose programs changed files.

use std::path::PathBuf;

use serde_json::Value;

use super::place::{Changes, Ended};
use crate::base::text;
use crate::model::exit::ExitCode;
use crate::model::outcome::{ErrorInfo, FailureReason, RunStatus};
use crate::model::report::{NodeResult, RunReport};

/// Says what became of the files that programs changed; a run that changed some has failed.
pub(super) fn settle(changes: &Changes, report: &mut RunReport) {
    if changes.changed.is_empty() {
        return;
    }
    let list =
        |files: &[PathBuf]| -> Vec<Value> { files.iter().map(|file| text::path(file).into()).collect() };
    let mut error = ErrorInfo::new("StepError", changes.message());
    error.context.insert("changed".to_owned(), list(&changes.changed).into());
    if !changes.left.is_empty() {
        error.context.insert("left".to_owned(), list(&changes.left).into());
    }
    if let Some(patch) = &changes.patch {
        error.context.insert("patch".to_owned(), text::path(patch).into());
    }
    if let Some(diff) = &changes.diff {
        error.context.insert(DIFF.to_owned(), diff.clone().into());
    }
    fail(error, ExitCode::ExecutionFailed, report);
}

pub(super) fn fail(error: ErrorInfo, code: ExitCode, report: &mut RunReport) {
    if report.status == RunStatus::Success {
        report.status = RunStatus::Failed;
        report.exit_code = report.exit_code.max(code);
    }
    match &mut report.error {
        None => report.error = Some(error),
        Some(first) => {
            first.message = format!("{}\n{}", first.message, error.message);
            first.context.extend(error.context);
        }
    }
}

/// Whether what programs wrote can be whole.
pub(super) fn how_programs_ended(report: &RunReport) -> Ended {
    if report.status == RunStatus::Cancelled {
        return Ended::Cancelled;
    }
    let stopped = [FailureReason::Timeout, FailureReason::Signal, FailureReason::Cancelled];
    let was_stopped = |result: &NodeResult| {
        let reason = result.reason.as_deref();
        result.signal.is_some() || stopped.iter().any(|stop| reason == Some(stop.as_str()))
    };
    if report.results.iter().any(was_stopped) { Ended::Torn } else { Ended::Whole }
}

/// Where a report keeps the difference that programs made.
pub(super) const DIFF: &str = "diff";
