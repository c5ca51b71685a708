//! What programs changed that ran in the working tree itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::fixes::{Current, objects};
use super::git::{Repository, VcsError, zero_ended};
use super::status::Status;

/// What the working tree held where it differed from the index before programs ran in it.
#[derive(Debug)]
pub struct Before {
    unstaged: Vec<(PathBuf, Option<String>)>,
}

impl Before {
    /// Whether a file had changes that were not staged.
    #[must_use]
    pub fn was_unstaged(&self, path: &Path) -> bool {
        self.unstaged.iter().any(|(file, _)| file == path)
    }
}

impl Repository {
    /// Remembers the files that differ from the index already.
    ///
    /// # Errors
    ///
    /// If git refuses.
    pub fn before(&self, status: &Status) -> Result<Before, VcsError> {
        let files: Vec<PathBuf> = status
            .entries
            .iter()
            .filter(|entry| entry.unstaged.is_some() && !entry.is_submodule)
            .map(|entry| entry.path.clone())
            .collect();
        let objects = self.contents(&files)?;
        Ok(Before { unstaged: files.into_iter().zip(objects).collect() })
    }

    /// The tracked files that are different now, in the order of their paths.
    ///
    /// # Errors
    ///
    /// If git refuses.
    pub fn touched_since(&self, before: &Before) -> Result<Vec<PathBuf>, VcsError> {
        let now = self.status()?;
        let mut touched: Vec<PathBuf> = now
            .entries
            .iter()
            .filter(|entry| entry.unstaged.is_some() && !entry.is_submodule)
            .filter(|entry| !before.unstaged.iter().any(|(file, _)| *file == entry.path))
            .map(|entry| entry.path.clone())
            .collect();
        let known: Vec<PathBuf> = before.unstaged.iter().map(|(file, _)| file.clone()).collect();
        for ((file, object), now) in before.unstaged.iter().zip(self.contents(&known)?) {
            if *object != now {
                touched.push(file.clone());
            }
        }
        touched.sort();
        Ok(touched)
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

    fn contents(&self, files: &[PathBuf]) -> Result<Vec<Option<String>>, VcsError> {
        let found = objects(self, files.iter().map(PathBuf::as_path))?;
        Ok(found
            .into_iter()
            .map(|state| match state {
                Current::Nothing => None,
                Current::Other => Some(String::new()),
                Current::File { object, .. } => Some(object),
            })
            .collect())
    }
}
