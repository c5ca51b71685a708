//! One attempt: asks the executor for it, outlives its panic, and reports exactly once.

use std::sync::Arc;

use super::ports::{AttemptOutcome, AttemptRequest, Executor};
use crate::base::stop::StopReceiver;
use crate::model::event::AttemptFailure;
use crate::model::outcome::{AttemptClass, FailureReason};

/// An attempt that ended.
#[derive(Debug)]
pub(super) struct UnitEnded {
    pub node: usize,
    pub attempt: u32,
    pub outcome: AttemptOutcome,
}

/// Carries out one attempt.
pub(super) async fn run(
    executor: Arc<dyn Executor>,
    request: AttemptRequest,
    stop: StopReceiver,
) -> UnitEnded {
    let (node, attempt) = (request.index, request.attempt);
    UnitEnded { node, attempt, outcome: executor.execute(request, stop).await }
}

/// What is reported of an attempt whose executor broke: whether it had its effect is not known.
pub(super) fn broken(cause: &str) -> AttemptOutcome {
    AttemptOutcome {
        failure: Some(AttemptFailure::new(
            FailureReason::Protocol,
            AttemptClass::Unknown,
            format!("onex itself broke: {cause}; please report this"),
        )),
        ..AttemptOutcome::default()
    }
}

/// What is reported of an attempt whose value is not kept, because the run printed too much.
pub(super) fn value_lost() -> AttemptFailure {
    AttemptFailure::new(
        FailureReason::Protocol,
        AttemptClass::Definite,
        "its value is lost: the run has printed more than is kept of it",
    )
}
