//! Sandboxes: what a program and all that it starts may touch, enforced by the kernel. Everything is made here before
//! the child exists; the child only enters it, between `clone` and `execve`.
//!
//! Files are confined by Landlock, system calls by a seccomp filter. What neither can hold is in `docs/sandbox.md`.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe interface makes rulesets and enters them")]
mod kernel;
#[cfg(target_os = "linux")]
mod landlock;

use std::io;
use std::path::PathBuf;

#[cfg(target_os = "linux")]
pub(super) use kernel::Entry;

/// What this machine can enforce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enforcement {
    /// The version of Landlock's interface; 0 where it is not there.
    pub landlock: u32,
    /// Whether system calls can be filtered.
    pub seccomp: bool,
}

/// The first version of Landlock's interface that holds a program to the files that it may write: it sees files cut
/// off, too.
pub const LANDLOCK_FOR_FILES: u32 = 3;

impl Enforcement {
    /// Asks the kernel.
    #[must_use]
    pub fn of_this_machine() -> Self {
        #[cfg(target_os = "linux")]
        return kernel::enforcement();
        #[cfg(not(target_os = "linux"))]
        Self::default()
    }
}

/// What a program may touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The files that it may touch; all that its user may where nothing is said.
    pub files: Option<FileBounds>,
    /// Whether it has no network.
    pub is_offline: bool,
}

/// Files and folders with all that is below them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileBounds {
    /// What may be read beside the folders of the system; everything where nothing is said.
    pub read: Option<Vec<PathBuf>>,
    /// What may be written, and read.
    pub write: Vec<PathBuf>,
    /// Whether the modes, owners and times of files stay as they are: no rule can name the files for that.
    pub keeps_metadata: bool,
}

/// A sandbox that a program can be started in.
#[derive(Debug, Default)]
pub struct Confinement {
    /// The program that the kernel runs for every system call; empty where it cannot.
    #[cfg(target_os = "linux")]
    filter: Vec<libc::sock_filter>,
    #[cfg(target_os = "linux")]
    ruleset: Option<std::os::fd::OwnedFd>,
}

impl Confinement {
    /// Makes a sandbox, as far as the machine can enforce it.
    ///
    /// # Errors
    ///
    /// If the kernel refuses what it says that it can.
    #[cfg(target_os = "linux")]
    pub fn new(bounds: &Bounds, enforcement: Enforcement) -> io::Result<Self> {
        let filter = if enforcement.seccomp { filter::assemble(&calls::rules(bounds)) } else { Vec::new() };
        let ruleset = kernel::ruleset(&landlock::Rules::of(bounds, enforcement.landlock))?;
        Ok(Self { filter, ruleset })
    }

    /// Makes a sandbox that confines nothing: nothing is known here that would.
    ///
    /// # Errors
    ///
    /// Never.
    #[cfg(not(target_os = "linux"))]
    pub fn new(_: &Bounds, _: Enforcement) -> io::Result<Self> {
        Ok(Self {})
    }
}

/// A program was not started because its sandbox could not be entered.
#[derive(Debug, thiserror::Error)]
#[error("its sandbox cannot be entered: {0}")]
pub(super) struct NotConfined(pub io::Error);
