//! The signals that ask `onex` to stop, to pause and to go on.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::senders::{Wishes, remember};

/// The signals that have a handler, one bit each: no handler may run in a child that shares our memory.
static HANDLED: AtomicU64 = AtomicU64::new(0);

/// The signals that have a handler here.
pub(super) fn handled() -> u64 {
    HANDLED.load(Ordering::Relaxed)
}

/// The only way to a handler in this room.
pub(super) fn listen_to(kind: SignalKind) -> io::Result<Signal> {
    let heard = signal(kind)?;
    HANDLED.fetch_or(bit(kind), Ordering::Relaxed);
    Ok(heard)
}

const fn bit(kind: SignalKind) -> u64 {
    1 << (kind.as_raw_value() - 1)
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heard {
    /// To end: SIGINT, SIGQUIT, SIGTERM or SIGHUP.
    Stop,
    /// To pause: SIGTSTP. [`super::suspend_self`] does.
    Suspend,
    /// It was paused and goes on: SIGCONT.
    Resume,
}

/// The signals to `onex` as one stream. From its making on, none of them has its default effect.
#[derive(Debug)]
pub struct SignalStream {
    interrupt: Option<Signal>,
    quit: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
    suspend: Option<Signal>,
    resume: Option<Signal>,
    /// How often somebody asked to stop.
    wishes: Wishes,
    /// Wishes that were heard and not told of yet.
    due: u32,
    /// Held, not heard: whoever ignores SIGCHLD is not told how its children ended.
    _child: Option<Signal>,
}

pub(super) const SUSPEND: SignalKind = SignalKind::from_raw(libc::SIGTSTP);
pub(super) const RESUME: SignalKind = SignalKind::from_raw(libc::SIGCONT);

impl SignalStream {
    /// Listens from now on. A signal that is ignored, as SIGHUP is under `nohup`, stays ignored.
    ///
    /// # Errors
    ///
    /// If the operating system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        let ignored = ignored_signals();
        let is_ignored = |kind: SignalKind| ignored & bit(kind) != 0;
        let listen = |kind: SignalKind| if is_ignored(kind) { Ok(None) } else { listen_to(kind).map(Some) };
        let listen_to_stop = |kind: SignalKind| {
            // First, so that who sent it is known when it is heard.
            if !is_ignored(kind) {
                remember(kind.as_raw_value())?;
            }
            listen(kind)
        };
        Ok(Self {
            interrupt: listen_to_stop(SignalKind::interrupt())?,
            quit: listen_to_stop(SignalKind::quit())?,
            terminate: listen_to_stop(SignalKind::terminate())?,
            hangup: listen_to_stop(SignalKind::hangup())?,
            wishes: Wishes::new(),
            due: 0,
            suspend: listen(SUSPEND)?,
            resume: listen(RESUME)?,
            _child: if is_ignored(SignalKind::child()) {
                Some(listen_to(SignalKind::child())?)
            } else {
                None
            },
        })
    }

    /// Waits for the next signal. One that was sent once and handed on by programs above is heard once.
    pub async fn next(&mut self) -> Heard {
        loop {
            if self.due > 0 {
                self.due -= 1;
                return Heard::Stop;
            }
            tokio::select! {
                () = next_of(&mut self.interrupt) => {}
                () = next_of(&mut self.quit) => {}
                () = next_of(&mut self.terminate) => {}
                () = next_of(&mut self.hangup) => {}
                () = next_of(&mut self.suspend) => return Heard::Suspend,
                () = next_of(&mut self.resume) => return Heard::Resume,
            }
            self.due = self.wishes.new_ones();
        }
    }
}

/// Waits for a signal; for ever where nobody listens to it.
pub(super) async fn next_of(signal: &mut Option<Signal>) {
    let heard = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Sends this process a signal that only a program of it got. Gives whether somebody here listens to it: then all who
/// do have heard it.
pub(super) async fn pass_on(kind: SignalKind) -> bool {
    if handled() & bit(kind) == 0 {
        return false;
    }
    let Ok(mut heard) = listen_to(kind) else { return false };
    let signal = rustix::process::Signal::from_named_raw(kind.as_raw_value());
    let sent = signal.map(|signal| rustix::process::kill_process(rustix::process::getpid(), signal));
    matches!(sent, Some(Ok(()))) && heard.recv().await.is_some()
}

/// The mask of signals that this process was started to ignore, where the kernel tells (Linux).
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).unwrap_or(0)
}
