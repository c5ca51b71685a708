//! What the machine knows of one node.

use crate::base::Mono;
use crate::model::event::AttemptFailure;
use crate::model::outcome::{FailureReason, SkipReason};
use crate::resilience::Turn;

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// For its dependencies.
    Waiting,
    /// For a free slot.
    Ready,
    /// For its circuit, with a slot taken.
    Asking,
    /// An attempt is under way, and perhaps being stopped.
    Running { stop: Option<StopCause> },
    /// For its circuit to take in how its attempt ended.
    Recording,
    /// For its next attempt.
    Backoff,
    /// For nothing any more.
    Ended(End),
}

/// How a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    Failed(FailureReason),
    Skipped(SkipReason),
}

/// Why an attempt is being stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopCause {
    Timeout,
    /// All its attempts together took too long.
    TotalTimeout,
    Cancel,
    /// The run's time was budgeted.
    Budget,
}

/// What keeps a node from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub reason: SkipReason,
    /// The node at the root of it.
    pub culprit: usize,
}

#[derive(Clone, Debug)]
pub(super) struct NodeState {
    pub phase: Phase,
    /// Dependencies that have not ended.
    pub open_dependencies: usize,
    pub block: Option<Block>,
    /// Attempts that were started.
    pub attempt: u32,
    /// The place of the current attempt in the two tiers of retries.
    pub turn: Turn,
    /// How the last attempt failed.
    pub last: Option<Box<LastFailure>>,
    /// When all its attempts together have taken too long.
    pub total_until: Option<Mono>,
    /// Whether they have.
    pub is_out_of_time: bool,
    /// What came of it with all that stood in for it, once that is known.
    pub settled: Option<End>,
}

/// An attempt that failed.
#[derive(Clone, Debug)]
pub(super) struct LastFailure {
    pub failure: AttemptFailure,
    pub return_code: Option<i32>,
}

impl NodeState {
    pub(super) const fn new(dependencies: usize) -> Self {
        Self {
            phase: Phase::Waiting,
            open_dependencies: dependencies,
            block: None,
            attempt: 0,
            turn: Turn { round: 0, step: 0 },
            last: None,
            total_until: None,
            is_out_of_time: false,
            settled: None,
        }
    }

    /// Adds what keeps it from starting; a graver reason replaces a milder one.
    pub(super) fn block_with(&mut self, block: Block) {
        const fn gravity(reason: SkipReason) -> u8 {
            match reason {
                SkipReason::Disabled
                | SkipReason::Excluded
                | SkipReason::NotSelected
                | SkipReason::NoFiles => 0,
                SkipReason::DryRun => 1,
                SkipReason::Cancelled => 2,
                SkipReason::Condition => 3,
                SkipReason::UpstreamSkipped => 4,
                SkipReason::DependencyFailed => 5,
                // Whatever else kept it: it was not needed.
                SkipReason::FallbackUnused => 6,
            }
        }
        if self.block.is_none_or(|known| gravity(block.reason) > gravity(known.reason)) {
            self.block = Some(block);
        }
    }
}
