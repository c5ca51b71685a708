//! The environment that `onex` was started in, as data.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::process::Enforcement;

/// What was read of the environment, once, at the start.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// All variables.
    pub variables: Vec<(OsString, OsString)>,
    /// The working directory.
    pub directory: PathBuf,
    /// Where temporary files go.
    pub temporary: PathBuf,
    /// The program that runs, where the system says.
    pub program: Option<PathBuf>,
    /// The variables that set options of `onex` itself: children do not get them.
    pub own: Vec<String>,
    /// What sandboxes can be made with: nothing, unless somebody has asked the machine.
    pub enforcement: Enforcement,
}

impl Environment {
    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// The folder for what outlives a run: the XDG base directory specification, "state".
    #[must_use]
    pub fn state(&self) -> Option<PathBuf> {
        self.folder("XDG_STATE_HOME", ".local/state")
    }

    /// The folder for the user's settings: the XDG base directory specification, "config".
    #[must_use]
    pub fn config(&self) -> Option<PathBuf> {
        self.folder("XDG_CONFIG_HOME", ".config")
    }

    /// Whether a variable is set, and to nothing.
    #[must_use]
    pub fn is_set_to_nothing(&self, name: &str) -> bool {
        self.variables.iter().any(|(known, value)| known == name && value.is_empty())
    }

    /// The folder for what can be made again: the XDG base directory specification, "cache".
    #[must_use]
    pub fn cache(&self) -> Option<PathBuf> {
        self.folder("XDG_CACHE_HOME", ".cache")
    }

    fn folder(&self, variable: &str, at_home: &str) -> Option<PathBuf> {
        // Relative paths are to be ignored, says the specification.
        let named = self.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || Some(PathBuf::from(self.get("HOME")?).join(at_home));
        Some(named.or_else(home)?.join("onex"))
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
