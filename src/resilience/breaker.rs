//! Circuit breakers: `(state, what happened, now) -> state`. Whoever keeps the state applies these as one step that
//! nobody comes between, so that two processes never probe at once.

use std::time::Duration;

use crate::model::breaker::{BreakerState, ProbeLease};
use crate::model::outcome::FailureReason;
use crate::model::workflow::{BreakerSpec, CountedFailures};

/// Whether an attempt may go through a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The circuit is closed.
    Pass,
    /// As the only probe.
    Probe,
    /// The circuit is open, or somebody else probes it.
    Refused,
}

/// How a circuit changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Attempts are held back from now on.
    Opened {
        /// The failures in a row that did it.
        failures: u32,
    },
    /// A probe goes through.
    HalfOpened,
    /// Attempts go through again.
    Closed,
}

/// What an attempt says of what is behind the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It works.
    Success,
    /// It does not.
    Failure,
    /// Nothing: the attempt was stopped, or its failure is not counted and no sign that all is well either.
    Neither,
}

/// What an attempt's end says to a breaker that counts `count`. A plain answer, even a bad one, shows that what is
/// asked is there.
#[must_use]
pub const fn verdict(count: CountedFailures, failure: Option<FailureReason>) -> Verdict {
    match (failure, count) {
        (None, _) => Verdict::Success,
        (Some(FailureReason::Cancelled | FailureReason::Budget), _) => Verdict::Neither,
        (Some(_), CountedFailures::All) => Verdict::Failure,
        (Some(reason), CountedFailures::Infrastructure) if reason.is_infrastructure() => Verdict::Failure,
        (Some(FailureReason::ExitCode), CountedFailures::Infrastructure) => Verdict::Success,
        (Some(_), CountedFailures::Infrastructure) => Verdict::Neither,
    }
}

/// Who asks to go through, and for how long at most.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The run, the node and the attempt.
    pub holder: &'a str,
    /// The longest that the attempt can take.
    pub lease: Duration,
}

/// Asks whether an attempt may go through.
///
/// A clock that jumped back never makes an open circuit stay open for longer: a time of opening that lies in the
/// future counts as long past, and so does a lease that would last for longer than it was given.
#[must_use]
pub fn admit(
    state: BreakerState,
    spec: &BreakerSpec,
    asking: Asking<'_>,
    now_ms: u64,
) -> (BreakerState, Admission, Option<Moved>) {
    let lease_ms = millis(asking.lease);
    let lease = || {
        let until_ms = now_ms.saturating_add(lease_ms);
        Some(ProbeLease { holder: asking.holder.to_owned(), taken_ms: now_ms, until_ms })
    };
    match state {
        BreakerState::Closed { .. } => (state, Admission::Pass, None),
        BreakerState::Open { since_ms, .. } => {
            let over = now_ms < since_ms || now_ms - since_ms >= millis(spec.reset_timeout);
            if !over {
                return (state, Admission::Refused, None);
            }
            let half_open = BreakerState::HalfOpen { successes: 0, probe: lease() };
            (half_open, Admission::Probe, Some(Moved::HalfOpened))
        }
        BreakerState::HalfOpen { successes, ref probe } => {
            let held = probe.as_ref().is_some_and(|held| {
                let given = held.until_ms.saturating_sub(held.taken_ms);
                now_ms < held.until_ms && held.until_ms - now_ms <= given
            });
            if held {
                return (state, Admission::Refused, None);
            }
            (BreakerState::HalfOpen { successes, probe: lease() }, Admission::Probe, None)
        }
    }
}

