//! Builds the adapters of a run and hands them to the engine. The only place that does.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::runtime::Runtime;

use super::Environment;
use super::error::AppError;
use super::outbox::Done;
use super::screen::Screen;
use super::sinks::Sinks;
use crate::base::{Clock, Mono, RunId, SystemClock, clock};
use crate::engine::driver::{self, Ports};
use crate::engine::machine::Settings;
use crate::engine::ports::{AttemptOutcome, AttemptRequest, BoxFuture, Executor, Guard, Heard, Signals};
use crate::executors::command::CommandExecutor;
use crate::executors::sandbox::Confining;
use crate::executors::{Declared, FileWatch, Given, Scratch};
use crate::model::context::Mode;
use crate::model::event::RunStarted;
use crate::model::report::RunReport;
use crate::plan::Plan;
use crate::process::{self, SignalStream};
use crate::store::FileCircuits;

/// What a run needs beside its plan.
pub(super) struct RunSetup<'a> {
    pub run_id: RunId,
    pub settings: Settings,
    pub started: RunStarted,
    pub root: PathBuf,
    /// The contract's own path, without symbolic links: what its circuits are kept by.
    pub contract: PathBuf,
    pub environment: &'a Environment,
    /// The files of each node.
    pub given: Arc<Given>,
    /// Where programs of the project come from, where that is another tree than `root`.
    pub declared: Option<Declared>,
    /// Who is asked before every attempt; nobody where everything may start.
    pub guard: Option<Arc<dyn Guard>>,
    /// Links below the root that `onex` made, to what it needs of another tree.
    pub links: Vec<PathBuf>,
}

/// The operating system's side of a run: its timers, its children and its signals.
pub(super) struct Session {
    runtime: Runtime,
    signals: StopSignals,
    /// When to give up on readers, once somebody did not want to wait for them.
    give_up_at: Option<tokio::time::Instant>,
}

/// How long readers still have when somebody does not want to wait for them: one that reads gets all of it.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Session {
    /// From here on, signals are heard and do not end the process.
    pub(super) fn start(screen: &Arc<Screen>) -> Result<Self, AppError> {
        process::adopt_orphans().map_err(AppError::System)?;
        // One thread: attempts are processes, and handing events between threads costs more than handling them.
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AppError::System)?;
        let signals = {
            let _inside = runtime.enter();
            let stream = SignalStream::listen().map_err(AppError::System)?;
            StopSignals { stream, screen: Arc::clone(screen) }
        };
        Ok(Self { runtime, signals, give_up_at: None })
    }

    /// Carries out a plan with the machine's own clock, programs and signals.
    pub(super) fn carry_out(
        &mut self,
        plan: Arc<Plan>,
        setup: &RunSetup<'_>,
        sinks: &mut Sinks<'_>,
    ) -> Result<RunReport, AppError> {
        let executor = executor(setup)?;
        let contract = setup.contract.display().to_string();
        let mut circuits = FileCircuits::new(setup.environment.state(), contract);
        let ports = Ports {
            clock: &PausableClock::start(),
            executor,
            sink: sinks,
            signals: &mut self.signals,
            circuits: &mut circuits,
        };
        Ok(self.runtime.block_on(driver::run(
            plan,
            (setup.run_id, setup.settings.clone()),
            setup.started.clone(),
            ports,
        )))
    }

    /// Waits until everything is written; nothing if a signal comes and the reader does not read.
    pub(super) fn wait_for(&mut self, done: Done) -> Option<io::Result<()>> {
        let Self { runtime, signals, give_up_at } = self;
        runtime.block_on(async {
            tokio::select! {
                biased;
                written = done => Some(written.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))),
                () = given_up(signals, give_up_at) => None,
            }
        })
    }
}

fn executor(setup: &RunSetup<'_>) -> Result<Arc<dyn Executor>, AppError> {
    if setup.started.context.mode == Mode::DryRun {
        return Ok(Arc::new(NothingRuns));
    }
    let parent = &setup.environment.temporary;
    let scratch = Scratch::new(parent, setup.run_id)
        .map_err(|source| AppError::Scratch { path: parent.clone(), source })?;
    let environment = setup.environment;
    let confining = Confining {
        enforcement: environment.enforcement,
        home: environment.get("HOME").map(PathBuf::from).filter(|home| home.is_absolute()),
        links: setup.links.clone(),
        sources: setup.declared.as_ref().map(|declared| declared.top.clone()),
    };
    let executor = CommandExecutor::new(setup.root.clone(), environment.inherited(), scratch, confining)
        .with_declared(setup.declared.clone())
        .guarded(setup.guard.clone());
    let executor: Arc<dyn Executor> = Arc::new(Arc::new(executor));
    if setup.given.places.iter().all(Vec::is_empty) {
        return Ok(executor);
    }
    Ok(Arc::new(FileWatch::new(executor, &setup.root, Arc::clone(&setup.given))))
}

/// The executor of a dry run, whose plan starts no node.
struct NothingRuns;

impl Executor for NothingRuns {
    fn execute(
        &self,
        request: AttemptRequest,
        _: crate::base::stop::StopReceiver,
    ) -> BoxFuture<'static, AttemptOutcome> {
        unreachable!("node `{}` was started in a dry run", request.node_id)
    }
}

struct StopSignals {
    stream: SignalStream,
    screen: Arc<Screen>,
}

impl Signals for StopSignals {
    fn next(&mut self) -> BoxFuture<'_, Heard> {
        Box::pin(async {
            match self.stream.next().await {
                process::Heard::Stop => Heard::Stop,
                process::Heard::Suspend => {
                    self.screen.pause();
                    process::suspend_self();
                    self.screen.resume();
                    Heard::Woke
                }
                process::Heard::Resume => Heard::Woke,
            }
        })
    }
}

/// Waits until somebody wants an end, and as long as readers have then. A pause is no end.
async fn given_up(signals: &mut StopSignals, at: &mut Option<tokio::time::Instant>) {
    while at.is_none() {
        if signals.next().await == Heard::Stop {
            *at = Some(tokio::time::Instant::now() + LAST_WORDS);
        }
    }
    if let Some(at) = at {
        clock::sleep(at.saturating_duration_since(tokio::time::Instant::now())).await;
    }
}

/// The clock of a run that can be paused.
struct PausableClock {
    clock: SystemClock,
    asleep_before: Duration,
}

impl PausableClock {
    fn start() -> Self {
        Self { clock: SystemClock::start(), asleep_before: process::time_asleep() }
    }
}

impl Clock for PausableClock {
    fn now(&self) -> Mono {
        self.clock.now()
    }

    fn started_at(&self) -> DateTime<Utc> {
        self.clock.started_at()
    }

    fn asleep(&self) -> Duration {
        process::time_asleep().saturating_sub(self.asleep_before)
    }

    fn unix_ms(&self) -> u64 {
        self.clock.unix_ms()
    }
}
