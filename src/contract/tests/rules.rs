//! Rules of the run, and what nodes inherit of them.

use super::*;
use crate::contract::keys::Standing;

// ---- Retries

/// A contract of the ONEX dialect with an `error_handling`, rules, and one node with more keys.
fn handled(error_handling: &str, rules: &str, node: &str) -> String {
    format!(
        "error_handling: {error_handling}\nworkflow_coordination:\n  workflow_definition:\n    coordination_rules: {rules}\n    execution_graph: {{nodes: [{{node_id: a{node}}}]}}\n"
    )
}

const OUTER: &str = "{failure_recovery_strategy: retry, max_retries: 3, retry_backoff_ms: 200}";

const INNER: &str = "{retry_policy: {max_retries: 2, initial_delay_ms: 100, retry_on: [ConnectionError]}}";

#[test]
fn max_retries_counts_under_the_strategy_retry_only() {
    for (strategy, attempts) in
        [("retry", 4), ("RETRY", 4), ("fail_fast", 1), ("continue", 1), ("none", 1), ("abort", 1)]
    {
        let text = ruled(&format!("failure_recovery_strategy: {strategy}\nmax_retries: 3"));
        let expected: &[&str] = match attempts {
            1 => &["E0216 info 6:20 `max_retries` counts under `failure_recovery_strategy: retry` only"],
            _ => &[],
        };
        assert_eq!(findings(&text), expected, "{strategy}");
        let workflow = read(&text).0.expect("an info is no error");
        assert_eq!(workflow.nodes[0].retry.max_attempts(), attempts, "{strategy}");
    }
    assert_eq!(first(&ruled("max_retries: 0")).retry.max_attempts(), 1);
    let outer = first(&ruled("failure_recovery_strategy: retry\nmax_retries: 3")).retry.outer;
    assert_eq!(outer, OuterRetry { max_retries: 3, delay: Duration::ZERO, multiplier: 1.0 });
}

#[test]
fn a_retry_policy_is_the_inner_tier_and_max_retries_the_outer() {
    let retry = first(&handled(INNER, OUTER, "")).retry;
    let inner = Backoff {
        max_attempts: 3,
        initial_delay: Duration::from_millis(100),
        retry_on: vec![RetryOn::Connect],
        ..Backoff::default()
    };
    assert_eq!((retry.inner, retry.own), (Some(Box::new(inner)), false));
    let delay = Duration::from_millis(200);
    assert_eq!(retry.outer, OuterRetry { max_retries: 3, delay, multiplier: 1.0 });
    let attempts = |text: &str| first(text).retry.max_attempts();
    assert_eq!(attempts(&handled(INNER, OUTER, "")), 3 * 4);
    assert_eq!(attempts(&handled(INNER, "{}", "")), 3);
    assert_eq!(attempts(&handled("{}", OUTER, "")), 4);
    assert_eq!(attempts(&handled("{retry_policy: {max_retries: 0}}", OUTER, "")), 4);
    assert_eq!(first(&handled("{retry_policy: {max_retries: 0}}", OUTER, "")).retry.inner, None);
    assert_eq!(attempts(&handled("{retry_policy: null}", "{}", "")), 1);
    let most = "{retry_policy: {max_retries: 4294967295}}";
    assert_eq!(attempts(&handled(most, OUTER, "")), u32::MAX, "no overflow");
}

#[test]
fn a_nodes_own_retry_replaces_both_tiers() {
    let retry = first(&handled(INNER, OUTER, ", retry: {max_attempts: 5}")).retry;
    assert_eq!(retry.inner, Some(Box::new(Backoff { max_attempts: 5, ..Backoff::default() })));
    assert_eq!((retry.own, retry.outer.max_retries, retry.max_attempts()), (true, 0, 5));
    assert_eq!(first(&handled(INNER, OUTER, ", retry: {max_attempts: 1}")).retry.max_attempts(), 1);
    assert_eq!(first(&handled(INNER, OUTER, ", retry: null")).retry.max_attempts(), 12, "says nothing");
}

