//! What a run does about failures: fallbacks, bounds of time and budget, groups and batches, parts, circuit breakers.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Command};

use serde_json::{Value, json};

use crate::support::{Ended, Folder, endings, result};

/// A contract of the workflow dialect with these rules and tasks; each task is a line of its own.
fn contract(rules: &str, tasks: &[&str]) -> Folder {
    let tasks: String = tasks.iter().map(|task| format!("    - {{{task}}}\n")).collect();
    Folder::with(&format!("workflow:\n  name: t\n  coordination: {{rules: {{{rules}}}}}\n  tasks:\n{tasks}"))
}

/// The report, with every event in `events.jsonl`.
fn recorded(folder: &Folder, arguments: &[&str]) -> Value {
    folder.report(&[&["--events", "events.jsonl"], arguments].concat())
}

fn events(folder: &Folder) -> Vec<Value> {
    // A line that is being written is none yet.
    let text = folder.read("events.jsonl");
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn events_of(folder: &Folder, kind: &str) -> Vec<Value> {
    events(folder).into_iter().filter(|event| event["kind"] == kind).collect()
}

/// The place in the stream of the event of this kind about this node.
fn place(folder: &Folder, kind: &str, node: &str) -> u64 {
    let found = events(folder).into_iter().find(|e| e["kind"] == kind && e["node_id"] == node);
    found.unwrap_or_else(|| panic!("no {kind} of {node}"))["seq"].as_u64().unwrap()
}

fn outcome(report: &Value) -> (&str, i64) {
    (report["status"].as_str().unwrap(), report["exit_code"].as_i64().unwrap())
}

fn attempts(report: &Value, id: &str) -> u64 {
    result(report, id)["attempts"].as_u64().unwrap()
}

fn message<'r>(report: &'r Value, id: &str) -> &'r str {
    result(report, id)["error"]["message"].as_str().unwrap()
}

/// How often a program wrote a line to a file.
fn count(folder: &Folder, file: &str) -> usize {
    if folder.exists(file) { folder.read(file).lines().count() } else { 0 }
}

/// Waits until something holds. The test runner bounds the wait.
fn wait_until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

// ---- Fallbacks

#[test]
fn a_fallback_runs_after_a_failure_and_makes_it_good() {
    let folder = contract(
        "",
        &[
            "id: a, run: 'echo half; exit 3', fallback: b",
            "id: b, run: 'echo whole'",
            "id: next, run: 'touch next', depends_on: [a]",
            "id: other, run: 'touch other'",
        ],
    );
    let report = recorded(&folder, &[]);
    assert_eq!(outcome(&report), ("success", 0));
    assert_eq!(
        endings(&report),
        ["a failed exit_code", "b completed -", "next completed -", "other completed -"],
        "a failure that is made good stops nothing"
    );
    let a = result(&report, "a");
    assert_eq!(
        (&a["fallback"], &a["recovered"], &a["return_code"]),
        (&json!("b"), &json!(true), &json!(3)),
        "the failure is still told"
    );
    assert_eq!(result(&report, "b")["recovered"], false);
    assert_eq!(
        report["summary"],
        json!({"total": 4, "completed": 3, "failed": 1, "skipped": 0, "warned": 1, "flaky": 0, "retries": 0, "recovered": 1})
    );
    let selected = events_of(&folder, "fallback_selected");
    assert_eq!(selected.len(), 1);
    assert_eq!((&selected[0]["node_id"], &selected[0]["fallback"]), (&json!("a"), &json!("b")));
    assert!(place(&folder, "node_failed", "a") < place(&folder, "attempt_started", "b"));
    assert!(place(&folder, "node_completed", "b") < place(&folder, "node_ready", "next"));
    let human = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    assert_eq!(human.code, 0, "{}", human.stderr);
}

#[test]
fn a_fallback_that_is_not_needed_does_not_run() {
    let folder = contract(
        "",
        &[
            "id: a, run: 'true', fallback: {run: 'touch ran'}",
            "id: next, run: 'true', depends_on: [a]",
            "id: after, run: 'true', depends_on: [a.fallback]",
            "id: anyway, run: 'true', depends_on: [{node: a.fallback, on: finished}]",
        ],
    );
    let report = recorded(&folder, &[]);
    assert_eq!(
        endings(&report),
        [
            "a completed -",
            "a.fallback skipped fallback_unused",
            "next completed -",
            "after skipped upstream_skipped",
            "anyway completed -"
        ]
    );
    assert_eq!((outcome(&report), folder.exists("ran")), (("success", 0), false));
    assert_eq!(events_of(&folder, "fallback_selected").len(), 0);
}

#[test]
fn dependents_read_what_failed_and_what_stood_in() {
    let folder = Folder::with(
        r#"
workflow:
  tasks:
    - {id: live, run: 'echo half; exit 3', fallback: cached}
    - {id: cached, run: 'echo whole; echo age=5 > $ONEX_NODE_OUTPUT'}
    - id: next
      depends_on: [live]
      output: json
      shell: [python3, -c]
      run: |
        import json, os
        print(json.dumps(json.loads(os.environ["ONEX_NODE_RESULTS"])["nodes"]))
"#,
    );
    let report = folder.report(&[]);
    let seen = &result(&report, "next")["value"];
    let names: Vec<_> = seen.as_object().unwrap().keys().collect();
    assert_eq!(names, ["live", "cached"]);
    assert_eq!((&seen["live"]["status"], &seen["live"]["return_code"]), (&json!("failed"), &json!(3)));
    assert_eq!((&seen["cached"]["status"], &seen["cached"]["value"]), (&json!("completed"), &json!("whole")));
    assert_eq!(seen["cached"]["outputs"], json!({"age": "5"}));
}

#[test]
fn a_fallback_reads_what_failed_before_it() {
    let folder = contract(
        "",
        &["id: a, run: 'echo reason; exit 3', fallback: {run: [printenv, ONEX_NODE_RESULTS], output: json}"],
    );
    let report = folder.report(&[]);
    let seen = &result(&report, "a.fallback")["value"]["nodes"]["a"];
    assert_eq!((&seen["status"], &seen["return_code"]), (&json!("failed"), &json!(3)), "{report:#}");
}

