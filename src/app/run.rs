//! Runs a contract: reads it, plans it, carries it out, and gives its report to whoever asked.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Environment;
use super::basis::Basis;
use super::changes::ChangeWish;
use super::console::Console;
use super::contract::{Loaded, mode_and_jobs, obstacles, project_root};
use super::denial;
use super::error::AppError;
use super::github::{Step, on_stdout};
use super::inputs::read_inputs;
use super::last_run::LastRun;
use super::outbox::{Done, Outbox};
use super::permission::{Asked, Granted, Permission, StageParts, permitted};
use super::place::Place;
use super::places::NodePlaces;
use super::plan::{finish, notes};
use super::reports::{ReportWish, Reports, same_file};
use super::runtime::{RunSetup, Session};
use super::sandboxes;
use super::screen::Writer;
use super::selection::{Selection, narrow};
use super::settings::Configuration;
use super::settle::{DIFF, Suspects, fail, how_programs_ended, settle};
use super::shown::Shown;
use super::sinks::{EventFile, Live, LogFile, Sinks};
use super::stage::StageWish;
use super::testing::{self, TestWish};
use super::unbegun::{could_not_run, did_nothing};
use crate::base::text::without_controls;
use crate::base::{CorrelationId, RunId};
use crate::contract::resolve_inputs;
use crate::diag::{Diagnostic, Severity};
use crate::engine::machine::Settings;
use crate::engine::ports::Guard;
use crate::executors::Given;
use crate::model::context::{ExecutionContext, Format, Mode};
use crate::model::event::{PlannedNode, RunStarted};
use crate::model::exit::ExitCode;
use crate::model::plan_view::PlanView;
use crate::model::profile::ProfileFold;
use crate::model::report::RunReport;
use crate::plan::{Plan, ViewContext, view};
use crate::process::Enforcement;
use crate::report::{Formatter, Look, Volume, diagnostics};

/// What was asked for, as far as it does not depend on the contract.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The contract; nothing where a stage runs what it finds.
    pub contract: Option<PathBuf>,
    /// The stage, where one was named.
    pub stage: Option<StageWish>,
    /// The commit that contracts and components come from, where that was said.
    pub contracts_from: Option<String>,
    /// The nodes that were asked for.
    pub selection: Selection,
    /// The project root, where one was named.
    pub root: Option<PathBuf>,
    /// The form of the report, where one was named.
    pub format: Option<Format>,
    /// How the run goes about its nodes, where that was said.
    pub mode: Option<Mode>,
    /// The most nodes at once, where that was said.
    pub jobs: Option<usize>,
    /// How often the whole workflow is run, in profile mode and in the stage `test`.
    pub repeat: u32,
    /// What is asked of it as a run of tests.
    pub testing: TestWish,
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
    /// A file for the structured log; `-` is stderr.
    pub log: Option<PathBuf>,
    /// Reports beside the one on stdout.
    pub reports: Vec<ReportWish>,
    /// Whether only what somebody trusts may run.
    pub require_trusted: bool,
    /// The time for one attempt of a node that says none, where settings name one.
    pub attempt_timeout: Option<Duration>,
    /// The settings files that this comes from. Nothing runs where one is not in order.
    pub configuration: Arc<Configuration>,
}

/// What there is to run, beside its plan.
#[derive(Debug)]
pub(super) enum Ready {
    /// One contract.
    Contract,
    /// What a stage has composed.
    Stage(Box<ReadyStage>),
}

/// What a stage needs beside what a contract needs.
#[derive(Debug)]
pub(super) struct ReadyStage {
    /// What was asked for.
    pub context: ExecutionContext,
    /// Where it runs.
    pub place: Place,
    /// The files of each node.
    pub given: Arc<Given>,
    /// What is wanted of files that programs change.
    pub changes: ChangeWish,
    /// For each node, the full name of the component or contract that it came of.
    pub owners: Vec<String>,
    /// What is remembered of the stage, where it runs something.
    pub last_run: Option<LastRun>,
    /// What runs, for those who decide whether it may.
    pub parts: StageParts,
}

