//! Shows what would run.

use std::io::Write;
use std::path::PathBuf;

use super::Environment;
use super::console::Console;
use super::contract::{load, mode_and_jobs};
use super::error::diagnosed;
use crate::diag::{Severity, SourceMap};
use crate::model::context::{Format, Mode};
use crate::model::exit::ExitCode;
use crate::model::report::DiagnosticInfo;
use crate::plan::{ViewContext, view};
use crate::report::{diagnostics, formatter};

/// What to plan, and how to show it.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The contract.
    pub contract: PathBuf,
    /// The form of the plan; for people where none is named.
    pub format: Option<Format>,
    /// How the run would go about its nodes.
    pub mode: Option<Mode>,
    /// The most nodes at once.
    pub jobs: Option<usize>,
    /// The number of processors.
    pub cores: usize,
}

/// Plans a contract and shows the plan; what was found in it goes to stderr.
pub fn plan(request: &PlanRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let mut loaded = load(&request.contract, &environment.directory, None);
    let look = console.err_look();
    let format = request.format.unwrap_or_default();
    // Machines get the errors as data, too.
    if format == Format::Json && loaded.plan.is_none() {
        let infos: Vec<DiagnosticInfo> =
            loaded.diagnostics.iter().map(|d| diagnostics::to_info(&loaded.sources, d)).collect();
        let written = diagnostics::document("the contract cannot be planned", &infos, &mut console.out());
        return finish(written, &mut console.err(), diagnosed(&loaded.diagnostics));
    }
    let told = diagnostics::render(look, &loaded.sources, &loaded.diagnostics, &mut console.err());
    if told.is_err() {
        tracing::debug!("standard error is closed");
    }
    let plan = match loaded.require_plan() {
        Ok(plan) => plan,
        Err(error) => return error.exit_code(),
    };
    let (mode, jobs) = mode_and_jobs(&plan, (request.mode, request.jobs), request.cores);
    // What was found has been shown, and the text can be large.
    loaded.sources = SourceMap::default();
    let plan_id = loaded.info.map(|info| info.digest).unwrap_or_default();
    let view = view(&plan, ViewContext { plan_id, mode, jobs });
    let look = console.out_look();
    let shown = {
        let mut out = std::io::BufWriter::with_capacity(64 * 1024, console.out());
        formatter(format, look).plan(&view, &mut out).and_then(|()| out.flush())
    };
    debug_assert!(!loaded.diagnostics.iter().any(|d| d.severity == Severity::Error));
    // The process ends here: a million small pieces need not be given back one by one.
    std::mem::forget((view, plan));
    finish(shown, &mut console.err(), ExitCode::Success)
}

/// A reader that has seen enough is no failure; a report that cannot be written is one.
pub(super) fn finish(written: std::io::Result<()>, err: &mut dyn Write, code: ExitCode) -> ExitCode {
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            if writeln!(err, "error: cannot write the report: {error}").is_err() {
                tracing::debug!("standard error is closed");
            }
            code.max(ExitCode::ExecutionFailed)
        }
        _ => code,
    }
}
