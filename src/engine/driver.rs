//! Turns what happens into [`Input`] and carries out every [`Action`]. The only place that waits for several things.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};

use super::machine::{Action, Input, Machine, Settings, TimerId};
use super::ports::{
    AttemptOutcome, AttemptRequest, CircuitKey, Circuits, Executor, Heard, Signals, Sink, SinkError, Watcher,
};
use super::unit::{self, UnitEnded};
use crate::base::stop::{self, StopSender};
use crate::base::{Clock, Mono, NodeId, RunId, clock};
use crate::model;
use crate::model::event::{AttemptFinished, EventKind, RunEvent, RunStarted};
use crate::model::outcome::NodeStatus;
use crate::model::output::{Captured, MemoryOutputs, Share, StreamName};
use crate::model::report::{ReportFold, RunReport};
use crate::model::workflow::{BreakerSpec, Stdin};
use crate::plan::Plan;
use crate::resilience::breaker::{self, Admission, Asking, Verdict};

/// The world of one run.
pub struct Ports<'a> {
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Carries out attempts.
    pub executor: Arc<dyn Executor>,
    /// Takes the events.
    pub sink: &'a mut dyn Sink,
    /// Says when to stop.
    pub signals: &'a mut dyn Signals,
    /// Keeps the states of circuits.
    pub circuits: &'a mut dyn Circuits,
}

/// Carries out a plan and gives its report. A failing run is a report, too.
pub async fn run(
    plan: Arc<Plan>,
    (run_id, settings): (RunId, Settings),
    started: RunStarted,
    ports: Ports<'_>,
) -> RunReport {
    let inputs = started.context.inputs.clone();
    let mut driver = Driver {
        machine: Machine::new(Arc::clone(&plan), settings, started),
        no_results: results_document(&inputs, &[]),
        plan,
        inputs,
        run_id,
        seq: 0,
        fold: ReportFold::new(run_id),
        outputs: MemoryOutputs::default(),
        shares: HashMap::new(),
        timers: Timers::default(),
        units: JoinSet::new(),
        running: HashMap::new(),
        started: HashMap::new(),
        stops: HashMap::new(),
        previews: ports.sink.watches().then(mpsc::unbounded_channel),
        ports,
    };
    let mut input = Input::Begin;
    loop {
        driver.step(input);
        if driver.machine.is_finished() {
            return driver.fold.into_report();
        }
        input = driver.next_input().await;
    }
}

struct Driver<'a> {
    machine: Machine,
    plan: Arc<Plan>,
    inputs: Map<String, Value>,
    /// What a node without dependencies is told.
    no_results: Arc<str>,
    run_id: RunId,
    seq: u64,
    fold: ReportFold,
    outputs: MemoryOutputs,
    /// What the last attempts of nodes that may be repeated take of what the run keeps.
    shares: HashMap<usize, Share>,
    timers: Timers,
    units: JoinSet<UnitEnded>,
    running: HashMap<Id, (usize, u32)>,
    started: HashMap<usize, Mono>,
    stops: HashMap<usize, StopSender>,
    /// Pieces of what attempts print, where somebody watches.
    previews: Option<(PreviewSender, PreviewReceiver)>,
    ports: Ports<'a>,
}

/// What attempts print, by the node's index.
type Preview = (usize, StreamName, Vec<u8>);
type PreviewSender = mpsc::UnboundedSender<Preview>;
type PreviewReceiver = mpsc::UnboundedReceiver<Preview>;