#[test]
fn fallbacks_follow_one_another_until_one_is_done() {
    let chain = |last: &str| {
        let last = format!("id: c, run: '{last}'");
        contract(
            "",
            &[
                "id: a, run: exit 1, fallback: b",
                "id: b, run: exit 2, fallback: c",
                &last,
                "id: next, run: 'true', depends_on: [a]",
                "id: after_b, run: 'true', depends_on: [b]",
            ],
        )
    };
    let report = chain("true").report(&[]);
    assert_eq!(
        endings(&report),
        [
            "a failed exit_code",
            "b failed exit_code",
            "c completed -",
            "next completed -",
            "after_b completed -"
        ]
    );
    assert_eq!((outcome(&report), &report["summary"]["recovered"]), (("success", 0), &json!(2)));
    let report = chain("exit 3").report(&["--keep-going"]);
    assert_eq!(
        endings(&report),
        [
            "a failed exit_code",
            "b failed exit_code",
            "c failed exit_code",
            "next skipped dependency_failed",
            "after_b skipped dependency_failed"
        ]
    );
    assert_eq!((outcome(&report), &report["summary"]["recovered"]), (("failed", 1), &json!(0)));
    let culprits = ["next", "after_b"].map(|id| result(&report, id)["culprit"].clone());
    assert_eq!(culprits, [json!("a"), json!("b")], "the one that was waited for");
}

#[test]
fn a_run_stops_when_the_last_fallback_failed_and_not_before() {
    let tasks = |instead: &str| {
        let instead = format!("id: b, run: '{instead}'");
        contract(
            "",
            &["id: a, run: exit 1, fallback: b", &instead, "id: later, run: 'touch later', priority: 900"],
        )
    };
    let folder = tasks("test ! -e later");
    assert_eq!(endings(&folder.report(&[])), ["a failed exit_code", "b completed -", "later completed -"]);
    let folder = tasks("exit 1");
    let report = folder.report(&[]);
    assert_eq!(endings(&report), ["a failed exit_code", "b failed exit_code", "later skipped cancelled"]);
    assert_eq!((outcome(&report), folder.exists("later")), (("failed", 1), false));
}

#[test]
fn what_is_made_good_counts_as_success_on_every_edge_and_in_the_exit_code() {
    let folder = contract(
        "",
        &[
            "id: a, run: [echo, '{'], output: json, fallback: {run: [echo, '{}'], output: json}",
            "id: on_success, run: 'true', depends_on: [a]",
            "id: on_finished, run: 'true', depends_on: [{node: a, on: finished}]",
            "id: on_failure, run: 'true', depends_on: [{node: a, on: failure}]",
        ],
    );
    let report = folder.report(&[]);
    assert_eq!(
        endings(&report),
        [
            "a failed protocol",
            "a.fallback completed -",
            "on_success completed -",
            "on_finished completed -",
            "on_failure skipped condition"
        ]
    );
    assert_eq!(outcome(&report), ("success", 0), "a breach that is made good is no exit code 4");
}

#[test]
fn nobody_stands_in_for_what_never_ran() {
    let folder = contract(
        "",
        &[
            "id: bad, run: exit 1",
            "id: blocked, run: 'true', depends_on: [bad], fallback: {run: 'touch ran'}",
            "id: off, run: exit 1, enabled: false, fallback: spare",
            "id: spare, run: 'touch ran'",
            "id: next, run: 'true', depends_on: [off]",
        ],
    );
    let report = folder.report(&["--keep-going"]);
    assert_eq!(
        endings(&report),
        [
            "bad failed exit_code",
            "blocked skipped dependency_failed",
            "blocked.fallback skipped fallback_unused",
            "off skipped disabled",
            "spare skipped fallback_unused",
            "next completed -"
        ]
    );
    assert!(!folder.exists("ran"));
}

#[test]
fn a_fallback_that_cannot_start_makes_nothing_good() {
    let folder = contract(
        "",
        &[
            "id: key, run: exit 1",
            "id: a, run: exit 1, fallback: b",
            "id: b, run: 'touch ran', depends_on: [key]",
            "id: next, run: 'true', depends_on: [a]",
        ],
    );
    let report = folder.report(&["--keep-going"]);
    assert_eq!(
        endings(&report),
        [
            "key failed exit_code",
            "a failed exit_code",
            "b skipped dependency_failed",
            "next skipped dependency_failed"
        ]
    );
    assert_eq!((outcome(&report), folder.exists("ran")), (("failed", 1), false));
    let culprits = ["b", "next"].map(|id| result(&report, id)["culprit"].clone());
    assert_eq!(culprits, [json!("key"), json!("a")]);
}

#[test]
fn a_fallback_comes_after_all_attempts_and_has_its_own() {
    let folder = contract(
        "",
        &[
            "id: a, run: 'echo x >> a; exit 1', retry: {max_attempts: 3, initial_delay: 0}, fallback: b",
            "id: b, run: 'echo x >> b; test $(wc -l < b) -ge 2', retry: {max_attempts: 3, initial_delay: 0}",
        ],
    );
    let report = recorded(&folder, &[]);
    assert_eq!((outcome(&report), attempts(&report, "a"), attempts(&report, "b")), (("success", 0), 3, 2));
    let last = events_of(&folder, "attempt_finished").into_iter().rfind(|e| e["node_id"] == "a").unwrap();
    assert!(last["seq"].as_u64().unwrap() < place(&folder, "attempt_started", "b"));
}

// ---- Time in all

#[test]
fn all_attempts_together_have_their_time() {
    let folder = contract(
        "",
        &[
            "id: a, run: 'sleep 987663', idempotent: true, total_timeout_ms: 300, retry: {max_attempts: 9, initial_delay: 0}",
        ],
    );
    let report = folder.report(&[]);
    assert_eq!((endings(&report), attempts(&report, "a")), (vec!["a failed timeout".to_owned()], 1));
    assert_eq!(message(&report, "a"), "took longer than 0.30s in all");
    assert_eq!(result(&report, "a")["error"]["kind"], "TimeoutError");
    // It runs on through attempts that fail before.
    let folder = contract(
        "",
        &[
            "id: a, run: 'echo x >> a; test $(wc -l < a) -ge 3 || exit 1; sleep 987663', total_timeout: 3s, retry: {max_attempts: 9, initial_delay: 0}",
        ],
    );
    let report = folder.report(&[]);
    assert_eq!((endings(&report), attempts(&report, "a")), (vec!["a failed timeout".to_owned()], 3));
    assert_eq!(message(&report, "a"), "took longer than 3.00s in all after 3 attempts");
}

