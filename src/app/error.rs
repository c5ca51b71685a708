//! Why something could not be done at all, and the exit code of it.

use std::io;
use std::path::PathBuf;

use crate::diag::{Code, Diagnostic, Severity, codes};
use crate::model::exit::ExitCode;
use crate::model::outcome::ErrorInfo;
use crate::orchestrators::StageError;
use crate::plan::SelectionError;
use crate::vcs::VcsError;

/// Why something could not be done. A run that failed is no error: it is a report.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The contract, or what it was given, is not in order. The diagnostics say why.
    #[error("{}", summary(.0))]
    Contract(Vec<Diagnostic>),
    /// A settings file is not in order. The diagnostics say why.
    #[error("{}", summary(.0))]
    Settings(Vec<Diagnostic>),
    /// The nodes that were asked for are none of the contract's.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A file that was asked for cannot be written.
    #[error("cannot write `{}`: {source}", .path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A report that was asked for could not be written after the run.
    #[error("cannot write the report `{}`: {source}", .path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that was named cannot be read.
    #[error("cannot read `{}`: {problem}", .path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// There is no place to work in.
    #[error("cannot make a working folder in `{}`: {source}", .path.display())]
    Scratch {
        /// The folder that it should have been made in.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is to be trusted no longer never was.
    #[error("`{}` is not trusted; `onex trust --list` shows what is", .0.display())]
    NotTrusted(PathBuf),
    /// A stage has nothing that it could run.
    #[error(transparent)]
    Stage(StageError),
    /// Git could not be asked.
    #[error(transparent)]
    Git(#[from] VcsError),
    /// Files were chosen by what git knows of them, and it knows nothing.
    #[error(
        "there is no git repository here, so nothing is staged or changed; use `--all-files` or name files"
    )]
    NoRepository,
    /// Contracts were to come from a commit, and that cannot be.
    #[error("contracts cannot come from `{reference}`: {problem}")]
    Basis {
        /// The commit, as it was named.
        reference: String,
        /// Why.
        problem: String,
    },
    /// A sandbox that is required cannot be enforced here.
    #[error("{0}")]
    Sandbox(String),
    /// The operating system does not let `onex` work.
    #[error("the operating system refused: {0}")]
    System(io::Error),
}

impl From<StageError> for AppError {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Findings(found) => Self::Contract(found),
            other => Self::Stage(other),
        }
    }
}

impl AppError {
    /// The name of the error: those of the specification, or in their style.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Contract(found) => {
                let first = found.iter().find(|d| d.severity == Severity::Error).map(|d| d.code);
                match first {
                    Some(codes::CYCLE) => "CycleError",
                    Some(codes::UNKNOWN_NODE) => "DependencyResolutionError",
                    Some(codes::OUTSIDE_ROOT) => "SecurityError",
                    Some(code) if is_denial(code) => "PolicyError",
                    Some(code) if is_resolution(code) => "RegistryError",
                    Some(codes::UNMATCHED_FILTER) => "ConfigurationError",
                    Some(codes::UNKNOWN_INPUT | codes::MISSING_INPUT | codes::BAD_INPUT) => "InputError",
                    _ => "ContractError",
                }
            }
            Self::Stage(StageError::Outside(_)) | Self::Sandbox(_) => "SecurityError",
            Self::Selection(_)
            | Self::Settings(_)
            | Self::Output { .. }
            | Self::Input { .. }
            | Self::NotTrusted(_)
            | Self::Stage(_)
            | Self::Basis { .. }
            | Self::NoRepository => "ConfigurationError",
            Self::Git(VcsError::NoCommit { .. }) => "ConfigurationError",
            Self::Git(_) => "OrchestratorError",
            Self::Report { .. } => "OutputError",
            Self::Scratch { .. } => "StateError",
            Self::System(_) => "OrchestratorError",
        }
    }

    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Contract(found) => diagnosed(found),
            Self::Stage(StageError::Outside(_)) | Self::Sandbox(_) => ExitCode::Security,
            Self::Selection(_)
            | Self::Settings(_)
            | Self::Output { .. }
            | Self::Input { .. }
            | Self::Scratch { .. }
            | Self::NotTrusted(_)
            | Self::Stage(_)
            | Self::Git(_)
            | Self::Basis { .. }
            | Self::NoRepository => ExitCode::Configuration,
            Self::Report { .. } | Self::System(_) => ExitCode::ExecutionFailed,
        }
    }

    /// The same on the wire.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        ErrorInfo::new(self.kind(), self.to_string())
    }

    /// The findings, where there are any.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Contract(found) | Self::Settings(found) | Self::Stage(StageError::Unrunnable(found)) => {
                found
            }
            Self::Selection(_)
            | Self::Output { .. }
            | Self::Report { .. }
            | Self::Input { .. }
            | Self::Scratch { .. }
            | Self::NotTrusted(_)
            | Self::Stage(_)
            | Self::Git(_)
            | Self::Basis { .. }
            | Self::NoRepository
            | Self::Sandbox(_)
            | Self::System(_) => &[],
        }
    }
}

/// The exit code that findings amount to: the highest wins.
#[must_use]
pub fn diagnosed(found: &[Diagnostic]) -> ExitCode {
    let code = |d: &Diagnostic| match d.code {
        codes::OUTSIDE_ROOT => ExitCode::Security,
        code if is_denial(code) => ExitCode::Security,
        code if is_resolution(code) => ExitCode::Registry,
        _ => ExitCode::Configuration,
    };
    found.iter().filter(|d| d.severity == Severity::Error).map(code).max().unwrap_or(ExitCode::Configuration)
}

/// Whether a finding is that somebody does not want what would run.
fn is_denial(code: Code) -> bool {
    matches!(code, codes::POLICY_BROKEN | codes::NOT_TRUSTED | codes::BAD_TRUST_FILE)
}

/// Whether a finding is that a name leads to nothing, or not to what it should.
fn is_resolution(code: Code) -> bool {
    matches!(
        code,
        codes::UNKNOWN_CONTRACT
            | codes::UNKNOWN_COMPONENT
            | codes::AMBIGUOUS_COMPONENT
            | codes::NO_SUCH_VERSION
            | codes::COMPONENT_CIRCLE
            | codes::DIGEST_CHANGED
            | codes::COMPONENT_GONE
            | codes::MISSING_PROGRAM
            | codes::NOT_EXECUTABLE
    )
}

fn summary(found: &[Diagnostic]) -> String {
    let errors: Vec<_> = found.iter().filter(|d| d.severity == Severity::Error).collect();
    match errors.as_slice() {
        [only] => only.message.clone(),
        [first, rest @ ..] => {
            format!("{}, and {}", first.message, crate::base::text::count(rest.len(), "more error"))
        }
        [] => "the contract is not in order".to_owned(),
    }
}
