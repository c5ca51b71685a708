//! The same workflow several times: one report of all its runs, in which each node counts how often it passed.

use serde::{Deserialize, Serialize};

use super::last_lines::last_lines;
use super::outcome::{ErrorInfo, FailureReason, NodeStatus, RunStatus};
use super::report::{FailedAttempt, NodeResult, RunReport, Summary};

/// How many of the last lines of a repetition that failed are kept, beside those of the first.
const LAST_LINES: usize = 50;

/// How often a node passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Repeated {
    /// Repetitions in which it ran to an end of its own.
    pub runs: u32,
    /// Those in which it passed.
    pub passed: u32,
    /// The first in which it failed, from 1: its result is that one.
    pub first_failed: Option<u32>,
}

/// Joins the reports of repetitions.
#[derive(Clone, Debug)]
pub struct Repetitions {
    report: RunReport,
    runs: u32,
}

impl Repetitions {
    /// The first repetition.
    #[must_use]
    pub fn new(mut report: RunReport) -> Self {
        for result in &mut report.results {
            result.repeated = Some(Repeated::default().with(result, 1));
        }
        Self { report, runs: 1 }
    }

    /// Takes one more repetition of the same plan.
    pub fn add(&mut self, next: RunReport) {
        self.runs += 1;
        let report = &mut self.report;
        if rank(next.status) > rank(report.status) {
            report.status = next.status;
        }
        report.exit_code = report.exit_code.max(next.exit_code);
        report.completed_at = next.completed_at.or(report.completed_at);
        report.execution_time_ms += next.execution_time_ms;
        report.error = report.error.take().or(next.error);
        report.summary.retries += next.summary.retries;
        for (known, next) in report.results.iter_mut().zip(next.results) {
            join(known, next, self.runs);
        }
    }

    /// The repetitions so far.
    #[must_use]
    pub const fn runs(&self) -> u32 {
        self.runs
    }

    /// The report of the repetitions so far.
    #[must_use]
    pub const fn report(&self) -> &RunReport {
        &self.report
    }

    /// The report of all: a node has failed that failed once, and is flaky if it passed, too.
    #[must_use]
    pub fn into_report(self) -> RunReport {
        let mut report = self.report;
        let count = |wanted: &dyn Fn(&NodeResult) -> bool| {
            report.results.iter().filter(|result| wanted(result)).count() as u64
        };
        report.summary = Summary {
            completed: count(&|result| result.status == NodeStatus::Completed),
            failed: count(&|result| result.status == NodeStatus::Failed),
            skipped: count(&|result| result.status == NodeStatus::Skipped),
            warned: count(&NodeResult::is_warned),
            flaky: count(&|result| result.flaky),
            recovered: count(&|result| result.recovered),
            ..report.summary
        };
        report
    }
}

impl Repeated {
    fn with(self, result: &NodeResult, number: u32) -> Self {
        let passed = result.status == NodeStatus::Completed;
        let failed = is_verdict(result);
        Self {
            runs: self.runs + u32::from(passed || failed),
            passed: self.passed + u32::from(passed),
            first_failed: self.first_failed.or_else(|| failed.then_some(number)),
        }
    }
}

/// Whether it failed by itself: what was stopped has neither passed nor failed.
fn is_verdict(result: &NodeResult) -> bool {
    result.status == NodeStatus::Failed && result.reason.as_deref() != Some(FailureReason::Cancelled.as_str())
}

fn join(known: &mut NodeResult, next: NodeResult, number: u32) {
    let repeated = known.repeated.unwrap_or_default().with(&next, number);
    let slow = known.slow || next.slow;
    if !is_verdict(known) {
        // Of repetitions that all passed, the last stands for all; a failure is replaced by nothing.
        let says_more = is_verdict(&next) || next.status == NodeStatus::Completed;
        if says_more || known.status == NodeStatus::Skipped {
            *known = next;
        }
    } else if is_verdict(&next) {
        let printed = last_lines(&next, LAST_LINES);
        let ErrorInfo { kind, message, .. } = next.error.unwrap_or_default();
        let reason = next.reason.unwrap_or_default();
        known.keep(FailedAttempt { attempt: number, reason, kind, message, printed });
    }
    known.slow = slow;
    known.flaky = repeated.passed > 0 && repeated.first_failed.is_some();
    known.repeated = Some(repeated);
}

/// How much an end matters to the whole.
const fn rank(status: RunStatus) -> u8 {
    match status {
        RunStatus::Running | RunStatus::Success => 0,
        RunStatus::Partial => 1,
        RunStatus::Failed => 2,
        RunStatus::TimedOut => 3,
        RunStatus::Cancelled => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{NodeId, RunId};
    use crate::model::exit::ExitCode;
    use crate::model::report::ReportFold;

    fn report(ends: &[(&str, NodeStatus)]) -> RunReport {
        let failed = ends.iter().any(|(_, status)| *status == NodeStatus::Failed);
        let result = |(id, status): &(&str, NodeStatus)| NodeResult {
            node_id: NodeId::new(id).ok(),
            kind: "test".to_owned(),
            status: *status,
            reason: (*status == NodeStatus::Failed).then(|| "exit_code".to_owned()),
            error: (*status == NodeStatus::Failed).then(|| ErrorInfo::new("TaskFailedError", "exit code 1")),
            ..NodeResult::default()
        };
        RunReport {
            status: if failed { RunStatus::Failed } else { RunStatus::Success },
            exit_code: if failed { ExitCode::ExecutionFailed } else { ExitCode::Success },
            results: ends.iter().map(result).collect(),
            execution_time_ms: 10,
            ..ReportFold::new(RunId::from_bits(1)).into_report()
        }
    }

    #[test]
    fn one_failure_among_many_is_the_failure_of_all() {
        use NodeStatus::{Completed, Failed, Skipped};
        let runs = [
            [("good", Completed), ("mixed", Completed), ("bad", Failed), ("late", Skipped)],
            [("good", Completed), ("mixed", Failed), ("bad", Failed), ("late", Completed)],
            [("good", Completed), ("mixed", Failed), ("bad", Failed), ("late", Skipped)],
        ];
        let mut all = Repetitions::new(report(&runs[0]));
        runs[1..].iter().for_each(|run| all.add(report(run)));
        assert_eq!(all.runs(), 3);
        let report = all.into_report();
        let told: Vec<(bool, Repeated)> =
            report.results.iter().map(|result| (result.flaky, result.repeated.unwrap())).collect();
        let of = |runs, passed, first_failed| Repeated { runs, passed, first_failed };
        assert_eq!(
            told,
            [
                (false, of(3, 3, None)),
                (true, of(3, 1, Some(2))),
                (false, of(3, 0, Some(1))),
                (false, of(1, 1, None))
            ]
        );
        let ends: Vec<NodeStatus> = report.results.iter().map(|result| result.status).collect();
        assert_eq!(ends, [Completed, Failed, Failed, Completed]);
        assert_eq!((report.status, report.exit_code), (RunStatus::Failed, ExitCode::ExecutionFailed));
        let summary = report.summary;
        assert_eq!((summary.completed, summary.failed, summary.flaky, summary.skipped), (2, 2, 1, 0));
        assert_eq!(report.execution_time_ms, 30);
        // The first failure is the result, the others stand beside it.
        let numbers: Vec<u32> = report.results[2].failed_attempts.iter().map(|a| a.attempt).collect();
        assert_eq!(numbers, [2, 3]);
    }
}
