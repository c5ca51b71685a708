//! Where shadows stand: a folder for each, with a lock. Those that nobody needs any more are removed.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use sha2::{Digest as _, Sha256};

use super::git::{VcsError, path};

/// How many runs can have a shadow of one repository at once.
const MOST_AT_ONCE: usize = 64;

/// How many shadows are kept, those of all repositories together.
const MOST_KEPT: usize = 16;

/// How long a shadow is kept that nobody uses.
const KEPT_FOR: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The folder of all shadows in a cache.
const FOLDER: &str = "shadow";

/// The file in a slot whose age tells when it was used last. It names the working tree.
const ORIGIN: &str = "origin";

/// How the names of folders begin that are being removed.
const GONE: &str = "gone-";

/// What a slot is for. What programs have left in a shadow of the index is nothing for a commit to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A shadow of the index.
    Index,
    /// The tree of a commit.
    Commit,
}

/// A folder for one shadow. Nobody else uses it while this lives.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) path: PathBuf,
    /// Held as long as the slot is in use.
    _lock: File,
    /// Removes what nobody needs, beside what runs.
    removal: Option<JoinHandle<()>>,
}

impl Slot {
    /// A slot that no other run uses, for what the working tree at `top` needs it for.
    pub(super) fn take(cache: &Path, top: &Path, purpose: Purpose) -> Result<Self, VcsError> {
        let above = cache.join(FOLDER);
        let name = prefix(top, purpose);
        for number in 0..MOST_AT_ONCE {
            let slot = above.join(format!("{name}{number}"));
            let Some(lock) = lock_new(&slot)? else { continue };
            let origin = slot.join(ORIGIN);
            let written = fs::write(&origin, top.as_os_str().as_encoded_bytes());
            written.map_err(VcsError::file("write", &origin))?;
            let unneeded = set_aside(&above, &slot);
            let removal = (!unneeded.is_empty()).then(|| thread::spawn(|| remove(unneeded)));
            return Ok(Self { path: slot, _lock: lock, removal });
        }
        let busy = io::Error::other(format!("{MOST_AT_ONCE} runs use shadows of this repository"));
        Err(VcsError::file("use", &above)(busy))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.removal.take().is_some_and(|removal| removal.join().is_err()) {
            tracing::debug!("shadows that nobody needs stay");
        }
    }
}

/// How the names of the slots of one working tree begin.
fn prefix(top: &Path, purpose: Purpose) -> String {
    let purpose: &[u8] = match purpose {
        Purpose::Index => b"",
        Purpose::Commit => b"\0commit",
    };
    let digest = Sha256::digest([top.as_os_str().as_encoded_bytes(), purpose].concat());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{digest}-")
}

/// The lock of a slot, which is made where it is not there; nothing where somebody holds it.
fn lock_new(slot: &Path) -> Result<Option<File>, VcsError> {
    loop {
        // What is staged may be nobody else's business.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(slot);
        made.map_err(VcsError::file("make", slot))?;
        let folder = fs::symlink_metadata(slot).map_err(VcsError::file("use", slot))?;
        if folder.uid() != rustix::process::geteuid().as_raw() || folder.mode() & 0o022 != 0 {
            return Err(VcsError::file("use", slot)(io::Error::other("it is open to others")));
        }
        let file = slot.join("lock");
        let lock = match File::options().create(true).truncate(false).write(true).open(&file) {
            // Somebody has set the slot aside just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            lock => lock.map_err(VcsError::file("open", &file))?,
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if !is_same(&lock, &file) => {}
            Ok(()) => {
                // Programs inherit it: one that outlives a killed `onex` still writes here, and nobody else may.
                fcntl_setfd(&lock, FdFlags::empty()).map_err(|e| VcsError::file("lock", &file)(e.into()))?;
                return Ok(Some(lock));
            }
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(VcsError::file("lock", &file)(error.into())),
        }
    }
}

/// Whether what was opened is what stands there now.
fn is_same(opened: &File, file: &Path) -> bool {
    let (Ok(opened), Ok(there)) = (opened.metadata(), fs::metadata(file)) else { return false };
    (opened.dev(), opened.ino()) == (there.dev(), there.ino())
}

