//! The environment that `onex` was started in, as data.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What was read of the environment, once, at the start.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// All variables.
    pub variables: Vec<(OsString, OsString)>,
    /// The working directory.
    pub directory: PathBuf,
    /// Where temporary files go.
    pub temporary: PathBuf,
    /// The variables that set options of `onex` itself: children do not get them.
    pub own: Vec<String>,
}

impl Environment {
    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// What children inherit.
    #[must_use]
    pub fn inherited(&self) -> Vec<(OsString, OsString)> {
        self.variables
            .iter()
            .filter(|(name, _)| !self.own.iter().any(|own| name == own.as_str()))
            .cloned()
            .collect()
    }
}