#[test]
fn what_must_not_be_repeated_inherits_the_outer_tier_only() {
    let retry = first(&handled(INNER, OUTER, ", idempotent: false")).retry;
    assert_eq!((retry.inner, retry.outer.max_retries), (None, 3));
    for idempotent in ["true", "false"] {
        let node = first(&handled(INNER, "{}", &format!(", idempotent: {idempotent}")));
        assert_eq!(node.retry.inner.is_some(), idempotent == "true");
        assert_eq!(node.idempotent, Some(idempotent == "true"));
    }
}

#[test]
fn an_empty_retry_is_filled_with_the_documented_defaults() {
    let defaults = Backoff {
        max_attempts: 3,
        initial_delay: Duration::from_secs(1),
        max_delay: Duration::from_secs(60),
        exponential_base: 2.0,
        jitter: Jitter::None,
        retry_on: vec![RetryOn::Any],
    };
    assert_eq!(first(&task("retry: {}")).retry.inner, Some(Box::new(defaults)));
    assert_eq!(findings(&task("retry: 3")), ["E0203 error 5:14 `retry` is a mapping"]);
    assert_eq!(
        advice(&task("retry: 3")),
        ["write `retry: {max_attempts: 3}`; the first attempt counts, too"]
    );
    let handling = "error_handling: {retry_policy: {}}\n";
    for off in ["false", "0"] {
        let retry = first(&format!("{handling}{}", task(&format!("retry: {off}\nidempotent: false")))).retry;
        assert_eq!((retry.max_attempts(), retry.own), (1, true), "{off}");
    }
}

#[test]
fn retry_on_names_reasons_exit_codes_and_kinds_of_error() {
    let text = task(
        "retry: {retry_on: [any, timeout, TimeoutError, signal, spawn, connect, ConnectionError, exit:1, exit:255, StateError]}",
    );
    let words = first(&text).retry.inner.expect("its own").retry_on;
    use RetryOn::{Any, Connect, Exit, Kind, Signal, Spawn, Timeout};
    let kind = Kind("StateError".into());
    assert_eq!(words, [Any, Timeout, Timeout, Signal, Spawn, Connect, Connect, Exit(1), Exit(255), kind]);
    assert_eq!(first(&task("retry: {retry_on: signal}")).retry.inner.expect("its own").retry_on, [Signal]);
    assert_eq!(
        findings(&task(
            "retry:\n  retry_on: [exit:0, exit:256, exit:x, never, http:503]\n  jitter: half\n  max_retries: 3"
        )),
        [
            "E0204 error 6:20 `retry_on` cannot name `exit:0`",
            "E0204 error 6:28 `retry_on` cannot name `exit:256`",
            "E0204 error 6:38 `retry_on` cannot name `exit:x`",
            "E0204 error 6:46 `retry_on` cannot name `never`",
            "E0210 warning 6:53 retrying by HTTP status is not carried out yet by this version of onex",
            "E0204 error 7:17 `jitter` cannot be `half`",
            "E0212 error 8:9 `max_retries` has no effect in `retry`",
        ]
    );
}

// ---- Rules

/// A contract with an `execution_mode` in each of its three places that `modes` fill: rules, metadata, coordination.
fn moded(modes: [&str; 3]) -> String {
    let [rules, metadata, coordination] =
        modes.map(|mode| if mode.is_empty() { String::new() } else { format!("execution_mode: {mode}") });
    let coordination = if coordination.is_empty() { "version: 1".to_owned() } else { coordination };
    format!(
        "workflow_coordination:\n  {coordination}\n  workflow_definition:\n    workflow_metadata: {{{metadata}}}\n    coordination_rules: {{{rules}}}\n    execution_graph: {{nodes: []}}\n"
    )
}

#[test]
fn the_execution_mode_comes_from_three_places_in_their_rank() {
    let cases = [
        (["parallel", "", ""], Some(true)),
        (["SEQUENTIAL", "", ""], Some(false)),
        (["", "parallel", ""], Some(true)),
        (["", "", "Parallel"], Some(true)),
        (["", "sequential", ""], Some(false)),
        (["", "", ""], None),
        (["parallel", "PARALLEL", "parallel"], Some(true)),
    ];
    for (modes, parallel) in cases {
        assert_eq!(clean(&moded(modes)).rules.parallel, parallel, "{modes:?}");
    }
}

