//! Being suspended at the terminal: all programs stop, then `onex` does, and all go on together.

use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Signal, kill_current_process_group};
use tokio::time::Instant;

use super::registry;

/// How long programs may take to stop by themselves, which some do to put the terminal in order.
const MAY_STOP: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(2);

/// Nanoseconds that this process was suspended for in all.
static ASLEEP: AtomicU64 = AtomicU64::new(0);

/// How long this process was suspended for since its start, in all. Time limits do not count it.
#[must_use]
pub fn time_asleep() -> Duration {
    Duration::from_nanos(ASLEEP.load(Ordering::Relaxed))
}

/// Stops every program, then this process, as SIGTSTP does by default; when it is continued, so are they. Gives how
/// long that took.
///
/// Where nobody could continue it, the kernel does not stop it (its group is orphaned), and where SIGTSTP was ignored
/// at its start it does not stop either: then everything goes on at once.
pub fn suspend_self() -> Duration {
    suspend(stop_here)
}

/// The same for all of the job that this process belongs to, as a terminal does it: a shell takes a job for stopped
/// only where all of it is.
pub(super) fn suspend_job() -> Duration {
    suspend(|| {
        stop_others();
        stop_here();
    })
}

fn suspend(stop: impl FnOnce()) -> Duration {
    let since = Instant::now();
    let groups = registry::groups();
    groups.iter().for_each(|group| group.ask_to_stop());
    while !groups.iter().all(|group| group.leader_is_stopped()) && since.elapsed() < MAY_STOP {
        pause();
    }
    groups.iter().for_each(|group| group.stop());
    stop();
    groups.iter().for_each(|group| group.go_on());
    let asleep = since.elapsed();
    ASLEEP.fetch_add(u64::try_from(asleep.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    asleep
}

/// Nothing is to happen meanwhile, so the whole thread waits.
fn pause() {
    let time = rustix::event::Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
    if let Err(error) = rustix::event::poll(&mut [], Some(&time)) {
        tracing::debug!(%error, "a pause was cut short");
    }
}

/// Does something with an action of its own for SIGTSTP, and puts the earlier one back. Nothing where it is ignored.
#[expect(unsafe_code, reason = "the action has to be put in place of the handler")]
fn with_action(action: libc::sighandler_t, act: impl FnOnce()) {
    // SAFETY: the actions are valid, and neither is a function.
    unsafe {
        let mut other: libc::sigaction = std::mem::zeroed();
        other.sa_sigaction = action;
        let mut before: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGTSTP, ptr::null(), &raw mut before) < 0
            || before.sa_sigaction == libc::SIG_IGN
        {
            return;
        }
        libc::sigaction(libc::SIGTSTP, &raw const other, ptr::null_mut());
        act();
        libc::sigaction(libc::SIGTSTP, &raw const before, ptr::null_mut());
    }
}

/// Stops this process with the default action of SIGTSTP, and returns when it goes on.
#[expect(unsafe_code, reason = "a signal to this thread is acted on before the call returns")]
fn stop_here() {
    with_action(libc::SIG_DFL, || {
        // SAFETY: no memory is involved.
        unsafe { libc::raise(libc::SIGTSTP) };
    });
}

/// Asks all others of our process group to stop.
fn stop_others() {
    with_action(libc::SIG_IGN, || {
        if let Err(error) = kill_current_process_group(Signal::TSTP) {
            tracing::debug!(%error, "the job goes on");
        }
    });
}
