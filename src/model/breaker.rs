//! The state of a circuit breaker, as it is kept between runs.

use serde::{Deserialize, Serialize};

/// Where a circuit stands. Times are milliseconds since 1970: the state outlives the process that wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BreakerState {
    /// Attempts go through.
    Closed {
        /// Failures in a row so far.
        failures: u32,
    },
    /// Attempts are held back.
    Open {
        /// Since when.
        since_ms: u64,
        /// The failures in a row that opened it.
        failures: u32,
    },
    /// One attempt at a time goes through, as a probe.
    HalfOpen {
        /// Probes in a row that succeeded.
        successes: u32,
        /// The probe under way.
        probe: Option<ProbeLease>,
    },
}

impl Default for BreakerState {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// The right to be the only probe, for a time: a prober that dies does not keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeLease {
    /// Who holds it: the run, the node and the attempt.
    pub holder: String,
    /// When it was taken.
    pub taken_ms: u64,
    /// When it is over.
    pub until_ms: u64,
}
