//! Names that policies speak of: files of contracts, and words that may look like others.

use std::path::{Path, PathBuf};

use crate::base::paths::tidied;
use crate::model::policy::Pattern;

/// The path of a contract or a component: a project's file has several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitPath {
    /// As people know it.
    pub shown: PathBuf,
    /// The file from the top, without symbolic links; where a stage runs in a tree of its own, that of the project.
    pub real: PathBuf,
    /// As it was reached, from the top, without `.` and `..`.
    pub named: PathBuf,
    /// The project root.
    pub root: PathBuf,
}

impl UnitPath {
    /// Whether a pattern is one of the file, by any of its names.
    #[must_use]
    pub fn is_any(&self, pattern: &Pattern) -> bool {
        is_of(pattern, &self.real, &self.root) || is_of(pattern, &self.named, &self.root)
    }

    /// Whether a pattern is one of the file itself: a link to it has no say.
    #[must_use]
    pub fn is_really(&self, pattern: &Pattern) -> bool {
        is_of(pattern, &self.real, &self.root)
    }
}

/// Whether a pattern matches a file from the top, or as the project names it.
pub(super) fn is_of(pattern: &Pattern, file: &Path, root: &Path) -> bool {
    let file = tidied(file);
    pattern.matches(&file) || file.strip_prefix(root).is_ok_and(|inside| pattern.matches(inside))
}

/// A name in backquotes; letters that look like others are spelt out.
pub(super) fn spelt(name: &str) -> String {
    if name.is_ascii() {
        return format!("`{name}`");
    }
    let odd: Vec<String> =
        name.chars().filter(|c| !c.is_ascii()).map(|c| format!("U+{:04X}", u32::from(c))).collect();
    format!("`{name}` (with {})", odd.join(", "))
}
