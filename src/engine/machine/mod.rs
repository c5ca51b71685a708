//! The state machine of a run: every decision about starting, retrying, skipping, stopping and ending.
//!
//! It does no input or output and asks for no time: `step` takes what happened and gives what is to be done. Each
//! edge is looked at once, so a finished node costs its dependents and no more. What becomes of an attempt is decided
//! in `attempts`, what becomes of nodes and of the run in `ending`, who starts next in `queue`.

#[macro_use]
mod mutants;

mod attempts;
mod edges;
mod ending;
mod queue;
mod state;

use std::sync::Arc;
use std::time::Duration;

use crate::base::Mono;
use crate::base::stop::StopLevel;
use crate::model::event::{AttemptFinished, EventKind, RunStarted};
use crate::model::exit::ExitCode;
use crate::model::outcome::{BudgetLimit, CancelReason, SkipReason};
use crate::plan::{Fate, Plan};
use crate::resilience::breaker::{Admission, Moved, Verdict};

#[cfg(test)]
pub(super) use mutants::Mutant;
use queue::Queue;
use state::{End, NodeState, Phase};

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The run begins. The first input, and given once.
    Begin,
    /// The answer to [`Action::Admit`].
    Admitted {
        /// The node's index.
        node: usize,
        /// Whether its attempt may start.
        admission: Admission,
        /// How its circuit changed for that.
        moved: Option<Moved>,
    },
    /// An attempt ended, and nothing of it is left.
    AttemptEnded {
        /// The node's index.
        node: usize,
        /// How it ended.
        finished: Box<AttemptFinished>,
        /// Whether a stop that was asked for is what ended it.
        stopped: bool,
    },
    /// The answer to [`Action::Record`].
    Recorded {
        /// The node's index.
        node: usize,
        /// How its circuit changed.
        moved: Option<Moved>,
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
    /// Ask the node's circuit for an attempt, and answer with [`Input::Admitted`] before any other input.
    Admit {
        /// The node's index.
        node: usize,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// Start an attempt.
    Start {
        /// The node's index.
        node: usize,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// Tell the node's circuit how an attempt ended, and answer with [`Input::Recorded`] before any other input.
    Record {
        /// The node's index.
        node: usize,
        /// The attempt's number, from 1.
        attempt: u32,
        /// What it says of what is behind the circuit.
        verdict: Verdict,
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
    /// The time of all attempts of a node.
    Total(usize),
    /// The delay before a node's next attempt.
    Backoff(usize),
    /// The time after which a node's attempt counts as slow.
    Slow(usize),
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
    /// Whether each node has one attempt, whatever its contract says.
    pub single_attempts: bool,
    /// How long an attempt takes that counts as slow.
    pub slow_after: Option<Duration>,
    /// The seed of all random draws.
    pub seed: u64,
    /// What was noticed before the run began, and is told at its beginning.
    pub notices: Vec<EventKind>,
}

/// The state of a run.
#[derive(Debug)]
pub struct Machine {
    plan: Arc<Plan>,
    settings: Settings,
    started: Option<Box<RunStarted>>,
    nodes: Vec<NodeState>,
    queue: Queue,
    spent: Spent,
    /// Nodes that have not ended.
    open: usize,
    tally: Tally,
    cancel: Option<CancelReason>,
    /// Whether a failure that stops the run was seen, and the stop is yet to come.
    stop_due: bool,
    exit_code: ExitCode,
    finished: bool,
    #[cfg(test)]
    mutant: Option<Mutant>,
}

/// What the run has used of its budget.
#[derive(Debug, Default)]
struct Spent {
    steps: u64,
    attempts: u64,
    output: u64,
    /// What was used up first.
    exhausted: Option<BudgetLimit>,
}

/// What counts for a run that is done in part.
#[derive(Debug, Default)]
struct Tally {
    /// Nodes that were to be done: all but those that were skipped in good order.
    wanted: u64,
    /// Those that are, by themselves or by others that stood in.
    done: u64,
}

impl Machine {
    /// A run of `plan` that has not begun; `started` is its first event.
    #[must_use]
    pub fn new(plan: Arc<Plan>, settings: Settings, started: RunStarted) -> Self {
        let nodes = (0..plan.len()).map(|index| NodeState::new(plan.node(index).depends_on.len())).collect();
        Self {
            nodes,
            queue: Queue::new(&plan, settings.jobs),
            spent: Spent::default(),
            open: plan.len(),
            tally: Tally::default(),
            cancel: None,
            stop_due: false,
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
    pub fn step(&mut self, now: Mono, input: Input, out: &mut Vec<Action>) {
        if self.finished {
            return;
        }
        match input {
            Input::Begin => self.begin(out),
            Input::Admitted { node, admission, moved } => self.admitted(node, (admission, moved, now), out),
            Input::AttemptEnded { node, finished, stopped } => {
                self.attempt_ended(node, (finished, stopped, now), out);
            }
            Input::Recorded { node, moved } => self.recorded(node, (moved, now), out),
            Input::TimerFired(TimerId::Run) => self.time_is_up(out),
            Input::TimerFired(TimerId::Attempt(node)) => self.attempt_timed_out(node, out),
            Input::TimerFired(TimerId::Total(node)) => self.node_timed_out(node, out),
            Input::TimerFired(TimerId::Backoff(node)) => {
                if self.nodes[node].phase == Phase::Backoff {
                    self.make_ready(node);
                }
            }
            Input::TimerFired(TimerId::Slow(node)) => self.attempt_is_slow(node, out),
            Input::Signal => {
                let again = self.cancel >= Some(CancelReason::Signal);
                self.cancel(if again { CancelReason::Kill } else { CancelReason::Signal }, out);
            }
            Input::SinkFailed => self.cancel(CancelReason::SinkFailed, out),
        }
        self.stop_if_due(out);
        self.dispatch(now, out);
        self.stop_if_due(out);
        if self.open == 0 {
            self.finish(out);
        }
    }

    /// Stops the run for a failure. Where that was the last node, there is nothing to stop.
    fn stop_if_due(&mut self, out: &mut Vec<Action>) {
        if std::mem::take(&mut self.stop_due) && self.open > 0 {
            self.cancel(CancelReason::FailFast, out);
        }
    }

    fn begin(&mut self, out: &mut Vec<Action>) {
        if let Some(started) = self.started.take() {
            out.push(Action::Emit(EventKind::RunStarted(started)));
        }
        out.extend(self.settings.notices.iter().cloned().map(Action::Emit));
        let budget = self.plan.workflow().rules.budget.time;
        if let Some(after) = [self.settings.deadline, budget].into_iter().flatten().min() {
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
            (_, Fate::Skip(reason)) if reason.is_left_out() => Some((End::Skipped(reason), None)),
            (Some(block), _) => Some((End::Skipped(block.reason), Some(block.culprit))),
            (None, Fate::Skip(reason)) => Some((End::Skipped(reason), None)),
            (None, Fate::Run) => None,
        }
    }

    /// Why the run goes on as if a node were not there, where it does.
    fn left_out(&self, node: usize) -> Option<SkipReason> {
        match self.plan.fate(node) {
            Fate::Skip(reason) if reason.is_left_out() => Some(reason),
            Fate::Skip(_) | Fate::Run => None,
        }
    }

    fn become_ready(&mut self, node: usize, out: &mut Vec<Action>) {
        let node_id = self.plan.node(node).id.clone();
        if let Some(failed) = self.plan.stands_in_for(node).filter(|&failed| self.left_out(failed).is_none())
        {
            let failed = self.plan.node(failed).id.clone();
            out.push(Action::Emit(EventKind::FallbackSelected {
                node_id: failed,
                fallback: node_id.clone(),
            }));
        }
        out.push(Action::Emit(EventKind::NodeReady { node_id }));
        self.make_ready(node);
    }

    fn make_ready(&mut self, node: usize) {
        self.nodes[node].phase = Phase::Ready;
        self.queue.push(&self.plan, node);
    }

    /// Gives free slots to ready nodes.
    fn dispatch(&mut self, now: Mono, out: &mut Vec<Action>) {
        let extra_slots = usize::from(mutated!(self, OneSlotTooMany));
        let plan = Arc::clone(&self.plan);
        while self.cancel.is_none() || mutated!(self, StartsAfterCancel) {
            let Some(node) = self.queue.take(&plan, extra_slots) else { break };
            // It may have ended while it waited: its time was up.
            if self.nodes[node].phase != Phase::Ready {
                self.queue.release(&plan, node);
                continue;
            }
            // The timer that says so may come a moment later.
            if self.nodes[node].total_until.is_some_and(|until| now >= until) {
                self.queue.release(&plan, node);
                self.node_timed_out(node, out);
                continue;
            }
            if self.over_budget(node, out) {
                self.queue.release(&plan, node);
                continue;
            }
            if plan.node(node).breaker.is_some() && !mutated!(self, IgnoresCircuits) {
                self.nodes[node].phase = Phase::Asking;
                out.push(Action::Admit { node, attempt: self.nodes[node].attempt + 1 });
            } else {
                self.start(node, now, out);
            }
        }
    }

    /// Ends the run if the budget does not hold another attempt of this node.
    fn over_budget(&mut self, node: usize, out: &mut Vec<Action>) -> bool {
        let Some((limit, allowed)) = self.exceeded_by(node) else { return false };
        self.exhaust(limit, (allowed, Some(node)), out);
        true
    }

    /// What another attempt of this node would exceed.
    fn exceeded_by(&self, node: usize) -> Option<(BudgetLimit, u64)> {
        let budget = self.plan.workflow().rules.budget;
        let is_first = self.nodes[node].attempt == 0;
        let exceeded = match (budget.max_steps, budget.max_attempts) {
            (Some(most), _) if is_first && self.spent.steps >= most => Some((BudgetLimit::Steps, most)),
            (_, Some(most)) if self.spent.attempts >= most => Some((BudgetLimit::Attempts, most)),
            _ => None,
        };
        exceeded.filter(|_| self.cancel.is_none() && !mutated!(self, OverspendsBudgets))
    }

    fn start(&mut self, node: usize, now: Mono, out: &mut Vec<Action>) {
        let spec = self.plan.node(node);
        let state = &mut self.nodes[node];
        state.attempt += 1;
        state.phase = Phase::Running { stop: None };
        let attempt = state.attempt;
        self.spent.attempts += 1;
        out.push(Action::Emit(EventKind::AttemptStarted { node_id: spec.id.clone(), attempt }));
        if attempt == 1 {
            self.spent.steps += 1;
            if let Some(after) = spec.total_timeout {
                state.total_until = Some(now + after);
                out.push(Action::ArmTimer { id: TimerId::Total(node), after });
            }
        }
        out.push(Action::ArmTimer { id: TimerId::Attempt(node), after: spec.timeout });
        if let Some(after) = self.settings.slow_after {
            out.push(Action::ArmTimer { id: TimerId::Slow(node), after });
        }
        out.push(Action::Start { node, attempt });
    }
}
