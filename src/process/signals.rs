//! The signals that ask `onex` to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT, SIGTERM and SIGHUP as one stream. From its making on, none of them ends the process.
#[derive(Debug)]
pub struct SignalStream {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
    /// Held, not heard: whoever ignores SIGCHLD is not told how its children ended.
    _child: Option<Signal>,
}

impl SignalStream {
    /// Listens from now on. A signal that is ignored, as SIGHUP is under `nohup`, stays ignored.
    ///
    /// # Errors
    ///
    /// If the operating system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        let ignored = ignored_signals();
        let is_ignored = |kind: SignalKind| ignored & (1u64 << (kind.as_raw_value() - 1)) != 0;
        let listen = |kind: SignalKind| if is_ignored(kind) { Ok(None) } else { signal(kind).map(Some) };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
            _child: if is_ignored(SignalKind::child()) { Some(signal(SignalKind::child())?) } else { None },
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            () = next_of(&mut self.interrupt) => {}
            () = next_of(&mut self.terminate) => {}
            () = next_of(&mut self.hangup) => {}
        }
    }
}

async fn next_of(signal: &mut Option<Signal>) {
    let heard = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}

/// The mask of signals that this process was started to ignore, where the kernel tells (Linux).
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).unwrap_or(0)
}