#[test]
fn places_that_disagree_about_the_execution_mode_are_named() {
    let disagreement = |place: &str, counts: &str| {
        format!("E0215 warning {place} {counts} two places disagree about `execution_mode`")
    };
    let (rules, metadata, coordination) = ("5:42", "4:41", "2:19");
    let cases = [
        (["parallel", "sequential", ""], Some(true), vec![disagreement(metadata, rules)]),
        (["", "sequential", "parallel"], Some(false), vec![disagreement(coordination, metadata)]),
        (
            ["sequential", "parallel", "parallel"],
            Some(false),
            vec![disagreement(coordination, rules), disagreement(metadata, rules)],
        ),
    ];
    for (modes, parallel, expected) in cases {
        assert_eq!(findings(&moded(modes)), expected, "{modes:?}");
        assert_eq!(
            read(&moded(modes)).0.map(|workflow| workflow.rules.parallel),
            Some(parallel),
            "{modes:?}"
        );
    }
    assert_eq!(
        findings(&moded(["fast", "", "batch"])),
        ["E0204 error 5:42 `execution_mode` cannot be `fast`",]
    );
}

#[test]
fn how_many_nodes_run_at_once_has_two_names_and_a_switch() {
    assert_eq!(rules("parallel_execution_allowed: false").parallel, Some(false));
    assert_eq!(rules("parallel_execution_allowed: true").parallel, None, "allowed is not asked for");
    assert_eq!(rules("parallel_execution_allowed: true\nexecution_mode: parallel").parallel, Some(true));
    assert_eq!(rules("parallel_execution_allowed: false\nexecution_mode: sequential").parallel, Some(false));
    let text = ruled("execution_mode: parallel\nparallel_execution_allowed: false");
    assert_eq!(read(&text).0.map(|workflow| workflow.rules.parallel), Some(Some(false)));
    for text in [
        "max_parallel_branches: 2",
        "max_parallel_steps: 2",
        "max_parallel_branches: 2\nmax_parallel_steps: 2",
    ] {
        assert_eq!(rules(text).max_parallel, Some(2), "{text}");
    }
    for (steps, branches) in [(2, 3), (3, 2)] {
        let text = ruled(&format!("max_parallel_steps: {steps}\nmax_parallel_branches: {branches}"));
        let disagreement = "E0207 error 5:27 6:30 `max_parallel_branches` and `max_parallel_steps` disagree";
        assert_eq!(findings(&text), [disagreement]);
    }
}

#[test]
fn fail_fast_decides_before_the_recovery_strategy() {
    let cases = [
        ("failure_recovery_strategy: continue", true),
        ("failure_recovery_strategy: CONTINUE", true),
        ("failure_recovery_strategy: fail_fast", false),
        ("failure_recovery_strategy: retry\nmax_retries: 1", false),
        ("failure_recovery_strategy: abort", false),
        ("failure_recovery_strategy: none", false),
        ("fail_fast: false", true),
        ("fail_fast: true", false),
        ("fail_fast: true\nfailure_recovery_strategy: continue", false),
        ("fail_fast: false\nfailure_recovery_strategy: fail_fast", true),
    ];
    for (text, keep_going) in cases {
        assert_eq!(rules(text).keep_going, keep_going, "{text}");
    }
    assert_eq!(
        findings(&ruled("failure_recovery_strategy: rollback")),
        [
            "E0210 warning 5:34 the recovery strategy `rollback` is not carried out yet by this version of onex"
        ]
    );
    assert_eq!(
        findings(&ruled("failure_recovery_strategy: hope")),
        ["E0204 error 5:34 `failure_recovery_strategy` cannot be `hope`"]
    );
}

