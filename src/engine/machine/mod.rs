//! The state machine of a run: every decision about starting, retrying, skipping, stopping and ending.
//!
//! It does no input or output and asks for no time: `step` takes what happened and gives what is to be done. Each
//! edge is looked at once, so a finished node costs its dependents and no more.

mod edges;
#[macro_use]
mod mutants;
mod state;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::base::rng::Rng;
use crate::base::stop::StopLevel;
use crate::base::{Mono, text};
use crate::model::event::{AttemptFailure, AttemptFinished, EventKind, RunStarted};
use crate::model::exit::ExitCode;
use crate::model::outcome::ErrorInfo;
use crate::model::outcome::{AttemptClass, CancelReason, FailureReason, RunStatus, SkipReason};
use crate::model::workflow::ErrorAction;
use crate::plan::{Fate, Plan};
use crate::resilience::{self, Decision, Failure};

#[cfg(test)]
pub(super) use mutants::Mutant;
use state::{Block, End, NodeState, Phase, StopCause};

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The run begins. The first input, and given once.
    Begin,
    /// An attempt ended, and nothing of it is left.
    AttemptEnded {
        /// The node's index.
        node: usize,
        /// How it ended.
        finished: Box<AttemptFinished>,
        /// Whether a stop that was asked for is what ended it.
        stopped: bool,
    },
    /// A timer ran out.
    TimerFired(TimerId),
    /// Somebody wants the run to stop. The second time, everything is killed.
    Signal,
    /// What must be recorded could not be.
    SinkFailed,
}

/// What is to be done.
#[derive(Debug)]
pub enum Action {
    /// Start an attempt.
    Start {
        /// The node's index.
        node: usize,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// Report back after a time.
    ArmTimer {
        /// The timer.
        id: TimerId,
        /// The time.
        after: Duration,
    },
    /// Forget a timer.
    DisarmTimer(TimerId),
    /// Stop a running attempt.
    Stop {
        /// The node's index.
        node: usize,
        /// To what extent.
        level: StopLevel,
    },
    /// Tell everybody. What follows in the list must not be done before.
    Emit(EventKind),
}

/// Names a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerId {
    /// The run's time.
    Run,
    /// The time of a node's attempt.
    Attempt(usize),
    /// The delay before a node's next attempt.
    Backoff(usize),
}

/// What a run is told beside its plan.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The most attempts at once; at least 1.
    pub jobs: usize,
    /// What the command line says of stopping at the first failure.
    pub fail_fast: Option<bool>,
    /// The time for the whole run.
    pub deadline: Option<Duration>,
    /// The seed of all random draws.
    pub seed: u64,
}

/// The state of a run.
#[derive(Debug)]
pub struct Machine {
    plan: Arc<Plan>,
    settings: Settings,
    started: Option<Box<RunStarted>>,
    nodes: Vec<NodeState>,
    /// Ready nodes, first the one with the lowest priority number, then the one declared first.
    ready: BinaryHeap<Reverse<(u32, usize)>>,
    running: usize,
    /// Nodes that have not ended.
    open: usize,
    cancel: Option<CancelReason>,
    exit_code: ExitCode,
    finished: bool,
    #[cfg(test)]
    mutant: Option<Mutant>,
}

impl Machine {
    /// A run of `plan` that has not begun; `started` is its first event.
    #[must_use]
    pub fn new(plan: Arc<Plan>, settings: Settings, started: RunStarted) -> Self {
        let nodes = (0..plan.len()).map(|index| NodeState::new(plan.node(index).depends_on.len())).collect();
        Self {
            nodes,
            ready: BinaryHeap::new(),
            running: 0,
            open: plan.len(),
            cancel: None,
            exit_code: ExitCode::Success,
            finished: false,
            started: Some(Box::new(started)),
            plan,
            settings,
            #[cfg(test)]
            mutant: None,
        }
    }

