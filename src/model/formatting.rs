//! What `onex fmt` did, on the wire.

use serde::{Deserialize, Serialize};

use super::report::DiagnosticInfo;

/// What became of all files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formatting {
    /// Every file, in the order in which they were named.
    pub files: Vec<FormattedFile>,
    /// All of them in numbers.
    pub summary: FormattingSummary,
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormattedFile {
    /// The file.
    pub path: String,
    /// What became of it.
    pub status: FormatStatus,
    /// What would change, as a unified diff, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// Why it could not be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is wrong with the file.
    pub diagnostics: Vec<DiagnosticInfo>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormatStatus {
    /// It has its form already.
    Unchanged,
    /// It has been rewritten.
    Formatted,
    /// It would be rewritten.
    WouldChange,
    /// It is no file that has a form; its diagnostics say why.
    Refused,
    /// It could not be done, and the file is as it was.
    Failed,
}

/// All files in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormattingSummary {
    /// Files.
    pub files: usize,
    /// Those that were rewritten, or would be.
    pub changed: usize,
    /// Those that are as they should be.
    pub unchanged: usize,
    /// Those that are left as they were, because something is wrong.
    pub failed: usize,
}

impl Formatting {
    /// What became of these files.
    #[must_use]
    pub fn of(files: Vec<FormattedFile>) -> Self {
        let mut summary = FormattingSummary { files: files.len(), ..FormattingSummary::default() };
        for file in &files {
            match file.status {
                FormatStatus::Unchanged => summary.unchanged += 1,
                FormatStatus::Formatted | FormatStatus::WouldChange => summary.changed += 1,
                FormatStatus::Refused | FormatStatus::Failed => summary.failed += 1,
            }
        }
        Self { files, summary }
    }
}