#[test]
fn later_rules_and_policies_give_a_warning_unless_they_are_off() {
    let later = |table: &'static Table| {
        let later = |key: &&keys::Key| matches!(key.standing, Standing::Later | Standing::LaterEvenOff);
        table.keys().filter(later).collect::<Vec<_>>()
    };
    let of_nodes = later(&keys::ONEX_NODE);
    let has = |table: &[&keys::Key], name: &str, standing: Standing| {
        table.iter().any(|key| key.name == name && key.standing == standing)
    };
    assert!(has(&of_nodes, "when", Standing::LaterEvenOff));
    assert!(has(&later(&keys::RULES), "checkpoint_enabled", Standing::Later));
    for key in later(&keys::RULES) {
        let name = key.name;
        assert_eq!(findings(&ruled(&format!("{name}: true"))), [not_carried_out("5:7", name)]);
        for off in ["false", "null", ""] {
            assert_eq!(rules(&format!("{name}: {off}")), Rules::default(), "{name}: {off}");
        }
    }
    for key in of_nodes {
        let (name, value) = (key.name, example(key));
        assert_eq!(findings(&node(&format!("{name}: {value}"))), [not_carried_out("6:11", name)]);
        assert_eq!(findings(&task(&format!("{name}: {value}"))), [not_carried_out("5:7", name)]);
        for off in ["false", "null", ""] {
            let asks = off == "false" && key.standing == Standing::LaterEvenOff;
            for found in
                [findings(&node(&format!("{name}: {off}"))), findings(&task(&format!("{name}: {off}")))]
            {
                assert_eq!(!found.is_empty(), asks, "{name}: {off}");
                assert!(found.iter().all(|found| !found.starts_with("E0210 ") || asks), "{found:?}");
            }
        }
    }
}

#[test]
fn values_of_what_is_not_carried_out_yet_are_checked_already() {
    let cases = [
        (ruled("checkpoint_enabled: maybe"), "E0203 error 5:27 `checkpoint_enabled` is `true` or `false`"),
        (ruled("rollback_enabled: 0"), "E0203 error 5:25 `rollback_enabled` is `true` or `false`"),
        (task("on_uncertain: bogus"), "E0204 error 5:21 `on_uncertain` cannot be `bogus`"),
        (task("on_uncertain: false"), "E0204 error 5:21 `on_uncertain` cannot be `false`"),
        (task("compensate: 5"), "E0203 error 5:19 `compensate` is a mapping"),
        (bare_task("http: x"), "E0203 error 4:13 `http` is a mapping"),
    ];
    for (text, expected) in cases {
        let found = findings(&text);
        assert!(found.len() == 2 && found[0].starts_with("E0210 ") && found[1] == expected, "{found:?}");
    }
    for (keys, key) in [("compensate: {enabled: false, run: x}", "compensate"), ("for_each: 0", "for_each")] {
        assert_eq!(findings(&task(keys)), [not_carried_out("5:7", key)]);
    }
    assert_eq!(findings(&ruled("budget: {cost: 0}")), [not_carried_out("5:16", "cost")]);
}

#[test]
fn checkpoints_have_a_time_between_them_where_there_are_any() {
    let alone = "E0216 info 5:31 `checkpoint_interval_ms` counts under `checkpoint_enabled: true` only";
    assert_eq!(findings(&ruled("checkpoint_interval_ms: 5000")), [alone]);
    let text = ruled("checkpoint_interval_ms: 5000\ncheckpoint_enabled: true");
    assert_eq!(findings(&text), [not_carried_out("6:7", "checkpoint_enabled")]);
    for value in ["banana", "-5"] {
        let finding = format!("E0206 error 5:31 `checkpoint_interval_ms` cannot be `{value}`");
        assert_eq!(findings(&ruled(&format!("checkpoint_interval_ms: {value}"))), [finding]);
    }
}

#[test]
fn rules_of_repetitions_count_where_nodes_are_repeated_only() {
    let rules = "max_retries: 2\nretry_backoff: 1s\nretry_backoff_multiplier: 2.0";
    assert_eq!(
        findings(&ruled(rules)),
        [
            "E0216 info 5:20 6:22 7:33 `max_retries`, `retry_backoff`, `retry_backoff_multiplier` count under `failure_recovery_strategy: retry` only"
        ]
    );
    let delay = "E0216 info 5:25 `retry_backoff_ms` counts under `failure_recovery_strategy: retry` only";
    assert_eq!(findings(&ruled("retry_backoff_ms: 5")), [delay]);
    let outer = first(&ruled(&format!("failure_recovery_strategy: retry\n{rules}"))).retry.outer;
    assert_eq!(outer, OuterRetry { max_retries: 2, delay: Duration::from_secs(1), multiplier: 2.0 });
    clean(&ruled("retry_backoff_ms: 0\nretry_backoff_multiplier: 1"));
    clean(&ruled("max_retries: 0\nretry_backoff_ms: 5"));
}

