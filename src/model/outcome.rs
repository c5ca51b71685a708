//! How attempts, nodes and runs end. The names are those of the wire.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::exit::ExitCode;
use crate::base::text;

/// Where a node stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// Not started.
    #[default]
    Pending,
    /// An attempt is under way.
    Running,
    /// Waiting for its next attempt.
    Retrying,
    /// Done.
    Completed,
    /// Ended without success.
    Failed,
    /// Never started.
    Skipped,
}

impl NodeStatus {
    /// Whether the node will not change any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Skipped)
    }
}

/// Why a node failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// Its program ended with a code other than 0.
    ExitCode,
    /// It ran longer than it may.
    Timeout,
    /// A signal that `onex` did not send ended it.
    Signal,
    /// Its program could not be started.
    Spawn,
    /// It broke an agreement, such as the form of its output.
    Protocol,
    /// It changed files that it was to look at.
    FilesChanged,
    /// It may have had its effect, and must not be repeated to find out.
    Uncertain,
    /// Its circuit is open: earlier attempts failed, perhaps in other runs.
    CircuitOpen,
    /// The run had used up its budget.
    Budget,
    /// It was denied.
    Policy,
    /// The run was cancelled while it ran.
    Cancelled,
}

impl FailureReason {
    /// The kind of error that reports give, which `retry_on` also matches.
    #[must_use]
    pub const fn error_kind(self) -> &'static str {
        match self {
            Self::ExitCode => "TaskFailedError",
            Self::Timeout => "TimeoutError",
            Self::Signal => "SignalError",
            Self::Spawn => "SpawnError",
            Self::Protocol => "ProtocolError",
            Self::FilesChanged => "StepError",
            Self::Uncertain => "UncertainError",
            Self::CircuitOpen => "CircuitOpenError",
            Self::Budget => "BudgetExceededError",
            Self::Policy => "PolicyError",
            Self::Cancelled => "CancelledError",
        }
    }

    /// The reason as the wire writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExitCode => "exit_code",
            Self::Timeout => "timeout",
            Self::Signal => "signal",
            Self::Spawn => "spawn",
            Self::Protocol => "protocol",
            Self::FilesChanged => "files_changed",
            Self::Uncertain => "uncertain",
            Self::CircuitOpen => "circuit_open",
            Self::Budget => "budget",
            Self::Policy => "policy",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether something between `onex` and its node failed, and not the node's own answer.
    #[must_use]
    pub const fn is_infrastructure(self) -> bool {
        match self {
            Self::Timeout | Self::Signal | Self::Spawn | Self::Protocol => true,
            Self::ExitCode
            | Self::FilesChanged
            | Self::Uncertain
            | Self::CircuitOpen
            | Self::Budget
            | Self::Policy
            | Self::Cancelled => false,
        }
    }

    /// The exit code of a run in which a node failed like this.
    #[must_use]
    pub const fn exit_code(self) -> ExitCode {
        match self {
            Self::ExitCode
            | Self::Timeout
            | Self::Signal
            | Self::Spawn
            | Self::FilesChanged
            | Self::Uncertain
            | Self::CircuitOpen
            | Self::Budget
            | Self::Cancelled => ExitCode::ExecutionFailed,
            Self::Protocol => ExitCode::Protocol,
            Self::Policy => ExitCode::Security,
        }
    }
}

/// Why a node was never started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// A node that it depends on ended well, and it was asked to wait for a failure.
    Condition,
    /// A node that it depends on was skipped in good order.
    UpstreamSkipped,
    /// A node that it depends on, directly or not, failed.
    DependencyFailed,
    /// Its contract disables it. It satisfies its dependents.
    Disabled,
    /// It is none of the nodes that were asked for. Who waits for it waits for what it waits for.
    NotSelected,
    /// It is for files, and none of those that the run is about is one for it. Who waits for it waits for what it waits
    /// for.
    NoFiles,
    /// `ONEX_SKIP` names it. It satisfies its dependents.
    Excluded,
    /// The run was cancelled first.
    Cancelled,
    /// Nothing runs in a dry run.
    DryRun,
    /// The node that it stands in for did not fail.
    FallbackUnused,
}

