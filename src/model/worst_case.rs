//! How long a node may take at most, if every attempt fails as late as it can.

use std::time::Duration;

use super::workflow::{Backoff, NodeSpec, OuterRetry};
use crate::base::stop::GRACE;

/// The longest that one attempt may take where nobody says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// The worst that can come of a node's retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstCase {
    /// The most attempts.
    pub attempts: u32,
    /// The longest attempt, where somebody said how long it may be.
    pub attempt: Option<Duration>,
    /// All delays between attempts.
    pub delays: Duration,
}

impl WorstCase {
    /// All attempts with their delays; of attempts without a limit, the delays alone.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.attempt.unwrap_or_default().saturating_mul(self.attempts).saturating_add(self.delays)
    }
}

impl NodeSpec {
    /// The longest that it may take, with all attempts that its retries allow, each of which has to be killed.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let worst = self.worst_case();
        // What must not be repeated is repeated where it did not start, and that takes no time.
        let long = if self.idempotent == Some(false) { 1 } else { worst.attempts };
        self.within_its_time(self.killed_late().saturating_mul(long).saturating_add(worst.delays))
    }

    /// The longest that it may take with one attempt.
    #[must_use]
    pub fn longest_attempt(&self) -> Duration {
        self.within_its_time(self.killed_late())
    }

    /// An attempt that does not end when it is asked to.
    fn killed_late(&self) -> Duration {
        self.timeout.saturating_add(GRACE)
    }

    fn within_its_time(&self, time: Duration) -> Duration {
        self.total_timeout.map_or(time, |total| total.saturating_add(GRACE).min(time))
    }

    /// The worst that can come of its retries. Chance only makes delays shorter.
    #[must_use]
    pub fn worst_case(&self) -> WorstCase {
        let OuterRetry { max_retries, delay, multiplier } = self.retry.outer;
        let inner = self.retry.inner.as_ref().map_or(Duration::ZERO, |inner| {
            let Backoff { max_attempts, initial_delay, max_delay, exponential_base, .. } = **inner;
            growing(max_attempts.saturating_sub(1), (initial_delay, exponential_base), max_delay)
        });
        WorstCase {
            attempts: self.retry.max_attempts(),
            attempt: self.says_timeout.then_some(self.timeout),
            delays: inner.saturating_mul(max_retries.saturating_add(1)).saturating_add(growing(
                max_retries,
                (delay, multiplier),
                Duration::MAX,
            )),
        }
    }
}

/// The sum of `count` delays, each longer than the one before by a factor, and none longer than `most`.
fn growing(count: u32, (first, factor): (Duration, f64), most: Duration) -> Duration {
    let first = first.min(most);
    if first.is_zero() || factor <= 1.0 {
        return first.saturating_mul(count);
    }
    let (from, to) = (first.as_secs_f64(), most.as_secs_f64());
    // After so many delays, all are as long as they may be.
    let growing = ((to / from).ln() / factor.ln()).ceil().clamp(0.0, f64::from(count));
    let sum = from * (factor.powf(growing) - 1.0) / (factor - 1.0) + (f64::from(count) - growing) * to;
    Duration::try_from_secs_f64(sum).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeId;

    fn node(inner: (u32, u64, u64), outer: (u32, u64)) -> NodeSpec {
        let mut node = NodeSpec::new(NodeId::new("a").unwrap());
        node.retry.inner = Some(Box::new(Backoff {
            max_attempts: inner.0,
            initial_delay: Duration::from_secs(inner.1),
            max_delay: Duration::from_secs(inner.2),
            ..Backoff::default()
        }));
        node.retry.outer =
            OuterRetry { max_retries: outer.0, delay: Duration::from_secs(outer.1), multiplier: 2.0 };
        node
    }

    #[test]
    fn both_tiers_multiply() {
        // 1 + 2 + 4 in each of four rounds, and 3 + 6 + 12 between them.
        let worst = node((4, 1, 60), (3, 3)).worst_case();
        assert_eq!((worst.attempts, worst.attempt, worst.total()), (16, None, Duration::from_secs(28 + 21)));
    }

    #[test]
    fn delays_stop_growing_and_attempts_count_as_long_as_they_may_last() {
        let mut node = node((5, 10, 15), (0, 0));
        (node.timeout, node.says_timeout) = (Duration::from_secs(30), true);
        assert_eq!(node.worst_case().total(), Duration::from_secs(5 * 30 + 10 + 15 * 3));
    }

    #[test]
    fn the_longest_is_bounded_by_the_time_of_all_attempts() {
        let mut node = node((3, 10, 60), (0, 0));
        assert_eq!(node.longest(), (DEFAULT_TIMEOUT + GRACE) * 3 + Duration::from_secs(30));
        node.timeout = Duration::from_secs(5);
        assert_eq!(node.longest(), GRACE * 3 + Duration::from_secs(3 * 5 + 30));
        // Only what did not start is repeated.
        node.idempotent = Some(false);
        assert_eq!(node.longest(), GRACE + Duration::from_secs(5 + 30));
        node.total_timeout = Some(Duration::from_secs(7));
        let killed = |seconds| GRACE + Duration::from_secs(seconds);
        assert_eq!((node.longest(), node.longest_attempt()), (killed(7), killed(5)));
    }

    #[test]
    fn the_largest_numbers_come_to_an_end() {
        let mut node = node((u32::MAX, 1, 3600), (u32::MAX, 1));
        node.retry.outer.multiplier = 10.0;
        assert_eq!(node.worst_case().total(), Duration::MAX);
        node.retry.outer.multiplier = 1.000_000_1;
        assert!(node.worst_case().total() > Duration::from_secs(u64::from(u32::MAX)));
    }
}
