//! Retries: the idempotency table and the two tiers of `execution.md`.

use std::time::Duration;

use crate::base::rng::Rng;
use crate::model::outcome::{AttemptClass, FailureReason};
use crate::model::workflow::{Backoff, Jitter, NodeSpec, RetryOn, RetrySpec};

/// An attempt's place in the two tiers: `spec/001`'s workflow retries around its error-level retries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// How often the outer tier has begun the inner one again.
    pub round: u32,
    /// How many attempts of this round came before.
    pub step: u32,
}

/// An attempt that failed.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// Its place in the two tiers.
    pub turn: Turn,
    /// Why it failed.
    pub reason: FailureReason,
    /// The name of its error.
    pub kind: &'a str,
    /// What is known of its effect.
    pub class: AttemptClass,
    /// The code that its program ended with.
    pub return_code: Option<i32>,
    /// The seed of this attempt's jitter.
    pub seed: u64,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Another attempt.
    Retry {
        /// The time until it starts.
        delay: Duration,
        /// Its place in the two tiers.
        turn: Turn,
    },
    /// The node failed, for this reason.
    Fail(FailureReason),
}

/// Decides what follows a failed attempt.
#[must_use]
pub fn decide(node: &NodeSpec, failure: Failure<'_>) -> Decision {
    let Some(next) = next_attempt(&node.retry, failure) else { return Decision::Fail(failure.reason) };
    match allowed(node, failure, next.tier) {
        Verdict::Repeat => Decision::Retry { delay: next.delay, turn: next.turn },
        Verdict::Stop => Decision::Fail(failure.reason),
        // It would have been repeated, and must not be: nobody knows whether it had its effect.
        Verdict::Uncertain => Decision::Fail(FailureReason::Uncertain),
    }
}

/// The attempt that would follow, were it allowed.
#[derive(Clone, Copy, Debug)]
struct NextAttempt {
    delay: Duration,
    turn: Turn,
    tier: Tier,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    /// The next attempt of the inner tier.
    Inner,
    /// The inner tier begins again: the run's rule.
    Outer,
}

fn next_attempt(retry: &RetrySpec, failure: Failure<'_>) -> Option<NextAttempt> {
    let Turn { round, step } = failure.turn;
    if let Some(inner) = &retry.inner
        && step + 1 < inner.max_attempts
        && matches_any(&inner.retry_on, failure)
    {
        let delay = backoff_delay(inner, step, failure.seed);
        return Some(NextAttempt { delay, turn: Turn { round, step: step + 1 }, tier: Tier::Inner });
    }
    if round >= retry.outer.max_retries {
        return None;
    }
    let factor = retry.outer.multiplier.powi(i32::try_from(round).unwrap_or(i32::MAX));
    let delay = scale(retry.outer.delay, factor);
    Some(NextAttempt { delay, turn: Turn { round: round + 1, step: 0 }, tier: Tier::Outer })
}

enum Verdict {
    Repeat,
    Stop,
    Uncertain,
}

/// The idempotency table, row by class.
fn allowed(node: &NodeSpec, failure: Failure<'_>, tier: Tier) -> Verdict {
    // A plain verdict is an answer: only the node's own `retry` asks again.
    let is_verdict = node.kind.gives_verdict() && failure.reason == FailureReason::ExitCode;
    match (failure.class, node.idempotent) {
        (AttemptClass::NotStarted, Some(false)) if tier == Tier::Inner => Verdict::Stop,
        (AttemptClass::NotStarted, _) => Verdict::Repeat,
        (AttemptClass::Definite, Some(false)) => Verdict::Stop,
        (AttemptClass::Definite, _) if is_verdict && !node.retry.own => Verdict::Stop,
        (AttemptClass::Definite, _) => Verdict::Repeat,
        (AttemptClass::Unknown, Some(true)) => Verdict::Repeat,
        (AttemptClass::Unknown, None) if node.retry.own || node.kind.repeats_safely() => Verdict::Repeat,
        (AttemptClass::Unknown, Some(false) | None) => Verdict::Uncertain,
    }
}