/// Runs a contract or a stage and writes its report to stdout. The exit code is the one that the report names.
pub fn run(request: &RunRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    crate::process::keep_files_back();
    if let Err(error) = request.configuration.in_order() {
        let loaded = Loaded { sources: request.configuration.sources.clone(), ..Loaded::default() };
        return run_loaded(request, (loaded, Err(error)), environment, console).0;
    }
    match (&request.contract, &request.stage) {
        (None, Some(stage)) => super::stage::run(stage, request, environment, console),
        (contract, _) => {
            let contract = contract.as_deref().unwrap_or(Path::new("contract.yaml"));
            if let Some(reference) = &request.contracts_from {
                let found = Basis::of_contract(reference, (contract, request), environment);
                let (loaded, root, ready) = match found {
                    Ok((loaded, permission, root)) => {
                        (loaded, Some(root), Ok(Some((Ready::Contract, permission))))
                    }
                    Err(error) => (Loaded::default(), request.root.clone(), Err(error)),
                };
                let request = RunRequest { root, ..request.clone() };
                return run_loaded(&request, (loaded, ready), environment, console).0;
            }
            let stage = request.stage.as_ref().map(|stage| stage.name.as_str());
            let (loaded, permission) = permitted(contract, (stage, request), environment);
            let ready = permission.map(|permission| Some((Ready::Contract, permission)));
            run_loaded(request, (loaded, ready), environment, console).0
        }
    }
}

/// Runs what was loaded, or says why it cannot be run; or says that nothing was to be run.
pub(super) fn run_loaded(
    request: &RunRequest,
    (mut loaded, ready): (Loaded, Result<Option<(Ready, Permission)>, AppError>),
    environment: &Environment,
    console: &mut Console,
) -> (ExitCode, RunReport) {
    let format = request.format.unwrap_or_else(|| console.default_format());
    let mut out = Outbox::to(console.out());
    let mut session = None;
    let mut formatter = on_stdout(format, console.out_look(), console.screen().is_guarded());
    let (claimed, refused) = claimed(request, &loaded, environment);
    let (mut reports, unwritable) = Reports::open(&request.reports, &claimed);
    let step = Step::of(environment);
    let points = step.is_some() || reports.point_into_files();
    let nodes = if points { NodePlaces::of(&loaded) } else { NodePlaces::default() };
    let ready = refused.and(unwritable).and(ready);
    let ran = ready.and_then(|ready| {
        let Some(ready) = ready else { return Ok((did_nothing(request), Vec::new())) };
        prepare(request, environment, (&mut loaded, ready)).and_then(|prepared| {
            // Where nobody reads it, a signal has to end this, as it does until the session hears signals.
            tell(console, &loaded);
            let session = session.insert(Session::start(console.screen())?);
            for file in reports.for_people() {
                render(&loaded, (Look::default(), Severity::Warning), file);
            }
            let shown = Shown::of(&prepared.started, format, console);
            formatter = shown.formatter();
            let listeners = Listeners { formatter: &mut *formatter, out: &mut out, reports: &mut reports };
            carry_out(prepared, (&shown, listeners), (session, environment))
        })
    });
    let mut problems = Vec::new();
    let report = match ran {
        Ok((report, found)) => {
            // What was found before is told already.
            let before = std::mem::replace(&mut loaded.diagnostics, found);
            render(&loaded, (console.err_look(), Severity::Warning), &mut problems);
            loaded.diagnostics.splice(0..0, before);
            with_findings(report, &loaded)
        }
        Err(error) => {
            let report = could_not_run(request, &loaded, &error);
            denial::record(&report, (&loaded, request), &console.screen().clone());
            tell_why(&error, &mut loaded, &mut console.err(), console.err_look());
            for file in reports.for_people() {
                tell_why(&error, &mut loaded, file, Look::default());
            }
            report
        }
    };
    let places = points.then(|| nodes.named_in(&report, (&loaded, request.root.as_deref()), environment));
    if let Some(places) = &places {
        reports.places(places);
    }
    let (report, failed) = reports.write(report);
    let diff = report.error.as_ref().and_then(|error| error.context.get(DIFF)?.as_str());
    if let Some(diff) = diff.filter(|_| format == Format::Human) {
        problems.extend_from_slice(without_controls(diff).as_bytes());
    }
    for error in failed {
        tell_why(&error, &mut loaded, &mut problems, console.err_look());
    }
    // A display that nobody takes any more fails here, too, and is told of below.
    if formatter.report(&report, &mut out).is_err() {
        tracing::debug!("the display was closed before the report");
    }
    let done = out.close();
    let code = match wait_for(done, &mut session) {
        Some(written) => finish(written, &mut problems, report.exit_code),
        // Somebody did not want to wait for a reader that does not read.
        None => report.exit_code.max(ExitCode::ExecutionFailed),
    };
    if let (Some(step), Some(places)) = (&step, &places) {
        step.summarise(&report);
        let mut commands = Outbox::to(Writer::commands(Arc::clone(console.screen())));
        let told = match format {
            Format::Human => commands.write_all(step.annotations(&report, places).as_bytes()),
            Format::Json | Format::Yaml => Ok(()),
        };
        if told.is_err() || !matches!(wait_for(commands.close(), &mut session), Some(Ok(()))) {
            tracing::debug!("the annotations were not read");
        }
    }
    if !problems.is_empty() {
        let mut err = Outbox::to(console.err());
        let told = err.write_all(&problems).ok().and_then(|()| wait_for(err.close(), &mut session));
        if !matches!(told, Some(Ok(()))) {
            tracing::debug!("standard error is closed, or nobody reads it");
        }
    }
    (code, report)
}