/// Takes in how an attempt that went through ended.
#[must_use]
pub fn record(
    state: BreakerState,
    spec: &BreakerSpec,
    (holder, verdict): (&str, Verdict),
    now_ms: u64,
) -> (BreakerState, Option<Moved>) {
    let open =
        |failures| (BreakerState::Open { since_ms: now_ms, failures }, Some(Moved::Opened { failures }));
    match (state, verdict) {
        (BreakerState::Closed { .. }, Verdict::Success) => (BreakerState::Closed { failures: 0 }, None),
        (BreakerState::Closed { failures }, Verdict::Failure) => {
            let failures = failures.saturating_add(1);
            if failures >= spec.failure_threshold {
                open(failures)
            } else {
                (BreakerState::Closed { failures }, None)
            }
        }
        (BreakerState::HalfOpen { successes, probe: Some(lease) }, _) if lease.holder == holder => {
            match verdict {
                Verdict::Failure => open(spec.failure_threshold),
                Verdict::Neither => (BreakerState::HalfOpen { successes, probe: None }, None),
                Verdict::Success if successes.saturating_add(1) >= spec.half_open_max_calls => {
                    (BreakerState::Closed { failures: 0 }, Some(Moved::Closed))
                }
                Verdict::Success => (BreakerState::HalfOpen { successes: successes + 1, probe: None }, None),
            }
        }
        // An attempt from before the circuit opened, or a prober whose lease went to another.
        (state @ (BreakerState::Open { .. } | BreakerState::HalfOpen { .. }), _)
        | (state @ BreakerState::Closed { .. }, Verdict::Neither) => (state, None),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> BreakerSpec {
        BreakerSpec { failure_threshold: 2, reset_timeout: Duration::from_secs(10), ..BreakerSpec::default() }
    }

    const ASKING: Asking<'static> = Asking { holder: "me", lease: Duration::from_secs(3) };
    const OTHER: Asking<'static> = Asking { holder: "other", lease: Duration::from_secs(3) };

    fn fail(state: BreakerState, now_ms: u64) -> (BreakerState, Option<Moved>) {
        record(state, &spec(), ("me", Verdict::Failure), now_ms)
    }

    #[test]
    fn it_opens_at_its_threshold_and_a_success_between_starts_over() {
        let (state, moved) = fail(BreakerState::default(), 0);
        assert_eq!((&state, moved), (&BreakerState::Closed { failures: 1 }, None));
        let (state, _) = record(state, &spec(), ("me", Verdict::Success), 0);
        let (state, _) = fail(state, 1);
        let (state, _) = record(state, &spec(), ("me", Verdict::Neither), 0);
        let (state, moved) = fail(state, 5);
        assert_eq!(moved, Some(Moved::Opened { failures: 2 }));
        assert_eq!(state, BreakerState::Open { since_ms: 5, failures: 2 });
        assert_eq!(admit(state, &spec(), ASKING, 10_004).1, Admission::Refused);
    }

    #[test]
    fn one_probe_goes_through_at_a_time() {
        let open = BreakerState::Open { since_ms: 0, failures: 2 };
        let (state, admission, moved) = admit(open, &spec(), ASKING, 10_000);
        assert_eq!((admission, moved), (Admission::Probe, Some(Moved::HalfOpened)));
        assert_eq!(admit(state.clone(), &spec(), OTHER, 12_999).1, Admission::Refused);
        // A stranger's end says nothing.
        assert_eq!(record(state.clone(), &spec(), ("other", Verdict::Success), 11_000).1, None);
        let (closed, moved) = record(state.clone(), &spec(), ("me", Verdict::Success), 11_000);
        assert_eq!((closed, moved), (BreakerState::default(), Some(Moved::Closed)));
        let (open, moved) = fail(state, 11_000);
        assert_eq!((&open, moved.is_some()), (&BreakerState::Open { since_ms: 11_000, failures: 2 }, true));
        assert_eq!(admit(open, &spec(), ASKING, 20_999).1, Admission::Refused);
    }

    #[test]
    fn a_prober_that_dies_does_not_wedge_it_and_one_that_is_stopped_gives_way() {
        let (state, ..) = admit(BreakerState::Open { since_ms: 0, failures: 2 }, &spec(), ASKING, 10_000);
        let (taken, admission, moved) = admit(state.clone(), &spec(), OTHER, 13_000);
        assert_eq!((admission, moved), (Admission::Probe, None));
        // The first one's late end does not count any more.
        assert_eq!(fail(taken.clone(), 13_500), (taken, None));
        let (released, _) = record(state, &spec(), ("me", Verdict::Neither), 10_500);
        assert_eq!(admit(released, &spec(), OTHER, 10_501).1, Admission::Probe);
    }

    #[test]
    fn several_probes_can_be_asked_for() {
        let spec = BreakerSpec { half_open_max_calls: 2, ..spec() };
        let (state, ..) = admit(BreakerState::Open { since_ms: 0, failures: 2 }, &spec, ASKING, 10_000);
        let (state, moved) = record(state, &spec, ("me", Verdict::Success), 10_001);
        assert_eq!(moved, None);
        let (state, admission, _) = admit(state, &spec, ASKING, 10_002);
        assert_eq!(admission, Admission::Probe);
        assert_eq!(record(state, &spec, ("me", Verdict::Success), 10_003).1, Some(Moved::Closed));
    }

    #[test]
    fn a_clock_that_jumps_back_extends_nothing() {
        let open = BreakerState::Open { since_ms: 1_000_000, failures: 2 };
        assert_eq!(admit(open, &spec(), ASKING, 5).1, Admission::Probe);
        let lease = ProbeLease { holder: "dead".to_owned(), taken_ms: 1_000_000, until_ms: 1_003_000 };
        let half_open = BreakerState::HalfOpen { successes: 0, probe: Some(lease) };
        assert_eq!(admit(half_open.clone(), &spec(), ASKING, 5).1, Admission::Probe);
        assert_eq!(admit(half_open, &spec(), ASKING, 1_001_000).1, Admission::Refused);
    }

    #[test]
    fn what_counts_depends_on_who_declared_it() {
        use FailureReason::{Cancelled, ExitCode, Policy, Spawn, Timeout};
        let of = |count| {
            [None, Some(ExitCode), Some(Timeout), Some(Spawn), Some(Policy), Some(Cancelled)]
                .map(|failure| verdict(count, failure))
        };
        use Verdict::{Failure, Neither, Success};
        assert_eq!(of(CountedFailures::All), [Success, Failure, Failure, Failure, Failure, Neither]);
        assert_eq!(
            of(CountedFailures::Infrastructure),
            [Success, Success, Failure, Failure, Neither, Neither]
        );
    }
}
