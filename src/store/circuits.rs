//! The states of circuits in one file of the user's, changed under a lock that all processes of `onex` heed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::engine::ports::{CircuitError, CircuitKey, Circuits};
use crate::model::breaker::BreakerState;

/// The version of the file's form.
const VERSION: u32 = 1;

/// The largest file that is read in bytes: some 100,000 circuits.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// How often a lock that somebody else holds is tried, and the time in between. It is held for the length of one small
/// write, but a process can be stopped at any moment.
const TRIES: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(2);

/// Circuits in `circuits.json` of a folder. Where the file cannot be used, every update fails, and that is said once.
#[derive(Debug)]
pub struct FileCircuits {
    /// Nothing where the user has no folder for state.
    folder: Option<PathBuf>,
    /// What the nodes of this run's contract are told apart from those of others by.
    contract: String,
    told: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Document {
    version: u32,
    circuits: BTreeMap<String, BreakerState>,
}

impl FileCircuits {
    /// Circuits in `folder`, which need not exist yet; `contract` names the contract of the run.
    #[must_use]
    pub const fn new(folder: Option<PathBuf>, contract: String) -> Self {
        Self { folder, contract, told: false }
    }

    fn key(&self, circuit: &CircuitKey) -> String {
        match circuit {
            CircuitKey::Destination(name) => format!("destination: {name}"),
            CircuitKey::Node(node) => format!("{}: {node}", self.contract),
        }
    }

    fn change(
        &self,
        circuit: &CircuitKey,
        change: &mut dyn FnMut(BreakerState) -> BreakerState,
    ) -> Result<(), CircuitError> {
        let failed = |what: &str, path: &Path, error: io::Error| {
            CircuitError(format!("cannot {what} `{}`: {error}", path.display()))
        };
        let folder = self.folder.as_deref().ok_or_else(|| {
            CircuitError("there is no folder for state: neither XDG_STATE_HOME nor HOME is set".to_owned())
        })?;
        fs::create_dir_all(folder).map_err(|error| failed("make", folder, error))?;
        let lock = folder.join("circuits.lock");
        let _held = lock_file(&lock).map_err(|error| failed("lock", &lock, error))?;

        let path = folder.join("circuits.json");
        let mut document = read(&path)?;
        let key = self.key(circuit);
        let before = document.circuits.get(&key).cloned();
        let after = change(before.clone().unwrap_or_default());
        if before.as_ref() == Some(&after) || (before.is_none() && after == BreakerState::default()) {
            return Ok(());
        }
        // A circuit at rest needs no place in the file.
        if after == BreakerState::default() {
            document.circuits.remove(&key);
        } else {
            document.circuits.insert(key, after);
        }
        document.version = VERSION;
        write(&path, &document).map_err(|error| failed("write", &path, error))
    }
}

impl Circuits for FileCircuits {
    fn update(
        &mut self,
        circuit: &CircuitKey,
        change: &mut dyn FnMut(BreakerState) -> BreakerState,
    ) -> Result<(), CircuitError> {
        self.change(circuit, change).inspect_err(|error| {
            if !std::mem::replace(&mut self.told, true) {
                tracing::warn!(%error, "circuit breakers have no effect in this run");
            }
        })
    }
}

/// The lock, once nobody else holds it. It is gone with the file.
#[expect(
    clippy::disallowed_methods,
    reason = "what is asked between two inputs has to be answered before the next"
)]
fn lock_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    for attempt in 1.. {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(error) if error == rustix::io::Errno::WOULDBLOCK && attempt < TRIES => {
                std::thread::sleep(BETWEEN);
            }
            Err(error) if error == rustix::io::Errno::WOULDBLOCK => {
                return Err(io::Error::other("another process holds it"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(file)
}

fn read(path: &Path) -> Result<Document, CircuitError> {
    let failed = |problem: String| CircuitError(format!("cannot read `{}`: {problem}", path.display()));
    let kind = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Document::default()),
        other => other.map_err(|error| failed(error.to_string()))?,
    };
    if !kind.is_file() || kind.len() > MAX_SIZE {
        return Err(failed("it is no file of states".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let document: Document =
        serde_json::from_str(&text).map_err(|error| failed(format!("{error}; remove it to start over")))?;
    if document.version > VERSION {
        return Err(failed("a later version of onex wrote it".to_owned()));
    }
    Ok(document)
}

/// In one step: whoever reads sees the states from before or from after.
fn write(path: &Path, document: &Document) -> io::Result<()> {
    let beside = path.with_extension("json.new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
    serde_json::to_writer(&mut file, document)?;
    drop(file);
    fs::rename(&beside, path)
}
