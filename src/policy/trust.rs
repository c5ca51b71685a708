//! Whether a contract is what somebody trusted: itself, what it includes, and the files of the project that it runs.

use std::path::{Path, PathBuf};

use super::UnitPath;
use crate::model::policy::{Pin, Trusted};

/// Whether a contract is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All of it is as somebody trusted it.
    Trusted,
    /// Nobody has trusted it.
    Unknown,
    /// It was trusted for another project root.
    OtherRoot(PathBuf),
    /// Files of it have changed since.
    Changed(Vec<PathBuf>),
    /// It runs files that were no part of it.
    Added(Vec<PathBuf>),
}

impl Standing {
    /// What is wrong with a contract; nothing where nothing is.
    #[must_use]
    pub fn problem(&self, path: &UnitPath) -> Option<String> {
        let shown = path.shown.display();
        let name = |file: &PathBuf| format!("`{}`", file.strip_prefix(&path.root).unwrap_or(file).display());
        let names = |files: &[PathBuf]| files.iter().map(name).collect::<Vec<_>>().join(", ");
        match self {
            Self::Trusted => None,
            Self::Unknown => Some(format!("`{shown}` is not trusted")),
            Self::OtherRoot(root) => Some(format!(
                "`{shown}` is trusted for the project root `{}`, and not for this one",
                root.display()
            )),
            Self::Changed(files) => {
                Some(format!("`{shown}` has changed since it was trusted: {}", names(files)))
            }
            Self::Added(files) => {
                Some(format!("`{shown}` was trusted without what it runs now: {}", names(files)))
            }
        }
    }
}

/// How the contract at `path`, run for the project at `root`, stands with what is trusted: `files` are those that it is
/// made of and runs now.
#[must_use]
pub fn standing(trusted: &[Trusted], (path, root): (&Path, &Path), files: &[Pin]) -> Standing {
    let mut best = Standing::Unknown;
    for entry in trusted.iter().filter(|entry| entry.path == path) {
        let found = compare(entry, root, files);
        match (&best, &found) {
            (_, Standing::Trusted) => return Standing::Trusted,
            // One that was meant for this root says more.
            (Standing::Unknown | Standing::OtherRoot(_), _) => best = found,
            _ => {}
        }
    }
    best
}

fn compare(entry: &Trusted, root: &Path, files: &[Pin]) -> Standing {
    if entry.root != root {
        return Standing::OtherRoot(entry.root.clone());
    }
    let known = |pin: &Pin| entry.files.iter().find(|known| known.path == pin.path);
    let is_changed =
        |pin: &&Pin| known(pin).is_some_and(|known| pin.digest.is_none() || known.digest != pin.digest);
    let changed: Vec<PathBuf> = files.iter().filter(is_changed).map(|pin| pin.path.clone()).collect();
    if !changed.is_empty() {
        return Standing::Changed(changed);
    }
    let added: Vec<PathBuf> =
        files.iter().filter(|pin| known(pin).is_none()).map(|pin| pin.path.clone()).collect();
    if added.is_empty() { Standing::Trusted } else { Standing::Added(added) }
}