/// Waits until everything is written; nothing if somebody does not want to wait for that.
fn wait_for(done: Done, session: &mut Option<Session>) -> Option<io::Result<()>> {
    match session {
        Some(session) => session.wait_for(done),
        None => done.blocking_recv().ok(),
    }
}

/// The files that are something else than a report, each with what it is; an error where one is two things.
fn claimed(
    request: &RunRequest,
    loaded: &Loaded,
    environment: &Environment,
) -> (Vec<(PathBuf, &'static str)>, Result<(), AppError>) {
    let inputs = request.input_file.as_ref().map(|file| environment.directory.join(file));
    let mut claimed: Vec<_> =
        [(Some(loaded.path.clone()), "the contract"), (inputs, "the file with the inputs")]
            .into_iter()
            .filter_map(|(file, what)| Some((file?, what)))
            .collect();
    for (file, what) in [(&request.events, "the file for the events"), (&request.log, "the file for the log")]
    {
        let Some(file) = file else { continue };
        if let Some((_, other)) = claimed.iter().find(|(other, _)| same_file(file, other)) {
            let source = io::Error::other(format!("it is {other}"));
            return (claimed, Err(AppError::Output { path: file.clone(), source }));
        }
        claimed.push((file.clone(), what));
    }
    (claimed, Ok(()))
}

/// Who hears of a run from its beginning to its report.
struct Listeners<'a> {
    formatter: &'a mut dyn Formatter,
    out: &'a mut Outbox,
    reports: &'a mut Reports,
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
    contract: PathBuf,
    events: Option<EventFile>,
    log: Logged,
    stage: Option<Box<ReadyStage>>,
    basis: Option<Basis>,
    wish: TestWish,
    guard: Option<Arc<dyn Guard>>,
}

/// Where the structured log goes.
enum Logged {
    Nowhere,
    Here(LogFile),
    OnStderr,
}

