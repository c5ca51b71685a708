//! Parts of a run, and runs that are repeated.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::error::AppError;
use super::last_run::LastRun;
use super::run::{ReadyStage, RunRequest};
use super::runtime::{RunSetup, Session};
use super::settle::fail;
use super::sinks::Sinks;
use crate::base::{RunId, text};
use crate::model::context::{ExecutionContext, Mode};
use crate::model::exit::ExitCode;
use crate::model::outcome::{ErrorInfo, RunStatus};
use crate::model::partition::Partition;
use crate::model::repetition::Repetitions;
use crate::model::report::RunReport;
use crate::orchestrators::StageError;
use crate::plan::Plan;

/// From this time on, a test counts as slow where nobody says otherwise.
pub const SLOW_AFTER: Duration = Duration::from_secs(60);

/// What is asked of a run as a run of tests.
#[derive(Clone, Debug, Default)]
pub struct TestWish {
    /// The part of what is selected that runs.
    pub partition: Option<Partition>,
    /// How often the stage repeats a failed test that says nothing about that itself.
    pub retries: Option<u32>,
    /// How long an attempt takes that counts as slow.
    pub slow_after: Option<Duration>,
    /// Whether only that runs which failed in the last run of the stage.
    pub failed: bool,
    /// Whether nothing is remembered of the run.
    pub no_record: bool,
    /// Whether a flaky test fails the run.
    pub fail_on_flaky: bool,
    /// Whether it is an error that nothing is there to run.
    pub fail_on_empty: bool,
}

/// Leaves out of a plan what is in another part, and then what was done in the last run.
pub(super) fn narrow_further(
    mut plan: Plan,
    request: &RunRequest,
    stage: Option<&ReadyStage>,
) -> Result<Plan, AppError> {
    let owners = stage.map_or(&[][..], |stage| &stage.owners);
    let selected = names(&plan, owners).len();
    let mut said = None;
    if let Some(part) = request.testing.partition {
        plan = plan.part(part, owners);
        if selected > 0 && names(&plan, owners).is_empty() {
            let noun = if stage.is_some() { "component" } else { "node" };
            let all = match selected {
                1 => format!("the only {noun}"),
                many => format!("all {}", text::count(many, noun)),
            };
            said = Some(format!("part {part} is empty: the other parts have {all}"));
        }
    }
    if let Some(last_run) = stage.and_then(|stage| stage.last_run.as_ref()).filter(|_| request.testing.failed)
    {
        let (narrowed, why) = last_run.narrow(plan, owners);
        plan = narrowed;
        said = said.or(why);
    }
    if let Some(said) = said.filter(|_| names(&plan, owners).is_empty()) {
        let fails =
            request.testing.fail_on_empty || request.stage.as_ref().is_some_and(|stage| stage.fail_on_empty);
        if fails {
            return Err(StageError::NothingLeft(said).into());
        }
        tracing::warn!("{said}");
    }
    Ok(plan)
}

/// What is asked of a run, with what is asked of it as a run of tests.
pub(super) fn asked(
    context: ExecutionContext,
    request: &RunRequest,
    stage: Option<&ReadyStage>,
) -> ExecutionContext {
    let wish = &request.testing;
    let runs = request.mode != Some(Mode::DryRun);
    let can_remember = stage.and_then(|stage| stage.last_run.as_ref()).is_some_and(LastRun::is_possible);
    ExecutionContext {
        partition: wish.partition,
        failed: wish.failed,
        is_remembered: can_remember && runs && !wish.no_record,
        retries: wish.retries,
        slow_after: wish.slow_after,
        ..context
    }
}

/// The names of what runs: of components, or of the nodes of a contract.
pub(super) fn names<'p>(plan: &'p Plan, owners: &'p [String]) -> BTreeSet<&'p str> {
    let kept = plan.order().iter().filter(|&&node| !plan.is_left_out(node));
    kept.map(|&node| owners.get(node).map_or_else(|| plan.node(node).id.as_str(), String::as_str)).collect()
}

/// Carries out a plan as often as it was asked for. In profile mode it ends with the first failure; a run that is
/// repeated to find failures goes on.
pub(super) fn carry_out(
    session: &mut Session,
    plan: &Arc<Plan>,
    setup: &mut RunSetup<'_>,
    sinks: &mut Sinks<'_>,
) -> Result<RunReport, AppError> {
    let mut report = session.carry_out(Arc::clone(plan), setup, sinks)?;
    let wanted = setup.started.context.repeat;
    if wanted <= 1 {
        return Ok(report);
    }
    let again = |setup: &mut RunSetup<'_>| {
        setup.run_id = RunId::fresh();
        setup.settings.seed = setup.run_id.seed();
    };
    if setup.started.context.mode == Mode::Profile {
        for _ in 1..wanted {
            if report.status != RunStatus::Success {
                tracing::warn!("the workflow is not repeated any further: what fails is not measured");
                break;
            }
            again(setup);
            report = session.carry_out(Arc::clone(plan), setup, sinks)?;
        }
        return Ok(report);
    }
    let whole = setup.settings.deadline;
    let mut all = Repetitions::new(report);
    while all.runs() < wanted && goes_on(all.report(), setup) {
        // The time is for all repetitions together.
        let spent = Duration::from_millis(all.report().execution_time_ms);
        setup.settings.deadline = whole.map(|whole| whole.saturating_sub(spent));
        again(setup);
        all.add(session.carry_out(Arc::clone(plan), setup, sinks)?);
    }
    Ok(all.into_report())
}

/// Whether another repetition follows these.
fn goes_on(so_far: &RunReport, setup: &RunSetup<'_>) -> bool {
    match so_far.status {
        RunStatus::Success | RunStatus::Partial => true,
        RunStatus::Failed => setup.settings.fail_fast != Some(true),
        RunStatus::Running | RunStatus::Cancelled | RunStatus::TimedOut => false,
    }
}

/// Fails a run for its flaky tests, where that is wanted.
pub(super) fn settle(report: &mut RunReport, wish: &TestWish) {
    let flaky: Vec<Value> =
        report.results.iter().filter(|result| result.flaky).map(|result| result.id().into()).collect();
    if flaky.is_empty() || !wish.fail_on_flaky {
        return;
    }
    let verb = if flaky.len() == 1 { "is" } else { "are" };
    let message = format!("{} {verb} flaky, which fails the run here", text::count(flaky.len(), "test"));
    let mut error = ErrorInfo::new("StepError", message);
    error.context.insert("flaky".to_owned(), flaky.into());
    fail(error, ExitCode::ExecutionFailed, report);
}
