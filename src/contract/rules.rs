//! Coordination rules and error handling: what holds for a whole run, and what nodes inherit.

use std::time::Duration;

use super::keys::{self, words};
use super::policy::{read_breaker, read_budget, read_constraints, read_groups, read_partial};
use super::reader::Reader;
use super::sandbox::read_sandbox;
use super::values::{Unit, Zero, duration, duration_in};
use crate::base::text::nearest;
use crate::diag::{Diagnostic, Severity, codes};
use crate::model::sandbox::Sandbox;
use crate::model::workflow::{
    Backoff, BreakerSpec, Budget, CountedFailures, Jitter, OuterRetry, Resources, RetryOn, RulePlaces, Rules,
};
use crate::yaml::{NodeRef, Shape};

/// The rules of a contract, for the run and for its nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct RuleSet {
    pub run: Rules,
    /// The longest attempt of a node that says nothing of its own.
    pub step_timeout: Option<Duration>,
    /// The inner retries of a node that says nothing of its own.
    pub inner: Option<Box<Backoff>>,
    pub outer: OuterRetry,
    /// The repetitions of a node that asks for them by `error_action: retry`.
    pub asked_outer: OuterRetry,
    /// The circuit breaker of a node that says nothing of its own.
    pub breaker: Option<BreakerSpec>,
    /// What each program may take at most.
    pub resources: Resources,
    /// The sandbox of a node that says nothing of its own.
    pub sandbox: Option<Box<Sandbox>>,
    pub places: RulePlaces,
    /// Rules of repetitions for which no node is repeated, unless one asks for it.
    unasked: Vec<(&'static str, NodeRef)>,
}

