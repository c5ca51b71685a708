//! The reports of runs that never began.

use std::io::Write as _;

use super::console::Console;
use super::contract::Loaded;
use super::error::AppError;
use super::plan::finish;
use super::run::RunRequest;
use crate::base::{Clock as _, CorrelationId, RunId, SystemClock};
use crate::model::context::{Format, Mode};
use crate::model::exit::ExitCode;
use crate::model::outcome::{ErrorInfo, RunStatus};
use crate::model::report::{ReportFold, RunReport};
use crate::report::{diagnostics, formatter};

/// The report of a run that could not be.
pub(super) fn could_not_run(request: &RunRequest, loaded: &Loaded, error: &AppError) -> RunReport {
    let found = if error.diagnostics().is_empty() { &loaded.diagnostics } else { error.diagnostics() };
    RunReport {
        contract: loaded.info.clone(),
        exit_code: error.exit_code(),
        diagnostics: found.iter().map(|d| diagnostics::to_info(&loaded.sources, d)).collect(),
        error: Some(error.info()),
        ..asked_for(request)
    }
}

/// The report of a run that had nothing to do, because somebody said so.
pub(super) fn did_nothing(request: &RunRequest) -> RunReport {
    RunReport { status: RunStatus::Success, ..asked_for(request) }
}

/// A run that never began, as far as it is known what it was to be.
fn asked_for(request: &RunRequest) -> RunReport {
    let is_at_once = || match (request.jobs, &request.stage) {
        (Some(jobs), _) => jobs > 1,
        // Only the parts of a pipeline wait for each other.
        (None, Some(stage)) => request.contract.is_none() && stage.pipeline.is_empty(),
        (None, None) => false,
    };
    let mode = request.mode.unwrap_or_else(|| if is_at_once() { Mode::Async } else { Mode::Sync });
    RunReport { stage: request.stage.as_ref().map(|stage| stage.name.clone()), mode, ..never_began() }
}

/// What is alike in all reports of runs that never began.
pub(super) fn never_began() -> RunReport {
    RunReport {
        correlation_id: CorrelationId::fresh(),
        status: RunStatus::Failed,
        started_at: SystemClock::start().started_at(),
        ..ReportFold::new(RunId::fresh()).into_report()
    }
}

/// Tells of a command line that cannot be carried out, in a document for a machine that asked for one.
pub fn misuse(format: Format, message: &str, console: &mut Console) -> ExitCode {
    let report = RunReport {
        exit_code: ExitCode::Configuration,
        error: Some(ErrorInfo::new("ConfigurationError", message)),
        ..never_began()
    };
    let mut document = Vec::new();
    let written = formatter(format, console.out_look())
        .report(&report, &mut document)
        .and_then(|()| console.out().write_all(&document));
    finish(written, &mut console.err(), report.exit_code)
}
