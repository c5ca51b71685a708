//! The driver with executors, sinks and signals that are made up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::worlds::{command, started};
use crate::base::stop::{StopLevel, StopReceiver};
use crate::base::{Clock, Mono, NodeId, RunId, SystemClock, clock};
use crate::engine::driver::{self, Ports};
use crate::engine::machine::Settings;
use crate::engine::ports::{
    AttemptOutcome, AttemptRequest, BoxFuture, CircuitError, CircuitKey, Circuits, Executor, Heard, Signals,
    Sink, SinkError,
};
use crate::model::breaker::BreakerState;
use crate::model::event::{EventKind, RunEvent};
use crate::model::exit::ExitCode;
use crate::model::outcome::{NodeStatus, RunStatus};
use crate::model::output::OutputFormat;
use crate::model::report::{ReportFold, RunReport};
use crate::model::workflow::{Action, Dependency, EdgeCondition, NodeKind, NodeSpec, Rules, Workflow};
use crate::plan::Plan;

/// A chain of nodes with these ids that goes on after failures.
fn chain(ids: &[&str]) -> Arc<Plan> {
    let nodes = ids
        .iter()
        .enumerate()
        .map(|(index, id)| NodeSpec {
            kind: NodeKind::Validator,
            depends_on: (index > 0)
                .then(|| Dependency {
                    node: index - 1,
                    on: EdgeCondition::Finished,
                    span: Default::default(),
                })
                .into_iter()
                .collect(),
            action: Some(command()),
            action_key: Some("run"),
            ..NodeSpec::new(NodeId::new(id).unwrap())
        })
        .collect();
    let rules = Rules { keep_going: true, ..Rules::default() };
    Arc::new(Plan::new(Arc::new(Workflow { nodes, rules, ..Workflow::default() })).unwrap())
}

/// Carries out attempts by a function of the request.
struct Made<F>(F);

impl<F> Executor for Made<F>
where
    F: Fn(AttemptRequest, StopReceiver) -> BoxFuture<'static, AttemptOutcome> + Send + Sync,
{
    fn execute(&self, request: AttemptRequest, stop: StopReceiver) -> BoxFuture<'static, AttemptOutcome> {
        self.0(request, stop)
    }
}

/// Signals that come at once, as many as there are.
struct Coming(VecDeque<()>);

impl Signals for Coming {
    fn next(&mut self) -> BoxFuture<'_, Heard> {
        match self.0.pop_front() {
            Some(()) => Box::pin(async {
                tokio::task::yield_now().await;
                Heard::Stop
            }),
            None => Box::pin(std::future::pending()),
        }
    }
}

/// Circuits that last as long as their value.
#[derive(Default)]
pub(super) struct MemoryCircuits(pub BTreeMap<CircuitKey, BreakerState>);

impl Circuits for MemoryCircuits {
    fn update(
        &mut self,
        circuit: &CircuitKey,
        change: &mut dyn FnMut(BreakerState) -> BreakerState,
    ) -> Result<(), CircuitError> {
        let state = self.0.entry(circuit.clone()).or_default();
        *state = change(std::mem::take(state));
        Ok(())
    }
}

/// Records until it has seen so many events, then fails for good.
struct Failing(usize);

impl Sink for Failing {
    fn record(&mut self, _: &RunEvent, _: &ReportFold) -> Result<(), SinkError> {
        self.0 = self.0.saturating_sub(1);
        if self.0 == 0 { Err(SinkError("full".to_owned())) } else { Ok(()) }
    }
}

fn drive(
    plan: &Arc<Plan>,
    executor: impl Executor + 'static,
    (signals, events): (usize, usize),
) -> RunReport {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ports = Ports {
        clock: &SystemClock::start(),
        executor: Arc::new(executor),
        sink: &mut Failing(events),
        signals: &mut Coming((0..signals).map(|_| ()).collect()),
        circuits: &mut MemoryCircuits::default(),
    };
    let settings = Settings { jobs: 1, ..Settings::default() };
    runtime.block_on(driver::run(Arc::clone(plan), (RunId::from_bits(1), settings), started(plan), ports))
}

