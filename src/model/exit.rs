//! The exit codes. The table is closed: `spec/000`, "Exit Codes".

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a process of `onex` ends. The greater code wins where several apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(extend("maximum" = 5)))]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum ExitCode {
    /// Everything that was asked for is done.
    #[default]
    Success = 0,
    /// A node failed, timed out or was cancelled.
    ExecutionFailed = 1,
    /// The contract or the command line is invalid.
    Configuration = 2,
    /// A component cannot be resolved.
    Registry = 3,
    /// Something broke a protocol that it had agreed to.
    Protocol = 4,
    /// Something was denied.
    Security = 5,
}

impl ExitCode {
    /// Every code, in order.
    pub const ALL: [Self; 6] = [
        Self::Success,
        Self::ExecutionFailed,
        Self::Configuration,
        Self::Registry,
        Self::Protocol,
        Self::Security,
    ];

    /// What the code means, as the documentation says it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ExecutionFailed => "execution failed",
            Self::Configuration => "configuration error",
            Self::Registry => "registry resolution failure",
            Self::Protocol => "protocol violation",
            Self::Security => "sandbox/security violation",
        }
    }
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        code as Self
    }
}

impl TryFrom<u8> for ExitCode {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, String> {
        Self::ALL.into_iter().find(|&c| u8::from(c) == code).ok_or_else(|| format!("no exit code {code}"))
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", u8::from(*self))
    }
}
