//! Shows what would run.

use std::io::Write;
use std::path::PathBuf;

use super::Environment;
use super::console::Console;
use super::contract::{Loaded, load, mode_and_jobs};
use super::error::{AppError, diagnosed};
use super::selection::{Selection, narrow};
use crate::diag::{Diagnostic, Severity, SourceMap, codes};
use crate::model::context::{Format, Mode};
use crate::model::exit::ExitCode;
use crate::model::plan_view::PlanNote;
use crate::model::report::DiagnosticInfo;
use crate::plan::{Plan, ViewContext, view};
use crate::report::{diagnostics, formatter};

/// What to plan, and how to show it.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The contract.
    pub contract: PathBuf,
    /// The nodes that were asked for.
    pub selection: Selection,
    /// The project root, where one was named.
    pub root: Option<PathBuf>,
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
    let mut loaded = load(&request.contract, environment, request.root.as_deref());
    let format = request.format.unwrap_or_default();
    let narrowed = narrow(&mut loaded, &request.selection);
    // Machines get the errors as data, too.
    if format == Format::Json && loaded.plan.is_none() {
        let infos: Vec<DiagnosticInfo> =
            loaded.diagnostics.iter().map(|d| diagnostics::to_info(&loaded.sources, d)).collect();
        let (error, code) = match narrowed {
            Ok(()) => ("the contract cannot be planned".to_owned(), diagnosed(&loaded.diagnostics)),
            Err(error) => (error.to_string(), error.exit_code()),
        };
        let written = diagnostics::document(&error, &infos, &mut console.out());
        return finish(written, &mut console.err(), code);
    }
    let plan = match tell_and_take(narrowed, &mut loaded, console) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    let (mode, jobs) = mode_and_jobs(&plan, (request.mode, request.jobs), request.cores);
    // What was found has been shown, and the text can be large.
    loaded.sources = SourceMap::default();
    let plan_id = loaded.info.map(|info| info.digest).unwrap_or_default();
    let mut view = view(&plan, ViewContext { plan_id, mode, jobs });
    view.notes.extend(notes(&loaded.diagnostics));
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

/// What was found in a contract of retries that the rules ask for in vain.
pub(super) fn notes(found: &[Diagnostic]) -> impl Iterator<Item = PlanNote> {
    let of_retries = found.iter().filter(|finding| {
        finding.code == codes::MEANINGLESS_RULE && finding.message.contains("`max_retries`")
    });
    of_retries.map(|finding| PlanNote {
        code: finding.code.to_string(),
        message: finding.message.clone(),
        nodes: Vec::new(),
    })
}

/// Says what was found in a contract, and gives its plan; the exit code where there is none.
pub(super) fn tell_and_take(
    narrowed: Result<(), AppError>,
    loaded: &mut Loaded,
    console: &mut Console,
) -> Result<Plan, ExitCode> {
    let look = console.err_look();
    let mut err = console.err();
    let told = match &narrowed {
        Ok(()) => diagnostics::render(look, &loaded.sources, &loaded.diagnostics, &mut err),
        Err(error) => writeln!(err, "error: {error}"),
    };
    if told.is_err() {
        tracing::debug!("standard error is closed");
    }
    narrowed.and_then(|()| loaded.require_plan()).map_err(|error| error.exit_code())
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
