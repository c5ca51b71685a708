//! What the last run of each stage left to do, for each project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::document::{Document, DocumentError, Kept};

/// The most runs that are remembered: those that ended last.
const MOST_RUNS: usize = 500;

/// The most names that are remembered of one run.
const MOST_NAMES: usize = 5_000;

/// What a run left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftToDo {
    /// More than is remembered.
    Everything,
    /// What has these names.
    These(BTreeSet<String>),
}

/// Last runs in `last-runs.json` of a folder. A file that holds something else is begun anew: what it lost is only that
/// the next run has more to do than it must.
#[derive(Debug)]
pub struct FileLastRuns(Document<Runs>);

/// What is remembered cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LastRunsError(#[from] DocumentError);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Runs {
    version: u32,
    /// By the project and the stage.
    runs: BTreeMap<String, Run>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Run {
    /// When it ended, in milliseconds since 1970.
    ended_ms: u64,
    /// What failed or did not get its turn; nothing where that is more than is remembered.
    left: Option<BTreeSet<String>>,
}

impl Kept for Runs {
    const NAME: &'static str = "last-runs";
    const VERSION: u32 = 1;
    const GIVES_WAY: bool = true;

    fn version(&self) -> u32 {
        self.version
    }
}

impl Run {
    fn left(&self) -> LeftToDo {
        self.left.clone().map_or(LeftToDo::Everything, LeftToDo::These)
    }
}

impl FileLastRuns {
    /// Last runs in `folder`, which need not exist yet.
    #[must_use]
    pub const fn new(folder: Option<PathBuf>) -> Self {
        Self(Document::new(folder))
    }

    /// What the last run with this name left to do; nothing where none is remembered.
    ///
    /// # Errors
    ///
    /// If what is remembered cannot be read.
    pub fn left_to_do(&self, run: &str) -> Result<Option<LeftToDo>, LastRunsError> {
        Ok(self.0.read()?.runs.get(run).map(Run::left))
    }

    /// Remembers a run that has ended; `change` makes what is left to do of what was left before.
    ///
    /// # Errors
    ///
    /// If it cannot be remembered.
    pub fn record(
        &mut self,
        (run, ended_ms): (&str, u64),
        change: impl FnOnce(Option<LeftToDo>) -> LeftToDo,
    ) -> Result<(), LastRunsError> {
        self.0.change(|kept| {
            let left = match change(kept.runs.get(run).map(Run::left)) {
                LeftToDo::These(names) if names.len() <= MOST_NAMES => Some(names),
                LeftToDo::These(_) | LeftToDo::Everything => None,
            };
            kept.runs.insert(run.to_owned(), Run { ended_ms, left });
            while kept.runs.len() > MOST_RUNS {
                let oldest =
                    kept.runs.iter().min_by_key(|(_, run)| run.ended_ms).map(|(name, _)| name.clone());
                kept.runs.remove(&oldest.unwrap_or_default());
            }
            kept.version = Runs::VERSION;
            true
        })?;
        Ok(())
    }
}