fn prepare(
    request: &RunRequest,
    environment: &Environment,
    (loaded, (ready, permission)): (&mut Loaded, (Ready, Permission)),
) -> Result<Prepared, AppError> {
    narrow(loaded, &request.selection)?;
    let plan = loaded.require_plan()?;
    let plan = match request.attempt_timeout {
        Some(timeout) => plan.with_attempt_timeout(timeout),
        None => plan,
    };
    let (asked, stage) = match ready {
        Ready::Contract => {
            let stage = request.stage.as_ref().map(|stage| stage.name.clone());
            (ExecutionContext { stage, ..ExecutionContext::default() }, None)
        }
        Ready::Stage(stage) => (stage.context.clone(), Some(stage)),
    };
    let plan = testing::narrow_further(plan, request, stage.as_deref())?;
    let asked = testing::asked(asked, request, stage.as_deref());
    let (mode, jobs) = mode_and_jobs(&plan, (request.mode, request.jobs), request.cores);
    let dry_run = mode == Mode::DryRun;
    let jobs = bounded(jobs);
    let workflow = plan.workflow();
    let timeout = [request.timeout, workflow.rules.timeout].into_iter().flatten().min();
    let root = match &stage {
        Some(stage) => stage.place.root.clone(),
        None => project_root(&loaded.path, request.root.as_deref())?,
    };
    let declared = loaded.basis.as_ref().map(Basis::declared);
    let asked_for = Asked {
        plan: &plan,
        timeout: timeout.into_iter().chain(workflow.rules.budget.time).min(),
        jobs,
        single_attempts: mode == Mode::Profile,
        directory: &root,
        declared: declared.as_ref(),
        parts: stage.as_ref().map(|stage| &stage.parts),
    };
    let Granted { guard, sandboxes } = permission.judge(&asked_for, loaded)?;
    let plan = plan.with_sandboxes(sandboxes);
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
    if !dry_run {
        sandboxes::check(&plan, environment.enforcement)?;
    }
    let context = ExecutionContext {
        dry_run,
        format: request.format.unwrap_or_default(),
        timeout,
        mode,
        jobs,
        batch: workflow.rules.batch,
        repeat: request.repeat,
        fail_fast: request.fail_fast,
        only: request.selection.only.clone(),
        until: request.selection.until.clone(),
        inputs,
        contracts_from: request.contracts_from.clone(),
        ..asked
    };
    let run_id = RunId::fresh();
    let plan_id = loaded.info.as_ref().map(|info| info.digest.clone()).unwrap_or_default();
    let preview = dry_run.then(|| {
        let mut preview = view(&plan, ViewContext { plan_id, mode, jobs });
        preview.notes.extend(notes(&loaded.diagnostics));
        preview.notes.extend(sandboxes::notes(&plan, environment.enforcement));
        preview
    });
    let plan = if dry_run { plan.dry() } else { plan };
    Ok(Prepared {
        preview,
        run_id,
        settings: Settings {
            jobs,
            fail_fast: context.fail_fast,
            deadline: context.timeout,
            // What is measured is one attempt, not how often it took; and what is repeated is to show its failures.
            single_attempts: mode == Mode::Profile || request.repeat > 1,
            slow_after: context.slow_after,
            seed: run_id.seed(),
            notices: denial::notices(loaded),
        },
        started: RunStarted {
            correlation_id: CorrelationId::fresh(),
            parent_run_id: None,
            contract: loaded
                .info
                .clone()
                .unwrap_or_else(|| unreachable!("a contract that was planned was read")),
            context,
            plan: planned_nodes(&plan, environment.enforcement),
        },
        root,
        stage,
        basis: loaded.basis.take(),
        guard,
        contract: loaded.path.canonicalize().unwrap_or_else(|_| loaded.path.clone()),
        events: request.events.as_deref().map(EventFile::create).transpose()?,
        log: match request.log.as_deref() {
            None => Logged::Nowhere,
            Some(path) if path == Path::new("-") => Logged::OnStderr,
            Some(path) => Logged::Here(LogFile::create(path)?),
        },
        wish: request.testing.clone(),
        plan,
    })
}

/// As many at once as there are open files for: a node that cannot be started for want of one has not failed.
fn bounded(jobs: usize) -> usize {
    let most = crate::process::most_at_once();
    if jobs > most {
        tracing::warn!("the limit on open files (`ulimit -n`) lets {most} nodes run at once, not {jobs}");
    }
    jobs.min(most)
}

fn planned_nodes(plan: &Plan, enforcement: Enforcement) -> Vec<PlannedNode> {
    plan.order()
        .iter()
        .map(|&index| {
            let node = plan.node(index);
            PlannedNode {
                node_id: node.id.clone(),
                kind: node.kind.as_str().to_owned(),
                depends_on: node.depends_on.iter().map(|d| plan.node(d.node).id.clone()).collect(),
                output: node.action.as_ref().map(crate::model::workflow::Action::output).unwrap_or_default(),
                fallback: node.fallback.map(|fallback| plan.node(fallback).id.clone()),
                sandbox: sandboxes::of(node, enforcement),
            }
        })
        .collect()
}

