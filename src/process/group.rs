//! A process group: asked to end, killed, and looked at until it is gone.

use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};

use super::registry;
use crate::base::clock;

/// The time between the first two looks at a group that is ending. Each further one takes twice as long.
const FIRST_LOOK: Duration = Duration::from_millis(2);
const SLOWEST_LOOK: Duration = Duration::from_millis(100);

/// The group that a child leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group(Pid);

impl Group {
    /// The group of the child with this id, which was started as a leader.
    pub(super) const fn led_by(child: Pid) -> Self {
        Self(child)
    }

    pub(super) const fn leader(self) -> Pid {
        self.0
    }

    /// Asks every member to stop until it is continued.
    pub(super) fn ask_to_stop(self) {
        self.send(Signal::TSTP);
    }

    /// Stops every member until it is continued.
    pub(super) fn stop(self) {
        self.send(Signal::STOP);
    }

    /// Continues every member that is stopped.
    pub(super) fn go_on(self) {
        self.send(Signal::CONT);
    }

    /// Whether the leader is stopped, or is no child to wait for any more.
    pub(super) fn leader_is_stopped(self) -> bool {
        let look =
            WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.0), look), Ok(None))
    }

    /// Asks every member to end. A stopped member is continued, so that it can.
    pub(super) fn terminate(self) {
        self.send(Signal::TERM);
        self.go_on();
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

    /// Whether no member runs any more. Members that have ended and that nobody has waited for do not count: who
    /// inherits them may take its time, or never look.
    fn is_gone(self) -> bool {
        registry::reap_orphans();
        test_kill_process_group(self.0).is_err() || self.has_only_ended_members()
    }

    /// Looks at all processes (Linux); false where it cannot see them.
    fn has_only_ended_members(self) -> bool {
        let Ok(processes) = std::fs::read_dir("/proc") else { return false };
        let mut seen = false;
        for process in processes.flatten() {
            let Ok(status) = std::fs::read_to_string(process.path().join("stat")) else { continue };
            // `pid (name) state parent group …`; the name can hold anything.
            let mut fields = status.rsplit(')').next().unwrap_or_default().split_whitespace();
            let (state, group) = (fields.next(), fields.nth(1));
            if group == Some(self.0.as_raw_pid().to_string().as_str()) {
                seen = true;
                if !matches!(state, Some("Z" | "X")) {
                    return false;
                }
            }
        }
        seen
    }

    /// Waits until no member is left, at most `within`.
    pub(super) async fn gone(self, within: Duration) -> bool {
        let until = tokio::time::Instant::now() + within;
        let mut look = FIRST_LOOK;
        while !self.is_gone() {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return false;
            }
            clock::sleep(look.min(left)).await;
            look = (look * 2).min(SLOWEST_LOOK);
        }
        true
    }
}
