//! How one part asks another to stop, and to what extent.

use tokio::sync::watch;

/// How hard something is to stop. Only ever rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
pub struct StopSender(watch::Sender<StopLevel>);

/// The side that is asked.
#[derive(Clone, Debug)]
pub struct StopReceiver(watch::Receiver<StopLevel>);

/// The two sides of a request to stop.
#[must_use]
pub fn channel() -> (StopSender, StopReceiver) {
    let (sender, receiver) = watch::channel(StopLevel::None);
    (StopSender(sender), StopReceiver(receiver))
}

impl StopSender {
    /// Asks for `level`, unless more was asked for already.
    pub fn raise(&self, level: StopLevel) {
        self.0.send_if_modified(|current| {
            let rises = level > *current;
            *current = level.max(*current);
            rises
        });
    }
}

impl StopReceiver {
    /// Waits until more is asked for than `known`, and gives what. Never, where nobody is left to ask.
    pub async fn above(&mut self, known: StopLevel) -> StopLevel {
        let level = self.0.wait_for(|level| *level > known).await.map(|level| *level);
        match level {
            Ok(level) => level,
            Err(_) => std::future::pending().await,
        }
    }
}
