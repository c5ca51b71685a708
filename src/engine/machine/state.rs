//! What the machine knows of one node.

use crate::model::outcome::{FailureReason, SkipReason};
use crate::resilience::Turn;

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// For its dependencies.
    Waiting,
    /// For a free slot.
    Ready,
    /// An attempt is under way, and perhaps being stopped.
    Running { stop: Option<StopCause> },
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
    Cancel,
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
    /// What the last failed attempt said.
    pub message: Option<Box<str>>,
    /// Why, where another attempt was to follow.
    pub last_failure: Option<FailureReason>,
}

impl NodeState {
    pub(super) const fn new(dependencies: usize) -> Self {
        Self {
            phase: Phase::Waiting,
            open_dependencies: dependencies,
            block: None,
            attempt: 0,
            turn: Turn { round: 0, step: 0 },
            message: None,
            last_failure: None,
        }
    }

    /// Adds what keeps it from starting; a graver reason replaces a milder one.
    pub(super) fn block_with(&mut self, block: Block) {
        const fn gravity(reason: SkipReason) -> u8 {
            match reason {
                SkipReason::Disabled => 0,
                SkipReason::DryRun => 1,
                SkipReason::Cancelled => 2,
                SkipReason::Condition => 3,
                SkipReason::UpstreamSkipped => 4,
                SkipReason::DependencyFailed => 5,
            }
        }
        if self.block.is_none_or(|known| gravity(block.reason) > gravity(known.reason)) {
            self.block = Some(block);
        }
    }
}
