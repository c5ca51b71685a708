//! Durations, numbers, ids and words.

use super::*;

// ---- Durations and other small values

#[test]
fn durations_are_seconds_milliseconds_or_text_with_units() {
    let forms = [
        ("timeout: 30", 30_000),
        ("timeout: 0.25", 250),
        ("timeout: 1e2", 100_000),
        ("timeout: '45'", 45_000),
        ("timeout: 30s", 30_000),
        ("timeout: 2m", 120_000),
        ("timeout: 2min", 120_000),
        ("timeout: 1m30s", 90_000),
        ("timeout: 1h 5m", 3_900_000),
        ("timeout: 1.5sec", 1500),
        ("timeout: 250ms", 250),
        ("timeout: 1d", 86_400_000),
        ("timeout: 3153600000", 3_153_600_000_000),
        ("timeout_ms: 1", 1),
        ("timeout_ms: 30000", 30_000),
    ];
    for (text, millis) in forms {
        assert_eq!(first(&task(text)).timeout, Duration::from_millis(millis), "{text}");
    }
    // The command line reads the same.
    for (text, millis) in [("5", 5000), (" 1m ", 60_000), ("1s 500ms", 1500), ("0.5h", 1_800_000), ("0", 0)] {
        assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
    }
    for text in ["", " ", "-1", "inf", "NaN", "1y", "m", "1m-1s", "1e400"] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused() {
    for value in [
        "0",
        "0.0",
        "-1",
        "-0.5",
        "0s",
        "-5s",
        "''",
        "soon",
        "5 parsecs",
        "1h30",
        "s",
        "1.2.3s",
        ".nan",
        ".inf",
    ] {
        let shown = value.trim_matches('\'');
        let expected = format!("E0206 error 5:16 `timeout` cannot be `{shown}`");
        assert_eq!(findings(&task(&format!("timeout: {value}"))), [expected]);
    }
    for value in ["3153600001", "36501d", "99999999999999999999", "1e300"] {
        let expected = format!("E0206 error 5:16 `timeout` cannot be `{value}`");
        assert_eq!(findings(&task(&format!("timeout: {value}"))), [expected], "longer than a century");
    }
    for value in ["0", "-1", "1.5", "30s", "'30000'", "3153600000001"] {
        let shown = value.trim_matches('\'');
        let expected = format!("E0206 error 5:19 `timeout_ms` cannot be `{shown}`");
        assert_eq!(findings(&task(&format!("timeout_ms: {value}"))), [expected]);
    }
    for value in ["true", "[1]", "{s: 1}"] {
        assert_eq!(
            findings(&task(&format!("timeout: {value}"))),
            ["E0203 error 5:16 `timeout` is a duration"]
        );
    }
    // Only delays may be nothing.
    let node = first(&task("retry: {initial_delay: 0, max_delay_ms: 0}"));
    let inner = node.retry.inner.expect("its own");
    assert_eq!((inner.initial_delay, inner.max_delay), (Duration::ZERO, Duration::ZERO));
    assert_eq!(
        findings(&ruled("retry_backoff_ms: 0\nstep_timeout_ms: 0\ntimeout: 0")),
        ["E0206 error 6:24 `step_timeout_ms` cannot be `0`", "E0206 error 7:16 `timeout` cannot be `0`"]
    );
}

#[test]
fn both_forms_of_one_duration_conflict_everywhere() {
    assert_eq!(
        findings(&task("retry: {initial_delay_ms: 5, initial_delay: 1, max_delay: 1, max_delay_ms: 5}")),
        [
            "E0207 error 5:33 5:51 `initial_delay` and `initial_delay_ms` say the same thing twice",
            "E0207 error 5:82 5:65 `max_delay` and `max_delay_ms` say the same thing twice",
        ]
    );
    assert_eq!(
        findings(&ruled("timeout_ms: 1000\ntimeout: 1")),
        ["E0207 error 5:19 6:16 `timeout` and `timeout_ms` say the same thing twice"]
    );
}

#[test]
fn numbers_have_bounds() {
    assert_eq!(
        findings(&task("priority: 4294967296\nretry: {max_attempts: 0, exponential_base: 0.9}")),
        [
            "E0204 error 5:17 `priority` cannot be 4294967296",
            "E0204 error 6:29 `max_attempts` cannot be 0",
            "E0204 error 6:50 `exponential_base` cannot be 0.9",
        ]
    );
    assert_eq!(
        findings(&ruled("max_retries: -1\nmax_parallel_steps: 1.5\nretry_backoff_multiplier: .inf")),
        [
            "E0204 error 5:20 `max_retries` cannot be -1",
            "E0203 error 6:27 `max_parallel_steps` is a whole number",
            "E0204 error 7:33 `retry_backoff_multiplier` cannot be .inf",
        ]
    );
    assert_eq!(first(&task("priority: 4294967295")).priority, u32::MAX);
    assert_eq!(first(&task("priority: 0")).priority, 0);
}

#[test]
fn words_that_were_booleans_in_yaml_1_1_are_text_with_advice() {
    for (word, help) in
        [("yes", "write `true`"), ("On", "write `true`"), ("NO", "write `false`"), ("off", "write `false`")]
    {
        let text = task(&format!("enabled: {word}"));
        assert_eq!(findings(&text), ["E0203 error 5:16 `enabled` is `true` or `false`"]);
        assert_eq!(advice(&text), [help]);
    }
}

#[test]
fn ids_keep_to_their_grammar() {
    let longest = "n".repeat(128);
    for id in ["_x", "lint.fast-2", "true", &longest] {
        assert_eq!(first(&format!("workflow: {{tasks: [{{id: {id}}}]}}")).id.as_str(), id);
    }
    for (id, shown) in [
        ("''", ""),
        ("-a", "-a"),
        ("a b", "a b"),
        ("a/b", "a/b"),
        ("über", "über"),
        ("'a\u{1F600}'", "a\u{1F600}"),
    ] {
        let expected = format!("E0208 error 1:25 `{shown}` is no id");
        assert_eq!(findings(&format!("workflow: {{tasks: [{{id: {id}}}]}}")), [expected]);
    }
    let long = format!("workflow: {{tasks: [{{id: {longest}n}}]}}");
    assert!(findings(&long)[0].starts_with("E0208 error 1:25 `nnn"));
    assert_eq!(findings("workflow: {tasks: [{id: [a]}]}"), ["E0203 error 1:25 `id` is text"]);
    assert_eq!(findings("workflow: {tasks: [{}]}"), ["E0202 error 1:20 a node needs `id`"]);
    assert_eq!(
        findings(&node("{}").replace("node_id: a\n          {}", "{idempotent: true}")),
        ["E0202 error 5:12 a node needs `node_id`"]
    );
}
