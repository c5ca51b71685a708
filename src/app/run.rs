//! Runs a contract: reads it, plans it, carries it out, and gives its report to whoever asked.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::Environment;
use super::console::Console;
use super::contract::{Loaded, load, mode_and_jobs, obstacles, project_root};
use super::error::AppError;
use super::plan::finish;
use super::runtime::{RunSetup, carry_out};
use super::sinks::{EventFile, Sinks};
use crate::base::{Clock as _, CorrelationId, RunId, SystemClock};
use crate::contract::resolve_inputs;
use crate::diag::Severity;
use crate::engine::machine::Settings;
use crate::model::context::{ExecutionContext, Format, Mode};
use crate::model::event::{PlannedNode, RunStarted};
use crate::model::exit::ExitCode;
use crate::model::outcome::RunStatus;
use crate::model::plan_view::PlanView;
use crate::model::report::{ReportFold, RunReport};
use crate::plan::{Plan, ViewContext, view};
use crate::report::{Formatter, Volume, diagnostics, formatter};

/// What was asked for, as far as it does not depend on the contract.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The contract.
    pub contract: PathBuf,
    /// The project root, where one was named.
    pub root: Option<PathBuf>,
    /// The form of the report, where one was named.
    pub format: Option<Format>,
    /// How the run goes about its nodes, where that was said.
    pub mode: Option<Mode>,
    /// The most nodes at once, where that was said.
    pub jobs: Option<usize>,
    /// The number of processors.
    pub cores: usize,
    /// Whether the first failure stops the run, where that was said.
    pub fail_fast: Option<bool>,
    /// The time for the whole run.
    pub timeout: Option<Duration>,
    /// Inputs given as text, by name.
    pub inputs: Vec<(String, String)>,
    /// Inputs given as values, by name.
    pub input_values: Map<String, Value>,
    /// A file for the events.
    pub events: Option<PathBuf>,
}

/// Runs a contract and writes its report to stdout. The exit code is the one that the report names.
pub fn run(request: &RunRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let format = request.format.unwrap_or_else(|| console.default_format());
    let mut formatter = formatter(format, console.out_look());
    let mut loaded = load(&request.contract, &environment.directory);
    let report = match prepare(request, &mut loaded) {
        Ok(prepared) => {
            tell(console, &loaded, false);
            carry_out_and_show(prepared, (format, &mut *formatter, &loaded), environment, console)
        }
        Err(error) => Err(error),
    };
    let (report, shown) = match report {
        Ok(ended) => ended,
        Err(error) => {
            (could_not_run(request, &loaded, &error), could_not_run_shown(&error, &mut loaded, console))
        }
    };
    let written = shown.and_then(|()| {
        let mut out = io::BufWriter::with_capacity(64 * 1024, console.out());
        formatter.report(&report, &mut out)?;
        out.flush()
    });
    finish(written, console, report.exit_code)
}

/// A run that can begin.
struct Prepared {
    plan: Plan,
    /// What a dry run shows instead of results.
    preview: Option<PlanView>,
    run_id: RunId,
    settings: Settings,
    started: RunStarted,
    root: PathBuf,
    events: Option<EventFile>,
}

fn prepare(request: &RunRequest, loaded: &mut Loaded) -> Result<Prepared, AppError> {
    let plan = loaded.require_plan()?;
    let (mode, jobs) = mode_and_jobs(&plan, (request.mode, request.jobs), request.cores);
    let dry_run = mode == Mode::DryRun;
    let workflow = plan.workflow();
    let inputs = resolve_inputs(&workflow.inputs, &request.inputs, request.input_values.clone());
    // What a run would refuse, its preview only mentions.
    let obstacles = if dry_run { Vec::new() } else { obstacles(&plan, &loaded.diagnostics) };
    let inputs = match inputs {
        Ok(inputs) if obstacles.is_empty() => inputs,
        other => {
            return Err(AppError::Contract(
                obstacles.into_iter().chain(other.err().into_iter().flatten()).collect(),
            ));
        }
    };
    let context = ExecutionContext {
        dry_run,
        format: request.format.unwrap_or_default(),
        timeout: [request.timeout, workflow.rules.timeout].into_iter().flatten().min(),
        mode,
        jobs,
        fail_fast: request.fail_fast,
        inputs,
        ..ExecutionContext::default()
    };
    let run_id = RunId::fresh();
    let plan_id = loaded.info.as_ref().map(|info| info.digest.clone()).unwrap_or_default();
    let preview = dry_run.then(|| view(&plan, ViewContext { plan_id, mode, jobs }));
    let plan = if dry_run { plan.dry() } else { plan };
    Ok(Prepared {
        preview,
        run_id,
        settings: Settings {
            jobs,
            fail_fast: context.fail_fast,
            deadline: context.timeout,
            seed: run_id.seed(),
        },
        started: RunStarted {
            correlation_id: CorrelationId::fresh(),
            parent_run_id: None,
            contract: loaded
                .info
                .clone()
                .unwrap_or_else(|| unreachable!("a contract that was planned was read")),
            context,
            plan: planned_nodes(&plan),
        },
        root: project_root(&loaded.path, request.root.as_deref())?,
        events: request.events.as_deref().map(EventFile::create).transpose()?,
        plan,
    })
}

