//! How a child ended and what it used, in the one call that takes both.

use std::io;
use std::time::Duration;

use rustix::process::Pid;

use super::child::Ending;

/// What a process and all children that it waited for used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Processor time.
    pub cpu: Duration,
    /// The most memory that one of them held in KiB. A child begins with the memory of `onex` until it becomes its
    /// program, so that a peak below that of `onex` itself is not known.
    pub max_rss_kib: Option<u64>,
}

/// Takes how a child ended, if it has: nothing is left of it afterwards.
pub(super) fn try_reap(pid: Pid) -> io::Result<Option<(Ending, Used)>> {
    let mut status = 0;
    // SAFETY: a structure of integers; all zeros is a value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the call.
    let found = unsafe { libc::wait4(pid.as_raw_pid(), &raw mut status, libc::WNOHANG, &raw mut usage) };
    match found {
        0 => Ok(None),
        found if found < 0 => Err(io::Error::last_os_error()),
        _ => {
            let ending = Ending {
                code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
                signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
            };
            let peak = kib(&usage);
            let used = Used {
                cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
                max_rss_kib: (peak > own_peak()).then_some(peak),
            };
            Ok(Some((ending, used)))
        }
    }
}

/// The most memory that `onex` itself has held in KiB.
fn own_peak() -> u64 {
    // SAFETY: a structure of integers; all zeros is a value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the call.
    if unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) } != 0 {
        return 0;
    }
    kib(&usage)
}

fn kib(usage: &libc::rusage) -> u64 {
    let size = u64::try_from(usage.ru_maxrss).unwrap_or(0);
    // Others than Linux count bytes.
    if cfg!(target_os = "linux") { size } else { size / 1024 }
}

fn duration(time: libc::timeval) -> Duration {
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0)) + Duration::from_micros(micros)
}
