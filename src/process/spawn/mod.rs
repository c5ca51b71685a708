//! Starts a program as the leader of a group of its own. Returns when it runs, or could not.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use rustix::process::Pid;

use super::Program;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, not(target_os = "linux")))]
mod portable;

#[cfg(target_os = "linux")]
pub(super) use linux::spawn;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::spawn;
#[cfg(test)]
pub(super) use portable::spawn as spawn_portably;

/// What a program gets of its parent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order<'a> {
    pub program: &'a Program,
    /// Its standard input, output and error.
    pub streams: [BorrowedFd<'a>; 3],
    /// The terminal whose foreground group it becomes.
    pub terminal: Option<BorrowedFd<'a>>,
}

/// The file that is always empty, opened once for all programs.
pub(super) fn empty_input() -> io::Result<BorrowedFd<'static>> {
    static FILE: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(file) = FILE.get() {
        return Ok(file.as_fd());
    }
    let file = std::fs::File::open("/dev/null")?;
    Ok(FILE.get_or_init(|| file.into()).as_fd())
}

/// What no argument, path or variable can hold.
fn zero_byte() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a zero byte in an argument, a path or a variable")
}

/// The same where the operating system gives no number.
fn no_process() -> io::Error {
    io::Error::other("the operating system gave no process")
}

#[cfg(target_os = "linux")]
pub(super) fn pid(raw: i32) -> io::Result<Pid> {
    Pid::from_raw(raw).ok_or_else(no_process)
}