const EVERY_EVENT: usize = usize::MAX;

fn printing(text: &str) -> AttemptOutcome {
    AttemptOutcome { stdout: text.as_bytes().to_vec(), ..AttemptOutcome::default() }
}

#[test]
fn an_executor_that_breaks_fails_its_node_and_not_the_run() {
    let plan = chain(&["breaks", "after"]);
    let executor = Made(|request: AttemptRequest, _| -> BoxFuture<'static, AttemptOutcome> {
        Box::pin(async move {
            assert!(request.node_id.as_str() != "breaks", "planted");
            printing("fine")
        })
    });
    let report = drive(&plan, executor, (0, EVERY_EVENT));
    let [broken, after] = report.results.as_slice() else { panic!("{report:?}") };
    assert_eq!((broken.status, after.status), (NodeStatus::Failed, NodeStatus::Completed));
    assert!(broken.error.as_ref().unwrap().message.starts_with("onex itself broke"), "{broken:?}");
    assert_eq!(report.exit_code, ExitCode::Protocol);
}

#[test]
fn each_node_is_told_of_those_that_it_waited_for() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let executor = Made(move |request: AttemptRequest, _| -> BoxFuture<'static, AttemptOutcome> {
        seen.lock().unwrap().push(request.results.as_ref().to_owned());
        Box::pin(std::future::ready(printing("value\n")))
    });
    drive(&chain(&["a", "b"]), executor, (0, EVERY_EVENT));
    let expected = [
        r#"{"inputs":{},"nodes":{}}"#,
        r#"{"inputs":{},"nodes":{"a":{"status":"completed","value":"value","outputs":{},"return_code":null,"attempts":1,"truncated":false}}}"#,
    ];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn a_record_that_cannot_be_kept_cancels_the_run() {
    let plan = chain(&["a", "b", "c"]);
    // run_started, node_ready, attempt_started, attempt_finished, node_completed: the next cannot be recorded.
    let executor =
        Made(|_, _| -> BoxFuture<'static, AttemptOutcome> { Box::pin(std::future::ready(printing(""))) });
    let report = drive(&plan, executor, (0, 6));
    let statuses: Vec<_> = report.results.iter().map(|r| r.status).collect();
    assert_eq!(statuses, [NodeStatus::Completed, NodeStatus::Failed, NodeStatus::Skipped], "{report:?}");
    assert_eq!((report.status, report.exit_code), (RunStatus::Failed, ExitCode::ExecutionFailed));
    assert_eq!(report.error.unwrap().kind, "StateError");
}

#[test]
fn a_value_that_is_not_kept_is_no_value() {
    let json = format!("\"{}\"", "x".repeat(40 * 1024 * 1024));
    let executor = Made(move |_, _| -> BoxFuture<'static, AttemptOutcome> {
        Box::pin(std::future::ready(printing(&json)))
    });
    let mut plan = (*chain(&["fits", "does_not"])).clone();
    let mut workflow = (**plan.workflow()).clone();
    for node in &mut workflow.nodes {
        let Some(Action::Command(command)) = &mut node.action else { panic!("a command") };
        command.output = OutputFormat::Json;
    }
    plan = Plan::new(Arc::new(workflow)).unwrap();
    let report = drive(&Arc::new(plan), executor, (0, EVERY_EVENT));
    let reasons: Vec<_> =
        report.results.iter().map(|r| (r.status, r.reason.as_deref(), r.truncated)).collect();
    assert_eq!(reasons, [(NodeStatus::Completed, None, false), (NodeStatus::Failed, Some("protocol"), true)]);
    assert!(report.results[1].error.as_ref().unwrap().message.contains("its value is lost"));
}