/// The exceptions of Python that are a `ConnectionError`.
const CONNECTION_ERRORS: [&str; 5] = [
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "ConnectionAbortedError",
    "BrokenPipeError",
];

fn matches_any(retry_on: &[RetryOn], failure: Failure<'_>) -> bool {
    retry_on.iter().any(|on| match on {
        RetryOn::Any => true,
        RetryOn::Timeout => failure.reason == FailureReason::Timeout || failure.kind == "TimeoutError",
        RetryOn::Signal => failure.reason == FailureReason::Signal,
        RetryOn::Spawn => failure.reason == FailureReason::Spawn,
        // What programs say of connections they say by name.
        RetryOn::Connect => CONNECTION_ERRORS.contains(&failure.kind),
        RetryOn::Exit(code) => failure.return_code == Some(*code),
        RetryOn::Kind(kind) => failure.kind == kind,
    })
}

/// `min(initial_delay · exponential_base^step, max_delay)`, and with full jitter a draw from nothing to that.
fn backoff_delay(backoff: &Backoff, step: u32, seed: u64) -> Duration {
    let factor = backoff.exponential_base.powi(i32::try_from(step).unwrap_or(i32::MAX));
    let delay = scale(backoff.initial_delay, factor).min(backoff.max_delay);
    match backoff.jitter {
        Jitter::None => delay,
        Jitter::Full => {
            let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
            Duration::from_nanos(Rng::new(seed).below(nanos.saturating_add(1)))
        }
    }
}

