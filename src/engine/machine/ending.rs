//! What becomes of nodes and of the run: ends, what they mean for others, cancels, and the last word.

use std::collections::VecDeque;
use std::sync::Arc;

use super::state::{Block, End, Phase};
use super::{Action, Machine, TimerId, edges};
use crate::model::event::{AttemptFailure, EventKind};
use crate::model::exit::ExitCode;
use crate::model::outcome::{
    AttemptClass, BudgetLimit, CancelReason, ErrorInfo, FailureReason, RunStatus, SkipReason,
};
use crate::model::workflow::{EdgeCondition, ErrorAction};

/// A node that ended, how, and through whom it never started.
type Ended = (usize, (End, Option<usize>));

impl Machine {
    /// Command line, then the node, then the contract.
    fn stops_at_failure_of(&self, node: usize) -> bool {
        match (self.settings.fail_fast, self.plan.node(node).error_action) {
            (Some(fail_fast), _) => fail_fast,
            (None, Some(action)) => action == ErrorAction::Stop,
            (None, None) => !self.plan.workflow().rules.keep_going,
        }
    }

    /// The run's time is over: its deadline, or what its budget allows.
    pub(super) fn time_is_up(&mut self, out: &mut Vec<Action>) {
        let budget = self.plan.workflow().rules.budget.time;
        match (budget, self.settings.deadline) {
            (Some(budget), deadline) if deadline.is_none_or(|deadline| budget < deadline) => {
                let allowed = u64::try_from(budget.as_millis()).unwrap_or(u64::MAX);
                self.exhaust(BudgetLimit::Time, (allowed, None), out);
            }
            _ => self.cancel(CancelReason::Timeout, out),
        }
    }

    /// Ends the run because its budget is used up; the node at which that was noticed fails if it was to start.
    pub(super) fn exhaust(
        &mut self,
        limit: BudgetLimit,
        (allowed, node): (u64, Option<usize>),
        out: &mut Vec<Action>,
    ) {
        if self.spent.exhausted.is_none() || limit == BudgetLimit::Time {
            self.spent.exhausted = Some(limit);
            let node_id = node.map(|node| self.plan.node(node).id.clone());
            out.push(Action::Emit(EventKind::BudgetExceeded { limit, allowed, node_id }));
        }
        if let Some(node) = node.filter(|&node| self.nodes[node].phase == Phase::Ready) {
            match self.nodes[node].last.take() {
                Some(last) => self.fail(node, (last.failure, last.return_code), out),
                None => {
                    let message = format!("the run's budget of {} is used up", limit.amount(allowed));
                    let failure =
                        AttemptFailure::new(FailureReason::Budget, AttemptClass::NotStarted, message);
                    self.fail(node, (failure, None), out);
                }
            }
        }
        // A run that its budget stops mildly already is stopped for good where its time is up.
        if limit == BudgetLimit::Time && self.cancel == Some(CancelReason::Budget) {
            for node in 0..self.nodes.len() {
                if let Phase::Running { stop } = self.nodes[node].phase {
                    self.stop_running(node, (stop, CancelReason::Budget), out);
                }
            }
            return;
        }
        self.cancel(CancelReason::Budget, out);
    }

    /// Stops the run, or stops it harder.
    pub(super) fn cancel(&mut self, reason: CancelReason, out: &mut Vec<Action>) {
        if self.cancel >= Some(reason) && !mutated!(self, CancelForgets) {
            return;
        }
        self.cancel = Some(reason);
        out.push(Action::Emit(EventKind::CancelRequested { reason }));
        let plan = Arc::clone(&self.plan);
        // In the order of the plan: a node that a failure blocks says so, and its dependents say it after it.
        for &node in plan.order() {
            match self.nodes[node].phase {
                Phase::Ready if mutated!(self, StartsAfterCancel) => {}
                Phase::Waiting | Phase::Ready | Phase::Backoff => self.end_unstarted(node, out),
                Phase::Running { stop } => self.stop_running(node, (stop, reason), out),
                // Their circuits answer first.
                Phase::Asking | Phase::Recording | Phase::Ended(_) => {}
            }
        }
    }