fn planned_nodes(plan: &Plan) -> Vec<PlannedNode> {
    plan.order()
        .iter()
        .map(|&index| {
            let node = plan.node(index);
            PlannedNode {
                node_id: node.id.clone(),
                kind: node.kind.as_str().to_owned(),
                depends_on: node.depends_on.iter().map(|d| plan.node(d.node).id.clone()).collect(),
                output: node.action.as_ref().map(crate::model::workflow::Action::output).unwrap_or_default(),
            }
        })
        .collect()
}

fn carry_out_and_show(
    prepared: Prepared,
    (format, formatter, loaded): (Format, &mut dyn Formatter, &Loaded),
    environment: &Environment,
    console: &mut Console,
) -> Result<(RunReport, io::Result<()>), AppError> {
    let Prepared { plan, preview, run_id, settings, started, root, events } = prepared;
    let (mode, jobs) = (started.context.mode, started.context.jobs);
    tracing::info!(%run_id, root = %root.display(), %mode, jobs, "run begins");
    let setup = RunSetup { run_id, settings, started, root, environment };
    let mut out = io::LineWriter::new(console.out());
    let shown = match &preview {
        Some(preview) if format == Format::Human => formatter.plan(preview, &mut out),
        _ => Ok(()),
    };
    let mut sinks = Sinks { formatter, out: &mut out, out_error: shown.err(), events };
    let mut report = carry_out(Arc::new(plan), setup, &mut sinks)?;
    let shown = sinks.out_error.take().map_or(Ok(()), Err);
    drop(out);
    report.diagnostics =
        loaded.diagnostics.iter().map(|d| diagnostics::to_info(&loaded.sources, d)).collect();
    Ok((report, shown))
}

/// Says what was found in the contract; `all` includes what is merely good to know.
fn tell(console: &mut Console, loaded: &Loaded, all: bool) {
    let least = if all { Severity::Info } else { Severity::Warning };
    let look = console.err_look();
    if look.volume == Volume::Quiet && !all {
        return;
    }
    let told: Vec<_> = loaded.diagnostics.iter().filter(|d| d.severity >= least).cloned().collect();
    if diagnostics::render(look, &loaded.sources, &told, &mut console.err()).is_err() {
        tracing::debug!("standard error is closed");
    }
}

/// Says on stderr why nothing ran.
fn could_not_run_shown(error: &AppError, loaded: &mut Loaded, console: &mut Console) -> io::Result<()> {
    let found = error.diagnostics();
    if found.is_empty() {
        writeln!(console.err(), "error: {error}")?;
        return Ok(());
    }
    loaded.diagnostics = found.to_vec();
    tell(console, loaded, true);
    Ok(())
}

/// The report of a run that never began.
fn could_not_run(request: &RunRequest, loaded: &Loaded, error: &AppError) -> RunReport {
    let found = if error.diagnostics().is_empty() { &loaded.diagnostics } else { error.diagnostics() };
    let now: DateTime<Utc> = SystemClock::start().started_at();
    RunReport {
        correlation_id: CorrelationId::fresh(),
        contract: loaded.info.clone(),
        mode: request.mode.unwrap_or_default(),
        status: RunStatus::Failed,
        exit_code: error.exit_code(),
        started_at: now,
        diagnostics: found.iter().map(|d| diagnostics::to_info(&loaded.sources, d)).collect(),
        error: Some(error.info()),
        ..ReportFold::new(RunId::fresh()).into_report()
    }
}
