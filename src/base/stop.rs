//! How one part asks another to stop, and to what extent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// The time between being asked to end and being killed.
pub const GRACE: Duration = Duration::from_secs(5);

/// How hard something is to stop. Only ever rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StopLevel {
    /// Not at all.
    #[default]
    None,
    /// Asked first, killed when its grace is over.
    Ladder,
    /// Killed at once.
    Kill,
}

/// The side that asks.
#[derive(Debug)]
pub struct StopSender(Arc<Asked>);

/// The side that is asked.
#[derive(Clone, Debug)]
pub struct StopReceiver(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    level: AtomicU8,
    rises: Notify,
}

/// The two sides of a request to stop.
#[must_use]
pub fn channel() -> (StopSender, StopReceiver) {
    let asked = Arc::<Asked>::default();
    (StopSender(Arc::clone(&asked)), StopReceiver(asked))
}

impl StopSender {
    /// Asks for `level`, unless more was asked for already.
    pub fn raise(&self, level: StopLevel) {
        if self.0.level.fetch_max(level as u8, Ordering::AcqRel) < level as u8 {
            self.0.rises.notify_waiters();
        }
    }
}

impl StopReceiver {
    /// Waits until more is asked for than `known`, and gives what.
    pub async fn above(&mut self, known: StopLevel) -> StopLevel {
        loop {
            let rises = self.0.rises.notified();
            let level = self.level();
            if level > known {
                return level;
            }
            rises.await;
        }
    }

    fn level(&self) -> StopLevel {
        match self.0.level.load(Ordering::Acquire) {
            0 => StopLevel::None,
            1 => StopLevel::Ladder,
            _ => StopLevel::Kill,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_only_rises_and_is_heard_by_all() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (sender, mut first) = channel();
            let mut second = first.clone();
            let waiting = tokio::spawn(async move { second.above(StopLevel::None).await });
            tokio::task::yield_now().await;
            sender.raise(StopLevel::Ladder);
            assert_eq!(waiting.await.unwrap(), StopLevel::Ladder);
            assert_eq!(first.above(StopLevel::None).await, StopLevel::Ladder);
            sender.raise(StopLevel::Kill);
            sender.raise(StopLevel::Ladder);
            assert_eq!(first.above(StopLevel::Ladder).await, StopLevel::Kill);
        });
    }
}
