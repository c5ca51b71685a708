//! Who sent a signal. One press of a key at the terminal can come several times: from the kernel to all of the job in
//! the foreground, once more from a program above that hands it on, as npm does, and as the end of the terminal, where
//! the program that leads the session dies of it, as git does in a window of its own.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use libc::{c_int, pid_t, siginfo_t};

/// The most signals that are remembered until they are asked for. Further ones take the places of the oldest.
const MOST: usize = 64;

/// What was delivered: the signal, whether the kernel sent it, and the process that did. 0 is an empty place.
static DELIVERED: [AtomicU64; MOST] = [const { AtomicU64::new(0) }; MOST];
static NEXT: AtomicUsize = AtomicUsize::new(0);

const BY_KERNEL: u64 = 1 << 63;

/// The signals whose senders are remembered, a bit each.
static REMEMBERED: AtomicU64 = AtomicU64::new(0);

/// Remembers from now on who sends a signal.
pub(super) fn remember(signal: c_int) -> io::Result<()> {
    let bit = 1 << signal;
    if REMEMBERED.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
        return Ok(());
    }
    let note = move |info: &siginfo_t| {
        // SAFETY: signals that a process or the kernel sends have these fields; where they have none, they are zero.
        let sender = unsafe { info.si_pid() };
        let by_kernel = if is_by_kernel(info, sender) { BY_KERNEL } else { 0 };
        let number = u64::from(signal.unsigned_abs()) << 32;
        let place = NEXT.fetch_add(1, Ordering::Relaxed) % MOST;
        DELIVERED[place].store(by_kernel | number | u64::from(sender.unsigned_abs()), Ordering::Release);
    };
    // SAFETY: the action only writes to atomics.
    unsafe { signal_hook_registry::register_sigaction(signal, note) }.map(drop)
}

#[cfg(target_os = "linux")]
const fn is_by_kernel(info: &siginfo_t, _: pid_t) -> bool {
    info.si_code == libc::SI_KERNEL
}

#[cfg(not(target_os = "linux"))]
const fn is_by_kernel(_: &siginfo_t, sender: pid_t) -> bool {
    sender == 0
}

/// Where a signal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// The kernel: a key at the terminal, or its end.
    Kernel,
    /// A process.
    Process(i32),
}

/// What was delivered since the last time, as signals with their senders.
fn delivered() -> Vec<(c_int, Sender)> {
    let taken = DELIVERED.iter().map(|place| place.swap(0, Ordering::Acquire)).filter(|&found| found != 0);
    let read = |found: u64| {
        let signal = c_int::try_from((found & !BY_KERNEL) >> 32).unwrap_or_default();
        let process = i32::try_from(found & 0xffff_ffff).unwrap_or_default();
        (signal, if found & BY_KERNEL != 0 { Sender::Kernel } else { Sender::Process(process) })
    };
    taken.map(read).collect()
}

/// Programs above this one that may tell it what the terminal sends.
#[derive(Debug)]
struct Above {
    /// Those of the same job: a key reaches them, too.
    job: Vec<i32>,
    /// Those of the same session: shells tell their jobs that the terminal is gone.
    session: Vec<i32>,
}

impl Above {
    fn find() -> Self {
        // SAFETY: these only tell numbers. That of a session or group may be 0: its leader is outside of a container.
        let (own_session, own_job, mut next) = unsafe { (libc::getsid(0), libc::getpgrp(), libc::getppid()) };
        let (mut job, mut session) = (Vec::new(), Vec::new());
        // SAFETY: as above.
        while next > 0 && unsafe { libc::getsid(next) } == own_session {
            session.push(next);
            // SAFETY: as above.
            if unsafe { libc::getpgid(next) } == own_job {
                job.push(next);
            }
            next = parent(next).unwrap_or_default();
        }
        Self { job, session }
    }

    /// Whether this tells that the terminal is gone: the kernel says so, or a shell.
    fn is_end_of_terminal(&self, signal: c_int, sender: Sender) -> bool {
        let is_told = match sender {
            Sender::Kernel => true,
            Sender::Process(process) => self.session.contains(&process) && !self.job.contains(&process),
        };
        signal == libc::SIGHUP && is_told
    }
}

