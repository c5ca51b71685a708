//! What programs changed that ran in the working tree itself.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::fixes::{Current, objects};
use super::git::{Repository, VcsError, zero_ended};
use super::status::Status;

/// What the index and the working tree held before programs ran, where they differed from the last commit and from
/// each other.
#[derive(Debug, Default)]
pub struct Before {
    staged: HashMap<PathBuf, String>,
    unstaged: Vec<(PathBuf, Current)>,
}

impl Before {
    /// Whether a file had changes that were not staged.
    #[must_use]
    pub fn was_unstaged(&self, path: &Path) -> bool {
        self.unstaged.iter().any(|(file, _)| file == path)
    }
}

impl Repository {
    /// Remembers the files that differ already.
    ///
    /// # Errors
    ///
    /// If git refuses.
    pub fn before(&self, status: &Status) -> Result<Before, VcsError> {
        let files = unstaged(status);
        let current = objects(self, files.iter().map(PathBuf::as_path))?;
        Ok(Before { staged: staged(status), unstaged: files.into_iter().zip(current).collect() })
    }

    /// The tracked files that are different now, in the order of their paths; staged by a program or not.
    ///
    /// # Errors
    ///
    /// If git refuses.
    pub fn touched_since(&self, before: &Before) -> Result<Vec<PathBuf>, VcsError> {
        let now = self.status()?;
        let mut touched: BTreeSet<PathBuf> =
            unstaged(&now).into_iter().filter(|file| !before.was_unstaged(file)).collect();
        // Most are not looked at again: nobody has written them.
        let known =
            before.unstaged.iter().filter(|(file, current)| !current.is_unwritten(&self.top().join(file)));
        let known: Vec<&(PathBuf, Current)> = known.collect();
        let contents = objects(self, known.iter().map(|(file, _)| file.as_path()))?;
        for ((file, current), now) in known.into_iter().zip(contents) {
            if !current.has_same_content(&now) {
                touched.insert(file.clone());
            }
        }
        let staged = staged(&now);
        let other = |(file, object): &(&PathBuf, &String)| before.staged.get(*file) != Some(*object);
        touched.extend(staged.iter().filter(other).map(|(file, _)| file.clone()));
        touched.extend(before.staged.keys().filter(|file| !staged.contains_key(*file)).cloned());
        Ok(touched.into_iter().collect())
    }

    /// How files differ from the index, as `git diff` shows it.
    ///
    /// # Errors
    ///
    /// If git refuses.
    pub fn diff(&self, files: &[PathBuf]) -> Result<Vec<u8>, VcsError> {
        let asked = ["--literal-pathspecs", "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--"];
        let arguments: Vec<&OsStr> =
            asked.iter().map(OsStr::new).chain(files.iter().map(|file| file.as_os_str())).collect();
        self.git(&arguments, &[])
    }

    /// Stages files as they are in the working tree.
    ///
    /// # Errors
    ///
    /// If git refuses.
    pub fn stage(&self, files: &[PathBuf]) -> Result<(), VcsError> {
        if files.is_empty() {
            return Ok(());
        }
        let listed = zero_ended(files.iter().map(PathBuf::as_path));
        self.git(&["update-index", "--add", "--remove", "-z", "--stdin"], &listed).map(drop)
    }
}

fn unstaged(status: &Status) -> Vec<PathBuf> {
    let entries = status.entries.iter().filter(|entry| entry.unstaged.is_some() && !entry.is_submodule);
    entries.map(|entry| entry.path.clone()).collect()
}

/// What the index holds that the last commit does not; nothing for a file that is gone.
fn staged(status: &Status) -> HashMap<PathBuf, String> {
    let entries = status.entries.iter().filter(|entry| entry.staged.is_some());
    entries.map(|entry| (entry.path.clone(), entry.object.clone())).collect()
}