impl SkipReason {
    /// The reason as the wire writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::UpstreamSkipped => "upstream_skipped",
            Self::DependencyFailed => "dependency_failed",
            Self::Disabled => "disabled",
            Self::NotSelected => "not_selected",
            Self::NoFiles => "no_files",
            Self::Excluded => "excluded",
            Self::Cancelled => "cancelled",
            Self::DryRun => "dry_run",
            Self::FallbackUnused => "fallback_unused",
        }
    }

    /// Whether the run goes on as if the node were not there.
    #[must_use]
    pub const fn is_left_out(self) -> bool {
        matches!(self, Self::NotSelected | Self::NoFiles)
    }
}

/// What is known of an attempt that did not succeed: whether it may be repeated depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttemptClass {
    /// Nothing happened: it can have had no effect.
    NotStarted,
    /// It answered.
    Definite,
    /// Whether it had its effect is not known.
    Unknown,
}

/// Why a run stops before its plan is done. The order is the meaning: a cancel only ever escalates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// A node failed, and the run stops at the first failure.
    FailFast,
    /// The run has used up its budget.
    Budget,
    /// The run's time is up.
    Timeout,
    /// What must be recorded could not be.
    SinkFailed,
    /// Somebody asked for it.
    Signal,
    /// Somebody asked for it again: everything is killed.
    Kill,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Under way, or cut off.
    #[default]
    Running,
    /// Nothing failed.
    Success,
    /// A node failed.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// Its time was up.
    TimedOut,
    /// Nodes failed, and enough are done for a contract that allows it.
    Partial,
}

/// What a run may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BudgetLimit {
    /// Nodes that are started.
    Steps,
    /// Attempts of all nodes together.
    Attempts,
    /// Milliseconds from the start of the run.
    Time,
    /// Bytes that all nodes print.
    Output,
}

impl BudgetLimit {
    /// So much of it, for people.
    #[must_use]
    pub fn amount(self, allowed: u64) -> String {
        let count = |noun| text::count(usize::try_from(allowed).unwrap_or(usize::MAX), noun);
        match self {
            Self::Steps => count("step"),
            Self::Attempts => count("attempt"),
            Self::Time => text::duration(Duration::from_millis(allowed)),
            Self::Output => format!("{} of output", count("byte")),
        }
    }
}

/// An error by the names of the specification, or in the same style.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ErrorInfo {
    /// The name, such as `TaskFailedError`.
    pub kind: String,
    /// The same for people.
    pub message: String,
    /// More about it.
    pub context: Map<String, Value>,
}

impl ErrorInfo {
    /// An error without context.
    #[must_use]
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into(), context: Map::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_failure_have_their_exit_codes() {
        use FailureReason as R;
        for reason in [
            R::ExitCode,
            R::Timeout,
            R::Signal,
            R::Spawn,
            R::Uncertain,
            R::CircuitOpen,
            R::Budget,
            R::Cancelled,
        ] {
            assert_eq!(reason.exit_code(), ExitCode::ExecutionFailed);
        }
        assert_eq!(R::Protocol.exit_code(), ExitCode::Protocol);
        assert_eq!(R::Policy.exit_code(), ExitCode::Security);
    }

    #[test]
    fn words_are_those_of_the_wire() {
        use FailureReason as F;
        for reason in [
            F::ExitCode,
            F::Timeout,
            F::Signal,
            F::Spawn,
            F::Protocol,
            F::Uncertain,
            F::CircuitOpen,
            F::Budget,
            F::Policy,
            F::Cancelled,
        ] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        use SkipReason as S;
        for reason in [
            S::Condition,
            S::UpstreamSkipped,
            S::DependencyFailed,
            S::Disabled,
            S::NotSelected,
            S::NoFiles,
            S::Excluded,
            S::Cancelled,
            S::DryRun,
            S::FallbackUnused,
        ] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }

    #[test]
    fn cancels_escalate_from_the_mildest() {
        use CancelReason::{Budget, FailFast, Kill, Signal, SinkFailed, Timeout};
        assert!([FailFast, Budget, Timeout, SinkFailed, Signal, Kill].is_sorted());
    }
}