impl Driver<'_> {
    /// The time of the machine and of its timers, which stands still while the run is paused.
    fn now(&self) -> Mono {
        let clock = self.ports.clock;
        Mono::at(clock.now().since_start().saturating_sub(clock.asleep()))
    }

    async fn next_input(&mut self) -> Input {
        loop {
            let next_timer = self.timers.next_after(self.now());
            // What is due does not wait for a lull in what ends.
            if let Some((Duration::ZERO, id)) = next_timer {
                self.timers.disarm(id);
                return Input::TimerFired(id);
            }
            tokio::select! {
                biased;
                heard = self.ports.signals.next() => match heard {
                    Heard::Stop => return Input::Signal,
                    Heard::Woke => {}
                },
                preview = next_preview(&mut self.previews) => self.show(preview),
                Some(ended) = self.units.join_next_with_id() => return self.unit_ended(ended),
                // A pause may have come in between.
                () = wait_for(next_timer) => {}
            }
        }
    }

    fn show(&mut self, (node, stream, bytes): Preview) {
        let node_id = &self.plan.node(node).id;
        self.ports.sink.preview(node_id, stream, &bytes);
    }

    fn step(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        let mut sink_failed = false;
        while let Some(input) = inputs.pop_front() {
            let mut actions = Vec::new();
            self.machine.step(self.now(), input, &mut actions);
            for action in actions {
                match action {
                    // What could not be recorded must not happen. The cancel that follows ends the node.
                    Action::Start { node, attempt } if sink_failed => {
                        self.enqueue(
                            node,
                            attempt,
                            AttemptOutcome { stopped: true, ..AttemptOutcome::default() },
                        );
                    }
                    Action::Emit(kind) => {
                        // The machine hears of it once; from the second time on it has nothing left to do.
                        if self.emit(kind).is_err() && !std::mem::replace(&mut sink_failed, true) {
                            inputs.push_back(Input::SinkFailed);
                        }
                    }
                    Action::Admit { node, attempt } => inputs.push_front(self.admit(node, attempt)),
                    Action::Record { node, attempt, verdict } => {
                        inputs.push_front(self.record(node, attempt, verdict));
                    }
                    Action::Start { node, attempt } => self.start(node, attempt),
                    Action::ArmTimer { id, after } => self.timers.arm(id, self.now() + after),
                    Action::DisarmTimer(id) => self.timers.disarm(id),
                    Action::Stop { node, level } => {
                        if let Some(stop) = self.stops.get(&node) {
                            stop.raise(level);
                        }
                    }
                }
            }
        }
    }

    fn admit(&mut self, node: usize, attempt: u32) -> Input {
        let spec = self.plan.node(node);
        let Some(breaker) = &spec.breaker else {
            return Input::Admitted { node, admission: Admission::Pass, moved: None };
        };
        let holder = holder(self.run_id, &spec.id, attempt);
        let asking = Asking { holder: &holder, lease: spec.timeout + LONGEST_STOP };
        let now_ms = self.ports.clock.unix_ms();
        // Where the states cannot be kept, traffic flows: whoever keeps them says so.
        let mut answer = (Admission::Pass, None);
        let updated = self.ports.circuits.update(&circuit_key(breaker, &spec.id), &mut |state| {
            let (state, admission, moved) = breaker::admit(state, breaker, asking, now_ms);
            answer = (admission, moved);
            state
        });
        if let Err(error) = updated {
            tracing::debug!(%error, node = %spec.id, "its circuit is not asked");
            answer = (Admission::Pass, None);
        }
        Input::Admitted { node, admission: answer.0, moved: answer.1 }
    }

    fn record(&mut self, node: usize, attempt: u32, verdict: Verdict) -> Input {
        let spec = self.plan.node(node);
        let Some(breaker) = &spec.breaker else { return Input::Recorded { node, moved: None } };
        let holder = holder(self.run_id, &spec.id, attempt);
        let now_ms = self.ports.clock.unix_ms();
        let mut moved = None;
        let updated = self.ports.circuits.update(&circuit_key(breaker, &spec.id), &mut |state| {
            let (state, change) = breaker::record(state, breaker, (&holder, verdict), now_ms);
            moved = change;
            state
        });
        if let Err(error) = updated {
            tracing::debug!(%error, node = %spec.id, "its circuit is not told");
            moved = None;
        }
        Input::Recorded { node, moved }
    }

    fn emit(&mut self, kind: EventKind) -> Result<(), SinkError> {
        let clock = self.ports.clock;
        let event = RunEvent::at_moment((self.run_id, self.seq), clock.started_at(), clock.now(), kind);
        self.seq += 1;
        self.fold.apply(&event, &self.outputs);
        self.outputs.hand_over();
        self.ports.sink.record(&event, &self.fold)
    }

    fn start(&mut self, node: usize, attempt: u32) {
        let spec = self.plan.node(node);
        if spec.action.is_none() {
            // A plan with unbound nodes is refused before it runs.
            self.enqueue(node, attempt, unit::broken("a node without an action was started"));
            return;
        }
        tracing::debug!(node = %spec.id, attempt, "attempt starts");
        self.started.insert(node, self.now());
        let results =
            if spec.depends_on.is_empty() { Arc::clone(&self.no_results) } else { self.results_for(node) };
        let (run_id, node_id) = (self.run_id, spec.id.clone());
        let workflow = Arc::clone(self.plan.workflow());
        let watcher = self.previews.as_ref().map(|(sender, _)| {
            let sender = sender.clone();
            // Nobody is left to watch once the run is over.
            Arc::new(move |stream, bytes: &[u8]| _ = sender.send((node, stream, bytes.to_vec()))) as Watcher
        });
        let stdin = self.stdin_for(node);
        let request =
            AttemptRequest { run_id, node_id, index: node, attempt, workflow, results, stdin, watcher };
        let (sender, receiver) = stop::channel();
        self.stops.insert(node, sender);
        let handle = self.units.spawn(unit::run(Arc::clone(&self.ports.executor), request, receiver));
        self.running.insert(handle.id(), (node, attempt));
    }

    fn enqueue(&mut self, node: usize, attempt: u32, outcome: AttemptOutcome) {
        let handle = self.units.spawn(std::future::ready(UnitEnded { node, attempt, outcome }));
        self.running.insert(handle.id(), (node, attempt));
    }

    fn unit_ended(&mut self, ended: Result<(Id, UnitEnded), JoinError>) -> Input {
        let ended = match ended {
            Ok((id, ended)) => {
                self.running.remove(&id);
                ended
            }
            Err(error) => {
                let (node, attempt) = self.running.remove(&error.id()).unwrap_or_default();
                UnitEnded { node, attempt, outcome: unit::broken(&error.to_string()) }
            }
        };
        // What it printed is shown before its end is.
        while let Some(preview) = self.previews.as_mut().and_then(|(_, previews)| previews.try_recv().ok()) {
            self.show(preview);
        }
        self.stops.remove(&ended.node);
        let started = self.started.remove(&ended.node);
        let took = started.map(|started| self.now() - started).unwrap_or_default();
        let outcome = ended.outcome;
        tracing::debug!(
            node = %self.plan.node(ended.node).id,
            attempt = ended.attempt,
            code = outcome.return_code,
            signal = outcome.signal,
            failure = outcome.failure.as_ref().map(|failure| failure.message.as_str()),
            "attempt ended"
        );
        let outputs_len = if outcome.outputs.is_empty() { 0 } else { json_len(&outcome.outputs) };
        // What an earlier attempt printed is replaced in the report.
        self.outputs.give_back(self.shares.remove(&ended.node).unwrap_or_default());
        let before = self.outputs.taken();
        let fits = self.outputs.take(outputs_len);
        let stdout = Captured::new(outcome.stdout, outcome.truncated.0, &mut self.outputs);
        let stderr = Captured::new(outcome.stderr, outcome.truncated.1, &mut self.outputs);
        let spec = self.plan.node(ended.node);
        if spec.retry.max_attempts() > 1 {
            self.shares.insert(ended.node, self.outputs.taken_since(before));
        }
        let format = spec.action.as_ref().map(model::workflow::Action::output).unwrap_or_default();
        let lost = !fits || (stdout.truncated && format.is_whole());
        let finished = AttemptFinished {
            node_id: self.plan.node(ended.node).id.clone(),
            attempt: ended.attempt,
            // A value that is cut is no value, and nobody may take it for one.
            failure: outcome.failure.or_else(|| lost.then(unit::value_lost)),
            return_code: outcome.return_code,
            signal: outcome.signal,
            stdout,
            stderr,
            outputs: if fits { outcome.outputs } else { Map::new() },
            leaked: outcome.leaked,
            duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            usage: outcome.usage,
        };
        Input::AttemptEnded { node: ended.node, finished: Box::new(finished), stopped: outcome.stopped }
    }

    fn stdin_for(&self, node: usize) -> Arc<[u8]> {
        let Some(model::workflow::Action::Command(command)) = &self.plan.node(node).action else {
            return Arc::default();
        };
        let Stdin::Printed(sources) = &command.stdin else { return Arc::default() };
        let printed = sources.iter().filter_map(|source| Some(self.fold.node(source)?.stdout.as_bytes()));
        printed.collect::<Vec<_>>().concat().into()
    }

    fn results_for(&self, node: usize) -> Arc<str> {
        let dependencies = &self.plan.node(node).depends_on;
        // A node that failed comes with those that stood in for it.
        let with_fallbacks = dependencies.iter().flat_map(|dependency| {
            std::iter::successors(self.fold.node(&self.plan.node(dependency.node).id), |result| {
                self.fold.node(result.fallback.as_ref()?)
            })
        });
        let own = &self.plan.node(node).id;
        let upstream: Vec<_> = with_fallbacks
            .filter(|result| result.node_id.as_ref() != Some(own))
            .map(|result| Upstream {
                node_id: result.node_id.as_ref(),
                status: result.status,
                value: &result.value,
                outputs: &result.outputs,
                return_code: result.return_code,
                attempts: result.attempts,
                truncated: result.truncated,
                fallback: result.fallback.as_ref(),
            })
            .collect();
        results_document(&self.inputs, &upstream)
    }
}

