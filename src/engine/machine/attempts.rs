//! What becomes of an attempt: admitted or refused, repeated or not, stopped when its time is up.

use std::time::Duration;

use super::state::{End, LastFailure, Phase, StopCause};
use super::{Action, Machine, TimerId};
use crate::base::rng::Rng;
use crate::base::stop::StopLevel;
use crate::base::{Mono, text};
use crate::model::event::{AttemptFailure, AttemptFinished, EventKind};
use crate::model::outcome::{AttemptClass, BudgetLimit, CancelReason, FailureReason};
use crate::model::workflow::BreakerSpec;
use crate::resilience::breaker::{self, Admission, Moved, Verdict};
use crate::resilience::{self, Decision, Failure};

impl Machine {
    /// The circuit has answered.
    pub(super) fn admitted(
        &mut self,
        node: usize,
        (admission, moved, now): (Admission, Option<Moved>, Mono),
        out: &mut Vec<Action>,
    ) {
        self.circuit_moved(node, moved, out);
        if self.nodes[node].phase != Phase::Asking {
            return;
        }
        if admission == Admission::Refused {
            self.queue.release(&self.plan, node);
            let circuit =
                circuit_name(self.plan.node(node).breaker.as_deref(), self.plan.node(node).id.as_str());
            let said = self.nodes[node].last.as_ref().map(|last| last.failure.message.clone());
            let message = match said {
                Some(said) => format!("{said}; not repeated, because the circuit `{circuit}` is open"),
                None => format!("the circuit `{circuit}` is open"),
            };
            let failure = AttemptFailure::new(FailureReason::CircuitOpen, AttemptClass::NotStarted, message);
            self.fail(node, (failure, None), out);
        } else if self.cancel.is_some() || self.exceeded_by(node).is_some() {
            // A probe that is not made gives its place to another.
            self.queue.release(&self.plan, node);
            let attempt = self.nodes[node].attempt + 1;
            out.push(Action::Record { node, attempt, verdict: Verdict::Neither });
            self.nodes[node].phase = Phase::Ready;
            if !self.over_budget(node, out) {
                self.end_unstarted(node, out);
            }
        } else {
            self.start(node, now, out);
        }
    }

    fn circuit_moved(&mut self, node: usize, moved: Option<Moved>, out: &mut Vec<Action>) {
        let spec = self.plan.node(node);
        let (Some(moved), Some(breaker)) = (moved, &spec.breaker) else { return };
        let node_id = spec.id.clone();
        let circuit = circuit_name(Some(breaker), spec.id.as_str());
        out.push(Action::Emit(match moved {
            Moved::Opened { failures } => {
                let reset_ms = millis(breaker.reset_timeout);
                EventKind::CircuitOpened { node_id, circuit, failures, reset_ms }
            }
            Moved::HalfOpened => EventKind::CircuitHalfOpened { node_id, circuit },
            Moved::Closed => EventKind::CircuitClosed { node_id, circuit },
        }));
    }

    pub(super) fn attempt_ended(
        &mut self,
        node: usize,
        (mut finished, stopped, now): (Box<AttemptFinished>, bool, Mono),
        out: &mut Vec<Action>,
    ) {
        let Phase::Running { stop } = self.nodes[node].phase else { return };
        out.push(Action::DisarmTimer(TimerId::Attempt(node)));
        if self.settings.slow_after.is_some() {
            out.push(Action::DisarmTimer(TimerId::Slow(node)));
        }
        if stopped && let Some(cause) = stop {
            finished.failure = Some(self.stopped_failure(node, cause));
        }
        let failure = finished.failure.clone();
        let return_code = finished.return_code;
        self.spent.output += finished.usage.map_or(0, |usage| usage.output_bytes);
        out.push(Action::Emit(EventKind::AttemptFinished(finished)));
        let reason = failure.as_ref().map(|failure| failure.reason);
        let state = &mut self.nodes[node];
        state.last = failure.map(|failure| Box::new(LastFailure { failure, return_code }));
        state.phase = Phase::Recording;
        let attempt = state.attempt;
        let budget = self.plan.workflow().rules.budget;
        if let Some(allowed) = budget.output.filter(|&most| self.spent.output > most) {
            self.exhaust(BudgetLimit::Output, (allowed, Some(node)), out);
        }
        match &self.plan.node(node).breaker {
            Some(spec) if !mutated!(self, IgnoresCircuits) => {
                let verdict = breaker::verdict(spec.count, reason);
                out.push(Action::Record { node, attempt, verdict });
            }
            _ => self.judge(node, now, out),
        }
    }

