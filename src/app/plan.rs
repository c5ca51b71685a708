//! Shows what would run.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use super::Environment;
use super::console::Console;
use super::contract::{Loaded, load, mode_and_jobs, project_root};
use super::error::{AppError, diagnosed};
use super::permission::{Asked, Permission};
use super::sandboxes;
use super::selection::{Selection, narrow};
use super::settings::Configuration;
use crate::config::{Set, keys};
use crate::diag::{Diagnostic, Severity, SourceMap, codes, sort_by_position};
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
    /// The time for one attempt of a node that says none, where settings name one.
    pub attempt_timeout: Option<Duration>,
    /// The settings files that this comes from. Nothing is planned where one is not in order.
    pub configuration: Configuration,
}

/// Plans a contract and shows the plan; what was found in it goes to stderr.
pub fn plan(request: &PlanRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let format = request.format.unwrap_or_default();
    let (mut loaded, narrowed) = match request.configuration.in_order() {
        Ok(()) => {
            let mut loaded = load(&request.contract, environment, request.root.as_deref());
            let narrowed = narrow(&mut loaded, &request.selection);
            let narrowed = narrowed.and_then(|()| foretell(request, &mut loaded, environment));
            (loaded, narrowed)
        }
        Err(error) => {
            let (diagnostics, sources) =
                (error.diagnostics().to_vec(), request.configuration.sources.clone());
            (Loaded { diagnostics, sources, ..Loaded::default() }, Err(error))
        }
    };
    // Machines get the errors as data, too.
    if format != Format::Human && loaded.plan.is_none() {
        let infos: Vec<DiagnosticInfo> =
            loaded.diagnostics.iter().map(|d| diagnostics::to_info(&loaded.sources, d)).collect();
        let (error, code) = match narrowed {
            Ok(()) => ("the contract cannot be planned".to_owned(), diagnosed(&loaded.diagnostics)),
            Err(error) => (error.to_string(), error.exit_code()),
        };
        let written = diagnostics::document(format, (&error, &infos), &mut console.out());
        return finish(written, &mut console.err(), code);
    }
    let plan = match tell_and_take(narrowed, &mut loaded, console) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    let plan = match request.attempt_timeout {
        Some(timeout) => plan.with_attempt_timeout(timeout),
        None => plan,
    };
    let (mode, jobs) = mode_and_jobs(&plan, (request.mode, request.jobs), request.cores);
    // What was found has been shown, and the text can be large.
    loaded.sources = SourceMap::default();
    let plan_id = loaded.info.map(|info| info.digest).unwrap_or_default();
    let mut view = view(&plan, ViewContext { plan_id, mode, jobs });
    view.notes.extend(notes(&loaded.diagnostics));
    view.notes.extend(loaded.violations.iter().map(|told| PlanNote {
        code: told.finding.code.to_string(),
        message: told.finding.message.clone(),
        nodes: told.nodes.clone(),
    }));
    view.notes.extend(sandboxes::notes(&plan, environment.enforcement));
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

/// Adds what policies would say of a run.
fn foretell(request: &PlanRequest, loaded: &mut Loaded, environment: &Environment) -> Result<(), AppError> {
    let Some(plan) = loaded.plan.take() else { return Ok(()) };
    let root = project_root(&loaded.path, request.root.as_deref())?;
    let permission = Permission::of((environment, &request.configuration), (None, &root), false);
    let (mode, jobs) = mode_and_jobs(&plan, (request.mode, request.jobs), request.cores);
    let rules = &plan.workflow().rules;
    let by_settings = request.configuration.settings.of_run(None, keys::TIMEOUT).and_then(Set::time);
    let asked = Asked {
        plan: &plan,
        timeout: [rules.timeout, rules.budget.time, by_settings].into_iter().flatten().min(),
        jobs,
        single_attempts: mode == Mode::Profile,
        directory: &root,
        declared: None,
        parts: None,
    };
    let granted = permission.foretell(&asked, loaded);
    sort_by_position(&mut loaded.diagnostics);
    loaded.plan = Some(plan.with_sandboxes(granted.sandboxes));
    Ok(())
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
        Ok(()) | Err(AppError::Settings(_)) => {
            diagnostics::render(look, &loaded.sources, &loaded.diagnostics, &mut err)
        }
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
