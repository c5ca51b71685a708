//! What programs may take, and how many can run at once.

use rustix::process::{Resource, getrlimit};

/// Open files that `onex` needs beside those of its children.
const OWN_FILES: u64 = 24;

/// Open files that a child takes at most, while it is started: both ends of three pipes, `/dev/null`, and its handle.
const FILES_OF_A_CHILD: u64 = 8;

/// How many programs can run at once within the limit on open files; at least one.
///
/// The limit is not raised: children would inherit it, and some programs cannot deal with a high one.
#[must_use]
pub fn most_at_once() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(OWN_FILES) / FILES_OF_A_CHILD).unwrap_or(usize::MAX).max(1)
}

/// What one program and all that it starts may take. Where nothing is said, what `onex` itself may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of address space of each process: `RLIMIT_AS`. It is not what a process keeps in memory; runtimes that
    /// reserve much and use little need a generous one.
    pub memory: Option<u64>,
    /// Processes and threads of this *user*, not of the program alone: `RLIMIT_NPROC`. The kernel does not hold the
    /// superuser to it.
    pub processes: Option<u64>,
    /// How many of the processors that `onex` may use it may use; at least one.
    pub cpus: Option<usize>,
}
