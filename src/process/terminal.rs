//! The terminal that a program is given while it runs, and that `onex` takes back on every way out.

use std::os::fd::BorrowedFd;
use std::ptr;

use rustix::process::{Pid, getpgrp};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp};

use super::group::Group;

/// The terminal at standard input.
#[derive(Debug)]
pub(super) struct Terminal {
    settings: Termios,
    own: Pid,
    /// Whom it was given to.
    given: Option<Group>,
}

impl Terminal {
    /// The terminal that `onex` reads from, if it does.
    pub(super) fn of_input() -> Option<Self> {
        let input = rustix::stdio::stdin();
        if !isatty(input) {
            return None;
        }
        Some(Self { settings: tcgetattr(input).ok()?, own: getpgrp(), given: None })
    }

    /// The descriptor, if `onex` is in the foreground, so that the terminal is its to give.
    pub(super) fn if_ours(&self) -> Option<BorrowedFd<'static>> {
        let input = rustix::stdio::stdin();
        (tcgetpgrp(input) == Ok(self.own)).then_some(input)
    }

    /// Gives it to a group, if it is ours to give. A program that was started with it has it already.
    pub(super) fn give(&mut self, group: Group) {
        self.given = Some(group);
        if let Some(input) = self.if_ours() {
            quietly(|| tcsetpgrp(input, group.leader()));
        }
    }

    /// Whether it is with the group that it was given to, or gone while it was.
    pub(super) fn is_given(&self) -> bool {
        let holder = tcgetpgrp(rustix::stdio::stdin());
        self.given.is_some_and(|group| holder.is_ok_and(|holder| holder == group.leader()) || self.is_gone())
    }

    /// Whether it was closed at its other end.
    pub(super) fn is_gone(&self) -> bool {
        tcgetattr(rustix::stdio::stdin()).is_err()
    }

    /// Takes it back, as it was. Where a shell has given it to somebody else meanwhile, it stays theirs.
    pub(super) fn take_back(&self) {
        let input = rustix::stdio::stdin();
        let holder = tcgetpgrp(input).ok();
        if holder == Some(self.own)
            || holder.is_some_and(|holder| self.given.is_some_and(|group| group.leader() != holder))
        {
            return;
        }
        quietly(|| {
            tcsetpgrp(input, self.own)?;
            tcsetattr(input, OptionalActions::Now, &self.settings)
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.take_back();
    }
}

/// Does something to the terminal from the background without being stopped for it.
#[expect(unsafe_code, reason = "SIGTTOU has to be held back meanwhile")]
fn quietly(act: impl FnOnce() -> rustix::io::Result<()>) {
    // SAFETY: the sets are valid, and the mask that was there is put back.
    let before = unsafe {
        let mut output: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut output);
        libc::sigaddset(&raw mut output, libc::SIGTTOU);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const output, &raw mut before);
        before
    };
    if let Err(error) = act() {
        tracing::debug!(%error, "the terminal did not change hands");
    }
    // SAFETY: as above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut()) };
}
