//! The programs that run now, by the process that leads each group: who asks for all of them, asks here.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::group::Group;
use super::orphans;

/// After so many starts, orphans are looked at: a thousand short programs may each leave one.
const STARTS_BETWEEN_LOOKS: u32 = 64;

static PROGRAMS: Mutex<Programs> =
    Mutex::new(Programs { running: Vec::new(), abandoned: Vec::new(), starts: 0 });

#[derive(Debug)]
struct Programs {
    /// Those that somebody waits for.
    running: Vec<Pid>,
    /// Those that were killed while nobody waited, and had not ended yet.
    abandoned: Vec<Pid>,
    starts: u32,
}

fn programs() -> MutexGuard<'static, Programs> {
    PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a program. Nobody sees its process before it is known here.
pub(super) fn start(spawn: impl FnOnce() -> io::Result<Pid>) -> io::Result<Pid> {
    let mut programs = programs();
    programs.reap_abandoned();
    programs.starts = programs.starts.wrapping_add(1);
    if programs.starts.is_multiple_of(STARTS_BETWEEN_LOOKS) {
        programs.reap_orphans();
    }
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
pub(super) fn groups() -> Vec<Group> {
    programs().running.iter().copied().map(Group::led_by).collect()
}

/// Whether a child of this process leads no program.
pub(super) fn is_stranger(pid: Pid) -> bool {
    !programs().running.contains(&pid)
}

/// Waits for every orphan that has ended.
pub(super) fn reap_orphans() {
    programs().reap_orphans();
}

impl Programs {
    fn reap_abandoned(&mut self) {
        self.abandoned.retain(|pid| matches!(reap(*pid), Ok(None)));
    }

    fn reap_orphans(&mut self) {
        if !orphans::are_adopted() {
            return;
        }
        // One that somebody waits for hides those behind it until it was waited for, which is soon.
        while let Some(pid) = orphans::first_ended()
            && !self.running.contains(&pid)
        {
            self.abandoned.retain(|abandoned| *abandoned != pid);
            if let Err(error) = reap(pid) {
                tracing::debug!(%error, "an orphan is gone already");
                return;
            }
        }
    }
}

fn reap(pid: Pid) -> rustix::io::Result<Option<rustix::process::WaitIdStatus>> {
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
}
