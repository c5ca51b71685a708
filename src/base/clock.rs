//! The only room that asks what time it is, or waits.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};

/// A moment on the monotonic clock of one run, counted in nanoseconds from the run's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// The start of the run.
    pub const ZERO: Self = Self(0);

    /// The moment that lies `since_start` after the run's start.
    #[must_use]
    pub fn at(since_start: Duration) -> Self {
        Self(u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The time from the run's start to this moment.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// Whole milliseconds from the run's start to this moment.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Mono {
    type Output = Duration;

    /// Saturates at zero.
    fn sub(self, rhs: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(rhs.0))
    }
}

impl fmt::Display for Mono {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:?}", self.since_start())
    }
}

/// A source of time for one run.
pub trait Clock {
    /// The time since the run's start. Never goes back.
    fn now(&self) -> Mono;

    /// The calendar time at which the run started.
    fn started_at(&self) -> DateTime<Utc>;

    /// How much of the time since the run's start it was paused. That is no time of its nodes.
    fn asleep(&self) -> Duration {
        Duration::ZERO
    }

    /// The calendar time in milliseconds since 1970. May jump, as calendars do.
    fn unix_ms(&self) -> u64;
}

/// The machine's own clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
    started_at: DateTime<Utc>,
}

impl SystemClock {
    /// A clock whose run starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the home of the clock")]
    pub fn start() -> Self {
        Self { origin: Instant::now(), started_at: SystemTime::now().into() }
    }

    /// The instant of the operating system that corresponds to `moment`.
    #[must_use]
    pub fn instant(&self, moment: Mono) -> Instant {
        self.origin + moment.since_start()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the home of the clock")]
    fn now(&self) -> Mono {
        Mono::at(Instant::now() - self.origin)
    }

    fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    #[expect(clippy::disallowed_methods, reason = "the home of the clock")]
    fn unix_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Waits for `duration` on the running timer.
#[expect(clippy::disallowed_methods, reason = "the home of waiting")]
pub fn sleep(duration: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(duration)
}