/// A slot that somebody may have left behind.
struct Left {
    slot: PathBuf,
    lock: File,
    used: SystemTime,
    is_dead: bool,
}

/// Takes the slots out of the way that nobody uses or needs, each under its lock. They are still to be removed.
fn set_aside(above: &Path, own: &Path) -> Vec<PathBuf> {
    let now = fs::metadata(own.join(ORIGIN)).and_then(|kind| kind.modified());
    let Ok(now) = now else { return Vec::new() };
    let mut unneeded = Vec::new();
    let mut left = Vec::new();
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        let slot = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(GONE.as_bytes()) {
            unneeded.push(slot);
        } else if slot != own {
            left.extend(left_behind(slot, own));
        }
    }
    left.sort_by_key(|left| std::cmp::Reverse(left.used));
    let mut kept = 1;
    for (number, left) in left.into_iter().enumerate() {
        let is_old = now.duration_since(left.used).is_ok_and(|age| age > KEPT_FOR);
        if !left.is_dead && !is_old && kept < MOST_KEPT {
            kept += 1;
            continue;
        }
        let aside = above.join(format!("{GONE}{}-{number}", std::process::id()));
        match fs::rename(&left.slot, &aside) {
            Ok(()) => unneeded.push(aside),
            Err(error) => tracing::debug!(slot = %left.slot.display(), %error, "a shadow stays"),
        }
        drop(left.lock);
    }
    unneeded
}

/// What is known of a slot that nobody uses; nothing of one that somebody does.
fn left_behind(slot: PathBuf, own: &Path) -> Option<Left> {
    let lock = File::options().write(true).open(slot.join("lock")).ok()?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
    let origin = slot.join(ORIGIN);
    let used = fs::metadata(&origin).or_else(|_| fs::metadata(slot.join("lock"))).ok()?.modified().ok()?;
    // Versions before this one did not say where the working tree is, but git's folder.
    let named =
        fs::read(&origin).or_else(|_| fs::read(slot.join("git").join("commondir"))).unwrap_or_default();
    let named = path(named.strip_suffix(b"\n").unwrap_or(&named));
    let is_there = fs::symlink_metadata(named).is_ok();
    // Beside one of the same working tree that is free, further ones are of use only while several run at once.
    let is_dead = !is_there || number(&slot, own).is_some_and(|(this, own)| this > own);
    Some(Left { slot, lock, used, is_dead })
}

/// The numbers of two slots of one working tree.
fn number(slot: &Path, own: &Path) -> Option<(usize, usize)> {
    let parts = |slot: &Path| {
        let (prefix, number) = slot.file_name()?.to_str()?.rsplit_once('-')?;
        Some((prefix.to_owned(), number.parse().ok()?))
    };
    let ((prefix, this), (own_prefix, own)) = (parts(slot)?, parts(own)?);
    (prefix == own_prefix).then_some((this, own))
}

fn remove(folders: Vec<PathBuf>) {
    for folder in folders {
        if let Err(error) = discard(&folder) {
            tracing::debug!(folder = %folder.display(), %error, "what is left of a shadow stays");
        }
    }
}

/// Removes a tree, whatever programs made of its modes.
pub(super) fn discard(tree: &Path) -> io::Result<()> {
    let mut open = vec![tree.to_path_buf()];
    while let Some(folder) = open.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    fs::remove_dir_all(tree)
}

/// How much the shadows in a cache take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Their number.
    pub shadows: usize,
    /// The bytes on the disk.
    pub bytes: u64,
}

/// What the shadows in a cache take; nothing where there is none.
#[must_use]
pub fn stored(cache: &Path) -> Stored {
    let mut stored = Stored::default();
    let slots = fs::read_dir(cache.join(FOLDER)).into_iter().flatten().flatten();
    let mut open: Vec<PathBuf> = slots.map(|slot| slot.path()).collect();
    stored.shadows = open.len();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.metadata() else { continue };
            // Blocks are of 512 bytes, whatever the file system's own are: stat(2).
            stored.bytes += kind.blocks() * 512;
            if kind.is_dir() {
                open.push(entry.path());
            }
        }
    }
    stored
}