#[test]
fn a_delay_that_leaves_no_time_is_not_waited_for() {
    let folder = contract(
        "",
        &[
            "id: a, run: exit 7, total_timeout: 1h, retry: {max_attempts: 3, initial_delay: 2h, max_delay: 2h}",
        ],
    );
    // An hour would be too long for a test.
    let report = recorded(&folder, &[]);
    assert_eq!((endings(&report), attempts(&report, "a")), (vec!["a failed exit_code".to_owned()], 1));
    assert!(message(&report, "a").starts_with("exit code 7; "), "{}", message(&report, "a"));
    assert!(message(&report, "a").contains("in all leave no time for another attempt"));
    assert_eq!(events_of(&folder, "retry_scheduled").len(), 0, "what is not made is not announced");
}

#[test]
fn time_runs_while_a_node_waits_for_a_slot_for_its_next_attempt() {
    let folder = contract(
        "fail_fast: false",
        &[
            "id: a, run: 'touch tried; exit 7', total_timeout: 3s, retry: {max_attempts: 3, initial_delay_ms: 50}, priority: 500",
            "id: b, run: 'while ! test -e go; do sleep 0.01; done', priority: 600",
        ],
    );
    let child = folder.start(&[
        "orch",
        "--contract",
        "contract.yaml",
        "--format",
        "json",
        "--jobs",
        "1",
        "--events",
        "events.jsonl",
    ]);
    // The only slot is taken by then, and given back only afterwards.
    wait_until(|| folder.exists("events.jsonl") && !events_of(&folder, "node_failed").is_empty());
    folder.write("go", "");
    let ended = Ended::of(&child.wait_with_output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(endings(&report), ["a failed exit_code", "b completed -"]);
    assert_eq!(attempts(&report, "a"), 1);
    assert!(message(&report, "a").contains("in all left no time for another attempt"), "{report:#}");
}

// ---- Budgets

fn exceeded(folder: &Folder) -> Vec<(Value, Value, Value)> {
    let of = |e: Value| (e["limit"].clone(), e["allowed"].clone(), e["node_id"].clone());
    events_of(folder, "budget_exceeded").into_iter().map(of).collect()
}

#[test]
fn a_budget_of_steps_ends_the_run_before_the_step_that_exceeds_it() {
    let tasks =
        ["id: a, run: 'true'", "id: b, run: 'true'", "id: c, run: 'touch c'", "id: d, run: 'touch d'"];
    for keep_going in [&[][..], &["--keep-going"]] {
        let folder = contract("budget: {max_steps: 2}", &tasks);
        let report = recorded(&folder, keep_going);
        assert_eq!(
            endings(&report),
            ["a completed -", "b completed -", "c failed budget", "d skipped cancelled"],
            "{keep_going:?}"
        );
        assert_eq!(outcome(&report), ("failed", 1));
        assert_eq!(report["error"]["kind"], "BudgetExceededError");
        assert_eq!(result(&report, "c")["error"]["kind"], "BudgetExceededError");
        assert_eq!(attempts(&report, "c"), 0);
        assert_eq!(exceeded(&folder), [(json!("steps"), json!(2), json!("c"))]);
        assert!(!folder.exists("c") && !folder.exists("d"));
    }
    let folder = contract("budget: {max_steps: 4}", &tasks);
    assert_eq!(outcome(&recorded(&folder, &[])), ("success", 0), "all of it may be used");
    assert_eq!(exceeded(&folder), []);
}

#[test]
fn a_fallback_is_a_step_and_what_is_skipped_is_none() {
    let tasks = [
        "id: a, run: exit 1, fallback: {run: 'true'}",
        "id: b, run: 'true', enabled: false",
        "id: c, run: 'true'",
    ];
    assert_eq!(outcome(&contract("budget: {max_steps: 3}", &tasks).report(&[])), ("success", 0));
    let report = contract("budget: {max_steps: 1}", &tasks).report(&[]);
    assert_eq!(outcome(&report), ("failed", 1));
    assert_eq!(result(&report, "a.fallback")["reason"], "budget");
    assert_eq!(result(&report, "a")["recovered"], false);
}

#[test]
fn a_budget_of_attempts_counts_repetitions() {
    let folder = contract(
        "budget: {max_attempts: 3}",
        &[
            "id: a, run: 'true'",
            "id: b, run: 'echo x >> b; exit 5', retry: {max_attempts: 9, initial_delay: 0}",
            // Independent nodes would run while `b` waits for its next attempt.
            "id: c, run: 'touch c', depends_on: [{node: b, on: finished}]",
        ],
    );
    let report = recorded(&folder, &["--keep-going"]);
    assert_eq!(endings(&report), ["a completed -", "b failed exit_code", "c skipped cancelled"]);
    assert_eq!((attempts(&report, "b"), count(&folder, "b"), folder.exists("c")), (2, 2, false));
    assert!(message(&report, "b").contains("exit code 5"), "what it failed of comes first");
    assert_eq!((outcome(&report), &report["error"]["kind"]), (("failed", 1), &json!("BudgetExceededError")));
    assert_eq!(exceeded(&folder), [(json!("attempts"), json!(3), json!("b"))]);
}

#[test]
fn a_budget_of_time_stops_what_runs() {
    let folder = contract(
        "budget: {time_ms: 300}",
        &["id: a, run: 'sleep 987664'", "id: b, run: 'touch b', depends_on: [a]"],
    );
    let report = recorded(&folder, &[]);
    assert_eq!(result(&report, "a")["reason"], "budget");
    assert_eq!((outcome(&report), &report["error"]["kind"]), (("failed", 1), &json!("BudgetExceededError")));
    assert_eq!(exceeded(&folder), [(json!("time"), json!(300), json!(null))]);
    assert!(!folder.exists("b"));
}

#[test]
fn a_budget_of_output_counts_what_is_printed_and_not_what_is_kept() {
    let flood = "head -c 3000000 /dev/zero";
    let tasks = |more: &str| {
        [
            format!("id: a, run: '{flood}{more}', output: none"),
            format!("id: b, run: '{flood} >&2', output: none, depends_on: [a]"),
            "id: c, run: 'touch c', depends_on: [b]".to_owned(),
        ]
    };
    let run = |rules: &str, more: &str| {
        let tasks = tasks(more);
        let folder = contract(rules, &[&tasks[0], &tasks[1], &tasks[2]]);
        let report = recorded(&folder, &[]);
        (folder, report)
    };
    let (folder, report) = run("budget: {output: 5MB}", "");
    assert_eq!(endings(&report), ["a completed -", "b completed -", "c skipped cancelled"]);
    assert_eq!((outcome(&report), &report["error"]["kind"]), (("failed", 1), &json!("BudgetExceededError")));
    assert_eq!(exceeded(&folder), [(json!("output"), json!(5 << 20), json!("b"))]);
    assert!(!folder.exists("c"));
    // What a failed attempt printed is printed, too.
    let (folder, report) = run("budget: {output: 5MB}", "; exit 1");
    assert_eq!((outcome(&report), exceeded(&folder)), (("failed", 1), vec![]));
    let (folder, report) = run("budget: {output: 6000000}", "");
    assert_eq!((outcome(&report), exceeded(&folder)), (("success", 0), vec![]), "all of it may be used");
    let folder = contract(
        "budget: {output: 5MB}",
        &["id: a, run: 'head -c 3000000 /dev/zero; exit 1', retry: {max_attempts: 9, initial_delay: 0}"],
    );
    let report = recorded(&folder, &[]);
    assert_eq!((attempts(&report, "a"), exceeded(&folder).len()), (2, 1));
}

#[test]
fn a_budget_makes_no_part_of_a_run_a_success() {
    let folder = contract(
        "budget: {max_steps: 1}, allow_partial_completion: true",
        &["id: a, run: 'true'", "id: b, run: 'true'"],
    );
    assert_eq!(outcome(&folder.report(&[])), ("failed", 1));
}

// ---- Groups and batches

#[test]
fn no_more_of_a_group_run_at_once_than_it_allows() {
    let mut tasks = Vec::new();
    for n in 0..12 {
        for (group, name) in [("two", "t"), ("one", "o")] {
            tasks.push(format!(
                "id: {name}{n}, group: {group}, run: 'touch {name}.$$; ls {name}.* | wc -l; rm {name}.$$'"
            ));
        }
    }
    let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let folder = contract("execution_mode: parallel, groups: {two: 2, one: 1}", &tasks);
    let report = folder.report(&["--jobs", "8"]);
    assert_eq!(outcome(&report), ("success", 0));
    for result in report["results"].as_array().unwrap() {
        let beside: u32 = result["value"].as_str().unwrap().trim().parse().unwrap();
        let allowed = if result["node_id"].as_str().unwrap().starts_with('t') { 2 } else { 1 };
        assert!((1..=allowed).contains(&beside), "{result:#}");
    }
}

#[test]
fn a_full_group_holds_nobody_else_up_and_all_of_its_places_are_used() {
    let meet = |own: &str, other: &str| format!("touch {own}; while ! test -e {other}; do sleep 0.01; done");
    // `first` and `second` wait for each other; `third` may not take the slot that `outside` needs to free them all.
    let tasks = [
        format!("id: first, group: g, run: '{}; {}'", meet("first", "second"), meet("x", "outside")),
        format!("id: second, group: g, run: '{}; {}'", meet("second", "first"), meet("x", "outside")),
        "id: third, group: g, run: 'test -e outside'".to_owned(),
        "id: outside, run: 'touch outside'".to_owned(),
    ];
    let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let folder = contract("execution_mode: parallel, groups: {g: 2}", &tasks);
    assert_eq!(outcome(&folder.report(&["--jobs", "3"])), ("success", 0));
}

#[test]
fn a_node_gives_its_place_in_a_group_back_while_it_waits_for_its_next_attempt() {
    let folder = contract(
        "execution_mode: parallel, groups: {g: 1}",
        &[
            "id: a, group: g, run: 'touch tried; test -e other', retry: {max_attempts: 500, initial_delay_ms: 20, max_delay_ms: 20}",
            "id: b, group: g, run: 'touch other'",
        ],
    );
    let report = folder.report(&["--jobs", "2"]);
    assert_eq!(endings(&report), ["a completed -", "b completed -"]);
    assert!(attempts(&report, "a") >= 2);
}

#[test]
fn in_a_batch_a_group_of_nodes_ends_before_the_next_begins() {
    let folder = contract(
        "execution_mode: batch",
        &[
            "id: quick, run: 'true'",
            "id: slow, run: 'while ! test -e go; do sleep 0.01; done; echo x >> slow; test $(wc -l < slow) -ge 2', retry: {max_attempts: 2, initial_delay_ms: 1}",
            "id: next, run: 'true', depends_on: [quick]",
        ],
    );
    let child = folder.start(&[
        "orch",
        "--contract",
        "contract.yaml",
        "--format",
        "json",
        "--jobs",
        "4",
        "--events",
        "events.jsonl",
    ]);
    // Without the barrier `next` would start in the same step in which `quick` ends, before `slow` can.
    wait_until(|| folder.exists("events.jsonl") && !events_of(&folder, "node_completed").is_empty());
    folder.write("go", "");
    let ended = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(place(&folder, "node_completed", "slow") < place(&folder, "attempt_started", "next"));
    assert_eq!(count(&folder, "slow"), 2, "an attempt that is to be repeated is not the end of a node");
    // Within a group they run side by side.
    let meet = |own: &str, other: &str| {
        format!("id: {own}, run: 'touch {own}; while ! test -e {other}; do sleep 0.01; done'")
    };
    let folder = contract(
        "execution_mode: batch",
        &[&meet("a", "b"), &meet("b", "a"), "id: c, run: 'true', depends_on: [a]"],
    );
    assert_eq!(outcome(&folder.report(&["--jobs", "2"])), ("success", 0));
}

// ---- Parts

#[test]
fn a_run_that_may_be_done_in_part_is_to_its_share() {
    let tasks = [
        "id: a, run: 'true'",
        "id: bad, run: exit 1",
        "id: c, run: 'true', depends_on: [bad]",
        "id: d, run: 'true'",
    ];
    let rules = |percent: &str| format!("allow_partial_completion: true{percent}");
    let key = ", min_required_steps_completion_percent: ";
    for (percent, expected) in
        [("", ("partial", 0)), ("50", ("partial", 0)), ("50.1", ("failed", 1)), ("100", ("failed", 1))]
    {
        let percent = if percent.is_empty() { String::new() } else { format!("{key}{percent}") };
        let folder = contract(&rules(&percent), &tasks);
        let report = folder.report(&[]);
        assert_eq!(outcome(&report), expected, "{percent}");
        assert_eq!(
            endings(&report),
            ["a completed -", "bad failed exit_code", "c skipped dependency_failed", "d completed -"]
        );
    }
    let human =
        contract(&rules(""), &tasks).onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    assert_eq!(human.code, 0);
    assert!(human.stdout.contains("done in part"), "{}", human.stdout);
    // Nothing failed: nothing is partial. The first failure can still stop the run where somebody says so.
    let folder = contract(&rules(""), &tasks[..1]);
    assert_eq!(outcome(&folder.report(&[])), ("success", 0));
    assert_eq!(result(&contract(&rules(""), &tasks).report(&["--fail-fast"]), "d")["status"], "skipped");
}

#[test]
fn what_is_disabled_or_not_needed_does_not_count_for_the_share() {
    let folder = contract(
        "allow_partial_completion: true, min_required_steps_completion_percent: 50",
        &[
            "id: a, run: 'true', fallback: {run: 'true'}",
            "id: bad, run: exit 1",
            "id: off, run: 'true', enabled: false",
            "id: on_failure, run: 'true', depends_on: [{node: a, on: failure}]",
        ],
    );
    assert_eq!(outcome(&folder.report(&[])), ("partial", 0), "one of two");
}

#[test]
fn a_breach_is_no_part() {
    let folder = contract(
        "allow_partial_completion: true",
        &["id: a, run: 'true'", "id: breach, run: [echo, '{'], output: json"],
    );
    assert_eq!(outcome(&folder.report(&[])), ("failed", 4));
    let folder =
        contract("allow_partial_completion: true", &["id: a, run: 'true'", "id: out, run: 'true', cwd: up"]);
    std::os::unix::fs::symlink("..", folder.path().join("up")).unwrap();
    assert_eq!(outcome(&folder.report(&[])), ("failed", 5));
}

#[test]
fn a_node_that_asks_to_be_repeated_is_and_stops_the_run_when_that_does_not_help() {
    let folder = contract(
        "max_retries: 2, fail_fast: false",
        &[
            "id: b, run: 'echo x >> b; exit 1', error_action: continue",
            "id: a, run: 'echo x >> a; exit 1', error_action: retry",
            "id: later, run: 'touch later', depends_on: [{node: a, on: finished}]",
        ],
    );
    let report = folder.report(&[]);
    assert_eq!(endings(&report), ["b failed exit_code", "a failed exit_code", "later skipped cancelled"]);
    assert_eq!((count(&folder, "a"), count(&folder, "b"), folder.exists("later")), (3, 1, false));
}

// ---- What may be repeated

#[test]
fn whether_an_attempt_is_repeated_follows_from_what_is_known_of_it() {
    // What a node says, how its attempt ends, and what comes of it under `max_retries: 1`.
    let (dies, fails) = ("'echo x >> $ONEX_NODE_ID; kill -KILL $$'", "'echo x >> $ONEX_NODE_ID; exit 1'");
    let rows = [
        ("idempotent: true", dies, "signal", 2),
        ("idempotent: false", dies, "uncertain", 1),
        ("description: silent", dies, "uncertain", 1),
        ("type: compute", dies, "signal", 2),
        ("type: test", dies, "signal", 2),
        ("type: compute, idempotent: false", dies, "uncertain", 1),
        ("retry: {max_attempts: 3, initial_delay: 0}", dies, "signal", 3),
        ("retry: {max_attempts: 3, initial_delay: 0, retry_on: [timeout]}", dies, "signal", 1),
        ("idempotent: true", fails, "exit_code", 2),
        ("idempotent: false", fails, "exit_code", 1),
        ("description: silent", fails, "exit_code", 2),
        ("type: validator", fails, "exit_code", 1),
        ("type: validator, retry: {max_attempts: 3, initial_delay: 0}", fails, "exit_code", 3),
        ("idempotent: true", "[no-such-program]", "spawn", 2),
        ("idempotent: false", "[no-such-program]", "spawn", 2),
    ];
    let tasks: Vec<String> =
        rows.iter().enumerate().map(|(n, (says, run, ..))| format!("id: n{n}, {says}, run: {run}")).collect();
    let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let folder = contract("failure_recovery_strategy: retry, max_retries: 1, fail_fast: false", &tasks);
    let report = folder.report(&[]);
    for (n, (says, run, reason, expected)) in rows.iter().enumerate() {
        let id = format!("n{n}");
        let found = (result(&report, &id)["reason"].as_str().unwrap(), attempts(&report, &id));
        assert_eq!(found, (*reason, *expected), "{says}, {run}");
        if *reason != "spawn" {
            assert_eq!(count(&folder, &id) as u64, *expected, "{says}, {run}");
        }
    }
}

#[test]
fn a_timeout_is_uncertain_only_where_it_would_have_been_repeated() {
    let tasks = ["id: once, idempotent: false, timeout_ms: 100, run: 'sleep 987665'"];
    let report = contract("fail_fast: false", &tasks).report(&[]);
    assert_eq!(endings(&report), ["once failed timeout"]);
    let rules = "failure_recovery_strategy: retry, max_retries: 1, fail_fast: false";
    let report = contract(rules, &tasks).report(&[]);
    assert_eq!((endings(&report), attempts(&report, "once")), (vec!["once failed uncertain".to_owned()], 1));
    assert_eq!(result(&report, "once")["error"]["kind"], "UncertainError");
}

#[test]
fn delays_are_as_declared_and_chance_only_shortens_them() {
    let folder = contract(
        "fail_fast: false",
        &[
            "id: plain, run: exit 1, retry: {max_attempts: 4, initial_delay_ms: 4, max_delay_ms: 10}",
            "id: drawn, run: exit 1, retry: {max_attempts: 4, initial_delay_ms: 40, exponential_base: 3, max_delay_ms: 100, jitter: full}",
        ],
    );
    recorded(&folder, &[]);
    let delays = |id: &str| -> Vec<u64> {
        let of = events_of(&folder, "retry_scheduled").into_iter().filter(|e| e["node_id"] == id);
        of.map(|e| e["delay_ms"].as_u64().unwrap()).collect()
    };
    assert_eq!(delays("plain"), [4, 8, 10], "none follows the last attempt");
    let drawn = delays("drawn");
    assert_eq!(drawn.len(), 3);
    assert!(drawn.iter().zip([40, 100, 100]).all(|(delay, most)| *delay <= most), "{drawn:?}");
}

// ---- Circuit breakers

/// The program with the user's state in the folder of the test.
fn with_state(folder: &Folder, arguments: &[&str]) -> Command {
    let mut all = vec!["orch", "--contract", "contract.yaml", "--format", "json"];
    all.extend(arguments);
    let mut command = folder.command(&all);
    command.env("HOME", folder.path().join("home")).env("XDG_STATE_HOME", folder.path().join("state"));
    command
}

/// Runs it to its end; what it says on standard error beside its report.
fn run_with_state(folder: &Folder, arguments: &[&str]) -> (Value, String) {
    let ended = Ended::of(&with_state(folder, arguments).output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    assert_eq!(report["exit_code"], ended.code);
    (report, ended.stderr)
}

fn guarded_run(folder: &Folder) -> Value {
    let (report, stderr) = run_with_state(folder, &["--events", "events.jsonl"]);
    assert_eq!(stderr, "");
    report
}

const STATES: &str = "state/onex/circuits.json";

/// The only circuit that is kept.
fn circuit(folder: &Folder) -> Value {
    let document: Value = serde_json::from_str(&folder.read(STATES)).unwrap();
    let circuits = document["circuits"].as_object().unwrap();
    assert!(circuits.len() <= 1, "{document:#}");
    circuits.values().next().cloned().unwrap_or_default()
}

fn edit_circuit(folder: &Folder, edit: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_str(&folder.read(STATES)).unwrap();
    edit(document["circuits"].as_object_mut().unwrap().values_mut().next().unwrap());
    folder.write(STATES, document.to_string());
}

const HOUR_MS: u64 = 3_600_000;

/// Makes it look as if the circuit had opened two hours ago.
fn let_time_pass(folder: &Folder) {
    edit_circuit(folder, |state| {
        state["since_ms"] = json!(state["since_ms"].as_u64().unwrap() - 2 * HOUR_MS);
    });
}

/// A node that opens its circuit at its second failure, for an hour. It works once `healthy` is there.
fn fragile(more: &str) -> Folder {
    let task = format!(
        "id: a, run: 'echo x >> started; test -e healthy', circuit_breaker: {{failure_threshold: 2, reset_timeout: 1h}}{more}"
    );
    contract("", &[&task])
}

/// The same with an open circuit.
fn open_circuit(more: &str) -> Folder {
    let folder = fragile(more);
    for _ in 0..2 {
        guarded_run(&folder);
    }
    assert_eq!(circuit(&folder)["state"], "open");
    std::fs::remove_file(folder.path().join("started")).unwrap();
    folder
}

#[test]
fn a_circuit_opens_in_one_process_and_holds_the_next_one_back() {
    let folder = fragile(", retry: {max_attempts: 5, initial_delay: 0}");
    let report = guarded_run(&folder);
    assert_eq!((endings(&report), count(&folder, "started")), (vec!["a failed circuit_open".to_owned()], 2));
    assert!(message(&report, "a").starts_with("exit code 1; not repeated, because the circuit `a` is open"));
    let opened = events_of(&folder, "circuit_opened");
    assert_eq!(opened.len(), 1);
    assert_eq!(
        (&opened[0]["circuit"], &opened[0]["failures"], &opened[0]["reset_ms"]),
        (&json!("a"), &json!(2), &json!(HOUR_MS))
    );
    // Another process, which starts nothing.
    let report = guarded_run(&folder);
    assert_eq!((endings(&report), attempts(&report, "a")), (vec!["a failed circuit_open".to_owned()], 0));
    assert_eq!((outcome(&report), count(&folder, "started")), (("failed", 1), 2));
    assert_eq!(result(&report, "a")["error"]["kind"], "CircuitOpenError");
    assert_eq!(message(&report, "a"), "the circuit `a` is open");
    assert_eq!(events_of(&folder, "attempt_started").len(), 0);
    // The state is the user's and nobody else's.
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode(STATES), 0o600);
    assert!(!folder.exists("home"), "XDG_STATE_HOME comes before HOME");
}

#[test]
fn a_probe_closes_a_circuit_or_opens_it_again() {
    let folder = open_circuit("");
    let_time_pass(&folder);
    let report = guarded_run(&folder);
    assert_eq!((endings(&report), count(&folder, "started")), (vec!["a failed exit_code".to_owned()], 1));
    assert_eq!(events_of(&folder, "circuit_half_opened").len(), 1);
    assert_eq!(events_of(&folder, "circuit_opened").len(), 1);
    assert_eq!((&circuit(&folder)["state"], attempts(&guarded_run(&folder), "a")), (&json!("open"), 0));

    let_time_pass(&folder);
    folder.write("healthy", "");
    assert_eq!(outcome(&guarded_run(&folder)), ("success", 0));
    assert_eq!(events_of(&folder, "circuit_closed").len(), 1);
    assert_eq!(circuit(&folder), json!(null), "a circuit at rest takes no place");
    // It counts from the beginning.
    std::fs::remove_file(folder.path().join("healthy")).unwrap();
    guarded_run(&folder);
    assert_eq!(circuit(&folder), json!({"state": "closed", "failures": 1}));
}

#[test]
fn a_circuit_is_tried_again_after_its_time_by_itself() {
    let folder = contract(
        "",
        &[
            "id: a, run: 'echo x >> started; test -e healthy', circuit_breaker: {failure_threshold: 1, reset_timeout_ms: 200}",
        ],
    );
    guarded_run(&folder);
    folder.write("healthy", "");
    wait_until(|| outcome(&guarded_run(&folder)) == ("success", 0));
    assert_eq!((count(&folder, "started"), circuit(&folder)), (2, json!(null)));
}

#[test]
fn several_probes_can_be_asked_for_one_after_another() {
    let folder = contract(
        "",
        &[
            "id: a, run: 'echo x >> started; test -e healthy', circuit_breaker: {failure_threshold: 1, reset_timeout: 1h, half_open_max_calls: 3}",
        ],
    );
    guarded_run(&folder);
    let_time_pass(&folder);
    folder.write("healthy", "");
    for successes in 1..3 {
        assert_eq!(outcome(&guarded_run(&folder)), ("success", 0));
        assert_eq!(circuit(&folder), json!({"state": "half_open", "successes": successes, "probe": null}));
    }
    assert_eq!(outcome(&guarded_run(&folder)), ("success", 0));
    assert_eq!(circuit(&folder), json!(null));
}

/// Ends what waits in a folder when a test ends, however it does.
struct Release<'f>(&'f Folder);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        _ = std::fs::write(self.0.path().join("go"), "");
    }
}

