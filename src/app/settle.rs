//! What becomes of a run whose programs changed files.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::changes::{Changes, Ended};
use crate::base::text;
use crate::diag::{Diagnostic, codes};
use crate::executors::Given;
use crate::model::exit::ExitCode;
use crate::model::outcome::{ErrorInfo, FailureReason, RunStatus};
use crate::model::report::{NodeResult, RunReport};
use crate::plan::Plan;

/// Who may have changed a file.
pub(super) struct Suspects<'r> {
    /// For each file of the run, as it is named from the top of the repository, its place among the files.
    places: HashMap<PathBuf, usize>,
    /// For each node the places of its files, in their order.
    given: HashMap<&'r str, &'r [usize]>,
}

impl<'r> Suspects<'r> {
    /// The nodes of a plan, whose root stands in `inside`.
    pub(super) fn of(plan: &'r Plan, given: &'r Given, inside: &Path) -> Self {
        let files = given.files.iter().enumerate();
        let nodes = plan.workflow().nodes.iter().zip(&given.places);
        Self {
            places: files.map(|(at, file)| (inside.join(&file.path), at)).collect(),
            given: nodes.map(|(node, places)| (node.id.as_str(), places.as_slice())).collect(),
        }
    }

    fn is_given(&self, result: &NodeResult, file: &Path) -> bool {
        let places = self.given.get(result.id());
        let place = self.places.get(file);
        places.zip(place).is_some_and(|(places, place)| places.binary_search(place).is_ok())
    }

    /// The nodes that may have changed a file that none of them is known to have changed; nothing where one is.
    fn for_file(
        &self,
        file: &Path,
        written: Option<DateTime<Utc>>,
        report: &RunReport,
    ) -> Option<Vec<String>> {
        let ran: Vec<&NodeResult> = report.results.iter().filter(|result| result.attempts > 0).collect();
        let is_known = |result: &&NodeResult| {
            result.reason.as_deref() == Some(FailureReason::FilesChanged.as_str())
                && self.is_given(result, file)
        };
        if ran.iter().any(is_known) {
            return None;
        }
        // Who was given it and has not failed was seen to leave it as it is.
        let may = ran.into_iter().filter(|result| result.reason.is_some() || !self.is_given(result, file));
        let may: Vec<&NodeResult> = may.collect();
        let then: Vec<&NodeResult> = may.iter().copied().filter(|result| ran_then(result, written)).collect();
        let named = if then.is_empty() { may } else { then };
        // One that has failed and was given it answers for it already.
        if !named.is_empty() && named.iter().all(|result| self.is_given(result, file)) {
            return None;
        }
        Some(named.iter().map(|result| result.id().to_owned()).collect())
    }
}

/// Whether a node ran at a moment. Of files the kernel knows it to a tick of its clock.
fn ran_then(result: &NodeResult, moment: Option<DateTime<Utc>>) -> bool {
    let tick = TimeDelta::milliseconds(10);
    match (result.started_at, result.completed_at, moment) {
        (Some(start), Some(end), Some(moment)) => start - tick <= moment && moment <= end,
        _ => false,
    }
}

/// Says what became of the files that programs changed; a run that changed some has failed. Gives what is to be known
/// of a run that has not.
pub(super) fn settle(changes: &Changes, suspects: &Suspects<'_>, report: &mut RunReport) -> Vec<Diagnostic> {
    let made = |file: &PathBuf| {
        let message = format!("a program made `{}`, which is no part of the commit", file.display());
        Diagnostic::warning(codes::FILE_MADE, message)
    };
    let found = changes.made.iter().map(made).collect();
    if changes.changed.is_empty() {
        return found;
    }
    let list =
        |files: &[PathBuf]| -> Vec<Value> { files.iter().map(|file| text::path(file).into()).collect() };
    let mut by: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for file in &changes.changed {
        if let Some(suspects) = suspects.for_file(file, changes.times.get(file).copied(), report) {
            by.entry(suspects).or_default().push(text::path(file));
        }
    }
    let mut lines: Vec<String> = by.iter().map(|(nodes, files)| blame(nodes, files)).collect();
    lines.push(changes.message());
    let mut error = ErrorInfo::new("StepError", lines.join("\n"));
    error.context.insert("changed".to_owned(), list(&changes.changed).into());
    if !by.is_empty() {
        let named = by.iter().flat_map(|(nodes, files)| files.iter().map(move |file| (file, nodes)));
        let named = named.map(|(file, nodes)| (file.clone(), nodes.clone().into()));
        error.context.insert("changed_by".to_owned(), Value::Object(named.collect()));
    }
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
    found
}

/// Who may have changed files that no node was seen changing.
fn blame(nodes: &[String], files: &[String]) -> String {
    let files = listed(files, "and");
    match nodes {
        [] => format!("{files}: changed, but by none of the components; somebody else may have"),
        [only] => format!("`{only}` changed {files}, which it was not given"),
        several => format!("{files}: changed by {}", listed(several, "or")),
    }
}

/// `a`, `b` or 3 more.
fn listed(names: &[String], last: &str) -> String {
    const MOST: usize = 5;
    let mut shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    if names.len() > MOST {
        shown.push(format!("{} more", names.len() - MOST));
    }
    match shown.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        _ => shown.join(""),
    }
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