    /// The circuit has taken in how the attempt ended.
    pub(super) fn recorded(
        &mut self,
        node: usize,
        (moved, now): (Option<Moved>, Mono),
        out: &mut Vec<Action>,
    ) {
        self.circuit_moved(node, moved, out);
        if self.nodes[node].phase == Phase::Recording {
            self.judge(node, now, out);
        }
    }

    /// What follows an attempt that ended.
    fn judge(&mut self, node: usize, now: Mono, out: &mut Vec<Action>) {
        // Not before: what it lets start comes before what waits already and ranks lower.
        if !(mutated!(self, LosesSlots) && self.nodes[node].last.is_some()) {
            self.queue.release(&self.plan, node);
        }
        match self.nodes[node].last.take() {
            None => self.end(node, (End::Completed, None), out),
            Some(last) => self.attempt_failed(node, (*last, now), out),
        }
    }

    fn attempt_failed(&mut self, node: usize, (last, now): (LastFailure, Mono), out: &mut Vec<Action>) {
        let LastFailure { mut failure, return_code } = last;
        match self.decision(node, &failure, return_code) {
            Decision::Retry { delay, turn } => {
                let budget = self.plan.workflow().rules.budget;
                if let Some(most) = budget.max_attempts.filter(|&most| self.spent.attempts >= most) {
                    failure.message.push_str("; not repeated, because the budget of the run is used up");
                    self.fail(node, (failure, return_code), out);
                    return self.exhaust(BudgetLimit::Attempts, (most, Some(node)), out);
                }
                let state = &mut self.nodes[node];
                if state.total_until.is_some_and(|until| now + delay >= until) {
                    let allowed = text::duration(self.plan.node(node).total_timeout.unwrap_or_default());
                    failure
                        .message
                        .push_str(&format!("; {allowed} in all leave no time for another attempt"));
                    return self.fail(node, (failure, return_code), out);
                }
                state.turn = turn;
                state.phase = Phase::Backoff;
                state.last = Some(Box::new(LastFailure { failure, return_code }));
                let (node_id, attempt) = (self.plan.node(node).id.clone(), state.attempt + 1);
                out.push(Action::Emit(EventKind::RetryScheduled {
                    node_id,
                    attempt,
                    delay_ms: millis(delay),
                }));
                out.push(Action::ArmTimer { id: TimerId::Backoff(node), after: delay });
            }
            Decision::Fail(reason) => {
                // A name of its own belongs to the failure that it names.
                failure.kind = failure.kind.filter(|_| reason == failure.reason);
                failure.reason = reason;
                self.fail(node, (failure, return_code), out);
            }
        }
    }

    fn decision(&self, node: usize, failure: &AttemptFailure, return_code: Option<i32>) -> Decision {
        let state = &self.nodes[node];
        let spec = self.plan.node(node);
        // Nothing starts after a cancel, so nothing is repeated; nor where all the time that there was is used up.
        let over = self.cancel.is_some() && !mutated!(self, RetriesAfterCancel);
        if failure.reason == FailureReason::Cancelled
            || over
            || state.is_out_of_time
            || self.settings.single_attempts
        {
            return Decision::Fail(failure.reason);
        }
        let seed = Rng::of_parts(&[self.settings.seed, node as u64, u64::from(state.attempt)]).next_u64();
        let class = if mutated!(self, ForgetsIdempotency) { AttemptClass::NotStarted } else { failure.class };
        let kind = failure.error_kind();
        resilience::decide(
            spec,
            Failure { turn: state.turn, reason: failure.reason, kind, class, return_code, seed },
        )
    }

    /// The node has failed for good.
    pub(super) fn fail(
        &mut self,
        node: usize,
        (failure, return_code): (AttemptFailure, Option<i32>),
        out: &mut Vec<Action>,
    ) {
        let reason = failure.reason;
        self.nodes[node].last = Some(Box::new(LastFailure { failure, return_code }));
        self.end(node, (End::Failed(reason), None), out);
    }

    pub(super) fn attempt_timed_out(&mut self, node: usize, out: &mut Vec<Action>) {
        self.stop_for(node, StopCause::Timeout, out);
    }

