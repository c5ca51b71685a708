//! What nodes print is shown as they print it, line by line, and profile mode says how long they took.

use serde_json::Value;

use crate::support::Folder;

const TWO: &str = r#"
workflow:
  name: w
  coordination: {rules: {fail_fast: false}}
  tasks:
    - {id: one, run: "printf 'first\nsec'; printf 'ond\nno end'"}
    - {id: other, run: "printf '\\033[31mred\\033[0m\n' >&2; exit 3", depends_on: [one]}
"#;

#[test]
fn lines_are_shown_whole_with_their_node_and_a_failure_is_not_shown_twice() {
    let folder = Folder::with(TWO);
    let ended =
        folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human", "--output", "live"]);
    let lines: Vec<&str> = ended.stdout.lines().map(str::trim_end).skip(1).take(6).collect();
    assert_eq!(&lines[..3], ["one   │ first", "one   │ second", "one   │ no end"], "{}", ended.stdout);
    assert!(lines[3].contains("one") && lines[3].contains('✅'));
    assert_eq!(lines[4], "other │ red");
    assert!(lines[5].contains("other") && lines[5].contains("exit code 3"));
    assert_eq!(ended.stdout.matches("red").count(), 1, "{}", ended.stdout);
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
}

#[test]
fn beside_a_document_they_are_shown_on_standard_error() {
    let folder = Folder::with(TWO);
    let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "json", "--output", "live"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["results"][0]["stdout"], "first\nsecond\nno end");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines, ["one   │ first", "one   │ second", "one   │ no end", "other │ red"]);
}

#[test]
fn a_line_is_shown_before_its_node_ends() {
    let folder = Folder::with(
        "workflow: {name: w, tasks: [{id: a, run: 'echo now; while ! test -e seen; do sleep 0.01; done'}]}",
    );
    let mut child =
        folder.start(&["orch", "--contract", "contract.yaml", "--format", "human", "--output", "live"]);
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("now") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut reader, &mut line).unwrap(), 0, "the line never came");
    }
    folder.write("seen", "");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_profile_is_made_of_the_events_of_all_runs() {
    let folder = Folder::with(
        r"
workflow:
  name: w
  tasks:
    - {id: a, run: [sleep, '0.02']}
    - {id: b, run: [/bin/true], depends_on: [a]}
    - {id: c, run: [sleep, '0.01'], depends_on: [a]}
    - {id: d, run: [/bin/true], depends_on: [b, c], retry: {max_attempts: 3}}
",
    );
    let report = folder.report(&["--mode", "profile", "--repeat", "5", "--events", "events.jsonl"]);
    let profile = &report["profile"];
    assert_eq!((&profile["runs"], &report["mode"]), (&5.into(), &"profile".into()));
    assert_eq!(profile["critical_path"], serde_json::json!(["a", "c", "d"]));
    let events: Vec<Value> =
        folder.read("events.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for node in profile["nodes"].as_array().unwrap() {
        let of_node = |e: &&Value| e["kind"] == "attempt_finished" && e["node_id"] == node["node_id"];
        let mut durations: Vec<u64> =
            events.iter().filter(of_node).map(|e| e["duration_us"].as_u64().unwrap()).collect();
        durations.sort_unstable();
        assert_eq!((durations.len(), &node["count"]), (5, &5.into()));
        // By nearest rank, the median of five is the third.
        let millis = |us: u64| serde_json::json!(us as f64 / 1000.0);
        assert_eq!((&node["p50_ms"], &node["max_ms"]), (&millis(durations[2]), &millis(durations[4])));
    }
    let runs: std::collections::BTreeSet<&str> =
        events.iter().map(|e| e["run_id"].as_str().unwrap()).collect();
    assert_eq!(runs.len(), 5, "each repetition is a run of its own");
}

#[test]
fn what_fails_is_profiled_once_and_not_repeated() {
    let folder = Folder::with(
        "workflow: {name: w, tasks: [{id: a, run: 'echo x >> tried; exit 1', retry: {max_attempts: 3, initial_delay: 0}}]}",
    );
    let report = folder.report(&["--mode", "profile", "--repeat", "4"]);
    assert_eq!((&report["exit_code"], &report["profile"]["runs"]), (&1.into(), &1.into()));
    assert_eq!(folder.read("tried"), "x\n");
    let misuse = folder.onex(&["orch", "--contract", "contract.yaml", "--repeat", "4"]);
    assert_eq!(misuse.code, 2);
    assert!(misuse.stderr.contains("--mode profile"), "{}", misuse.stderr);
}
