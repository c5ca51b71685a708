//! The truth table of edges: `execution.md`, "Failure of a run".

use super::state::End;
use crate::model::outcome::SkipReason;
use crate::model::workflow::EdgeCondition;

/// Why an edge keeps its dependent from starting, if it does. `end` is how the node itself ended where its dependent
/// stands in for it, and otherwise what came of it with all that stood in.
pub(super) const fn block(end: End, on: EdgeCondition) -> Option<SkipReason> {
    match (end, on) {
        (End::Skipped(reason @ (SkipReason::Cancelled | SkipReason::DryRun)), _) => Some(reason),
        // Who stands in for a node that was not asked for was asked for itself.
        (End::Skipped(SkipReason::NotSelected | SkipReason::NoFiles), _) => None,
        (End::Failed(_), EdgeCondition::Fallback) => None,
        (End::Completed | End::Skipped(_), EdgeCondition::Fallback) => Some(SkipReason::FallbackUnused),
        (End::Completed, EdgeCondition::Success | EdgeCondition::Finished)
        | (End::Failed(_), EdgeCondition::Failure | EdgeCondition::Finished)
        | (End::Skipped(SkipReason::Disabled | SkipReason::Excluded), _)
        | (End::Skipped(SkipReason::Condition | SkipReason::FallbackUnused), EdgeCondition::Finished) => None,
        (End::Completed, EdgeCondition::Failure) => Some(SkipReason::Condition),
        (End::Failed(_), EdgeCondition::Success) => Some(SkipReason::DependencyFailed),
        (
            End::Skipped(SkipReason::Condition | SkipReason::UpstreamSkipped | SkipReason::FallbackUnused),
            _,
        ) => Some(SkipReason::UpstreamSkipped),
        (End::Skipped(SkipReason::DependencyFailed), _) => Some(SkipReason::DependencyFailed),
    }
}