#[test]
fn times_of_steps_and_of_repetitions_have_two_forms() {
    assert_eq!(first(&ruled("step_timeout: 2m")).timeout, Duration::from_secs(120));
    assert_eq!(first(&ruled("step_timeout_ms: 5")).timeout, Duration::from_millis(5));
    for key in ["step_timeout", "retry_backoff"] {
        assert_eq!(
            findings(&ruled(&format!("{key}: 1\n{key}_ms: 5"))),
            [format!(
                "E0207 error 6:{} 5:{} `{key}` and `{key}_ms` say the same thing twice",
                12 + key.len(),
                9 + key.len()
            )]
        );
    }
}

#[test]
fn error_actions_of_a_node_are_kept_or_refused() {
    for (word, action) in [("stop", ErrorAction::Stop), ("Continue", ErrorAction::Continue)] {
        assert_eq!(first(&task(&format!("error_action: {word}"))).error_action, Some(action));
    }
    assert_eq!(
        findings(&task("error_action: compensate")),
        ["E0210 warning 5:21 the error action `compensate` is not carried out yet by this version of onex"]
    );
    assert_eq!(
        findings(&task("error_action: retry")),
        [
            "E0216 info 5:21 the error action `retry` repeats as often as `max_retries` in the rules says, which is not given"
        ]
    );
    assert_eq!(findings(&task("error_action: panic")), ["E0204 error 5:21 `error_action` cannot be `panic`"]);
}

#[test]
fn what_is_switched_off_beside_other_keys_asks_for_nothing() {
    let text = ruled("max_retries: 0")
        + "  error_handling: {circuit_breaker: {enabled: false}, error_types: [], description: d}\n";
    clean(&text);
    clean(&task("circuit_breaker: {enabled: false, failure_threshold: 3}"));
    clean(&task("circuit_breaker: false\nfallback: false"));
    assert_eq!(first(&task("circuit_breaker: {failure_threshold: 3}")).breaker.unwrap().failure_threshold, 3);
}

#[test]
fn error_handling_counts_in_both_dialects() {
    let policy = "error_handling: {retry_policy: {max_retries: 2, initial_delay_ms: 5}}\n";
    let texts = [
        format!("{policy}workflow:\n  tasks: [{{id: a, run: x}}]\n"),
        format!("workflow:\n  tasks: [{{id: a, run: x}}]\n  {policy}"),
        format!("{policy}{}", node("step_config: {run: x}")),
    ];
    for text in texts {
        assert_eq!(first(&text).retry.max_attempts(), 3, "{text}");
    }
}

#[test]
fn what_cannot_be_retried_on_or_inherited_is_explained() {
    let label = |text: &str| read(text).1.iter().map(|d| d.labels[0].text.clone()).collect::<Vec<_>>();
    let exit = "an exit code is a number from 1 to 255";
    assert_eq!(
        label(&task("retry: {retry_on: [exit:0, exit:256]}")),
        ["0 is success, after which nothing is repeated", exit]
    );
    assert_eq!(advice(&task("retry: {retry_on: exit:0}")), Vec::<String>::new());
    assert_eq!(label(&task("inherit_env: sometimes")), ["one of `all`, `none`, or a list of names"]);
    assert_eq!(advice(&task("inherit_env: nono")), ["did you mean `none`?"]);
}

#[test]
fn edges_by_other_names_are_told_once() {
    let text = "workflow_coordination:\n  workflow_definition:\n    execution_graph:\n      nodes: [{node_id: a}, {node_id: b}]\n      \
                edges: [{from: a, to: b}, {source: a, target: b}]\n";
    assert_eq!(
        findings(text),
        [
            "E0205 error 5:16 an edge has no key `from`",
            "E0205 error 5:25 an edge has no key `to`",
            "E0205 error 5:34 an edge has no key `source`",
            "E0205 error 5:45 an edge has no key `target`"
        ]
    );
    assert_eq!(advice(text)[..2], ["did you mean `from_node`?", "did you mean `to_node`?"]);
}

#[test]
fn arguments_without_an_action_are_no_action_that_is_missing_here() {
    for keys in ["skill: x", "message: x"] {
        assert_eq!(findings(&bare_task(keys)), Vec::<String>::new(), "{keys}");
        assert_eq!(findings(&task(keys)).len(), 1, "{keys} beside an action");
    }
}
