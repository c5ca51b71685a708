//! The process that leads a program's group: waited for exactly once, and killed where nobody waits for it.

use std::io;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::group::Group;
use super::reap::{Used, try_reap};
use super::registry;

/// How a process ended; neither where the kernel could not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ending {
    pub code: Option<i32>,
    pub signal: Option<i32>,
}

/// A process that was started here and not waited for yet.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
    is_reaped: bool,
    #[cfg(target_os = "linux")]
    handle: Option<super::watched::WatchedFd>,
    #[cfg(not(target_os = "linux"))]
    changes: Option<tokio::signal::unix::Signal>,
}

impl Child {
    /// Starts a process that leads a group of its own.
    pub(super) fn start(spawn: impl FnOnce() -> io::Result<Pid>) -> io::Result<Self> {
        #[cfg(not(target_os = "linux"))]
        let changes = Some(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child())?);
        let pid = registry::start(spawn)?;
        Ok(Self {
            pid,
            is_reaped: false,
            #[cfg(target_os = "linux")]
            handle: None,
            #[cfg(not(target_os = "linux"))]
            changes,
        })
    }

    pub(super) const fn group(&self) -> Group {
        Group::led_by(self.pid)
    }

    /// Whether it has stopped since the last look.
    pub(super) fn has_stopped(&self) -> bool {
        let look = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        !self.is_reaped && matches!(waitid(WaitId::Pid(self.pid), look), Ok(Some(_)))
    }

    /// How it ended and what it used, if it has ended. Afterwards nothing is left of it.
    pub(super) fn try_wait(&mut self) -> Option<(Ending, Used)> {
        let ending = match try_reap(self.pid) {
            Ok(None) => return None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return None,
            Ok(Some(ended)) => ended,
            Err(error) => {
                tracing::warn!(%error, "an exit status is lost");
                Default::default()
            }
        };
        self.is_reaped = true;
        registry::ended(self.pid);
        Some(ending)
    }

    /// Waits until it has ended.
    #[cfg(target_os = "linux")]
    pub(super) async fn wait(&mut self) -> (Ending, Used) {
        loop {
            if let Some(ending) = self.try_wait() {
                return ending;
            }
            let watched = match self.handle() {
                Ok(handle) => handle.readable().await.map(|mut guard| guard.clear_ready()),
                Err(error) => Err(error),
            };
            if let Err(error) = watched {
                // Without a handle, as where files have run out, it is looked at now and then.
                tracing::debug!(%error, "a process cannot be watched");
                crate::base::clock::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn handle(&mut self) -> io::Result<&super::watched::WatchedFd> {
        let handle = match self.handle.take() {
            Some(handle) => handle,
            // It was not waited for yet, so its number is still its own.
            None => {
                let handle = rustix::process::pidfd_open(self.pid, rustix::process::PidfdFlags::empty())?;
                super::watched::watch(handle, tokio::io::Interest::READABLE)?
            }
        };
        Ok(self.handle.insert(handle))
    }

    /// Waits until it has ended.
    #[cfg(not(target_os = "linux"))]
    pub(super) async fn wait(&mut self) -> (Ending, Used) {
        loop {
            if let Some(ending) = self.try_wait() {
                return ending;
            }
            match &mut self.changes {
                Some(changes) => changes.recv().await,
                None => std::future::pending().await,
            };
        }
    }
}

impl Drop for Child {
    /// Whoever gives up on a program ends it.
    fn drop(&mut self) {
        if !self.is_reaped {
            self.group().kill();
            registry::abandon(self.pid);
        }
    }
}