#[test]
fn signals_reach_a_running_attempt_and_rise() {
    let levels = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&levels);
    let executor = Made(move |_, mut stop: StopReceiver| -> BoxFuture<'static, AttemptOutcome> {
        let seen = Arc::clone(&seen);
        Box::pin(async move {
            let mut level = StopLevel::None;
            while level < StopLevel::Kill {
                level = stop.above(level).await;
                seen.lock().unwrap().push(level);
            }
            AttemptOutcome { stopped: true, ..AttemptOutcome::default() }
        })
    });
    let report = drive(&chain(&["a"]), executor, (2, EVERY_EVENT));
    assert_eq!(levels.lock().unwrap().last(), Some(&StopLevel::Kill));
    assert_eq!(
        (report.status, report.results[0].reason.as_deref()),
        (RunStatus::Cancelled, Some("cancelled"))
    );
}

#[test]
fn events_are_numbered_without_a_gap() {
    struct Numbers(Vec<(u64, bool)>);
    impl Sink for Numbers {
        fn record(&mut self, event: &RunEvent, _: &ReportFold) -> Result<(), SinkError> {
            self.0.push((event.seq, matches!(event.kind, EventKind::RunFinished { .. })));
            Ok(())
        }
    }
    let plan = chain(&["a", "b"]);
    let mut sink = Numbers(Vec::new());
    let executor =
        Made(|_, _| -> BoxFuture<'static, AttemptOutcome> { Box::pin(std::future::ready(printing(""))) });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ports = Ports {
        clock: &SystemClock::start(),
        executor: Arc::new(executor),
        sink: &mut sink,
        signals: &mut Coming(VecDeque::new()),
        circuits: &mut MemoryCircuits::default(),
    };
    let settings = Settings { jobs: 1, ..Settings::default() };
    runtime.block_on(driver::run(Arc::clone(&plan), (RunId::from_bits(1), settings), started(&plan), ports));
    assert!(sink.0.iter().enumerate().all(|(at, &(seq, _))| seq == at as u64));
    assert_eq!(sink.0.iter().filter(|(_, last)| *last).count(), 1);
}

/// A clock of a run that is paused all the time.
struct Asleep(SystemClock);

impl Clock for Asleep {
    fn now(&self) -> Mono {
        self.0.now()
    }

    fn started_at(&self) -> DateTime<Utc> {
        self.0.started_at()
    }

    fn asleep(&self) -> Duration {
        self.0.now().since_start()
    }

    fn unix_ms(&self) -> u64 {
        self.0.unix_ms()
    }
}

#[test]
fn a_pause_is_no_time_of_a_node() {
    let slow = |stop: &mut StopReceiver| {
        let mut stop = stop.clone();
        Box::pin(async move {
            tokio::select! {
                _ = stop.above(StopLevel::None) => AttemptOutcome { stopped: true, ..printing("") },
                () = clock::sleep(Duration::from_millis(60)) => printing("done"),
            }
        })
    };
    let run = |clock: &dyn Clock| {
        let mut workflow = Workflow::clone(chain(&["a"]).workflow());
        workflow.nodes[0].timeout = Duration::from_millis(5);
        let plan = Arc::new(Plan::new(Arc::new(workflow)).unwrap());
        let executor =
            Made(move |_, mut stop: StopReceiver| -> BoxFuture<'static, AttemptOutcome> { slow(&mut stop) });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ports = Ports {
            clock,
            executor: Arc::new(executor),
            sink: &mut Failing(EVERY_EVENT),
            signals: &mut Coming(VecDeque::new()),
            circuits: &mut MemoryCircuits::default(),
        };
        let settings = Settings { jobs: 1, ..Settings::default() };
        let report = runtime.block_on(driver::run(
            Arc::clone(&plan),
            (RunId::from_bits(1), settings),
            started(&plan),
            ports,
        ));
        (report.results[0].status, report.results[0].reason.clone())
    };
    assert_eq!(run(&Asleep(SystemClock::start())), (NodeStatus::Completed, None));
    assert_eq!(run(&SystemClock::start()), (NodeStatus::Failed, Some("timeout".to_owned())));
}