impl RuleSet {
    /// Reads the rules. `elsewhere` are the other places that may hold an `execution_mode`, in the order of their rank.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        rules: Option<NodeRef>,
        error_handling: Option<NodeRef>,
        elsewhere: &[Option<NodeRef>],
    ) -> Self {
        let mut set = Self::default();
        let rules = rules.filter(|&node| reader.tree.shape(node) != Shape::Null);
        let rules = rules.filter(|&node| reader.mapping(node, "`coordination_rules`").is_some());
        if let Some(rules) = rules {
            reader.check_keys(rules, &keys::RULES);
            set.read_rules(reader, rules);
        }
        set.read_execution_mode(reader, rules, elsewhere);
        if let Some(node) = error_handling.filter(|&node| reader.mapping(node, "`error_handling`").is_some())
        {
            set.read_error_handling(reader, node);
        }
        set
    }

    fn read_rules(&mut self, reader: &mut Reader<'_>, rules: NodeRef) {
        let tree = reader.tree;
        let get = |key: &str| tree.value(rules, key).map(|node| (node, format!("`{key}`")));
        let strategy = get("failure_recovery_strategy").and_then(|(node, what)| {
            let word = reader.text(node, &what)?.to_ascii_lowercase();
            if !words::has(&words::STRATEGIES, &word) {
                reader.bad_value(node, &what, &words::STRATEGIES);
            }
            if matches!(word.as_str(), "rollback" | "compensate") {
                reader.later(node, &format!("the recovery strategy `{word}`"));
            }
            Some(word)
        });
        let fail_fast = get("fail_fast").and_then(|(node, what)| reader.bool(node, &what));
        self.run.partial = read_partial(reader, rules);
        // Who allows a part wants to see how large it gets.
        self.run.keep_going = match fail_fast {
            Some(fail_fast) => !fail_fast,
            None => strategy.as_deref() == Some("continue") || self.run.partial.is_some(),
        };
        self.run.groups = get("groups").map_or_else(Vec::new, |(node, _)| read_groups(reader, node));
        self.run.budget = get("budget").map_or_else(Budget::default, |(node, _)| read_budget(reader, node));
        let (at_once, resources) = get("resource_constraints")
            .map_or_else(Default::default, |(node, _)| read_constraints(reader, node));
        self.resources = resources;
        self.sandbox = get("sandbox").and_then(|(node, _)| read_sandbox(reader, node));

        let limits = ["max_parallel_branches", "max_parallel_steps"]
            .map(|key| get(key).and_then(|(node, what)| Some((node, reader.count(node, &what, 1)?))));
        if let [Some((first, a)), Some((second, b))] = limits
            && a != b
        {
            reader.push(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "`max_parallel_branches` and `max_parallel_steps` disagree",
                )
                .at(tree.span(second), format!("{b} here"))
                .at(tree.span(first), format!("{a} here")),
            );
        }
        let branches = limits.into_iter().flatten().map(|(_, n)| n as usize).next();
        let cpus = resources.cpus.map(|cpus| cpus as usize);
        self.run.max_parallel = [branches, at_once, cpus].into_iter().flatten().min();
        self.run.timeout = duration_in(reader, rules, "timeout", Zero::Refused);
        let place = |mapping: NodeRef, keys: [&str; 2]| {
            keys.into_iter().find_map(|key| tree.value(mapping, key)).map(|node| tree.span(node))
        };
        self.places.timeout = place(rules, ["timeout", "timeout_ms"]);
        self.places.budget_time = get("budget").and_then(|(budget, _)| place(budget, ["time", "time_ms"]));
        self.places.max_retries = get("max_retries").map(|(node, _)| tree.span(node));
        self.step_timeout = duration_in(reader, rules, "step_timeout", Zero::Refused);
        read_checkpoints(reader, rules);

        let retries = get("max_retries").and_then(|(node, what)| Some((node, reader.count(node, &what, 0)?)));
        let delay = duration_in(reader, rules, "retry_backoff", Zero::Allowed);
        let multiplier =
            get("retry_backoff_multiplier").and_then(|(node, what)| reader.number(node, &what, 1.0));
        self.asked_outer = OuterRetry {
            max_retries: retries.map_or(0, |(_, n)| n),
            delay: delay.unwrap_or_default(),
            multiplier: multiplier.unwrap_or(1.0),
        };
        match retries {
            Some((_, max_retries)) if strategy.as_deref() == Some("retry") => {
                self.outer = OuterRetry {
                    max_retries,
                    delay: delay.unwrap_or_default(),
                    multiplier: multiplier.unwrap_or(1.0),
                };
            }
            None if strategy.as_deref() == Some("retry") => {
                if let Some((node, _)) = get("failure_recovery_strategy") {
                    reader.push(
                        Diagnostic::new(
                            Severity::Info,
                            codes::MEANINGLESS_RULE,
                            "the strategy `retry` repeats as often as `max_retries` says, which is not given",
                        )
                        .at(tree.span(node), "no node is repeated for this"),
                    );
                }
            }
            // Who says that nothing is repeated need not say when.
            Some((_, 0)) => {}
            _ => {
                let delay = delay.filter(|delay| !delay.is_zero());
                let multiplier = multiplier.filter(|&multiplier| multiplier > 1.0);
                let said = [
                    ("max_retries", retries.is_some()),
                    ("retry_backoff", delay.is_some()),
                    ("retry_backoff_ms", delay.is_some()),
                    ("retry_backoff_multiplier", multiplier.is_some()),
                ];
                let said = said.into_iter().filter(|(_, is_said)| *is_said);
                self.unasked = said.filter_map(|(key, _)| Some((key, tree.value(rules, key)?))).collect();
            }
        }
    }

    /// Says that rules such as `max_retries` repeat nothing, once it is known that no node asks for it.
    pub(super) fn say_unasked(&self, reader: &mut Reader<'_>) {
        if self.unasked.is_empty() {
            return;
        }
        let names: Vec<String> = self.unasked.iter().map(|(key, _)| format!("`{key}`")).collect();
        let verb = if names.len() == 1 { "counts" } else { "count" };
        let message = format!("{} {verb} under `failure_recovery_strategy: retry` only", names.join(", "));
        let mut finding = Diagnostic::new(Severity::Info, codes::MEANINGLESS_RULE, message);
        for (at, (_, node)) in self.unasked.iter().enumerate() {
            let label = if at == 0 { "no node is repeated for this" } else { "" };
            finding = finding.at(reader.tree.span(*node), label);
        }
        reader.push(finding);
    }

    fn read_execution_mode(
        &mut self,
        reader: &mut Reader<'_>,
        rules: Option<NodeRef>,
        elsewhere: &[Option<NodeRef>],
    ) {
        let tree = reader.tree;
        let mut chosen: Option<(String, NodeRef)> = None;
        for place in std::iter::once(rules).chain(elsewhere.iter().copied()).flatten() {
            let Some(node) = tree.value(place, "execution_mode") else { continue };
            let Some(word) = reader.text(node, "`execution_mode`").map(str::to_ascii_lowercase) else {
                continue;
            };
            if !words::has(&words::EXECUTION_MODES, &word) {
                reader.bad_value(node, "`execution_mode`", &words::EXECUTION_MODES);
                continue;
            }
            match &chosen {
                Some((first, at)) if *first != word => reader.push(
                    Diagnostic::warning(codes::DISAGREEMENT, "two places disagree about `execution_mode`")
                        .at(tree.span(node), "this one has no effect")
                        .at(tree.span(*at), "this one counts"),
                ),
                Some(_) => {}
                None => chosen = Some((word, node)),
            }
        }
        if let Some((word, _)) = &chosen {
            self.run.batch = word == "batch";
            self.run.parallel = Some(word != "sequential");
        }
        let allowed = rules.and_then(|rules| tree.value(rules, "parallel_execution_allowed"));
        if let Some(node) = allowed
            && reader.bool(node, "`parallel_execution_allowed`") == Some(false)
        {
            if let Some((word, mode)) = &chosen
                && word != "sequential"
            {
                reader.push(
                    Diagnostic::warning(
                        codes::DISAGREEMENT,
                        "parallel execution is asked for and not allowed",
                    )
                    .at(tree.span(*mode), "this has no effect")
                    .at(tree.span(node), "nodes run one at a time"),
                );
            }
            self.run.parallel = Some(false);
        }
    }

    fn read_error_handling(&mut self, reader: &mut Reader<'_>, node: NodeRef) {
        let tree = reader.tree;
        reader.check_keys(node, &keys::ERROR_HANDLING);
        self.breaker = tree
            .value(node, "circuit_breaker")
            .filter(|&breaker| !reader.is_switched_off(breaker))
            .and_then(|breaker| read_breaker(reader, breaker, CountedFailures::Infrastructure));
        let Some(policy) = reader.get_mapping(node, "retry_policy") else { return };
        let policy_key = tree.value(policy, "max_retries").unwrap_or(policy);
        self.places.retry_policy = Some(tree.span(policy_key));
        reader.check_keys(policy, &keys::RETRY_POLICY);
        let retries =
            tree.value(policy, "max_retries").and_then(|n| reader.count(n, "`max_retries`", 0)).unwrap_or(3);
        let backoff = Backoff { max_attempts: retries.saturating_add(1), ..read_backoff(reader, policy) };
        self.inner = (retries > 0).then(|| Box::new(backoff));
    }
}