    /// Whether the last event was emitted. No input changes anything after it.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.finished
    }

    /// Takes what happened at `now` and adds what is to be done to `out`, in order.
    pub fn step(&mut self, _now: Mono, input: Input, out: &mut Vec<Action>) {
        if self.finished {
            return;
        }
        match input {
            Input::Begin => self.begin(out),
            Input::AttemptEnded { node, finished, stopped } => {
                self.attempt_ended(node, (finished, stopped), out);
            }
            Input::TimerFired(TimerId::Run) => self.cancel(CancelReason::Timeout, out),
            Input::TimerFired(TimerId::Attempt(node)) => self.attempt_timed_out(node, out),
            Input::TimerFired(TimerId::Backoff(node)) => {
                if self.nodes[node].phase == Phase::Backoff {
                    self.make_ready(node);
                }
            }
            Input::Signal => {
                let again = self.cancel >= Some(CancelReason::Signal);
                self.cancel(if again { CancelReason::Kill } else { CancelReason::Signal }, out);
            }
            Input::SinkFailed => self.cancel(CancelReason::SinkFailed, out),
        }
        self.dispatch(out);
        if self.open == 0 {
            self.finish(out);
        }
    }

    fn begin(&mut self, out: &mut Vec<Action>) {
        if let Some(started) = self.started.take() {
            out.push(Action::Emit(EventKind::RunStarted(started)));
        }
        if let Some(after) = self.settings.deadline {
            out.push(Action::ArmTimer { id: TimerId::Run, after });
        }
        let plan = Arc::clone(&self.plan);
        // In the order of the plan, so that a dry run lists its nodes as a run would meet them.
        for &node in plan.order() {
            if plan.fate(node) == Fate::Skip(SkipReason::DryRun) {
                self.end(node, (End::Skipped(SkipReason::DryRun), None), out);
            } else if plan.node(node).depends_on.is_empty() {
                match self.foreclosed(node) {
                    Some(end) => self.end(node, end, out),
                    None => self.become_ready(node, out),
                }
            }
        }
    }

    /// How a node ends without a start, now that all that it waits for has ended; nothing if it starts.
    fn foreclosed(&self, node: usize) -> Option<(End, Option<usize>)> {
        match (self.nodes[node].block, self.plan.fate(node)) {
            (Some(block), _) => Some((End::Skipped(block.reason), Some(block.culprit))),
            (None, Fate::Skip(reason)) => Some((End::Skipped(reason), None)),
            (None, Fate::Run) => None,
        }
    }

    fn become_ready(&mut self, node: usize, out: &mut Vec<Action>) {
        out.push(Action::Emit(EventKind::NodeReady { node_id: self.plan.node(node).id.clone() }));
        self.make_ready(node);
    }

    fn make_ready(&mut self, node: usize) {
        self.nodes[node].phase = Phase::Ready;
        self.ready.push(Reverse((self.plan.node(node).priority, node)));
    }

    /// Gives free slots to ready nodes.
    fn dispatch(&mut self, out: &mut Vec<Action>) {
        let slots = self.settings.jobs.max(1) + usize::from(mutated!(self, OneSlotTooMany));
        let goes_on = self.cancel.is_none() || mutated!(self, StartsAfterCancel);
        while goes_on && self.running < slots {
            let Some(Reverse((_, node))) = self.ready.pop() else { break };
            let state = &mut self.nodes[node];
            state.attempt += 1;
            state.phase = Phase::Running { stop: None };
            self.running += 1;
            let (attempt, spec) = (state.attempt, self.plan.node(node));
            out.push(Action::Emit(EventKind::AttemptStarted { node_id: spec.id.clone(), attempt }));
            out.push(Action::ArmTimer { id: TimerId::Attempt(node), after: spec.timeout });
            out.push(Action::Start { node, attempt });
        }
    }

    fn attempt_ended(
        &mut self,
        node: usize,
        (mut finished, stopped): (Box<AttemptFinished>, bool),
        out: &mut Vec<Action>,
    ) {
        let Phase::Running { stop } = self.nodes[node].phase else { return };
        if !(mutated!(self, LosesSlots) && finished.failure.is_some()) {
            self.running -= 1;
        }
        out.push(Action::DisarmTimer(TimerId::Attempt(node)));
        if stopped && let Some(cause) = stop {
            finished.failure = Some(self.stopped_failure(node, cause));
        }
        let failure = finished.failure.clone();
        let return_code = finished.return_code;
        out.push(Action::Emit(EventKind::AttemptFinished(finished)));
        match failure {
            None => self.end(node, (End::Completed, None), out),
            Some(failure) => self.attempt_failed(node, (failure, return_code), out),
        }
    }

    fn attempt_failed(
        &mut self,
        node: usize,
        (failure, return_code): (AttemptFailure, Option<i32>),
        out: &mut Vec<Action>,
    ) {
        let state = &self.nodes[node];
        let seed = Rng::of_parts(&[self.settings.seed, node as u64, u64::from(state.attempt)]).next_u64();
        let decision = match failure.reason {
            FailureReason::Cancelled => Decision::Fail(FailureReason::Cancelled),
            // Nothing starts after a cancel, so nothing is repeated.
            reason if self.cancel.is_some() && !mutated!(self, RetriesAfterCancel) => Decision::Fail(reason),
            reason => {
                let class =
                    if mutated!(self, ForgetsIdempotency) { AttemptClass::NotStarted } else { failure.class };
                let failed = Failure { turn: state.turn, reason, class, return_code, seed };
                resilience::decide(self.plan.node(node), failed)
            }
        };
        match decision {
            Decision::Retry { delay, turn } => {
                let state = &mut self.nodes[node];
                state.turn = turn;
                state.phase = Phase::Backoff;
                state.last_failure = Some(failure.reason);
                state.message = Some(failure.message.into());
                let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                let (node_id, attempt) = (self.plan.node(node).id.clone(), state.attempt + 1);
                out.push(Action::Emit(EventKind::RetryScheduled { node_id, attempt, delay_ms }));
                out.push(Action::ArmTimer { id: TimerId::Backoff(node), after: delay });
            }
            Decision::Fail(reason) => {
                self.nodes[node].message = Some(failure.message.into());
                self.end(node, (End::Failed(reason), None), out);
                // Where it was the last, there is nothing to stop.
                if self.open > 0 && self.stops_at_failure_of(node) {
                    self.cancel(CancelReason::FailFast, out);
                }
            }
        }
    }

    /// Command line, then the node, then the contract.
    fn stops_at_failure_of(&self, node: usize) -> bool {
        match (self.settings.fail_fast, self.plan.node(node).error_action) {
            (Some(fail_fast), _) => fail_fast,
            (None, Some(action)) => action == ErrorAction::Stop,
            (None, None) => !self.plan.workflow().rules.keep_going,
        }
    }

    fn attempt_timed_out(&mut self, node: usize, out: &mut Vec<Action>) {
        if let Phase::Running { stop: stop @ None } = &mut self.nodes[node].phase {
            *stop = Some(StopCause::Timeout);
            if !mutated!(self, NeverStops) {
                out.push(Action::Stop { node, level: StopLevel::Ladder });
            }
        }
    }

    /// What a stop that was asked for makes of an attempt.
    fn stopped_failure(&self, node: usize, cause: StopCause) -> AttemptFailure {
        let (reason, message) = match cause {
            StopCause::Timeout => {
                let allowed = text::duration(self.plan.node(node).timeout);
                (FailureReason::Timeout, format!("took longer than {allowed}"))
            }
            StopCause::Cancel => {
                (FailureReason::Cancelled, "stopped, because the run was cancelled".to_owned())
            }
        };
        AttemptFailure { reason, class: AttemptClass::Unknown, message }
    }

    /// Stops the run, or stops it harder.
    fn cancel(&mut self, reason: CancelReason, out: &mut Vec<Action>) {
        if self.cancel >= Some(reason) && !mutated!(self, CancelForgets) {
            return;
        }
        self.cancel = Some(reason);
        out.push(Action::Emit(EventKind::CancelRequested { reason }));
        let plan = Arc::clone(&self.plan);
        // In the order of the plan: a node that a failure blocks says so, and its dependents say it after it.
        for &node in plan.order() {
            let state = &self.nodes[node];
            match state.phase {
                Phase::Waiting | Phase::Ready | Phase::Backoff => {
                    if state.phase == Phase::Backoff {
                        out.push(Action::DisarmTimer(TimerId::Backoff(node)));
                    }
                    let end = match (self.nodes[node].last_failure, self.nodes[node].block) {
                        // An attempt was made, and it failed; that another was to follow does not change it.
                        (Some(last), _) => (End::Failed(last), None),
                        (None, Some(block)) if block.reason != SkipReason::Cancelled => {
                            (End::Skipped(block.reason), Some(block.culprit))
                        }
                        (None, _) => (End::Skipped(SkipReason::Cancelled), None),
                    };
                    self.end(node, end, out);
                }
                Phase::Running { stop } => self.stop_running(node, (stop, reason), out),
                Phase::Ended(_) => {}
            }
        }
    }

    fn stop_running(
        &mut self,
        node: usize,
        (stop, reason): (Option<StopCause>, CancelReason),
        out: &mut Vec<Action>,
    ) {
        // An effect that is not known to be repeatable finishes: stopping it could leave it half done.
        let spec = self.plan.node(node);
        let stoppable = spec.idempotent == Some(true) || spec.kind.repeats_safely();
        if reason == CancelReason::FailFast && !stoppable {
            return;
        }
        let level = if reason == CancelReason::Kill { StopLevel::Kill } else { StopLevel::Ladder };
        self.nodes[node].phase = Phase::Running { stop: stop.or(Some(StopCause::Cancel)) };
        if stop.is_none() || level == StopLevel::Kill {
            out.push(Action::Stop { node, level });
        }
    }

    /// Ends a node, and every node that can now be seen not to start.
    fn end(&mut self, node: usize, end: (End, Option<usize>), out: &mut Vec<Action>) {
        // A list and no recursion: a chain can be as long as a contract.
        let mut ended = VecDeque::from([(node, end)]);
        while let Some((node, (end, culprit))) = ended.pop_front() {
            if matches!(self.nodes[node].phase, Phase::Ended(_)) {
                continue;
            }
            self.nodes[node].phase = Phase::Ended(end);
            self.open -= 1;
            self.emit_end(node, (end, culprit), out);
            let plan = Arc::clone(&self.plan);
            for dependent in plan.dependents(node) {
                let state = &mut self.nodes[dependent.node];
                if let Some(reason) = edges::block(end, dependent.on)
                    && !mutated!(self, ForgetsFailures)
                {
                    state.block_with(Block { reason, culprit: culprit.unwrap_or(node) });
                }
                state.open_dependencies -= 1;
                let enough = state.open_dependencies == 0 || mutated!(self, WaitsForOne);
                if !enough || state.phase != Phase::Waiting {
                    continue;
                }
                match self.foreclosed(dependent.node) {
                    Some(end) => ended.push_back((dependent.node, end)),
                    None => self.become_ready(dependent.node, out),
                }
            }
        }
    }

    fn emit_end(&mut self, node: usize, (end, culprit): (End, Option<usize>), out: &mut Vec<Action>) {
        let node_id = self.plan.node(node).id.clone();
        let attempts = self.nodes[node].attempt;
        out.push(Action::Emit(match end {
            End::Completed => EventKind::NodeCompleted { node_id, attempts },
            End::Failed(reason) => {
                self.exit_code = self.exit_code.max(reason.exit_code());
                let cause = self.nodes[node].message.take().unwrap_or_default();
                EventKind::NodeFailed {
                    node_id,
                    attempts,
                    reason,
                    error: node_error(reason, &cause, attempts),
                }
            }
            End::Skipped(reason) => EventKind::NodeSkipped {
                node_id,
                reason,
                culprit: culprit.map(|c| self.plan.node(c).id.clone()),
            },
        }));
    }

    fn finish(&mut self, out: &mut Vec<Action>) {
        if self.settings.deadline.is_some() {
            out.push(Action::DisarmTimer(TimerId::Run));
        }
        let failed = self.exit_code > ExitCode::Success;
        let status = match self.cancel {
            Some(CancelReason::Signal | CancelReason::Kill) => RunStatus::Cancelled,
            Some(CancelReason::Timeout) => RunStatus::TimedOut,
            Some(CancelReason::SinkFailed) => RunStatus::Failed,
            Some(CancelReason::FailFast) | None if failed => RunStatus::Failed,
            Some(CancelReason::FailFast) | None => RunStatus::Success,
        };
        if status != RunStatus::Success {
            self.exit_code = self.exit_code.max(ExitCode::ExecutionFailed);
        }
        out.push(Action::Emit(EventKind::RunFinished { status, exit_code: self.exit_code }));
        self.finished = true;
    }
}

/// What the report says of a failed node.
fn node_error(reason: FailureReason, cause: &str, attempts: u32) -> ErrorInfo {
    let after = if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() };
    let message = match reason {
        FailureReason::Uncertain => {
            format!("{cause}{after}; whether it had its effect is not known, so it is not repeated")
        }
        _ => format!("{cause}{after}"),
    };
    ErrorInfo::new(reason.error_kind(), message)
}
