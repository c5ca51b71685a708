//! Runs a contract: reads it, plans it, carries it out, and gives its report to whoever asked.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::Environment;
use super::console::Console;
use super::contract::{Loaded, load, mode_and_jobs, obstacles, project_root};
use super::error::AppError;
use super::outbox::Outbox;
use super::plan::finish;
use super::runtime::{RunSetup, Session};
use super::sinks::{EventFile, Sinks};
use crate::base::text::without_controls;
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
    /// A file with inputs as one JSON object; `-` is standard input.
    pub input_file: Option<PathBuf>,
    /// A file for the events.
    pub events: Option<PathBuf>,
}

/// Runs a contract and writes its report to stdout. The exit code is the one that the report names.
pub fn run(request: &RunRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let format = request.format.unwrap_or_else(|| console.default_format());
    let mut formatter = formatter(format, console.out_look());
    let mut loaded = load(&request.contract, &environment.directory);
    let mut out = Outbox::to(io::stdout());
    let mut session = None;
    let ran = prepare(request, environment, &mut loaded).and_then(|prepared| {
        let session = session.insert(Session::start()?);
        tell(console, &loaded, false);
        carry_out(prepared, (format, &mut *formatter, &mut out), (session, environment))
    });
    let report = match ran {
        Ok(report) => with_findings(report, &loaded),
        Err(error) => {
            let report = could_not_run(request, &loaded, &error);
            tell_why(&error, &mut loaded, console);
            report
        }
    };
    // A display that nobody takes any more fails here, too, and is told of below.
    if formatter.report(&report, &mut out).is_err() {
        tracing::debug!("the display was closed before the report");
    }
    let done = out.close();
    let written = match &mut session {
        Some(session) => session.wait_for(done),
        None => done.blocking_recv().ok(),
    };
    match written {
        Some(written) => finish(written, console, report.exit_code),
        // Somebody did not want to wait for a reader that does not read.
        None => report.exit_code.max(ExitCode::ExecutionFailed),
    }
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

fn prepare(
    request: &RunRequest,
    environment: &Environment,
    loaded: &mut Loaded,
) -> Result<Prepared, AppError> {
    let plan = loaded.require_plan()?;
    let (mode, jobs) = mode_and_jobs(&plan, (request.mode, request.jobs), request.cores);
    let dry_run = mode == Mode::DryRun;
    let jobs = bounded(jobs);
    let workflow = plan.workflow();
    let values = request.input_file.as_deref().map(|file| read_inputs(file, environment)).transpose()?;
    let inputs = resolve_inputs(&workflow.inputs, &request.inputs, values.unwrap_or_default());
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
            single_attempts: false,
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
        events: request.events.as_deref().map(|path| event_file(path, &loaded.path)).transpose()?,
        plan,
    })
}

/// The inputs of a file, or of standard input: one JSON object.
fn read_inputs(file: &Path, environment: &Environment) -> Result<Map<String, Value>, AppError> {
    let failed = |problem: String| AppError::Input { path: file.to_path_buf(), problem };
    let read = if file == Path::new("-") {
        read_bounded(&mut io::stdin())
    } else {
        File::open(environment.directory.join(file)).and_then(|mut opened| read_bounded(&mut opened))
    };
    let text = read.map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text)
        .map_err(|error| failed(format!("it is not one JSON object with inputs: {error}")))
}

/// The text of a reader that may be endless.
fn read_bounded(reader: &mut dyn Read) -> io::Result<String> {
    const MOST: u64 = 32 * 1024 * 1024;
    let mut text = String::new();
    reader.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST { Err(io::Error::other("it is larger than 32 MiB")) } else { Ok(text) }
}

/// As many at once as there are open files for: a node that cannot be started for want of one has not failed.
fn bounded(jobs: usize) -> usize {
    let most = crate::process::most_at_once();
    if jobs > most {
        tracing::warn!("the limit on open files (`ulimit -n`) lets {most} nodes run at once, not {jobs}");
    }
    jobs.min(most)
}

fn event_file(path: &Path, contract: &Path) -> Result<EventFile, AppError> {
    // Two names can mean one file.
    let same =
        path.canonicalize().is_ok_and(|path| contract.canonicalize().is_ok_and(|contract| path == contract));
    if same {
        let source = io::Error::other("it is the contract");
        return Err(AppError::Output { path: path.to_path_buf(), source });
    }
    EventFile::create(path)
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

fn carry_out(
    prepared: Prepared,
    (format, formatter, out): (Format, &mut dyn Formatter, &mut Outbox),
    (session, environment): (&mut Session, &Environment),
) -> Result<RunReport, AppError> {
    let Prepared { plan, preview, run_id, settings, started, root, events } = prepared;
    let (mode, jobs) = (started.context.mode, started.context.jobs);
    tracing::info!(%run_id, root = %root.display(), %mode, jobs, "run begins");
    let setup = RunSetup { run_id, settings, started, root, environment };
    let out_closed = match &preview {
        Some(preview) if format == Format::Human => formatter.plan(preview, out).is_err(),
        _ => false,
    };
    let mut sinks = Sinks { formatter, out, out_closed, events };
    let report = session.carry_out(Arc::new(plan), setup, &mut sinks)?;
    // Best effort: the run is worth more than its recording, so a failure is said once and changes nothing.
    if let Some(Some(Err(error))) = sinks.events.map(|events| session.wait_for(events.close())) {
        tracing::warn!(%error, "events are not recorded to their end");
    }
    Ok(report)
}

fn with_findings(report: RunReport, loaded: &Loaded) -> RunReport {
    let infos = loaded.diagnostics.iter().map(|d| diagnostics::to_info(&loaded.sources, d));
    RunReport { diagnostics: infos.collect(), ..report }
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

/// Says on stderr why nothing ran. Where nobody can read that, the report still says it.
fn tell_why(error: &AppError, loaded: &mut Loaded, console: &mut Console) {
    let found = error.diagnostics();
    if found.is_empty() {
        if writeln!(console.err(), "error: {}", without_controls(&error.to_string())).is_err() {
            tracing::debug!("standard error is closed");
        }
        return;
    }
    loaded.diagnostics = found.to_vec();
    tell(console, loaded, true);
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