    /// An attempt takes longer than a node should: that is said, and changes nothing.
    pub(super) fn attempt_is_slow(&mut self, node: usize, out: &mut Vec<Action>) {
        let under_way =
            matches!(self.nodes[node].phase, Phase::Running { .. }) && !mutated!(self, OverlooksSlowAttempts);
        let Some(after) = self.settings.slow_after.filter(|_| under_way) else { return };
        let (node_id, attempt) = (self.plan.node(node).id.clone(), self.nodes[node].attempt);
        out.push(Action::Emit(EventKind::NodeSlow { node_id, attempt, after_ms: millis(after) }));
    }

    /// All attempts of a node together have taken too long.
    pub(super) fn node_timed_out(&mut self, node: usize, out: &mut Vec<Action>) {
        self.nodes[node].is_out_of_time = true;
        match self.nodes[node].phase {
            Phase::Running { .. } => self.stop_for(node, StopCause::TotalTimeout, out),
            // It waits for its next attempt, or for a slot for it.
            Phase::Backoff | Phase::Ready => {
                let Some(last) = self.nodes[node].last.take() else { return };
                out.push(Action::DisarmTimer(TimerId::Backoff(node)));
                let LastFailure { mut failure, return_code } = *last;
                let allowed = text::duration(self.plan.node(node).total_timeout.unwrap_or_default());
                failure.message.push_str(&format!("; {allowed} in all left no time for another attempt"));
                self.fail(node, (failure, return_code), out);
            }
            Phase::Waiting | Phase::Asking | Phase::Recording | Phase::Ended(_) => {}
        }
    }

    fn stop_for(&mut self, node: usize, cause: StopCause, out: &mut Vec<Action>) {
        if let Phase::Running { stop: stop @ None } = &mut self.nodes[node].phase {
            *stop = Some(cause);
            if !mutated!(self, NeverStops) {
                out.push(Action::Stop { node, level: StopLevel::Ladder });
            }
        }
    }

    /// What a stop that was asked for makes of an attempt.
    fn stopped_failure(&self, node: usize, cause: StopCause) -> AttemptFailure {
        let spec = self.plan.node(node);
        let (reason, message) = match cause {
            StopCause::Timeout => {
                (FailureReason::Timeout, format!("took longer than {}", text::duration(spec.timeout)))
            }
            StopCause::TotalTimeout => {
                let allowed = text::duration(spec.total_timeout.unwrap_or_default());
                (FailureReason::Timeout, format!("took longer than {allowed} in all"))
            }
            StopCause::Cancel => {
                (FailureReason::Cancelled, "stopped, because the run was cancelled".to_owned())
            }
            StopCause::Budget => (
                FailureReason::Budget,
                "stopped, because the time that the run may use is used up".to_owned(),
            ),
        };
        AttemptFailure::new(reason, AttemptClass::Unknown, message)
    }

    /// Stops an attempt for a cancel, as far as that may be.
    pub(super) fn stop_running(
        &mut self,
        node: usize,
        (stop, reason): (Option<StopCause>, CancelReason),
        out: &mut Vec<Action>,
    ) {
        let out_of_time = self.spent.exhausted == Some(BudgetLimit::Time);
        // An effect that is not known to be repeatable finishes: stopping it could leave it half done.
        let spec = self.plan.node(node);
        let stoppable = spec.idempotent == Some(true) || spec.kind.repeats_safely();
        let mild = reason == CancelReason::FailFast || (reason == CancelReason::Budget && !out_of_time);
        if mild && !stoppable {
            return;
        }
        let level = if reason == CancelReason::Kill { StopLevel::Kill } else { StopLevel::Ladder };
        let cause =
            if reason == CancelReason::Budget && out_of_time { StopCause::Budget } else { StopCause::Cancel };
        self.nodes[node].phase = Phase::Running { stop: stop.or(Some(cause)) };
        if stop.is_none() || level == StopLevel::Kill {
            out.push(Action::Stop { node, level });
        }
    }
}

/// The circuit of a node, for people: its destination, or the node itself.
fn circuit_name(breaker: Option<&BreakerSpec>, node: &str) -> String {
    breaker.and_then(|breaker| breaker.destination.clone()).unwrap_or_else(|| node.to_owned())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