/// An open circuit whose time is over, and whose probe waits for `go`.
fn waiting_probe() -> Folder {
    let folder = contract(
        "",
        &[
            "id: a, run: 'echo x >> started; test -e slow || exit 1; while ! test -e go; do sleep 0.01; done', timeout: 20s, circuit_breaker: {failure_threshold: 1, reset_timeout: 1h}",
        ],
    );
    guarded_run(&folder);
    let_time_pass(&folder);
    folder.write("started", "");
    folder.write("slow", "");
    folder
}

fn start_with_state(folder: &Folder) -> Child {
    let mut command = with_state(folder, &[]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
}

#[test]
fn of_many_processes_exactly_one_probes() {
    let folder = waiting_probe();
    let release = Release(&folder);
    let mut children: Vec<Child> = (0..6).map(|_| start_with_state(&folder)).collect();
    // All but the one that probes end without a start.
    let mut codes = Vec::new();
    wait_until(|| {
        children.retain_mut(|child| match child.try_wait().unwrap() {
            Some(status) => {
                codes.push(status.code());
                false
            }
            None => true,
        });
        children.len() <= 1
    });
    assert_eq!((codes, count(&folder, "started")), (vec![Some(1); 5], 1));
    drop(release);
    assert_eq!(children.pop().unwrap().wait().unwrap().code(), Some(0));
    assert_eq!((count(&folder, "started"), circuit(&folder)), (1, json!(null)));
}

#[test]
fn a_prober_that_is_killed_does_not_wedge_its_circuit() {
    let folder = waiting_probe();
    let _release = Release(&folder);
    let mut prober = start_with_state(&folder);
    wait_until(|| count(&folder, "started") == 1);
    // SIGKILL: it cannot give its lease back.
    prober.kill().unwrap();
    prober.wait().unwrap();
    let lease = circuit(&folder)["probe"].clone();
    let (taken, until) = (lease["taken_ms"].as_u64().unwrap(), lease["until_ms"].as_u64().unwrap());
    assert!((20_000..40_000).contains(&(until - taken)), "its own timeout, and time to stop: {lease:#}");
    assert_eq!(attempts(&guarded_run(&folder), "a"), 0, "until then it is held");
    edit_circuit(&folder, |state| {
        state["probe"]["taken_ms"] = json!(taken - HOUR_MS);
        state["probe"]["until_ms"] = json!(until - HOUR_MS);
    });
    folder.write("go", "");
    assert_eq!(outcome(&guarded_run(&folder)), ("success", 0));
    assert_eq!(circuit(&folder), json!(null));
}

#[test]
fn a_prober_that_is_stopped_gives_way_at_once() {
    let folder = waiting_probe();
    let _release = Release(&folder);
    let mut prober = start_with_state(&folder);
    wait_until(|| count(&folder, "started") == 1);
    let sent = Command::new("kill").args(["-INT", &prober.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(prober.wait().unwrap().code(), Some(1));
    assert_eq!(circuit(&folder), json!({"state": "half_open", "successes": 0, "probe": null}));
    folder.write("go", "");
    assert_eq!(outcome(&guarded_run(&folder)), ("success", 0));
}

#[test]
fn a_clock_that_jumped_back_holds_nothing_back_for_longer() {
    let folder = open_circuit("");
    // It opened an hour from now, says the file.
    edit_circuit(&folder, |state| state["since_ms"] = json!(state["since_ms"].as_u64().unwrap() + HOUR_MS));
    folder.write("healthy", "");
    assert_eq!(outcome(&guarded_run(&folder)), ("success", 0));

    let folder = open_circuit("");
    folder.write("healthy", "");
    edit_circuit(&folder, |state| {
        let taken = state["since_ms"].as_u64().unwrap() + 5 * HOUR_MS;
        *state = json!({"state": "half_open", "successes": 0,
            "probe": {"holder": "somebody", "taken_ms": taken, "until_ms": taken + 30_000}});
    });
    assert_eq!(outcome(&guarded_run(&folder)), ("success", 0), "nor does a lease from the future");
}

#[test]
fn states_that_cannot_be_read_hold_nothing_back_and_that_is_said_once() {
    let tasks = [
        "id: a, run: 'echo x >> started', circuit_breaker: {failure_threshold: 1}",
        "id: b, run: 'echo x >> started', circuit_breaker: {failure_threshold: 1}",
    ];
    let spoilt: [(&str, &[u8]); 5] = [
        ("no JSON", b"{\"version\": 1, \"circ"),
        ("empty", b""),
        ("no text", &[0xff, 0xfe, 0x00]),
        ("another form", br#"{"version": 1, "circuits": {"a": {"state": "ajar"}}}"#),
        ("a later version", br#"{"version": 999, "circuits": {}}"#),
    ];
    let mut folders: Vec<(&str, Folder)> = Vec::new();
    for (name, text) in spoilt {
        let folder = contract("", &tasks);
        folder.write(STATES, text);
        folders.push((name, folder));
    }
    let no_file = contract("", &tasks);
    std::fs::create_dir_all(no_file.path().join(STATES)).unwrap();
    let no_folder = contract("", &tasks);
    no_folder.write("state", "a file");
    folders.extend([("a folder", no_file), ("no folder", no_folder)]);
    for (name, folder) in folders {
        let before = std::fs::read(folder.path().join(STATES)).ok();
        let (report, stderr) = run_with_state(&folder, &[]);
        assert_eq!((outcome(&report), count(&folder, "started")), (("success", 0), 2), "{name}");
        let said = "circuit breakers have no effect from here on in this run";
        assert_eq!(stderr.matches(said).count(), 1, "{name}: {stderr}");
        assert_eq!(std::fs::read(folder.path().join(STATES)).ok(), before, "{name}: it is left as it is");
    }
    // The same where the user has no folder at all.
    let folder = contract("", &tasks);
    let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    assert_eq!(ended.code, 0);
    assert!(ended.stderr.contains("neither XDG_STATE_HOME nor HOME is set"), "{}", ended.stderr);
}

#[test]
fn a_failure_under_states_that_cannot_be_read_is_told_as_it_is() {
    let folder = fragile(", retry: {max_attempts: 4, initial_delay: 0}");
    folder.write(STATES, "nonsense");
    let (report, _) = run_with_state(&folder, &[]);
    assert_eq!((endings(&report), attempts(&report, "a")), (vec!["a failed exit_code".to_owned()], 4));
}

#[test]
fn where_nothing_has_a_circuit_no_state_is_touched() {
    let folder =
        contract("", &["id: a, run: 'true'", "id: b, run: 'true', circuit_breaker: {enabled: false}"]);
    guarded_run(&folder);
    assert!(!folder.exists("state") && !folder.exists("home"));
    // And HOME is enough where the other is not given.
    let folder = fragile("");
    let mut command = with_state(&folder, &[]);
    command.env_remove("XDG_STATE_HOME").output().unwrap();
    assert!(folder.exists("home/.local/state/onex/circuits.json"));
}

#[test]
fn who_finds_its_circuit_open_takes_its_fallback() {
    let folder = open_circuit(", fallback: {run: 'echo cached'}");
    let report = guarded_run(&folder);
    assert_eq!(endings(&report), ["a failed circuit_open", "a.fallback completed -"]);
    assert_eq!((outcome(&report), count(&folder, "started")), (("success", 0), 0));
    assert_eq!(result(&report, "a")["recovered"], true);
}

#[test]
fn an_open_circuit_stops_a_run_like_any_failure() {
    let folder = open_circuit("");
    let text = folder.read("contract.yaml")
        + "    - {id: next, run: 'true', depends_on: [a]}\n    - {id: other, run: 'true'}\n";
    folder.write("contract.yaml", text);
    assert_eq!(
        endings(&guarded_run(&folder)),
        ["a failed circuit_open", "next skipped dependency_failed", "other skipped cancelled"]
    );
    let (report, _) = run_with_state(&folder, &["--keep-going"]);
    assert_eq!(result(&report, "other")["status"], "completed");
}

#[test]
fn a_destination_is_shared_by_contracts_and_a_node_is_its_own() {
    let breaker = |more: &str| format!("circuit_breaker: {{failure_threshold: 1, reset_timeout: 1h{more}}}");
    let task = |more: &str| format!("id: a, run: 'echo x >> started; exit 1', {}", breaker(more));
    let (own, shared) = (contract("", &[&task("")]), contract("", &[&task(", destination: api")]));
    let other = |folder: &Folder, state: &Folder| {
        let mut command = with_state(folder, &[]);
        command.env("XDG_STATE_HOME", state.path().join("state"));
        let ended = Ended::of(&command.output().unwrap());
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        endings(&report)
    };
    for (folder, expected) in [(&own, "a failed exit_code"), (&shared, "a failed circuit_open")] {
        guarded_run(folder);
        let copy = Folder::with(&folder.read("contract.yaml"));
        assert_eq!(other(&copy, folder), [expected], "a copy of the project");
    }
    // Two nodes of one run share it, too.
    let two = [task(", destination: api"), task(", destination: api").replace("id: a", "id: b")];
    let folder = contract("fail_fast: false", &[&two[0], &two[1]]);
    assert_eq!(endings(&guarded_run(&folder)), ["a failed exit_code", "b failed circuit_open"]);
}

#[test]
fn a_contracts_breaker_does_not_count_verdicts() {
    let text = |run: &str| {
        format!(
            "error_handling: {{circuit_breaker: {{failure_threshold: 2, reset_timeout: 1h}}}}\nworkflow:\n  name: t\n  tasks:\n    - {{id: a, type: validator, run: {run}}}\n    - {{id: guard, type: validator, tags: [security], run: {run}}}\n  coordination: {{rules: {{fail_fast: false}}}}\n"
        )
    };
    let folder = Folder::with(&text("exit 1"));
    for _ in 0..4 {
        assert_eq!(endings(&guarded_run(&folder)), ["a failed exit_code", "guard failed exit_code"]);
    }
    // What cannot even be asked is counted, but never for what guards the door.
    let folder = Folder::with(&text("[no-such-program]"));
    let reasons: BTreeSet<Vec<String>> = (0..3).map(|_| endings(&guarded_run(&folder))).collect();
    let ends = |a: &str| vec![format!("a failed {a}"), "guard failed spawn".to_owned()];
    assert_eq!(reasons, BTreeSet::from([ends("circuit_open"), ends("spawn")]));
}

#[test]
fn runs_side_by_side_lose_no_failure() {
    // Each counts one, whoever writes first.
    let folder = contract("", &["id: a, run: exit 1, circuit_breaker: {failure_threshold: 100}"]);
    let children: Vec<Child> = (0..8).map(|_| start_with_state(&folder)).collect();
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(1));
    }
    assert_eq!(circuit(&folder), json!({"state": "closed", "failures": 8}));
    let left: Vec<PathBuf> =
        std::fs::read_dir(folder.path().join("state/onex")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left.len(), 2, "the states and their lock: {left:?}");
}
