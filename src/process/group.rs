//! A process group: asked to end, killed, and looked at until it is gone.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::base::clock;

/// How often a group that is ending is looked at.
const POLL: Duration = Duration::from_millis(5);

/// The group that a child leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group(Pid);

impl Group {
    /// The group of the child with this id, which was started as a leader.
    pub(super) fn led_by(child: u32) -> Option<Self> {
        Pid::from_raw(i32::try_from(child).ok()?).map(Self)
    }

    /// Asks every member to end. A stopped member is continued, so that it can.
    pub(super) fn terminate(self) {
        self.send(Signal::TERM);
        self.send(Signal::CONT);
    }

    /// Kills every member.
    pub(super) fn kill(self) {
        self.send(Signal::KILL);
    }

    /// The group may be gone already, which is what a signal was to bring about.
    fn send(self, signal: Signal) {
        if let Err(error) = kill_process_group(self.0, signal) {
            tracing::debug!(group = self.0.as_raw_pid(), ?signal, %error, "signal not delivered");
        }
    }

    fn is_gone(self) -> bool {
        test_kill_process_group(self.0).is_err()
    }

    /// Waits until no member is left, at most `within`.
    pub(super) async fn gone(self, within: Duration) -> bool {
        let mut waited = Duration::ZERO;
        while !self.is_gone() {
            if waited >= within {
                return false;
            }
            clock::sleep(POLL).await;
            waited += POLL;
        }
        true
    }
}