    /// Ends a node that will not have another attempt, because the run was cancelled.
    pub(super) fn end_unstarted(&mut self, node: usize, out: &mut Vec<Action>) {
        let state = &self.nodes[node];
        if state.phase == Phase::Backoff {
            out.push(Action::DisarmTimer(TimerId::Backoff(node)));
        }
        let end = match (&state.last, state.block) {
            _ if let Some(reason) = self.left_out(node) => (End::Skipped(reason), None),
            // An attempt was made, and it failed; that another was to follow does not change it.
            (Some(last), _) => (End::Failed(last.failure.reason), None),
            (None, Some(block)) if block.reason != SkipReason::Cancelled => {
                (End::Skipped(block.reason), Some(block.culprit))
            }
            (None, _) => (End::Skipped(SkipReason::Cancelled), None),
        };
        self.end(node, end, out);
    }

    /// Ends a node, and every node that can now be seen not to start.
    pub(super) fn end(&mut self, node: usize, end: (End, Option<usize>), out: &mut Vec<Action>) {
        // A list and no recursion: a chain can be as long as a contract.
        let mut ended = VecDeque::from([(node, end)]);
        while let Some((node, (end, culprit))) = ended.pop_front() {
            if matches!(self.nodes[node].phase, Phase::Ended(_)) {
                continue;
            }
            self.nodes[node].phase = Phase::Ended(end);
            self.open -= 1;
            self.queue.ended(&self.plan, node);
            if self.nodes[node].total_until.is_some() {
                out.push(Action::DisarmTimer(TimerId::Total(node)));
            }
            self.emit_end(node, (end, culprit), out);
            if let Some(fallback) = self.plan.node(node).fallback {
                let (said, culprit) = self.seen_through(node, (end, culprit));
                // What a node that is left out waits for, all that wait for it wait for in the same way.
                let on = if self.left_out(node).is_some() {
                    EdgeCondition::Success
                } else {
                    EdgeCondition::Fallback
                };
                self.arrive((node, culprit), (fallback, edges::block(said, on)), &mut ended, out);
            }
            self.settle(node, culprit, &mut ended, out);
        }
    }

    /// Tells the dependents of a node what came of it; not yet where another may stand in for it. Where this node
    /// stands in for others, theirs hear of it, too.
    fn settle(
        &mut self,
        node: usize,
        mut culprit: Option<usize>,
        ended: &mut VecDeque<Ended>,
        out: &mut Vec<Action>,
    ) {
        let plan = Arc::clone(&self.plan);
        let mut next = Some(node);
        while let Some(node) = next.take() {
            let Phase::Ended(end) = self.nodes[node].phase else { return };
            let settled = match (end, plan.node(node).fallback) {
                (End::Failed(_), Some(fallback)) if !mutated!(self, ForgetsFallbacks) => {
                    match self.nodes[fallback].settled {
                        None => return,
                        Some(End::Completed) => End::Completed,
                        Some(End::Failed(_) | End::Skipped(_)) => end,
                    }
                }
                _ => end,
            };
            if self.nodes[node].settled.replace(settled).is_some() {
                return;
            }
            self.account(node, settled);
            let (said, culprit_of_it) = self.seen_through(node, (settled, culprit));
            for dependent in plan.dependents(node).iter().filter(|d| d.on != EdgeCondition::Fallback) {
                let block = edges::block(said, dependent.on);
                self.arrive((node, culprit_of_it), (dependent.node, block), ended, out);
            }
            next = plan.stands_in_for(node);
            // That one started, so nobody else is to blame for it.
            culprit = None;
        }
    }

    /// What a node that ended says to those that wait for it: how it ended, or where it was left out, what would have
    /// kept it from its turn.
    fn seen_through(&self, node: usize, ended: (End, Option<usize>)) -> (End, Option<usize>) {
        if self.left_out(node).is_none() || mutated!(self, HidesFailures) {
            return ended;
        }
        let state = &self.nodes[node];
        match state.block {
            Some(block) => (End::Skipped(block.reason), Some(block.culprit)),
            // A cancel ended it before its turn.
            None if state.open_dependencies > 0 => (End::Skipped(SkipReason::Cancelled), None),
            None => ended,
        }
    }

    /// Counts what came of a node, and whether the run stops for it.
    fn account(&mut self, node: usize, settled: End) {
        match settled {
            End::Completed => {
                self.tally.wanted += 1;
                self.tally.done += 1;
            }
            End::Failed(reason) => {
                self.tally.wanted += 1;
                self.exit_code = self.exit_code.max(reason.exit_code());
                self.stop_due |= self.stops_at_failure_of(node);
            }
            End::Skipped(SkipReason::DependencyFailed | SkipReason::Cancelled) => self.tally.wanted += 1,
            End::Skipped(
                SkipReason::Condition
                | SkipReason::UpstreamSkipped
                | SkipReason::Disabled
                | SkipReason::Excluded
                | SkipReason::NotSelected
                | SkipReason::NoFiles
                | SkipReason::DryRun
                | SkipReason::FallbackUnused,
            ) => {}
        }
    }