fn carry_out(
    prepared: Prepared,
    (shown, listeners): (&Shown, Listeners<'_>),
    (session, environment): (&mut Session, &Environment),
) -> Result<(RunReport, Vec<Diagnostic>), AppError> {
    let Prepared {
        plan,
        preview,
        run_id,
        settings,
        started,
        root,
        contract,
        events,
        log,
        stage,
        basis,
        wish,
        guard,
    } = prepared;
    let Listeners { formatter, out, reports } = listeners;
    let (mode, jobs) = (started.context.mode, started.context.jobs);
    tracing::info!(%run_id, root = %root.display(), %mode, jobs, "run begins");
    let out_closed = match &preview {
        Some(preview) if shown.format == Format::Human => formatter.plan(preview, out).is_err(),
        _ => false,
    };
    let live = shown.live(&started);
    let log = match log {
        Logged::Nowhere => None,
        Logged::Here(file) => Some(file),
        Logged::OnStderr => Some(LogFile::on(Writer::err(Arc::clone(&shown.screen)))),
    };
    let profile = (mode == Mode::Profile).then(ProfileFold::default);
    let mut sinks = Sinks {
        formatter,
        out,
        out_closed,
        display: shown.display(&plan),
        live,
        reports,
        events,
        log,
        profile,
    };
    let plan = Arc::new(plan);
    let inside = stage.as_ref().map(|stage| stage.place.environment(environment));
    let environment = inside.as_ref().unwrap_or(environment);
    let (given, place, memory) = match stage {
        Some(stage) => {
            (stage.given, Some((stage.place, stage.changes)), Some((stage.last_run, stage.owners)))
        }
        None => (Arc::default(), None, None),
    };
    let links = place.as_ref().map(|(place, _)| place.links()).unwrap_or_default();
    let declared = basis.as_ref().map(Basis::declared);
    let mut setup =
        RunSetup { run_id, settings, started, root, contract, environment, given, declared, guard, links };
    let mut report = testing::carry_out(session, &plan, &mut setup, &mut sinks)?;
    let Sinks { display, live, events, log, profile, .. } = sinks;
    report.profile = profile.map(|fold| fold.profile());
    let mut found = Vec::new();
    if let Some((place, wish)) = place.filter(|_| mode != Mode::DryRun) {
        let inside = place.inside().to_path_buf();
        match place.finish(&setup.run_id.to_string(), wish, how_programs_ended(&report)) {
            Ok(changes) => {
                let suspects = Suspects::of(&plan, &setup.given, &inside);
                found = settle(&changes, &suspects, &mut report);
            }
            // What ran is worth telling, whatever became of it.
            Err(error) => fail(error.info(), error.exit_code(), &mut report),
        }
    }
    testing::settle(&mut report, &wish);
    if let Some((Some(last_run), owners)) = memory.filter(|_| setup.started.context.is_remembered) {
        last_run.record(&report, (&plan, &owners));
    }
    let beside = match live {
        Some(Live::Beside(_, out)) => Some(out.close()),
        Some(Live::Display) | None => None,
    };
    for shown in beside.into_iter().chain(display.stop()) {
        if session.wait_for(shown).is_none_or(|shown| shown.is_err()) {
            tracing::debug!("the display beside the report was closed");
        }
    }
    // Best effort: the run is worth more than its recording, so a failure is said once and changes nothing.
    if let Some(Some(Err(error))) = events.map(|events| session.wait_for(events.close())) {
        tracing::warn!(%error, "events are not recorded to their end");
    }
    if let Some(Some(Err(error))) = log.map(|log| session.wait_for(log.close())) {
        tracing::warn!(%error, "the log is not written to its end");
    }
    Ok((report, found))
}

fn with_findings(report: RunReport, loaded: &Loaded) -> RunReport {
    let infos = loaded.diagnostics.iter().map(|d| diagnostics::to_info(&loaded.sources, d));
    RunReport { diagnostics: infos.collect(), ..report }
}

/// Says what was found in the contract, as far as it matters.
fn tell(console: &mut Console, loaded: &Loaded) {
    let look = console.err_look();
    if look.volume > Volume::Quiet {
        render(loaded, (look, Severity::Warning), &mut console.err());
    }
}

fn render(loaded: &Loaded, (look, least): (Look, Severity), out: &mut dyn io::Write) {
    let told: Vec<_> = loaded.diagnostics.iter().filter(|d| d.severity >= least).cloned().collect();
    if diagnostics::render(look, &loaded.sources, &told, out).is_err() {
        tracing::debug!("what was found could not be told");
    }
}

/// Says why nothing ran. Where nobody can read that, the report still says it.
fn tell_why(error: &AppError, loaded: &mut Loaded, out: &mut dyn io::Write, look: Look) {
    let found = error.diagnostics();
    if found.is_empty() {
        if writeln!(out, "error: {}", without_controls(&error.to_string())).is_err() {
            tracing::debug!("standard error is closed");
        }
        return;
    }
    loaded.diagnostics = found.to_vec();
    render(loaded, (look, Severity::Info), out);
}
