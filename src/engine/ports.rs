//! What the engine needs of the world, as traits that it owns. Adapters are built in `app::runtime` only.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::base::stop::StopReceiver;
use crate::base::{NodeId, RunId};
use crate::model::breaker::BreakerState;
use crate::model::event::{AttemptFailure, RunEvent, Usage};
use crate::model::output::StreamName;
use crate::model::policy::Starts;
use crate::model::report::ReportFold;
use crate::model::sandbox::Sandbox;
use crate::model::workflow::{Action, Workflow};

/// A future that can be moved to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries out attempts.
pub trait Executor: Send + Sync {
    /// Carries out one attempt. Ends when nothing of it is left that a stop should have ended, and reports once.
    fn execute(&self, request: AttemptRequest, stop: StopReceiver) -> BoxFuture<'static, AttemptOutcome>;
}

/// What an executor is told of an attempt.
#[derive(Clone)]
pub struct AttemptRequest {
    /// The run.
    pub run_id: RunId,
    /// The node.
    pub node_id: NodeId,
    /// The node's place in the contract: a short unique name.
    pub index: usize,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The workflow that it is a part of.
    pub workflow: Arc<Workflow>,
    /// The inputs of the run and the results of the nodes that this one waited for, as one JSON document.
    pub results: Arc<str>,
    /// What those have printed whose output it reads; empty where it reads none.
    pub stdin: Arc<[u8]>,
    /// Who is told what it prints while it prints it; nobody where nobody watches.
    pub watcher: Option<Watcher>,
}

impl AttemptRequest {
    /// What to do; nothing where the node says nothing that is carried out.
    #[must_use]
    pub fn action(&self) -> Option<&Action> {
        self.workflow.nodes.get(self.index)?.action.as_ref()
    }

    /// What its program may touch of the machine; anything where the node does not say.
    #[must_use]
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.workflow.nodes.get(self.index)?.sandbox.as_deref()
    }
}

/// Takes pieces of what an attempt prints, in any sizes, as they come. What it is told is for eyes only: the outcome
/// has it all.
pub type Watcher = Arc<dyn Fn(StreamName, &[u8]) + Send + Sync>;

/// What an executor says of an attempt.
#[derive(Clone, Debug, Default)]
pub struct AttemptOutcome {
    /// Why it failed; nothing if it succeeded.
    pub failure: Option<AttemptFailure>,
    /// Whether a stop that was asked for is what ended it.
    pub stopped: bool,
    /// The code that its program ended with.
    pub return_code: Option<i32>,
    /// The signal that ended its program.
    pub signal: Option<i32>,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it printed beside that.
    pub stderr: Vec<u8>,
    /// Whether more was printed than was kept, in either stream.
    pub truncated: (bool, bool),
    /// What it wrote to `$ONEX_NODE_OUTPUT`.
    pub outputs: Map<String, Value>,
    /// Whether a process that it left behind still held its output when it ended.
    pub leaked: bool,
    /// What it used of the machine, where that is known.
    pub usage: Option<Usage>,
}

/// Says whether what an attempt would start may start, the moment before it does.
pub trait Guard: std::fmt::Debug + Send + Sync {
    /// Whether a node may start these programs.
    ///
    /// # Errors
    ///
    /// Says why not. Nothing of the node has started then.
    fn may_start(&self, node: usize, starts: &Starts) -> Result<(), String>;
}

/// Takes every event, in order, before the action that it announces is carried out.
pub trait Sink {
    /// Takes one event; `so_far` is the report with it.
    ///
    /// # Errors
    ///
    /// If the event must be recorded and could not be: the run is then cancelled.
    fn record(&mut self, event: &RunEvent, so_far: &ReportFold) -> Result<(), SinkError>;

    /// Whether it shows what nodes print as they print it.
    fn watches(&self) -> bool {
        false
    }

    /// Shows a piece of what a node prints. It cannot be recorded.
    fn preview(&mut self, _node: &NodeId, _stream: StreamName, _bytes: &[u8]) {}
}

/// What must be recorded could not be.
#[derive(Debug, thiserror::Error)]
#[error("an event could not be recorded: {0}")]
pub struct SinkError(pub String);

/// Keeps the states of circuits, for this run and for others, of other processes, too.
pub trait Circuits {
    /// Replaces the state of a circuit by what `change` makes of it. Nobody else's change comes in between.
    ///
    /// # Errors
    ///
    /// If the states cannot be read or written: then `change` was not called, or what it did is not kept.
    fn update(
        &mut self,
        circuit: &CircuitKey,
        change: &mut dyn FnMut(BreakerState) -> BreakerState,
    ) -> Result<(), CircuitError>;
}

/// Names a circuit beyond one run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CircuitKey {
    /// What a name stands for, whichever contract names it.
    Destination(String),
    /// One node of the run's contract.
    Node(NodeId),
}

/// The states of circuits cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CircuitError(pub String);

/// What somebody wants of a run under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// That it stops.
    Stop,
    /// Nothing: it was paused and goes on, and its clock knows for how long.
    Woke,
}

/// People and programs that want the run to stop or to pause.
pub trait Signals: Send {
    /// Waits for the next thing to be heard. A pause is over when it is told.
    fn next(&mut self) -> BoxFuture<'_, Heard>;
}