    /// One edge of a node that waits is decided.
    fn arrive(
        &mut self,
        (from, culprit): (usize, Option<usize>),
        (to, block): (usize, Option<SkipReason>),
        ended: &mut VecDeque<Ended>,
        out: &mut Vec<Action>,
    ) {
        let state = &mut self.nodes[to];
        if let Some(reason) = block
            && !mutated!(self, ForgetsFailures)
        {
            state.block_with(Block { reason, culprit: culprit.unwrap_or(from) });
        }
        state.open_dependencies -= 1;
        let enough = state.open_dependencies == 0 || mutated!(self, WaitsForOne);
        if !enough || state.phase != Phase::Waiting {
            return;
        }
        match self.foreclosed(to) {
            Some(end) => ended.push_back((to, end)),
            None => self.become_ready(to, out),
        }
    }

    fn emit_end(&mut self, node: usize, (end, culprit): (End, Option<usize>), out: &mut Vec<Action>) {
        let node_id = self.plan.node(node).id.clone();
        let attempts = self.nodes[node].attempt;
        out.push(Action::Emit(match end {
            End::Completed => EventKind::NodeCompleted { node_id, attempts },
            End::Failed(reason) => {
                let failure = self.nodes[node].last.take().map(|last| last.failure);
                let error = node_error(reason, failure, attempts);
                EventKind::NodeFailed { node_id, attempts, reason, error }
            }
            End::Skipped(reason) => EventKind::NodeSkipped {
                node_id,
                reason,
                culprit: culprit.map(|c| self.plan.node(c).id.clone()),
            },
        }));
    }

    pub(super) fn finish(&mut self, out: &mut Vec<Action>) {
        if self.settings.deadline.is_some() || self.plan.workflow().rules.budget.time.is_some() {
            out.push(Action::DisarmTimer(TimerId::Run));
        }
        let failed = self.exit_code > ExitCode::Success;
        let status = match self.cancel {
            Some(CancelReason::Signal | CancelReason::Kill) => RunStatus::Cancelled,
            Some(CancelReason::Timeout) => RunStatus::TimedOut,
            Some(CancelReason::SinkFailed | CancelReason::Budget) => RunStatus::Failed,
            None if failed && self.is_done_in_part() => RunStatus::Partial,
            Some(CancelReason::FailFast) | None if failed => RunStatus::Failed,
            Some(CancelReason::FailFast) | None => RunStatus::Success,
        };
        self.exit_code = match status {
            RunStatus::Success | RunStatus::Partial => ExitCode::Success,
            RunStatus::Running | RunStatus::Failed | RunStatus::Cancelled | RunStatus::TimedOut => {
                self.exit_code.max(ExitCode::ExecutionFailed)
            }
        };
        out.push(Action::Emit(EventKind::RunFinished { status, exit_code: self.exit_code }));
        self.finished = true;
    }

    /// Whether the contract allows a run to be done in part, and this one is to the share that it asks for. A breach
    /// of protocol or policy is none of the failures that this allows.
    fn is_done_in_part(&self) -> bool {
        let Some(partial) = self.plan.workflow().rules.partial else { return false };
        #[expect(clippy::cast_precision_loss, reason = "a contract has at most 200,000 nodes")]
        let share = 100.0 * self.tally.done as f64 / (self.tally.wanted.max(1)) as f64;
        self.exit_code == ExitCode::ExecutionFailed && share >= partial.min_completed_percent
    }
}

/// What the report says of a failed node.
fn node_error(reason: FailureReason, failure: Option<AttemptFailure>, attempts: u32) -> ErrorInfo {
    let kind = failure.as_ref().map_or(reason.error_kind(), AttemptFailure::error_kind).to_owned();
    let cause = failure.map(|failure| failure.message).unwrap_or_default();
    let after = if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() };
    let message = match reason {
        FailureReason::Uncertain => {
            format!("{cause}{after}; whether it had its effect is not known, so it is not repeated")
        }
        _ => format!("{cause}{after}"),
    };
    ErrorInfo::new(kind, message)
}