/// `checkpoint_interval_ms`, which counts where checkpoints are made.
fn read_checkpoints(reader: &mut Reader<'_>, rules: NodeRef) {
    let Some(node) = reader.tree.value(rules, "checkpoint_interval_ms") else { return };
    let read = duration(reader, node, ("`checkpoint_interval_ms`", Unit::Millis, Zero::Allowed));
    if read.is_some() && reader.tree.value(rules, "checkpoint_enabled").is_none() {
        reader.push(
            Diagnostic::new(
                Severity::Info,
                codes::MEANINGLESS_RULE,
                "`checkpoint_interval_ms` counts under `checkpoint_enabled: true` only",
            )
            .at(reader.tree.span(node), "there are no checkpoints"),
        );
    }
}

/// The keys that a node's `retry` and the contract's `retry_policy` share.
pub(super) fn read_backoff(reader: &mut Reader<'_>, node: NodeRef) -> Backoff {
    let tree = reader.tree;
    let defaults = Backoff::default();
    let jitter = tree.value(node, "jitter").and_then(|jitter| match tree.scalar(jitter) {
        _ if tree.shape(jitter) == Shape::Bool(false) => Some(Jitter::None),
        _ if tree.shape(jitter) == Shape::Bool(true) => Some(Jitter::Full),
        Some("none") => Some(Jitter::None),
        Some("full") => Some(Jitter::Full),
        _ => {
            reader.bad_value(jitter, "`jitter`", &words::JITTERS);
            None
        }
    });
    let retry_on = tree.value(node, "retry_on").map(|list| {
        let words = reader.texts(list, "`retry_on`");
        if words.is_empty() {
            reader.push(
                Diagnostic::error(
                    codes::BAD_VALUE,
                    "`retry_on` names no failure, so nothing would be repeated",
                )
                .at(tree.span(list), "empty")
                .help("write `[any]`, or leave it out"),
            );
        }
        words.into_iter().filter_map(|(word, at)| retry_on(reader, word, at)).collect()
    });
    Backoff {
        max_attempts: defaults.max_attempts,
        initial_delay: duration_in(reader, node, "initial_delay", Zero::Allowed)
            .unwrap_or(defaults.initial_delay),
        max_delay: duration_in(reader, node, "max_delay", Zero::Allowed).unwrap_or(defaults.max_delay),
        exponential_base: tree
            .value(node, "exponential_base")
            .and_then(|base| reader.number(base, "`exponential_base`", 1.0))
            .unwrap_or(defaults.exponential_base),
        jitter: jitter.unwrap_or_default(),
        retry_on: retry_on.unwrap_or(defaults.retry_on),
    }
}