/// The longest that a stop can take: the grace, and the end of what was killed.
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// Who holds the place of a circuit's only probe.
fn holder(run_id: RunId, node: &NodeId, attempt: u32) -> String {
    format!("{run_id}/{node}/{attempt}")
}

fn circuit_key(breaker: &BreakerSpec, node: &NodeId) -> CircuitKey {
    match &breaker.destination {
        Some(name) => CircuitKey::Destination(name.clone()),
        None => CircuitKey::Node(node.clone()),
    }
}

/// What a node is told of one that it waited for.
#[derive(Serialize)]
struct Upstream<'a> {
    #[serde(skip)]
    node_id: Option<&'a NodeId>,
    status: NodeStatus,
    value: &'a Value,
    outputs: &'a Map<String, Value>,
    return_code: Option<i32>,
    attempts: u32,
    /// Whether its value is only a part of what it printed.
    truncated: bool,
    /// The node that stood in for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<&'a NodeId>,
}

fn json_len(map: &Map<String, Value>) -> usize {
    serde_json::to_string(map).map_or(0, |text| text.len())
}

/// `{"inputs": {…}, "nodes": {"id": {…}}}`.
fn results_document(inputs: &Map<String, Value>, upstream: &[Upstream<'_>]) -> Arc<str> {
    #[derive(Serialize)]
    struct Document<'a> {
        inputs: &'a Map<String, Value>,
        #[serde(serialize_with = "by_id")]
        nodes: &'a [Upstream<'a>],
    }
    fn by_id<S: serde::Serializer>(nodes: &&[Upstream<'_>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(nodes.iter().filter_map(|node| Some((node.node_id?, node))))
    }
    // Maps with text keys and JSON values always have a JSON form.
    serde_json::to_string(&Document { inputs, nodes: upstream }).unwrap_or_default().into()
}

async fn next_preview(previews: &mut Option<(PreviewSender, PreviewReceiver)>) -> Preview {
    match previews {
        Some((_, receiver)) => match receiver.recv().await {
            Some(preview) => preview,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

async fn wait_for(timer: Option<(Duration, TimerId)>) {
    match timer {
        Some((after, _)) => clock::sleep(after).await,
        None => std::future::pending().await,
    }
}

/// Armed timers by the moment at which they run out.
#[derive(Debug, Default)]
struct Timers {
    queue: BTreeSet<(Mono, TimerId)>,
    armed: BTreeMap<TimerId, Mono>,
}

impl Timers {
    fn arm(&mut self, id: TimerId, at: Mono) {
        self.disarm(id);
        self.armed.insert(id, at);
        self.queue.insert((at, id));
    }

    fn disarm(&mut self, id: TimerId) {
        if let Some(at) = self.armed.remove(&id) {
            self.queue.remove(&(at, id));
        }
    }

    /// The timer that runs out next, and the time until then.
    fn next_after(&self, now: Mono) -> Option<(Duration, TimerId)> {
        self.queue.first().map(|&(at, id)| (at - now, id))
    }
}
