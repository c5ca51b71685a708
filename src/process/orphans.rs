//! Processes whose parents have ended. `onex` takes them in, so that it can find those of its programs, and waits for
//! each that ends, so that none stays behind as a zombie.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Pid;

use super::registry;

/// Whether orphans come to us. Otherwise a child that is not known is somebody else's within this process.
static ADOPTS: AtomicBool = AtomicBool::new(false);

/// From now on, what programs leave behind becomes a child of this process, and every child that no program of this
/// room leads is waited for here: nobody else in this process may start any. Linux only; elsewhere nothing happens.
///
/// # Errors
///
/// If the kernel refuses.
pub fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        ADOPTS.store(true, Ordering::Relaxed);
    }
    Ok(())
}

pub(super) fn are_adopted() -> bool {
    ADOPTS.load(Ordering::Relaxed)
}

/// Whether this process has a child that leads no program, or nobody can tell. What a program leaves behind always
/// does: the topmost process of it has lost its parent and came to us.
pub(super) fn may_exist() -> bool {
    are_adopted()
        .then(children)
        .flatten()
        .is_none_or(|children| children.into_iter().any(registry::is_stranger))
}

/// All children of this process, where the kernel lists them.
fn children() -> Option<Vec<Pid>> {
    let mut children = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task").ok()? {
        let list = std::fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
        children.extend(list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)));
    }
    Some(children)
}

/// The first child that has ended and was not waited for. It stays so.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "rustix does not say which child it was")]
pub(super) fn first_ended() -> Option<Pid> {
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the kernel fills the whole structure or leaves its zeros, which are valid, and so is the pid in it.
    let pid = unsafe {
        let mut seen: libc::siginfo_t = std::mem::zeroed();
        if libc::waitid(libc::P_ALL, 0, &raw mut seen, options) < 0 {
            return None;
        }
        seen.si_pid()
    };
    Pid::from_raw(pid)
}

/// Nobody is adopted here.
#[cfg(not(target_os = "linux"))]
pub(super) fn first_ended() -> Option<Pid> {
    None
}
