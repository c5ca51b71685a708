//! The states of circuits in one file of the user's, changed under a lock that all processes of `onex` heed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::exchange::{Durability, lock_file, replace};
use crate::engine::ports::{CircuitError, CircuitKey, Circuits};
use crate::model::breaker::BreakerState;

/// The version of the file's form.
const VERSION: u32 = 1;

/// The largest file that is read in bytes: some 100,000 circuits.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// How often a lock that somebody else holds is tried. It is held for the length of one small write, but a process can
/// be stopped at any moment.
const TRIES: u32 = 100;

/// Circuits in `circuits.json` of a folder. Where the file cannot be used, every update fails, and that is said once.
#[derive(Debug)]
pub struct FileCircuits {
    /// Nothing where the user has no folder for state.
    folder: Option<PathBuf>,
    /// What the nodes of this run's contract are told apart from those of others by.
    contract: String,
    /// Whether the states cannot be kept: asking again would cost every node the same wait.
    given_up: bool,
    /// What the file held when it was last read or written here, and which file that was.
    known: Option<(Signature, Document)>,
}

/// What tells a file from one that somebody else has written since: device, inode, length, and when it was changed.
type Signature = (u64, u64, u64, i64, i64);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Document {
    version: u32,
    circuits: BTreeMap<String, BreakerState>,
}

impl FileCircuits {
    /// Circuits in `folder`, which need not exist yet; `contract` names the contract of the run.
    #[must_use]
    pub const fn new(folder: Option<PathBuf>, contract: String) -> Self {
        Self { folder, contract, given_up: false, known: None }
    }

    fn key(&self, circuit: &CircuitKey) -> String {
        match circuit {
            CircuitKey::Destination(name) => format!("destination: {name}"),
            CircuitKey::Node(node) => format!("{}: {node}", self.contract),
        }
    }

    fn change(
        &mut self,
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
        let _held = lock_file(&lock, TRIES).map_err(|error| failed("lock", &lock, error))?;

        let path = folder.join("circuits.json");
        // A link stays one: what it names is replaced.
        let path = path.canonicalize().unwrap_or(path);
        let signature = fs::symlink_metadata(&path).ok().map(|kind| signature(&kind));
        let mut document = match self.known.take() {
            Some((known, document)) if Some(known) == signature => document,
            _ => read(&path)?,
        };
        let key = self.key(circuit);
        let before = document.circuits.get(&key).cloned();
        let after = change(before.clone().unwrap_or_default());
        if before.as_ref() == Some(&after) || (before.is_none() && after == BreakerState::default()) {
            self.known = signature.map(|signature| (signature, document));
            return Ok(());
        }
        // A circuit at rest needs no place in the file.
        if after == BreakerState::default() {
            document.circuits.remove(&key);
        } else {
            document.circuits.insert(key, after);
        }
        document.version = VERSION;
        let written = write(&path, &document).map_err(|error| failed("write", &path, error))?;
        self.known = Some((written, document));
        Ok(())
    }
}

impl Circuits for FileCircuits {
    fn update(
        &mut self,
        circuit: &CircuitKey,
        change: &mut dyn FnMut(BreakerState) -> BreakerState,
    ) -> Result<(), CircuitError> {
        if self.given_up {
            return Err(CircuitError("they could not be kept before".to_owned()));
        }
        self.change(circuit, change).inspect_err(|error| {
            self.given_up = true;
            tracing::warn!(%error, "circuit breakers have no effect from here on in this run");
        })
    }
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
fn write(path: &Path, document: &Document) -> io::Result<Signature> {
    let text = serde_json::to_vec(document)?;
    if text.len() as u64 > MAX_SIZE {
        return Err(io::Error::other("it would be larger than 16 MiB; remove it to start over"));
    }
    Ok(signature(&replace(path, &text, Durability::Process)?.metadata()?))
}

fn signature(kind: &fs::Metadata) -> Signature {
    (kind.dev(), kind.ino(), kind.len(), kind.mtime(), kind.mtime_nsec())
}
