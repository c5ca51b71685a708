//! What `onex validate` found, on the wire.

use serde::{Deserialize, Serialize};

use super::report::DiagnosticInfo;
use crate::diag::Severity;

/// What was found in all files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Validation {
    /// Every file, in the order in which they were named.
    pub files: Vec<FileValidation>,
    /// All of them in numbers.
    pub summary: ValidationSummary,
}

/// What was found in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FileValidation {
    /// The file.
    pub path: String,
    /// What it is: `orchestrator`, `component`, `fragment`, or `other`.
    pub kind: String,
    /// Whether nothing is wrong with it.
    pub valid: bool,
    /// All findings, ordered by position.
    pub diagnostics: Vec<DiagnosticInfo>,
}

/// All files in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ValidationSummary {
    /// Files.
    pub files: usize,
    /// Errors in all of them.
    pub errors: usize,
    /// Warnings in all of them.
    pub warnings: usize,
}

impl FileValidation {
    /// How many findings are of one severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|found| found.severity == severity).count()
    }
}

impl Validation {
    /// What was found in these files.
    #[must_use]
    pub fn of(files: Vec<FileValidation>) -> Self {
        let count = |severity| files.iter().map(|file| file.count(severity)).sum();
        let summary = ValidationSummary {
            files: files.len(),
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
        };
        Self { files, summary }
    }
}
