//! A folder for what a run exchanges with its programs.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::base::RunId;

/// A folder that only this user can read, and that is gone with its value.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder of a run below `parent`.
    ///
    /// # Errors
    ///
    /// If it cannot be made, or is there already: then it is somebody else's.
    pub fn new(parent: &Path, run_id: RunId) -> io::Result<Self> {
        let path = parent.join(format!("onex-{run_id}"));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// The path of a file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.0.display(), %error, "a folder of the run is left behind");
        }
    }
}
