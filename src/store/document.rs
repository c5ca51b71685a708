//! One JSON document in a file of the user's, changed under a lock that all processes of `onex` heed.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::exchange::{Durability, lock_file, replace};

/// The largest file that is read in bytes: some 100,000 circuits.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// How often a lock that somebody else holds is tried. It is held for the length of one small write, but a process can
/// be stopped at any moment.
const TRIES: u32 = 100;

/// What is kept in a file.
pub(super) trait Kept: Default + Serialize + DeserializeOwned {
    /// The name of its file without its ending.
    const NAME: &'static str;
    /// The version of its form.
    const VERSION: u32;
    /// Whether a file that holds something else gives way to a new one; otherwise it stays, and that is an error.
    const GIVES_WAY: bool;

    /// The version that it was written in.
    fn version(&self) -> u32;
}

/// Why a document cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct DocumentError(String);

/// A document in a folder.
#[derive(Debug)]
pub(super) struct Document<T> {
    /// Nothing where the user has no folder for state.
    folder: Option<PathBuf>,
    /// What the file held when it was last read or written here, and which file that was.
    known: Option<(Signature, T)>,
}

/// What tells a file from one that somebody else has written since: device, inode, length, and when it was changed.
type Signature = (u64, u64, u64, i64, i64);

impl<T: Kept> Document<T> {
    /// The document in `folder`, which need not exist yet.
    pub(super) const fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, known: None }
    }

    /// What is kept now.
    pub(super) fn read(&self) -> Result<T, DocumentError> {
        match read(&self.folder()?.join(format!("{}.json", T::NAME)))? {
            Read::Kept(kept) => Ok(kept),
            Read::Broken(error) => Err(error),
        }
    }

    /// Changes what is kept, and writes it where `change` says that it did something.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut T) -> bool) -> Result<(), DocumentError> {
        let folder = self.folder()?.to_path_buf();
        let failed = |what: &str, path: &Path, error: io::Error| {
            DocumentError(format!("cannot {what} `{}`: {error}", path.display()))
        };
        fs::create_dir_all(&folder).map_err(|error| failed("make", &folder, error))?;
        let lock = folder.join(format!("{}.lock", T::NAME));
        let _held = lock_file(&lock, TRIES).map_err(|error| failed("lock", &lock, error))?;

        let path = folder.join(format!("{}.json", T::NAME));
        // A link stays one: what it names is replaced.
        let path = path.canonicalize().unwrap_or(path);
        let signature = fs::symlink_metadata(&path).ok().map(|kind| signature(&kind));
        let mut kept = match self.known.take() {
            Some((known, kept)) if Some(known) == signature => kept,
            _ => match read(&path)? {
                Read::Kept(kept) => kept,
                Read::Broken(error) if T::GIVES_WAY => {
                    tracing::warn!("{error}; it is begun anew");
                    T::default()
                }
                Read::Broken(error) => return Err(error),
            },
        };
        if !change(&mut kept) {
            self.known = signature.map(|signature| (signature, kept));
            return Ok(());
        }
        let written = write(&path, &kept).map_err(|error| failed("write", &path, error))?;
        self.known = Some((written, kept));
        Ok(())
    }

    fn folder(&self) -> Result<&Path, DocumentError> {
        let none = "there is no folder for state: neither XDG_STATE_HOME nor HOME is set";
        self.folder.as_deref().ok_or_else(|| DocumentError(none.to_owned()))
    }
}

/// What is in a file.
enum Read<T> {
    Kept(T),
    /// Nothing that it should hold.
    Broken(DocumentError),
}

fn read<T: Kept>(path: &Path) -> Result<Read<T>, DocumentError> {
    let failed = |problem: String| DocumentError(format!("cannot read `{}`: {problem}", path.display()));
    let kind = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Read::Kept(T::default())),
        other => other.map_err(|error| failed(error.to_string()))?,
    };
    if !kind.is_file() || kind.len() > MAX_SIZE {
        return Err(failed("it is no file of states".to_owned()));
    }
    let bytes = fs::read(path).map_err(|error| failed(error.to_string()))?;
    let kept: T = match serde_json::from_slice(&bytes) {
        Ok(kept) => kept,
        Err(error) => return Ok(Read::Broken(failed(format!("{error}; remove it to start over")))),
    };
    if kept.version() > T::VERSION {
        return Err(failed("a later version of onex wrote it".to_owned()));
    }
    Ok(Read::Kept(kept))
}

/// In one step: whoever reads sees what was kept before or after.
fn write<T: Kept>(path: &Path, kept: &T) -> io::Result<Signature> {
    let text = serde_json::to_vec(kept)?;
    if text.len() as u64 > MAX_SIZE {
        return Err(io::Error::other("it would be larger than 16 MiB; remove it to start over"));
    }
    Ok(signature(&replace(path, &text, Durability::Process)?.metadata()?))
}

fn signature(kind: &fs::Metadata) -> Signature {
    (kind.dev(), kind.ino(), kind.len(), kind.mtime(), kind.mtime_nsec())
}
