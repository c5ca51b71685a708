//! Being suspended at the terminal: all programs stop, then `onex` does, and all go on together.

use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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
    let since = Instant::now();
    let groups = registry::groups();
    groups.iter().for_each(|group| group.ask_to_stop());
    while !groups.iter().all(|group| group.leader_is_stopped()) && since.elapsed() < MAY_STOP {
        pause();
    }
    groups.iter().for_each(|group| group.stop());
    stop_here();
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

/// Stops this process with the default action of SIGTSTP, and returns when it goes on.
#[expect(unsafe_code, reason = "the default action has to be put in place of the handler")]
fn stop_here() {
    // SAFETY: the actions are valid, the earlier one is put back, and `raise` returns after the signal was acted on.
    unsafe {
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        let mut before: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGTSTP, ptr::null(), &raw mut before) < 0
            || before.sa_sigaction == libc::SIG_IGN
        {
            return;
        }
        libc::sigaction(libc::SIGTSTP, &raw const default, ptr::null_mut());
        libc::raise(libc::SIGTSTP);
        libc::sigaction(libc::SIGTSTP, &raw const before, ptr::null_mut());
    }
}
