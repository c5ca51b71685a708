//! Files that several processes change: one at a time, and in one step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};

/// Opens without waiting for anybody.
#[expect(clippy::cast_possible_wrap, reason = "flags are bits")]
pub(super) const NONBLOCK: i32 = OFlags::NONBLOCK.bits() as i32;

/// The time between two tries.
const BETWEEN: Duration = Duration::from_millis(2);

/// What a change outlives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// The process.
    Process,
    /// The machine, too.
    Machine,
}

/// The lock, once nobody else holds it. It is gone with the file. A lock that somebody holds is tried `tries` times.
#[expect(
    clippy::disallowed_methods,
    reason = "what is asked between two inputs has to be answered before the next"
)]
pub(super) fn lock_file(path: &Path, tries: u32) -> io::Result<File> {
    // A FIFO in its place would wait for a reader, for ever.
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    for attempt in 1.. {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(error) if error == rustix::io::Errno::WOULDBLOCK && attempt < tries => {
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

/// Replaces a file in one step, readable by its owner alone: whoever reads sees the text from before or from after.
/// Whoever calls this holds the lock.
pub(super) fn replace(path: &Path, text: &[u8], durability: Durability) -> io::Result<File> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    // The holder of the lock is the only writer, so what is there was left behind.
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(beside)?;
    file.write_all(text)?;
    if durability == Durability::Machine {
        file.sync_all()?;
    }
    fs::rename(beside, path)?;
    if let (Durability::Machine, Some(folder)) = (durability, path.parent()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}