/// `duration · factor`, at most a century.
fn scale(duration: Duration, factor: f64) -> Duration {
    const MOST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    // Nothing times infinity is no number.
    if duration.is_zero() {
        return duration;
    }
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).map_or(MOST, |scaled| scaled.min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeId;
    use crate::model::workflow::{NodeKind, OuterRetry};

    fn node(idempotent: Option<bool>, kind: NodeKind, retry: RetrySpec) -> NodeSpec {
        NodeSpec { kind, idempotent, retry, ..NodeSpec::new(NodeId::new("n").unwrap()) }
    }

    fn own(max_attempts: u32) -> RetrySpec {
        RetrySpec {
            inner: Some(Box::new(Backoff { max_attempts, ..Backoff::default() })),
            own: true,
            outer: OuterRetry::default(),
        }
    }

    fn rule(max_retries: u32) -> RetrySpec {
        RetrySpec { inner: None, own: false, outer: OuterRetry { max_retries, ..OuterRetry::default() } }
    }

    fn inherited() -> RetrySpec {
        RetrySpec { own: false, ..own(3) }
    }

    fn failure(turn: Turn, reason: FailureReason) -> Failure<'static> {
        use FailureReason as R;
        let class = match reason {
            R::Spawn | R::Policy | R::CircuitOpen | R::Budget => AttemptClass::NotStarted,
            R::ExitCode | R::FilesChanged | R::Protocol => AttemptClass::Definite,
            R::Timeout | R::Signal | R::Uncertain | R::Cancelled => AttemptClass::Unknown,
        };
        let return_code = (reason == R::ExitCode).then_some(75);
        Failure { turn, reason, kind: reason.error_kind(), class, return_code, seed: 1 }
    }

    /// The table of `execution.md`, cell by cell: R repeats, s stops, u is uncertain.
    #[test]
    fn the_idempotency_table_holds() {
        use FailureReason::{ExitCode, Spawn, Timeout};
        let effect = NodeKind::Effect;
        let rows = [
            // not started, definite, unknown
            ("true, own", node(Some(true), effect.clone(), own(3)), "RRR"),
            ("true, rule", node(Some(true), effect.clone(), rule(2)), "RRR"),
            ("true, inherited", node(Some(true), effect.clone(), inherited()), "RRR"),
            ("unsaid, own", node(None, effect.clone(), own(3)), "RRR"),
            ("unsaid, rule", node(None, effect.clone(), rule(2)), "RRu"),
            ("unsaid, inherited", node(None, effect.clone(), inherited()), "RRu"),
            ("unsaid, rule, compute", node(None, NodeKind::Compute, rule(2)), "RRR"),
            ("unsaid, rule, reducer", node(None, NodeKind::Reducer, rule(2)), "RRR"),
            ("unsaid, rule, validator", node(None, NodeKind::Validator, rule(2)), "RsR"),
            ("unsaid, rule, test", node(None, NodeKind::Test, rule(2)), "RsR"),
            ("unsaid, inherited, validator", node(None, NodeKind::Validator, inherited()), "RsR"),
            ("true, inherited, test", node(Some(true), NodeKind::Test, inherited()), "RsR"),
            ("unsaid, own, test", node(None, NodeKind::Test, own(3)), "RRR"),
            ("false, rule", node(Some(false), effect.clone(), rule(2)), "Rsu"),
            ("false, inherited", node(Some(false), effect.clone(), inherited()), "ssu"),
            ("none at all", node(None, effect.clone(), RetrySpec::default()), "sss"),
            ("false, none at all", node(Some(false), effect, RetrySpec::default()), "sss"),
        ];
        for (name, node, expected) in rows {
            let got: String = [Spawn, ExitCode, Timeout]
                .map(|reason| match decide(&node, failure(Turn::default(), reason)) {
                    Decision::Retry { .. } => 'R',
                    Decision::Fail(FailureReason::Uncertain) => 'u',
                    Decision::Fail(given) => {
                        assert_eq!(given, reason);
                        's'
                    }
                })
                .iter()
                .collect();
            assert_eq!(got, expected, "{name}");
        }
    }

    fn delays(node: &NodeSpec, reason: FailureReason) -> Vec<u64> {
        let mut at = Turn::default();
        std::iter::from_fn(|| match decide(node, failure(at, reason)) {
            Decision::Retry { delay, turn } => {
                at = turn;
                Some(u64::try_from(delay.as_millis()).unwrap())
            }
            Decision::Fail(_) => None,
        })
        .collect()
    }

    #[test]
    fn delays_grow_to_their_bound_and_none_follows_the_last_attempt() {
        let backoff = Backoff { max_attempts: 6, max_delay: Duration::from_secs(5), ..Backoff::default() };
        let retry = RetrySpec { inner: Some(Box::new(backoff)), own: true, outer: OuterRetry::default() };
        let node = node(None, NodeKind::Effect, retry);
        assert_eq!(delays(&node, FailureReason::ExitCode), [1000, 2000, 4000, 5000, 5000]);
        assert_eq!(node.retry.max_attempts(), 6);
    }

    #[test]
    fn the_outer_tier_repeats_the_inner_one() {
        // 3 retries inside, 2 outside: (1+3)·(1+2) attempts, as the comments of the contract of OMN-888 count them.
        let inner = Backoff {
            max_attempts: 4,
            initial_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(5),
            ..Backoff::default()
        };
        let outer = OuterRetry { max_retries: 2, delay: Duration::from_secs(2), multiplier: 2.0 };
        let node =
            node(None, NodeKind::Effect, RetrySpec { inner: Some(Box::new(inner)), own: false, outer });
        assert_eq!(
            delays(&node, FailureReason::ExitCode),
            [100, 200, 400, 2000, 100, 200, 400, 4000, 100, 200, 400]
        );
        assert_eq!(node.retry.max_attempts(), 12);
    }

    #[test]
    fn factors_that_overflow_stay_within_bounds() {
        assert_eq!(scale(Duration::ZERO, f64::INFINITY), Duration::ZERO);
        assert_eq!(scale(Duration::from_secs(1), f64::INFINITY), scale(Duration::from_secs(9), 1e300));
        let backoff = Backoff { exponential_base: 1e300, ..Backoff::default() };
        assert_eq!(backoff_delay(&backoff, 40, 0), Duration::from_secs(60));
    }

    #[test]
    fn what_the_inner_tier_does_not_repeat_the_outer_one_does() {
        let inner = Backoff { retry_on: vec![RetryOn::Timeout], ..Backoff::default() };
        let outer = OuterRetry { max_retries: 2, delay: Duration::from_millis(7), multiplier: 1.0 };
        let node =
            node(None, NodeKind::Effect, RetrySpec { inner: Some(Box::new(inner)), own: false, outer });
        assert_eq!(delays(&node, FailureReason::ExitCode), [7, 7]);
    }

    #[test]
    fn retry_on_narrows_what_is_repeated() {
        let retrying_on = |on: &[RetryOn]| {
            let backoff = Backoff { retry_on: on.to_vec(), ..Backoff::default() };
            node(
                None,
                NodeKind::Effect,
                RetrySpec { inner: Some(Box::new(backoff)), own: true, outer: OuterRetry::default() },
            )
        };
        use FailureReason::{ExitCode, Signal, Spawn, Timeout};
        for (on, repeated) in [
            (RetryOn::Any, [true, true, true, true]),
            (RetryOn::Exit(75), [true, false, false, false]),
            (RetryOn::Exit(1), [false, false, false, false]),
            (RetryOn::Timeout, [false, true, false, false]),
            (RetryOn::Signal, [false, false, true, false]),
            (RetryOn::Spawn, [false, false, false, true]),
            (RetryOn::Kind("TaskFailedError".to_owned()), [true, false, false, false]),
            (RetryOn::Kind("KeyError".to_owned()), [false, false, false, false]),
        ] {
            let node = retrying_on(std::slice::from_ref(&on));
            let got = [ExitCode, Timeout, Signal, Spawn].map(|r| !delays(&node, r).is_empty());
            assert_eq!(got, repeated, "{on:?}");
        }
    }

    #[test]
    fn errors_with_a_name_of_their_own_are_known_by_it() {
        let raised = |on: RetryOn, kind| {
            let backoff = Backoff { retry_on: vec![on], ..Backoff::default() };
            let retry = RetrySpec { inner: Some(Box::new(backoff)), own: true, outer: OuterRetry::default() };
            let failure = Failure { kind, ..failure(Turn::default(), FailureReason::ExitCode) };
            matches!(decide(&node(None, NodeKind::Effect, retry), failure), Decision::Retry { .. })
        };
        assert!(raised(RetryOn::Connect, "ConnectionRefusedError") && !raised(RetryOn::Connect, "OSError"));
        assert!(raised(RetryOn::Timeout, "TimeoutError") && !raised(RetryOn::Timeout, "ValueError"));
        assert!(raised(RetryOn::Kind("ValueError".to_owned()), "ValueError"));
    }

    #[test]
    fn jitter_is_seeded_and_stays_below_the_delay() {
        let backoff = Backoff { jitter: Jitter::Full, max_attempts: 2, ..Backoff::default() };
        let node = node(
            None,
            NodeKind::Effect,
            RetrySpec { inner: Some(Box::new(backoff)), own: true, outer: OuterRetry::default() },
        );
        let draw =
            |seed| decide(&node, Failure { seed, ..failure(Turn::default(), FailureReason::ExitCode) });
        let draws: Vec<_> = (0..100).map(draw).collect();
        assert_eq!(draws, (0..100).map(draw).collect::<Vec<_>>());
        let within =
            |d: &Decision| matches!(d, Decision::Retry { delay, .. } if *delay <= Duration::from_secs(1));
        assert!(draws.iter().all(within));
        let millis = |d: &Decision| if let Decision::Retry { delay, .. } = d { delay.as_millis() } else { 0 };
        assert!(draws.iter().map(millis).collect::<std::collections::BTreeSet<_>>().len() > 80);
    }
}