/// One word of `retry_on`: a reason, `exit:75`, or a kind of error by its name.
fn retry_on(reader: &mut Reader<'_>, word: &str, at: NodeRef) -> Option<RetryOn> {
    let lower = word.to_ascii_lowercase();
    let found = match if words::has(&words::RETRIED, &lower) { lower.as_str() } else { word } {
        "any" => RetryOn::Any,
        "timeout" | "TimeoutError" => RetryOn::Timeout,
        "signal" => RetryOn::Signal,
        "spawn" => RetryOn::Spawn,
        "connect" | "ConnectionError" => RetryOn::Connect,
        _ => match word.split_once(':') {
            Some(("exit", code)) if code.parse::<u8>().is_ok_and(|code| code > 0) => {
                RetryOn::Exit(code.parse().unwrap_or_default())
            }
            Some(("http", _)) => {
                reader.later(at, "retrying by HTTP status");
                return None;
            }
            // Kinds of error are written like types.
            None if word.starts_with(|c: char| c.is_ascii_uppercase()) => RetryOn::Kind(word.to_owned()),
            Some(("exit", code)) => {
                let why = if code.parse() == Ok(0) {
                    "0 is success, after which nothing is repeated"
                } else {
                    "an exit code is a number from 1 to 255"
                };
                let finding = Diagnostic::error(codes::BAD_VALUE, format!("`retry_on` cannot name `{word}`"));
                reader.push(finding.at(reader.tree.span(at), why));
                return None;
            }
            _ => {
                reader.push(
                    Diagnostic::error(codes::BAD_VALUE, format!("`retry_on` cannot name `{word}`"))
                        .at(reader.tree.span(at), "one of `any`, `timeout`, `signal`, `spawn`, `connect`, `exit:N`, or a kind of error")
                        .did_you_mean(nearest(word, words::names(&words::RETRIED))),
                );
                return None;
            }
        },
    };
    Some(found)
}
