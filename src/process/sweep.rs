//! Finds what a program left behind by the mark in its environment, wherever it went, and kills it.
//!
//! A process that leaves its group, its session and its parent still has the environment that it was started with.
//! What escapes: a process that was started with another environment *and* has left the group; one whose environment
//! the kernel shows to nobody (it runs as another user); everything where there is no `/proc`.

use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::time::Instant;

use super::{orphans, registry};
use crate::base::clock;

/// The variable that every process of an attempt has. Inside an attempt of another `onex` it holds both marks, apart
/// by a space, the outer one first: whoever stops the outer attempt finds the processes of the inner one.
pub(super) const VARIABLE: &str = "ONEX_ATTEMPT";

/// How long what was killed may take to disappear.
const WITHIN: Duration = Duration::from_secs(1);

/// The time between two scans. Each further one comes after twice the time.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Kills every process that carries `mark`, and looks again until there is none: who is killed while it forks has a
/// child that was not seen. Gives whether none is left.
pub async fn sweep(mark: &str) -> bool {
    let until = Instant::now() + WITHIN;
    let mut pause = FIRST_PAUSE;
    registry::reap_orphans();
    // Looking at every process of the machine costs too much where there cannot be any to find.
    while orphans::may_exist() {
        let found = carriers(mark);
        if found.is_empty() {
            break;
        }
        for process in found {
            kill(process, mark);
        }
        registry::reap_orphans();
        if Instant::now() >= until {
            tracing::warn!(mark, "processes of a stopped node are still there after they were killed");
            return false;
        }
        clock::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    registry::reap_orphans();
    true
}

/// The processes that carry a mark. One that has ended carries none.
fn carriers(mark: &str) -> Vec<Pid> {
    let own = std::process::id().to_string();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|process| process.file_name().into_string().ok())
        .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()) && *name != own)
        .filter_map(|name| Pid::from_raw(name.parse().ok()?))
        .filter(|process| carries(*process, mark))
        .collect()
}

fn carries(process: Pid, mark: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{}/environ", process.as_raw_pid())).unwrap_or_default();
    environment
        .split(|byte| *byte == 0)
        .filter_map(|variable| variable.strip_prefix(VARIABLE.as_bytes())?.strip_prefix(b"="))
        .any(|marks| marks.split(|byte| *byte == b' ').any(|one| one == mark.as_bytes()))
}

/// Kills a process if it is still the one that was found, and not a stranger with its number.
#[cfg(target_os = "linux")]
fn kill(process: Pid, mark: &str) {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else { return };
    if carries(process, mark)
        && let Err(error) = pidfd_send_signal(&handle, Signal::KILL)
    {
        tracing::debug!(process = process.as_raw_pid(), %error, "not killed");
    }
}

/// Nothing is found where there is no `/proc`.
#[cfg(not(target_os = "linux"))]
fn kill(process: Pid, _mark: &str) {
    if let Err(error) = rustix::process::kill_process(process, Signal::KILL) {
        tracing::debug!(process = process.as_raw_pid(), %error, "not killed");
    }
}