/// The parent of a process, where the kernel tells (Linux).
fn parent(process: pid_t) -> Option<pid_t> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// Counts how often somebody asked for something: what the kernel sends and what programs above hand on is the same
/// wish, as often as the one who said it most often said it; what anybody else sends is one of its own each time.
#[derive(Debug)]
pub(super) struct Wishes {
    above: Above,
    heard: Vec<(c_int, Sender, u32)>,
    /// How many were given out.
    given: u32,
}

impl Wishes {
    pub(super) fn new() -> Self {
        Self { above: Above::find(), heard: Vec::new(), given: 0 }
    }

    /// How many wishes there are that nobody was told of yet.
    pub(super) fn new_ones(&mut self) -> u32 {
        self.hear(delivered());
        let all = self.count();
        let new = all.saturating_sub(self.given);
        self.given = self.given.max(all);
        new
    }

    fn hear(&mut self, mut delivered: Vec<(c_int, Sender)>) {
        // The kernel gives a process what waits for it by number, not by time.
        delivered.sort_by_key(|&(signal, sender)| self.above.is_end_of_terminal(signal, sender));
        for (signal, sender) in delivered {
            // A terminal that goes away wants what was asked for already.
            if self.above.is_end_of_terminal(signal, sender) && self.count() > 0 {
                continue;
            }
            match self.heard.iter_mut().find(|(known, from, _)| (*known, *from) == (signal, sender)) {
                Some((_, _, count)) => *count += 1,
                None => self.heard.push((signal, sender, 1)),
            }
        }
    }

    fn count(&self) -> u32 {
        let mut all = 0;
        let mut same: Vec<(c_int, u32)> = Vec::new();
        for &(signal, sender, count) in &self.heard {
            let is_handed_on = match sender {
                Sender::Kernel => true,
                Sender::Process(process) => self.above.job.contains(&process),
            };
            if !is_handed_on {
                all += count;
                continue;
            }
            match same.iter_mut().find(|(known, _)| *known == signal) {
                Some((_, most)) => *most = count.max(*most),
                None => same.push((signal, count)),
            }
        }
        all + same.iter().map(|(_, most)| most).sum::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NPM: Sender = Sender::Process(7);
    const STRANGER: Sender = Sender::Process(8);

    fn wishes(delivered: &[(c_int, Sender)]) -> u32 {
        let above = Above { job: vec![7], session: vec![7, 9] };
        let mut wishes = Wishes { above, heard: Vec::new(), given: 0 };
        wishes.hear(delivered.to_vec());
        wishes.count()
    }

    #[test]
    fn a_key_that_is_handed_on_is_one_wish() {
        let (int, hup) = (libc::SIGINT, libc::SIGHUP);
        for (delivered, count) in [
            (&[(int, Sender::Kernel), (int, NPM)][..], 1),
            (&[(int, NPM), (int, Sender::Kernel)], 1),
            (&[(int, Sender::Kernel), (int, NPM), (int, Sender::Kernel), (int, NPM)], 2),
            (&[(int, Sender::Kernel), (int, Sender::Kernel)], 2),
            (&[(int, NPM), (int, NPM)], 2),
            (&[(int, Sender::Kernel), (int, STRANGER)], 2),
            (&[(int, Sender::Kernel), (libc::SIGTERM, NPM)], 2),
            (&[(hup, Sender::Kernel), (hup, Sender::Process(9))], 1),
            (&[(int, Sender::Kernel), (hup, Sender::Kernel)], 1),
            (&[(hup, Sender::Kernel), (int, Sender::Kernel)], 1),
            (&[(hup, NPM), (hup, NPM)], 2),
            (&[(hup, STRANGER), (int, STRANGER)], 2),
            (&[(int, Sender::Kernel), (int, Sender::Process(9))], 2),
        ] {
            assert_eq!(wishes(delivered), count, "{delivered:?}");
        }
    }
}
