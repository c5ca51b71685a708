//! The programs that run now, by the process that leads each group: who asks for all of them, asks here.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

#[cfg(test)]
use super::group::Group;

static PROGRAMS: Mutex<Programs> = Mutex::new(Programs { running: Vec::new(), abandoned: Vec::new() });

#[derive(Debug)]
struct Programs {
    /// Those that somebody waits for.
    running: Vec<Pid>,
    /// Those that were killed while nobody waited, and had not ended yet.
    abandoned: Vec<Pid>,
}

fn programs() -> MutexGuard<'static, Programs> {
    PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a program. Nobody sees its process before it is known here.
pub(super) fn start(spawn: impl FnOnce() -> io::Result<Pid>) -> io::Result<Pid> {
    let mut programs = programs();
    programs.reap_abandoned();
    let pid = spawn()?;
    programs.running.push(pid);
    Ok(pid)
}

/// Its process was waited for.
pub(super) fn ended(pid: Pid) {
    programs().running.retain(|running| *running != pid);
}

/// Nobody will wait for it any more. It was killed.
pub(super) fn abandon(pid: Pid) {
    let mut programs = programs();
    programs.running.retain(|running| *running != pid);
    programs.abandoned.push(pid);
    programs.reap_abandoned();
}

/// The groups of all programs that run.
#[cfg(test)]
pub(super) fn groups() -> Vec<Group> {
    programs().running.iter().copied().map(Group::led_by).collect()
}

impl Programs {
    fn reap_abandoned(&mut self) {
        self.abandoned.retain(|pid| {
            matches!(waitid(WaitId::Pid(*pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG), Ok(None))
        });
    }
}
